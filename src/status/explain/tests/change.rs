//! What is told of a change.

use super::{at, buildset, check, live, request, worker};
use crate::botmaster::{WorkerState, WorkerStatus};
use crate::config::{Config, load_text};
use crate::model::{BuildsetId, Change, ChangeId, NewChange, Results, Verdict};
use crate::schedulers::SchedulerStatus;
use crate::status::explain::facts::ChangeFacts;
use crate::status::explain::{Facts, Live};
use expect_test::expect;

fn schedulers() -> Vec<SchedulerStatus> {
    let text = "
        pb: {listen: '127.0.0.1:9989'}
        workers: [{name: w1, password: x}]
        builders: [{name: b, workers: [w1], steps: [{shell: make}]}]
        schedulers:
          - {type: single_branch, name: quick, change_filter: {}, builders: [b], tree_stable_timer: 60s}
          - {type: any_branch, name: late, builders: [b]}
          - {type: force, name: force, builders: [b]}";
    let config: Config = load_text("m.yaml", text).expect("it has no faults").config;
    let status = |scheduler| SchedulerStatus {
        scheduler,
        enabled: true,
        pending: 0,
        awaits: 0,
        builds_at: Some(at(90)),
        trouble: None,
    };
    config.schedulers.into_iter().map(status).collect()
}

fn change(verdicts: &[(&str, Option<i64>, &str)]) -> ChangeFacts {
    let verdict = |(scheduler, buildset, reason): &(&str, Option<i64>, &str)| Verdict {
        change: ChangeId(5),
        scheduler: (*scheduler).to_owned(),
        buildset: buildset.map(BuildsetId),
        reason: (*reason).to_owned(),
    };
    ChangeFacts {
        change: Change { id: ChangeId(5), when: at(0), told: NewChange::default() },
        verdicts: verdicts.iter().map(verdict).collect(),
        pending: Vec::new(),
        awaiting: Vec::new(),
        buildsets: Vec::new(),
    }
}

#[test]
fn a_change_tells_who_left_it_and_who_waits() {
    let live = Live { schedulers: schedulers(), ..live(vec![worker("w1")], Vec::new()) };
    let facts = change(&[("gone", None, "branch 'x' is not 'main'")]);
    check(
        &Facts::Change(facts),
        &live,
        &expect![[r#"
        change 5: in no build: no scheduler asked for one
          - scheduler gone left it: branch 'x' is not 'main'
          - scheduler quick has not judged it: it is behind, or came later than the change
          - scheduler late has not judged it: it is behind, or came later than the change
        What would move it on: a scheduler whose filter takes it, for the next change; for this one, a forced build of its revision.
    "#]],
    );
    let mut facts = change(&[
        ("quick", None, "waiting for the tree to be stable"),
        ("gone", None, "not important: waits"),
    ]);
    facts.pending = vec![("quick".to_owned(), true), ("gone".to_owned(), false)];
    check(
        &Facts::Change(facts),
        &live,
        &expect![[r#"
        change 5: waits in 2 schedulers
          - scheduler quick took it: waiting for the tree to be stable
            - it is important there
            - its timer runs until 2023-11-14T22:14:50Z, if no other change comes
          - scheduler gone took it: not important: waits
            - it is not important there
            - the scheduler is not configured any more
          - scheduler late has not judged it: it is behind, or came later than the change
        What would move it on: the end of the timer of scheduler quick.
    "#]],
    );
}

#[test]
fn a_change_tells_what_came_of_it() {
    let mut facts = change(&[("quick", Some(1), "in buildset 1")]);
    let mut built = request(2, "c");
    built.request.complete_at = Some(at(30));
    built.request.results = Some(Results::Success);
    facts.buildsets = vec![(buildset(1), vec![request(1, "b"), built.clone()]), (buildset(9), vec![built])];
    let away = WorkerStatus { state: WorkerState::Away, ..worker("w1") };
    check(
        &Facts::Change(facts),
        &live(vec![away], Vec::new()),
        &expect![[r#"
        change 5: 2 of 3 requests complete
          - scheduler quick took it: in buildset 1
            - request 1: waits for builder b since 2023-11-14T22:13:21Z, with priority 0
              - worker w1: not connected, last seen 2023-11-14T22:12:20Z
            - request 2: complete for builder c since 2023-11-14T22:13:50Z, success
          - also in buildset 9, by scheduler quick: a change
            - request 2: complete for builder c since 2023-11-14T22:13:50Z, success
        What would move it on: a connection of worker w1: start it, or look into its log.
    "#]],
    );
}

#[test]
fn a_change_tells_for_which_upstream_it_waits() {
    let mut facts = change(&[("after", None, "waiting for the end of buildset 1")]);
    facts.awaiting = vec![("after".to_owned(), BuildsetId(1))];
    facts.buildsets = vec![(buildset(1), vec![request(1, "b")])];
    check(
        &Facts::Change(facts),
        &live(vec![worker("w1")], Vec::new()),
        &expect![[r#"
        change 5: 0 of 1 request complete
          - scheduler after waits for the end of buildset 1
            - request 1: waits for builder b since 2023-11-14T22:13:21Z, with priority 0
              - worker w1: free
          - also in buildset 1, by scheduler quick: a change
            - request 1: waits for builder b since 2023-11-14T22:13:21Z, with priority 0
              - worker w1: free
    "#]],
    );
}
