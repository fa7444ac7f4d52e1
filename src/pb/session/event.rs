//! What a session tells its owner, and what the owner hands back.

use crate::pb::banana::{DecodeError, EncodeError, Sexp};
use crate::pb::failure::Failure;
use crate::pb::value::{Luid, Target, Value};
use bytestring::ByteString;

/// Something that the peer did.
#[derive(Debug)]
pub enum Event {
    /// The dialect is agreed: calls may be made.
    Ready,
    /// The peer calls an object of ours. Every call must be answered, failed or rejected, once.
    Call(Call),
    /// A call of ours has ended.
    Answered {
        /// As given to `call`.
        token: u64,
        /// What came back. Objects in it are the owner's to `release`; a failure brings none.
        result: Result<Value, Failure>,
    },
    /// The peer has dropped its last reference to an object of ours.
    Released {
        /// The owner's key of the object.
        key: u64,
    },
}

/// A call of an object of ours.
#[derive(Debug)]
pub struct Call {
    /// To be handed back with the answer.
    pub request: Request,
    /// The object called.
    pub object: Target,
    /// The method, without any `remote_` or `perspective_`.
    pub method: String,
    /// Positional arguments.
    pub args: Vec<Value>,
    /// Keyword arguments.
    pub kwargs: Vec<(ByteString, Value)>,
    /// One entry for each reference that came with the arguments: `reject` gives these back, an owner who
    /// keeps an object gives all its references back with `release` when done.
    pub received: Vec<Luid>,
}

impl Call {
    /// An argument that may come by position or by keyword.
    pub fn arg(&self, position: usize, keyword: &str) -> Option<&Value> {
        let by_keyword =
            || self.kwargs.iter().rev().find(|(name, _)| name == keyword).map(|(_, value)| value);
        self.args.get(position).or_else(by_keyword)
    }
}

/// The peer's claim to an answer. Not to be copied: a call is answered once.
#[derive(Debug, PartialEq)]
pub struct Request {
    pub(in crate::pb) id: Sexp,
    pub(in crate::pb) wants_answer: bool,
}

impl Request {
    /// Does the peer wait for an answer? Answering is right in any case; nothing is sent if not.
    pub fn wants_answer(&self) -> bool {
        self.wants_answer
    }
}

/// Whom to call at the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callee {
    /// The object called `root`.
    Root,
    /// An object that the peer lent.
    Object(Luid),
}

impl From<Luid> for Callee {
    fn from(luid: Luid) -> Callee {
        Callee::Object(luid)
    }
}

/// Why a call was not made; nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Before [`Event::Ready`].
    #[error("the connection is not negotiated yet")]
    NotReady,
    /// After a fatal error or [`Session::lost`](super::Session::lost).
    #[error("the connection is closed")]
    Closed,
    /// The peer leaves too many calls unanswered.
    #[error("too many calls without an answer")]
    TooManyCalls,
    /// An argument cannot be sent.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// Why the connection must be closed at once (`pb.md` §9).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fatal {
    /// The bytes are no Banana.
    #[error(transparent)]
    Banana(#[from] DecodeError),
    /// No dialect in common, or no offer where one is due.
    #[error("no dialect in common")]
    Dialect,
    /// Another version than 6.
    #[error("protocol version other than 6")]
    Version,
    /// Not a list, unknown word, missing or surplus fields.
    #[error("not a message: {0}")]
    NotAMessage(&'static str),
    /// An answer to a call that was not made or already answered.
    #[error("answer to an unknown request")]
    UnknownRequest,
    /// A decref of an object that the peer does not hold.
    #[error("decref of an unknown reference")]
    UnknownReference,
    /// The peer lends too many objects.
    #[error("too many references")]
    TooManyReferences,
    /// Bytes after the end.
    #[error("the connection is closed")]
    Closed,
}
