//! Schedulers that go by the clock.

use super::{BASE, check_added, loaded};
use crate::config::Times;
use expect_test::expect;

#[test]
fn times_are_checked() {
    check_added(
        "schedulers:
- {type: nightly, name: a, builders: b1}
- {type: nightly, name: b, builders: b1, at: 0 3 30 feb *}
- {type: nightly, name: c, builders: b1, at: 0 3 * *}
- {type: nightly, name: d, builders: b1, at: 0 3 * * *, hour: 4}
- {type: nightly, name: e, builders: b1, hour: [3, 25]}
- {type: nightly, name: f, builders: b1, day_of_week: [0, 7]}
- {type: nightly, name: g, builders: b1, hour: 3, timezone: Europe/Bern, tree_stable_timer: 5m}
- {type: periodic, name: h, builders: b1}
- {type: periodic, name: i, builders: b1, every: 0}
- {type: nightly, name: ok, builders: b1, hour: '*/2', dayOfWeek: [5, sun], month: jan-mar, timezone: UTC}",
        expect![[r#"
            m.yaml:2:3: schedulers[0]: `at` is missing
            m.yaml:3:46: schedulers[1].at: wrong time "0 3 30 feb *": there is no such day; write minute, hour, day of month, month and day of week like `30 3 * * mon-fri`
            m.yaml:4:46: schedulers[2].at: wrong time "0 3 * *": it has 4 fields, not five; write minute, hour, day of month, month and day of week like `30 3 * * mon-fri`
            m.yaml:5:63: schedulers[3].hour: `at` is given too; keep one of the two
            m.yaml:6:3: schedulers[4]: wrong time "0 3,25 * * *": value must be in range 0..=23; found 25; write minute, hour, day of month, month and day of week like `30 3 * * mon-fri`
            m.yaml:7:59: schedulers[5].day_of_week[1]: there is no day 7; 0 is Monday, 6 is Sunday
            m.yaml:8:3: schedulers[6]: `tree_stable_timer` is not for schedulers that go by the clock
            m.yaml:8:61: schedulers[6].timezone: no time zone is called "Europe/Bern"; write one like `Europe/Berlin`
            m.yaml:9:3: schedulers[7]: `every` is missing
            m.yaml:10:50: schedulers[8].every: nobody can build all the time; write `1h` or so
        "#]],
    );
}

#[test]
fn days_of_the_week_are_counted_as_buildbot_counts_them() {
    let nightly =
        "schedulers: [{type: nightly, name: n, builders: '*', hour: 3, day_of_week: [0, 6], branch: main}]";
    let config = loaded(&BASE.replace("schedulers: [{type: force, name: force, builders: '*'}]", nightly));
    let nightly = config.scheduler("n").unwrap();
    let timed = nightly.kind.timed().unwrap();
    let Times::At { calendar, timezone: None } = &timed.times else { panic!("{timed:?}") };
    assert_eq!(calendar.to_string(), "0 3 * * mon,sun");
    assert_eq!(timed.changes.change_filter.branch.is, Some(vec![Some("main".to_owned())]));
}
