//! `change_filter`: which changes a scheduler looks at; and the same over source stamps.

use crate::config::{Condition, Pattern};
use crate::model::{NewChange, Properties, SourceStamp};
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Which changes a scheduler looks at: all conditions must hold (`N-CF`).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ChangeFilter {
    /// The branch; `None` stands for the default one and is not the same as not given (`N-CF-04`).
    pub branch: FieldFilter,
    /// The project.
    pub project: FieldFilter,
    /// The repository's address.
    pub repository: FieldFilter,
    /// The category.
    pub category: FieldFilter,
    /// The codebase.
    pub codebase: FieldFilter,
    /// Properties, by name; of one that the change has not, or that is null, the value is none.
    pub properties: BTreeMap<String, FieldFilter>,
    /// What must hold of the change as a whole; a `change_filter` that is a text is just this (`CF-01`).
    pub condition: Option<Condition>,
}

impl ChangeFilter {
    /// Why this change is not looked at; `None` if it is.
    pub fn objection(&self, change: &NewChange) -> Option<String> {
        let fields = [
            ("branch", &self.branch, change.branch.as_deref()),
            ("project", &self.project, Some(change.project.as_str())),
            ("repository", &self.repository, Some(change.repository.as_str())),
            ("category", &self.category, change.category.as_deref()),
            ("codebase", &self.codebase, Some(change.codebase.as_str())),
        ];
        let objection = fields.into_iter().find_map(|(name, filter, value)| filter.objection(name, value));
        objection.or_else(|| self.objection_to_properties(&change.properties)).or_else(|| {
            let condition = self.condition.as_ref()?;
            refused(condition, condition.eval(&told(change)), "the filter")
        })
    }

    fn objection_to_properties(&self, properties: &Properties) -> Option<String> {
        self.properties.iter().find_map(|(name, filter)| {
            let value = properties.value(name).filter(|value| !value.is_null());
            let value = value.map(|value| match value {
                serde_json::Value::String(text) => Cow::from(text),
                other => Cow::from(Properties::render(other)),
            });
            filter.objection(&format!("property {name}"), value.as_deref())
        })
    }
}

/// Which source stamps somebody looks at: all conditions must hold (`N-CF-02`).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SourceStampFilter {
    /// The branch; `None` stands for the default one.
    pub branch: FieldFilter,
    /// The project.
    pub project: FieldFilter,
    /// The repository's address.
    pub repository: FieldFilter,
    /// The codebase.
    pub codebase: FieldFilter,
}

impl SourceStampFilter {
    /// Whether this stamp is looked at.
    pub fn is_match(&self, stamp: &SourceStamp) -> bool {
        let fields = [
            (&self.branch, stamp.branch.as_deref()),
            (&self.project, Some(stamp.project.as_str())),
            (&self.repository, Some(stamp.repository.as_str())),
            (&self.codebase, Some(stamp.codebase.as_str())),
        ];
        fields.into_iter().all(|(filter, value)| filter.objection("", value).is_none())
    }
}

/// What one field of a change must be; nothing given accepts anything. Within one list any entry will do;
/// of `is_not` and `matches_not`, any entry that holds refuses (`N-CF-05`).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FieldFilter {
    /// One of these; `None` in it is the default branch, no category, or no such property.
    pub is: Option<Vec<Option<String>>>,
    /// None of these.
    pub is_not: Vec<Option<String>>,
    /// Like one of these, if there is any. A field that is none is like nothing (`CF-04`).
    pub matches: Vec<Pattern>,
    /// Like none of these.
    pub matches_not: Vec<Pattern>,
    /// What must hold of it, as `value`.
    pub condition: Option<Condition>,
}

impl FieldFilter {
    /// Just these values.
    pub fn is(values: Vec<Option<String>>) -> FieldFilter {
        FieldFilter { is: Some(values), ..FieldFilter::default() }
    }

    /// Why the field of this name may not have this value.
    fn objection(&self, name: &str, value: Option<&str>) -> Option<String> {
        let same = |wanted: &Option<String>| wanted.as_deref() == value;
        let like = |pattern: &Pattern| value.is_some_and(|value| pattern.is_match(value));
        let found = quoted(value);
        if let Some(wanted) = self.is.as_ref().filter(|wanted| !wanted.iter().any(same)) {
            let wanted: Vec<String> = wanted.iter().map(|wanted| quoted(wanted.as_deref())).collect();
            return Some(format!("{name} {found} is not {}", wanted.join(" or ")));
        }
        if self.is_not.iter().any(same) {
            return Some(format!("{name} {found} is excluded"));
        }
        if !self.matches.is_empty() && !self.matches.iter().any(like) {
            let wanted: Vec<&str> = self.matches.iter().map(Pattern::as_str).collect();
            return Some(format!("{name} {found} does not match /{}/", wanted.join("/ or /")));
        }
        if let Some(refusing) = self.matches_not.iter().find(|pattern| like(pattern)) {
            return Some(format!("{name} {found} matches /{}/", refusing.as_str()));
        }
        let condition = self.condition.as_ref()?;
        refused(condition, condition.eval(&context! { value }), &format!("{name} {found}"))
    }
}

/// Why a condition does not let something through; one without an answer lets nothing through (`SM-03`).
fn refused(condition: &Condition, answer: Result<bool, String>, what: &str) -> Option<String> {
    match answer {
        Ok(true) => None,
        Ok(false) => Some(format!("{what}: not `{}`", condition.as_str())),
        Err(why) => Some(format!("{what}: `{}` cannot be answered: {why}", condition.as_str())),
    }
}

/// A change as conditions know it: its fields, and `property`, a function of a name and perhaps a default.
pub(in crate::config) fn told(change: &NewChange) -> Value {
    let properties = change.properties.clone();
    let property =
        Value::from_function(move |name: &str, default: Option<Value>| match properties.value(name) {
            Some(value) => Serde(value).into(),
            None => default.unwrap_or_else(|| Value::from(())),
        });
    context! { property, ..Value::from(Serde(change)) }
}

/// A value for people.
fn quoted(value: Option<&str>) -> String {
    value.map_or_else(|| "(none)".to_owned(), |value| format!("'{value}'"))
}

#[cfg(test)]
mod tests {
    use super::{ChangeFilter, FieldFilter, SourceStampFilter};
    use crate::config::{CHANGE, Condition, Pattern, VALUE};
    use crate::model::{NewChange, SourceStamp};
    use serde_json::json;

    fn objection(branch: FieldFilter, change_branch: Option<&str>) -> String {
        let filter = ChangeFilter { branch, ..ChangeFilter::default() };
        let change = NewChange { branch: change_branch.map(str::to_owned), ..NewChange::default() };
        filter.objection(&change).unwrap_or_default()
    }

    #[test]
    fn a_filter_says_why_it_refuses() {
        let main = || FieldFilter { is: Some(vec![Some("main".to_owned())]), ..FieldFilter::default() };
        assert_eq!(objection(main(), Some("main")), "");
        assert_eq!(objection(main(), Some("x")), "branch 'x' is not 'main'");
        assert_eq!(objection(main(), None), "branch (none) is not 'main'");

        let default = || FieldFilter { is: Some(vec![None]), ..FieldFilter::default() };
        assert_eq!(objection(default(), None), "");
        assert_eq!(objection(default(), Some("")), "branch '' is not (none)");
        assert_eq!(objection(FieldFilter::default(), None), "");

        let release = || vec![Pattern::new("release/").unwrap()];
        let matches = || FieldFilter { matches: release(), ..FieldFilter::default() };
        assert_eq!(objection(matches(), Some("release/1")), "");
        assert_eq!(
            objection(matches(), Some("a/release/1")),
            "branch 'a/release/1' does not match /release//"
        );
        assert_eq!(objection(matches(), None), "branch (none) does not match /release//");

        let unlike = || FieldFilter { matches_not: release(), ..FieldFilter::default() };
        assert_eq!(objection(unlike(), Some("release/1")), "branch 'release/1' matches /release//");
        assert_eq!(objection(unlike(), None), "");

        let not = || FieldFilter { is_not: vec![None], ..FieldFilter::default() };
        assert_eq!(objection(not(), None), "branch (none) is excluded");
    }

    #[test]
    fn all_of_several_conditions_must_hold_and_any_of_a_list() {
        let patterns =
            |sources: &[&str]| sources.iter().map(|source| Pattern::new(source).unwrap()).collect();
        let filter = || FieldFilter {
            matches: patterns(&["a", "b"]),
            matches_not: patterns(&[".*x", ".*y"]),
            ..FieldFilter::default()
        };
        assert_eq!(objection(filter(), Some("b1")), "");
        assert_eq!(objection(filter(), Some("c")), "branch 'c' does not match /a/ or /b/");
        assert_eq!(objection(filter(), Some("a-y")), "branch 'a-y' matches /.*y/");
    }

    #[test]
    fn a_condition_is_asked_of_a_field_or_of_the_whole() {
        let condition = |source: &str| Some(Condition::new(source, VALUE).unwrap());
        let short = || FieldFilter {
            condition: condition("value is none or value | length < 3"),
            ..FieldFilter::default()
        };
        assert_eq!(objection(short(), Some("ab")), "");
        assert_eq!(objection(short(), None), "");
        assert_eq!(
            objection(short(), Some("abc")),
            "branch 'abc': not `value is none or value | length < 3`"
        );
        let sum = FieldFilter { condition: condition("value + 1"), ..FieldFilter::default() };
        assert!(objection(sum, Some("a")).starts_with("branch 'a': `value + 1` cannot be answered: "));

        let whole = |source: &str| ChangeFilter {
            condition: Some(Condition::new(source, CHANGE).unwrap()),
            ..ChangeFilter::default()
        };
        let mut change = NewChange { author: "ada".to_owned(), ..NewChange::default() };
        change.properties.set("event", "push", "Change");
        assert_eq!(whole("author == 'ada' and property('event') == 'push'").objection(&change), None);
        assert_eq!(whole("author == 'bob'").objection(&change).unwrap(), "the filter: not `author == 'bob'`");
    }

    #[test]
    fn a_property_may_be_absent_null_or_no_text() {
        let refuses = |filter: FieldFilter, value: Option<serde_json::Value>| {
            let mut change = NewChange::default();
            if let Some(value) = value {
                change.properties.set("event", value, "Change");
            }
            let filter =
                ChangeFilter { properties: [("event".to_owned(), filter)].into(), ..ChangeFilter::default() };
            filter.objection(&change)
        };
        let is = |value: Option<&str>| FieldFilter::is(vec![value.map(str::to_owned)]);
        assert_eq!(refuses(is(None), None), None);
        assert_eq!(refuses(is(None), Some(json!(null))), None);
        assert_eq!(refuses(is(None), Some(json!(""))).unwrap(), "property event '' is not (none)");
        assert_eq!(refuses(is(Some("push")), None).unwrap(), "property event (none) is not 'push'");
        assert_eq!(refuses(is(Some("7")), Some(json!(7))), None);
        assert_eq!(refuses(is(Some("[1]")), Some(json!([1]))), None);
    }

    #[test]
    fn stamps_are_filtered_in_the_same_way() {
        let filter = SourceStampFilter {
            branch: FieldFilter::is(vec![Some("main".to_owned())]),
            ..SourceStampFilter::default()
        };
        assert!(filter.is_match(&SourceStamp { branch: Some("main".to_owned()), ..SourceStamp::default() }));
        assert!(!filter.is_match(&SourceStamp::default()));
        assert!(SourceStampFilter::default().is_match(&SourceStamp::default()));
    }
}
