//! `tests/run` runs every test program that there is.

use crate::keep;
use crate::source::{files_below, top};

/// Complains of each test program that no layer runs, and of each layer's program that does not exist.
fn complaints(run: &str, programs: &[String]) -> Vec<String> {
    let named: Vec<&str> =
        run.lines().filter_map(|line| line.split_once(" --test ").map(|(_, name)| name)).collect();
    let missing = programs.iter().filter(|program| !named.contains(&program.as_str()));
    let gone = named.iter().filter(|name| !programs.iter().any(|program| program == *name));
    let missing = missing.map(|program| format!("tests/{program}: add a layer to tests/run that runs it"));
    missing.chain(gone.map(|name| format!("tests/run: there is no test program {name}"))).collect()
}

#[test]
fn every_test_program_is_run() {
    let run = std::fs::read_to_string(top().join("tests/run")).expect("tests/run");
    let program = |path: &str| {
        let below = path.strip_prefix("tests/")?;
        below
            .strip_suffix("/main.rs")
            .or(below.strip_suffix(".rs"))
            .filter(|name| !name.contains('/'))
            .map(str::to_owned)
    };
    let programs: Vec<String> =
        files_below("tests", "rs").iter().filter_map(|file| program(&file.path)).collect();
    assert!(programs.contains(&"rules".to_owned()), "{programs:?}");
    keep(complaints(&run, &programs));
}

#[test]
fn a_program_that_is_not_run_is_told() {
    let run = "rules  cargo test --locked --test rules\n";
    assert_eq!(complaints(run, &["rules".to_owned()]), [""; 0]);
    assert_eq!(complaints(run, &["rules".to_owned(), "web".to_owned()]).len(), 1);
    assert_eq!(complaints(run, &[]).len(), 1);
}
