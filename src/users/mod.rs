//! Who somebody is.
//!
//! * Does: reads what version control systems say of an author as an [`Identity`].
//! * Thread `users`, rank 30. Calls nobody yet, tells nobody.
//! * Owns: nothing yet. Stored users, their contacts and their passwords are this room's, and need their rows first;
//!   until then changes carry their authors as text, and the service only keeps its place in the tree.
//! * Never: sees a password of a worker (those are pbmanager's).

pub mod identity;
pub mod service;

pub use identity::Identity;
pub use service::Users;

/// What can be told to the service: nothing yet.
#[derive(Debug)]
pub enum Msg {}
