//! Failures: exceptions of either side as they travel (`pb.md` §7).

use super::limits::{FAILURE_PARENTS_MAX, FAILURE_TEXT_BYTES_MAX};
use super::value::Value;
use std::fmt;

/// The one class passed by copy.
pub(crate) const FAILURE_CLASS: &str = "twisted.spread.pb.CopyableFailure";
const NO_TRACEBACK: &str = "Traceback unavailable\n";
const UNAUTHORIZED_LOGIN: &str = "twisted.cred.error.UnauthorizedLogin";
const NO_SUCH_METHOD: &str = "twisted.spread.flavors.NoSuchMethod";
const CONNECTION_LOST: &str = "twisted.spread.pb.PBConnectionLost";

/// An exception that a call ended with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Full Python name of the exception's class.
    pub class: String,
    /// Its message.
    pub value: String,
    /// Full names of the class and all its bases, built-in ones in both spellings when we are the sender.
    pub parents: Vec<String>,
    /// Traceback text, or the fixed text that there is none.
    pub traceback: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class, self.value)
    }
}

impl std::error::Error for Failure {}

/// The bases of a built-in exception that are not in every one's list.
fn bases_of_builtin(name: &str) -> &'static [&'static str] {
    match name {
        "KeyError" | "IndexError" => &["LookupError"],
        "UnicodeDecodeError" => &["UnicodeError", "ValueError"],
        "NotImplementedError" => &["RuntimeError"],
        _ => &[],
    }
}

/// Both spellings of a built-in class and of all its bases: Python 2 and 3 each look for their own.
fn builtin_parents(name: &str) -> impl Iterator<Item = String> {
    let bases = bases_of_builtin(name).iter().copied();
    let own = std::iter::once(name).chain(bases).map(str::to_owned).collect::<Vec<_>>();
    let spelled = own.into_iter().flat_map(|n| [format!("exceptions.{n}"), format!("builtins.{n}")]);
    spelled.chain(
        [
            "exceptions.StandardError",
            "exceptions.Exception",
            "builtins.Exception",
            "exceptions.BaseException",
            "builtins.BaseException",
            "builtins.object",
        ]
        .map(str::to_owned),
    )
}

/// Name of a class without the module of built-in exceptions, which differs between Pythons.
fn without_builtin_module(class: &str) -> &str {
    class.strip_prefix("exceptions.").or_else(|| class.strip_prefix("builtins.")).unwrap_or(class)
}

/// Text cut to what may be sent, at the end of a character.
fn sendable(text: &str) -> Value {
    let mut end = text.len().min(FAILURE_TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Value::from(&text[..end])
}

impl Failure {
    /// A built-in exception, such as `ValueError`.
    pub fn builtin(name: &str, value: impl Into<String>) -> Failure {
        Failure {
            class: format!("builtins.{name}"),
            value: value.into(),
            parents: builtin_parents(name).collect(),
            traceback: NO_TRACEBACK.to_owned(),
        }
    }

    /// An exception of a library, such as `twisted.spread.pb.Error`, with its bases up to a built-in one.
    pub fn derived(class: &str, bases: &[&str], builtin_base: &str, value: impl Into<String>) -> Failure {
        let own = std::iter::once(class).chain(bases.iter().copied()).map(str::to_owned);
        Failure {
            class: class.to_owned(),
            value: value.into(),
            parents: own.chain(builtin_parents(builtin_base)).collect(),
            traceback: NO_TRACEBACK.to_owned(),
        }
    }

    /// `pb.Error`: what a Referenceable raises on purpose.
    pub fn pb_error(value: impl Into<String>) -> Failure {
        Failure::derived("twisted.spread.pb.Error", &[], "Exception", value)
    }

    /// The object called is not, or no longer, known.
    pub fn invalid_object_id() -> Failure {
        Failure::pb_error("Invalid Object ID")
    }

    /// An object (not an avatar) has no such method.
    pub fn no_such_method(method: &str) -> Failure {
        Failure::derived(NO_SUCH_METHOD, &[], "AttributeError", format!("No such method: remote_{method}"))
    }

    /// An avatar of class `avatar` has no such method.
    pub fn no_such_perspective_method(avatar: &str, method: &str) -> Failure {
        Failure::attribute_error(format!("{avatar} instance has no attribute 'perspective_{method}'"))
    }

    /// Unknown user or wrong password: the one error of a login that lets workers try again (`pb.md` §8).
    pub fn unauthorized_login() -> Failure {
        let bases = ["twisted.cred.error.LoginFailed", "twisted.cred.error.Unauthorized"];
        Failure::derived(UNAUTHORIZED_LOGIN, &bases, "Exception", "")
    }

    /// Logging in without a name is never allowed.
    pub fn anonymous_login() -> Failure {
        let bases = ["twisted.cred.error.LoginFailed"];
        let value = "No checker for twisted.cred.credentials.IAnonymous";
        Failure::derived("twisted.cred.error.UnhandledCredentials", &bases, "Exception", value)
    }

    /// Local only: the connection ended before the answer came.
    pub fn connection_lost() -> Failure {
        let bases = ["twisted.spread.pb.Error"];
        Failure::derived(CONNECTION_LOST, &bases, "Exception", "connection lost")
    }

    /// A class or an object that may not be sent to us.
    pub fn insecure_jelly(value: impl Into<String>) -> Failure {
        Failure::derived("twisted.spread.jelly.InsecureJelly", &[], "Exception", value)
    }

    /// `AttributeError`.
    pub fn attribute_error(value: impl Into<String>) -> Failure {
        Failure::builtin("AttributeError", value)
    }

    /// `TypeError`: wrong arguments.
    pub fn type_error(value: impl Into<String>) -> Failure {
        Failure::builtin("TypeError", value)
    }

    /// `ValueError`.
    pub fn value_error(value: impl Into<String>) -> Failure {
        Failure::builtin("ValueError", value)
    }

    /// `KeyError`.
    pub fn key_error(value: impl Into<String>) -> Failure {
        Failure::builtin("KeyError", value)
    }

    /// `RuntimeError`.
    pub fn runtime_error(value: impl Into<String>) -> Failure {
        Failure::builtin("RuntimeError", value)
    }

    /// Is it of that class or derived from it? Either spelling of a built-in one matches both.
    pub fn is_a(&self, class: &str) -> bool {
        let wanted = without_builtin_module(class);
        let mut names = std::iter::once(&self.class).chain(&self.parents);
        names.any(|name| without_builtin_module(name) == wanted)
    }

    /// The peer's object has no such method: how old workers answer newer calls.
    pub fn is_no_such_method(&self) -> bool {
        self.is_a(NO_SUCH_METHOD)
    }

    /// A wrong name or password.
    pub fn is_unauthorized_login(&self) -> bool {
        self.is_a(UNAUTHORIZED_LOGIN)
    }

    /// The connection ended first.
    pub fn is_connection_lost(&self) -> bool {
        self.is_a(CONNECTION_LOST)
    }

    /// The shape that every real peer understands. The session writes all its text as text, whatever the peer's habit.
    pub fn to_value(&self) -> Value {
        let state = Value::dict([
            ("type", Value::bytes(self.class.clone())),
            ("value", sendable(&self.value)),
            ("parents", Value::list(self.parents.iter().map(String::as_str))),
            ("traceback", sendable(&self.traceback)),
            ("tb", Value::None),
            ("frames", Value::List(Vec::new())),
            ("stack", Value::List(Vec::new())),
            ("count", Value::Int(1)),
            ("captureVars", Value::Bool(false)),
            ("unsafeTracebacks", Value::Bool(false)),
        ]);
        Value::Copy { class: FAILURE_CLASS.into(), state: Box::new(state) }
    }

    /// Reads what a peer sent as an error or gave to `complete`: raw or text keys, missing and extra ones.
    /// Anything that is no failure becomes a `pb.Error` with its text.
    pub fn from_value(value: &Value) -> Failure {
        let Value::Copy { state, .. } = value else {
            let text = value.to_str_lossy().unwrap_or("an error without a failure".into());
            return Failure::pb_error(text);
        };
        let text = |key| state.get(key).and_then(Value::to_str_lossy).map(|text| text.into_owned());
        let parents = state.get("parents").and_then(Value::as_items).unwrap_or_default();
        Failure {
            class: text("type").unwrap_or_else(|| "builtins.Exception".to_owned()),
            value: text("value").unwrap_or_default(),
            parents: parents
                .iter()
                .take(FAILURE_PARENTS_MAX)
                .filter_map(Value::to_str_lossy)
                .map(|name| name.into_owned())
                .collect(),
            traceback: text("traceback").unwrap_or_else(|| NO_TRACEBACK.to_owned()),
        }
    }
}

impl From<&Failure> for Value {
    fn from(failure: &Failure) -> Value {
        failure.to_value()
    }
}
