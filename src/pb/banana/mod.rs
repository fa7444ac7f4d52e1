//! Banana, the byte layer: integers, floats, byte strings and lists in a self-delimiting stream (`pb.md` §1-3).

mod decode;
mod encode;

pub use decode::{DecodeError, Decoder};
pub use encode::{EncodeError, Encoder};

use super::integer::Big;
use bytes::Bytes;

/// What a stream of Banana is made of.
#[derive(Debug, Clone, PartialEq)]
pub enum Sexp {
    /// An integer that fits.
    Int(i64),
    /// An integer that does not fit `i64`.
    Big(Big),
    /// An IEEE double; payloads of NaN are kept.
    Float(f64),
    /// A byte string; vocabulary words are resolved.
    Bytes(Bytes),
    /// A list.
    List(Vec<Sexp>),
}

/// How words are written; agreed at the start of a connection (`pb.md` §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Every string in full.
    None,
    /// The 31 words of `VOCABULARY` as numbers.
    Pb,
}

impl Dialect {
    /// All, best first, as a server offers them.
    pub const OFFERED: [Dialect; 2] = [Dialect::Pb, Dialect::None];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Dialect::None => "none",
            Dialect::Pb => "pb",
        }
    }

    /// The dialect of that name.
    pub fn from_name(name: &[u8]) -> Option<Dialect> {
        Dialect::OFFERED.into_iter().find(|d| d.name().as_bytes() == name)
    }
}

mod token {
    pub const LIST: u8 = 0x80;
    pub const INT: u8 = 0x81;
    pub const STRING: u8 = 0x82;
    pub const NEG: u8 = 0x83;
    pub const FLOAT: u8 = 0x84;
    pub const LONGINT: u8 = 0x85;
    pub const LONGNEG: u8 = 0x86;
    pub const VOCAB: u8 = 0x87;
}

/// Words of dialect `pb`; the first is number 1 (`pb.md` §3).
const VOCABULARY: [&str; 31] = [
    "None",
    "class",
    "dereference",
    "reference",
    "dictionary",
    "function",
    "instance",
    "list",
    "module",
    "persistent",
    "tuple",
    "unpersistable",
    "copy",
    "cache",
    "cached",
    "remote",
    "local",
    "lcache",
    "version",
    "login",
    "password",
    "challenge",
    "logged_in",
    "not_logged_in",
    "cachemessage",
    "message",
    "answer",
    "error",
    "decref",
    "decache",
    "uncache",
];
const WORD_BYTES_MAX: usize = "unpersistable".len();
