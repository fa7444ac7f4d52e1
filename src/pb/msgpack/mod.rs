//! The other wire of today's workers: MessagePack over WebSocket (`msgpack.md`); bytes in, messages out; pure.
//!
//! From the bottom: [`packed`] turns bytes into [`Value`](super::Value)s and back, [`websocket`] is the handshake with
//! the password and the frames, [`session`] numbers requests and answers. A worker behind it is spoken to, and speaks, in the words of
//! the PB one, so that nobody above has to know which of the two a worker chose: [`worker`] translates between the
//! two, [`commands`] what they run and what comes of it.

mod commands;
pub mod packed;
pub mod session;
pub mod websocket;
mod worker;

pub use session::{Heard, Session};
