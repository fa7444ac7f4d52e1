//! The decoder: bytes in any pieces, top-level values out.

use super::{Dialect, Sexp, VOCABULARY, token};
use crate::pb::integer::Big;
use crate::pb::limits::*;
use bytes::{Buf, Bytes, BytesMut};

/// Why a stream cannot go on; the connection must be closed (`pb.md` §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// More than 64 digits before a type byte.
    #[error("prefix of more than {PREFIX_DIGITS_MAX} digits")]
    PrefixTooLong,
    /// A list of more than 640 Ki items.
    #[error("list of more than {LIST_ITEMS_MAX} items")]
    ListTooLong,
    /// A string of more than 640 KiB.
    #[error("string of more than {STRING_BYTES_MAX} bytes")]
    StringTooLong,
    /// A type byte from 0x88 on.
    #[error("invalid type byte {0:#04x}")]
    InvalidTypeByte(u8),
    /// A word number outside 1 to 31.
    #[error("unknown vocabulary word")]
    UnknownVocab,
    /// A word number before dialect `pb` is agreed.
    #[error("vocabulary word outside dialect pb")]
    VocabNotInDialect,
    /// Our cap on nesting.
    #[error("lists nested deeper than {DEPTH_MAX}")]
    TooDeep,
    /// Our cap on values of one message.
    #[error("message of too many values")]
    TooManyItems,
    /// Our cap on the size of one message.
    #[error("message of too many bytes")]
    TooManyBytes,
}

/// A list of which not all items have come.
#[derive(Debug)]
struct Open {
    missing: usize,
    items: Vec<Sexp>,
}

/// An incremental decoder.
///
/// Memory is bounded by the caps in `limits.rs` whatever a peer announces: a list grows as its items arrive.
#[derive(Debug)]
pub struct Decoder {
    dialect: Dialect,
    buffer: BytesMut,
    open: Vec<Open>,
    /// Values and bytes of the top-level value under way.
    items: usize,
    bytes: usize,
    /// How many of each a top-level value may have.
    items_max: usize,
    bytes_max: usize,
}

impl Decoder {
    /// A decoder at the start of a stream.
    pub fn new(dialect: Dialect) -> Decoder {
        Decoder {
            dialect,
            buffer: BytesMut::new(),
            open: Vec::new(),
            items: 0,
            bytes: 0,
            items_max: MESSAGE_ITEMS_MAX,
            bytes_max: MESSAGE_BYTES_MAX,
        }
    }

    /// Sets how many values and bytes one top-level value may have; `limits.rs` names the usual caps.
    pub fn set_caps(&mut self, items_max: usize, bytes_max: usize) {
        self.items_max = items_max;
        self.bytes_max = bytes_max;
    }

    /// Changes the dialect from the next value on.
    pub fn set_dialect(&mut self, dialect: Dialect) {
        self.dialect = dialect;
    }

    /// Appends received bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// How many lists wait for items.
    pub fn open_lists(&self) -> usize {
        self.open.len()
    }

    /// Takes the next whole top-level value; `None` until more bytes come. After an error the decoder is of no use.
    pub fn next_value(&mut self) -> Result<Option<Sexp>, DecodeError> {
        while let Some(atom) = self.next_atom()? {
            let mut value = match atom {
                Atom::Value(value) => value,
                Atom::List(0) => Sexp::List(Vec::new()),
                Atom::List(missing) => {
                    if self.open.len() == DEPTH_MAX {
                        return Err(DecodeError::TooDeep);
                    }
                    self.open.push(Open { missing, items: Vec::with_capacity(missing.min(8)) });
                    continue;
                }
            };
            loop {
                let Some(list) = self.open.last_mut() else {
                    self.items = 0;
                    self.bytes = 0;
                    return Ok(Some(value));
                };
                list.items.push(value);
                list.missing -= 1;
                if list.missing > 0 {
                    break;
                }
                value = Sexp::List(std::mem::take(&mut list.items));
                self.open.pop();
            }
        }
        Ok(None)
    }

    /// Reads one prefix, type byte and body. Nothing is consumed until all of it is there.
    fn next_atom(&mut self) -> Result<Option<Atom>, DecodeError> {
        let window = &self.buffer[..self.buffer.len().min(PREFIX_DIGITS_MAX + 1)];
        let Some(at) = window.iter().position(|&b| b >= 0x80) else {
            return if window.len() > PREFIX_DIGITS_MAX { Err(DecodeError::PrefixTooLong) } else { Ok(None) };
        };
        let (prefix, kind) = (&window[..at], window[at]);
        let mut body_bytes = 0;
        let atom = match kind {
            token::LIST => Atom::List(count(prefix, LIST_ITEMS_MAX).ok_or(DecodeError::ListTooLong)?),
            token::INT | token::LONGINT => Atom::Value(integer(false, prefix)?),
            token::NEG | token::LONGNEG => Atom::Value(integer(true, prefix)?),
            token::VOCAB => {
                if self.dialect != Dialect::Pb {
                    return Err(DecodeError::VocabNotInDialect);
                }
                let number = count(prefix, VOCABULARY.len()).and_then(|n| n.checked_sub(1));
                let word = number.and_then(|n| VOCABULARY.get(n)).ok_or(DecodeError::UnknownVocab)?;
                Atom::Value(Sexp::Bytes(Bytes::from_static(word.as_bytes())))
            }
            token::STRING => {
                body_bytes = count(prefix, STRING_BYTES_MAX).ok_or(DecodeError::StringTooLong)?;
                Atom::Value(Sexp::Bytes(Bytes::new()))
            }
            token::FLOAT => {
                body_bytes = 8;
                Atom::Value(Sexp::Float(0.0))
            }
            other => return Err(DecodeError::InvalidTypeByte(other)),
        };
        let atom_bytes = at + 1 + body_bytes;
        if self.bytes + atom_bytes > self.bytes_max {
            return Err(DecodeError::TooManyBytes);
        }
        if self.items >= self.items_max {
            return Err(DecodeError::TooManyItems);
        }
        if self.buffer.len() < atom_bytes {
            return Ok(None);
        }
        self.items += 1;
        self.bytes += atom_bytes;
        self.buffer.advance(at + 1);
        Ok(Some(match kind {
            token::STRING => Atom::Value(Sexp::Bytes(self.take_string(body_bytes))),
            token::FLOAT => Atom::Value(Sexp::Float(self.buffer.get_f64())),
            _ => atom,
        }))
    }

    fn take_string(&mut self, bytes: usize) -> Bytes {
        if bytes >= SLICE_BYTES_MIN {
            return self.buffer.split_to(bytes).freeze();
        }
        let string = Bytes::copy_from_slice(&self.buffer[..bytes]);
        self.buffer.advance(bytes);
        string
    }
}

enum Atom {
    Value(Sexp),
    List(usize),
}

/// A count written as a prefix, unless it is above `max`.
fn count(prefix: &[u8], max: usize) -> Option<usize> {
    let mut n = 0usize;
    for &digit in prefix.iter().rev() {
        n = (n << 7) | usize::from(digit);
        if n > max {
            return None;
        }
    }
    Some(n)
}

fn integer(negative: bool, prefix: &[u8]) -> Result<Sexp, DecodeError> {
    if prefix.len() <= 8 {
        let magnitude = prefix.iter().rev().fold(0i64, |n, &d| (n << 7) | i64::from(d));
        return Ok(Sexp::Int(if negative { -magnitude } else { magnitude }));
    }
    let big = Big::from_digits(negative, prefix).ok_or(DecodeError::PrefixTooLong)?;
    Ok(big.to_i64().map_or(Sexp::Big(big), Sexp::Int))
}
