//! What the user of a command-line user manager may call: `commandline` (`clients.md` §7, `US-05`). Pure.

use crate::model::User;
use crate::pb::{Call, Failure, Value};
use std::fmt::Write;

/// The name of the original's class, in what is said of calls that it does not know.
const AVATAR: &str = "CommandlineUserManagerPerspective";

/// What `buildbot user` wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make these, each with what is known of it.
    Add(Vec<Person>),
    /// Forget those with these identifiers.
    Remove(Vec<String>),
    /// Note what is known of these; with a login and the old hash of its password, let them log in.
    Update {
        /// Whom, and what.
        people: Vec<Person>,
        /// As what, and with what.
        login: Option<(String, String)>,
    },
    /// Tell of those with these identifiers.
    Get(Vec<String>),
}

/// A person as the tool tells of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The identifier.
    pub identifier: String,
    /// What is known, by type.
    pub info: Vec<(String, String)>,
}

/// Reads a call.
///
/// # Errors
/// What the caller is told.
pub fn read(call: &Call) -> Result<Command, Failure> {
    if call.method != "commandline" {
        return Err(Failure::no_such_perspective_method(AVATAR, &call.method));
    }
    let arg = |position, name| call.arg(position, name).filter(|value| !value.is_none());
    let text = |position, name| {
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| wrong(name, "text"));
        arg(position, name).map(text).transpose()
    };
    let identifiers = || {
        let items = arg(3, "ids").and_then(Value::as_items).ok_or_else(|| wrong("ids", "a list"))?;
        let texts = items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<_>>();
        texts.ok_or_else(|| wrong("ids", "a list of text"))
    };
    let people = || {
        let items = arg(4, "info").and_then(Value::as_items).ok_or_else(|| wrong("info", "a list"))?;
        items.iter().map(person).collect::<Result<Vec<_>, _>>()
    };
    match text(0, "op")?.as_deref() {
        Some("add") => Ok(Command::Add(people()?)),
        Some("remove") => Ok(Command::Remove(identifiers()?)),
        Some("update") => {
            let login = text(1, "bb_username")?.zip(text(2, "bb_password")?);
            Ok(Command::Update { people: people()?, login })
        }
        Some("get") => Ok(Command::Get(identifiers()?)),
        _ => Err(wrong("op", "add, remove, update or get")),
    }
}

fn person(value: &Value) -> Result<Person, Failure> {
    let pairs = value.as_dict().ok_or_else(|| wrong("info", "dictionaries"))?;
    let mut person = Person { identifier: String::new(), info: Vec::new() };
    for (kind, data) in pairs {
        let texts = kind.as_str().zip(data.as_str());
        let (kind, data) = texts.ok_or_else(|| wrong("info", "dictionaries of text"))?;
        match kind {
            "identifier" => data.clone_into(&mut person.identifier),
            _ => person.info.push((kind.to_owned(), data.to_owned())),
        }
    }
    if person.identifier.is_empty() { Err(wrong("info", "an identifier")) } else { Ok(person) }
}

fn wrong(argument: &str, wanted: &str) -> Failure {
    Failure::type_error(format!("commandline() wants {wanted} as '{argument}'"))
}

/// What the tool prints of users that were made, each with its id.
pub fn added(people: &[(Person, i64)]) -> String {
    let mut text = "user(s) added:\n".to_owned();
    for (person, id) in people {
        let line = format!("identifier: {}\n", person.identifier);
        let further = line.repeat(person.info.len().saturating_sub(1));
        text += &format!("{line}uid: {id}\n\n{further}");
    }
    text
}

/// What the tool prints of users that were forgotten.
pub fn removed(identifiers: &[String]) -> String {
    lines("user(s) removed:\n", identifiers.iter().map(|identifier| (identifier.as_str(), 1)))
}

/// What the tool prints of users that were updated.
pub fn updated(people: &[Person]) -> String {
    let each = people.iter().map(|person| (person.identifier.as_str(), person.info.len().max(1)));
    lines("user(s) updated:\n", each)
}

fn lines<'a>(head: &str, each: impl Iterator<Item = (&'a str, usize)>) -> String {
    let line = |(identifier, times): (&str, usize)| format!("identifier: {identifier}\n").repeat(times);
    head.to_owned() + &each.map(line).collect::<String>()
}

/// What the tool prints of users that were asked for, `None` where there is none.
pub fn found(users: &[Option<User>]) -> String {
    let mut text = "user(s) found:\n".to_owned();
    for user in users {
        let Some(user) = user else {
            text += "no match found\n";
            continue;
        };
        let login = user.login.as_deref().unwrap_or("None");
        let known = [("uid", user.id.to_string()), ("identifier", user.identifier.clone())];
        let known = known.into_iter().chain([("bb_username", login.to_owned())]);
        let info = user.info.iter().map(|(kind, data)| (kind.as_str(), data.clone()));
        for (key, value) in known.chain(info) {
            writeln!(text, "{key}: {value}").expect("a String takes all");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Person, added, found, removed, updated};
    use crate::model::{User, UserId};

    fn person(kinds: &[&str]) -> Person {
        let info = kinds.iter().map(|kind| ((*kind).to_owned(), format!("of {kind}"))).collect();
        Person { identifier: "u1".into(), info }
    }

    /// The texts that the real master has for the same.
    #[test]
    fn the_tool_prints_what_it_always_did() {
        assert_eq!(
            added(&[(person(&["git", "email"]), 2)]),
            "user(s) added:\nidentifier: u1\nuid: 2\n\nidentifier: u1\n"
        );
        assert_eq!(updated(&[person(&[])]), "user(s) updated:\nidentifier: u1\n");
        assert_eq!(removed(&["u1".into()]), "user(s) removed:\nidentifier: u1\n");
        let info = [("email".to_owned(), "u1@x.org".to_owned())].into();
        let user = User { id: UserId(2), identifier: "u1".into(), login: None, info };
        assert_eq!(
            found(&[Some(user), None]),
            "user(s) found:\nuid: 2\nidentifier: u1\nbb_username: None\nemail: u1@x.org\n\nno match found\n"
        );
    }
}
