//! The pages, one file for each kind: what it reads, and how that looks.

pub(super) mod about;
pub(super) mod build;
mod build_parts;
pub(super) mod builder;
pub(super) mod builders;
pub(super) mod changes;
pub(super) mod doing;
pub(super) mod explain;
pub(super) mod force;
pub(super) mod home;
pub(super) mod log;
pub(super) mod log_search;
pub(super) mod requests;
pub(super) mod schedulers;
mod tables;
mod triggered;
pub(super) mod users;
pub(super) mod workers;

use super::fault::Fault;
use crate::model::Build;
use maud::Markup;

/// What a handler of a page answers.
pub(super) type Answer = Result<Markup, Fault>;

/// The build's name as people say it: `builder #12`.
fn build_name(build: &Build) -> String {
    format!("{} #{}", build.builder, build.number)
}
