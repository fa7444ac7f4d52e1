//! The schema: steps run once, the same on both engines, never backwards.

use crate::engines::{Place, commit, on_both};
use bellwether::config::DatabaseUrl;
use bellwether::db::engine::Access;
use bellwether::db::migrate::migrate;
use bellwether::db::{Connection, DbError, Settings};
use std::collections::BTreeSet;
use std::path::Path;
use tempfile::TempDir;

on_both!(migrating_again_changes_nothing, the_steps_on_disk_are_those_built_in, a_newer_database_is_refused);

fn steps_done(connection: &mut Connection) -> Vec<String> {
    let sql = "SELECT name FROM schema_versions ORDER BY version";
    connection.query_map(sql, &[], |mut row| row.take()).expect("the steps")
}

fn migrating_again_changes_nothing(place: Place) {
    let mut connection = place.open();
    let before = (steps_done(&mut connection), connection.columns().expect("columns"));
    migrate(&mut connection).expect("nothing to do");
    assert_eq!((steps_done(&mut connection), connection.columns().expect("columns")), before);
}

fn the_steps_on_disk_are_those_built_in(place: Place) {
    let done = steps_done(&mut place.open());
    for engine in ["sqlite", "postgres"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql").join(engine);
        let files = std::fs::read_dir(folder).expect("the folder of the steps");
        let names = files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned());
        let steps: BTreeSet<String> = names.filter(|name| name.ends_with(".sql")).collect();
        assert_eq!(steps.into_iter().collect::<Vec<_>>(), done, "{engine}");
    }
}

fn a_newer_database_is_refused(place: Place) {
    let mut connection = place.open();
    commit(&mut connection, |tx| {
        tx.execute("INSERT INTO schema_versions (version, name) VALUES (9999, 'tomorrow')", &[])
    });
    let Err(DbError::Refused(told)) = migrate(&mut connection) else { panic!("it was taken") };
    assert!(told.contains("schema version 9999") && told.contains("newer program"), "{told}");
}

#[test]
fn both_engines_have_the_same_tables_and_columns() {
    let columns = |place: Place| {
        let mut columns = place.open().columns().expect("columns");
        columns.sort();
        columns
    };
    let sqlite = columns(Place::sqlite());
    assert!(sqlite.len() > 100, "only {} columns", sqlite.len());
    assert_eq!(sqlite, columns(Place::postgres()));
}

#[test]
fn only_a_writer_makes_what_is_missing() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("not/there/yet/state.sqlite");
    let settings = Settings::new(DatabaseUrl::Sqlite(path.clone()));
    let read = Connection::open(&settings, Access::Read);
    assert!(read.err().is_some_and(|error| error.is_outage()), "a reader has nothing to read");
    assert!(!path.exists());
    Connection::open(&settings, Access::Write).expect("the writer makes its place");
    assert!(path.exists());
}
