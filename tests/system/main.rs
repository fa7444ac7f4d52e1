//! The built programs, run as people run them: the master and its commands, the worker agent, and beside them the
//! real worker and tools of Buildbot and a real browser.

mod browser;
mod containers;
mod debug;
mod encrypted;
mod harness;
mod jobs;
mod latent;
mod lifecycle;
mod tools;
mod tries;
mod users;
mod watchers;
mod workers;
mod hostile;
mod reload;
mod simulate;
mod rogue;
mod sources;
