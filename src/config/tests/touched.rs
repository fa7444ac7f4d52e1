//! A plan tells what it touches.

use crate::config::plan::{Plan, PlanStep, Unit, Verb};
use crate::config::touched::{Activity, Running};
use expect_test::expect;

#[test]
fn a_step_tells_the_builds_requests_and_workers_that_it_touches() {
    let running = |builder: &str, number, worker: &str| Running {
        builder: builder.into(),
        number,
        worker: worker.into(),
    };
    let activity = Activity {
        builds: vec![running("test", 12, "deb-1"), running("docs", 3, "deb-2")],
        waiting: vec![("test".into(), 2), ("old".into(), 1), ("docs".into(), 4)],
        workers: vec![
            ("deb-1".into(), vec!["test".into(), "old".into()]),
            ("deb-2".into(), vec!["docs".into()]),
        ],
    };
    let step = |verb, unit| PlanStep { verb, unit, changes: Vec::new(), touches: Vec::new() };
    let plan = Plan::in_order(vec![
        step(Verb::Stop, Unit::Worker("deb-2".into())),
        step(Verb::Stop, Unit::Builder("old".into())),
        step(Verb::Reconfigure, Unit::Builder("test".into())),
        step(Verb::Start, Unit::Builder("new".into())),
        step(Verb::Reconfigure, Unit::Worker("deb-1".into())),
        step(Verb::Reconfigure, Unit::Www),
    ]);
    expect![[r#"
        stop        worker deb-2
                      touches build docs/3, running on deb-2: finished with the old settings
                      touches connected worker deb-2: sent away once its builds end
        stop        builder old
                      touches 1 waiting request: left until the builder comes back, or somebody cancels
                      touches connected worker deb-1: it stays, and is told
        reconfigure builder test
                      touches build test/12, running on deb-1: finished with the old settings
                      touches 2 waiting requests: built with the new settings
                      touches connected worker deb-1: it stays, and is told
        start       builder new
        reconfigure worker deb-1
                      touches build test/12, running on deb-1: finished with the old settings
                      touches connected worker deb-1: it stays, and is told
        reconfigure www"#]]
    .assert_eq(&plan.touching(&activity).to_string());
}
