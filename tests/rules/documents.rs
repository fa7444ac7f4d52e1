//! What the documents name exists: files linked or named in them, and headings linked to.

use regex::Regex;

use crate::keep;
use crate::source::{Source, files_below, top};

/// The documents: those at the top, and all below `docs`.
fn documents() -> Vec<Source> {
    let at_top = std::fs::read_dir(top()).expect("the top folder");
    let mut documents = files_below("docs", "md");
    for entry in at_top {
        let name = entry.expect("a readable folder").file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") {
            let text = std::fs::read_to_string(top().join(&name)).expect("a readable document");
            documents.push(Source { path: name, text });
        }
    }
    documents
}

/// Complains of each link and each named file of a document that leads nowhere.
fn complaints(document: &Source, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let link = Regex::new(r"\]\(([^)\s]+)\)").expect("a pattern");
    let named = Regex::new(r"`((?:src|tests|conf|sql|packaging|docs|benches)/[\w./-]*)`").expect("a pattern");
    let folder = document.path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let mut complaints = Vec::new();
    for (number, line) in (1..).zip(document.text.lines()) {
        let mut complain = |what: &str| complaints.push(format!("{}:{number}: {what}", document.path));
        for target in link.captures_iter(line).map(|found| found[1].to_owned()) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((&target, ""));
            if !file.is_empty() && !exists(&format!("{folder}{file}")) {
                complain(&format!("links to {file}, which does not exist"));
            }
            if file.is_empty() && !headings(&document.text).any(|anchor| anchor == heading) {
                complain(&format!("links to #{heading}, and no heading reads so"));
            }
        }
        for file in named.captures_iter(line).map(|found| found[1].to_owned()) {
            if !exists(&file) {
                complain(&format!("names {file}, which does not exist"));
            }
        }
    }
    complaints
}

/// The anchors of a document's headings, as its readers' renderers make them.
fn headings(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter(|line| line.starts_with('#')).map(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

#[test]
fn documents_name_what_exists() {
    let documents = documents();
    assert!(!documents.is_empty(), "no documents found");
    let exists = |path: &str| top().join(path).exists();
    keep(documents.iter().flat_map(|document| complaints(document, exists)).collect());
}

#[test]
fn a_dead_link_is_told() {
    let exists = |path: &str| ["docs/a.md", "src/db/"].contains(&path);
    let told = |text: &str| complaints(&Source::new("docs/b.md", text), exists).len();
    assert_eq!(told("[a](a.md) [web](https://example.org/) `src/db/` `x/y`"), 0);
    assert_eq!(told("[a](gone.md)"), 1);
    assert_eq!(told("read `src/gone.rs` first"), 1);
    assert_eq!(told("## Bad input, told\n[there](#bad-input-told)"), 0);
    assert_eq!(told("## Bad input\n[there](#good-input)"), 1);
}

/// The rooms of a list, in its order: the first column of the table below `heading`.
fn rooms_of_map(text: &str, heading: &str) -> Vec<String> {
    let room = Regex::new(r"^\| `(\w+)` \|").expect("a pattern");
    let below = text.lines().skip_while(|line| *line != heading).skip(1);
    let table = below.take_while(|line| !line.starts_with("## "));
    table.filter_map(|line| Some(room.captures(line)?[1].to_owned())).collect()
}

#[test]
fn the_map_of_rooms_is_the_list_of_modules() {
    let read = |path: &str| std::fs::read_to_string(top().join(path)).expect("a file of the project");
    let lib = read("src/lib.rs");
    let modules: Vec<_> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';').map(str::to_owned))
        .collect();
    assert_eq!(rooms_of_map(&read("ARCHITECTURE.md"), "## Rooms"), modules);
}

#[test]
fn the_map_is_read_as_far_as_its_section() {
    let text = "## Other\n| `no` |\n## Rooms\n| room |\n| `a` | x |\n| `b` | y |\n## More\n| `c` |";
    assert_eq!(rooms_of_map(text, "## Rooms"), ["a", "b"]);
}
