//! `hg_poller`: looks at a Mercurial repository now and then (`N-CS-03`).
//!
//! It pulls into a mirror and tells the commits that came since the look before as changes: of the named branches and
//! bookmarks that are looked at, on all their heads. What decides is pure: [`plan`]; [`mirror`] runs Mercurial. Pollers
//! of one repository share a mirror, one at a time.

pub mod look;
pub mod mirror;
pub mod plan;

pub use look::{HgLook, Settings};

#[cfg(test)]
mod tests;
