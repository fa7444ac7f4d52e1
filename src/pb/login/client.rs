//! The asking end of a login: what our worker agent and our command-line tools do first on a connection.

use super::challenge::Secret;
use crate::pb::failure::Failure;
use crate::pb::session::{Callee, Event, Session};
use crate::pb::value::{Luid, Target, Value};

/// How far a login has come after an event.
#[derive(Debug)]
pub enum LoginProgress {
    /// The event was a matter of login; more must come.
    Waiting,
    /// The event was none; a master may call the mind before the login ends.
    Pass(Event),
    /// The master lets us in; calls go to its avatar.
    LoggedIn {
        /// The avatar.
        avatar: Luid,
    },
    /// The master does not, or is no master.
    Refused(Failure),
}

#[derive(Debug)]
enum Step {
    Connect,
    Challenge,
    Respond,
    Ended,
}

/// One login of one connection.
#[derive(Debug)]
pub struct ClientLogin {
    username: String,
    secret: Secret,
    mind: Option<u64>,
    token: u64,
    step: Step,
}

impl ClientLogin {
    /// Prepares a login; it begins by itself at [`Event::Ready`].
    ///
    /// `mind` is the key of the object that the master will call, if any; `token` marks the two calls of the login
    /// and must not be used for others before it ends.
    pub fn new(username: impl Into<String>, secret: Secret, mind: Option<u64>, token: u64) -> ClientLogin {
        ClientLogin { username: username.into(), secret, mind, token, step: Step::Connect }
    }

    /// Takes the next event of the session.
    pub fn on_event(&mut self, event: Event, session: &mut Session) -> LoginProgress {
        match (&self.step, event) {
            (Step::Connect, Event::Ready) => {
                let username = Value::bytes(self.username.clone());
                self.call(session, Step::Challenge, Callee::Root, "login", &[username])
            }
            (Step::Challenge, Event::Answered { token, result }) if token == self.token => match result {
                Ok(answer) => self.respond(&answer, session),
                Err(failure) => self.refused(failure),
            },
            (Step::Respond, Event::Answered { token, result }) if token == self.token => {
                match result.map(|value| value.as_remote()) {
                    Ok(Some(avatar)) => {
                        self.step = Step::Ended;
                        LoginProgress::LoggedIn { avatar }
                    }
                    Ok(None) => self.refused(Failure::type_error("the login gave no avatar")),
                    Err(failure) => self.refused(failure),
                }
            }
            (_, other) => LoginProgress::Pass(other),
        }
    }

    fn respond(&mut self, answer: &Value, session: &mut Session) -> LoginProgress {
        let [challenge, challenger] = answer.as_items().unwrap_or_default() else {
            return self.refused(Failure::type_error("the login gave no challenge"));
        };
        let (Some(challenge), Some(challenger)) = (challenge.as_bytes(), challenger.as_remote()) else {
            return self.refused(Failure::type_error("the login gave no challenge"));
        };
        let response = Value::bytes(self.secret.respond(challenge).to_vec());
        let mind = Value::from(self.mind.map(Target::Key));
        let progress = self.call(session, Step::Respond, challenger.into(), "respond", &[response, mind]);
        session.release(challenger);
        progress
    }

    fn call(
        &mut self,
        session: &mut Session,
        next: Step,
        object: Callee,
        method: &str,
        args: &[Value],
    ) -> LoginProgress {
        match session.call(object, method, args, &[], self.token) {
            Ok(()) => {
                self.step = next;
                LoginProgress::Waiting
            }
            Err(refused) => self.refused(Failure::runtime_error(refused.to_string())),
        }
    }

    fn refused(&mut self, failure: Failure) -> LoginProgress {
        self.step = Step::Ended;
        LoginProgress::Refused(failure)
    }
}
