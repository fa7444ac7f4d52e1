//! The receiving half of a session: what each message does.

use super::references::Dropped;
use super::{Call, Event, Fatal, PROTOCOL_VERSION, Request, Session, Stage};
use crate::pb::banana::{Dialect, EncodeError, Encoder, Sexp};
use crate::pb::failure::Failure;
use crate::pb::jelly::{Jelly, Resolve};
use crate::pb::value::{Luid, Target, Value};
use bytestring::ByteString;

impl Session {
    /// Takes bytes as they came and appends all events in them to `events`.
    ///
    /// After an error the connection must be closed at once; events from before it still count, output does not.
    pub fn receive(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), Fatal> {
        self.push(bytes);
        while let Some(event) = self.next_event()? {
            events.push(event);
        }
        Ok(())
    }

    /// Takes bytes as they came; [`Session::next_event`] says what they mean.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.stage != Stage::Closed {
            self.decoder.push(bytes);
        }
    }

    /// The next event in the bytes received, or `None` until more of them come.
    ///
    /// An owner that deals with each event before it takes the next treats the peer strictly in order, however
    /// its bytes were cut. After an error the connection must be closed at once.
    pub fn next_event(&mut self) -> Result<Option<Event>, Fatal> {
        let event = self.find_event();
        if event.is_err() {
            self.close();
        }
        event
    }

    fn find_event(&mut self) -> Result<Option<Event>, Fatal> {
        if self.stage == Stage::Closed {
            return Err(Fatal::Closed);
        }
        while let Some(value) = self.decoder.next_value()? {
            let event = match self.stage {
                Stage::Offered => self.chosen(&value)?,
                Stage::Choosing => self.choose(&value)?,
                Stage::Ready => self.message(&value)?,
                Stage::Closed => return Err(Fatal::Closed),
            };
            if event.is_some() {
                return Ok(event);
            }
        }
        Ok(None)
    }

    /// Server: offers its dialects.
    pub(super) fn offer(&mut self) {
        let names = Dialect::OFFERED.map(Dialect::name);
        self.negotiate(|out| {
            out.list(names.len())?;
            names.iter().try_for_each(|name| out.string(name.as_bytes()))
        });
    }

    /// Server: the client has chosen.
    fn chosen(&mut self, value: &Sexp) -> Result<Option<Event>, Fatal> {
        let Sexp::Bytes(name) = value else { return Err(Fatal::Dialect) };
        let dialect = Dialect::from_name(name).ok_or(Fatal::Dialect)?;
        Ok(Some(self.ready(dialect)))
    }

    /// Client: takes the first dialect offered that it knows.
    fn choose(&mut self, value: &Sexp) -> Result<Option<Event>, Fatal> {
        let Sexp::List(offer) = value else { return Err(Fatal::Dialect) };
        let known = |name: &Sexp| match name {
            Sexp::Bytes(name) => Dialect::from_name(name),
            _ => None,
        };
        let dialect = offer.iter().find_map(known).ok_or(Fatal::Dialect)?;
        self.negotiate(|out| out.string(dialect.name().as_bytes()));
        Ok(Some(self.ready(dialect)))
    }

    fn ready(&mut self, dialect: Dialect) -> Event {
        self.decoder.set_dialect(dialect);
        self.output.set_dialect(dialect);
        self.stage = Stage::Ready;
        self.negotiate(|out| {
            out.list(2)?;
            out.string(b"version")?;
            out.int(PROTOCOL_VERSION);
            Ok(())
        });
        Event::Ready
    }

    fn negotiate(&mut self, write: impl FnOnce(&mut Encoder) -> Result<(), EncodeError>) {
        let sent = self.send(self.text, |message| write(message.out));
        debug_assert!(sent.is_ok(), "the words of the negotiation are short");
    }

    fn message(&mut self, message: &Sexp) -> Result<Option<Event>, Fatal> {
        let Sexp::List(fields) = message else { return Err(Fatal::NotAMessage("not a list")) };
        let Some((Sexp::Bytes(word), fields)) = fields.split_first() else {
            return Err(Fatal::NotAMessage("no word"));
        };
        match (&word[..], fields) {
            (b"message", [id, object, method, wants_answer, args, kwargs]) => {
                let (Sexp::Bytes(method), Sexp::Int(wants_answer)) = (method, wants_answer) else {
                    return Err(Fatal::NotAMessage("field of the wrong type"));
                };
                if matches!(id, Sexp::List(_)) {
                    return Err(Fatal::NotAMessage("request id is a list"));
                }
                let request = Request { id: id.clone(), wants_answer: *wants_answer != 0 };
                let method = String::from_utf8_lossy(method).into_owned();
                self.called(request, object, method, [args, kwargs])
            }
            (b"answer", [id, value]) => {
                let token = self.ended(id)?;
                let jelly = Jelly::new(value);
                let result = jelly.read(&self.exports).map_err(|error| Failure::from(&error));
                let refused = result.is_err();
                self.received(jelly.into_remotes(), refused)?;
                Ok(Some(Event::Answered { token, result }))
            }
            (b"error", [id, value]) => {
                let token = self.ended(id)?;
                let jelly = Jelly::new(value);
                let failure = match jelly.read(&self.exports) {
                    Ok(value) => Failure::from_value(&value),
                    Err(error) => Failure::from(&error),
                };
                self.received(jelly.into_remotes(), true)?;
                Ok(Some(Event::Answered { token, result: Err(failure) }))
            }
            (b"decref", [Sexp::Int(n)]) => {
                Ok(match self.exports.decref(Luid(*n)).ok_or(Fatal::UnknownReference)? {
                    Dropped::Last(Target::Key(key)) => Some(Event::Released { key }),
                    Dropped::Last(Target::Root) | Dropped::One => None,
                })
            }
            (b"decref", [_]) => Err(Fatal::UnknownReference),
            (b"version", [Sexp::Int(PROTOCOL_VERSION)]) => Ok(None),
            (b"version", _) => Err(Fatal::Version),
            // Twisted on Python 2 says this about a word that it does not know; we send none such.
            (b"didNotUnderstand", _) => Ok(None),
            (b"message" | b"answer" | b"error" | b"decref", _) => {
                Err(Fatal::NotAMessage("wrong number of fields"))
            }
            _ => Err(Fatal::NotAMessage("unknown word")),
        }
    }

    /// Takes the call with that id out of those in flight.
    fn ended(&mut self, id: &Sexp) -> Result<u64, Fatal> {
        let token = match id {
            Sexp::Int(id) => self.calls.remove(id),
            _ => None,
        };
        token.ok_or(Fatal::UnknownRequest)
    }

    fn called(
        &mut self,
        request: Request,
        object: &Sexp,
        method: String,
        arguments: [&Sexp; 2],
    ) -> Result<Option<Event>, Fatal> {
        self.unanswered += 1;
        let [args, kwargs] = arguments.map(Jelly::new);
        let read = self.exports.resolve(object).ok_or_else(Failure::invalid_object_id).and_then(|object| {
            let args = args.read(&self.exports).map_err(|error| Failure::from(&error))?;
            let kwargs = kwargs.read(&self.exports).map_err(|error| Failure::from(&error))?;
            let args = args.into_items().map_err(|_| Failure::type_error("arguments are no tuple"))?;
            let kwargs = keywords(kwargs).ok_or_else(|| Failure::type_error("keywords must be strings"))?;
            Ok((object, args, kwargs))
        });
        let mut received = args.into_remotes();
        received.extend(kwargs.into_remotes());
        match read {
            Ok((object, args, kwargs)) => {
                self.received(received.clone(), false)?;
                Ok(Some(Event::Call(Call { request, object, method, args, kwargs, received })))
            }
            Err(failure) => {
                self.received(received, true)?;
                self.fail(request, &failure);
                Ok(None)
            }
        }
    }

    /// Counts references that came; those in a value that nobody will see go straight back.
    fn received(&mut self, received: Vec<Luid>, give_back: bool) -> Result<(), Fatal> {
        for &luid in &received {
            self.imports.receive(luid)?;
        }
        if give_back {
            self.give_back(&received);
        }
        Ok(())
    }
}

/// Keyword arguments; their names may be text or bytes.
fn keywords(kwargs: Value) -> Option<Vec<(ByteString, Value)>> {
    let Value::Dict(pairs) = kwargs else { return None };
    let name = |key| match key {
        Value::Text(name) => Some(name),
        Value::Bytes(name) => ByteString::try_from(name).ok(),
        _ => None,
    };
    pairs.into_iter().map(|(key, value)| Some((name(key)?, value))).collect()
}
