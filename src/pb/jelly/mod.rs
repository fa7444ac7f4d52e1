//! Jelly, the value layer: Python values as s-expressions (`pb.md` §4).
//!
//! Shared parts (`reference`, `dereference`) are written out in full on the way in, within the caps of
//! `limits.rs`; a value that contains itself is refused. On the way out nothing is ever shared.

mod read;
mod write;

pub use read::{Jelly, Resolve};
pub use write::{Export, TextForm, Writer};

use super::failure::Failure;
use super::limits::DEPTH_MAX;

/// Why an s-expression is no value. It spoils one call, not the connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JellyError {
    /// A type that may not be sent to us.
    #[error("{0}")]
    Insecure(String),
    /// Text that is not UTF-8.
    #[error("text is not UTF-8")]
    BadUtf8,
    /// Right shape, impossible content.
    #[error("{0}")]
    BadValue(&'static str),
    /// Wrong shape.
    #[error("{0}")]
    Malformed(&'static str),
    /// An object that we did not lend, or that the peer has given back.
    #[error("Invalid Object ID")]
    UnknownObject,
    /// A value that contains itself.
    #[error("value contains itself")]
    Cyclic,
    /// Deeper than our cap once shared parts are written out.
    #[error("value nested deeper than {DEPTH_MAX}")]
    TooDeep,
    /// Larger than our cap once shared parts are written out.
    #[error("value too large")]
    TooLarge,
}

impl From<&JellyError> for Failure {
    fn from(error: &JellyError) -> Failure {
        let text = error.to_string();
        match error {
            JellyError::Insecure(_) => Failure::insecure_jelly(text),
            JellyError::BadUtf8 => Failure::builtin("UnicodeDecodeError", text),
            JellyError::BadValue(_) => Failure::builtin("AssertionError", text),
            JellyError::UnknownObject => Failure::invalid_object_id(),
            JellyError::Malformed(_) | JellyError::Cyclic | JellyError::TooDeep | JellyError::TooLarge => {
                Failure::value_error(text)
            }
        }
    }
}
