//! The encoder: values in, the canonical bytes that Twisted would write out.

use super::{Dialect, Sexp, VOCABULARY, WORD_BYTES_MAX, token};
use crate::pb::integer::Big;
use crate::pb::limits::{DEPTH_MAX, LIST_ITEMS_MAX, STRING_BYTES_MAX};
use bytes::{BufMut, Bytes, BytesMut};

/// Why a value cannot be sent; nothing of it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A list of more than 640 Ki items.
    #[error("list of more than {LIST_ITEMS_MAX} items")]
    ListTooLong,
    /// A string of more than 640 KiB.
    #[error("string of more than {STRING_BYTES_MAX} bytes")]
    StringTooLong,
    /// Our cap on nesting.
    #[error("value nested deeper than {DEPTH_MAX}")]
    TooDeep,
    /// The peer holds too many of our objects.
    #[error("too many objects lent to the peer")]
    TooManyExports,
}

/// Collects encoded values until they are taken for sending.
#[derive(Debug)]
pub struct Encoder {
    dialect: Dialect,
    out: BytesMut,
}

impl Encoder {
    /// An encoder with nothing in it.
    pub fn new(dialect: Dialect) -> Encoder {
        Encoder { dialect, out: BytesMut::new() }
    }

    /// Changes the dialect from the next value on.
    pub fn set_dialect(&mut self, dialect: Dialect) {
        self.dialect = dialect;
    }

    /// Bytes waiting to be taken.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Nothing to take?
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Forgets what came after the first `len` bytes: how a half-written value is taken back.
    pub fn truncate(&mut self, len: usize) {
        self.out.truncate(len);
    }

    /// Takes all waiting bytes.
    pub fn take(&mut self) -> Bytes {
        self.out.split().freeze()
    }

    fn prefix(&mut self, mut n: u64) {
        while n >= 0x80 {
            self.out.put_u8((n & 0x7f) as u8);
            n >>= 7;
        }
        self.out.put_u8(n as u8);
    }

    /// Writes an integer.
    pub fn int(&mut self, n: i64) {
        self.prefix(n.unsigned_abs());
        self.out.put_u8(match n {
            0..=0x7fff_ffff => token::INT,
            0x8000_0000.. => token::LONGINT,
            -0x8000_0000..=-1 => token::NEG,
            _ => token::LONGNEG,
        });
    }

    /// Writes an integer of any size.
    pub fn big(&mut self, n: &Big) {
        match n.to_i64() {
            Some(small) => self.int(small),
            None => {
                self.out.put_slice(n.digits());
                self.out.put_u8(if n.is_negative() { token::LONGNEG } else { token::LONGINT });
            }
        }
    }

    /// Writes a float.
    pub fn float(&mut self, n: f64) {
        self.out.put_u8(token::FLOAT);
        self.out.put_f64(n);
    }

    /// Writes a byte string, as a word number where the dialect has one (`pb.md` §3).
    pub fn string(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        if self.dialect == Dialect::Pb
            && bytes.len() <= WORD_BYTES_MAX
            && let Some(index) = VOCABULARY.iter().position(|word| word.as_bytes() == bytes)
        {
            self.prefix(index as u64 + 1);
            self.out.put_u8(token::VOCAB);
            return Ok(());
        }
        if bytes.len() > STRING_BYTES_MAX {
            return Err(EncodeError::StringTooLong);
        }
        self.prefix(bytes.len() as u64);
        self.out.put_u8(token::STRING);
        self.out.put_slice(bytes);
        Ok(())
    }

    /// Begins a list; `items` values must follow.
    pub fn list(&mut self, items: usize) -> Result<(), EncodeError> {
        if items > LIST_ITEMS_MAX {
            return Err(EncodeError::ListTooLong);
        }
        self.prefix(items as u64);
        self.out.put_u8(token::LIST);
        Ok(())
    }

    /// Writes a whole value; on an error, what was written of it must be truncated.
    pub fn sexp(&mut self, value: &Sexp) -> Result<(), EncodeError> {
        match value {
            Sexp::Int(n) => self.int(*n),
            Sexp::Big(n) => self.big(n),
            Sexp::Float(n) => self.float(*n),
            Sexp::Bytes(bytes) => self.string(bytes)?,
            Sexp::List(items) => {
                self.list(items.len())?;
                for item in items {
                    self.sexp(item)?;
                }
            }
        }
        Ok(())
    }
}
