//! The farm: plays workers and developers to a real master over real sockets, and prints what it costs the master.
//!
//! `cargo bench --bench farm -- --help` tells the options. Each section starts the release binary anew, on a
//! database of its own in a directory that is deleted afterwards. One thread plays everybody, so that the
//! players take little of the machine that they measure.

mod baseline;
mod compiler;
mod connection;
mod developer;
mod farm;
mod home;
mod master;
mod options;
mod sections;
mod site;
mod store;
mod table;
mod usage;
mod worker;

use clap::Parser;
use options::Options;
use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use table::Row;

/// What goes wrong here ends the run, and a person reads why.
type Fallible<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is closed nobody reads why.
            let _ = writeln!(std::io::stderr(), "farm: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Fallible<()> {
    usage::allow_many_files()?;
    let mut rows: Vec<Row> = Vec::new();
    let mut out = std::io::stdout();
    if !options.json {
        table::write_head(&mut out)?;
    }
    for section in options.sections() {
        let measured = section.measure(options)?;
        if !options.json {
            table::write_rows(&mut out, &measured)?;
        }
        rows.extend(measured);
    }
    if options.json {
        table::write_json(&mut out, &rows)?
    } else {
        table::write_foot(&mut out)?
    }
    Ok(())
}
