//! `builders`: what is built, by whom, in which steps.

use super::{Collapse, EnvValue, LockUse, NextBuild, NextWorker, Step};
use crate::config::{Condition, Template};
use crate::model::Properties;
use serde::Serialize;
use std::collections::BTreeMap;

/// One builder (`BD`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Builder {
    /// Its name (`BD-01`).
    pub name: String,
    /// The names of its workers, at least one, in the order of the file (`BD-02`).
    pub workers: Vec<String>,
    /// Words to find it by (`BD-06`).
    pub tags: Vec<String>,
    /// A line or two about it.
    pub description: Option<String>,
    /// The environment of its steps; a step's own goes over it (`BD-10`).
    pub env: BTreeMap<String, EnvValue>,
    /// Properties of its builds (`BD-11`).
    pub properties: Properties,
    /// Properties of its builds where nothing before the builder sets them (`N-PR-12`).
    pub default_properties: Properties,
    /// The name of its directory on the worker, unique among the builders (`BD-04`, `BD-05`).
    pub build_dir: String,
    /// The directory of steps that name none, below the build directory (`FA-03`).
    pub workdir: Template,
    /// Whether a newer request takes an older, equal one's place (`MG-02`, `N-BQ-01`); where a builder says nothing, the
    /// `collapse_requests` at the top of the file counts.
    pub collapse_requests: Collapse,
    /// Added to the priority of its requests, so that they go before or after those of other builders (`N-BD-11`).
    pub priority: i64,
    /// Which of its requests is built next.
    pub next_build: NextBuild,
    /// Which worker builds it.
    pub next_worker: NextWorker,
    /// A condition without which a request is not built on a worker; its other requests go on. It may use what `prefer`
    /// of `next_build` may, and of the worker `worker`, its name, `running`, how many builds it runs, and
    /// `info('system', default)`, what it told of itself (`N-BD-06`).
    pub can_start_build: Option<Condition>,
    /// What its builds hold from before their first step to after their last (`BD-09`).
    pub locks: Vec<LockUse>,
    /// The steps, in order; lists taken in.
    pub steps: Vec<Step>,
}

/// The directory name that a builder of this name gets by default: characters that a shell or a file system
/// would take for something else become `_` (`BD-04`).
pub(in crate::config) fn safe_directory_name(name: &str) -> String {
    let hostile = |c: char| c.is_control() || " !\"#$%&'()*+,./:;<=>?@[\\]^`{|}~".contains(c);
    name.chars().map(|c| if hostile(c) { '_' } else { c }).collect()
}
