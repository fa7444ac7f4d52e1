//! Where a master under test keeps its things; it may be started there again and again.

use crate::Fallible;
use crate::master::Master;
use crate::site::{PASSWORD, Site};
use crate::store::Store;
use std::fs::{Permissions, set_permissions, write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use tempfile::TempDir;

/// How much of the end of the master's log to show when something went wrong.
const LOG_LINES: usize = 10;

/// A directory that is deleted in the end.
pub struct Home {
    directory: TempDir,
    /// Where the master listens for workers and developers.
    pub pb: SocketAddr,
    /// Where it shows its pages.
    pub www: SocketAddr,
}

impl Home {
    /// Writes the configuration.
    pub fn new(site: Site) -> Fallible<Home> {
        let directory = tempfile::Builder::new().prefix("bellwether-farm-").tempdir()?;
        // Held both at once, so that they differ; free again when the master takes them.
        let held = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
        let home = Home { pb: held[0].local_addr()?, www: held[1].local_addr()?, directory };
        write(home.path("password"), PASSWORD)?;
        set_permissions(home.path("password"), Permissions::from_mode(0o600))?;
        write(home.configuration(), site.yaml(home.directory.path(), home.pb, home.www))?;
        Ok(home)
    }

    /// Starts the master, lets `measure` do its work, and stops the master.
    pub fn run<T>(&self, measure: impl FnOnce(&Master) -> Fallible<T>) -> Fallible<T> {
        let measured = Master::start(self).and_then(|master| {
            let measured = measure(&master)?;
            master.stop()?;
            Ok(measured)
        });
        measured.map_err(|error| format!("{error}\nthe master's log ends:\n{}", self.end_of_log()).into())
    }

    /// The configuration's file.
    pub fn configuration(&self) -> PathBuf {
        self.path("master.yaml")
    }

    /// The file that takes the master's log.
    pub fn log(&self) -> PathBuf {
        self.path("master.log")
    }

    /// The master's database.
    pub fn store(&self) -> Fallible<Store> {
        Store::open(&self.path("state.sqlite"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn end_of_log(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}
