//! The limits that the README publishes are those of the code.

use regex::Regex;

use crate::source::{Source, top};

/// The files whose limits a user can meet.
const FILES: [&str; 2] = ["src/pbmanager/limits.rs", "src/pb/limits.rs"];

/// One limit.
#[derive(Debug, PartialEq)]
struct Limit {
    name: String,
    value: String,
    /// The first sentence of its doc comment.
    meaning: String,
}

impl Limit {
    fn row(&self) -> String {
        format!("| `{}` | {} | {} |", self.name, self.value, self.meaning)
    }
}

/// The constants of a file of limits, in its order.
fn limits(file: &Source) -> Vec<Limit> {
    let constant = Regex::new(r"^pub const (\w+): [\w:]+ = (.+);").expect("a pattern");
    let (mut limits, mut doc) = (Vec::new(), String::new());
    for line in file.text.lines() {
        if let Some(text) = line.strip_prefix("///") {
            doc.push_str(text);
        } else if let Some(found) = constant.captures(line) {
            let meaning = doc.trim().split_inclusive(". ").next().unwrap_or_default().trim().to_owned();
            limits.push(Limit { value: value(&found[1], &found[2]), name: found[1].to_owned(), meaning });
            doc.clear();
        } else {
            doc.clear();
        }
    }
    limits
}

/// A constant's value as people read it.
fn value(name: &str, expression: &str) -> String {
    let number = |text: &str| -> u64 {
        let factor = |factor: &str| factor.trim().replace('_', "").parse::<u64>().expect("a number");
        text.split('*').map(factor).product()
    };
    let inside = |call: &str| expression.strip_prefix(call)?.strip_suffix(')');
    if let Some(count) = inside("Duration::from_secs(") {
        return format!("{count} s");
    }
    if let Some(count) = inside("Duration::from_millis(") {
        return format!("{count} ms");
    }
    match number(expression) {
        bytes if !name.contains("BYTES") => bytes.to_string(),
        bytes if bytes % (1 << 20) == 0 => format!("{} MiB", bytes >> 20),
        bytes if bytes % (1 << 10) == 0 => format!("{} KiB", bytes >> 10),
        bytes => format!("{bytes} bytes"),
    }
}

/// The rows of the section, without the head of the table.
fn published(text: &str) -> Vec<&str> {
    let section = text.lines().skip_while(|line| *line != "## Limits").skip(1);
    section.take_while(|line| !line.starts_with("## ")).filter(|line| line.starts_with("| `")).collect()
}

#[test]
fn the_limits_are_published() {
    let read = |path: &str| std::fs::read_to_string(top().join(path)).expect("a file of the project");
    let limits = FILES.iter().flat_map(|path| limits(&Source::new(path, &read(path))));
    let rows: Vec<String> = limits.map(|limit| limit.row()).collect();
    assert!(rows.len() > 10, "the constants are not found");
    let readme = read("README.md");
    let right = rows.join("\n");
    assert!(published(&readme) == rows, "\n\nREADME.md: the rows below \"## Limits\" must be:\n\n{right}\n");
}

#[test]
fn limits_are_read_as_people_do() {
    let text = "/// How long. And why.\npub const A_WITHIN: Duration = Duration::from_secs(30);\n\n\
        /// How\n/// much.\npub const B_BYTES: usize = 64 * 1024;\n/// Many.\npub const C_MAX: usize = 4_096;\n";
    let rows: Vec<_> = limits(&Source::new("limits.rs", text)).iter().map(Limit::row).collect();
    let wanted = [
        "| `A_WITHIN` | 30 s | How long. |",
        "| `B_BYTES` | 64 KiB | How much. |",
        "| `C_MAX` | 4096 | Many. |",
    ];
    assert_eq!(rows, wanted);
    assert_eq!(published("| `X` |\n## Limits\n| a |\n| `A` |\n## More\n| `B` |"), ["| `A` |"]);
}
