//! What a connection speaks: the one place where the protocols differ. Above it, every worker is called, and calls,
//! in the words of `worker-api.md`.

use super::registry::Names;
use crate::kernel::World;
use crate::pb::{
    Call, Callee, Event, Failure, Login, LoginStep, Luid, Request, Session, TextForm, Value, msgpack,
};
use bytes::Bytes;
use bytestring::ByteString;

/// A protocol of workers, by its listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// Perspective Broker: workers of every age, and client tools.
    Pb,
    /// MessagePack over WebSocket: workers of today.
    Msgpack,
}

impl Protocol {
    /// Its name in a worker's `buildbot.tac`.
    pub fn as_str(self) -> &'static str {
        match self {
            Protocol::Pb => "pb",
            Protocol::Msgpack => "msgpack_experimental_v7",
        }
    }
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What came of a peer's bytes.
pub(super) enum Came {
    /// A user has proved who he is. The request, where there is one, waits for the avatar.
    LoggedIn { user: String, mind: Option<Luid>, request: Option<Request> },
    /// A user could not; the peer has been told, and may try again.
    Refused(String),
    /// The same, and it may not.
    TurnedAway(String),
    /// Something that is for the owner.
    Event(Event),
}

/// One end of a connection, in its protocol.
pub(super) enum Wire {
    Pb { session: Box<Session>, login: Login },
    Msgpack(Box<msgpack::Session>),
}

impl Wire {
    pub(super) fn new(protocol: Protocol) -> Wire {
        match protocol {
            Protocol::Pb => Wire::Pb { session: Box::new(Session::server()), login: Login::new() },
            Protocol::Msgpack => Wire::Msgpack(Box::new(msgpack::Session::server())),
        }
    }

    pub(super) fn protocol(&self) -> Protocol {
        match self {
            Wire::Pb { .. } => Protocol::Pb,
            Wire::Msgpack(_) => Protocol::Msgpack,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        match self {
            Wire::Pb { session, .. } => session.push(bytes),
            Wire::Msgpack(session) => session.push(bytes),
        }
    }

    /// What the peer did next; `None` until more bytes come.
    ///
    /// # Errors
    /// Why the connection must be cut off.
    pub(super) fn next(&mut self, names: &Names, world: &mut World) -> Result<Option<Came>, String> {
        match self {
            Wire::Pb { session, login } => loop {
                let event = session.next_event().map_err(|fatal| fatal.to_string())?;
                let Some(event) = event else { return Ok(None) };
                let came = match login.on_event(event, session, &mut names.checker(world)) {
                    LoginStep::Done | LoginStep::Pass(Event::Ready) => continue,
                    LoginStep::LoggedIn { username, mind, request } => {
                        Came::LoggedIn { user: username, mind, request: Some(request) }
                    }
                    LoginStep::Refused { username } => Came::Refused(username),
                    LoginStep::Pass(event) => Came::Event(event),
                };
                return Ok(Some(came));
            },
            Wire::Msgpack(session) => {
                let is_user = |user: &str, password: &str| names.is_worker(user, password);
                let heard = session.next_event(is_user).map_err(|fatal| fatal.to_string())?;
                Ok(heard.map(|heard| match heard {
                    msgpack::Heard::LoggedIn(user) => {
                        Came::LoggedIn { user, mind: Some(session.bot()), request: None }
                    }
                    msgpack::Heard::Refused(user) => Came::TurnedAway(user),
                    msgpack::Heard::Event(event) => Came::Event(event),
                }))
            }
        }
    }

    /// Lets a user in. Over msgpack he is as soon as his password is right.
    pub(super) fn admit(&mut self, request: Option<Request>, avatar: u64) {
        if let (Wire::Pb { session, .. }, Some(request)) = (self, request) {
            session.answer(request, &Value::local(avatar));
        }
    }

    /// Tells a user why he is not let in. Over msgpack the end of the connection is all that can be said.
    pub(super) fn refuse(&mut self, request: Option<Request>, failure: &Failure) {
        if let (Wire::Pb { session, .. }, Some(request)) = (self, request) {
            session.fail(request, failure);
        }
    }

    /// Calls the peer.
    ///
    /// # Errors
    /// The call was not made: the reason.
    pub(super) fn call(
        &mut self,
        object: Callee,
        method: &str,
        args: &[Value],
        kwargs: &[(ByteString, Value)],
        token: u64,
    ) -> Result<(), Failure> {
        match self {
            Wire::Pb { session, .. } => session
                .call(object, method, args, kwargs, token)
                .map_err(|refused| Failure::value_error(refused.to_string())),
            Wire::Msgpack(session) => {
                session.call(object, method, args, token);
                Ok(())
            }
        }
    }

    pub(super) fn answer(&mut self, request: Request, value: &Value) {
        match self {
            Wire::Pb { session, .. } => session.answer(request, value),
            Wire::Msgpack(session) => session.answer(request, value),
        }
    }

    pub(super) fn fail(&mut self, request: Request, failure: &Failure) {
        match self {
            Wire::Pb { session, .. } => session.fail(request, failure),
            Wire::Msgpack(session) => session.fail(request, failure),
        }
    }

    pub(super) fn reject(&mut self, call: Call, failure: &Failure) {
        match self {
            Wire::Pb { session, .. } => session.reject(call, failure),
            Wire::Msgpack(session) => session.fail(call.request, failure),
        }
    }

    /// Only PB counts references.
    pub(super) fn release(&mut self, object: Luid) {
        if let Wire::Pb { session, .. } = self {
            session.release(object);
        }
    }

    /// Only PB has slaves that do not know text.
    pub(super) fn set_text_form(&mut self, form: TextForm) {
        if let Wire::Pb { session, .. } = self {
            session.set_text_form(form);
        }
    }

    /// Says goodbye, where the protocol has a word for it.
    pub(super) fn close(&mut self) {
        if let Wire::Msgpack(session) = self {
            session.close();
        }
    }

    /// The connection is gone: what becomes of the calls without an answer.
    pub(super) fn lost(&mut self) -> Vec<Event> {
        match self {
            Wire::Pb { session, .. } => session.lost(),
            Wire::Msgpack(session) => session.lost(),
        }
    }

    pub(super) fn unanswered_calls(&self) -> usize {
        match self {
            Wire::Pb { session, .. } => session.unanswered_calls(),
            Wire::Msgpack(session) => session.unanswered_calls(),
        }
    }

    pub(super) fn take_output(&mut self) -> Bytes {
        match self {
            Wire::Pb { session, .. } => session.take_output(),
            Wire::Msgpack(session) => session.take_output(),
        }
    }

    pub(super) fn output_len(&self) -> usize {
        match self {
            Wire::Pb { session, .. } => session.output_len(),
            Wire::Msgpack(session) => session.output_len(),
        }
    }
}
