//! A PB client that waits for its answers: what the client commands speak with.

use crate::pb::{Call, ClientLogin, Event, Failure, Fatal, LoginProgress, Luid, Refused, Session, Value};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// How long a master may be silent when it is asked something.
const SILENCE: Duration = Duration::from_secs(60);

/// How long an address may take to answer.
const CONNECT_WITHIN: Duration = Duration::from_secs(15);

/// The most bytes read at a time.
const READ_BYTES: usize = 64 * 1024;

const LOGIN: u64 = 0;
/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The master can't be reached.
    #[error("cannot reach {0}: {1}")]
    Unreachable(String, io::Error),
    /// It went away, or speaks something else.
    #[error("the connection to the master broke: {0}")]
    Broken(String),
    /// It says nothing.
    #[error("the master has not answered for {} s", SILENCE.as_secs())]
    Silent,
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

impl ClientError {
    /// The exit code that tells of it: the answer is no, or the question could not be asked.
    pub fn exit_code(&self) -> u8 {
        if matches!(self, ClientError::Refused(_)) { super::NO } else { super::UNASKED }
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

/// A connection that is logged in.
pub struct Client {
    stream: TcpStream,
    session: Session,
    buffer: Vec<u8>,
    avatar: Luid,
    last_token: u64,
    /// What came while an answer was waited for.
    heard: VecDeque<Heard>,
}

/// What the master says while nobody waits for an answer.
#[derive(Debug)]
pub enum Heard {
    /// It calls an object of ours; it has its answer, which is nothing.
    Called {
        /// What it calls.
        method: String,
        /// With what.
        args: Vec<Value>,
    },
    /// A question of [`Client::begin`] is answered.
    Answered {
        /// As `begin` gave it.
        token: u64,
        /// What came back.
        answer: Result<Value, Failure>,
    },
}

impl Client {
    /// Logs in at `master` (`HOST:PORT`).
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn log_in(master: &str, user: &str, password: &str) -> Result<Client, ClientError> {
        let stream = connect(master).map_err(|error| ClientError::Unreachable(master.to_owned(), error))?;
        stream.set_read_timeout(Some(SILENCE)).map_err(broken)?;
        let mut session = Session::client();
        session.trust();
        let mut login = ClientLogin::new(user, password.into(), None, LOGIN);
        let (avatar, buffer) = (Luid(0), vec![0; READ_BYTES]);
        let mut client =
            Client { stream, session, buffer, avatar, last_token: LOGIN, heard: VecDeque::new() };
        loop {
            let event = client.next_event()?;
            match login.on_event(event, &mut client.session) {
                LoginProgress::Waiting => {}
                LoginProgress::LoggedIn { avatar } => {
                    client.avatar = avatar;
                    return Ok(client);
                }
                LoginProgress::Refused(failure) => return Err(ClientError::Refused(failure)),
                LoginProgress::Pass(event) => client.keep(event),
            }
        }
    }

    /// What the login gave.
    pub fn avatar(&self) -> Luid {
        self.avatar
    }

    /// Calls a method and waits for its answer.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn call(&mut self, object: Luid, method: &str, args: &[Value]) -> Result<Value, ClientError> {
        let asked = self.begin(object, method, args)?;
        loop {
            match self.next_event()? {
                Event::Answered { token, result } if token == asked => {
                    return result.map_err(ClientError::Refused);
                }
                event => self.keep(event),
            }
        }
    }

    /// Calls a method whose answer may take long: it is heard later, with the token that this returns.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn begin(&mut self, object: Luid, method: &str, args: &[Value]) -> Result<u64, ClientError> {
        self.last_token += 1;
        self.session.call(object, method, args, &[], self.last_token)?;
        Ok(self.last_token)
    }

    /// Waits for what the master says next, however long it takes; asks whether it is there after each silence.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn hear(&mut self) -> Result<Heard, ClientError> {
        let mut asked = None;
        loop {
            if let Some(heard) = self.heard.pop_front() {
                match heard {
                    // To the master it may be an unknown word: that too is an answer.
                    Heard::Answered { token, .. } if asked == Some(token) => asked = None,
                    heard => return Ok(heard),
                }
            }
            match self.next_event() {
                Ok(event) => self.keep(event),
                Err(ClientError::Silent) if asked.is_none() => {
                    asked = Some(self.begin(self.avatar, "ping", &[])?);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn keep(&mut self, event: Event) {
        match event {
            Event::Call(Call { request, method, args, .. }) => {
                self.session.answer(request, &Value::None);
                self.heard.push_back(Heard::Called { method, args });
            }
            Event::Answered { token, result } => {
                self.heard.push_back(Heard::Answered { token, answer: result })
            }
            // Our object lives as long as the connection.
            Event::Ready | Event::Released { .. } => {}
        }
    }

    fn next_event(&mut self) -> Result<Event, ClientError> {
        loop {
            if let Some(event) = self.session.next_event()? {
                return Ok(event);
            }
            self.stream.write_all(&self.session.take_output()).map_err(broken)?;
            match self.stream.read(&mut self.buffer) {
                Ok(0) => return Err(ClientError::Broken("the master closed it".to_owned())),
                Ok(count) => self.session.push(&self.buffer[..count]),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return Err(ClientError::Silent);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(broken(error)),
            }
        }
    }
}

fn broken(error: io::Error) -> ClientError {
    ClientError::Broken(error.to_string())
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
