//! What goes into a statement and what comes out of a row, in the few types that both engines share.

use super::DbError;
use crate::model::{
    BuildId, BuildsetId, ChangeId, LogId, LogKind, MasterId, RequestId, Results, StepId, UserId, Wall,
};
use serde::{Serialize, de::DeserializeOwned};
use std::borrow::Cow;

/// A parameter of a statement.
#[derive(Clone, Copy, Debug)]
pub enum Param<'a> {
    /// SQL's null.
    Null,
    /// Any whole number, truth value, id, time or result.
    Int(i64),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

/// The text as both engines can hold it: PostgreSQL's has no character NUL.
pub(super) fn storable(text: &str) -> Cow<'_, str> {
    if memchr::memchr(0, text.as_bytes()).is_some() {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// What can be a parameter.
pub trait ToParam {
    /// Borrows it as a parameter.
    fn to_param(&self) -> Param<'_>;
}

impl ToParam for i64 {
    fn to_param(&self) -> Param<'_> {
        Param::Int(*self)
    }
}

impl ToParam for bool {
    fn to_param(&self) -> Param<'_> {
        Param::Int(i64::from(*self))
    }
}

impl ToParam for str {
    fn to_param(&self) -> Param<'_> {
        Param::Text(self)
    }
}

impl ToParam for String {
    fn to_param(&self) -> Param<'_> {
        Param::Text(self)
    }
}

impl ToParam for [u8] {
    fn to_param(&self) -> Param<'_> {
        Param::Bytes(self)
    }
}

impl ToParam for Results {
    fn to_param(&self) -> Param<'_> {
        Param::Int(self.number())
    }
}

impl<T: ToParam + ?Sized> ToParam for &T {
    fn to_param(&self) -> Param<'_> {
        (**self).to_param()
    }
}

impl<T: ToParam> ToParam for Option<T> {
    fn to_param(&self) -> Param<'_> {
        self.as_ref().map_or(Param::Null, ToParam::to_param)
    }
}

/// The parameters of a statement, `$1` first.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::db::engine::ToParam::to_param(&$value)),*]
    };
}
pub(crate) use params;

/// A column's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL's null.
    Null,
    /// A whole number.
    Int(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// What can be read from a column.
pub trait FromValue: Sized {
    /// Takes the value over, or tells what was expected in its place.
    fn from_value(value: Value) -> Result<Self, &'static str>;
}

impl FromValue for i64 {
    fn from_value(value: Value) -> Result<i64, &'static str> {
        match value {
            Value::Int(number) => Ok(number),
            _ => Err("a number"),
        }
    }
}

impl FromValue for bool {
    fn from_value(value: Value) -> Result<bool, &'static str> {
        i64::from_value(value).map(|number| number != 0)
    }
}

impl FromValue for String {
    fn from_value(value: Value) -> Result<String, &'static str> {
        match value {
            Value::Text(text) => Ok(text),
            _ => Err("text"),
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: Value) -> Result<Vec<u8>, &'static str> {
        match value {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err("bytes"),
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Result<Option<T>, &'static str> {
        match value {
            Value::Null => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl FromValue for Results {
    fn from_value(value: Value) -> Result<Results, &'static str> {
        Results::from_number(i64::from_value(value)?).ok_or("a result from 0 to 6")
    }
}

impl FromValue for LogKind {
    fn from_value(value: Value) -> Result<LogKind, &'static str> {
        LogKind::from_letter(&String::from_value(value)?).ok_or("a log's kind")
    }
}

macro_rules! numbers {
    ($($name:ident),+) => {$(
        impl ToParam for $name {
            fn to_param(&self) -> Param<'_> {
                Param::Int(self.0)
            }
        }

        impl FromValue for $name {
            fn from_value(value: Value) -> Result<$name, &'static str> {
                i64::from_value(value).map($name)
            }
        }
    )+};
}

numbers!(BuildId, BuildsetId, ChangeId, LogId, MasterId, RequestId, StepId, UserId, Wall);

/// A column that holds JSON as text.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromValue for Json<T> {
    fn from_value(value: Value) -> Result<Json<T>, &'static str> {
        let text = String::from_value(value)?;
        serde_json::from_str(&text).map(Json).map_err(|_| "JSON of the column's form")
    }
}

/// JSON text, for a column that holds it.
pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|error| DbError::Bug(format!("not to be told as JSON: {error}")))
}

/// A row; its columns are taken from left to right.
#[derive(Debug)]
pub struct Row {
    columns: std::vec::IntoIter<Value>,
    taken: usize,
}

impl Row {
    pub(super) fn new(columns: Vec<Value>) -> Row {
        Row { columns: columns.into_iter(), taken: 0 }
    }

    /// Takes the next column.
    ///
    /// # Errors
    /// A bug, or a row that something else wrote: the value is not of this type.
    pub fn take<T: FromValue>(&mut self) -> Result<T, DbError> {
        self.taken += 1;
        let value = self.columns.next().ok_or("one more column");
        value
            .and_then(T::from_value)
            .map_err(|expected| DbError::Bug(format!("column {} of a row: expected {expected}", self.taken)))
    }
}
