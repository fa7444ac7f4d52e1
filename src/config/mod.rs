//! What is wanted: the YAML language, its checks, and the difference between two configurations as a plan.
//!
//! Text goes in at [`load`](load()), which returns a whole [`Config`] or every complaint at once, each with
//! its file, line and column. A [`Config`] is resolved: matrices are expanded, step lists taken in, globs of
//! builders replaced by names, defaults filled in; secrets stay references until somebody needs them.
//! Two of them are compared by value with [`diff`](diff()), which gives the [`Plan`] of a reload.
//!
//! The room holds values only: no thread, no state, no clock.

mod calendar;
mod check;
mod complaint;
mod condition;
mod diff;
mod duration;
mod expand;
mod findings;
mod load;
mod locate;
mod merge;
mod pattern;
mod plan;
mod read;
pub mod schema;
mod substitute;
mod template;
mod touched;
mod yaml;

pub use calendar::Calendar;
pub use complaint::Complaint;
pub use condition::{
    CAN_START_BUILD, CHANGE, COLLAPSE_REQUESTS, Condition, DO_STEP_IF, FILE_IS_IMPORTANT, Formula,
    HIDE_STEP_IF, NEXT_BUILD, VALUE,
};
pub use diff::diff;
pub use duration::parse as parse_duration;
pub use load::{Loaded, load, load_text, load_texts};
pub use locate::control_socket_of;
pub use pattern::{Glob, Pattern, Search};
pub use plan::{FieldChange, Plan, PlanStep, Unit, Verb};
pub use schema::*;
pub use template::{Find, Form, Piece, Selector, SourceAttribute, Template};
pub use touched::{Activity, Running, Touched};

use findings::Findings;

#[cfg(test)]
mod tests;
