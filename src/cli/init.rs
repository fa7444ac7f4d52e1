//! `bellwether init DIR`: a directory to start from.

use super::{NO, fail};
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Make a directory with a first configuration in it
///
/// Nothing that is already there is touched.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The directory; made if it is missing
    dir: PathBuf,
}

/// What the configuration begins as, with the usual place for the rows.
const TEMPLATE: &str = include_str!("../../conf/init.yaml");

/// The usual place, which the directory made replaces.
const STATE_DIR: &str = "/var/lib/bellwether";

/// Does it.
pub fn run(args: &Args) -> ExitCode {
    match make(&args.dir) {
        Ok(config) => {
            println!("Made {}. Next:", config.display());
            println!("  bellwether check --config {}", config.display());
            println!("  bellwether run --config {}", config.display());
            ExitCode::SUCCESS
        }
        Err(error) => fail(NO, &format!("{}: {error}", args.dir.display())),
    }
}

fn make(dir: &Path) -> std::io::Result<PathBuf> {
    fs::create_dir_all(dir)?;
    let dir = dir.canonicalize()?;
    let config = dir.join("master.yaml");
    let text = TEMPLATE.replace(STATE_DIR, &dir.join("state").display().to_string());
    fs::create_dir_all(dir.join("state"))?;
    // It may come to hold passwords of workers.
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o640).open(&config)?;
    file.write_all(text.as_bytes())?;
    Ok(config)
}
