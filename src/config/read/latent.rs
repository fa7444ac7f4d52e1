//! `workers` of the types `docker` and `command`.

use super::{Loose, Read, Table};
use crate::config::findings::Findings;
use crate::config::yaml::{Node, Value};
use crate::config::{Command, Docker, Latent, LatentCommands, LatentDriver, Template};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long an instance is kept without builds, where nothing is said (`N-LT-02`).
const BUILD_WAIT_TIMEOUT: Duration = Duration::from_secs(600);

/// How often an instance is looked at, where nothing is said (`N-LT-03`).
const CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// How long a latent worker may take to connect, where nothing is said (`LT-01`).
pub(super) const MISSING_TIMEOUT: Duration = Duration::from_secs(1200);

/// Where Docker listens, where nothing is said.
const DOCKER_HOST: &str = "unix:///var/run/docker.sock";

/// Reads the keys of a latent worker; `driver` reads those of its type.
pub(super) fn latent(
    table: &mut Table,
    driver: fn(&mut Table, &mut Findings) -> LatentDriver,
    findings: &mut Findings,
) -> Latent {
    let build_wait_timeout = match table.node("build_wait_timeout", findings) {
        None => Some(BUILD_WAIT_TIMEOUT),
        Some(node) => build_wait_timeout(node, findings),
    };
    let interval = table.optional("check_instance_interval", findings);
    let master_fqdn = table.optional("master_fqdn", findings);
    Latent {
        build_wait_timeout,
        check_instance_interval: interval
            .filter(|interval: &Duration| !interval.is_zero())
            .unwrap_or(CHECK_INTERVAL),
        master_fqdn,
        driver: driver(table, findings),
    }
}

fn build_wait_timeout(node: &Node, findings: &mut Findings) -> Option<Duration> {
    match &node.value {
        Value::Int(seconds) if *seconds < 0 => None,
        Value::Text(word) if word == "never" => None,
        _ => Duration::read(node, findings),
    }
}

/// Reads the keys of `type: command`.
pub(super) fn command(table: &mut Table, findings: &mut Findings) -> LatentDriver {
    let check: Option<Command> = table.optional("check", findings);
    LatentDriver::Command(LatentCommands {
        start: table.required("start", findings).map(words).unwrap_or_default(),
        stop: table.required("stop", findings).map(words).unwrap_or_default(),
        check: check.map(words).unwrap_or_default(),
        environment: environment(table, "environment", findings),
    })
}

/// Reads the keys of `type: docker`.
pub(super) fn docker(table: &mut Table, findings: &mut Findings) -> LatentDriver {
    let docker_host = docker_host(table, findings);
    let command: Option<Vec<Loose<Template>>> = table.optional("command", findings);
    let hostconfig: BTreeMap<String, serde_json::Value> = table.or("hostconfig", BTreeMap::new(), findings);
    LatentDriver::Docker(Docker {
        docker_host,
        version: table.optional("version", findings),
        image: table.required("image", findings).map(|image: Template| text(&image)).unwrap_or_default(),
        dockerfile: optional(table, "dockerfile", findings),
        buildargs: environment(table, "buildargs", findings),
        target: optional(table, "target", findings),
        autopull: table.or("autopull", false, findings),
        always_pull: table.or("always_pull", false, findings),
        command: command.unwrap_or_default().iter().map(|Loose(word)| text(word)).collect(),
        volumes: table.or("volumes", Vec::new(), findings).iter().map(text).collect(),
        networking: optional(table, "networking", findings),
        hostname: optional(table, "hostname", findings),
        environment: environment(table, "environment", findings),
        hostconfig: hostconfig.into_iter().collect(),
    })
}

fn docker_host(table: &mut Table, findings: &mut Findings) -> String {
    let Some(node) = table.node("docker_host", findings) else { return DOCKER_HOST.to_owned() };
    let Some(host) = String::read(node, findings) else { return DOCKER_HOST.to_owned() };
    let is_right = match host.split_once("://") {
        Some(("unix", path)) => path.starts_with('/'),
        Some(("tcp", address)) => {
            address.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok())
        }
        _ => false,
    };
    if !is_right {
        let hint = "write `unix:///var/run/docker.sock` or `tcp://HOST:PORT`";
        findings.complain(node.at, format!("{host:?} is no address of a container engine"), hint);
    }
    host
}

fn optional(table: &mut Table, key: &'static str, findings: &mut Findings) -> Option<String> {
    table.optional(key, findings).map(|template: Template| text(&template))
}

fn environment(table: &mut Table, key: &'static str, findings: &mut Findings) -> BTreeMap<String, String> {
    let read: BTreeMap<String, Loose<Template>> = table.or(key, BTreeMap::new(), findings);
    read.into_iter().map(|(name, Loose(value))| (name, text(&value))).collect()
}

/// The words of a command; a line is the shell's.
fn words(command: Command) -> Vec<String> {
    match command {
        Command::Line(line) => vec!["/bin/sh".to_owned(), "-c".to_owned(), text(&line)],
        Command::Words(words) => words.iter().map(text).collect(),
    }
}

/// A template is kept as its source: it was read only to be checked.
fn text(template: &Template) -> String {
    template.as_str().to_owned()
}
