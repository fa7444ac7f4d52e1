//! The object that the exchanges of `vectors/README.md` are with, on a server's session.

use bellwether::pb::{Call, Event, Failure, Fatal, Session, Target, Value};
use bytes::Bytes;

/// A server with the root object.
pub struct Server {
    pub session: Session,
    /// Key of the newest object.
    newest: u64,
}

const SAME: u64 = 0;

impl Server {
    pub fn new() -> Server {
        Server { session: Session::server(), newest: SAME }
    }

    /// Takes bytes and deals with each event before the next.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), Fatal> {
        self.session.push(bytes);
        while let Some(event) = self.session.next_event()? {
            match event {
                Event::Ready | Event::Released { .. } => {}
                Event::Call(call) => self.called(call),
                Event::Answered { .. } => panic!("an answer to a call that was not made"),
            }
        }
        Ok(())
    }

    pub fn take_output(&mut self) -> Bytes {
        self.session.take_output()
    }

    fn called(&mut self, call: Call) {
        let result = self.result(&call);
        // Like Python's, this server drops what it was given before it answers.
        for luid in call.received {
            self.session.release(luid);
        }
        match result {
            Ok(value) => self.session.answer(call.request, &value),
            Err(failure) => self.session.fail(call.request, &failure),
        }
    }

    fn result(&mut self, call: &Call) -> Result<Value, Failure> {
        match (call.object, call.method.as_str()) {
            (Target::Root, "echo") => Ok(match call.args.first() {
                Some(Value::Unpersistable(_)) => Value::deemed_insecure("twisted.spread.jelly.Unpersistable"),
                Some(value) => value.clone(),
                None => Value::dict(call.kwargs.iter().cloned()),
            }),
            (Target::Root, "two") => match &call.args[..] {
                [first, _] if call.kwargs.is_empty() => Ok(first.clone()),
                _ => Err(Failure::type_error("remote_two() takes two arguments")),
            },
            (Target::Root, "fail") => Err(Failure::value_error("boom")),
            (Target::Root, "failu") => Err(Failure::value_error("bé")),
            (Target::Root, "pberr") => Err(Failure::pb_error("known error")),
            (Target::Root, "dfail") => Err(Failure::value_error("later")),
            (Target::Root, "dpberr") => Err(Failure::pb_error("later known")),
            (Target::Root, "obj") => {
                self.newest += 1;
                Ok(Value::local(self.newest))
            }
            (Target::Root, "same") => Ok(Value::local(SAME)),
            (Target::Root, "unser") => Ok(Value::deemed_insecure("builtins.object")),
            (Target::Key(_), "hi") => Ok(7.into()),
            (_, method) => Err(Failure::no_such_method(method)),
        }
    }
}
