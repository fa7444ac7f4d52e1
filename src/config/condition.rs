//! Conditions: expressions of the template language that are asked at run time.

use minijinja::{Environment, Expression, UndefinedBehavior, Value};
use serde::{Serialize, Serializer};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, LazyLock};

/// Where all expressions live. Text has Python's methods (`path.startswith('docs/')`), as Buildbot's users
/// expect; a name that nobody set is an error, not a quiet `false`.
pub(super) static LANGUAGE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment
});

/// The names that conditions about a step know: `property` is a function of a property's name and perhaps a
/// default, `results` the word for how the build goes so far, the rest are of the build and its source stamp.
const STEP_NAMES: [&str; 12] = [
    "branch",
    "builder",
    "codebase",
    "files",
    "number",
    "project",
    "property",
    "reason",
    "repository",
    "results",
    "revision",
    "worker",
];

/// The names that `do_step_if` knows (`ST-04`).
pub const DO_STEP_IF: &[&str] = &STEP_NAMES;

/// The names that `hide_step_if` knows: the step's own `result`, as a word, beside the others (`ST-05`).
pub const HIDE_STEP_IF: &[&str] = &{
    let mut names = ["result"; 13];
    let mut at = 0;
    while at < STEP_NAMES.len() {
        names[at] = STEP_NAMES[at];
        at += 1;
    }
    names
};

/// The names that `collapse_requests` knows: the two requests, and the builder's name (`MG-03`).
pub const COLLAPSE_REQUESTS: &[&str] = &["builder", "newer", "older"];

/// The names that are known of a request that waits, and of a worker that is free for it: `info` is a function of what
/// a worker told of itself and perhaps a default, `running` how many builds it runs (`N-BD-06`).
pub const CAN_START_BUILD: &[&str] = &[
    "info",
    "running",
    "worker",
    "branch",
    "builder",
    "codebase",
    "has_changes",
    "priority",
    "project",
    "property",
    "reason",
    "repository",
    "revision",
    "scheduler",
];

/// The names that are known of a request that waits (`N-BD-05`).
pub const NEXT_BUILD: &[&str] = CAN_START_BUILD.split_at(3).1;

/// The names that `file_is_important` knows: `path` is the file, `property` a function as above, the rest are
/// of the change (`SC-02`).
pub const FILE_IS_IMPORTANT: &[&str] = &[
    "path",
    "author",
    "branch",
    "category",
    "codebase",
    "comments",
    "committer",
    "files",
    "project",
    "property",
    "repository",
    "revision",
];

/// The names that conditions on a whole change know.
pub const CHANGE: &[&str] = FILE_IS_IMPORTANT.split_at(1).1;

/// The names that expressions on a source stamp know.
pub const STAMP: &[&str] = &["branch", "codebase", "project", "repository"];

/// The name that conditions on one field know.
pub const VALUE: &[&str] = &["value"];

/// A condition such as `branch == 'main' and not path.startswith('docs/')`, compiled when it was loaded.
#[derive(Clone)]
pub struct Condition {
    source: String,
    names: BTreeSet<String>,
    expression: Arc<Expression<'static, 'static>>,
}

impl Condition {
    /// Compiles it. Only `names` may stand free in it.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn new(source: &str, names: &[&str]) -> Result<Condition, String> {
        let expression =
            LANGUAGE.compile_expression_owned(source.to_owned()).map_err(|error| one_line(&error))?;
        let used: BTreeSet<String> = expression.undeclared_variables(false).into_iter().collect();
        let global = |name: &str| LANGUAGE.globals().any(|(global, _)| global == name);
        if let Some(unknown) = used.iter().find(|name| !names.contains(&name.as_str()) && !global(name)) {
            return Err(format!("{unknown:?} is not known here; known: {}", names.join(", ")));
        }
        Ok(Condition { source: source.to_owned(), names: used, expression: Arc::new(expression) })
    }

    /// Asks it. The context is a map with a value for each name that it may use: `minijinja::context!`.
    ///
    /// # Errors
    /// What went wrong, in one line: a type that does not fit, a name without a value.
    pub fn eval(&self, context: &Value) -> Result<bool, String> {
        self.value(context).map(|value| value.is_true())
    }

    /// Asks it of each of these files as `path`, if it uses that: one is enough, and if there is none it holds, since
    /// it is better to build once too often. Else asks it once.
    ///
    /// # Errors
    /// As above.
    pub fn eval_of_files(&self, context: &Value, files: &[String]) -> Result<bool, String> {
        let ask = |path: &str| self.eval(&minijinja::context! { path, ..context.clone() });
        if !self.uses("path") {
            return ask("");
        }
        for path in files {
            if ask(path)? {
                return Ok(true);
            }
        }
        Ok(files.is_empty())
    }

    fn value(&self, context: &Value) -> Result<Value, String> {
        let value = self.expression.eval(context).map_err(|error| one_line(&error))?;
        if value.is_undefined() { Err("it has no value".to_owned()) } else { Ok(value) }
    }

    /// Whether this name stands free in it.
    pub fn uses(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

/// An expression of which more than the truth counts: a number, or a text.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Formula(Condition);

impl Formula {
    /// Compiles it. Only `names` may stand free in it.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn new(source: &str, names: &[&str]) -> Result<Formula, String> {
        Condition::new(source, names).map(Formula)
    }

    /// Asks for a whole number.
    ///
    /// # Errors
    /// What went wrong, in one line.
    pub fn number(&self, context: &Value) -> Result<i64, String> {
        let value = self.0.value(context)?;
        i64::try_from(value.clone()).map_err(|_| format!("it is {value}, not a whole number"))
    }

    /// Asks for a text.
    ///
    /// # Errors
    /// What went wrong, in one line.
    pub fn text(&self, context: &Value) -> Result<String, String> {
        let value = self.0.value(context)?;
        value.as_str().map(str::to_owned).ok_or_else(|| format!("it is {value}, not a text"))
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// The error without the place inside the expression, which is one line anyway.
pub(super) fn one_line(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => detail.to_owned(),
        None => error.kind().to_string(),
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Condition) -> bool {
        self.source == other.source
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::Condition;
    use minijinja::{Value, context};

    const NAMES: &[&str] = &["branch", "files", "path", "property"];

    fn ask(source: &str) -> Result<bool, String> {
        let property = Value::from_function(|name: &str| if name == "os" { "debian" } else { "" });
        Condition::new(source, NAMES)?.eval(&context! {
            branch => "main",
            files => ["docs/index.md", "src/lib.rs"],
            path => "docs/index.md",
            property,
        })
    }

    #[test]
    fn conditions_are_answered() {
        assert_eq!(ask("branch == 'main' and 'docs/' not in files"), Ok(true));
        assert_eq!(ask("not path.startswith('docs/')"), Ok(false));
        assert_eq!(ask("property('os') != 'debian'"), Ok(false));
        assert_eq!(ask("property('none')"), Ok(false));
    }

    #[test]
    fn wrong_conditions_are_told_when_they_are_made() {
        assert_eq!(ask("branch = 'main'").unwrap_err(), "unexpected input after expression");
        assert_eq!(
            ask("brnch == 'main'").unwrap_err(),
            "\"brnch\" is not known here; known: branch, files, path, property"
        );
    }

    #[test]
    fn errors_at_run_time_are_told() {
        assert_eq!(
            ask("branch + 1").unwrap_err(),
            "tried to use + operator on unsupported types string and number"
        );
        assert!(Condition::new("branch", NAMES).unwrap().eval(&context! {}).is_err());
    }
}
