//! Reading the tree: its files, and the tokens of a Rust file without comments and spaces.

use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The folder that holds `Cargo.toml`.
pub fn top() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A text file of the tree.
pub struct Source {
    /// Its path below the top folder, with `/` between names.
    pub path: String,
    pub text: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    /// Its tokens, flat: a group gives its opening, what is in it, and its closing.
    pub fn tokens(&self) -> Vec<Token> {
        let stream: TokenStream =
            self.text.parse().unwrap_or_else(|error| panic!("{}: not Rust: {error}", self.path));
        let mut tokens = Vec::new();
        flatten(stream, &mut tokens);
        tokens
    }
}

/// One word, sign or literal, and the line on which it stands.
pub struct Token {
    pub text: String,
    pub line: usize,
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    for tree in stream {
        let (open, close) = (tree.span().start().line, tree.span().end().line);
        let mut push = |text: String, line| tokens.push(Token { text, line });
        match tree {
            TokenTree::Group(group) => {
                let (before, after) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                push(before.to_owned(), open);
                flatten(group.stream(), tokens);
                tokens.push(Token { text: after.to_owned(), line: close });
            }
            // A documentation comment arrives as an attribute whose text is a literal: never code.
            TokenTree::Literal(literal) => push(literal.to_string(), open),
            TokenTree::Ident(ident) => push(ident.to_string(), open),
            TokenTree::Punct(punct) => push(punct.as_char().to_string(), open),
        }
    }
}

/// The lines at which some tokens stand in this order, written as Rust with a space between any two.
pub fn lines_with(tokens: &[Token], wanted: &str) -> Vec<usize> {
    let wanted: Vec<&str> = wanted.split(' ').collect();
    let same = |window: &&[Token]| window.iter().zip(&wanted).all(|(token, wanted)| token.text == *wanted);
    tokens.windows(wanted.len()).filter(same).map(|window| window[0].line).collect()
}

/// Every Rust file of the project, in path order.
pub fn rust_files() -> Vec<Source> {
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches"] {
        files.extend(files_below(folder, "rs"));
    }
    assert!(files.len() > 20, "the search for Rust files finds only {}", files.len());
    files
}

/// The files below a folder whose names end in `.ending`, in path order; none if there is no such folder.
pub fn files_below(folder: &str, ending: &str) -> Vec<Source> {
    let mut found = Vec::new();
    walk(&top().join(folder), ending, &mut found);
    found.sort();
    let top = top();
    let name = |path: &Path| path.strip_prefix(&top).expect("below the top").to_string_lossy().into_owned();
    found.iter().map(|path| Source { path: name(path), text: read(path) }).collect()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            walk(&path, ending, found);
        } else if path.extension().is_some_and(|found| found == ending) {
            found.push(path);
        }
    }
}
