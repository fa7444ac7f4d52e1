//! A msgpack worker, spoken to in the words of a PB one (`msgpack.md` §3 - §5, `worker-api.md` §3).
//!
//! It shows itself as a Bot and an object for each builder. What PB does by references goes by the id of a command
//! here, what a PB worker does by itself, such as to make the directories of its builders, is asked of it one by one.

use super::commands::{Paths, Site, updates};
use crate::pb::failure::Failure;
use crate::pb::limits::CALLS_MAX;
use crate::pb::session::Callee;
use crate::pb::value::{Luid, Target, Value};
use bytestring::ByteString;
use std::collections::BTreeMap;

/// The Bot of every msgpack worker.
pub(super) const BOT: Luid = Luid(0);

/// How a worker cuts output into lines: its own ways, which every master sends (`msgpack.md` §3).
const NEWLINE: &str = r"(\r\n|\r(?=.)|\033\[u|\033\[[0-9]+;[0-9]+[Hf]|\033\[2J|\x08+)";
const BUFFER_BYTES: i64 = 64 * 1024;
const BUFFER_PATIENCE_S: i64 = 5;
const LINE_CHARACTERS_MAX: i64 = 4096;

/// The fields of a message, beside its number.
pub(super) type Fields = Vec<(&'static str, Value)>;

/// What a call becomes.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    /// A request; its answer is to be handed to [`Worker::answered`].
    Request(Fields, Meaning),
    /// Nothing has to be asked: this is the answer.
    Answer(Value),
}

/// What the answer to a request is for.
#[derive(Debug, PartialEq)]
pub(super) enum Meaning {
    /// For whoever called.
    Caller,
    /// So, and it tells where the worker lives; it gets its settings before it is passed on.
    Info,
    /// The settings are in force; this is what it said of itself.
    Settings(Value),
    /// A command was begun, or was not.
    Begun(ByteString),
    /// The directories of builders are being made: what follows is the command's end.
    Directories(ByteString),
}

/// What follows from an answer.
#[derive(Debug, PartialEq)]
pub(super) enum Then {
    /// The caller gets it.
    Answer(Result<Value, Failure>),
    /// Something more has to be asked before.
    Ask(Fields, Meaning),
    /// It comes later, as [`Heard::Answered`].
    Wait,
}

/// What a request of the worker means.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    /// A call of an object of ours.
    Call(Target, &'static str, Vec<Value>),
    /// A matter between the two of us: to be answered with nothing.
    Noted,
    /// The same; and the call of this token has ended.
    Answered(u64, Result<Value, Failure>),
}

/// A command that runs.
#[derive(Debug)]
enum Running {
    /// For the owner: the objects that hear of it.
    Owners { command: Target, file: Option<Target> },
    /// Our own, that makes the builders' directories: who waits for it, and what it came to.
    Directories { token: u64, answer: Value, rc: Option<i64> },
}

/// What has to be known of a worker to translate.
#[derive(Debug, Default)]
pub(super) struct Worker {
    basedir: String,
    paths: Paths,
    /// The builders' directories, by their objects.
    builders: BTreeMap<Luid, (ByteString, String)>,
    running: BTreeMap<ByteString, Running>,
    /// The last number given to a builder, and to a command of our own.
    last_builder: i64,
    last_own: u64,
}

impl Worker {
    /// Translates a call of the owner's. `token` is the owner's name for it.
    ///
    /// # Errors
    /// The worker has no such method, or the arguments have no meaning.
    pub fn call(
        &mut self,
        object: Callee,
        method: &str,
        args: &[Value],
        token: u64,
    ) -> Result<Said, Failure> {
        let Callee::Object(object) = object else { return Err(Failure::no_such_method(method)) };
        let arg = |place: usize| args.get(place).cloned().unwrap_or(Value::None);
        let ask = |fields: Fields| Ok(Said::Request(fields, Meaning::Caller));
        match (object, method) {
            (_, "print") => ask(vec![op("print"), ("message", arg(0))]),
            (BOT, "getWorkerInfo") => Ok(Said::Request(vec![op("get_worker_info")], Meaning::Info)),
            (BOT, "setBuilderList") => self.list(&arg(0), token),
            (BOT, "shutdown") => ask(vec![op("shutdown")]),
            (BOT, _) => Err(Failure::no_such_method(method)),
            (_, "startBuild" | "setMaster") => Ok(Said::Answer(Value::None)),
            (builder, "startCommand") => self.start(builder, args),
            (builder, "interruptCommand") => {
                let mut fields = vec![op("interrupt_command"), ("command_id", arg(0)), ("why", arg(1))];
                fields.extend(self.builder_name(builder));
                ask(fields)
            }
            _ => Err(Failure::no_such_method(method)),
        }
    }

    fn builder_name(&self, builder: Luid) -> Option<(&'static str, Value)> {
        self.builders.get(&builder).map(|(name, _)| ("builder_name", Value::Text(name.clone())))
    }

    /// Objects for the builders are made here, their directories there.
    fn list(&mut self, listed: &Value, token: u64) -> Result<Said, Failure> {
        let mut builders = BTreeMap::new();
        for pair in listed.as_items().unwrap_or_default() {
            let Some([name, dir]) = pair.as_items() else {
                return Err(Failure::type_error("a builder is a name and a directory"));
            };
            let name: ByteString = name.to_str_lossy().unwrap_or_default().into_owned().into();
            let dir = self.paths.join(&self.basedir, &dir.to_str_lossy().unwrap_or_default());
            let known = self.builders.iter().find(|(_, (known, _))| *known == name).map(|(luid, _)| *luid);
            let luid = known.unwrap_or_else(|| {
                self.last_builder += 1;
                Luid(self.last_builder)
            });
            builders.insert(luid, (name, dir));
        }
        self.builders = builders;
        let answer = Value::dict(self.builders.iter().map(|(luid, (name, _))| (name.clone(), *luid)));
        if self.builders.is_empty() {
            return Ok(Said::Answer(answer));
        }
        let dirs: Vec<&str> = self.builders.values().map(|(_, dir)| dir.as_str()).collect();
        self.last_own += 1;
        let id = ByteString::from(format!("directories-{}", self.last_own));
        let fields = vec![
            op("start_command"),
            ("command_id", Value::Text(id.clone())),
            ("command_name", Value::from("mkdir")),
            ("args", Value::dict([("paths", Value::list(dirs))])),
        ];
        self.running.insert(id.clone(), Running::Directories { token, answer, rc: None });
        Ok(Said::Request(fields, Meaning::Directories(id)))
    }

    fn start(&mut self, builder: Luid, args: &[Value]) -> Result<Said, Failure> {
        let [Value::Local(owner), id, name, args] = args else {
            return Err(Failure::type_error("startCommand takes an object, an id, a name and arguments"));
        };
        let (Some(id), Some(name)) = (id.as_str(), name.as_str()) else {
            return Err(Failure::type_error("the id and the name of a command are texts"));
        };
        let Some((_, dir)) = self.builders.get(&builder) else { return Err(Failure::invalid_object_id()) };
        if self.running.len() >= CALLS_MAX {
            return Err(Failure::runtime_error("too many commands run there"));
        }
        let command = Site { paths: self.paths, dir }.translate(name, args)?;
        let id = ByteString::from(id);
        let mut fields = vec![
            op("start_command"),
            ("command_id", Value::Text(id.clone())),
            ("command_name", Value::Text(command.name)),
            ("args", Value::Dict(command.args)),
        ];
        fields.extend(self.builder_name(builder));
        self.running.insert(id.clone(), Running::Owners { command: *owner, file: command.file });
        Ok(Said::Request(fields, Meaning::Begun(id)))
    }

    /// Takes the answer to a request.
    pub fn answered(&mut self, meaning: Meaning, answer: Result<Value, Failure>) -> Then {
        match (meaning, answer) {
            (Meaning::Info, Ok(info)) => {
                let text = |key| info.get(key).and_then(Value::to_str_lossy).unwrap_or_default().into_owned();
                (self.basedir, self.paths) = (text("basedir"), Paths::of_system(&text("system")));
                Then::Ask(settings(), Meaning::Settings(info))
            }
            (Meaning::Settings(info), Ok(_)) => Then::Answer(Ok(info)),
            (Meaning::Directories(_), Ok(_)) => Then::Wait,
            (Meaning::Directories(id), Err(failure)) => match self.running.remove(&id) {
                Some(_) => Then::Answer(Err(failure)),
                None => Then::Wait, // its end came before, and was told
            },
            (Meaning::Begun(id), Err(failure)) => {
                self.running.remove(&id);
                Then::Answer(Err(failure))
            }
            (Meaning::Begun(_) | Meaning::Caller, answer) | (_, answer @ Err(_)) => Then::Answer(answer),
        }
    }

    /// The connection is gone: those who still wait for the end of a command of our own.
    pub fn lost(&mut self) -> impl Iterator<Item = u64> {
        std::mem::take(&mut self.running).into_values().filter_map(|running| match running {
            Running::Directories { token, .. } => Some(token),
            Running::Owners { .. } => None,
        })
    }

    /// Translates a request of the worker's.
    ///
    /// # Errors
    /// It has no meaning: the text that it is answered with.
    pub fn called(&mut self, op: &str, message: &Value) -> Result<Heard, String> {
        let args = || message.get("args").cloned().unwrap_or(Value::None);
        let (method, is_file, args) = match op {
            "update" => ("update", false, vec![updates(&args())]),
            "complete" => ("complete", false, vec![args()]),
            "update_upload_file_write" | "update_upload_directory_write" => ("write", true, vec![args()]),
            "update_upload_file_close" | "update_read_file_close" => ("close", true, Vec::new()),
            "update_upload_file_utime" => {
                let time = |key: &str| message.get(key).cloned().unwrap_or(Value::None);
                ("utime", true, vec![Value::tuple([time("access_time"), time("modified_time")])])
            }
            "update_upload_directory_unpack" => ("unpack", true, Vec::new()),
            "update_read_file" => ("read", true, vec![message.get("length").cloned().unwrap_or(Value::None)]),
            other => return Err(format!("Command {other} does not exist.")),
        };
        let Some(id) = message.get("command_id") else {
            return Err("message did not contain obligatory \"command_id\" key".to_owned());
        };
        let id = id.to_str_lossy().unwrap_or_default();
        match self.running.get_mut(&*id) {
            None => Err("unknown \"command_id\"".to_owned()),
            Some(Running::Owners { command, file }) => {
                let object = if is_file { file.ok_or("the command moves no file")? } else { *command };
                if method == "complete" {
                    self.running.remove(&*id);
                }
                Ok(Heard::Call(object, method, args))
            }
            Some(Running::Directories { rc, .. }) => {
                if method == "update" {
                    let told = args.iter().filter_map(Value::as_items).flatten();
                    let codes = told.filter_map(|entry| entry.as_items()?.first()?.get("rc")?.as_int());
                    *rc = codes.last().or(*rc);
                    return Ok(Heard::Noted);
                }
                let Some(Running::Directories { token, answer, rc }) = self.running.remove(&*id) else {
                    return Ok(Heard::Noted);
                };
                let failed =
                    || Failure::runtime_error(format!("it makes no directories for its builders: {rc:?}"));
                Ok(Heard::Answered(token, if rc == Some(0) { Ok(answer) } else { Err(failed()) }))
            }
        }
    }
}

fn op(name: &'static str) -> (&'static str, Value) {
    ("op", Value::from(name))
}

fn settings() -> Fields {
    let args = Value::dict([
        ("buffer_size", Value::Int(BUFFER_BYTES)),
        ("buffer_timeout", Value::Int(BUFFER_PATIENCE_S)),
        ("newline_re", Value::from(NEWLINE)),
        ("max_line_length", Value::Int(LINE_CHARACTERS_MAX)),
    ]);
    vec![op("set_worker_settings"), ("args", args)]
}
