//! The checking end of a login: sits between a [`Session`] and the owner of the users behind it.

use super::challenge::{CHALLENGE_BYTES, Proof};
use crate::pb::failure::Failure;
use crate::pb::limits::{LOGINS_MAX, USERNAME_BYTES_MAX};
use crate::pb::session::{Call, Event, Request, Session};
use crate::pb::value::{Luid, Target, Value};
use std::collections::BTreeMap;

/// Keys of objects from here on belong to [`Login`]; an owner's own keys stay below.
pub const LOGIN_KEYS: u64 = 1 << 63;

/// Knows the users of a port.
pub trait Checker {
    /// Bytes that nobody can guess, new ones each time.
    fn challenge(&mut self) -> [u8; CHALLENGE_BYTES];
    /// Is there such a user, and does the proof match the password?
    fn check(&mut self, username: &str, proof: &Proof) -> bool;
}

/// What became of an event.
#[derive(Debug)]
pub enum LoginStep {
    /// It was a matter of login, and is dealt with.
    Done,
    /// It was none.
    Pass(Event),
    /// A user could not prove who he is, or there is none of this name; the peer has been told.
    Refused {
        /// The name, as the peer gave it.
        username: String,
    },
    /// A user has proven who he is. The request waits for the avatar, `Value::local(key)`; by then
    /// the owner may already call the mind, as real masters do.
    LoggedIn {
        /// The name.
        username: String,
        /// The client's own object, if it has one: a worker does, a tool does not.
        mind: Option<Luid>,
        /// To be answered with the avatar, or failed.
        request: Request,
    },
}

/// The logins of one connection.
#[derive(Debug, Default)]
pub struct Login {
    begun: u64,
    /// Challenges without a response: key of the challenger to name and challenge.
    asked: BTreeMap<u64, (String, [u8; CHALLENGE_BYTES])>,
}

impl Login {
    /// For a new connection.
    pub fn new() -> Login {
        Login::default()
    }

    /// Deals with calls of `root` and of challengers; passes everything else on.
    pub fn on_event(&mut self, event: Event, session: &mut Session, checker: &mut impl Checker) -> LoginStep {
        match event {
            Event::Call(call) => match (call.object, &*call.method) {
                (Target::Root, "login") => self.ask(call, session, checker),
                (Target::Root, "loginAnonymous") => refuse(call, session, &Failure::anonymous_login()),
                (Target::Key(key), "respond") if key >= LOGIN_KEYS => self.check(key, call, session, checker),
                (Target::Key(key), _) if key < LOGIN_KEYS => LoginStep::Pass(Event::Call(call)),
                (_, method) => {
                    let failure = Failure::no_such_method(method);
                    refuse(call, session, &failure)
                }
            },
            Event::Released { key } if key >= LOGIN_KEYS => {
                self.asked.remove(&key);
                LoginStep::Done
            }
            other => LoginStep::Pass(other),
        }
    }

    /// Step 1: the same answer whether the user is known or not.
    fn ask(&mut self, call: Call, session: &mut Session, checker: &mut impl Checker) -> LoginStep {
        let Some(username) = call.arg(0, "username").and_then(Value::to_str_lossy) else {
            return refuse(call, session, &Failure::type_error("login() takes a user name"));
        };
        if username.len() > USERNAME_BYTES_MAX || self.begun == LOGINS_MAX {
            return refuse(call, session, &Failure::unauthorized_login());
        }
        let (key, challenge) = (LOGIN_KEYS + self.begun, checker.challenge());
        self.asked.insert(key, (username.into_owned(), challenge));
        self.begun += 1;
        let challenger = Value::local(key);
        session.answer(call.request, &Value::tuple([Value::bytes(challenge.to_vec()), challenger]));
        LoginStep::Done
    }

    /// Step 2: a challenge serves once.
    fn check(
        &mut self,
        key: u64,
        call: Call,
        session: &mut Session,
        checker: &mut impl Checker,
    ) -> LoginStep {
        let response = call.arg(0, "response").and_then(Value::as_bytes);
        let mind = call.arg(1, "mind").and_then(|mind| match mind {
            Value::None => Some(None),
            other => other.as_remote().map(Some),
        });
        let (Some(response), Some(mind)) = (response, mind) else {
            return refuse(call, session, &Failure::type_error("respond() takes a response and a mind"));
        };
        let Some((username, challenge)) = self.asked.remove(&key) else {
            return refuse(call, session, &Failure::unauthorized_login());
        };
        let proof = Proof { challenge, response: response.clone() };
        if checker.check(&username, &proof) {
            session.trust();
            return LoginStep::LoggedIn { username, mind, request: call.request };
        }
        session.reject(call, &Failure::unauthorized_login());
        LoginStep::Refused { username }
    }
}

fn refuse(call: Call, session: &mut Session, failure: &Failure) -> LoginStep {
    session.reject(call, failure);
    LoginStep::Done
}
