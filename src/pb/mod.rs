//! The wires of workers and clients: bytes in, messages out; pure. Perspective Broker (`pb.md`), and [`msgpack`].
//!
//! From the bottom: [`banana`] cuts a byte stream into s-expressions, [`jelly`] turns those into [`Value`]s and
//! back, [`session`] speaks the messages of one connection (calls, answers, references), [`login`] proves who calls.
//! Nothing here reads a socket, a clock or a random number: the shell hands bytes and challenges in.
//! Whatever a peer sends can only end its call or its connection; the caps are in [`limits`].

pub mod limits;
pub mod integer;
pub mod banana;
pub mod value;
pub mod failure;
pub mod jelly;
mod json;
pub mod session;
pub mod login;
pub mod msgpack;

pub use failure::Failure;
pub use jelly::TextForm;
pub use login::{ClientLogin, Login, LoginProgress, LoginStep, Proof, Secret};
pub use session::{Call, Callee, Event, Fatal, Refused, Request, Session};
pub use value::{Float, Luid, Target, Value};
