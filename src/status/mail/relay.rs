//! The way to a relay: one letter, one answer.

use super::letter::Letter;
use super::outbox::Undelivered;
use crate::config::{Config, Mail, MailTls};
use crate::status::limits::RELAY_PATIENCE;
use lettre::message::header::{self, ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::response::Category;
use lettre::{Message, SmtpTransport, Transport};

/// Hands a letter to the relay and waits for its answer, not for ever.
pub(super) fn deliver(mail: &Mail, config: &Config, letter: &Letter) -> Result<(), Undelivered> {
    let message = compose(mail, letter).map_err(Undelivered::Never)?;
    let transport = transport(mail, config).map_err(Undelivered::Later)?;
    transport.send(&message).map(drop).map_err(|error| {
        // Where the relay refuses us, not the letter, somebody will set that right.
        let is_about_the_letter = error.status().is_some_and(|code| code.category == Category::MailSystem);
        let why = format!("{}:{}: {}", mail.host, mail.port, root_of(&error));
        if error.is_permanent() && is_about_the_letter {
            Undelivered::Never(why)
        } else {
            Undelivered::Later(why)
        }
    })
}

fn compose(mail: &Mail, letter: &Letter) -> Result<Message, String> {
    let from = mail.from.parse().map_err(|error| format!("{}: {error}", mail.from))?;
    let to = letter.to.parse().map_err(|error| format!("{}: {error}", letter.to))?;
    // No machine should answer it.
    let auto = HeaderName::new_from_ascii_str("Auto-Submitted");
    Message::builder()
        .from(from)
        .to(to)
        .subject(letter.subject.as_str())
        .message_id(None)
        .header(ContentType::TEXT_PLAIN)
        .raw_header(HeaderValue::new(auto, "auto-generated".to_owned()))
        .header(header::ContentTransferEncoding::QuotedPrintable)
        .body(letter.body.clone())
        .map_err(|error| error.to_string())
}

fn transport(mail: &Mail, config: &Config) -> Result<SmtpTransport, String> {
    let parameters = || TlsParameters::new(mail.host.clone()).map_err(|error| root_of(&error));
    let tls = match mail.tls {
        MailTls::None => Tls::None,
        MailTls::Starttls => Tls::Required(parameters()?),
        MailTls::Implicit => Tls::Wrapper(parameters()?),
    };
    let transport = SmtpTransport::builder_dangerous(mail.host.as_str())
        .port(mail.port)
        .tls(tls)
        .timeout(Some(RELAY_PATIENCE));
    let transport = match &mail.login {
        None => transport,
        Some(login) => {
            let password = login.password.resolve(&config.secrets)?;
            transport.credentials(Credentials::new(login.user.clone(), password.reveal().to_owned()))
        }
    };
    Ok(transport.build())
}

/// An error with what brought it about.
fn root_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}
