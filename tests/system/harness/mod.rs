//! What the system tests stand on: a site in a directory of its own, with its master, its workers and its repositories.

mod browser;
mod http;
pub mod peer;
mod process;
pub mod programs;
mod repository;
mod rows;
mod site;
mod wait;
mod worker;

pub use browser::Browser;
pub use process::Process;
pub use programs::{old, real};
pub use repository::Repository;
pub use rows::Build;
pub use site::{Said, Site, free_port};
pub use wait::{eventually, eventually_or};
pub use worker::{Make, Worker};
