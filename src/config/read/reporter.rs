//! `reporters`.

use super::worker::Address;
use super::{Read, Spanned, Table, one_of};
use crate::config::findings::{Findings, nearest};
use crate::config::yaml::Node;
use crate::config::{Mail, MailLogin, MailTls, Reporter, ReporterKind, Secret};

impl Read for Spanned<Reporter> {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let kind: Spanned<String> = table.required("type", findings)?;
        let name: Option<Spanned<String>> = table.optional("name", findings);
        let read = match kind.value.as_str() {
            "mail" => mail(&mut table, findings).map(ReporterKind::Mail),
            other => {
                let hint = nearest(other, &["mail"]);
                findings.complain(kind.at, format!("unknown type {other:?} of reporter"), hint);
                return None;
            }
        };
        let at = name.as_ref().map_or(table.at(), |name| name.at);
        table.finish(findings);
        Some(Spanned {
            value: Reporter { name: name.map_or(kind.value, |name| name.value), kind: read? },
            at,
        })
    }
}

fn mail(table: &mut Table, findings: &mut Findings) -> Option<Mail> {
    let from = table.required("from", findings);
    let relay: Option<Spanned<String>> = table.required("relay", findings);
    let user: Option<Spanned<String>> = table.optional("user", findings);
    let password: Option<Secret> = table.optional("password", findings);
    let kinds = [("none", MailTls::None), ("starttls", MailTls::Starttls), ("implicit", MailTls::Implicit)];
    let tls = match table.node("tls", findings) {
        Some(node) => one_of(node, &kinds, findings)?,
        None if user.is_some() => MailTls::Starttls,
        None => MailTls::None,
    };
    if let Some(user) = user.as_ref().filter(|_| password.is_none() || tls == MailTls::None) {
        let (what, hint) = match password {
            None => ("a user without a password cannot log in", "give the `password` too"),
            Some(_) => ("the password would go over the wire as it is", "write `tls: starttls`"),
        };
        findings.complain(user.at, what, hint);
    }
    let Spanned { value: relay, at } = relay?;
    let usual = match tls {
        MailTls::None => 25,
        MailTls::Starttls => 587,
        MailTls::Implicit => 465,
    };
    let (host, port) = match relay.rsplit_once(':') {
        None => (relay.as_str(), Some(usual)),
        Some((host, port)) => (host, port.parse().ok().filter(|port| *port > 0)),
    };
    let Some(port) = port.filter(|_| !host.is_empty()) else {
        findings.complain(
            at,
            format!("{relay:?} is no host and port"),
            "write one like `smtp.example.org:25`",
        );
        return None;
    };
    let Address(from) = from?;
    let login = user.zip(password).map(|(user, password)| MailLogin { user: user.value, password });
    Some(Mail { from, host: host.to_owned(), port, tls, login })
}
