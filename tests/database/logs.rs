//! Logs are read by line, wherever the lines are.

use crate::engines::{Place, Served, at, on_both};
use crate::rows::{add_requests, claim, master};
use bellwether::db::logs::READ_BYTES_MAX;
use bellwether::model::{Lines, LogId, LogInfo, LogKind, Step, StepId};

on_both!(
    lines_are_read_across_chunks,
    a_log_is_streamed_by_chunk,
    an_append_is_told_after_its_commit,
    a_long_answer_is_cut_at_a_line,
    logs_of_a_step_are_found_by_slug,
);

pub const LOG: LogId = LogId(5);

pub fn info(id: LogId, slug: &str) -> LogInfo {
    LogInfo {
        id,
        step: StepId(3),
        name: slug.to_uppercase(),
        slug: slug.into(),
        kind: LogKind::Stdio,
        line_count: 0,
        complete: false,
    }
}

/// The services, with a step and a log in it.
pub fn served(place: &Place) -> Served {
    let mut connection = place.open();
    let requests = add_requests(&mut connection, &["one"]);
    let claimant = master(&mut connection, "a");
    let build = claim(&mut connection, claimant, &requests)[0].build;
    let served = place.serve();
    served.db.steps().start(Step {
        id: StepId(3),
        build,
        number: 0,
        name: "compile".into(),
        started_at: Some(at(1)),
        locks_acquired_at: None,
        complete_at: None,
        state: String::new(),
        results: None,
        hidden: false,
        links: Vec::new(),
    });
    served.db.logs().create(info(LOG, "stdio"));
    served
}

/// Appends `count` lines that tell their own numbers.
fn append(served: &Served, first_line: i64, count: i64) {
    let text: String = (first_line..first_line + count).map(|number| format!("oline {number}\n")).collect();
    served.db.logs().append(LOG, Lines { first_line, line_count: count, text: text.into() }, None);
}

/// Waits for all that was sent.
pub fn settle(served: &Served) {
    served.db.write(|_| Ok(())).expect("a commit");
}

fn lines_are_read_across_chunks(place: Place) {
    let served = served(&place);
    for first in [0, 10, 20, 30] {
        append(&served, first, 10);
    }
    settle(&served);
    for (first, count, from, to) in
        [(0, 1, 0, 1), (0, 40, 0, 40), (9, 2, 9, 11), (10, 10, 10, 20), (35, 99, 35, 40), (39, 1, 39, 40)]
    {
        let lines = served.db.logs().read_lines(LOG, first, count).expect("lines");
        let wanted: String = (from..to).map(|number| format!("oline {number}\n")).collect();
        assert_eq!(String::from_utf8_lossy(&lines.text), wanted, "{count} lines from {first}");
        assert_eq!((lines.first_line, lines.line_count), (from, to - from));
    }
    assert_eq!(served.db.logs().read_lines(LOG, 40, 5).map(|lines| lines.line_count), Ok(0));
    let log = served.db.logs().get(LOG).expect("an answer").expect("the log");
    assert_eq!((log.line_count, log.complete), (40, false));
    served.db.logs().finish(LOG);
    settle(&served);
    assert!(served.db.logs().get(LOG).expect("an answer").expect("the log").complete);
}

fn a_log_is_streamed_by_chunk(place: Place) {
    let served = served(&place);
    append(&served, 0, 3);
    append(&served, 3, 4);
    settle(&served);
    let (mut line, mut spans) = (0, Vec::new());
    while let Some(chunk) = served.db.logs().chunk(LOG, line).expect("an answer") {
        line = chunk.first_line + chunk.line_count;
        spans.push((chunk.first_line, line));
    }
    assert_eq!(spans, [(0, 3), (3, 7)]);
    assert_eq!(served.db.logs().chunk(LOG, 5).expect("an answer").map(|chunk| chunk.first_line), Some(5));
}

fn an_append_is_told_after_its_commit(place: Place) {
    let served = served(&place);
    let (told, hear) = crossbeam_channel::bounded(1);
    let lines = Lines { first_line: 0, line_count: 1, text: b"oone\n".into() };
    let tell = Box::new(move || told.send(()).expect("a hearer"));
    served.db.logs().append(LOG, lines.clone(), Some(tell));
    hear.recv().expect("a commit");
    assert_eq!(served.db.logs().read_lines(LOG, 0, 9), Ok(lines));
}

fn a_long_answer_is_cut_at_a_line(place: Place) {
    let served = served(&place);
    let line = format!("o{}\n", "x".repeat(1 << 20));
    for first_line in 0..6 {
        let lines = Lines { first_line, line_count: 1, text: line.clone().into() };
        served.db.logs().append(LOG, lines, None);
    }
    settle(&served);
    let lines = served.db.logs().read_lines(LOG, 0, 6).expect("lines");
    assert_eq!((lines.line_count, lines.text.len()), (3, 3 * line.len()));
    assert!(lines.text.len() <= READ_BYTES_MAX);
}

fn logs_of_a_step_are_found_by_slug(place: Place) {
    let served = served(&place);
    served.db.logs().create(info(LogId(6), "err"));
    settle(&served);
    let logs = served.db.logs();
    assert_eq!(logs.of_step(StepId(3)), Ok(vec![info(LOG, "stdio"), info(LogId(6), "err")]));
    assert_eq!(logs.by_slug(StepId(3), "err"), Ok(Some(info(LogId(6), "err"))));
    assert_eq!(logs.by_slug(StepId(3), "out"), Ok(None));
}
