//! Figures by name, and their text.

use super::{Figures, prometheus};
use expect_test::expect;
use std::time::Duration;

#[test]
fn a_name_is_one_figure_and_its_text_is_prometheus() {
    let figures = Figures::default();
    figures.counter("added_changes").add(2);
    figures.counter("added_changes").add(3);
    figures.gauge("num_schedulers").set(7);
    figures.gauge("num_schedulers").set(4);
    for millis in 1..=12 {
        figures.timer("classify").observe(Duration::from_millis(millis));
    }
    let snapshot = figures.snapshot();
    // The last ten are 3 to 12.
    assert_eq!(snapshot.timers["classify"].recent_mean, Duration::from_micros(7500));
    expect![[r#"
        # TYPE bellwether_added_changes_total counter
        bellwether_added_changes_total 5
        # TYPE bellwether_num_schedulers gauge
        bellwether_num_schedulers 4
        # TYPE bellwether_classify_seconds summary
        bellwether_classify_seconds_sum 0.078
        bellwether_classify_seconds_count 12
    "#]]
    .assert_eq(&prometheus::text(&snapshot));
}
