//! The configuration as typed values, one file per section; every field is resolved and has its default.

mod builder;
mod canceller;
mod change_source;
mod client;
mod dispatch;
mod filter;
mod latent;
mod lock;
mod pb;
mod reporter;
mod scheduler;
mod secret;
mod step;
mod timed;
mod worker;

pub use builder::Builder;
pub(super) use builder::safe_directory_name;
pub use canceller::OldBuildCanceller;
pub use change_source::{
    BranchPath, Branches, ChangeSource, ChangeSourceKind, Gerrit, GitPoller, HgPoller, Labels, PbSource,
    RemoteAccess, Rhythm, SvnPoller,
};
pub use client::{DebugClient, Gate, Login, StatusListener, UserManager};
pub use dispatch::{Collapse, NextBuild, NextWorker};
pub use filter::{ChangeFilter, FieldFilter, SourceStampFilter};
pub use latent::{Docker, Latent, LatentCommands, LatentDriver};
pub use lock::{Lock, LockMode, LockScope, LockUse};
pub use pb::{Listen, Msgpack, Pb, Port, Tls};
pub use reporter::{Mail, MailLogin, MailTls, Reporter, ReporterKind};
pub use scheduler::{
    BuilderRule, ChangeDriven, Force, Layout, Parameter, ParameterKind, Scheduler, SchedulerKind, TryJobdir,
    TryUserpass,
};
pub use secret::{Password, Secret, SecretProvider, SecretText};
pub use step::{
    Checkout, Command, Compile, Compress, Content, DirectoryUpload, Download, EnvValue, Extract, FileUpload,
    FileWork, Flags, Git, GivenPatch, GivenStamp, Hg, HgBranch, Http, HttpBody, LogFile, MasterShell,
    MultipleFileUpload, Observer, Output, Patience, Retry, SequencePart, SetProperties,
    SetPropertiesFromCommand, SetPropertiesFromEnv, SetProperty, SetPropertyFrom, Shell, ShellSequence,
    SourceMethod, SourceMode, Step, StepKind, Suppression, Svn, SvnDepth, Test, Transfer, Trigger,
    TriggerSource, Triggered, Upload,
};
pub use timed::{Timed, Times};
pub use worker::{Keepalive, Worker, WorkerKind};

use super::duration;
use crate::model::Properties;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Everything that was asked for (`GC`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Config {
    /// What pages and mails call this site (`GC-01`).
    pub title: String,
    /// Where people reach the web pages; ends with `/`; the base of every link (`GC-03`).
    pub url: String,
    /// The time zone of schedules and pages, an IANA name; `None` for the machine's own.
    pub timezone: Option<String>,
    /// Where the database file, scratch space and sockets live, unless they are placed elsewhere.
    pub state_dir: PathBuf,
    /// Where rows are kept.
    pub database: Database,
    /// Who is asked for secrets, in this order.
    pub secrets: Vec<SecretProvider>,
    /// The port for workers and client tools.
    pub pb: Pb,
    /// The port for workers that speak msgpack over WebSocket.
    pub msgpack: Msgpack,
    /// The web server; `None` for none.
    pub www: Option<Www>,
    /// The socket of the `bellwether` commands that talk to the running master.
    pub control_socket: PathBuf,
    /// Whether Buildbot's debug client may log in.
    pub debug: Option<DebugClient>,
    /// Who may watch over the PB port.
    pub status: Vec<StatusListener>,
    /// Who may manage users, and how.
    pub user_managers: Vec<UserManager>,
    /// How long rows are kept.
    pub retention: Retention,
    /// The sizes of the caches.
    pub caches: Caches,
    /// Counters and timers; `None` for none (`GC-19`).
    pub metrics: Option<Metrics>,
    /// Properties of every build (`GC-12`).
    pub properties: Properties,
    /// The locks, in the order of the file.
    pub locks: Vec<Lock>,
    /// The workers, in the order of the file.
    pub workers: Vec<Worker>,
    /// The change sources, in the order of the file.
    pub change_sources: Vec<ChangeSource>,
    /// Which codebase a change belongs to: the first whose repository is the change's (`N-CO-02`).
    pub codebases: Vec<Codebase>,
    /// The schedulers, in the order of the file.
    pub schedulers: Vec<Scheduler>,
    /// Whose old builds newer ones make pointless.
    pub old_build_cancellers: Vec<OldBuildCanceller>,
    /// The builders, matrices expanded, in the order of the file.
    pub builders: Vec<Builder>,
    /// Who tells people what happens, in the order of the file.
    pub reporters: Vec<Reporter>,
}

/// Where rows are kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Database {
    /// Which engine, and where. It cannot change while the master runs (`RF-05`).
    pub url: DatabaseUrl,
}

/// Which database engine, and where.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// The embedded one: the path of its file.
    Sqlite(PathBuf),
    /// A server: the whole URL, `postgresql://...`.
    Postgres(String),
}

impl fmt::Display for DatabaseUrl {
    /// The URL, without a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DatabaseUrl::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            DatabaseUrl::Postgres(url) => match (url.find("://"), url.rfind('@')) {
                (Some(scheme), Some(at)) if scheme + 3 <= at => {
                    let user = url[scheme + 3..at].split(':').next().unwrap_or_default();
                    write!(f, "{}{user}{}", &url[..scheme + 3], &url[at..])
                }
                _ => f.write_str(url),
            },
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for DatabaseUrl {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The web server.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Www {
    /// Where to listen.
    pub listen: SocketAddr,
}

/// How long rows are kept. Deleting is done in small slices.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Retention {
    /// Builds with their steps and properties (`GC-05`).
    pub builds: Keep,
    /// The lines of logs (`GC-06`); not longer than the builds.
    pub logs: Keep,
    /// Changes (`GC-04`).
    pub changes: Keep,
    /// How many bytes are kept of one log (`GC-10`), of what the program says and of what is said about it alike;
    /// `None` for all of it. What more comes is left out, and the log says so.
    pub log_size: Option<u64>,
    /// How many bytes of the end are kept of a log that is longer (`GC-11`).
    pub log_tail_size: u64,
}

/// How much of something to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// All of it.
    All,
    /// What is not older than this.
    For(#[serde(serialize_with = "duration::serialize")] Duration),
    /// This many, the newest ones.
    Newest(u64),
}

/// The sizes of the caches, by name (`GC-20`).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Caches(pub BTreeMap<String, usize>);

impl Caches {
    /// How many entries the cache of this name holds: as configured, else Buildbot's default.
    pub fn size(&self, name: &str) -> usize {
        self.0.get(name).copied().unwrap_or(match name {
            "builds" => 15,
            "changes" => 10,
            _ => 1,
        })
    }
}

/// What is measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metrics {
    /// How often to log all figures; `None` for never.
    #[serde(serialize_with = "duration::serialize_option")]
    pub log_interval: Option<Duration>,
    /// Whether the web server shows them at `/metrics`.
    pub prometheus: bool,
}

/// One part of the source.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Codebase {
    /// Its name; empty for the only one.
    pub name: String,
    /// Changes of this repository belong to it.
    pub repository: String,
    /// The branch that a build without one takes.
    pub branch: Option<String>,
}

impl Codebase {
    /// The name of the one that a change of this repository belongs to; the empty one if none says so.
    pub fn of<'c>(codebases: &'c [Codebase], repository: &str) -> &'c str {
        let own = codebases.iter().find(|codebase| codebase.repository == repository);
        own.map_or("", |codebase| codebase.name.as_str())
    }
}

impl Config {
    /// The configuration of a master that does nothing: from which a start is diffed, and to which a stop is.
    pub fn empty() -> Config {
        Config {
            title: String::new(),
            url: String::new(),
            timezone: None,
            state_dir: PathBuf::new(),
            database: Database { url: DatabaseUrl::Sqlite(PathBuf::new()) },
            secrets: Vec::new(),
            pb: Pb { listen: Vec::new(), keepalive: None },
            msgpack: Msgpack::default(),
            www: None,
            control_socket: PathBuf::new(),
            debug: None,
            status: Vec::new(),
            user_managers: Vec::new(),
            retention: Retention {
                builds: Keep::All,
                logs: Keep::All,
                changes: Keep::All,
                log_size: None,
                log_tail_size: 0,
            },
            caches: Caches::default(),
            metrics: None,
            properties: Properties::default(),
            locks: Vec::new(),
            workers: Vec::new(),
            change_sources: Vec::new(),
            codebases: Vec::new(),
            schedulers: Vec::new(),
            old_build_cancellers: Vec::new(),
            builders: Vec::new(),
            reporters: Vec::new(),
        }
    }

    /// How long this worker may be silent before it is asked whether it is there; `None` for ever.
    pub fn keepalive_of(&self, worker: &Worker) -> Option<Duration> {
        match worker.keepalive {
            Keepalive::Usual => self.pb.keepalive,
            Keepalive::After(interval) => Some(interval),
            Keepalive::Never => None,
        }
    }

    /// The lock of this name.
    pub fn lock(&self, name: &str) -> Option<&Lock> {
        self.locks.iter().find(|lock| lock.name == name)
    }

    /// The worker of this name.
    pub fn worker(&self, name: &str) -> Option<&Worker> {
        self.workers.iter().find(|worker| worker.name == name)
    }

    /// The builder of this name.
    pub fn builder(&self, name: &str) -> Option<&Builder> {
        self.builders.iter().find(|builder| builder.name == name)
    }

    /// The scheduler of this name.
    pub fn scheduler(&self, name: &str) -> Option<&Scheduler> {
        self.schedulers.iter().find(|scheduler| scheduler.name == name)
    }

    /// The codebase that a change of this repository belongs to; the empty one if none says so.
    pub fn codebase_of(&self, repository: &str) -> &str {
        Codebase::of(&self.codebases, repository)
    }
}
