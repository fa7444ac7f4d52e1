//! What a worker's explanation says.

use super::{at, check, live, worker};
use crate::botmaster::WorkerStatus;
use crate::model::WorkerInfo;
use crate::status::explain::Facts;
use crate::status::explain::facts::WorkerFacts;
use expect_test::expect;

#[test]
fn a_worker_tells_what_holds_it() {
    let facts = |name: &str, stored| {
        Facts::Worker(WorkerFacts { name: name.to_owned(), stored, running: Vec::new() })
    };
    let paused = WorkerStatus { pause: Some("moving house".to_owned()), ..worker("w1") };
    let mut now = live(vec![paused, worker("w2")], Vec::new());
    now.snapshot.get_or_insert_default().waiting = vec![("b".to_owned(), 2)];
    check(
        &facts("w1", None),
        &now,
        &expect![[r#"
        worker w1: takes no more builds, runs 0 builds
          - paused: moving house
          - serves builder b, with 2 requests waiting
        What would move it on: `bellwether worker unpause w1`.
    "#]],
    );
    check(
        &facts("w2", None),
        &now,
        &expect![[r#"
        worker w2: free for more builds, runs 0 builds
          - serves builder b, with 2 requests waiting
    "#]],
    );
    check(&facts("w3", None), &now, &expect![["nothing"]]);
    let stored = WorkerInfo { name: "w3".to_owned(), last_seen_at: Some(at(0)), ..WorkerInfo::default() };
    check(
        &facts("w3", Some(stored)),
        &now,
        &expect![[r#"
        worker w3: not configured on this master
          - last seen 2023-11-14T22:13:20Z
        What would move it on: an entry for it in the configuration.
    "#]],
    );
}
