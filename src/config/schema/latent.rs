//! `workers` of the types `docker` and `command`: started when a build wants them, stopped when they have been idle.

use crate::config::duration;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// What all latent workers have (`LT-01`, `N-LT-02`, `N-LT-03`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Latent {
    /// How long an instance without builds is kept, 10 minutes where nothing is said: 0 stops it as soon as its last
    /// build is done, `never` or a negative number keeps it until the master stops.
    #[serde(serialize_with = "duration::serialize_option")]
    pub build_wait_timeout: Option<Duration>,
    /// How often an instance is looked at until its worker has connected, so that one that crashed fails at once with
    /// its last lines: every 10 seconds where nothing is said.
    #[serde(serialize_with = "duration::serialize")]
    pub check_instance_interval: Duration,
    /// `master_fqdn`: by which name or address the worker finds the master; `host` or `host:port`. Where nothing is
    /// said, this machine's name for a container, and for a command the address that programs on this machine use.
    pub master_fqdn: Option<String>,
    /// How instances are started and stopped.
    pub driver: LatentDriver,
}

/// How instances are started and stopped. All texts but `docker_host` are filled in from the build that wants the
/// instance: `%(prop:...)s` and `%(secret:...)s`. A running instance serves only builds for which they come out the
/// same; for another it is replaced (`N-LT-04`). A change of the configuration applies at the next start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum LatentDriver {
    /// `type: docker`.
    Docker(Docker),
    /// `type: command`.
    Command(LatentCommands),
}

impl LatentDriver {
    /// The word for it in the configuration.
    pub fn type_name(&self) -> &'static str {
        match self {
            LatentDriver::Docker(_) => "docker",
            LatentDriver::Command(_) => "command",
        }
    }
}

/// Instances by commands of your own: of a cloud's tool, of virsh, of ssh (`N-LT-16`). A text is run by `/bin/sh`, a
/// list as it is. Each runs in the master's environment, with `environment` and `WORKERNAME` added, and must end in
/// time; what it prints is shown where it fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatentCommands {
    /// Starts an instance, and returns without waiting for its worker to connect. It is given `BUILDMASTER`,
    /// `BUILDMASTER_PORT`, `BUILDMASTER_PROTOCOL` and `WORKERPASS` too. Exit code 0: it is on its way. 75: there is no
    /// room now, try later. 78: this can never work, the build fails. Any other: the build is tried again, with longer
    /// and longer pauses. What runs on in the background must not keep the command's output open for long.
    pub start: Vec<String>,
    /// Removes the instance of this worker, whatever state it is in, and ends with 0 if nothing is left, also where
    /// nothing was there: it is run at the master's start too, and tried again until it works.
    pub stop: Vec<String>,
    /// Ends with another code than 0 if the instance that was started is not well. Left out, it is not looked at.
    pub check: Vec<String>,
    /// Environment variables for all three.
    pub environment: BTreeMap<String, String>,
}

/// Instances as containers, by Docker or by Podman's service (`N-LT-08`). They carry the labels `bellwether.worker` and
/// `bellwether.master`; those that another life of this master left behind are removed before a start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Docker {
    /// Where the engine listens: `unix:///var/run/docker.sock`, which is the default, or `tcp://HOST:PORT`.
    pub docker_host: String,
    /// The version of the engine's API, such as `1.41`; left out, the engine's own.
    pub version: Option<String>,
    /// The image.
    pub image: String,
    /// The text of a Dockerfile, from which the image is built where it is missing.
    pub dockerfile: Option<String>,
    /// Build arguments for the Dockerfile.
    pub buildargs: BTreeMap<String, String>,
    /// The stage of the Dockerfile to build; left out, the last.
    pub target: Option<String>,
    /// Whether the image is pulled if it is missing.
    pub autopull: bool,
    /// Whether the image is pulled before every start.
    pub always_pull: bool,
    /// What the container runs; empty for what the image says.
    pub command: Vec<String>,
    /// Directories of the engine's machine, or volumes: `/from:/to` or `/from:/to:ro`.
    pub volumes: Vec<String>,
    /// The container's network: `NetworkMode`.
    pub networking: Option<String>,
    /// The container's host name.
    pub hostname: Option<String>,
    /// Environment variables, beside `BUILDMASTER`, `BUILDMASTER_PORT`, `BUILDMASTER_PROTOCOL`, `WORKERNAME` and
    /// `WORKERPASS`, which every container gets.
    pub environment: BTreeMap<String, String>,
    /// Anything that the engine's API takes as `HostConfig`, in its own words.
    pub hostconfig: serde_json::Map<String, Value>,
}
