//! MessagePack: values to bytes and back, each message whole.

use crate::pb::limits::{DEPTH_MAX, MESSAGE_ITEMS_MAX, SLICE_BYTES_MIN};
use crate::pb::value::{Float, Value};
use bytes::{Buf, Bytes};
use bytestring::ByteString;

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    /// The message ends within a value.
    #[error("the message ends too early")]
    Short,
    /// Bytes follow the value.
    #[error("there are bytes after the message")]
    Surplus,
    /// Values inside one another, more than [`DEPTH_MAX`].
    #[error("it is nested too deeply")]
    Deep,
    /// More values than [`MESSAGE_ITEMS_MAX`].
    #[error("it has too many values")]
    Many,
    /// An extension type, a marker without a meaning, or a number that no worker has.
    #[error("the type {0:#04x} has no meaning here")]
    Type(u8),
}

/// A value that MessagePack has no word for: objects, numbers beyond 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a value of this kind cannot be sent over msgpack")]
pub struct PackError;

/// Reads one message. Large strings share its bytes.
///
/// # Errors
/// It is none, or larger than a peer's may be.
pub fn unpack(message: Bytes) -> Result<Value, UnpackError> {
    let mut reader = Reader { rest: message, items: 0 };
    let value = reader.value(0)?;
    if reader.rest.is_empty() { Ok(value) } else { Err(UnpackError::Surplus) }
}

struct Reader {
    rest: Bytes,
    items: usize,
}

/// One of the fixed-size numbers at the front of `$rest`, in network order.
macro_rules! number {
    ($reader:expr, $type:ty) => {{
        let bytes = $reader.rest.split_first_chunk().ok_or(UnpackError::Short)?.0;
        let number = <$type>::from_be_bytes(*bytes);
        $reader.rest.advance(size_of::<$type>());
        number
    }};
}

impl Reader {
    fn value(&mut self, depth: usize) -> Result<Value, UnpackError> {
        self.items += 1;
        if self.items > MESSAGE_ITEMS_MAX {
            return Err(UnpackError::Many);
        }
        if depth > DEPTH_MAX {
            return Err(UnpackError::Deep);
        }
        let marker = number!(self, u8);
        Ok(match marker {
            0x00..=0x7f => Value::Int(marker.into()),
            0x80..=0x8f => self.map((marker & 0x0f).into(), depth)?,
            0x90..=0x9f => self.array((marker & 0x0f).into(), depth)?,
            0xa0..=0xbf => self.text((marker & 0x1f).into())?,
            0xc0 => Value::None,
            0xc2 => Value::Bool(false),
            0xc3 => Value::Bool(true),
            0xc4..=0xc6 => {
                let length = self.length(marker - 0xc4)?;
                Value::Bytes(self.bytes(length)?)
            }
            0xca => Value::Float(Float(number!(self, f32).into())),
            0xcb => Value::Float(Float(number!(self, f64))),
            0xcc => Value::Int(number!(self, u8).into()),
            0xcd => Value::Int(number!(self, u16).into()),
            0xce => Value::Int(number!(self, u32).into()),
            0xcf => Value::Int(i64::try_from(number!(self, u64)).map_err(|_| UnpackError::Type(marker))?),
            0xd0 => Value::Int(number!(self, i8).into()),
            0xd1 => Value::Int(number!(self, i16).into()),
            0xd2 => Value::Int(number!(self, i32).into()),
            0xd3 => Value::Int(number!(self, i64)),
            0xd9..=0xdb => {
                let length = self.length(marker - 0xd9)?;
                self.text(length)?
            }
            0xdc | 0xdd => {
                let count = self.length(marker - 0xdc + 1)?;
                self.array(count, depth)?
            }
            0xde | 0xdf => {
                let count = self.length(marker - 0xde + 1)?;
                self.map(count, depth)?
            }
            0xe0..=0xff => Value::Int(i64::from(marker) - 0x100),
            0xc1 | 0xc7..=0xc9 | 0xd4..=0xd8 => return Err(UnpackError::Type(marker)),
        })
    }

    /// A length or a count, in 8, 16 or 32 bits.
    fn length(&mut self, width: u8) -> Result<u32, UnpackError> {
        Ok(match width {
            0 => number!(self, u8).into(),
            1 => number!(self, u16).into(),
            _ => number!(self, u32),
        })
    }

    fn bytes(&mut self, length: u32) -> Result<Bytes, UnpackError> {
        let length = length as usize;
        if length > self.rest.len() {
            return Err(UnpackError::Short);
        }
        let slice = self.rest.split_to(length);
        Ok(if length < SLICE_BYTES_MIN { Bytes::copy_from_slice(&slice) } else { slice })
    }

    /// Text; bytes that are none stay what they are.
    fn text(&mut self, length: u32) -> Result<Value, UnpackError> {
        let bytes = self.bytes(length)?;
        Ok(ByteString::try_from(bytes.clone()).map_or(Value::Bytes(bytes), Value::Text))
    }

    /// Room for the items of a list as they come: what the peer says of their count costs nothing.
    fn array(&mut self, count: u32, depth: usize) -> Result<Value, UnpackError> {
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(self.value(depth + 1)?);
        }
        Ok(Value::List(items))
    }

    fn map(&mut self, count: u32, depth: usize) -> Result<Value, UnpackError> {
        let mut pairs = Vec::new();
        for _ in 0..count {
            let key = self.value(depth + 1)?;
            pairs.push((key, self.value(depth + 1)?));
        }
        Ok(Value::Dict(pairs))
    }
}

/// Writes one value; lists, tuples and sets alike become arrays.
///
/// # Errors
/// It has no form in MessagePack.
pub fn pack(value: &Value, out: &mut Vec<u8>) -> Result<(), PackError> {
    match value {
        Value::None => out.push(0xc0),
        Value::Bool(no) if !no => out.push(0xc2),
        Value::Bool(_) => out.push(0xc3),
        Value::Int(number) => int(*number, out),
        Value::Float(Float(number)) => {
            out.push(0xcb);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Value::Bytes(bytes) => {
            head(bytes.len(), None, &BIN, out)?;
            out.extend_from_slice(bytes);
        }
        Value::Text(text) => {
            head(text.len(), Some((0xa0, 31)), &STR, out)?;
            out.extend_from_slice(text.as_bytes());
        }
        Value::List(items) | Value::Tuple(items) | Value::Set(items) | Value::FrozenSet(items) => {
            head(items.len(), Some((0x90, 15)), &ARRAY, out)?;
            items.iter().try_for_each(|item| pack(item, out))?;
        }
        Value::Dict(pairs) => {
            head(pairs.len(), Some((0x80, 15)), &MAP, out)?;
            for (key, value) in pairs {
                pack(key, out)?;
                pack(value, out)?;
            }
        }
        _ => return Err(PackError),
    }
    Ok(())
}

/// The markers of a kind with its length in 8, 16 and 32 bits.
type Markers = [Option<u8>; 3];
const BIN: Markers = [Some(0xc4), Some(0xc5), Some(0xc6)];
const STR: Markers = [Some(0xd9), Some(0xda), Some(0xdb)];
const ARRAY: Markers = [None, Some(0xdc), Some(0xdd)];
const MAP: Markers = [None, Some(0xde), Some(0xdf)];

/// The marker and the length, in the shortest form; `fixed` is the one that holds lengths up to the second number.
fn head(
    length: usize,
    fixed: Option<(u8, u8)>,
    markers: &Markers,
    out: &mut Vec<u8>,
) -> Result<(), PackError> {
    let length = u32::try_from(length).map_err(|_| PackError)?;
    match (u8::try_from(length), u16::try_from(length), *markers, fixed) {
        (Ok(short), _, _, Some((marker, most))) if short <= most => out.push(marker | short),
        (Ok(short), _, [Some(marker), ..], _) => out.extend_from_slice(&[marker, short]),
        (_, Ok(middle), [_, Some(marker), _], _) => {
            out.push(marker);
            out.extend_from_slice(&middle.to_be_bytes());
        }
        (_, _, [_, _, marker], _) => {
            out.push(marker.ok_or(PackError)?);
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
    Ok(())
}

/// A whole number in the shortest form; as others do, unsigned where both are as short.
fn int(number: i64, out: &mut Vec<u8>) {
    match (u64::try_from(number), i8::try_from(number)) {
        (Ok(small @ 0..=0x7f), _) => out.push(small as u8),
        (Ok(number), _) => unsigned(number, out),
        (_, Ok(small)) if small >= -32 => out.extend_from_slice(&small.to_be_bytes()),
        (_, Ok(small)) => {
            out.push(0xd0);
            out.extend_from_slice(&small.to_be_bytes());
        }
        _ => negative(number, out),
    }
}

fn unsigned(number: u64, out: &mut Vec<u8>) {
    if let Ok(short) = u8::try_from(number) {
        out.extend_from_slice(&[0xcc, short]);
    } else if let Ok(middle) = u16::try_from(number) {
        out.push(0xcd);
        out.extend_from_slice(&middle.to_be_bytes());
    } else if let Ok(long) = u32::try_from(number) {
        out.push(0xce);
        out.extend_from_slice(&long.to_be_bytes());
    } else {
        out.push(0xcf);
        out.extend_from_slice(&number.to_be_bytes());
    }
}

/// One that does not fit 8 bits.
fn negative(number: i64, out: &mut Vec<u8>) {
    if let Ok(middle) = i16::try_from(number) {
        out.push(0xd1);
        out.extend_from_slice(&middle.to_be_bytes());
    } else if let Ok(long) = i32::try_from(number) {
        out.push(0xd2);
        out.extend_from_slice(&long.to_be_bytes());
    } else {
        out.push(0xd3);
        out.extend_from_slice(&number.to_be_bytes());
    }
}
