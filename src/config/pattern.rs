//! Regular expressions and globs that compare by their text.

use regex::{Captures, Regex};
use serde::{Serialize, Serializer};
use std::fmt;

/// A regular expression that is matched from the start of a text, as Buildbot's filters match.
#[derive(Clone)]
pub struct Pattern {
    source: String,
    regex: Regex,
}

impl Pattern {
    /// Compiles it. It runs in linear time: look-around and back-references are refused.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn new(source: &str) -> Result<Pattern, String> {
        // First as it stands, so that the complaint does not show our anchor.
        Regex::new(source).map_err(|error| last_line(&error))?;
        let regex = Regex::new(&format!(r"\A(?:{source})")).map_err(|error| last_line(&error))?;
        Ok(Pattern { source: source.to_owned(), regex })
    }

    /// Whether the text begins with a match.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// What the text begins with, with its groups.
    pub fn captures<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        self.regex.captures(text)
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

/// A regular expression that is looked for anywhere in a text.
#[derive(Clone)]
pub struct Search {
    source: String,
    regex: Regex,
}

impl Search {
    /// Compiles it. It runs in linear time: look-around and back-references are refused.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn new(source: &str) -> Result<Search, String> {
        let regex = Regex::new(source).map_err(|error| last_line(&error))?;
        Ok(Search { source: source.to_owned(), regex })
    }

    /// Whether it is found in the text.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// What it finds first, with its groups.
    pub fn captures<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        self.regex.captures(text)
    }

    /// The names of its groups.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.regex.capture_names().flatten()
    }
}

/// The line of a regex error that says what is wrong; those before it draw the place.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let line = text.lines().last().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

/// A file-name pattern: `*` is any text, `?` any character, `[ab]` one of these, `[!ab]` none of these.
#[derive(Clone)]
pub struct Glob {
    source: String,
    regex: Regex,
}

impl Glob {
    /// Compiles it.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn new(source: &str) -> Result<Glob, String> {
        let mut expression = String::from(r"(?s)\A");
        let mut rest = source.chars();
        while let Some(c) = rest.next() {
            match c {
                '*' => expression += ".*",
                '?' => expression.push('.'),
                '[' => {
                    let class: String = rest.by_ref().take_while(|c| *c != ']').collect();
                    let class = class.replace(['\\', '[', '&', '~'], "");
                    match class.strip_prefix('!') {
                        Some(class) => expression += &format!("[^{class}]"),
                        None => expression += &format!("[{class}]"),
                    }
                }
                c => expression += &regex::escape(c.encode_utf8(&mut [0; 4])),
            }
        }
        expression += r"\z";
        let regex = Regex::new(&expression).map_err(|error| last_line(&error))?;
        Ok(Glob { source: source.to_owned(), regex })
    }

    /// Whether the whole text matches.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Whether it stands for more than one text.
    pub fn is_pattern(&self) -> bool {
        self.source.contains(['*', '?', '['])
    }

    /// The glob as it was written.
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

macro_rules! by_source {
    ($type:ty) => {
        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                self.source == other.source
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.source.fmt(f)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.source)
            }
        }
    };
}
by_source!(Pattern);
by_source!(Search);
by_source!(Glob);

#[cfg(test)]
mod tests {
    use super::{Glob, Pattern};

    #[test]
    fn a_pattern_matches_from_the_start() {
        let pattern = Pattern::new("release-|main$").unwrap();
        assert!(pattern.is_match("release-1"));
        assert!(pattern.is_match("main"));
        assert!(!pattern.is_match("old-release-1"));
        assert!(!pattern.is_match("maintenance"));
    }

    #[test]
    fn a_wrong_pattern_is_told_in_one_line() {
        assert_eq!(Pattern::new("a(b").unwrap_err(), "unclosed group");
        assert_eq!(Pattern::new("a)|(b").unwrap_err(), "unopened group");
    }

    #[test]
    fn a_glob_matches_the_whole_text() {
        let is_match = |glob: &str, text: &str| Glob::new(glob).unwrap().is_match(text);
        assert!(is_match("release/*", "release/1/2"));
        assert!(is_match("test-?", "test-a"));
        assert!(!is_match("test-?", "test-ab"));
        assert!(is_match("v[0-9].x", "v3.x"));
        assert!(!is_match("v[!0-9].x", "v3.x"));
        assert!(!is_match("a.c", "abc"));
        assert!(Glob::new("v[").is_err());
    }
}
