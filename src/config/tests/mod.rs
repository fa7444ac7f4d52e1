//! The language from the outside: a text, and what comes of it.

mod builders;
mod clients;
mod language;
mod locks;
mod schedulers;
mod sections;
mod times;
mod touched;

use super::{Config, load, load_text, load_texts};
use expect_test::Expect;
use std::path::Path;

/// A configuration with nothing to complain about, to which a test adds.
const BASE: &str = "
workers: [{name: w1, type: local, properties: {os: debian}}, {name: w2, type: local}]
schedulers: [{type: force, name: force, builders: '*'}]
builders: [{name: b1, workers: w1, steps: [shell: make]}]
";

fn loaded(text: &str) -> Config {
    load_text("m.yaml", text).unwrap_or_else(|complaints| panic!("{complaints:#?}")).config
}

/// Complaints, or else warnings, one a line.
fn check_texts(texts: &[(&str, &str)], expected: Expect) {
    let told = match load_texts(texts) {
        Ok(loaded) => {
            loaded.warnings.iter().map(|warning| format!("warning: {warning}\n")).collect::<String>()
                + "loaded\n"
        }
        Err(complaints) => complaints.iter().map(|complaint| format!("{complaint}\n")).collect(),
    };
    expected.assert_eq(&told);
}

fn check(text: &str, expected: Expect) {
    check_texts(&[("m.yaml", text)], expected);
}

/// What is said of a text beside one that is right: `conf.d`, so to speak.
fn check_added(text: &str, expected: Expect) {
    check_texts(&[("base.yaml", BASE), ("m.yaml", text)], expected);
}

/// What is said of one step.
fn check_step(step: &str, expected: Expect) {
    check(&BASE.replace("shell: make", step), expected);
}

#[test]
fn every_example_loads() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("conf");
    let mut count = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let loaded = load(&path).unwrap_or_else(|complaints| panic!("{complaints:#?}"));
            assert_eq!(loaded.warnings, [], "{}", path.display());
            count += 1;
        }
    }
    assert!(count > 0);
}
