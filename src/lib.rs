//! Bellwether: a continuous-integration master that Buildbot workers and tools talk to unchanged.
//!
//! One process, one tree of services, one OS thread per service, crossbeam channels between them.
//! The rooms below stand in rank order: a room imports only from the rooms above it, a waiting
//! call goes only towards them, and news travels the other way without ever waiting.
//! `ARCHITECTURE.md` tells the rest of the map.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod model;
pub mod pb;
pub mod config;
pub mod kernel;
pub mod metrics;
pub mod caches;
pub mod db;
pub mod pbmanager;
pub mod users;
pub mod changes;
pub mod schedulers;
pub mod botmaster;
pub mod status;
pub mod debug;
pub mod master;
pub mod worker;
pub mod cli;
