//! The state machine in every small situation and in drawn long ones; what drivers say and are told.

use super::Standing;
use super::http::{Answer, parse};
use super::instance::{Action, Instance, Phase, Prospect, Refusal, Terms};
use crate::model::{BuildId, Mono, Wall};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

const TERMS: Terms = Terms {
    build_wait_timeout: Some(Duration::from_secs(600)),
    missing_timeout: Duration::from_secs(25),
    check_interval: Duration::from_secs(10),
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Job {
    Start(u64),
    Check(u64),
    Stop(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Build {
    Waiting,
    Using,
    Over,
}

/// What may happen next.
#[derive(Clone, Copy, Debug)]
enum Event {
    Ask(i64, u8),
    Leave(i64),
    /// The driver ends its job, well or not.
    Done(bool),
    Arrive,
    Detach,
    Wake,
    Retire,
    Revive,
}

/// An instance with the world around it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Model {
    instance: Instance<u8>,
    now: Mono,
    jobs: VecDeque<Job>,
    /// Whether anything runs, or is left, that costs money.
    exists: bool,
    is_connected: bool,
    builds: BTreeMap<BuildId, Build>,
    is_retired: bool,
}

impl Model {
    fn new() -> Model {
        let mut out = Vec::new();
        let instance = Instance::unknown(&mut out);
        let mut model = Model {
            instance,
            now: Mono(Duration::ZERO),
            jobs: VecDeque::new(),
            exists: true,
            is_connected: false,
            builds: BTreeMap::new(),
            is_retired: false,
        };
        model.obey(out);
        model
    }

    fn possible(&self, terms: &Terms) -> Vec<Event> {
        let mut events = vec![if self.is_retired { Event::Revive } else { Event::Retire }];
        for build in 1..=2 {
            match self.builds.get(&BuildId(build)) {
                None if !self.is_retired => events.extend([Event::Ask(build, 1), Event::Ask(build, 2)]),
                Some(Build::Waiting | Build::Using) => events.push(Event::Leave(build)),
                _ => {}
            }
        }
        if !self.jobs.is_empty() {
            events.extend([Event::Done(true), Event::Done(false)]);
        }
        if self.is_connected {
            events.push(Event::Detach);
        } else if self.instance.may_attach() {
            events.push(Event::Arrive);
        }
        if self.instance.next_wake(terms).is_some() {
            events.push(Event::Wake);
        }
        events
    }

    fn take(&mut self, event: Event, terms: &Terms) {
        let mut out = Vec::new();
        let now = self.now;
        match event {
            Event::Ask(build, recipe) => {
                self.builds.insert(BuildId(build), Build::Waiting);
                self.instance.ask(BuildId(build), recipe, terms, now, &mut out);
            }
            Event::Leave(build) => {
                self.builds.insert(BuildId(build), Build::Over);
                self.instance.leave(BuildId(build), terms, now, &mut out);
            }
            Event::Done(is_well) => match self.jobs.pop_front().expect("a job") {
                Job::Start(number) => {
                    assert!(!self.exists, "two instances at once");
                    // One that failed may have left something behind.
                    self.exists = true;
                    let refusal = Refusal { prospect: Prospect::Later, why: "full".to_owned() };
                    let result = if is_well { Ok(()) } else { Err(refusal) };
                    self.instance.started(number, result, terms, now, &mut out);
                }
                Job::Check(number) => {
                    let result = if is_well { Ok(()) } else { Err("ill".to_owned()) };
                    self.instance.checked(number, result, terms, now, &mut out);
                }
                Job::Stop(number) => {
                    self.exists &= !is_well;
                    let result = if is_well { Ok(()) } else { Err("stuck".to_owned()) };
                    self.instance.stopped(number, result, terms, now, &mut out);
                }
            },
            Event::Arrive => {
                self.is_connected = true;
                self.instance.arrived(terms, now, &mut out);
            }
            Event::Detach => {
                self.is_connected = false;
                let users: Vec<BuildId> = self.which(Build::Using);
                for build in users {
                    self.builds.insert(build, Build::Over);
                    self.instance.leave(build, terms, now, &mut out);
                }
                self.instance.detached(&mut out);
            }
            Event::Wake => {
                self.now = self.instance.next_wake(terms).expect("a time").max(now);
                self.instance.wake(terms, self.now, &mut out);
            }
            Event::Retire => {
                self.is_retired = true;
                self.instance.retire(terms, now, &mut out);
            }
            Event::Revive => {
                self.is_retired = false;
                self.instance.revive();
            }
        }
        self.obey(out);
        self.hold(terms);
    }

    fn which(&self, wanted: Build) -> Vec<BuildId> {
        self.builds.iter().filter(|(_, build)| **build == wanted).map(|(id, _)| *id).collect()
    }

    fn obey(&mut self, actions: Vec<Action<u8>>) {
        for action in actions {
            match action {
                Action::Start { number, .. } => {
                    assert!(!self.exists && self.jobs.is_empty(), "started where something may be");
                    self.jobs.push_back(Job::Start(number));
                }
                Action::Check { number } => self.jobs.push_back(Job::Check(number)),
                Action::Stop { number } => self.jobs.push_back(Job::Stop(number)),
                Action::Proceed(build) => {
                    assert!(self.is_connected && self.exists, "let proceed to nowhere");
                    assert_eq!(self.builds.insert(build, Build::Using), Some(Build::Waiting));
                }
                Action::Refuse(build, _) => {
                    assert_eq!(self.builds.insert(build, Build::Over), Some(Build::Waiting));
                }
                Action::Disconnect(_) => self.is_connected = false,
                Action::Missing(_) => {}
            }
        }
    }

    /// What holds after every event.
    fn hold(&self, terms: &Terms) {
        let will_go_on = !self.jobs.is_empty() || self.instance.next_wake(terms).is_some();
        if self.instance.phase() == Phase::Down {
            assert!(!self.exists && self.jobs.is_empty(), "an instance is forgotten");
        }
        if !self.which(Build::Waiting).is_empty() {
            assert!(
                will_go_on || !self.which(Build::Using).is_empty(),
                "a build waits for nothing: {self:?}"
            );
        }
        if self.exists && self.which(Build::Using).is_empty() && terms.build_wait_timeout.is_some() {
            assert!(will_go_on, "an idle instance is never stopped: {self:?}");
        }
    }
}

#[test]
fn every_small_situation_is_right() {
    let mut seen = BTreeSet::new();
    let mut now = BTreeSet::from([Model::new()]);
    for _ in 0..9 {
        let mut next = BTreeSet::new();
        for model in now {
            for event in model.possible(&TERMS) {
                let mut after = model.clone();
                after.take(event, &TERMS);
                if seen.insert(after.clone()) {
                    next.insert(after);
                }
            }
        }
        now = next;
    }
    let phases: BTreeSet<String> = seen.iter().map(|model| format!("{:?}", model.instance.phase())).collect();
    assert_eq!(phases.len(), 4, "{phases:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn long_stories_are_right(draws in prop::collection::vec(any::<prop::sample::Index>(), 1..400), wait in 0_u64..3) {
        // At once, after a while, never.
        let wait = [Some(Duration::ZERO), Some(Duration::from_secs(600)), None][wait as usize];
        let terms = Terms { build_wait_timeout: wait, ..TERMS };
        let mut model = Model::new();
        for draw in draws {
            model.builds.retain(|_, build| *build != Build::Over);
            let possible = model.possible(&terms);
            model.take(possible[draw.index(possible.len())], &terms);
        }
        // Once all goes well and nobody wants anything, nothing is left.
        for build in [1, 2] {
            if model.builds.get(&BuildId(build)).is_some_and(|build| *build != Build::Over) {
                model.take(Event::Leave(build), &terms);
            }
        }
        model.take(Event::Retire, &terms);
        for _ in 0..16 {
            if !model.jobs.is_empty() {
                model.take(Event::Done(true), &terms);
            } else if model.instance.next_wake(&terms).is_some() {
                model.take(Event::Wake, &terms);
            }
        }
        prop_assert!(model.instance.is_over() && !model.exists);
    }
}

/// A model in which nothing was left behind.
fn clean() -> Model {
    let mut model = Model::new();
    model.take(Event::Done(true), &TERMS);
    model
}

#[test]
fn a_worker_may_come_before_its_start_returns() {
    let mut model = clean();
    model.take(Event::Ask(1, 1), &TERMS);
    model.take(Event::Arrive, &TERMS);
    assert_eq!(model.which(Build::Waiting), [BuildId(1)]);
    model.take(Event::Done(true), &TERMS);
    assert_eq!(model.which(Build::Using), [BuildId(1)]);
}

#[test]
fn one_that_wants_another_instance_gets_it_when_the_first_is_free() {
    let mut model = clean();
    for event in [Event::Ask(1, 1), Event::Done(true), Event::Arrive, Event::Ask(2, 2)] {
        model.take(event, &TERMS);
    }
    assert_eq!((model.which(Build::Using), model.instance.phase()), (vec![BuildId(1)], Phase::Up));
    for event in [Event::Leave(1), Event::Done(true), Event::Done(true), Event::Arrive] {
        model.take(event, &TERMS);
    }
    assert_eq!(model.which(Build::Using), [BuildId(2)]);
}

#[test]
fn a_lost_worker_is_replaced_for_those_who_wait() {
    let mut model = clean();
    for event in [Event::Ask(1, 1), Event::Done(true), Event::Arrive, Event::Ask(2, 2), Event::Detach] {
        model.take(event, &TERMS);
    }
    assert_eq!(model.instance.phase(), Phase::Stopping);
    model.take(Event::Done(true), &TERMS);
    assert_eq!((model.instance.phase(), model.which(Build::Waiting)), (Phase::Starting, vec![BuildId(2)]));
}

#[test]
fn one_that_never_comes_is_missing() {
    let (mut model, mut out) = (clean(), Vec::new());
    model.take(Event::Ask(1, 1), &TERMS);
    model.instance.wake(&TERMS, model.now + TERMS.missing_timeout, &mut out);
    assert!(matches!(&out[0], Action::Missing(why) if why.contains("within 25 s")), "{out:?}");
    assert!(matches!(
        out.last(),
        Some(Action::Refuse(BuildId(1), Refusal { prospect: Prospect::Perhaps, .. }))
    ));
}

#[test]
fn that_there_is_no_room_is_nobodys_fault_and_told_to_nobody() {
    for (prospect, is_told) in [(Prospect::Later, false), (Prospect::Perhaps, true), (Prospect::Never, true)]
    {
        let (mut model, mut out) = (clean(), Vec::new());
        model.take(Event::Ask(1, 1), &TERMS);
        let Some(Job::Start(number)) = model.jobs.pop_front() else { panic!("no start: {model:?}") };
        let refusal = Refusal { prospect, why: "full".to_owned() };
        model.instance.started(number, Err(refusal.clone()), &TERMS, model.now, &mut out);
        assert_eq!(out.contains(&Action::Missing("full".to_owned())), is_told, "{out:?}");
        assert_eq!(out.last(), Some(&Action::Refuse(BuildId(1), refusal)));
    }
}

#[test]
fn a_worker_that_nobody_started_is_not_let_in() {
    let mut model = clean();
    assert!(!model.instance.may_attach());
    let mut out = Vec::new();
    model.instance.arrived(&TERMS, model.now, &mut out);
    assert_eq!(out, [Action::Disconnect("no instance is wanted")]);
    model.take(Event::Ask(1, 1), &TERMS);
    assert!(model.instance.may_attach());
}

#[test]
fn a_start_that_nobody_wants_any_more_is_cut_short() {
    let mut model = clean();
    for event in [Event::Ask(1, 1), Event::Leave(1)] {
        model.take(event, &TERMS);
    }
    assert_eq!(model.instance.phase(), Phase::Stopping);
    let mut model = clean();
    for event in [Event::Ask(1, 1), Event::Ask(2, 1), Event::Leave(1)] {
        model.take(event, &TERMS);
    }
    assert_eq!(model.instance.phase(), Phase::Starting, "another build wants it");
    model.take(Event::Retire, &TERMS);
    assert_eq!(
        (model.instance.phase(), model.which(Build::Over)),
        (Phase::Stopping, vec![BuildId(1), BuildId(2)])
    );
}

#[test]
fn how_it_stands_is_said() {
    let told = |phase, until: Option<i64>| {
        Standing { phase, since: Wall(1), until: until.map(Wall) }.told(|at| at.0.to_string())
    };
    let said = [
        (Phase::Down, None, "not started: a build starts it"),
        (Phase::Starting, Some(2), "being started since 1, missing from 2 on"),
        (Phase::Up, Some(2), "started since 1, stopped at 2 if no build comes"),
        (Phase::Up, None, "started since 1"),
        (Phase::Stopping, Some(2), "being stopped since 1, tried again at 2"),
    ];
    for (phase, until, wanted) in said {
        assert_eq!(told(phase, until), wanted);
    }
}

#[test]
fn the_end_of_the_master_stops_it_at_once() {
    let (mut model, mut out) = (clean(), Vec::new());
    for event in [Event::Ask(1, 1), Event::Done(true), Event::Arrive, Event::Ask(2, 2)] {
        model.take(event, &TERMS);
    }
    model.instance.shut_down(&mut out);
    assert!(
        matches!(out[..], [Action::Refuse(BuildId(2), _), Action::Disconnect(_), Action::Stop { .. }]),
        "{out:?}"
    );
}

#[test]
fn answers_are_read_at_every_cut() {
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    let counted = b"HTTP/1.1 409 Conflict\r\nContent-Length: 5\r\n\r\nabcde";
    for (text, status, least) in [(&chunked[..], 200, chunked.len() - 2), (&counted[..], 409, counted.len())]
    {
        for cut in 0..=text.len() {
            let answer = parse(&text[..cut], false).unwrap();
            let whole = Answer { status, body: b"abcde".to_vec() };
            assert_eq!(answer, (cut >= least).then_some(whole), "{cut}");
        }
    }
    let open = b"HTTP/1.1 200 OK\r\n\r\nabc";
    assert_eq!(parse(open, false).unwrap(), None);
    assert_eq!(parse(open, true).unwrap().unwrap().body, b"abc");
    assert!(parse(b"SSH-2.0-OpenSSH\r\n", false).is_err());
}
