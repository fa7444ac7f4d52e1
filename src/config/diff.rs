//! The difference between two configurations, by value, as a plan.

use super::plan::{FieldChange, Plan, PlanStep, Unit, Verb};
use super::schema::{ChangeSource, Config, Listen, Reporter, Scheduler, StatusListener, UserManager};
use super::{Complaint, SecretProvider};
use crate::model::Properties;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// How many characters of a value a plan shows.
const SHORT: usize = 60;

/// What to do to come from the running configuration to the wanted one. From [`Config::empty`] that is a
/// start, to it a stop.
///
/// # Errors
/// What cannot change while the master runs; then nothing changes.
pub fn diff(running: &Config, wanted: &Config) -> Result<Plan, Vec<Complaint>> {
    let refusals = refusals(running, wanted);
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let mut plan = Draft { steps: Vec::new() };
    plan.one(Unit::Site, running.here(site), wanted.here(site));
    plan.one(Unit::Metrics, running.metrics.as_ref(), wanted.metrics.as_ref());
    plan.one(Unit::Caches, running.here(|config| &config.caches), wanted.here(|config| &config.caches));
    plan.one(Unit::Database, running.here(|config| &config.database), wanted.here(|config| &config.database));
    plan.one(
        Unit::Retention,
        running.here(|config| &config.retention),
        wanted.here(|config| &config.retention),
    );
    plan.one(Unit::Pb, keepalive(running), keepalive(wanted));
    let key = |listen: &Listen| Unit::PbListener(listen.address);
    plan.each(&running.pb.listen, &wanted.pb.listen, key, |_| ());
    let key = |listen: &Listen| Unit::MsgpackListener(listen.address);
    plan.each(&running.msgpack.listen, &wanted.msgpack.listen, key, |_| ());
    let codebases =
        |config: &Config| Some(config.codebases.clone()).filter(|codebases| !codebases.is_empty());
    plan.one(Unit::Codebases, codebases(running), codebases(wanted));
    let key = |manager: &UserManager| Unit::UserManager(manager.gate().login.user.clone());
    plan.each(&running.user_managers, &wanted.user_managers, key, |_| ());
    let key = |source: &ChangeSource| Unit::ChangeSource(source.name.clone());
    plan.each(&running.change_sources, &wanted.change_sources, key, |source| source.kind.type_name());
    let key = |scheduler: &Scheduler| Unit::Scheduler(scheduler.name.clone());
    plan.each(&running.schedulers, &wanted.schedulers, key, |scheduler| scheduler.kind.type_name());
    let cancellers = |config: &Config| {
        Some(config.old_build_cancellers.clone()).filter(|cancellers| !cancellers.is_empty())
    };
    plan.one(Unit::OldBuildCancellers, cancellers(running), cancellers(wanted));
    plan.each(&running.locks, &wanted.locks, |lock| Unit::Lock(lock.name.clone()), |lock| lock.scope);
    plan.each(&running.builders, &wanted.builders, |builder| Unit::Builder(builder.name.clone()), |_| ());
    plan.each(
        &running.workers,
        &wanted.workers,
        |worker| Unit::Worker(worker.name.clone()),
        |worker| worker.kind.type_name(),
    );
    let key = |reporter: &Reporter| Unit::Reporter(reporter.name.clone());
    plan.each(&running.reporters, &wanted.reporters, key, |reporter| reporter.kind.type_name());
    plan.each(running.www.as_slice(), wanted.www.as_slice(), |_| Unit::Www, |www| www.listen);
    let key = |listener: &StatusListener| Unit::StatusListener(listener.gate().login.user.clone());
    plan.each(&running.status, &wanted.status, key, |_| ());
    plan.one(Unit::DebugClient, running.debug.as_ref(), wanted.debug.as_ref());
    let socket = |config: &'_ Config| config.here(|config| config.control_socket.clone());
    plan.each(socket(running).as_slice(), socket(wanted).as_slice(), |_| Unit::ControlSocket, Clone::clone);
    Ok(Plan::in_order(plan.steps))
}

/// What cannot change while the master runs (`RF-05`).
fn refusals(running: &Config, wanted: &Config) -> Vec<Complaint> {
    let mut refusals = Vec::new();
    if running.is_empty() || wanted.is_empty() {
        return refusals;
    }
    let mut refuse = |path: &str, old: String, new: String| {
        let message = format!("it cannot change from {old} to {new} while the master runs");
        refusals.push(Complaint::without_line("", path, message, "stop the master, and start it again"));
    };
    if running.database.url != wanted.database.url {
        refuse("database.url", running.database.url.to_string(), wanted.database.url.to_string());
    }
    if running.state_dir != wanted.state_dir {
        refuse("state_dir", running.state_dir.display().to_string(), wanted.state_dir.display().to_string());
    }
    refusals
}

/// What all read at use.
#[derive(PartialEq, Serialize)]
struct Site<'a> {
    title: &'a str,
    url: &'a str,
    timezone: Option<&'a str>,
    properties: &'a Properties,
    secrets: &'a [SecretProvider],
}

fn site(config: &Config) -> Site<'_> {
    Site {
        title: &config.title,
        url: &config.url,
        timezone: config.timezone.as_deref(),
        properties: &config.properties,
        secrets: &config.secrets,
    }
}

/// The settings of connections, where there is a port.
#[derive(PartialEq, Serialize)]
struct Keepalive {
    #[serde(serialize_with = "super::duration::serialize_option")]
    keepalive: Option<std::time::Duration>,
}

fn keepalive(config: &Config) -> Option<Keepalive> {
    let listens = !(config.pb.listen.is_empty() && config.msgpack.listen.is_empty());
    listens.then_some(Keepalive { keepalive: config.pb.keepalive })
}

impl Config {
    /// Whether it is that of a master that does nothing.
    pub fn is_empty(&self) -> bool {
        *self == Config::empty()
    }

    /// A part of it; `None` of the empty one.
    fn here<'a, T>(&'a self, part: impl FnOnce(&'a Config) -> T) -> Option<T> {
        (!self.is_empty()).then(|| part(self))
    }
}

/// The steps so far.
struct Draft {
    steps: Vec<PlanStep>,
}

impl Draft {
    fn push(&mut self, verb: Verb, unit: Unit, changes: Vec<FieldChange>) {
        self.steps.push(PlanStep { verb, unit, changes, touches: Vec::new() });
    }

    /// A unit of which there is one at most.
    fn one<T: PartialEq + Serialize>(&mut self, unit: Unit, old: Option<T>, new: Option<T>) {
        match (old, new) {
            (None, Some(_)) => self.push(Verb::Start, unit, Vec::new()),
            (Some(_), None) => self.push(Verb::Stop, unit, Vec::new()),
            (Some(old), Some(new)) if old != new => self.push(Verb::Reconfigure, unit, changes(&old, &new)),
            _ => {}
        }
    }

    /// Units of which there are many. One whose identity changes is replaced: a scheduler of another type
    /// is another scheduler, whatever its name.
    fn each<'t, T: PartialEq + Serialize, I: PartialEq>(
        &mut self,
        running: &'t [T],
        wanted: &'t [T],
        unit: impl Fn(&T) -> Unit,
        identity: impl Fn(&T) -> I,
    ) {
        let index =
            |all: &'t [T]| -> BTreeMap<Unit, &'t T> { all.iter().map(|one| (unit(one), one)).collect() };
        let (old_by_unit, new_by_unit) = (index(running), index(wanted));
        let same =
            |one: &T, other: Option<&&'t T>| other.filter(|other| identity(one) == identity(other)).copied();
        for old in running {
            if same(old, new_by_unit.get(&unit(old))).is_none() {
                self.push(Verb::Stop, unit(old), Vec::new());
            }
        }
        for new in wanted {
            match same(new, old_by_unit.get(&unit(new))) {
                None => self.push(Verb::Start, unit(new), Vec::new()),
                Some(old) if old != new => self.push(Verb::Reconfigure, unit(new), changes(old, new)),
                Some(_) => {}
            }
        }
    }
}

/// The settings that are different. Two that print alike, because they are secrets, are told as such.
fn changes<T: Serialize>(old: &T, new: &T) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    if let (Ok(old), Ok(new)) = (serde_json::to_value(old), serde_json::to_value(new)) {
        compare(&old, &new, String::new(), &mut changes);
    }
    if changes.is_empty() {
        let hidden = || "(hidden)".to_owned();
        changes.push(FieldChange { field: "a secret".to_owned(), old: hidden(), new: hidden() });
    }
    changes
}

/// Goes down to what is different, as long as it would not be short already.
fn compare(old: &Value, new: &Value, path: String, changes: &mut Vec<FieldChange>) {
    match (old, new) {
        _ if old == new => {}
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let side =
                    |object: &serde_json::Map<String, Value>| object.get(key).cloned().unwrap_or_default();
                compare(&side(a), &side(b), path, changes);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() && long(old).max(long(new)) > SHORT => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                compare(a, b, format!("{path}[{index}]"), changes);
            }
        }
        _ => changes.push(FieldChange { field: path, old: short(old), new: short(new) }),
    }
}

/// How long a value is when it is printed.
fn long(value: &Value) -> usize {
    value.to_string().chars().count()
}

/// A value for people, in short.
fn short(value: &Value) -> String {
    match value {
        Value::Null => "(none)".to_owned(),
        Value::Array(entries) if long(value) > SHORT => format!("{} entries", entries.len()),
        Value::Object(_) if long(value) > SHORT => "{...}".to_owned(),
        Value::String(text) if text.chars().count() > SHORT => {
            let kept: String = text.chars().take(SHORT).collect();
            format!("{kept}...")
        }
        Value::String(text) if !text.is_empty() => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::diff;
    use crate::config::{Config, load_text};
    use expect_test::{Expect, expect};

    const BASE: &str = "
title: A
properties: {team: red}
pb: {listen: [127.0.0.1:1, 127.0.0.1:2]}
www: {listen: 127.0.0.1:3}
metrics: {log_interval: 60s}
secrets: [{type: systemd_credentials}]
workers: [{name: w1, type: local}, {name: w2, password: old-password}, {name: w3, password: {secret: w3}}]
change_sources: [{type: pb, name: c1, password: {secret: c1}}, {type: git_poller, name: c2, repository: /r}]
schedulers: [{type: force, name: s1, builders: '*'}, {type: single_branch, name: s2, branch: main, builders: b1}]
builders:
- name: b1
  workers: [w1, w2]
  tags: [fast]
  steps:
  - {git: /r}
  - {shell: [make, -j4, all, install, a-long-list-of-targets, that-is-not-short-any-more], timeout: 20m}
- {name: b2, workers: [w3], steps: [shell: make]}
";

    fn config(text: &str) -> Config {
        load_text("m.yaml", text).unwrap_or_else(|complaints| panic!("{complaints:#?}")).config
    }

    fn check(running: &Config, wanted: &Config, expected: Expect) {
        let told = match diff(running, wanted) {
            Ok(plan) => plan.to_string(),
            Err(refusals) => refusals.iter().map(|refusal| format!("refused: {refusal}\n")).collect(),
        };
        expected.assert_eq(&told);
    }

    /// The plan of a reload after these replacements.
    fn check_edit(edits: &[(&str, &str)], expected: Expect) {
        let edited = edits.iter().fold(BASE.to_owned(), |text, (old, new)| {
            assert!(text.contains(old), "{old}");
            text.replacen(old, new, 1)
        });
        check(&config(BASE), &config(&edited), expected);
    }

    #[test]
    fn a_start_goes_up_and_a_stop_comes_down() {
        check(
            &Config::empty(),
            &config(BASE),
            expect![[r#"
            start       site
            start       metrics
            start       caches
            start       database
            start       retention
            start       pb
            start       pb listener 127.0.0.1:1
            start       pb listener 127.0.0.1:2
            start       change source c1
            start       change source c2
            start       scheduler s1
            start       scheduler s2
            start       builder b1
            start       builder b2
            start       worker w1
            start       worker w2
            start       worker w3
            start       www
            start       control socket"#]],
        );
        check(
            &config(BASE),
            &Config::empty(),
            expect![[r#"
            stop        control socket
            stop        www
            stop        worker w1
            stop        worker w2
            stop        worker w3
            stop        builder b1
            stop        builder b2
            stop        scheduler s1
            stop        scheduler s2
            stop        change source c1
            stop        change source c2
            stop        pb listener 127.0.0.1:1
            stop        pb listener 127.0.0.1:2
            stop        pb
            stop        retention
            stop        database
            stop        caches
            stop        metrics
            stop        site"#]],
        );
        check(&Config::empty(), &Config::empty(), expect!["nothing to do"]);
    }

    #[test]
    fn what_is_the_same_is_left_alone() {
        check_edit(
            &[("127.0.0.1:1, 127.0.0.1:2", "127.0.0.1:2, 127.0.0.1:1"), ("timeout: 20m", "timeout: 1200")],
            expect!["nothing to do"],
        );
    }

    #[test]
    fn settings_are_told_by_their_paths() {
        check_edit(
            &[
                ("title: A", "title: B"),
                ("team: red", "team: blue"),
                ("log_interval: 60s", "log_interval: null"),
                ("old-password", "new-password"),
                ("{secret: w3}", "{secret: w4}"),
                ("repository: /r", "repository: /r, branches: [main]"),
                ("branch: main", "branch: null, tree_stable_timer: 90s"),
                ("tags: [fast]", "tags: []\n  env: {A: x}"),
                ("that-is-not-short-any-more", "that-is-longer"),
                ("timeout: 20m", "timeout: null, do_step_if: branch == 'main'"),
            ],
            expect![[r#"
                reconfigure site
                              properties.team.value: red -> blue
                              title: A -> B
                reconfigure metrics
                              log_interval: 1m -> (none)
                reconfigure change source c2
                              git_poller.branches: default -> {"matching":["main"]}
                reconfigure scheduler s2
                              single_branch.change_filter.branch.is: ["main"] -> [null]
                              single_branch.tree_stable_timer: (none) -> 1m30s
                reconfigure builder b1
                              env.A: (none) -> x
                              steps[1].do_step_if: (none) -> branch == 'main'
                              steps[1].shell.command[5]: that-is-not-short-any-more -> that-is-longer
                              steps[1].timeout: 20m -> (none)
                              tags: ["fast"] -> []
                reconfigure worker w2
                              a secret: (hidden) -> (hidden)
                reconfigure worker w3
                              password: {secret: w3} -> {secret: w4}"#]],
        );
    }

    #[test]
    fn what_has_another_identity_is_replaced() {
        check_edit(
            &[
                ("127.0.0.1:1,", "127.0.0.1:9,"),
                ("127.0.0.1:3", "127.0.0.1:4"),
                ("{name: w1, type: local}", "{name: w1, password: {secret: w1}}"),
                ("type: single_branch", "type: any_branch"),
                (", branch: main", ""),
                ("type: pb, name: c1, password: {secret: c1}", "type: git_poller, name: c1, repository: /x"),
                ("title: A", "control: {socket: /run/b.sock}"),
            ],
            expect![[r#"
                stop        control socket
                stop        www
                stop        worker w1
                stop        scheduler s2
                stop        change source c1
                stop        pb listener 127.0.0.1:1
                reconfigure site
                              title: A -> Bellwether
                start       pb listener 127.0.0.1:9
                start       change source c1
                start       scheduler s2
                start       worker w1
                start       www
                start       control socket"#]],
        );
    }

    #[test]
    fn builders_and_workers_come_and_go() {
        check_edit(
            &[
                ("name: b2, workers: [w3]", "name: b3, workers: [w4]"),
                ("{name: w3, password: {secret: w3}}", "{name: w4, type: local}"),
            ],
            expect![[r#"
                stop        worker w3
                stop        builder b2
                reconfigure scheduler s1
                              builders: ["b1","b2"] -> ["b1","b3"]
                start       builder b3
                start       worker w4"#]],
        );
    }

    #[test]
    fn a_list_of_another_length_is_told_by_its_length() {
        check_edit(
            &[("steps:\n  - {git: /r}", "steps:")],
            expect![[r#"
            reconfigure builder b1
                          steps: 2 entries -> 1 entries"#]],
        );
    }

    #[test]
    fn what_cannot_change_is_refused() {
        check_edit(
            &[("title: A", "state_dir: /srv/ci\ndatabase: {url: 'postgresql://me:secret@db/ci'}")],
            expect![[r#"
                refused: database.url: it cannot change from sqlite:///var/lib/bellwether/state.sqlite to postgresql://me@db/ci while the master runs; stop the master, and start it again
                refused: state_dir: it cannot change from /var/lib/bellwether to /srv/ci while the master runs; stop the master, and start it again
            "#]],
        );
    }

    #[test]
    fn a_listener_takes_a_certificate_without_being_closed() {
        let tls = "{address: 127.0.0.1:1, tls: {certificate: /c, key: /k}}";
        check_edit(
            &[("127.0.0.1:1", tls)],
            expect![[r#"
            reconfigure pb listener 127.0.0.1:1
                          tls: (none) -> {"certificate":"/c","key":"/k"}"#]],
        );
    }
}
