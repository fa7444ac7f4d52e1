//! The small values: text, numbers, durations, lists, properties.

use super::Read;
use crate::config::findings::{Findings, nearest};
use crate::config::yaml::{Node, Place, Value};
use crate::config::{Condition, Glob, Pattern, Search, Template, duration};
use crate::model::Properties;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// A value together with its place.
#[derive(Clone, Debug)]
pub(in crate::config) struct Spanned<T> {
    pub(in crate::config) value: T,
    pub(in crate::config) at: Place,
}

/// One value, or a list of them.
pub(in crate::config) struct OneOrMany<T>(pub(in crate::config) Vec<T>);

/// Text, or a whole number as its text: arguments and environment variables.
pub(in crate::config) struct Loose<T>(pub(in crate::config) T);

/// A number of bytes: `64KiB`, `10MiB`, `4GiB`, or plain bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) struct Size(pub(in crate::config) u64);

/// The permissions of a file, as octal digits in quotes: `"0644"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) struct Mode(pub(in crate::config) u32);

/// Complains that this node is not what is wanted.
fn unfit<T>(node: &Node, wanted: &str, hint: &str, findings: &mut Findings) -> Option<T> {
    let found = match &node.value {
        Value::Text(text) if text.len() <= 40 => format!("{text:?}"),
        Value::Bool(value) => format!("`{value}`"),
        Value::Int(value) => format!("`{value}`"),
        Value::Float(value) => format!("`{value}`"),
        _ => node.kind().to_owned(),
    };
    findings.complain(node.at, format!("it must be {wanted}, not {found}"), hint);
    None
}

/// Takes a complaint's text apart from the value.
fn told<T>(result: Result<T, String>, node: &Node, what: &str, findings: &mut Findings) -> Option<T> {
    result.map_err(|why| findings.complain(node.at, format!("{what}: {why}"), "")).ok()
}

impl<T: Read> Read for Spanned<T> {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        T::read(node, findings).map(|value| Spanned { value, at: node.at })
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        match &node.value {
            Value::List(nodes) => Some(nodes.iter().filter_map(|node| T::read(node, findings)).collect()),
            Value::Null => Some(Vec::new()),
            _ => unfit(node, "a list", "", findings),
        }
    }
}

impl<T: Read> Read for OneOrMany<T> {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        match &node.value {
            Value::List(_) | Value::Null => Vec::read(node, findings).map(OneOrMany),
            _ => T::read(node, findings).map(|one| OneOrMany(vec![one])),
        }
    }
}

/// A mapping with any keys.
impl<T: Read> Read for BTreeMap<String, T> {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        match &node.value {
            Value::Map(entries) => {
                let read = |entry: &crate::config::yaml::Entry, findings: &mut Findings| {
                    Some((entry.key.clone(), T::read(&entry.node, findings)?))
                };
                Some(entries.iter().filter_map(|entry| read(entry, findings)).collect())
            }
            Value::Null => Some(BTreeMap::new()),
            _ => unfit(node, "a mapping", "", findings),
        }
    }
}

/// Null, or a value.
impl<T: Read> Read for Option<T> {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        match node.value {
            Value::Null => Some(None),
            _ => T::read(node, findings).map(Some),
        }
    }
}

impl Read for String {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        match &node.value {
            Value::Text(text) => Some(text.clone()),
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
                unfit(node, "text", "put it in quotes", findings)
            }
            _ => unfit(node, "text", "", findings),
        }
    }
}

impl Read for Loose<String> {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        match &node.value {
            Value::Int(number) => Some(Loose(number.to_string())),
            _ => String::read(node, findings).map(Loose),
        }
    }
}

impl Read for bool {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        match node.value {
            Value::Bool(value) => Some(value),
            _ => unfit(node, "true or false", "", findings),
        }
    }
}

impl Read for i64 {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        match node.value {
            Value::Int(value) => Some(value),
            _ => unfit(node, "a whole number", "", findings),
        }
    }
}

macro_rules! unsigned {
    ($($type:ty),+) => {$(
        impl Read for $type {
            fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
                let number = i64::read(node, findings)?;
                <$type>::try_from(number).ok().or_else(|| {
                    let wanted = if number < 0 { "zero or more" } else { "a smaller number" };
                    unfit(node, wanted, "", findings)
                })
            }
        }
    )+};
}
unsigned!(u16, u32, u64, usize);

impl Read for Duration {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let read = match &node.value {
            Value::Int(seconds) => u64::try_from(*seconds).ok().map(Duration::from_secs),
            Value::Float(seconds) => Duration::try_from_secs_f64(*seconds).ok(),
            Value::Text(text) => duration::parse(text),
            _ => None,
        };
        read.or_else(|| unfit(node, "a duration", "write `90s`, `10m`, `1h30m`, or plain seconds", findings))
    }
}

impl Read for Size {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let read = match &node.value {
            Value::Int(bytes) => u64::try_from(*bytes).ok(),
            Value::Text(text) => bytes(text),
            _ => None,
        };
        read.map(Size)
            .or_else(|| unfit(node, "a size", "write `64KiB`, `10MiB`, `4GiB`, or plain bytes", findings))
    }
}

/// A number of bytes with its unit.
fn bytes(text: &str) -> Option<u64> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40), ("B", 0), ("", 0)];
    let (count, shift) =
        units.iter().find_map(|(unit, shift)| Some((text.trim().strip_suffix(unit)?, shift)))?;
    count.trim().parse::<u64>().ok()?.checked_mul(1 << shift)
}

impl Read for Mode {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let digits =
            |text: &str| text.chars().all(|c| c.is_digit(8)).then(|| u32::from_str_radix(text, 8).ok())?;
        let bits = match &node.value {
            Value::Text(text) => digits(text.trim_start_matches("0o")).filter(|bits| *bits <= 0o777),
            _ => None,
        };
        bits.map(Mode)
            .or_else(|| unfit(node, "the permissions of a file", "write them like `\"0644\"`", findings))
    }
}

impl Read for PathBuf {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let path = PathBuf::from(String::read(node, findings)?);
        if path.is_absolute() {
            return Some(path);
        }
        unfit(node, "an absolute path", "begin it with `/`", findings)
    }
}

fn every_interface(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))
}

/// An address to listen on: `IP:PORT`, or a port for every interface, as a number or as text (`PB-02`).
impl Read for SocketAddr {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let read = match &node.value {
            Value::Int(port) => u16::try_from(*port).ok().map(every_interface),
            Value::Text(text) => text.parse().ok().or_else(|| text.parse().ok().map(every_interface)),
            _ => None,
        };
        let hint = "write `0.0.0.0:9989`, `127.0.0.1:8010`, `[::]:9989`, or a port";
        read.or_else(|| unfit(node, "an address to listen on", hint, findings))
    }
}

impl Read for Template {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        told(Template::new(&String::read(node, findings)?), node, "wrong text to fill in", findings)
    }
}

impl Read for Loose<Template> {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let Loose(text) = Loose::<String>::read(node, findings)?;
        told(Template::new(&text), node, "wrong text to fill in", findings).map(Loose)
    }
}

impl Read for Pattern {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        told(Pattern::new(&String::read(node, findings)?), node, "wrong regular expression", findings)
    }
}

impl Read for Search {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        told(Search::new(&String::read(node, findings)?), node, "wrong regular expression", findings)
    }
}

impl Read for Glob {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        told(Glob::new(&String::read(node, findings)?), node, "wrong pattern of names", findings)
    }
}

/// Any value, as JSON.
impl Read for serde_json::Value {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        Some(match &node.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Int(value) => (*value).into(),
            Value::Float(value) => (*value).into(),
            Value::Text(value) => value.as_str().into(),
            Value::List(nodes) => {
                nodes.iter().map(|node| Self::read(node, findings)).collect::<Option<Vec<_>>>()?.into()
            }
            Value::Map(entries) => {
                let read = |entry: &crate::config::yaml::Entry, findings: &mut Findings| {
                    Some((entry.key.clone(), Self::read(&entry.node, findings)?))
                };
                let map: Option<serde_json::Map<_, _>> =
                    entries.iter().map(|entry| read(entry, findings)).collect();
                map?.into()
            }
        })
    }
}

/// A condition over these names; `true` and `false` are conditions too.
pub(in crate::config) fn condition(
    node: &Node,
    names: &[&str],
    findings: &mut Findings,
) -> Option<Condition> {
    let source = match &node.value {
        Value::Bool(value) => value.to_string(),
        _ => String::read(node, findings)?,
    };
    let told = Condition::new(&source, names);
    // The mistake that everybody makes once.
    let assigns =
        source.replace("==", "").replace("!=", "").replace("<=", "").replace(">=", "").contains('=');
    let hint = if assigns { "`==` compares" } else { "" };
    told.map_err(|why| findings.complain(node.at, format!("wrong condition: {why}"), hint)).ok()
}

/// One of a few words.
pub(in crate::config) fn one_of<T: Copy>(
    node: &Node,
    words: &[(&str, T)],
    findings: &mut Findings,
) -> Option<T> {
    let word = String::read(node, findings)?;
    if let Some((_, value)) = words.iter().find(|(known, _)| *known == word) {
        return Some(*value);
    }
    let known: Vec<&str> = words.iter().map(|(known, _)| *known).collect();
    unfit(node, &format!("one of {}", known.join(", ")), &nearest_only(&word, &known), findings)
}

/// A hint only where one of the known words is near: the complaint names them all.
fn nearest_only(word: &str, known: &[&str]) -> String {
    Some(nearest(word, known)).filter(|hint| !hint.starts_with("known")).unwrap_or_default()
}

/// Properties with this source.
pub(in crate::config) fn properties(
    node: Option<&Node>,
    source: &str,
    findings: &mut Findings,
) -> Properties {
    let values = node.and_then(|node| BTreeMap::<String, serde_json::Value>::read(node, findings));
    let mut properties = Properties::default();
    for (name, value) in values.unwrap_or_default() {
        properties.set(name, value, source);
    }
    properties
}
