//! A PostgreSQL server for the tests: made when the first test wants one, stopped when the last lets go of it.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tempfile::TempDir;

/// A running server, on a socket in a folder of its own.
pub struct Server {
    programs: PathBuf,
    folder: TempDir,
}

impl Server {
    /// The server that the tests share.
    pub fn shared() -> Arc<Server> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Server::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// A server of one test's own.
    pub fn start() -> Server {
        let server = Server { programs: programs(), folder: TempDir::new().expect("a folder") };
        if is_root(server.folder.path()) {
            chown(server.folder.path(), Some(NOBODY), Some(NOBODY)).expect("a folder for the server's user");
        }
        let data = server.data();
        server.run(
            "initdb",
            &["--no-sync", "--auth=trust", "--username=bellwether", "--encoding=UTF8", "-D", &data],
        );
        server.resume();
        server
    }

    /// Starts the server again after [`Server::halt`].
    pub fn resume(&self) {
        let socket = self.folder.path().display();
        let options = format!("-k {socket} -c listen_addresses= -c fsync=off -c max_connections=100");
        let log = self.folder.path().join("log").display().to_string();
        self.run("pg_ctl", &["start", "-w", "-D", &self.data(), "-l", &log, "-o", &options]);
    }

    /// Ends the server as a crash does: connections are cut, nothing is put in order.
    pub fn halt(&self) {
        self.run("pg_ctl", &["stop", "-w", "-m", "immediate", "-D", &self.data()]);
    }

    /// How to connect to the database of this name.
    pub fn address(&self, database: &str) -> String {
        let socket = self.folder.path().display();
        format!("host={socket} user=bellwether dbname={database}")
    }

    /// The folder of its socket.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes an empty database.
    pub fn create(&self, database: &str) {
        let mut client =
            postgres::Client::connect(&self.address("postgres"), postgres::NoTls).expect("the server");
        client.batch_execute(&format!("CREATE DATABASE {database}")).expect("a database");
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.programs.join(program);
        let mut command = if is_root(Path::new("/proc/self")) {
            // The server refuses to run as root.
            let mut command = Command::new("setpriv");
            let nobody = NOBODY.to_string();
            command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        // Into a file: the server keeps the output open, and would keep a pipe open for ever.
        let output = self.folder.path().join("output");
        let file = std::fs::File::create(&output).expect("a file");
        let status = command
            .args(arguments)
            .current_dir(self.folder.path())
            .stdout(file.try_clone().expect("a file"))
            .stderr(file)
            .status()
            .expect("setpriv, or the server's programs: apt-get install util-linux postgresql");
        let text = || std::fs::read_to_string(&output).unwrap_or_default();
        assert!(status.success(), "{command:?}: {}", text());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.halt();
    }
}

const NOBODY: u32 = 65534;

fn is_root(path: &Path) -> bool {
    std::fs::metadata(path).expect("a folder").uid() == 0
}

/// The folder that holds the server's programs: the newest of Debian's, or one in `PATH`.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin")).collect();
    debian.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut all = debian.into_iter().rev().chain(std::env::split_paths(&path));
    all.find(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists())
        .expect("no PostgreSQL server: apt-get install postgresql")
}
