//! What a step means for its build, and what is said of it (`RS`, `traps.md` 1 and 2).

use super::limits::STATE_CHARS;
use crate::config::Flags;
use crate::model::Results;

/// What the result of one step does to its build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// How the build goes with it.
    pub results: Results,
    /// Whether only steps that always run may follow.
    pub halts: bool,
}

/// Folds the result of a step into that of its build (`RS-02`, `RS-03`, `BU-10`). `flunk_on_warnings` and
/// `warn_on_warnings` mean warnings only, not failures (`RS-04`).
pub fn fold(step: Flags, result: Results, so_far: Results) -> Effect {
    let (counts_as, halts) = match result {
        Results::Failure if step.flunk_on_failure => (Results::Failure, step.halt_on_failure),
        Results::Failure if step.warn_on_failure => (Results::Warnings, step.halt_on_failure),
        Results::Failure => (Results::Success, step.halt_on_failure),
        Results::Warnings if step.flunk_on_warnings => (Results::Failure, false),
        Results::Warnings if step.warn_on_warnings => (Results::Warnings, false),
        Results::Warnings | Results::Success => (Results::Success, false),
        Results::Skipped => (Results::Skipped, false),
        Results::Exception | Results::Retry | Results::Cancelled => (result, true),
    };
    Effect { results: so_far.worst(counts_as), halts }
}

/// What is said of a step that has ended.
pub fn ended(description: &str, results: Results, detail: Option<&str>) -> String {
    let mut text = description.to_owned();
    text += match results {
        Results::Success => "",
        Results::Warnings => " warnings",
        Results::Failure => " failed",
        Results::Skipped => " skipped",
        Results::Exception => " exception",
        Results::Retry => " interrupted",
        Results::Cancelled => " cancelled",
    };
    if let Some(detail) = detail {
        text += &format!(" ({detail})");
    }
    short(&text)
}

/// What is said of a build that has ended (`BU-14`, `BU-16`): `culprits` are the steps that made it so.
pub fn build_ended(results: Results, culprits: &[String], stopped: Option<&str>) -> String {
    let headline = match results {
        Results::Success | Results::Skipped => return "build successful".to_owned(),
        Results::Retry => return short(&format!("{}; to be built again", stopped.unwrap_or("interrupted"))),
        Results::Cancelled => {
            return short(&stopped.map_or("cancelled".to_owned(), |why| format!("cancelled: {why}")));
        }
        Results::Warnings => "warnings",
        Results::Failure => "failed",
        Results::Exception => "exception",
    };
    short(&format!("{headline} {}", culprits.join(", ")))
}

/// A text of a state, cut to what fits.
pub fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim_end().replace('\0', "\u{fffd}");
    match line.char_indices().nth(STATE_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::botmaster::tests::shell_step;
    use crate::config::Step;
    use expect_test::expect;

    #[test]
    fn results_fold_by_the_flags() {
        let mut table = String::new();
        for flags in ["none", "flunk", "warn", "flunk warn", "halt", "flunk_w", "warn_w"] {
            let step = Step {
                flunk_on_failure: flags.contains("flunk") && !flags.contains("flunk_w"),
                warn_on_failure: flags.contains("warn") && !flags.contains("warn_w"),
                halt_on_failure: flags == "halt",
                flunk_on_warnings: flags == "flunk_w",
                warn_on_warnings: flags == "warn_w",
                ..shell_step("x")
            };
            table += &format!("{flags:>10}:");
            for result in Results::ALL {
                let Effect { results, halts } = fold(step.flags(), result, Results::Success);
                table += &format!(" {result}->{results}{}", if halts { "!" } else { "" });
            }
            table += "\n";
        }
        expect![[r#"
                  none: success->success warnings->success failure->success skipped->success exception->exception! retry->retry! cancelled->cancelled!
                 flunk: success->success warnings->success failure->failure skipped->success exception->exception! retry->retry! cancelled->cancelled!
                  warn: success->success warnings->success failure->warnings skipped->success exception->exception! retry->retry! cancelled->cancelled!
            flunk warn: success->success warnings->success failure->failure skipped->success exception->exception! retry->retry! cancelled->cancelled!
                  halt: success->success warnings->success failure->success! skipped->success exception->exception! retry->retry! cancelled->cancelled!
               flunk_w: success->success warnings->failure failure->success skipped->success exception->exception! retry->retry! cancelled->cancelled!
                warn_w: success->success warnings->warnings failure->success skipped->success exception->exception! retry->retry! cancelled->cancelled!
        "#]].assert_eq(&table);
    }

    #[test]
    fn a_later_success_mends_nothing() {
        let step = shell_step("x");
        assert_eq!(fold(step.flags(), Results::Success, Results::Failure).results, Results::Failure);
        assert_eq!(fold(step.flags(), Results::Skipped, Results::Success).results, Results::Success);
        assert_eq!(fold(step.flags(), Results::Retry, Results::Cancelled).results, Results::Cancelled);
    }

    #[test]
    fn states_read_well() {
        let said = [
            ended("'make check'", Results::Success, None),
            ended("'make check'", Results::Failure, Some("1")),
            ended("'make check'", Results::Failure, Some("timed out")),
            ended("update", Results::Skipped, None),
            build_ended(Results::Success, &[], None),
            build_ended(Results::Failure, &["test".into(), "lint".into()], None),
            build_ended(Results::Cancelled, &[], Some("stopped by alice: typo\nsecond line")),
            build_ended(Results::Retry, &[], Some("worker lost")),
            short(&"x".repeat(300)).chars().count().to_string(),
        ];
        expect![[r#"
            'make check'
            'make check' failed (1)
            'make check' failed (timed out)
            update skipped
            build successful
            failed test, lint
            cancelled: stopped by alice: typo
            worker lost; to be built again
            201"#]]
        .assert_eq(&said.join("\n"));
    }
}
