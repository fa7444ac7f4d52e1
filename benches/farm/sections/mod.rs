//! What can be measured, one file each.

mod dispatch;
mod logs;
mod start;
mod web;
mod workers;

use crate::Fallible;
use crate::options::Options;
use crate::table::Row;

/// One part of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Section {
    /// How soon 10 and 1000 builders are served, and in how much memory
    Start,
    /// Small builds: 50 builders with a worker each, and one builder with 50 workers
    Dispatch,
    /// Long logs from one and from eight workers
    Logs,
    /// Many workers that connect and do nothing
    Workers,
    /// The list of 1000 builders, as JSON
    Web,
}

impl Section {
    /// All of them, in the order of the table.
    pub const ALL: [Section; 5] =
        [Section::Start, Section::Dispatch, Section::Logs, Section::Workers, Section::Web];

    /// Measures it, with masters of its own.
    pub fn measure(self, options: &Options) -> Fallible<Vec<Row>> {
        match self {
            Section::Start => start::measure(),
            Section::Dispatch => dispatch::measure(options),
            Section::Logs => logs::measure(options),
            Section::Workers => workers::measure(options),
            Section::Web => web::measure(),
        }
    }
}
