//! One connection as a state machine: negotiation, calls, answers, references (`pb.md` §2, §5, §6).
//!
//! Bytes go in with [`Session::receive`], events come out of it, bytes to send wait in [`Session::take_output`].
//! The owner names its own objects by keys; the session maps keys to the numbers on the wire and back,
//! counts references both ways, and answers by itself what no owner could: calls of unknown objects and
//! arguments that are no values. It knows nothing of passwords, sockets or time.

mod event;
mod receive;
mod references;

pub use event::{Call, Callee, Event, Fatal, Refused, Request};

use super::banana::{Decoder, Dialect, EncodeError, Encoder};
use super::failure::Failure;
use super::jelly::{TextForm, Writer};
use super::limits::*;
use super::value::{Luid, Value};
use bytes::Bytes;
use bytestring::ByteString;
use references::{Exports, Imports};
use std::collections::BTreeMap;

const PROTOCOL_VERSION: i64 = 6;

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Server: dialects are offered, the choice is awaited.
    Offered,
    /// Client: the offer is awaited.
    Choosing,
    Ready,
    Closed,
}

/// One end of a connection.
#[derive(Debug)]
pub struct Session {
    stage: Stage,
    decoder: Decoder,
    output: Encoder,
    text: TextForm,
    exports: Exports,
    imports: Imports,
    last_request: i64,
    /// Our calls without an answer: request id to the owner's token.
    calls: BTreeMap<i64, u64>,
    unanswered: usize,
}

impl Session {
    /// The end that accepted the connection; its offer of dialects waits to be sent.
    ///
    /// Until [`Session::trust`] the peer is a stranger, whose messages must be small.
    pub fn server() -> Session {
        let mut session = Session::new(Stage::Offered);
        session.decoder.set_caps(STRANGER_ITEMS_MAX, STRANGER_BYTES_MAX);
        session.offer();
        session
    }

    /// The end that connected.
    pub fn client() -> Session {
        Session::new(Stage::Choosing)
    }

    fn new(stage: Stage) -> Session {
        Session {
            stage,
            decoder: Decoder::new(Dialect::None),
            output: Encoder::new(Dialect::None),
            text: TextForm::Text,
            exports: Exports::default(),
            imports: Imports::default(),
            last_request: 0,
            calls: BTreeMap::new(),
            unanswered: 0,
        }
    }

    /// From now on messages may be as large as real ones get; a successful login does this.
    pub fn trust(&mut self) {
        self.decoder.set_caps(MESSAGE_ITEMS_MAX, MESSAGE_BYTES_MAX);
    }

    /// From now on text is sent in this form; failures stay text. Starts as [`TextForm::Text`].
    pub fn set_text_form(&mut self, text: TextForm) {
        self.text = text;
    }

    /// Takes all bytes that wait to be sent.
    pub fn take_output(&mut self) -> Bytes {
        self.output.take()
    }

    /// Bytes that wait to be sent.
    pub fn output_len(&self) -> usize {
        self.output.len()
    }

    /// Calls of the peer that the owner has not answered yet; from `limits::UNANSWERED_CALLS_MAX` on, stop reading.
    pub fn unanswered_calls(&self) -> usize {
        self.unanswered
    }

    /// Calls of ours that the peer has not answered yet.
    pub fn calls_in_flight(&self) -> usize {
        self.calls.len()
    }

    /// Objects of ours that the peer holds, and objects of the peer that we hold.
    pub fn references(&self) -> (usize, usize) {
        (self.exports.len(), self.imports.len())
    }

    /// Calls a method of the peer; its end comes as [`Event::Answered`] with `token`.
    pub fn call(
        &mut self,
        object: impl Into<Callee>,
        method: &str,
        args: &[Value],
        kwargs: &[(ByteString, Value)],
        token: u64,
    ) -> Result<(), Refused> {
        match self.stage {
            Stage::Ready if self.calls.len() >= CALLS_MAX => return Err(Refused::TooManyCalls),
            Stage::Ready => {}
            Stage::Closed => return Err(Refused::Closed),
            Stage::Offered | Stage::Choosing => return Err(Refused::NotReady),
        }
        let (id, object) = (self.last_request + 1, object.into());
        self.send(self.text, |message| {
            message.out.list(7)?;
            message.out.string(b"message")?;
            message.out.int(id);
            match object {
                Callee::Root => message.out.string(b"root")?,
                Callee::Object(luid) => message.out.int(luid.0),
            }
            message.out.string(method.as_bytes())?;
            message.out.int(1);
            message.arguments(args)?;
            message.keywords(kwargs)
        })?;
        self.last_request = id;
        self.calls.insert(id, token);
        Ok(())
    }

    /// Answers a call. A value that cannot be sent becomes a failure of the call.
    pub fn answer(&mut self, request: Request, value: &Value) {
        let sent = self.reply(&request, self.text, b"answer", value);
        match sent {
            Ok(()) => self.unanswered = self.unanswered.saturating_sub(1),
            Err(error) => self.fail(request, &Failure::value_error(error.to_string())),
        }
    }

    /// Ends a call with a failure.
    pub fn fail(&mut self, request: Request, failure: &Failure) {
        let sent = self.reply(&request, TextForm::Text, b"error", &failure.to_value());
        debug_assert!(sent.is_ok(), "the texts of a failure are cut to what can be sent");
        self.unanswered = self.unanswered.saturating_sub(1);
    }

    /// Ends a call that nobody took, giving back the references that came with it.
    pub fn reject(&mut self, call: Call, failure: &Failure) {
        self.fail(call.request, failure);
        self.give_back(&call.received);
    }

    /// Drops an object of the peer: gives back every reference received so far. Its number is then no longer ours to use.
    pub fn release(&mut self, luid: Luid) {
        for _ in 0..self.imports.release(luid) {
            self.decref(luid);
        }
    }

    /// The connection is gone: every call of ours ends with `PBConnectionLost`, oldest first.
    pub fn lost(&mut self) -> Vec<Event> {
        self.close();
        let failure = Failure::connection_lost();
        let calls = std::mem::take(&mut self.calls).into_values();
        calls.map(|token| Event::Answered { token, result: Err(failure.clone()) }).collect()
    }

    /// As where Twisted drops a connection: what was not sent yet is not sent any more.
    fn close(&mut self) {
        self.stage = Stage::Closed;
        self.output.truncate(0);
    }

    /// Writes one message whole or not at all.
    fn send(
        &mut self,
        text: TextForm,
        write: impl FnOnce(&mut Writer<'_, Exports>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        if self.stage == Stage::Closed {
            return Ok(());
        }
        let before = self.output.len();
        let result = write(&mut Writer::new(&mut self.output, &mut self.exports, text));
        if result.is_ok() {
            self.exports.keep();
        } else {
            self.output.truncate(before);
            self.exports.take_back();
        }
        result
    }

    fn reply(
        &mut self,
        request: &Request,
        text: TextForm,
        word: &[u8],
        value: &Value,
    ) -> Result<(), EncodeError> {
        if !request.wants_answer {
            return Ok(());
        }
        self.send(text, |message| {
            message.out.list(3)?;
            message.out.string(word)?;
            message.out.sexp(&request.id)?;
            message.value(value)
        })
    }

    fn give_back(&mut self, received: &[Luid]) {
        for &luid in received {
            if self.imports.release_one(luid) {
                self.decref(luid);
            }
        }
    }

    fn decref(&mut self, luid: Luid) {
        let sent = self.send(self.text, |message| {
            message.out.list(2)?;
            message.out.string(b"decref")?;
            message.out.int(luid.0);
            Ok(())
        });
        debug_assert!(sent.is_ok(), "a decref is short");
    }
}
