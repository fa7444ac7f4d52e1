//! The wires of workers and clients against what real Twisted and real Buildbot programs put on them.
//!
//! `vectors/` holds golden bytes made by Twisted, `transcripts/` recorded sessions; their README and first lines
//! say how they are written. What is not in either, hostile input above all, stands in the other modules.

mod banana;
mod edges;
mod exchange;
mod fuzz;
mod golden;
mod hostile;
mod jelly;
mod login;
mod messages;
mod msgpack;
mod mutation;
mod packed;
mod pair;
mod properties;
mod references;
mod root;
mod transcripts;
