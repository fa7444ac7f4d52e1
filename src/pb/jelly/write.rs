//! Values to Banana.

use crate::pb::banana::{EncodeError, Encoder};
use crate::pb::limits::DEPTH_MAX;
use crate::pb::value::{Luid, Target, Value};
use bytestring::ByteString;

/// How a peer wants text (`worker-api.md` §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextForm {
    /// As text: every peer but 0.8.x.
    Text,
    /// As UTF-8 byte strings: what workers 0.8.x expect everywhere.
    Bytes,
}

/// Lends objects of ours.
pub trait Export {
    /// The number that the peer will know `target` by; counts one more reference.
    fn export(&mut self, target: Target) -> Result<Luid, EncodeError>;
}

/// Writes values. After an error, what was written and lent for it must be taken back.
#[derive(Debug)]
pub struct Writer<'a, E> {
    /// Where the bytes go; the words of messages are written to it directly.
    pub out: &'a mut Encoder,
    exports: &'a mut E,
    text: TextForm,
    depth: usize,
}

impl<'a, E: Export> Writer<'a, E> {
    /// A writer to `out`.
    pub fn new(out: &'a mut Encoder, exports: &'a mut E, text: TextForm) -> Writer<'a, E> {
        Writer { out, exports, text, depth: 0 }
    }

    /// Writes the positional arguments of a call.
    pub fn arguments(&mut self, args: &[Value]) -> Result<(), EncodeError> {
        self.items("tuple", args)
    }

    /// Writes the keyword arguments of a call.
    pub fn keywords(&mut self, kwargs: &[(ByteString, Value)]) -> Result<(), EncodeError> {
        self.typed("dictionary", kwargs.len())?;
        kwargs.iter().try_for_each(|(name, value)| {
            self.out.list(2)?;
            self.text(name)?;
            self.value(value)
        })
    }

    fn text(&mut self, text: &ByteString) -> Result<(), EncodeError> {
        if self.text == TextForm::Text {
            self.typed("unicode", 1)?;
        }
        self.out.string(text.as_bytes())
    }

    /// Writes one value.
    pub fn value(&mut self, value: &Value) -> Result<(), EncodeError> {
        match value {
            Value::None => self.typed("None", 0),
            Value::Bool(b) => {
                self.typed("boolean", 1)?;
                self.out.string(if *b { b"true" } else { b"false" })
            }
            Value::Int(n) => {
                self.out.int(*n);
                Ok(())
            }
            Value::Big(n) => {
                self.out.big(n);
                Ok(())
            }
            Value::Float(n) => {
                self.out.float(n.0);
                Ok(())
            }
            Value::Bytes(bytes) => self.out.string(bytes),
            Value::Text(text) => self.text(text),
            Value::List(items) => self.items("list", items),
            Value::Tuple(items) => self.items("tuple", items),
            Value::Set(items) => self.items("set", items),
            Value::FrozenSet(items) => self.items("frozenset", items),
            Value::Dict(pairs) => self.dict(pairs),
            Value::Remote(luid) => self.object("local", *luid),
            Value::Local(target) => {
                let luid = self.exports.export(*target)?;
                self.object("remote", luid)
            }
            Value::Copy { class, state } => {
                self.typed(class, 1)?;
                self.deeper(|w| w.value(state))
            }
            Value::DateTime(fields) => self.numbers("datetime", fields),
            Value::Date(fields) => self.numbers("date", fields),
            Value::Time(fields) => self.numbers("time", fields),
            Value::TimeDelta(fields) => self.numbers("timedelta", fields),
            Value::Decimal { coefficient, exponent } => {
                self.typed("decimal", 2)?;
                self.out.big(coefficient);
                self.out.int(*exponent);
                Ok(())
            }
            Value::Unpersistable(reason) => {
                self.typed("unpersistable", 1)?;
                self.out.string(reason.as_bytes())
            }
        }
    }

    /// Begins a list whose first item is the type word; `parts` more must follow.
    fn typed(&mut self, word: &str, parts: usize) -> Result<(), EncodeError> {
        self.out.list(parts.saturating_add(1))?;
        self.out.string(word.as_bytes())
    }

    fn deeper(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        if self.depth == DEPTH_MAX {
            return Err(EncodeError::TooDeep);
        }
        self.depth += 1;
        write(self)?;
        self.depth -= 1;
        Ok(())
    }

    fn items(&mut self, word: &str, items: &[Value]) -> Result<(), EncodeError> {
        self.typed(word, items.len())?;
        self.deeper(|w| items.iter().try_for_each(|item| w.value(item)))
    }

    fn dict(&mut self, pairs: &[(Value, Value)]) -> Result<(), EncodeError> {
        self.typed("dictionary", pairs.len())?;
        self.deeper(|w| {
            pairs.iter().try_for_each(|(key, value)| {
                w.out.list(2)?;
                w.value(key)?;
                w.value(value)
            })
        })
    }

    fn object(&mut self, word: &str, luid: Luid) -> Result<(), EncodeError> {
        self.typed(word, 1)?;
        self.out.int(luid.0);
        Ok(())
    }

    fn numbers(&mut self, word: &str, fields: &[i64]) -> Result<(), EncodeError> {
        self.typed(word, 1)?;
        let fields: Vec<String> = fields.iter().map(i64::to_string).collect();
        self.out.string(fields.join(" ").as_bytes())
    }
}
