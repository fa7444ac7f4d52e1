//! Plain values of the wire as JSON.

use super::Value;

impl Value {
    /// The same as JSON; `None` for what JSON has not. Byte strings are read as UTF-8, with everything else replaced.
    pub fn to_json(&self) -> Option<serde_json::Value> {
        Some(match self {
            Value::None => serde_json::Value::Null,
            Value::Bool(truth) => (*truth).into(),
            Value::Int(number) => (*number).into(),
            Value::Float(number) => serde_json::Number::from_f64(number.0)?.into(),
            Value::Text(_) | Value::Bytes(_) => self.to_str_lossy()?.into_owned().into(),
            Value::List(items) | Value::Tuple(items) => {
                items.iter().map(Value::to_json).collect::<Option<_>>()?
            }
            Value::Dict(pairs) => {
                let pair = |(key, value): &(Value, Value)| {
                    Some((key.to_str_lossy()?.into_owned(), value.to_json()?))
                };
                serde_json::Value::Object(pairs.iter().map(pair).collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }
}
