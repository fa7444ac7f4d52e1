//! One connection of a msgpack worker as a state machine: requests and answers by number (`msgpack.md` §2), shown as
//! the calls and answers of a PB worker.
//!
//! It is used as [`pb::Session`](crate::pb::Session) is, and knows as little of sockets and time.

use super::packed::{UnpackError, pack, unpack};
use super::websocket::{self, Got, Socket};
use super::worker::{self, Fields, Meaning, Said, Then, Worker};
use crate::pb::banana::Sexp;
use crate::pb::failure::Failure;
use crate::pb::limits::CALLS_MAX;
use crate::pb::session::{Call, Callee, Event, Request};
use crate::pb::value::{Luid, Value};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What came of a peer's bytes.
#[derive(Debug)]
pub enum Heard {
    /// The peer has proved to be this user, and has been told so.
    LoggedIn(String),
    /// It could not, and is to be closed; without a name if it gave none.
    Refused(String),
    /// As on a PB connection.
    Event(Event),
}

/// Why the connection must be closed at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fatal {
    /// No WebSocket, or its end.
    #[error(transparent)]
    Socket(#[from] websocket::Fatal),
    /// A message is no MessagePack.
    #[error("not a message: {0}")]
    Message(#[from] UnpackError),
    /// An answer to a request that was not made or already answered.
    #[error("answer to an unknown request")]
    UnknownRequest,
}

/// One end of a connection.
#[derive(Debug, Default)]
pub struct Session {
    socket: Socket,
    worker: Worker,
    /// Requests of ours without an answer, by number: the owner's token, and what the answer is for.
    asked: BTreeMap<i64, (u64, Meaning)>,
    next_number: i64,
    /// Events that are not taken yet: what the last message meant, and answers that needed nothing of the peer.
    found: VecDeque<Event>,
    unanswered: usize,
}

impl Session {
    /// The end that accepted the connection.
    pub fn server() -> Session {
        Session::default()
    }

    /// The worker itself, which logs in without giving an object.
    pub fn bot(&self) -> Luid {
        worker::BOT
    }

    /// Takes bytes as they came; [`Session::next_event`] says what they mean.
    pub fn push(&mut self, bytes: &[u8]) {
        self.socket.push(bytes);
    }

    /// The next event, or `None` until more bytes come; `is_user` says whether somebody has this name and password.
    ///
    /// # Errors
    /// The connection must be closed at once.
    pub fn next_event(
        &mut self,
        mut is_user: impl FnMut(&str, &str) -> bool,
    ) -> Result<Option<Heard>, Fatal> {
        loop {
            if let Some(event) = self.found.pop_front() {
                return Ok(Some(Heard::Event(event)));
            }
            let message = match self.socket.next(&mut is_user)? {
                None => return Ok(None),
                Some(Got::LoggedIn(user)) => return Ok(Some(Heard::LoggedIn(user))),
                Some(Got::Refused(user)) => return Ok(Some(Heard::Refused(user))),
                Some(Got::Message(message)) => unpack(message)?,
            };
            let number = message.get("seq_number").and_then(Value::as_int);
            // As real masters and workers do, what has no number or no word is left out.
            let (Some(number), Some(op)) = (number, message.get("op").and_then(Value::as_str)) else {
                continue;
            };
            match op {
                "response" => self.answered(number, &message)?,
                op => self.called(number, op, &message),
            }
        }
    }

    fn answered(&mut self, number: i64, message: &Value) -> Result<(), Fatal> {
        let (token, meaning) = self.asked.remove(&number).ok_or(Fatal::UnknownRequest)?;
        let result = message.get("result").cloned().unwrap_or(Value::None);
        let failed = message.get("is_exception").and_then(Value::as_bool).unwrap_or(false);
        let result = if failed { Err(Failure::from_value(&result)) } else { Ok(result) };
        match self.worker.answered(meaning, result) {
            Then::Answer(result) => self.found.push_back(Event::Answered { token, result }),
            Then::Ask(fields, meaning) => self.ask(fields, token, meaning),
            Then::Wait => {}
        }
        Ok(())
    }

    fn called(&mut self, number: i64, op: &str, message: &Value) {
        let request = Request { id: Sexp::Int(number), wants_answer: true };
        self.unanswered += 1;
        match self.worker.called(op, message) {
            Ok(worker::Heard::Call(object, method, args)) => {
                let (method, kwargs, received) = (method.to_owned(), Vec::new(), Vec::new());
                self.found.push_back(Event::Call(Call { request, object, method, args, kwargs, received }));
            }
            Ok(worker::Heard::Noted) => self.answer(request, &Value::None),
            Ok(worker::Heard::Answered(token, result)) => {
                self.answer(request, &Value::None);
                self.found.push_back(Event::Answered { token, result });
            }
            Err(text) => self.reply(&request, Value::from(text), true),
        }
    }

    /// Calls a method of the worker's, or of one of its builders'; its end comes as [`Event::Answered`] with `token`.
    pub fn call(&mut self, object: Callee, method: &str, args: &[Value], token: u64) {
        let said = if self.asked.len() < CALLS_MAX {
            self.worker.call(object, method, args, token)
        } else {
            Err(Failure::runtime_error("too many calls without an answer"))
        };
        match said {
            Ok(Said::Request(fields, meaning)) => self.ask(fields, token, meaning),
            Ok(Said::Answer(value)) => self.found.push_back(Event::Answered { token, result: Ok(value) }),
            Err(failure) => self.found.push_back(Event::Answered { token, result: Err(failure) }),
        }
    }

    fn ask(&mut self, mut fields: Fields, token: u64, meaning: Meaning) {
        let number = self.next_number;
        fields.push(("seq_number", Value::Int(number)));
        let mut message = Vec::new();
        if let Err(error) = pack(&Value::dict(fields), &mut message) {
            let failure = Failure::value_error(error.to_string());
            match self.worker.answered(meaning, Err(failure)) {
                Then::Answer(result) => self.found.push_back(Event::Answered { token, result }),
                Then::Ask(..) | Then::Wait => {}
            }
            return;
        }
        self.next_number += 1;
        self.asked.insert(number, (token, meaning));
        self.socket.send(message);
    }

    /// Answers a call. Only blocks of a file are told: nothing else means anything to a worker.
    pub fn answer(&mut self, request: Request, value: &Value) {
        let result = if matches!(value, Value::Bytes(_)) { value.clone() } else { Value::None };
        self.reply(&request, result, false);
    }

    /// Ends a call with a failure.
    pub fn fail(&mut self, request: Request, failure: &Failure) {
        self.reply(&request, Value::from(failure.value.as_str()), true);
    }

    fn reply(&mut self, request: &Request, result: Value, is_exception: bool) {
        self.unanswered = self.unanswered.saturating_sub(1);
        let Sexp::Int(number) = request.id else { return };
        let mut fields =
            vec![("op", Value::from("response")), ("seq_number", Value::Int(number)), ("result", result)];
        if is_exception {
            fields.push(("is_exception", Value::Bool(true)));
        }
        let mut message = Vec::new();
        let packed = pack(&Value::dict(fields), &mut message);
        debug_assert!(packed.is_ok(), "an answer is nothing, bytes or a text");
        self.socket.send(message);
    }

    /// Says goodbye; what waits to be sent still is.
    pub fn close(&mut self) {
        self.socket.close();
    }

    /// The connection is gone: every call of ours ends with `PBConnectionLost`, oldest first.
    pub fn lost(&mut self) -> Vec<Event> {
        let mut events: Vec<Event> = std::mem::take(&mut self.found).into();
        events.retain(|event| matches!(event, Event::Answered { .. }));
        // A command of our own may wait both for its beginning and for its end.
        let asked = std::mem::take(&mut self.asked).into_values().map(|(token, _)| token);
        let tokens: BTreeSet<u64> = asked.chain(self.worker.lost()).collect();
        let failed = |token| Event::Answered { token, result: Err(Failure::connection_lost()) };
        events.extend(tokens.into_iter().map(failed));
        events
    }

    /// Calls of the peer that the owner has not answered yet.
    pub fn unanswered_calls(&self) -> usize {
        self.unanswered
    }

    /// Takes all bytes that wait to be sent.
    pub fn take_output(&mut self) -> Bytes {
        self.socket.take_output()
    }

    /// Bytes that wait to be sent.
    pub fn output_len(&self) -> usize {
        self.socket.output_len()
    }
}
