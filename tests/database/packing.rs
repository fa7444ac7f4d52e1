//! Finished logs are packed again, and nobody who reads them sees it.

use crate::engines::{Place, Served, commit, on_both, quiet};
use crate::logs::{LOG, info, served, settle};
use bellwether::config::Config;
use bellwether::db::{Connection, DbError, Keeper, packing};
use bellwether::kernel::{Service, Turn, World};
use bellwether::model::{Lines, LogId};
use std::sync::Arc;

on_both!(
    a_finished_log_takes_less_room,
    a_log_that_is_written_or_small_stays,
    a_reader_in_the_middle_goes_on,
    two_masters_pack_one_log_once,
    what_does_not_become_smaller_stays,
);

/// Lines of one chunk.
const CHUNK: i64 = 1000;

/// Appends `count` chunks of made-up compiler output, and returns all text.
fn fill(served: &Served, log: LogId, count: i64) -> Vec<u8> {
    let mut chance = fastrand::Rng::with_seed(7);
    let mut all = Vec::new();
    for first_line in (0..count).map(|chunk| chunk * CHUNK) {
        let mut line = |_| {
            let (unit, at, symbol) = (chance.u32(0..400), chance.u32(1..3000), chance.u32(0..1 << 16));
            format!("osrc/unit{unit:03}.c:{at}: warning: implicit conversion of 'tmp_{symbol:04x}'\n")
        };
        let text: String = (first_line..first_line + CHUNK).map(&mut line).collect();
        all.extend_from_slice(text.as_bytes());
        served.db.logs().append(log, Lines { first_line, line_count: CHUNK, text: text.into() }, None);
    }
    all
}

/// Lets the housekeeper work until it rests.
fn keep_house(served: &Served) {
    let (world, log) = (&mut World::real(), quiet());
    let mut keeper = Keeper::new(served.database.handle());
    keeper.apply(&Arc::new(Config::empty()), &mut Turn::begin(world, &log));
    loop {
        let turn = &mut Turn::begin(world, &log);
        if keeper.next_wake().expect("it never stops") > turn.now() {
            return;
        }
        keeper.wake(turn);
    }
}

fn number(connection: &mut Connection, sql: &str) -> i64 {
    connection.query_opt(sql, &[]).expect("an answer").expect("a row").take().expect("a number")
}

fn chunks(connection: &mut Connection) -> i64 {
    number(connection, "SELECT COUNT(*) FROM log_chunks")
}

fn stored(connection: &mut Connection) -> i64 {
    number(connection, "SELECT CAST(SUM(LENGTH(content)) AS BIGINT) FROM log_chunks")
}

fn streamed(served: &Served) -> Vec<u8> {
    let (mut line, mut text) = (0, Vec::new());
    while let Some(chunk) = served.db.logs().chunk(LOG, line).expect("an answer") {
        assert_eq!(chunk.first_line, line);
        line = chunk.first_line + chunk.line_count;
        text.extend_from_slice(&chunk.text);
    }
    text
}

fn a_finished_log_takes_less_room(place: Place) {
    let served = served(&place);
    let text = fill(&served, LOG, 40);
    served.db.logs().finish(LOG);
    settle(&served);
    let mut connection = place.open();
    let (chunks_before, stored_before) = (chunks(&mut connection), stored(&mut connection));
    keep_house(&served);
    assert_eq!((chunks_before, chunks(&mut connection)), (40, 10));
    assert!(
        stored(&mut connection) * 10 < stored_before * 8,
        "{} of {stored_before}",
        stored(&mut connection)
    );
    assert_eq!(streamed(&served), text);
    for first in [0, 1, 999, 1000, 12_345, 39_999] {
        let line = text.split_inclusive(|byte| *byte == b'\n').nth(first).expect("a line");
        let first_line = i64::try_from(first).expect("a number");
        let wanted = Lines { first_line, line_count: 1, text: line.into() };
        assert_eq!(served.db.logs().read_lines(LOG, first_line, 1), Ok(wanted));
    }
    assert_eq!(packing::next_log(&mut connection), Ok(None));
}

fn a_log_that_is_written_or_small_stays(place: Place) {
    let served = served(&place);
    fill(&served, LOG, 3);
    let small = LogId(6);
    served.db.logs().create(info(small, "small"));
    let lines = Lines { first_line: 0, line_count: 1, text: "oone\n".into() };
    served.db.logs().append(small, lines, None);
    served.db.logs().finish(small);
    settle(&served);
    keep_house(&served);
    assert_eq!(chunks(&mut place.open()), 4);
}

fn a_reader_in_the_middle_goes_on(place: Place) {
    let served = served(&place);
    let text = fill(&served, LOG, 4);
    served.db.logs().finish(LOG);
    settle(&served);
    let first = served.db.logs().chunk(LOG, 0).expect("an answer").expect("a chunk");
    keep_house(&served);
    assert_eq!(chunks(&mut place.open()), 1);
    let rest = served.db.logs().chunk(LOG, first.line_count).expect("an answer").expect("the rest");
    assert_eq!((rest.first_line, rest.line_count), (CHUNK, 3 * CHUNK));
    assert_eq!([first.text, rest.text].concat(), text);
}

fn two_masters_pack_one_log_once(place: Place) {
    let served = served(&place);
    let text = fill(&served, LOG, 4);
    served.db.logs().finish(LOG);
    settle(&served);
    let mut connection = place.open();
    let mut block = || packing::next_block(&mut connection, LOG).expect("an answer").expect("a block");
    let (mut mine, mut theirs) = (block(), block());
    mine.compress().and_then(|()| theirs.compress()).expect("packed");
    commit(&mut connection, |tx| mine.store(tx));
    let late = connection.transaction(|tx| theirs.store(tx));
    assert!(matches!(late, Err(DbError::Refused(_))), "{late:?}");
    assert_eq!((chunks(&mut connection), streamed(&served)), (1, text));
}

fn what_does_not_become_smaller_stays(place: Place) {
    let served = served(&place);
    // A line that repeats is nothing to zstd: no bzip2 block is as short.
    let text = "o\n".repeat(300);
    served.db.logs().append(LOG, Lines { first_line: 0, line_count: 300, text: text.clone().into() }, None);
    served.db.logs().finish(LOG);
    settle(&served);
    let mut connection = place.open();
    let before = stored(&mut connection);
    keep_house(&served);
    assert_eq!((stored(&mut connection), streamed(&served)), (before, text.into_bytes()));
    assert_eq!(packing::next_log(&mut connection), Ok(None));
}
