//! `change_filter`: which changes a scheduler looks at.

use crate::config::Pattern;
use crate::model::NewChange;
use serde::Serialize;

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
}

impl ChangeFilter {
    /// Why this change is not looked at; `None` if it is.
    pub fn objection(&self, change: &NewChange) -> Option<String> {
        [
            ("branch", &self.branch, change.branch.as_deref()),
            ("project", &self.project, Some(change.project.as_str())),
            ("repository", &self.repository, Some(change.repository.as_str())),
            ("category", &self.category, change.category.as_deref()),
            ("codebase", &self.codebase, Some(change.codebase.as_str())),
        ]
        .into_iter()
        .find_map(|(name, filter, value)| filter.objection(name, value))
    }
}

/// What one field of a change must be; nothing given accepts anything. Within one list any entry will do;
/// of `is_not` and `matches_not`, any entry that holds refuses (`N-CF-05`).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FieldFilter {
    /// One of these; `None` in it is the default branch, or no category.
    pub is: Option<Vec<Option<String>>>,
    /// None of these.
    pub is_not: Vec<Option<String>>,
    /// Like one of these, if there is any.
    pub matches: Vec<Pattern>,
    /// Like none of these.
    pub matches_not: Vec<Pattern>,
}

impl FieldFilter {
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
        let refusing = self.matches_not.iter().find(|pattern| like(pattern))?;
        Some(format!("{name} {found} matches /{}/", refusing.as_str()))
    }
}

/// A value for people.
fn quoted(value: Option<&str>) -> String {
    value.map_or_else(|| "(none)".to_owned(), |value| format!("'{value}'"))
}

#[cfg(test)]
mod tests {
    use super::{ChangeFilter, FieldFilter};
    use crate::config::Pattern;
    use crate::model::NewChange;

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
}
