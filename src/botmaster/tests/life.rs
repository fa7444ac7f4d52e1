//! The life of workers: silence, absence, quarantine, wishes, storms.

use super::peer::Kind;
use super::rig::Rig;
use super::{builder, config, shell_step};
use crate::botmaster::limits::GREETINGS;
use crate::botmaster::{Refused, SlotState, WorkerState, WorkerStatus, WorkerWish};
use crate::config::{Config, Keepalive};
use crate::model::Results;
use std::time::Duration;

/// One worker, `w`, with one builder whose build goes on until it is stopped.
fn hanging() -> Config {
    config(vec![builder("b", vec![shell_step("hang")])])
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl Rig {
    fn worker(&self) -> WorkerStatus {
        self.handle.snapshot().unwrap().workers.remove(0)
    }

    fn steer(&mut self, wish: WorkerWish) -> Result<(), Refused> {
        let steered = self.handle.steer_worker("w", wish).unwrap();
        self.settle();
        steered
    }

    /// How often it was told that the worker is missing, since it was last asked.
    fn times_missing(&mut self) -> usize {
        self.told().matches("worker_missing").count()
    }
}

#[test]
fn a_dead_worker_is_noticed_within_half_a_minute() {
    let mut config = hanging();
    config.pb.keepalive = Some(seconds(12));
    let mut rig = Rig::new(&config);
    let connection = rig.connect("w", Kind::Worker);
    let request = rig.ask("b", "r1").1;
    rig.wait(seconds(1000));
    assert_eq!(rig.worker().builders[0].state, SlotState::Building);
    rig.silence(connection);
    rig.wait(seconds(10));
    assert_eq!(rig.worker().state, WorkerState::Connected);
    rig.wait(seconds(18));
    assert_eq!(rig.worker().state, WorkerState::Away);
    assert_eq!(rig.build(request).results, Some(Results::Retry));
}

#[test]
fn a_worker_may_have_an_interval_of_its_own_and_a_reload_changes_it_at_once() {
    let mut config = hanging();
    config.workers[0].keepalive = Keepalive::Never;
    config.pb.keepalive = Some(seconds(12));
    let mut rig = Rig::new(&config);
    let connection = rig.connect("w", Kind::Worker);
    let request = rig.ask("b", "r1").1;
    rig.silence(connection);
    rig.wait(seconds(10_000));
    assert_eq!(rig.worker().state, WorkerState::Connected);
    config.workers[0].keepalive = Keepalive::After(seconds(30));
    rig.apply(&config);
    assert_eq!(rig.build(request).results, None);
    rig.wait(seconds(70));
    assert_eq!(rig.worker().state, WorkerState::Away);
}

#[test]
fn a_thousand_workers_that_came_together_are_not_pinged_together() {
    let builders = (0..40).map(|n| {
        let mut builder = builder(&format!("b{n}"), Vec::new());
        builder.workers = vec![format!("w{n}")];
        builder
    });
    let mut config = config(builders.collect());
    config.pb.keepalive = Some(seconds(12));
    let mut rig = Rig::new(&config);
    for n in 0..40 {
        rig.connect(&format!("w{n}"), Kind::Worker);
    }
    rig.calls.clear();
    let mut most = 0;
    for _ in 0..24 {
        rig.wait(Duration::from_millis(100));
        most = most.max(rig.calls.drain(..).filter(|call| call.starts_with("print")).count());
    }
    rig.wait(seconds(10));
    assert!(most < 20, "{most} of 40 within a tenth of a second");
    assert!(rig.calls.iter().filter(|call| call.starts_with("print")).count() >= 40);
}

#[test]
fn a_worker_that_stays_away_is_told_of_once_for_each_loss() {
    let mut config = hanging();
    config.workers[0].missing_timeout = seconds(600);
    let mut rig = Rig::new(&config);
    let start = rig.sim.world().wall();
    rig.wait(seconds(599));
    assert_eq!((rig.times_missing(), rig.worker().missing_since), (0, None));
    rig.wait(seconds(2));
    assert_eq!((rig.times_missing(), rig.worker().missing_since), (1, Some(start)));
    rig.wait(seconds(100_000));
    assert_eq!(rig.times_missing(), 0);
    let connection = rig.connect("w", Kind::Worker);
    assert_eq!(rig.worker().missing_since, None);
    rig.wait(seconds(10_000));
    rig.cut(connection);
    rig.wait(seconds(599));
    assert_eq!(rig.times_missing(), 0);
    rig.wait(seconds(2));
    assert_eq!(rig.times_missing(), 1);
}

#[test]
fn a_reload_changes_how_long_a_worker_may_be_away() {
    let mut config = hanging();
    let mut rig = Rig::new(&config);
    rig.wait(seconds(300));
    config.workers[0].missing_timeout = seconds(200);
    rig.apply(&config);
    rig.wait(seconds(1));
    assert_eq!(rig.times_missing(), 1);
    rig.apply(&config);
    rig.wait(seconds(1000));
    assert_eq!(rig.times_missing(), 0);
}

#[test]
fn a_worker_whose_builds_end_as_exceptions_rests() {
    let mut rig = Rig::new(&config(vec![builder("b", vec![shell_step("break")])]));
    rig.connect("w", Kind::Worker);
    let first = rig.ask("b", "r1").1;
    assert_eq!(rig.build(first).results, Some(Results::Exception));
    let until = rig.sim.world().wall() + seconds(10);
    assert_eq!(rig.worker().quarantined_until, Some(until));
    let second = rig.ask("b", "r2").1;
    let why = rig.handle.snapshot().unwrap().why_waiting("b");
    assert_eq!(why, "every connected worker is paused, or in quarantine after an exception");
    rig.wait(seconds(9));
    assert_eq!(rig.db.builds().of_request(second).unwrap(), []);
    rig.wait(seconds(2));
    assert_eq!(rig.build(second).results, Some(Results::Exception));
    let third = rig.ask("b", "r3").1;
    rig.wait(seconds(18));
    assert_eq!(rig.db.builds().of_request(third).unwrap(), []);
    // Somebody has looked after it.
    assert_eq!(rig.steer(WorkerWish::Unpause), Ok(()));
    assert_eq!(rig.build(third).results, Some(Results::Exception));
    assert_eq!(rig.worker().quarantined_until, Some(rig.sim.world().wall() + seconds(10)));
}

#[test]
fn a_pause_and_its_reason_outlive_the_master() {
    let config = hanging();
    let mut rig = Rig::new(&config);
    assert_eq!(rig.steer(WorkerWish::Pause("the disk is full".to_owned())), Ok(()));
    let mut rig = rig.reborn(&config);
    assert_eq!(rig.worker().pause.as_deref(), Some("the disk is full"));
    assert_eq!(rig.steer(WorkerWish::Unpause), Ok(()));
    let row = rig.db.workers().get("w").unwrap().unwrap();
    assert_eq!((row.paused, row.pause_reason), (false, None));
}

#[test]
fn a_worker_that_is_killed_is_gone_and_its_build_is_repeated() {
    let mut rig = Rig::new(&hanging());
    assert_eq!(rig.steer(WorkerWish::Kill), Err(Refused::NotConnected("w".to_owned())));
    rig.connect("w", Kind::Worker);
    let request = rig.ask("b", "r1").1;
    assert_eq!(rig.steer(WorkerWish::Kill), Ok(()));
    assert_eq!(rig.calls.last().map(String::as_str), Some("shutdown()"));
    // This one says that it will, and stays.
    rig.wait(seconds(6));
    assert_eq!(rig.worker().state, WorkerState::Away);
    assert_eq!(rig.build(request).results, Some(Results::Retry));
    assert_eq!(rig.handle.snapshot().unwrap().waiting, [("b".to_owned(), 1)]);
}

#[test]
fn a_worker_that_does_not_leave_is_cut_off_and_welcome_again() {
    let mut rig = Rig::new(&hanging());
    rig.connect("w", Kind::Worker);
    assert_eq!(rig.steer(WorkerWish::Leave), Ok(()));
    assert!(rig.db.workers().get("w").unwrap().unwrap().graceful);
    rig.wait(seconds(31));
    assert_eq!(rig.worker().state, WorkerState::Away);
    rig.connect("w", Kind::Worker);
    assert!(!rig.worker().graceful && !rig.db.workers().get("w").unwrap().unwrap().graceful);
    let request = rig.ask("b", "r1").1;
    assert_eq!(rig.build(request).results, None);
}

#[test]
fn what_a_worker_said_is_known_while_it_is_away() {
    let mut rig = Rig::new(&hanging());
    let connection = rig.connect("w", Kind::Worker);
    rig.wait(seconds(100));
    rig.cut(connection);
    let row = rig.db.workers().get("w").unwrap().unwrap();
    let text = |key: &str| row.info.get(key).cloned().unwrap_or_default();
    assert_eq!([text("admin"), text("version"), text("environ")], ["me", "4.3.0", ""]);
    let environ: Vec<_> = row.environ.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(environ, ["LANG=C", "NPM_TOKEN=(not kept)"]);
    assert_eq!(row.last_seen_at, Some(rig.sim.world().wall()));
    assert!(row.connected_to.is_empty());
    assert_eq!(row.configured_on.iter().map(|(_, builder)| builder.as_str()).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn connections_are_counted_for_an_hour() {
    let mut rig = Rig::new(&hanging());
    for _ in 0..3 {
        let connection = rig.connect("w", Kind::Worker);
        rig.cut(connection);
        rig.wait(seconds(1500));
    }
    assert_eq!(rig.worker().connects, 2);
    rig.wait(seconds(3600));
    assert_eq!(rig.worker().connects, 0);
}

#[test]
fn a_reload_gives_a_connected_worker_its_new_bounds() {
    let builders = ["a", "b"].map(|name| builder(name, vec![shell_step("hang")]));
    let mut config = config(builders.to_vec());
    config.workers[0].max_builds = Some(1);
    let mut rig = Rig::new(&config);
    rig.connect("w", Kind::Worker);
    let requests = ["a", "b"].map(|name| rig.ask(name, "r1").1);
    assert_eq!(rig.worker().running, 1);
    config.workers[0].max_builds = None;
    rig.calls.clear();
    rig.apply(&config);
    assert_eq!(rig.worker().running, 2);
    assert_eq!(requests.map(|request| rig.build(request).results), [None, None]);
    assert!(!rig.calls.iter().any(|call| call.starts_with("close")), "{:?}", rig.calls);
}

#[test]
fn workers_that_do_not_answer_their_greeting_keep_the_others_waiting_only_for_moments() {
    let name = |n: usize| format!("w{n:04}");
    let builders = (0..=GREETINGS).map(|n| {
        let mut builder = builder(&format!("b{n}"), Vec::new());
        builder.workers = vec![name(n)];
        builder
    });
    let mut rig = Rig::new(&config(builders.collect()));
    for n in 0..GREETINGS {
        rig.connect_mute(&name(n));
    }
    let last = rig.connect(&name(GREETINGS), Kind::Worker);
    let state = |rig: &Rig| rig.handle.snapshot().unwrap().workers[GREETINGS].state;
    assert_eq!(state(&rig), WorkerState::Away);
    rig.wait(seconds(5));
    assert_eq!(state(&rig), WorkerState::Connected);
    // The mute ones are given up in their time; one that goes while it waits leaves nothing behind.
    rig.wait(seconds(56));
    let away = |worker: &WorkerStatus| worker.state == WorkerState::Away;
    assert_eq!(
        rig.handle.snapshot().unwrap().workers.iter().filter(|worker| away(worker)).count(),
        GREETINGS
    );
    rig.cut(last);
    for n in 0..GREETINGS {
        rig.connect_mute(&name(n));
    }
    let waiting = rig.connect(&name(GREETINGS), Kind::Worker);
    rig.cut(waiting);
    rig.wait(seconds(5));
    assert_eq!(state(&rig), WorkerState::Away);
    rig.connect(&name(GREETINGS), Kind::Worker);
    assert_eq!(state(&rig), WorkerState::Connected);
}
