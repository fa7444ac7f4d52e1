//! The project's rules, as tests.
//!
//! A rule reads the tree and gives its complaints, one a line, each saying where and what to do instead.
//! Every rule is also run on a small bad input beside it, so that none can be dead.

mod bans;
mod documents;
mod files;
mod layers;
mod limits;
mod migrations;
mod rooms;
mod source;
mod tree;

/// Fails with all complaints at once.
#[track_caller]
fn keep(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n\n{}\n", complaints.join("\n"));
}
