//! The greeting of a worker, as a state machine: answers in, calls out, until the worker can build
//! (`worker-api.md` §4, `SL-08`, `SL-10`).
//!
//! Workers since 0.9 answer `getWorkerInfo`; older ones are slaves, which are asked three times instead, want all
//! text as bytes, and get a master object for each builder.

use super::limits::{INFO_BYTES, INFO_ENTRIES, INFO_NAME_CHARS};
use super::steps::Abilities;
use crate::pb::{Failure, Luid, Value};
use std::collections::{BTreeMap, BTreeSet};

/// A builder and its directory on the worker.
pub type Listed = (String, String);

/// Which call an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// `print`.
    Print,
    /// `getWorkerInfo`.
    WorkerInfo,
    /// `getSlaveInfo`.
    SlaveInfo,
    /// `getVersion`.
    Version,
    /// `getCommands`.
    Commands,
    /// `setBuilderList`.
    BuilderList,
    /// `setMaster`, of each builder.
    SetMaster,
}

/// What the greeting wants done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// A call.
    Call {
        /// Of whom.
        object: Luid,
        /// Which method.
        method: &'static str,
        /// With what.
        args: Vec<Value>,
        /// To come back with the answer.
        ask: Ask,
    },
    /// From now on text is sent as bytes.
    SendBytes,
    /// The worker can build.
    Done,
    /// It cannot be used: why.
    Failed(String),
}

/// A greeting under way, and what is known of the worker by it.
#[derive(Debug)]
pub struct Greeting {
    mind: Luid,
    master: u64,
    /// The builders that it is told of.
    pub listed: Vec<Listed>,
    /// What it said of itself.
    pub info: BTreeMap<String, String>,
    /// The environment of its processes.
    pub environ: BTreeMap<String, String>,
    /// What it can do.
    pub abilities: Abilities,
    /// Its objects for the builders.
    pub builders: BTreeMap<String, Luid>,
    /// Whether it is older than 0.9, and gets a master object for each builder.
    pub is_slave: bool,
    masters_to_set: usize,
}

impl Greeting {
    /// Begins. `master` is the key of the object that slaves get for each builder.
    pub fn begin(mind: Luid, master: u64, listed: Vec<Listed>, out: &mut Vec<Wish>) -> Greeting {
        let greeting = Greeting {
            mind,
            master,
            listed,
            info: BTreeMap::new(),
            environ: BTreeMap::new(),
            abilities: Abilities::default(),
            builders: BTreeMap::new(),
            is_slave: false,
            masters_to_set: 0,
        };
        greeting.ask(Ask::Print, "print", vec![Value::from("attached")], out);
        greeting
    }

    /// Takes an answer.
    pub fn answered(&mut self, ask: Ask, answer: Result<Value, Failure>, out: &mut Vec<Wish>) {
        let answer = match answer {
            Ok(value) => Some(value),
            Err(failure) if failure.is_no_such_method() && ask != Ask::BuilderList => None,
            Err(failure) => return out.push(Wish::Failed(format!("{ask:?} failed: {failure}"))),
        };
        match (ask, answer) {
            (Ask::Print, _) => self.ask(Ask::WorkerInfo, "getWorkerInfo", Vec::new(), out),
            (Ask::WorkerInfo, Some(info)) => {
                self.take_info(&info);
                self.abilities = info.get("worker_commands").map(abilities).unwrap_or_default();
                self.list(out);
            }
            (Ask::WorkerInfo, None) => {
                self.is_slave = true;
                out.push(Wish::SendBytes);
                self.ask(Ask::SlaveInfo, "getSlaveInfo", Vec::new(), out);
            }
            (Ask::SlaveInfo, info) => {
                info.iter().for_each(|info| self.take_info(info));
                self.ask(Ask::Version, "getVersion", Vec::new(), out);
            }
            (Ask::Version, version) => {
                self.info.extend(version.and_then(|version| Some(("version".to_owned(), short(&version)?))));
                self.ask(Ask::Commands, "getCommands", Vec::new(), out);
            }
            (Ask::Commands, commands) => {
                self.abilities = commands.as_ref().map(abilities).unwrap_or_default();
                self.list(out);
            }
            (Ask::BuilderList, answer) => {
                self.builders = builders(&answer.unwrap_or(Value::None), &self.listed);
                self.set_masters(out);
            }
            (Ask::SetMaster, _) => {
                self.masters_to_set = self.masters_to_set.saturating_sub(1);
                if self.masters_to_set == 0 {
                    out.push(Wish::Done);
                }
            }
        }
    }

    fn ask(&self, ask: Ask, method: &'static str, args: Vec<Value>, out: &mut Vec<Wish>) {
        out.push(Wish::Call { object: self.mind, method, args, ask });
    }

    fn list(&self, out: &mut Vec<Wish>) {
        self.ask(Ask::BuilderList, "setBuilderList", vec![list_value(&self.listed)], out);
    }

    fn set_masters(&mut self, out: &mut Vec<Wish>) {
        if !self.is_slave || self.builders.is_empty() {
            return out.push(Wish::Done);
        }
        self.masters_to_set = self.builders.len();
        for object in self.builders.values() {
            let args = vec![Value::local(self.master)];
            out.push(Wish::Call { object: *object, method: "setMaster", args, ask: Ask::SetMaster });
        }
    }

    /// Keeps the texts, and apart from them the environment, which may hold what nobody should see.
    fn take_info(&mut self, info: &Value) {
        for (key, value) in info.as_dict().unwrap_or_default().iter().take(INFO_ENTRIES) {
            if let (Some(key), Some(value)) = (named(key), short(value)) {
                self.info.insert(key, value);
            }
        }
        let environ = info.get("environ").and_then(Value::as_dict).unwrap_or_default();
        for (key, value) in environ.iter().take(INFO_ENTRIES) {
            if let (Some(key), Some(value)) = (named(key), short(value)) {
                let value = if may_be_secret(&key) { HIDDEN.to_owned() } else { value };
                self.environ.insert(key, value);
            }
        }
    }
}

/// The argument of `setBuilderList`.
pub fn list_value(listed: &[Listed]) -> Value {
    Value::list(listed.iter().map(|(name, dir)| Value::tuple([name.as_str(), dir.as_str()])))
}

/// The objects in the answer of `setBuilderList`, by builder. Those of builders that were not listed are of no use.
pub fn builders(answer: &Value, listed: &[Listed]) -> BTreeMap<String, Luid> {
    let names: BTreeSet<&str> = listed.iter().map(|(name, _)| name.as_str()).collect();
    let pairs = answer.as_dict().unwrap_or_default().iter();
    let objects = pairs.filter_map(|(name, object)| Some((*names.get(name.as_str()?)?, object.as_remote()?)));
    objects.map(|(name, object)| (name.to_owned(), object)).collect()
}

/// What stands in the place of a value that may be a secret.
const HIDDEN: &str = "(not kept)";

/// Whether the name of a variable says that its value is nobody's business.
fn may_be_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["PASS", "SECRET", "TOKEN", "KEY", "CREDENTIAL", "AUTH", "COOKIE"].iter().any(|part| name.contains(part))
}

fn abilities(commands: &Value) -> Abilities {
    let pairs = commands.as_dict().unwrap_or_default().iter().take(INFO_ENTRIES);
    Abilities(pairs.filter_map(|(name, version)| Some((named(name)?, short(version)?))).collect())
}

/// A name in what a worker says of itself.
fn named(key: &Value) -> Option<String> {
    Some(key.as_str()?.chars().take(INFO_NAME_CHARS).collect())
}

/// A text or a number, without the line end that files have.
fn short(value: &Value) -> Option<String> {
    let text = match value.to_str_lossy() {
        Some(text) => text.into_owned(),
        None => value.as_int()?.to_string(),
    };
    Some(text.trim_end()[..text.trim_end().floor_char_boundary(INFO_BYTES)].replace('\0', "\u{fffd}"))
}
