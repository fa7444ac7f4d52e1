//! The room's tests, and what they share: configurations in a line.

mod adversity;
mod attach;
mod below;
mod choosing;
mod collapsing;
mod distributor;
mod files;
mod cancelling;
mod checkout;
mod checkouts;
mod git;
mod golden;
mod kinds;
mod life;
mod locking;
mod machine;
mod master;
mod output;
mod peer;
mod player;
mod properties;
mod render;
mod rig;
mod secrecy;
mod service;
mod transfers;
mod triggering;
mod trying;

use crate::config::{
    Builder, Checkout, Collapse, Command, Config, Git, NextBuild, NextWorker, Patience, Shell, SourceMode,
    Step, StepKind, Template, Worker, WorkerKind,
};
use crate::model::{Properties, Results};
use std::collections::BTreeMap;
use std::time::Duration;

/// A text to fill in.
pub(super) fn template(text: &str) -> Template {
    Template::new(text).unwrap()
}

/// A program, as the file's defaults have it.
pub(super) fn shell(command: &str) -> Shell {
    Shell {
        command: Command::Line(template(command)),
        workdir: None,
        env: BTreeMap::new(),
        sigterm_time: None,
        interrupt_signal: "KILL".to_owned(),
        max_lines: None,
        use_pty: false,
        initial_stdin: None,
        want_stdout: true,
        want_stderr: true,
        log_environ: true,
        log_files: BTreeMap::new(),
        lazy_log_files: false,
        decode_rc: BTreeMap::from([(0, Results::Success)]),
    }
}

/// A step of this kind, without any flag but that a failure counts.
pub(super) fn step(kind: StepKind) -> Step {
    Step {
        name: template(kind.type_name()),
        description: None,
        description_done: None,
        description_suffix: None,
        halt_on_failure: false,
        flunk_on_failure: true,
        flunk_on_warnings: false,
        warn_on_failure: false,
        warn_on_warnings: false,
        always_run: false,
        do_step_if: None,
        hide_step_if: None,
        observe: Vec::new(),
        locks: Vec::new(),
        patience: Patience::usual(&kind),
        kind,
    }
}

/// A step that runs a program.
pub(super) fn shell_step(command: &str) -> Step {
    step(StepKind::Shell(shell(command)))
}

/// A git step.
pub(super) fn git_config(mode: SourceMode) -> Git {
    Git {
        checkout: checkout("https://example.org/r.git", mode),
        shallow: None,
        submodules: false,
        remote_submodules: false,
        progress: false,
        tags: false,
        retry_fetch: false,
        clobber_on_failure: false,
        origin: None,
        reference: None,
        filters: Vec::new(),
        config: BTreeMap::new(),
        get_description: None,
        gerrit: false,
    }
}

/// What all checkouts have.
pub(super) fn checkout(repository: &str, mode: SourceMode) -> Checkout {
    Checkout {
        repository: template(repository),
        branch: None,
        codebase: template(""),
        mode,
        always_use_latest: false,
        workdir: None,
        env: BTreeMap::new(),
        log_environ: true,
    }
}

/// A builder on worker `w`.
pub(super) fn builder(name: &str, steps: Vec<Step>) -> Builder {
    Builder {
        name: name.to_owned(),
        workers: vec!["w".to_owned()],
        tags: Vec::new(),
        description: None,
        env: BTreeMap::new(),
        properties: Properties::default(),
        default_properties: Properties::default(),
        build_dir: name.to_owned(),
        workdir: template("build"),
        collapse_requests: Collapse::Alike,
        priority: 0,
        next_build: NextBuild::default(),
        next_worker: NextWorker::default(),
        can_start_build: None,
        locks: Vec::new(),
        steps,
    }
}

/// A configuration of these builders and of their workers.
pub(super) fn config(builders: Vec<Builder>) -> Config {
    let names: std::collections::BTreeSet<String> =
        builders.iter().flat_map(|builder| builder.workers.clone()).collect();
    let worker = |name: String| Worker {
        name,
        kind: WorkerKind::Remote,
        password: Some(crate::config::Secret::Literal(crate::config::SecretText::new("pw"))),
        max_builds: None,
        locks: Vec::new(),
        properties: Properties::default(),
        default_properties: Properties::default(),
        keepalive: crate::config::Keepalive::Usual,
        notify_on_missing: Vec::new(),
        missing_timeout: Duration::from_secs(3600),
    };
    Config { workers: names.into_iter().map(worker).collect(), builders, ..Config::empty() }
}
