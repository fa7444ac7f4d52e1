//! Things that stand in few files or in none.

use crate::keep;
use crate::source::{Source, lines_with, rust_files};

/// Tokens that only some files may hold, and what the others do instead.
struct Ban {
    /// The tokens, a space between any two.
    tokens: &'static str,
    /// Files, or folders ending in `/`, that may.
    allowed: &'static [&'static str],
    instead: &'static str,
}

const CLOCKS: &[&str] = &["src/kernel/world.rs", "tests/system/harness/"];
const THREADS: &[&str] = &["src/kernel/thread.rs", "tests/system/harness/", "tests/interop/proxy.rs"];
const PRINTERS: &[&str] = &["src/main.rs", "src/bin/", "src/cli/", "tests/", "benches/"];
const YAML: &[&str] = &["src/config/yaml.rs", "src/worker/config.rs", "src/cli/options.rs"];
const TIME: &str = "take the time from kernel::World, so that the simulator can turn it";
const THREAD: &str = "kernel::thread starts threads: it names them and catches their panics";
const PRINT: &str = "log by slog; only the command line prints";
const UNFINISHED: &str = "finish it, or leave the whole thing out and say so in the closing note";
const UNBOUNDED: &str = "every queue has a bound, named in kernel/limits.rs";

const BANS: &[Ban] = &[
    Ban { tokens: "Instant : : now", allowed: CLOCKS, instead: TIME },
    Ban { tokens: "SystemTime : : now", allowed: CLOCKS, instead: TIME },
    Ban { tokens: "Timestamp : : now", allowed: CLOCKS, instead: TIME },
    Ban { tokens: "Zoned : : now", allowed: CLOCKS, instead: TIME },
    Ban { tokens: "std : : thread", allowed: THREADS, instead: THREAD },
    Ban { tokens: "mpsc : : channel", allowed: &[], instead: UNBOUNDED },
    Ban { tokens: "serde_yaml", allowed: YAML, instead: "config::yaml reads YAML" },
    Ban { tokens: "println !", allowed: PRINTERS, instead: PRINT },
    Ban { tokens: "eprintln !", allowed: PRINTERS, instead: PRINT },
    Ban { tokens: "# [ ignore", allowed: &[], instead: "make it pass, or leave it out" },
    Ban { tokens: "todo !", allowed: &[], instead: UNFINISHED },
    Ban { tokens: "unimplemented !", allowed: &[], instead: UNFINISHED },
    Ban { tokens: "allow ( dead_code", allowed: &[], instead: "delete what nothing uses" },
    Ban {
        tokens: "allow ( clippy : : disallowed_methods",
        allowed: &["src/kernel/world.rs", "src/kernel/thread.rs", "tests/system/harness/"],
        instead: "clippy.toml says what to call",
    },
    Ban {
        tokens: "allow ( clippy : : disallowed_types",
        allowed: &[],
        instead: "clippy.toml says which type to take",
    },
];

/// Marks of unfinished work, in two parts so that this file does not hold them itself.
const MARKS: [&str; 2] = [concat!("FIX", "ME"), concat!("XX", "X")];

fn complaints(bans: &[Ban], file: &Source) -> Vec<String> {
    let tokens = file.tokens();
    let mut complaints = Vec::new();
    for ban in bans {
        if ban.allowed.iter().any(|allowed| covers(allowed, &file.path)) {
            continue;
        }
        for line in lines_with(&tokens, ban.tokens) {
            let shown = ban.tokens.replace(' ', "");
            complaints.push(format!("{}:{line}: no {shown} here: {}", file.path, ban.instead));
        }
    }
    for (line, text) in (1..).zip(file.text.lines()) {
        if MARKS.iter().any(|mark| text.contains(mark)) {
            complaints.push(format!("{}:{line}: a mark of unfinished work: {UNFINISHED}", file.path));
        }
    }
    complaints
}

fn covers(allowed: &str, path: &str) -> bool {
    if allowed.ends_with('/') { path.starts_with(allowed) } else { path == allowed }
}

#[test]
fn banned_things_stand_only_where_they_may() {
    keep(rust_files().iter().flat_map(|file| complaints(BANS, file)).collect());
}

#[test]
fn every_ban_is_told_where_it_applies() {
    for ban in BANS {
        let text = bad_text(ban);
        let told = |path: &str| {
            let wanted = format!("no {} here", ban.tokens.replace(' ', ""));
            complaints(BANS, &Source::new(path, &text)).iter().any(|line| line.contains(&wanted))
        };
        assert!(told("src/db/read.rs"), "{}: not told in {text}", ban.tokens);
        for allowed in ban.allowed {
            let path = if allowed.ends_with('/') { format!("{allowed}x.rs") } else { allowed.to_string() };
            assert!(!told(&path), "{}: told in {path}", ban.tokens);
        }
    }
}

/// Rust that holds the banned tokens, its open brackets closed.
fn bad_text(ban: &Ban) -> String {
    let mut text = ban.tokens.replace(' ', "");
    for (open, close) in [('(', ')'), ('[', ']')] {
        if text.contains(open) {
            text.push(close);
        }
    }
    text
}

#[test]
fn words_in_comments_and_texts_are_no_bans() {
    let text = "//! No todo!() is left.\n/// Instant::now() is banned.\nconst A: &str = \"println!()\";";
    keep(complaints(BANS, &Source::new("src/db/read.rs", text)));
}

#[test]
fn a_mark_in_a_comment_is_told() {
    let text = format!("//! Reads.\n// {} later\n", MARKS[0]);
    assert_eq!(complaints(BANS, &Source::new("src/db/read.rs", &text)).len(), 1);
}
#[test]
fn what_a_ban_allows_exists() {
    let files = rust_files();
    let mut complaints = Vec::new();
    for ban in BANS {
        for allowed in ban.allowed.iter().filter(|allowed| **allowed != "benches/") {
            if !files.iter().any(|file| covers(allowed, &file.path)) {
                complaints.push(format!("tests/rules/bans.rs allows {allowed}, which does not exist"));
            }
        }
    }
    complaints.dedup();
    keep(complaints);
}
