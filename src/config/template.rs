//! Texts with `%(...)s` in them, which are filled in when a build runs (`N-PR-01` to `N-PR-04`).
//!
//! Only `%(` is special; `%%(` stands for it. This file knows the syntax; whoever has the values renders.

use crate::model::{Properties, SourceStamp};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::fmt;

/// A text with `%(...)s` in it, parsed when it was loaded.
#[derive(Clone, PartialEq, Eq)]
pub struct Template {
    source: String,
    pieces: Vec<Piece>,
}

/// Finds the value of a selector; it is told whether nothing may take the value's place.
pub type Find<'a, E> = dyn Fn(&Selector, bool) -> Result<Option<Value>, E> + 'a;

/// One piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text that stands as it is.
    Text(String),
    /// A value, looked up when a build runs.
    Value {
        /// Which value.
        selector: Selector,
        /// What takes its place; `None` for the value itself, or nothing where there is none.
        form: Option<Form>,
    },
}

/// Which value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// `prop:name`: a property.
    Property(String),
    /// `src:codebase:attribute`: an attribute of a source stamp.
    Source {
        /// Which of the build's source stamps; empty for the only one.
        codebase: String,
        /// Which attribute.
        attribute: SourceAttribute,
    },
    /// `secret:name`: a secret.
    Secret(String),
    /// `worker:name`: what the worker said of itself.
    Worker(String),
}

/// An attribute of a source stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceAttribute {
    /// Its branch.
    Branch,
    /// Its revision.
    Revision,
    /// Its repository's address.
    Repository,
    /// Its project.
    Project,
    /// Its codebase.
    Codebase,
}

/// What takes a value's place (`N-PR-02`). *False* is an absent value, an empty text, zero, `false`, `null` and an empty list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// `:-d`: the value, or this where it is absent.
    IfAbsent(Template),
    /// `:~d`: the value, or this where it is false.
    IfFalse(Template),
    /// `:+d`: this where the value is there, else nothing.
    IfPresent(Template),
    /// `:?|a|b` and `:#?|a|b`: the one or the other.
    Choose {
        /// Whether truth decides (`#`), not presence.
        by_truth: bool,
        /// Where it is there, or true.
        yes: Template,
        /// Where it is not.
        no: Template,
    },
}

impl SourceAttribute {
    /// This attribute of a stamp.
    pub fn of(self, stamp: &SourceStamp) -> Option<&str> {
        match self {
            SourceAttribute::Branch => stamp.branch.as_deref(),
            SourceAttribute::Revision => stamp.revision.as_deref(),
            SourceAttribute::Repository => Some(&stamp.repository),
            SourceAttribute::Project => Some(&stamp.project),
            SourceAttribute::Codebase => Some(&stamp.codebase),
        }
    }
}

impl Template {
    /// Parses it.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn new(source: &str) -> Result<Template, String> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut rest = source;
        while let Some(at) = rest.find("%(") {
            if rest[..at].ends_with('%') {
                text += &rest[..at - 1];
                text += "%(";
                rest = &rest[at + 2..];
                continue;
            }
            text += &rest[..at];
            let inside = &rest[at + 2..];
            let end = closing(inside).ok_or_else(|| format!("{:?} is not closed", &rest[at..]))?;
            let Some(after) = inside[end + 1..].strip_prefix('s') else {
                return Err(format!("`%({})` must be followed by `s`", &inside[..end]));
            };
            if !text.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
            }
            pieces.push(value(&inside[..end])?);
            rest = after;
        }
        text += rest;
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Ok(Template { source: source.to_owned(), pieces })
    }

    /// A template that is this text, whatever stands in it.
    pub fn literal(text: &str) -> Template {
        let pieces = if text.is_empty() { Vec::new() } else { vec![Piece::Text(text.to_owned())] };
        Template { source: text.replace("%(", "%%("), pieces }
    }

    /// Its pieces, in order; texts are not empty.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The name of a secret that it asks for, if it does.
    pub fn secret(&self) -> Option<&str> {
        self.pieces.iter().find_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Value { selector: Selector::Secret(name), .. } => Some(name.as_str()),
            Piece::Value { form: Some(form), .. } => match form {
                Form::IfAbsent(other) | Form::IfFalse(other) | Form::IfPresent(other) => other.secret(),
                Form::Choose { yes, no, .. } => yes.secret().or_else(|| no.secret()),
            },
            Piece::Value { form: None, .. } => None,
        })
    }

    /// Fills it in with the values that `find` finds.
    ///
    /// # Errors
    /// Those of `find`.
    pub fn fill<E>(&self, find: &Find<'_, E>) -> Result<String, E> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(plain) => text += plain,
                Piece::Value { selector, form } => {
                    let value = find(selector, form.is_none())?;
                    text += &formed(value.as_ref(), form.as_ref(), find)?;
                }
            }
        }
        Ok(text)
    }

    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

fn formed<E>(value: Option<&Value>, form: Option<&Form>, find: &Find<'_, E>) -> Result<String, E> {
    let is_true = Properties::is_true(value);
    let other = match form {
        Some(Form::IfAbsent(other)) if value.is_none() => other,
        Some(Form::IfFalse(other)) if !is_true => other,
        None | Some(Form::IfAbsent(_) | Form::IfFalse(_)) => {
            return Ok(value.map(Properties::render).unwrap_or_default());
        }
        Some(Form::IfPresent(other)) if value.is_some() => other,
        Some(Form::IfPresent(_)) => return Ok(String::new()),
        Some(Form::Choose { by_truth, yes, no }) => {
            let holds = if *by_truth { is_true } else { value.is_some() };
            if holds { yes } else { no }
        }
    };
    other.fill(find)
}

/// Where the parenthesis that is open at the start is closed; those between come in pairs.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return Some(at),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// What stands between `%(` and `)s`.
fn value(text: &str) -> Result<Piece, String> {
    let (selector, rest) = text.split_once(':').ok_or_else(|| {
        format!("`%({text})s` does not say of what; write `%(prop:{text})s` for a property")
    })?;
    let (selector, form) = match selector {
        "prop" => keyed(rest, Selector::Property)?,
        "secret" => keyed(rest, Selector::Secret)?,
        "worker" => keyed(rest, Selector::Worker)?,
        "src" => {
            let (codebase, rest) = rest.split_once(':').ok_or_else(|| {
                format!(
                    "`%({text})s` must be `src:CODEBASE:ATTRIBUTE`; `src::{rest}` is the default codebase"
                )
            })?;
            let (attribute, form) = head(rest);
            let codebase = identifier(codebase)?.to_owned();
            (Selector::Source { codebase, attribute: source_attribute(attribute)? }, form)
        }
        other => return Err(format!("`{other}` in `%({text})s` is none of prop, src, secret, worker")),
    };
    Ok(Piece::Value { selector, form: form.map(parse_form).transpose()? })
}

/// A selector with a plain name, and the form after it.
fn keyed(rest: &str, selector: fn(String) -> Selector) -> Result<(Selector, Option<&str>), String> {
    let (name, form) = head(rest);
    if name.is_empty() {
        return Err("the name is missing".to_owned());
    }
    Ok((selector(identifier(name)?.to_owned()), form))
}

/// The name before the first colon, and the form after it.
fn head(text: &str) -> (&str, Option<&str>) {
    text.split_once(':').map_or((text, None), |(name, form)| (name, Some(form)))
}

fn identifier(name: &str) -> Result<&str, String> {
    if name.chars().all(|c| c.is_alphanumeric() || "_.-".contains(c)) {
        return Ok(name);
    }
    Err(format!("`{name}` is not a name: letters, digits, `_`, `.` and `-` make one"))
}

fn source_attribute(name: &str) -> Result<SourceAttribute, String> {
    match name {
        "branch" => Ok(SourceAttribute::Branch),
        "revision" => Ok(SourceAttribute::Revision),
        "repository" => Ok(SourceAttribute::Repository),
        "project" => Ok(SourceAttribute::Project),
        "codebase" => Ok(SourceAttribute::Codebase),
        other => Err(format!(
            "a source stamp has no `{other}`, but branch, revision, repository, project, codebase"
        )),
    }
}

/// What stands after the name and its colon.
fn parse_form(text: &str) -> Result<Form, String> {
    if let Some(replacement) = text.strip_prefix('-') {
        return Ok(Form::IfAbsent(Template::new(replacement)?));
    }
    if let Some(replacement) = text.strip_prefix('~') {
        return Ok(Form::IfFalse(Template::new(replacement)?));
    }
    if let Some(replacement) = text.strip_prefix('+') {
        return Ok(Form::IfPresent(Template::new(replacement)?));
    }
    let (by_truth, choices) = match (text.strip_prefix("#?"), text.strip_prefix('?')) {
        (Some(choices), _) => (true, choices),
        (None, Some(choices)) => (false, choices),
        (None, None) => return Err(format!("`:{text}` is none of `:-`, `:~`, `:+`, `:?` and `:#?`")),
    };
    let mut rest = choices.chars();
    let divider = rest.next().filter(|c| *c != '(');
    let divided = divider.and_then(|divider| rest.as_str().split_once(divider).zip(Some(divider)));
    match divided {
        Some(((yes, no), divider)) if !no.contains(divider) => {
            Ok(Form::Choose { by_truth, yes: Template::new(yes)?, no: Template::new(no)? })
        }
        _ => {
            Err(format!("`:{text}` must have two parts with the same divider before each, as in `:?|yes|no`"))
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::Template;
    use expect_test::{Expect, expect};

    fn check(source: &str, expected: Expect) {
        let shown = match Template::new(source) {
            Ok(template) => template.pieces().iter().map(|piece| format!("{piece:?}\n")).collect(),
            Err(error) => format!("wrong: {error}\n"),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn what_is_not_an_opening_stands_as_it_is() {
        check(
            "date +%Y%%; echo 100%",
            expect![[r#"
            Text("date +%Y%%; echo 100%")
        "#]],
        );
        check(
            "%%(prop:x)s and %%%(prop:x)s",
            expect![[r#"
            Text("%(prop:x)s and %%(prop:x)s")
        "#]],
        );
        check("", expect![[""]]);
    }

    #[test]
    fn every_selector_is_known() {
        check(
            "a%(prop:a.b-c)s%(secret:key)s-%(worker:os_id)s",
            expect![[r#"
            Text("a")
            Value { selector: Property("a.b-c"), form: None }
            Value { selector: Secret("key"), form: None }
            Text("-")
            Value { selector: Worker("os_id"), form: None }
        "#]],
        );
        check(
            "%(src::branch)s %(src:lib:revision:-none)s",
            expect![[r#"
            Value { selector: Source { codebase: "", attribute: Branch }, form: None }
            Text(" ")
            Value { selector: Source { codebase: "lib", attribute: Revision }, form: Some(IfAbsent("none")) }
        "#]],
        );
    }

    #[test]
    fn every_form_is_known() {
        check(
            "%(prop:x:-d)s%(prop:x:~)s%(prop:x:+(set))s",
            expect![[r#"
            Value { selector: Property("x"), form: Some(IfAbsent("d")) }
            Value { selector: Property("x"), form: Some(IfFalse("")) }
            Value { selector: Property("x"), form: Some(IfPresent("(set)")) }
        "#]],
        );
        check(
            "%(prop:x:?|yes|no)s%(prop:x:#?:a:b)s",
            expect![[r#"
            Value { selector: Property("x"), form: Some(Choose { by_truth: false, yes: "yes", no: "no" }) }
            Value { selector: Property("x"), form: Some(Choose { by_truth: true, yes: "a", no: "b" }) }
        "#]],
        );
        check(
            "%(prop:x:-%(prop:y:-z)s)s",
            expect![[r#"
            Value { selector: Property("x"), form: Some(IfAbsent("%(prop:y:-z)s")) }
        "#]],
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (source, expected) in [
            (
                "%(branch)s",
                expect![[r#"
                wrong: `%(branch)s` does not say of what; write `%(prop:branch)s` for a property
            "#]],
            ),
            (
                "%(prop:x",
                expect![[r#"
                wrong: "%(prop:x" is not closed
            "#]],
            ),
            (
                "%(prop:x)d",
                expect![[r#"
                wrong: `%(prop:x)` must be followed by `s`
            "#]],
            ),
            (
                "%(prop:)s",
                expect![[r#"
                wrong: the name is missing
            "#]],
            ),
            (
                "%(prop:a b)s",
                expect![[r#"
                wrong: `a b` is not a name: letters, digits, `_`, `.` and `-` make one
            "#]],
            ),
            (
                "%(prop:x:=1)s",
                expect![[r#"
                wrong: `:=1` is none of `:-`, `:~`, `:+`, `:?` and `:#?`
            "#]],
            ),
            (
                "%(prop:x:?|yes)s",
                expect![[r#"
                wrong: `:?|yes` must have two parts with the same divider before each, as in `:?|yes|no`
            "#]],
            ),
            (
                "%(prop:x:?|a|b|c)s",
                expect![[r#"
                wrong: `:?|a|b|c` must have two parts with the same divider before each, as in `:?|yes|no`
            "#]],
            ),
            (
                "%(src:branch)s",
                expect![[r#"
                wrong: `%(src:branch)s` must be `src:CODEBASE:ATTRIBUTE`; `src::branch` is the default codebase
            "#]],
            ),
            (
                "%(src::author)s",
                expect![[r#"
                wrong: a source stamp has no `author`, but branch, revision, repository, project, codebase
            "#]],
            ),
            (
                "%(kw:x)s",
                expect![[r#"
                wrong: `kw` in `%(kw:x)s` is none of prop, src, secret, worker
            "#]],
            ),
        ] {
            check(source, expected);
        }
    }

    #[test]
    fn a_secret_is_found_wherever_it_stands() {
        for (source, expected) in [
            ("%(prop:secret)s", None),
            ("a %(secret:key)s", Some("key")),
            ("%(prop:x:-%(secret:key)s)s", Some("key")),
            ("%(prop:x:#?|yes|%(src::branch:+%(secret:key)s)s)s", Some("key")),
        ] {
            assert_eq!(Template::new(source).unwrap().secret(), expected, "{source}");
        }
    }

    #[test]
    fn a_literal_is_read_back_as_itself() {
        for text in ["", "plain", "%(prop:x)s", "%%(x"] {
            let literal = Template::literal(text);
            assert_eq!(Template::new(literal.as_str()), Ok(literal));
        }
    }
}
