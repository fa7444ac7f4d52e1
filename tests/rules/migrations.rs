//! Steps of the database's schema: a step that has landed never changes, since some database has taken it.
//!
//! `sql/ENGINE/checksums` holds what `sha256sum *.sql` prints there; a new step adds a line, no line ever changes.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::keep;
use crate::source::{Source, files_below, top};

const ENGINES: [&str; 2] = ["sqlite", "postgres"];

fn complaints(folder: &str, steps: &[Source], checksums: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut recorded: Vec<(&str, &str)> =
        checksums.lines().filter_map(|line| line.split_once("  ")).collect();
    for (number, step) in (1..).zip(steps) {
        let name = step.path.rsplit('/').next().unwrap_or_default();
        if !name.starts_with(&format!("{number:04}_")) {
            complaints.push(format!("{}: the next step's name begins with {number:04}_", step.path));
        }
        let sum = sha256(&step.text);
        match recorded.iter().position(|(_, recorded)| *recorded == name) {
            None => complaints.push(format!("{}: add to {folder}/checksums: {sum}  {name}", step.path)),
            Some(at) if recorded.remove(at).0 != sum => complaints.push(format!(
                "{}: changed since it landed: put it back and write the change as a new step",
                step.path
            )),
            Some(_) => {}
        }
    }
    let gone = recorded.iter().map(|(_, name)| format!("{folder}/{name}: deleted: put it back"));
    complaints.extend(gone);
    complaints
}

/// What `sha256sum` prints for a text.
fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a String takes all");
        hex
    })
}

/// Both engines take the same steps.
fn uneven(names: [Vec<String>; 2]) -> Vec<String> {
    let [sqlite, postgres] = names;
    if sqlite == postgres {
        return Vec::new();
    }
    vec![format!("the engines' steps differ: sqlite {sqlite:?}, postgres {postgres:?}")]
}

#[test]
fn landed_steps_stay_as_they_are() {
    let mut all = Vec::new();
    for engine in ENGINES {
        let folder = format!("sql/{engine}");
        let steps = files_below(&folder, "sql");
        let checksums = std::fs::read_to_string(top().join(&folder).join("checksums"));
        all.extend(complaints(&folder, &steps, &checksums.unwrap_or_default()));
    }
    keep(all);
}

#[test]
fn both_engines_take_the_same_steps() {
    let names = ENGINES.map(|engine| {
        let folder = format!("sql/{engine}/");
        files_below(&folder, "sql").iter().map(|step| step.path.replace(&folder, "")).collect()
    });
    keep(uneven(names));
}

#[test]
fn a_changed_step_is_told() {
    let step = |name: &str, text: &str| Source::new(&format!("sql/sqlite/{name}"), text);
    let told = |steps: &[Source], checksums: &str| complaints("sql/sqlite", steps, checksums);
    let first = step("0001_start.sql", "create table a (id integer);\n");
    let sums = format!("{}  0001_start.sql\n", sha256(&first.text));
    assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    keep(told(std::slice::from_ref(&first), &sums));
    let tell = |steps: &[Source], what: &str| {
        let told = told(steps, &sums);
        assert!(told.len() == 1 && told[0].contains(what), "{told:?}");
    };
    tell(&[step("0001_start.sql", "create table b (id integer);\n")], "changed since it landed");
    tell(&[first, step("0002_more.sql", "")], "add to sql/sqlite/checksums");
    tell(&[], "deleted");
    let misnumbered = complaints("sql/sqlite", &[step("0003_more.sql", "")], "");
    assert!(misnumbered[0].contains("begins with 0001_"), "{misnumbered:?}");
    assert_eq!(uneven([vec!["0001_a.sql".into()], vec![]]).len(), 1);
}
