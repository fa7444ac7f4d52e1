//! What to measure, and how much of it.

use crate::sections::Section;
use clap::Parser;

/// Play many workers to a Bellwether master, and print what it does in a second and what that costs
///
/// Each figure stands beside those of Buildbot 0.8.6p1 and 4.3.0, which were measured on another day.
#[derive(Debug, Parser)]
#[command(name = "farm")]
pub struct Options {
    /// What to measure; everything if none is named
    #[arg(value_enum)]
    sections: Vec<Section>,
    /// Builds of each kind of dispatch; rounded up to whole changes
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    pub builds: u64,
    /// Changes for the latency of an idle master
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    pub trickle: u64,
    /// Mebibytes of log, over all workers that write them
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..))]
    pub mib: u64,
    /// Workers that connect and do nothing
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    pub workers: u64,
    /// Print one JSON object instead of a table
    #[arg(long)]
    pub json: bool,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// The sections to measure, in the order of the table.
    pub fn sections(&self) -> impl Iterator<Item = Section> {
        Section::ALL.into_iter().filter(|section| self.sections.is_empty() || self.sections.contains(section))
    }
}
