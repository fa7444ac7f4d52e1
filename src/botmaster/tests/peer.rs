//! A played worker: both ends of its connection, and what it does when it is called.

use crate::pb::{self, Luid, Request, Session, Target, Value};
use std::collections::BTreeMap;

/// The key of a played worker's Bot; its builders have the keys after it.
pub(super) const BOT: u64 = 1;

/// The tokens of a played worker's calls: its login, and what a test lets it ask of its avatar.
pub(super) const LOGIN: u64 = 1;
pub(super) const AVATAR_CALL: u64 = 2;

/// Which worker is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `buildbot-worker` 4.3.
    Worker,
    /// `buildslave` 0.8.6p1.
    Slave,
}

/// One connection, both ends of it.
pub(super) struct Peer {
    pub kind: Kind,
    pub name: String,
    pub server: Session,
    pub client: Session,
    pub login: Option<Request>,
    /// The worker's side of its login.
    pub avatar: Option<Luid>,
    pub builders: BTreeMap<u64, String>,
    pub last_key: u64,
    /// The running command of each builder: the master's object, and what is run.
    pub running: BTreeMap<u64, Luid>,
    pub answers: bool,
    pub closed: bool,
}

impl Peer {
    /// Carries bytes both ways; returns what each end makes of them.
    pub fn pass_bytes(&mut self) -> (Vec<pb::Event>, Vec<pb::Event>) {
        let (mut to_worker, mut to_master) = (Vec::new(), Vec::new());
        loop {
            let down = if self.answers { self.server.take_output() } else { Default::default() };
            let up = self.client.take_output();
            if down.is_empty() && up.is_empty() {
                return (to_worker, to_master);
            }
            self.client.receive(&down, &mut to_worker).unwrap();
            self.server.receive(&up, &mut to_master).unwrap();
        }
    }

    /// Does what the master calls for; returns it as a line.
    pub fn play(&mut self, call: pb::Call) -> String {
        let Target::Key(key) = call.object else { panic!("the master calls nobody else") };
        let line = shown(&call, self.builders.get(&key));
        let info =
            [("admin", Value::from("me\n")), ("basedir", Value::from("/w")), ("system", "posix".into())];
        let environ = Value::dict([("LANG", "C"), ("NPM_TOKEN", "hunter2")]);
        let info = info.into_iter().chain([("environ", environ)]);
        let commands = |version: &str| {
            Value::dict(["shell", "stat", "rmdir", "cpdir", "uploadFile"].map(|name| (name, version)))
        };
        let answer = match (self.kind, call.method.as_str()) {
            (Kind::Slave, "getWorkerInfo") => {
                self.client.reject(call, &pb::Failure::no_such_method("getWorkerInfo"));
                return line;
            }
            (Kind::Worker, "getWorkerInfo") => {
                let more = [("version", Value::from("4.3.0")), ("worker_commands", commands("3.3"))];
                Value::dict(info.chain(more))
            }
            (Kind::Slave, "getSlaveInfo") => Value::dict(info),
            (Kind::Slave, "getVersion") => Value::from("0.8.6p1"),
            (Kind::Slave, "getCommands") => commands("2.15"),
            (_, "setBuilderList") => {
                let names = call.args[0].as_items().unwrap().iter();
                let names: Vec<String> =
                    names.map(|pair| pair.as_items().unwrap()[0].as_str().unwrap().to_owned()).collect();
                Value::Dict(names.into_iter().map(|name| self.builder(name)).collect())
            }
            (_, "startCommand") => {
                let object = call.args[0].as_remote().unwrap();
                self.client.answer(call.request, &Value::None);
                self.start(key, object, call.args[2].as_str().unwrap(), &call.args[3]);
                return line;
            }
            (_, "interruptCommand") => {
                if let Some(object) = self.running.remove(&key) {
                    self.end(object, -1);
                }
                Value::None
            }
            _ => Value::None,
        };
        self.client.answer(call.request, &answer);
        line
    }

    fn builder(&mut self, name: String) -> (Value, Value) {
        let known = self.builders.iter().find(|(_, known)| **known == name).map(|(key, _)| *key);
        let key = known.unwrap_or_else(|| {
            self.last_key += 1;
            self.last_key
        });
        self.builders.insert(key, name.clone());
        (Value::from(name), Value::local(key))
    }

    /// `hang` goes on until it is interrupted; `exit N` ends so; anything else says itself and succeeds.
    fn start(&mut self, builder: u64, object: Luid, name: &str, args: &Value) {
        let line = args.get("command").and_then(Value::as_str).unwrap_or_default().to_owned();
        match (name, line.strip_prefix("exit ")) {
            ("shell", _) if line == "hang" => drop(self.running.insert(builder, object)),
            ("shell", _) if line == "break" => {
                let failure = pb::Failure::runtime_error("out of order").to_value();
                self.client.call(object, "complete", &[failure], &[], 0).unwrap();
            }
            ("uploadFile", _) => self.upload(object, args),
            ("shell", Some(code)) => self.end(object, code.parse().unwrap()),
            _ => {
                self.update(object, "stdout", Value::from(format!("{line}\n")));
                self.end(object, 0);
            }
        }
    }

    /// `flood` sends block after block without waiting for an answer; anything else is sent as it says.
    fn upload(&mut self, object: Luid, args: &Value) {
        let writer = args.get("writer").and_then(Value::as_remote).expect("a writer");
        let source = args.get("workersrc").and_then(Value::as_str).expect("a source").to_owned();
        for _ in 0..if source == "flood" { 10 } else { 1 } {
            self.client.call(writer, "write", &[Value::bytes(source.clone())], &[], 0).unwrap();
        }
        self.client.call(writer, "close", &[], &[], 0).unwrap();
        self.end(object, 0);
    }

    pub fn update(&mut self, object: Luid, key: &str, value: Value) {
        let updates = Value::List(vec![Value::List(vec![Value::dict([(key, value)]), Value::Int(0)])]);
        self.client.call(object, "update", &[updates], &[], 0).unwrap();
    }

    pub fn end(&mut self, object: Luid, code: i64) {
        self.update(object, "rc", Value::Int(code));
        self.client.call(object, "complete", &[Value::None], &[], 0).unwrap();
    }
}

/// A call of the master's in one line: whom, what, and with what that matters.
fn shown(call: &pb::Call, builder: Option<&String>) -> String {
    let whom = builder.map_or(String::new(), |name| format!("{name}."));
    let words: Vec<String> = match call.method.as_str() {
        "startCommand" => {
            let line = call.args[3].get("command").map(|line| format!("{line:?}")).unwrap_or_default();
            vec![call.args[2].as_str().unwrap_or_default().to_owned(), line]
        }
        "interruptCommand" => vec![call.args[1].as_str().unwrap_or_default().to_owned()],
        "setMaster" => Vec::new(),
        _ => call.args.iter().map(|arg| format!("{arg:?}")).collect(),
    };
    format!("{whom}{}({})", call.method, words.join(" "))
}
