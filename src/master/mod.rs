//! The root: the tree of services, and what starts, reloads and stops it.
//!
//! * Does: reads the configuration, puts it in force, hears signals and commands, supervises, stops in order.
//! * Thread: the main one, rank 100; `signals` feeds it. It may wait for everyone.
//! * Owns: the configuration in force, the doors and the threads of all services.
//! * The first start is the reload from the empty configuration; a stop goes from the highest rank down.
//! * Never: does a service's work.

pub mod rehearsal;
pub mod reload;
mod root;
mod signals;
pub mod tree;

pub use root::{End, Master, Root, RootEvent, StartError};
pub use signals::Signal;
pub use tree::Tree;
