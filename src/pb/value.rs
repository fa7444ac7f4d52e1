//! What calls carry: the values of Jelly (`pb.md` §4) with the accessors that keep their users lenient about text and bytes.

use super::integer::Big;
use bytes::Bytes;
use bytestring::ByteString;
use std::borrow::Cow;
use std::cmp::Ordering;

/// Number that a peer gave to an object of its own; valid on one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Luid(pub i64);

/// An object of ours, as its owner names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The object called `root`, where logins arrive.
    Root,
    /// Any other object, under the key that its owner chose.
    Key(u64),
}

/// A float with a total order, so that values can be compared and sorted.
#[derive(Debug, Clone, Copy)]
pub struct Float(pub f64);

impl Ord for Float {
    fn cmp(&self, other: &Float) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Float {
    fn partial_cmp(&self, other: &Float) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Float {
    fn eq(&self, other: &Float) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Float {}

/// A value of a call, an answer or a failure. Clones are cheap: strings are shared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Python's `None`.
    None,
    /// A boolean.
    Bool(bool),
    /// An integer that fits.
    Int(i64),
    /// An integer that does not.
    Big(Big),
    /// A float.
    Float(Float),
    /// A byte string: `str` of Python 2, `bytes` of Python 3.
    Bytes(Bytes),
    /// Text: `unicode` of Python 2, `str` of Python 3.
    Text(ByteString),
    /// A list.
    List(Vec<Value>),
    /// A tuple.
    Tuple(Vec<Value>),
    /// A set, each item once.
    Set(Vec<Value>),
    /// A frozen set, each item once.
    FrozenSet(Vec<Value>),
    /// A dict in order of insertion, each key once.
    Dict(Vec<(Value, Value)>),
    /// An object that lives at the peer.
    Remote(Luid),
    /// An object that lives here: sent, the session lends it to the peer; received, the peer gave it back.
    Local(Target),
    /// An object passed by copy; the only class taken is `twisted.spread.pb.CopyableFailure`.
    Copy {
        /// Full Python name.
        class: ByteString,
        /// Normally a dict.
        state: Box<Value>,
    },
    /// Year, month, day, hour, minute, second, microsecond; ranges are not checked.
    DateTime([i64; 7]),
    /// Year, month, day.
    Date([i64; 3]),
    /// Hour, minute, second, microsecond.
    Time([i64; 4]),
    /// Days, seconds, microseconds.
    TimeDelta([i64; 3]),
    /// `coefficient` times ten to the power `exponent`.
    Decimal {
        /// The digits, with the sign.
        coefficient: Big,
        /// Power of ten.
        exponent: i64,
    },
    /// Stands for something that the sender may not send, with its reason.
    Unpersistable(ByteString),
}

impl Value {
    /// Text.
    pub fn text(text: impl Into<ByteString>) -> Value {
        Value::Text(text.into())
    }

    /// A byte string.
    pub fn bytes(bytes: impl Into<Bytes>) -> Value {
        Value::Bytes(bytes.into())
    }

    /// A list.
    pub fn list(items: impl IntoIterator<Item = impl Into<Value>>) -> Value {
        Value::List(items.into_iter().map(Into::into).collect())
    }

    /// A tuple; `Value::tuple([a, b])`.
    pub fn tuple(items: impl IntoIterator<Item = impl Into<Value>>) -> Value {
        Value::Tuple(items.into_iter().map(Into::into).collect())
    }

    /// A dict; keys must differ.
    pub fn dict(pairs: impl IntoIterator<Item = (impl Into<Value>, impl Into<Value>)>) -> Value {
        Value::Dict(pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }

    /// An object of ours to lend to the peer.
    pub fn local(key: u64) -> Value {
        Value::Local(Target::Key(key))
    }

    /// What an original master sends in place of an object of `class`, which it may not send (`clients.md` §3, §4).
    pub fn deemed_insecure(class: &str) -> Value {
        Value::Unpersistable(format!("instance of class {class} deemed insecure").into())
    }

    /// Python's `None`?
    pub fn is_none(&self) -> bool {
        matches!(self, Value::None)
    }

    /// Text, or a byte string that is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            Value::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// Text, or a byte string with everything that is not UTF-8 replaced.
    pub fn to_str_lossy(&self) -> Option<Cow<'_, str>> {
        self.as_bytes().map(|bytes| String::from_utf8_lossy(bytes))
    }

    /// A byte string, or the UTF-8 of text; clone it to keep it without copying.
    pub fn as_bytes(&self) -> Option<&Bytes> {
        match self {
            Value::Text(text) => Some(text.as_bytes()),
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// An integer; Python's booleans are integers too.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(n) => Some(*n),
            Value::Bool(b) => Some(i64::from(*b)),
            _ => None,
        }
    }

    /// A float, or an integer as one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Float(Float(n)) => Some(*n),
            _ => self.as_int().map(|n| n as f64),
        }
    }

    /// A boolean, or an integer that is or is not 0.
    pub fn as_bool(&self) -> Option<bool> {
        self.as_int().map(|n| n != 0)
    }

    /// Items of a list, tuple or set.
    pub fn as_items(&self) -> Option<&[Value]> {
        match self {
            Value::List(items) | Value::Tuple(items) | Value::Set(items) | Value::FrozenSet(items) => {
                Some(items)
            }
            _ => None,
        }
    }

    /// The same, taken out; the value comes back if it is none of these.
    pub fn into_items(self) -> Result<Vec<Value>, Value> {
        match self {
            Value::List(items) | Value::Tuple(items) | Value::Set(items) | Value::FrozenSet(items) => {
                Ok(items)
            }
            other => Err(other),
        }
    }

    /// Pairs of a dict.
    pub fn as_dict(&self) -> Option<&[(Value, Value)]> {
        match self {
            Value::Dict(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// The value of a dict under a key that is text or the same bytes; the last wins where both are there.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let is_key = |k: &Value| k.as_bytes().is_some_and(|bytes| bytes == key.as_bytes());
        self.as_dict()?.iter().rev().find(|(k, _)| is_key(k)).map(|(_, v)| v)
    }

    /// An object that lives at the peer.
    pub fn as_remote(&self) -> Option<Luid> {
        match self {
            Value::Remote(luid) => Some(*luid),
            _ => None,
        }
    }

    /// An object of ours.
    pub fn as_local(&self) -> Option<Target> {
        match self {
            Value::Local(target) => Some(*target),
            _ => None,
        }
    }
}

impl From<()> for Value {
    fn from((): ()) -> Value {
        Value::None
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::text(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::text(text)
    }
}

impl From<ByteString> for Value {
    fn from(text: ByteString) -> Value {
        Value::Text(text)
    }
}

impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Value {
        Value::Bytes(bytes)
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Value {
        Value::Bool(b)
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Value {
        Value::Int(n)
    }
}

impl From<i32> for Value {
    fn from(n: i32) -> Value {
        Value::Int(n.into())
    }
}

impl From<u32> for Value {
    fn from(n: u32) -> Value {
        Value::Int(n.into())
    }
}

impl From<f64> for Value {
    fn from(n: f64) -> Value {
        Value::Float(Float(n))
    }
}

impl From<Luid> for Value {
    fn from(luid: Luid) -> Value {
        Value::Remote(luid)
    }
}

impl From<Target> for Value {
    fn from(target: Target) -> Value {
        Value::Local(target)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::None, Into::into)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Value {
        Value::list(items)
    }
}
