//! A PB client that asks one thing and waits for the answer: what the client commands speak with.

use crate::pb::{ClientLogin, Event, Failure, Fatal, LoginProgress, Refused, Session, Value};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// How long a master may be silent.
const SILENCE: Duration = Duration::from_secs(60);

/// How long an address may take to answer.
const CONNECT_WITHIN: Duration = Duration::from_secs(15);

const LOGIN: u64 = 0;
const QUESTION: u64 = 1;

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The master can't be reached.
    #[error("cannot reach {0}: {1}")]
    Unreachable(String, io::Error),
    /// It went away, or speaks something else.
    #[error("the connection to the master broke: {0}")]
    Broken(String),
    /// It said no.
    #[error("the master refused: {}", said(.0))]
    Refused(Failure),
}

fn said(failure: &Failure) -> String {
    match failure.value.as_str() {
        _ if failure.is_unauthorized_login() => "wrong user or password".to_owned(),
        "" => failure.class.clone(),
        value => format!("{}: {value}", failure.class),
    }
}

impl From<Fatal> for ClientError {
    fn from(fatal: Fatal) -> ClientError {
        ClientError::Broken(fatal.to_string())
    }
}

impl From<Refused> for ClientError {
    fn from(refused: Refused) -> ClientError {
        ClientError::Broken(refused.to_string())
    }
}

/// Logs in at `master` (`HOST:PORT`), calls `method` of the avatar, and gives what it answers.
///
/// # Errors
/// See [`ClientError`].
pub fn call_avatar(
    master: &str,
    user: &str,
    password: &str,
    method: &str,
    args: &[Value],
) -> Result<Value, ClientError> {
    let mut stream = connect(master).map_err(|error| ClientError::Unreachable(master.to_owned(), error))?;
    let broken = |error: io::Error| ClientError::Broken(error.to_string());
    stream.set_read_timeout(Some(SILENCE)).map_err(broken)?;
    let mut session = Session::client();
    let mut login = ClientLogin::new(user, password.into(), None, LOGIN);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        stream.write_all(&session.take_output()).map_err(broken)?;
        let count = stream.read(&mut buffer).map_err(broken)?;
        if count == 0 {
            return Err(ClientError::Broken("the master closed it".to_owned()));
        }
        session.push(&buffer[..count]);
        while let Some(event) = session.next_event()? {
            match login.on_event(event, &mut session) {
                LoginProgress::Waiting => {}
                LoginProgress::LoggedIn { avatar } => session.call(avatar, method, args, &[], QUESTION)?,
                LoginProgress::Refused(failure) => return Err(ClientError::Refused(failure)),
                LoginProgress::Pass(Event::Answered { token: QUESTION, result }) => {
                    return result.map_err(ClientError::Refused);
                }
                LoginProgress::Pass(Event::Call(call)) => {
                    let failure = Failure::no_such_method(&call.method);
                    session.reject(call, &failure);
                }
                LoginProgress::Pass(_) => {}
            }
        }
    }
}

fn connect(master: &str) -> io::Result<TcpStream> {
    let mut refused = io::Error::new(io::ErrorKind::NotFound, "no such host");
    for address in master.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_WITHIN) {
            Ok(stream) => return Ok(stream),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}
