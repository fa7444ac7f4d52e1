//! The rows, for people and for programs.

use crate::Fallible;
use crate::baseline::{self, Baseline};
use serde_json::{Value, json};
use std::io::Write;

/// One figure.
#[derive(Clone, Debug)]
pub struct Row {
    what: String,
    unit: &'static str,
    figure: f64,
    better: Better,
    baseline: Baseline,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Better {
    More,
    Less,
}

impl Row {
    /// A figure of which more is better.
    pub fn more(what: impl Into<String>, unit: &'static str, figure: f64, baseline: Baseline) -> Row {
        Row { what: what.into(), unit, figure, better: Better::More, baseline }
    }

    /// A figure of which less is better.
    pub fn less(what: impl Into<String>, unit: &'static str, figure: f64, baseline: Baseline) -> Row {
        Row { what: what.into(), unit, figure, better: Better::Less, baseline }
    }

    /// How many times better than the better of the originals.
    fn times(&self) -> Option<f64> {
        let figures = [self.baseline.v0_8_6, self.baseline.v4_3_0];
        let times = figures.into_iter().flatten().map(|original| match self.better {
            Better::More => self.figure / original,
            Better::Less => original / self.figure,
        });
        times.reduce(f64::min)
    }
}

/// What stands over the rows.
pub fn write_head(out: &mut impl Write) -> Fallible<()> {
    line(out, ["", "", "here", "0.8.6p1*", "4.3.0*", "times"])
}

/// Rows of the table.
pub fn write_rows(out: &mut impl Write, rows: &[Row]) -> Fallible<()> {
    for row in rows {
        let original = |figure: Option<f64>| figure.map_or_else(|| "-".to_owned(), shown);
        let times = row.times().map_or_else(|| "-".to_owned(), shown);
        let originals = [original(row.baseline.v0_8_6), original(row.baseline.v4_3_0)];
        line(out, [&row.what, row.unit, &shown(row.figure), &originals[0], &originals[1], &times])?;
    }
    Ok(())
}

/// What stands below the rows.
pub fn write_foot(out: &mut impl Write) -> Fallible<()> {
    writeln!(
        out,
        "\n* Buildbot on SQLite, measured on {}: not in this run, see benches/farm/baseline.rs.\n  \
         times: how many times better than the better of the two.",
        baseline::DATE
    )?;
    Ok(())
}

/// The whole table as one object.
pub fn write_json(out: &mut impl Write, rows: &[Row]) -> Fallible<()> {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "what": row.what,
                "unit": row.unit,
                "figure": row.figure,
                "more_is_better": row.better == Better::More,
                "buildbot_0_8_6p1": row.baseline.v0_8_6,
                "buildbot_4_3_0": row.baseline.v4_3_0,
            })
        })
        .collect();
    let table = json!({"rows": rows, "buildbot_measured": baseline::DATE});
    Ok(writeln!(out, "{table:#}")?)
}

fn line(out: &mut impl Write, [what, unit, here, old, new, times]: [&str; 6]) -> Fallible<()> {
    Ok(writeln!(out, "{what:46} {unit:>10} {here:>10} {old:>10} {new:>10} {times:>10}")?)
}

/// Three digits that count, or all before the point.
fn shown(figure: f64) -> String {
    let digits = match figure.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        0.1.. => 3,
        0.01.. => 4,
        _ => 5,
    };
    format!("{figure:.digits$}")
}
