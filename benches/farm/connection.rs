//! One connection of a player to the master: the socket, the session, and the part that is played over it.

use crate::Fallible;
use crate::farm::Tally;
use bellwether::model::Mono;
use bellwether::pb::{ClientLogin, Event, LoginProgress, Luid, Session};
use bytes::{Buf, Bytes};
use mio::net::TcpStream;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;

/// The login's calls are marked with this; parts mark theirs with others.
const LOGIN: u64 = 0;
/// What a part marks its calls with.
pub const TOKEN: u64 = 1;
/// The object of a part that the master calls first.
pub const MIND: u64 = 0;
/// Things said on one connection before the others have their turn.
const SAID_PER_TURN: usize = 8;

/// What is played over a connection.
pub trait Part {
    /// The master has let the part in.
    fn attached(&mut self, avatar: Luid, tally: &mut Tally);

    /// The master calls or answers.
    fn hear(&mut self, event: Event, session: &mut Session, tally: &mut Tally, now: Mono) -> Fallible<()>;

    /// Says the next thing, if there is one to be said; asked when everything said before has left.
    fn speak(&mut self, session: &mut Session) -> Fallible<bool>;
}

/// See the module.
pub struct Connection<P> {
    pub stream: TcpStream,
    pub part: P,
    session: Session,
    login: ClientLogin,
    leaving: Bytes,
}

impl<P: Part> Connection<P> {
    /// Connects.
    pub fn open(address: SocketAddr, user: &str, password: &str, part: P) -> Fallible<Connection<P>> {
        // On this machine the answer is immediate.
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream: TcpStream::from_std(stream),
            part,
            session: Session::client(),
            login: ClientLogin::new(user, password.into(), Some(MIND), LOGIN),
            leaving: Bytes::new(),
        })
    }

    /// Reads and writes what can be now. True if there is more to say, and room for it.
    pub fn act(&mut self, buffer: &mut [u8], tally: &mut Tally, now: Mono) -> Fallible<bool> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err("the master closed a connection".into()),
                Ok(count) => self.hear(&buffer[..count], tally, now)?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        for _ in 0..SAID_PER_TURN {
            if self.leaving.is_empty() {
                if self.session.output_len() == 0 && !self.part.speak(&mut self.session)? {
                    return Ok(false);
                }
                self.leaving = self.session.take_output();
            }
            match self.stream.write(&self.leaving) {
                Ok(count) => self.leaving.advance(count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    fn hear(&mut self, bytes: &[u8], tally: &mut Tally, now: Mono) -> Fallible<()> {
        self.session.push(bytes);
        while let Some(event) = self.session.next_event()? {
            match self.login.on_event(event, &mut self.session) {
                LoginProgress::Waiting => {}
                LoginProgress::LoggedIn { avatar } => self.part.attached(avatar, tally),
                LoginProgress::Refused(failure) => return Err(format!("login refused: {failure}").into()),
                LoginProgress::Pass(event) => self.part.hear(event, &mut self.session, tally, now)?,
            }
        }
        Ok(())
    }
}
