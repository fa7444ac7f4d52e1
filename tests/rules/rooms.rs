//! A room imports only from the rooms that stand above it in `src/lib.rs`.

use crate::keep;
use crate::source::{Source, Token, files_below};

/// The rooms in the order of `src/lib.rs`.
pub fn rooms(lib: &Source) -> Vec<String> {
    let tokens = lib.tokens();
    let names = tokens.windows(3).filter(|window| window[0].text == "mod" && window[2].text == ";");
    names.map(|window| window[1].text.clone()).collect()
}

fn complaints(rooms: &[String], file: &Source) -> Vec<String> {
    let Some(own) = room_of(&file.path) else { return Vec::new() };
    let Some(own_place) = rooms.iter().position(|room| room == own) else {
        return vec![format!("{}: no room of src/lib.rs: name it there, at its rank", file.path)];
    };
    let mut complaints = Vec::new();
    for (named, line) in rooms_named(&file.tokens()) {
        let place = rooms.iter().position(|room| *room == named);
        if place.is_some_and(|place| place > own_place) {
            complaints.push(format!(
                "{}:{line}: {own} imports {named}, which stands below it in src/lib.rs: \
                 tell {named} by a hint, or move what both need to an earlier room",
                file.path
            ));
        }
    }
    complaints
}

/// The room that a file of `src` is in, by its folder or its own name; the crate's roots are in none.
fn room_of(path: &str) -> Option<&str> {
    let below = path.strip_prefix("src/")?;
    match below.split_once('/') {
        Some(("bin", _)) => None,
        Some((folder, _)) => Some(folder),
        None => below.strip_suffix(".rs").filter(|name| !matches!(*name, "lib" | "main")),
    }
}

/// The first name after each `crate::`, also of those in braces, with its line.
pub fn rooms_named(tokens: &[Token]) -> Vec<(String, usize)> {
    let mut named = Vec::new();
    for at in 0..tokens.len() {
        let text = |offset: usize| tokens.get(at + offset).map_or("", |token| token.text.as_str());
        if (text(0), text(1), text(2)) != ("crate", ":", ":") {
            continue;
        }
        if text(3) == "{" {
            named.extend(first_names(&tokens[at + 4..]));
        } else if let Some(token) = tokens.get(at + 3) {
            named.push((token.text.clone(), token.line));
        }
    }
    named
}

/// The first name of each part of a braced import, whose opening brace is just behind.
fn first_names(tokens: &[Token]) -> Vec<(String, usize)> {
    let (mut names, mut depth, mut fresh) = (Vec::new(), 0, true);
    for token in tokens {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" if depth == 0 => break,
            "}" => depth -= 1,
            "," if depth == 0 => fresh = true,
            name if fresh => {
                names.push((name.to_owned(), token.line));
                fresh = false;
            }
            _ => {}
        }
    }
    names
}

/// A path by `super` may not leave its room: `crate::ROOM` says where it goes.
fn escapes(file: &Source) -> Vec<String> {
    let Some(_) = room_of(&file.path) else { return Vec::new() };
    // How many modules a file is below its room's own: `src/db/mod.rs` 0, `src/db/sql/mod.rs` 1, `src/db/sql/read.rs` 2.
    let below = file.path.trim_end_matches("/mod.rs").trim_end_matches(".rs").matches('/').count() - 1;
    let mut complaints = Vec::new();
    // The brace depths at which modules were opened inside the file.
    let (tokens, mut depth, mut inner) = (file.tokens(), 0_usize, Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        let text = |offset: usize| tokens.get(at + offset).map_or("", |token| token.text.as_str());
        match text(0) {
            "{" => {
                depth += 1;
                if at >= 2 && tokens[at - 2].text == "mod" {
                    inner.push(depth);
                }
            }
            "}" => {
                inner.retain(|opened| *opened != depth);
                depth -= 1;
            }
            "super" => {
                let mut steps = 1;
                while (text(3 * steps - 2), text(3 * steps)) == (":", "super") {
                    steps += 1;
                }
                if steps > below + inner.len() {
                    complaints.push(format!(
                        "{}:{}: super leaves the room: write crate::ROOM, so that the direction is seen",
                        file.path, tokens[at].line
                    ));
                }
                at += 3 * (steps - 1);
            }
            _ => {}
        }
        at += 1;
    }
    complaints
}

fn in_src() -> (Vec<String>, Vec<Source>) {
    let files = files_below("src", "rs");
    let lib = files.iter().find(|file| file.path == "src/lib.rs").expect("src/lib.rs");
    (rooms(lib), files)
}

#[test]
fn imports_point_to_earlier_rooms() {
    let (rooms, files) = in_src();
    assert!(rooms.len() > 10, "src/lib.rs names only {rooms:?}");
    keep(files.iter().flat_map(|file| complaints(&rooms, file)).collect());
}

#[test]
fn super_stays_in_the_room() {
    keep(in_src().1.iter().flat_map(escapes).collect());
}

#[test]
fn an_import_of_a_later_room_is_told() {
    let rooms = rooms(&Source::new("src/lib.rs", "//! Map.\npub mod model;\npub mod db;\nmod status;"));
    assert_eq!(rooms, ["model", "db", "status"]);
    let told = |path: &str, text: &str| complaints(&rooms, &Source::new(path, text)).len();
    assert_eq!(told("src/db/read.rs", "use crate::model::{a, b};"), 0);
    assert_eq!(told("src/db/read.rs", "// use crate::status::X;\nconst A: &str = \"crate::status\";"), 0);
    assert_eq!(told("src/db/read.rs", "use crate::status::X;"), 1);
    assert_eq!(told("src/db/read.rs", "use crate::{model::{a, status}, db};"), 0);
    assert_eq!(told("src/db/read.rs", "use crate::{model::{a, b}, status::{self, c}};"), 1);
    assert_eq!(told("src/model.rs", "fn f() { crate::db::open(); crate::status::tell() }"), 2);
    assert_eq!(told("src/web/mod.rs", ""), 1);
    assert_eq!(told("src/main.rs", "use crate::status;"), 0);
}

#[test]
fn super_out_of_the_room_is_told() {
    let told = |path: &str, text: &str| escapes(&Source::new(path, text)).len();
    assert_eq!(told("src/db/mod.rs", "use super::status;"), 1);
    assert_eq!(told("src/db/read.rs", "use super::Handle;"), 0);
    assert_eq!(told("src/db/read.rs", "use super::super::status;"), 1);
    assert_eq!(told("src/db/sql/read.rs", "use super::super::Handle;"), 0);
    assert_eq!(told("src/db/mod.rs", "mod tests { use super::*; } use super::status;"), 1);
}
