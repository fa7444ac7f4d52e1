//! The environment of a command: the agent's own, changed by what the master asks for (`worker-api.md` §9).

use crate::pb::{Failure, Value};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// Environment variables by name.
pub type Environment = BTreeMap<OsString, OsString>;

const PATH_SEPARATOR: u8 = b':';

/// The environment for a command in `workdir`.
///
/// # Errors
/// A value is neither a string, a list of strings, nor None: the command ends with this `RuntimeError`.
pub fn for_command(
    own: &Environment,
    wanted: Option<&Value>,
    workdir: &Path,
) -> Result<Environment, Failure> {
    let mut environment = own.clone();
    for (name, value) in wanted.and_then(Value::as_dict).unwrap_or_default() {
        let name = variable_name(name)?;
        let Some(value) = variable_value(name, value)? else {
            environment.remove(name);
            continue;
        };
        let mut value = expand(&value, own);
        if name == "PYTHONPATH" {
            value.push(PATH_SEPARATOR);
            value.extend_from_slice(own.get(name).map_or(b"", |own| own.as_bytes()));
        }
        if value.contains(&0) {
            return Err(Failure::runtime_error(format!(
                "environment variable {} contains NUL",
                name.display()
            )));
        }
        environment.insert(name.to_owned(), OsString::from_vec(value));
    }
    environment.insert("PWD".into(), workdir.into());
    Ok(environment)
}

fn variable_name(name: &Value) -> Result<&OsStr, Failure> {
    let bytes =
        name.as_bytes().filter(|bytes| !bytes.is_empty() && !bytes.contains(&b'=') && !bytes.contains(&0));
    match bytes {
        Some(bytes) => Ok(OsStr::from_bytes(bytes)),
        None => Err(Failure::runtime_error(format!("{name:?} can't be the name of an environment variable"))),
    }
}

/// The bytes asked for; None where the variable is to be removed.
fn variable_value(name: &OsStr, value: &Value) -> Result<Option<Vec<u8>>, Failure> {
    let refusal = || {
        let name = name.display();
        Failure::runtime_error(format!("'env' values must be strings or lists; key '{name}' is incorrect"))
    };
    match value {
        Value::None => Ok(None),
        Value::List(items) | Value::Tuple(items) => {
            let parts: Option<Vec<&[u8]>> =
                items.iter().map(|item| item.as_bytes().map(|bytes| bytes.as_ref())).collect();
            Ok(Some(parts.ok_or_else(refusal)?.join(&PATH_SEPARATOR)))
        }
        other => Ok(Some(other.as_bytes().ok_or_else(refusal)?.to_vec())),
    }
}

/// Puts the agent's own variables in place of `${NAME}`; an unknown one is empty.
fn expand(value: &[u8], own: &Environment) -> Vec<u8> {
    let mut expanded = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"${") {
        let inside = &rest[at + 2..];
        let length = inside.iter().position(|&b| !(b.is_ascii_alphanumeric() || b == b'_'));
        match length {
            Some(length) if inside[length] == b'}' => {
                expanded.extend_from_slice(&rest[..at]);
                if let Some(known) = own.get(OsStr::from_bytes(&inside[..length])) {
                    expanded.extend_from_slice(known.as_bytes());
                }
                rest = &inside[length + 1..];
            }
            _ => {
                expanded.extend_from_slice(&rest[..at + 2]);
                rest = inside;
            }
        }
    }
    expanded.extend_from_slice(rest);
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Environment {
        [("HOME", "/home/w"), ("PATH", "/usr/bin:/bin"), ("PWD", "/old")]
            .map(|(name, value)| (name.into(), value.into()))
            .into()
    }

    fn made(wanted: impl Into<Value>, own: &Environment) -> String {
        let wanted = wanted.into();
        match for_command(own, Some(&wanted), Path::new("/b")) {
            Ok(made) => made.iter().map(|(n, v)| format!("{}={} ", n.display(), v.display())).collect(),
            Err(failure) => failure.to_string(),
        }
    }

    #[test]
    fn strings_lists_none_and_the_own_variables() {
        let check = |wanted: Value, expected: &str| assert_eq!(made(wanted, &own()), expected);
        check(Value::None, "HOME=/home/w PATH=/usr/bin:/bin PWD=/b ");
        check(Value::dict([("HOME", Value::None)]), "PATH=/usr/bin:/bin PWD=/b ");
        check(
            Value::dict([("A", "${HOME}/x${NOT_SET}y${a-b}$${"), ("PATH", "/opt:${PATH}")]),
            "A=/home/w/xy${a-b}$${ HOME=/home/w PATH=/opt:/usr/bin:/bin PWD=/b ",
        );
        check(
            Value::dict([("L", Value::list(["a", "b"])), ("HOME", Value::None), ("PATH", Value::None)]),
            "L=a:b PWD=/b ",
        );
    }

    #[test]
    fn pythonpath_keeps_the_own_one_behind() {
        let mut own = own();
        own.clear();
        assert_eq!(
            made(Value::dict([("PYTHONPATH", Value::list(["a", "b"]))]), &own),
            "PWD=/b PYTHONPATH=a:b: "
        );
        own.insert("PYTHONPATH".into(), "/mine".into());
        assert_eq!(made(Value::dict([("PYTHONPATH", "a")]), &own), "PWD=/b PYTHONPATH=a:/mine ");
        assert_eq!(made(Value::None, &own), "PWD=/b PYTHONPATH=/mine ");
    }

    #[test]
    fn other_values_are_refused() {
        let refused = made(Value::dict([("N", 3)]), &own());
        assert_eq!(
            refused,
            "builtins.RuntimeError: 'env' values must be strings or lists; key 'N' is incorrect"
        );
        assert!(made(Value::dict([("A=B", "c")]), &own()).starts_with("builtins.RuntimeError"));
        assert!(made(Value::dict([("A", "c\0d")]), &own()).starts_with("builtins.RuntimeError"));
    }
}
