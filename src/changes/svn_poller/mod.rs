//! `svn_poller`: looks at a Subversion repository now and then (`CS-04`..`CS-06`, `N-CS-09`).
//!
//! It asks for the revisions since the look before, the oldest first, and tells each as one change for every branch that
//! it touches. What decides is pure: [`layout`] (which branch a path is in) and [`printed`] (what svn says, as XML).

pub mod layout;
pub mod look;
pub mod printed;

pub use look::{Settings, SvnLook};

#[cfg(test)]
mod tests;
