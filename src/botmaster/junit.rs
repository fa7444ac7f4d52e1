//! Test results in the form of JUnit's XML files, which every test runner writes a little differently.

use super::limits::{JUNIT_NODES, PROBLEMS_BYTES};
use roxmltree::{Document, Node, ParsingOptions};
use std::fmt;

/// How tests went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tests {
    /// How many there were.
    pub total: u64,
    /// How many went well.
    pub passed: u64,
    /// How many failed, or broke.
    pub failed: u64,
    /// How many were left out.
    pub skipped: u64,
    /// How many warnings they gave.
    pub warnings: u64,
    /// Those that failed, for people; cut to what fits.
    pub problems: String,
}

impl Tests {
    /// Adds others.
    pub fn add(&mut self, other: &Tests) {
        let counts = [
            (&mut self.total, other.total),
            (&mut self.passed, other.passed),
            (&mut self.failed, other.failed),
            (&mut self.skipped, other.skipped),
            (&mut self.warnings, other.warnings),
        ];
        for (count, more) in counts {
            *count = count.saturating_add(more);
        }
        self.note(&other.problems);
    }

    /// Makes up for a number that was not told: of all, of those that went well.
    pub fn complete(&mut self) {
        let others = self.failed.saturating_add(self.skipped);
        if self.total == 0 {
            self.total = others.saturating_add(self.passed);
        } else if self.passed == 0 {
            self.passed = self.total.saturating_sub(others);
        }
    }

    /// Whether there was any.
    pub fn is_any(&self) -> bool {
        self.total > 0 || self.warnings > 0
    }

    fn note(&mut self, problem: &str) {
        let room = PROBLEMS_BYTES.saturating_sub(self.problems.len());
        self.problems += &problem[..problem.floor_char_boundary(room)];
    }
}

impl fmt::Display for Tests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} test{}", self.total, if self.total == 1 { "" } else { "s" })?;
        let more = [(self.failed, "failed"), (self.skipped, "skipped"), (self.warnings, "warnings")];
        more.iter()
            .filter(|(count, _)| *count > 0)
            .try_for_each(|(count, what)| write!(f, ", {count} {what}"))
    }
}

/// Reads a file.
///
/// # Errors
/// It is not one, for people.
pub fn read(text: &[u8]) -> Result<Tests, String> {
    let text = String::from_utf8_lossy(text);
    let options = ParsingOptions { allow_dtd: false, nodes_limit: JUNIT_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(&text, options).map_err(|error| error.to_string())?;
    let root = document.root_element();
    if !matches!(root.tag_name().name(), "testsuites" | "testsuite") {
        return Err(format!("it begins with <{}>, not with <testsuites>", root.tag_name().name()));
    }
    let mut tests = Tests::default();
    for case in root.descendants().filter(|node| node.has_tag_name("testcase")) {
        tests.total += 1;
        let outcome = |names: &[&str]| case.children().find(|node| names.contains(&node.tag_name().name()));
        if let Some(problem) = outcome(&["failure", "error"]) {
            tests.failed += 1;
            tests.note(&told(&case, &problem));
        } else if outcome(&["skipped"]).is_some() {
            tests.skipped += 1;
        } else {
            tests.passed += 1;
        }
    }
    Ok(tests)
}

fn told(case: &Node<'_, '_>, problem: &Node<'_, '_>) -> String {
    let name = case.attribute("name").unwrap_or("a test without a name");
    let class = case.attribute("classname").map_or(String::new(), |class| format!("{class}."));
    let mut text = format!("{class}{name}: {}\n", problem.attribute("message").unwrap_or("failed").trim());
    for line in problem.text().unwrap_or_default().trim().lines() {
        text += &format!("    {line}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn the_usual_files_are_read() {
        let text = br#"<?xml version="1.0" encoding="utf-8"?>
            <testsuites><testsuite name="pytest" tests="4"><properties/>
            <testcase classname="tests.a" name="ok" time="0.1"/>
            <testcase classname="tests.a" name="bad"><failure message="assert 1 == 2">a.py:3
            here</failure></testcase>
            <testcase name="broken"><error/></testcase>
            <testcase name="later"><skipped message="no"/></testcase>
            </testsuite></testsuites>"#;
        let tests = read(text).unwrap();
        expect![[r#"
            4 tests, 2 failed, 1 skipped
            tests.a.bad: assert 1 == 2
                a.py:3
                            here
            broken: failed
        "#]]
        .assert_eq(&format!("{tests}\n{}", tests.problems));
    }

    #[test]
    fn what_is_no_result_is_told() {
        assert_eq!(read(b"<html/>").unwrap_err(), "it begins with <html>, not with <testsuites>");
        assert!(read(b"<testsuites>").is_err());
        let bomb = b"<!DOCTYPE x [<!ENTITY a \"aaaa\">]><testsuites>&a;</testsuites>";
        assert!(read(bomb).unwrap_err().contains("DTD"));
        let deep = |depth| format!("{}{}", "<testsuite>".repeat(depth), "</testsuite>".repeat(depth));
        assert_eq!(read(deep(300_000).as_bytes()), Ok(Tests::default()));
        assert!(read(deep(600_000).as_bytes()).unwrap_err().contains("nodes limit"));
    }

    #[test]
    fn numbers_that_are_not_told_are_made_up_for() {
        let complete = |mut tests: Tests| {
            tests.complete();
            (tests.total, tests.passed)
        };
        assert_eq!(complete(Tests { total: 9, failed: 2, ..Tests::default() }), (9, 7));
        assert_eq!(complete(Tests { passed: 5, failed: 2, ..Tests::default() }), (7, 5));
    }
}
