//! A master in memory: the server's end of a session, on the other side of a running agent's channels.

use crate::kernel::{World, thread};
use crate::pb::login::Checker;
use crate::pb::{Call, Event, Failure, Login, LoginStep, Luid, Proof, Secret, Session, Target, Value};
use crate::worker::agent::{Agent, Parting};
use crate::worker::backoff::Backoff;
use crate::worker::info::About;
use crate::worker::limits::RECONNECT_MAX;
use crate::worker::link::{Line, LinkEvent};
use crate::worker::wishes::Wish;
use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long the agent may keep silent before a test counts as failed.
const PATIENCE: Duration = Duration::from_secs(60);
const AVATAR: u64 = 1;
const FIRST_COMMAND: u64 = 100;

/// What became of a command.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Every update in the order in which they came.
    pub updates: Vec<(String, Value)>,
    /// Set by `complete`; the failure given to it, if any.
    pub complete: Option<Option<Failure>>,
}

impl Outcome {
    /// The last update of a kind.
    pub fn last(&self, key: &str) -> Option<&Value> {
        self.updates.iter().rev().find(|(other, _)| other == key).map(|(_, value)| value)
    }

    /// All text of a kind.
    pub fn text(&self, key: &str) -> String {
        let of_kind = self.updates.iter().filter(|(other, _)| other == key);
        of_kind.filter_map(|(_, value)| value.as_str()).collect()
    }

    /// The exit code.
    pub fn rc(&self) -> Option<i64> {
        self.last("rc").and_then(Value::as_int)
    }

    /// The kinds of updates, in order.
    pub fn keys(&self) -> Vec<&str> {
        self.updates.iter().map(|(key, _)| &**key).collect()
    }
}

/// The one worker `w1` with its password `secret`.
pub struct Users;

impl Checker for Users {
    fn challenge(&mut self) -> [u8; 16] {
        *b"not very random."
    }

    fn check(&mut self, username: &str, proof: &Proof) -> bool {
        username == "w1" && proof.matches(&Secret::from("secret"))
    }
}

/// The master, and the agent that serves it.
pub struct Master {
    session: Session,
    login: Login,
    to_agent: Sender<LinkEvent>,
    from_agent: Receiver<Bytes>,
    agent: thread::Running<Parting>,
    /// Tells the agent to end.
    pub wishes: Sender<Wish>,
    /// The agent's directory.
    pub dir: tempfile::TempDir,
    mind: Option<Luid>,
    builders: BTreeMap<String, Luid>,
    answers: BTreeMap<u64, Result<Value, Failure>>,
    last_token: u64,
    commands: BTreeMap<u64, Outcome>,
    /// Other calls of the agent: the avatar's and those of transfers.
    pub calls: VecDeque<Call>,
    /// Whether updates are left without an answer, and those that were.
    pub withhold: bool,
    withheld: Vec<Call>,
}

impl Master {
    /// Starts an agent and lets it in, with the builders `one` and `two`.
    pub fn with_agent(environment: &[(&str, &str)], keepalive: Option<Duration>) -> Master {
        let dir = tempfile::tempdir().expect("a directory");
        let own = |(name, value): &(&str, &str)| (name.into(), value.into());
        let path = std::env::var_os("PATH").expect("there is a PATH");
        let about = About {
            name: "w1".into(),
            password: Secret::from("secret"),
            basedir: dir.path().to_owned(),
            environment: environment.iter().map(own).chain([("PATH".into(), path)]).collect(),
            keepalive,
            numcpus: Some(3),
            delete_leftover_dirs: true,
        };
        let (to_agent, events) = bounded(16);
        let (outgoing, from_agent) = bounded(1);
        let (wishes, wishes_out) = bounded(1);
        let agent = thread::spawn("agent", move || {
            let log = slog::Logger::root(slog::Discard, slog::o!());
            let about = Arc::new(about);
            let mut agent = Agent { about, world: World::real(), log, wishes: wishes_out, max_retries: None };
            agent.serve(Line { outgoing, socket: None }, &events, &mut Backoff::new(RECONNECT_MAX))
        });
        let mut master = Master {
            session: Session::server(),
            login: Login::new(),
            to_agent,
            from_agent,
            agent: agent.expect("starts"),
            wishes,
            dir,
            mind: None,
            builders: BTreeMap::new(),
            answers: BTreeMap::new(),
            last_token: 0,
            commands: BTreeMap::new(),
            calls: VecDeque::new(),
            withhold: false,
            withheld: Vec::new(),
        };
        master.until(|master| master.mind.is_some());
        master
    }

    /// With the builders that most tests want.
    pub fn new() -> Master {
        let mut master = Master::with_agent(&[("OWN", "mine")], None);
        master.set_builders(&[("one", "one"), ("two", "two")]).expect("takes them");
        master
    }

    /// A builder's directory for commands.
    pub fn builder_dir(&self) -> PathBuf {
        self.dir.path().canonicalize().expect("is there").join("one")
    }

    /// Sends `setBuilderList`.
    pub fn set_builders(&mut self, builders: &[(&str, &str)]) -> Result<(), Failure> {
        let list = builders.iter().map(|(name, dir)| Value::tuple([*name, *dir])).collect();
        let answer = self.ask(self.mind.expect("is in"), "setBuilderList", &[Value::List(list)])?;
        let pairs = answer.as_dict().expect("a dict").iter();
        let read = |(name, builder): &(Value, Value)| {
            (name.as_str().expect("text").to_owned(), builder.as_remote().expect("an object"))
        };
        self.builders = pairs.map(read).collect();
        Ok(())
    }

    /// Calls the agent's first object.
    pub fn ask_mind(&mut self, method: &str, args: &[Value]) -> Result<Value, Failure> {
        self.ask(self.mind.expect("is in"), method, args)
    }

    /// Calls the builder `name`.
    pub fn ask_builder(&mut self, name: &str, method: &str, args: &[Value]) -> Result<Value, Failure> {
        self.ask(self.builders[name], method, args)
    }

    fn ask(&mut self, object: Luid, method: &str, args: &[Value]) -> Result<Value, Failure> {
        self.last_token += 1;
        let token = self.last_token;
        self.session.call(object, method, args, &[], token).expect("can be called");
        self.until(|master| master.answers.contains_key(&token));
        self.answers.remove(&token).expect("has come")
    }

    /// Starts a command on the builder `name`; gives what [`Master::outcome`] wants.
    pub fn start_on(&mut self, name: &str, command: &str, args: Value) -> Result<u64, Failure> {
        let key = FIRST_COMMAND + self.commands.len() as u64;
        self.commands.insert(key, Outcome::default());
        let args = [Value::local(key), key.to_string().into(), command.into(), args];
        self.ask_builder(name, "startCommand", &args)?;
        Ok(key)
    }

    /// What is known of a command.
    pub fn outcome(&self, key: u64) -> &Outcome {
        &self.commands[&key]
    }

    /// Waits for `complete`.
    pub fn complete(&mut self, key: u64) -> &Outcome {
        self.until(|master| master.commands[&key].complete.is_some());
        self.outcome(key)
    }

    /// Runs a command to its end.
    pub fn run(&mut self, command: &str, args: &[(&str, Value)]) -> &Outcome {
        let key = self.start_on("one", command, Value::dict(args.iter().cloned())).expect("starts");
        self.complete(key)
    }

    /// Runs `sh` to its end.
    pub fn shell(&mut self, script: &str, more: &[(&str, Value)]) -> &Outcome {
        let args = [("command", Value::from(script)), ("workdir", "build".into())];
        let args: Vec<_> = args.iter().chain(more).cloned().collect();
        self.run("shell", &args)
    }

    /// Sends `setBuilderList` with raw byte strings, as masters on Python 2 do; the answer's key.
    pub fn set_builder_raw(&mut self, name: &str, dir: &str) -> Value {
        let pair = Value::Tuple(vec![Value::bytes(name.to_owned()), Value::bytes(dir.to_owned())]);
        let answer = self.ask_mind("setBuilderList", &[Value::List(vec![pair])]).expect("takes it");
        let [(key, builder)] = answer.as_dict().expect("a dict") else { panic!("{answer:?}") };
        self.builders.insert(name.to_owned(), builder.as_remote().expect("an object"));
        key.clone()
    }

    /// Answers a call taken from [`Master::calls`].
    pub fn answer(&mut self, call: Call, value: &Value) {
        self.session.answer(call.request, value);
    }

    /// Answers all updates withheld so far, and every later one at once.
    pub fn stop_withholding(&mut self) {
        self.withhold = false;
        for call in std::mem::take(&mut self.withheld) {
            self.session.answer(call.request, &Value::Int(0));
        }
    }

    /// The next call of the agent other than updates.
    pub fn next_call(&mut self) -> Call {
        self.until(|master| !master.calls.is_empty());
        self.calls.pop_front().expect("is there")
    }

    /// Tells the agent that the connection is lost.
    pub fn cut(&self) {
        let lost = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        self.to_agent.send(LinkEvent::Lost(lost)).expect("the agent lives");
    }

    /// Waits for the agent to part.
    pub fn parting(self) -> Parting {
        self.agent.join().expect("no panic")
    }

    /// Lets things happen until `done`.
    pub fn until(&mut self, done: impl Fn(&Master) -> bool) {
        loop {
            let bytes = self.session.take_output();
            if !bytes.is_empty() {
                self.to_agent.send(LinkEvent::Received(bytes.to_vec())).expect("the agent lives");
            }
            if done(self) {
                return;
            }
            let bytes = self.from_agent.recv_timeout(PATIENCE).expect("the agent speaks");
            self.session.push(&bytes);
            while let Some(event) = self.session.next_event().expect("the agent speaks right") {
                self.on_event(event);
            }
        }
    }

    fn on_event(&mut self, event: Event) {
        match self.login.on_event(event, &mut self.session, &mut Users) {
            LoginStep::LoggedIn { mind, request, .. } => {
                self.mind = mind;
                self.session.answer(request, &Value::local(AVATAR));
            }
            LoginStep::Pass(Event::Answered { token, result }) => {
                self.answers.insert(token, result);
            }
            LoginStep::Pass(Event::Call(call)) => self.called(call),
            LoginStep::Pass(_) | LoginStep::Refused { .. } | LoginStep::Done => {}
        }
    }

    fn called(&mut self, call: Call) {
        let command = match call.object {
            Target::Key(key) => self.commands.get_mut(&key),
            Target::Root => None,
        };
        match (command, &*call.method) {
            (Some(outcome), "update") => {
                assert_eq!(outcome.complete, None, "nothing follows complete");
                for pair in call.args[0].as_items().expect("a list") {
                    let [Value::Dict(entries), Value::Int(0)] = pair.as_items().expect("a pair") else {
                        panic!("{pair:?}")
                    };
                    let [(key, value)] = &entries[..] else { panic!("{entries:?}") };
                    outcome.updates.push((key.as_str().expect("text").to_owned(), value.clone()));
                }
                if self.withhold {
                    self.withheld.push(call);
                } else {
                    self.session.answer(call.request, &Value::Int(0));
                }
            }
            (Some(outcome), "complete") => {
                let failure = Some(&call.args[0]).filter(|value| !value.is_none());
                outcome.complete = Some(failure.map(Failure::from_value));
                self.session.answer(call.request, &Value::None);
            }
            _ => self.calls.push_back(call),
        }
    }
}
