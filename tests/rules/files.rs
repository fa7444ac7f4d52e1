//! Each Rust file is one thing, says which, and is short enough to be read at once.

use crate::keep;
use crate::source::{Source, files_below, rust_files};

/// A file longer than this holds more than one thing.
const LINES: usize = 500;

/// Names that say nothing of what is inside.
const EMPTY_NAMES: [&str; 6] = ["util", "utils", "common", "helper", "helpers", "misc"];

fn complaints(file: &Source) -> Vec<String> {
    let mut complaints = Vec::new();
    if !file.text.starts_with("//! ") {
        complaints.push(format!("{}:1: begin with a //! line that says what the file is", file.path));
    }
    let lines = file.text.lines().count();
    if lines > LINES {
        complaints.push(format!("{}: {lines} lines, {LINES} at most: part it by what it holds", file.path));
    }
    let names = file.path.trim_end_matches(".rs").split('/');
    for name in names.filter(|name| EMPTY_NAMES.contains(name)) {
        complaints.push(format!("{}: '{name}' says nothing: name it by what it holds", file.path));
    }
    complaints
}

/// Half of the files are shorter than 200 lines.
fn too_long_in_the_middle(lengths: &mut [usize]) -> Vec<String> {
    lengths.sort_unstable();
    match lengths.get(lengths.len() / 2) {
        Some(middle) if *middle >= 200 => {
            vec![format!("the median file of src has {middle} lines, 200 at most: part the longest")]
        }
        _ => Vec::new(),
    }
}

#[test]
fn files_are_documented_short_and_named() {
    keep(rust_files().iter().flat_map(complaints).collect());
}

#[test]
fn the_median_file_is_short() {
    let mut lengths: Vec<_> = files_below("src", "rs").iter().map(|file| file.text.lines().count()).collect();
    keep(too_long_in_the_middle(&mut lengths));
}

#[test]
fn a_bad_file_is_told() {
    let told = |path: &str, text: &str| complaints(&Source::new(path, text)).len();
    assert_eq!(told("src/db/read.rs", "//! Reads.\n"), 0);
    assert_eq!(told("src/db/read.rs", "// Reads.\n"), 1);
    assert_eq!(told("src/db/read.rs", &format!("//! Reads.\n{}", "\n".repeat(LINES))), 1);
    assert_eq!(told("src/util/mod.rs", "//! Things.\n"), 1);
    assert_eq!(told("tests/common.rs", "//! Things.\n"), 1);
    assert_eq!(too_long_in_the_middle(&mut [10, 199, 900]).len(), 0);
    assert_eq!(too_long_in_the_middle(&mut [10, 200, 900]).len(), 1);
}
