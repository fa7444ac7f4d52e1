//! A simulated worker: speaks the worker's side of the protocol over the simulated network, with a lag, and
//! pretends to run commands. What it saw is held against what the master says.

use bellwether::model::Mono;
use bellwether::pb::{Call, ClientLogin, Event, Failure, LoginProgress, Luid, Session, Target, Value};
use bellwether::pbmanager::ConnectionId;
use bellwether::pbmanager::sim_net::SimNet;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// The key of the mind; the builders' follow.
const BOT: u64 = 1;

/// What it is doing for one builder.
struct Job {
    command: Luid,
    /// What is still to be said, in order, each at its time.
    script: VecDeque<(Mono, Say)>,
    interruptible: bool,
}

enum Say {
    Update(Vec<(&'static str, Value)>),
    Complete,
}

struct Connected {
    id: ConnectionId,
    session: Session,
    login: ClientLogin,
    builders: BTreeMap<u64, String>,
    last_key: u64,
    jobs: BTreeMap<u64, Job>,
    last_token: u64,
    /// Whether it was told to shut down: whoever looks after it starts it again.
    is_leaving: bool,
    /// Bytes on their way to the master.
    outward: VecDeque<(Mono, Vec<u8>)>,
}

/// One simulated worker.
pub struct Peer {
    pub name: String,
    password: String,
    connected: Option<Connected>,
    connect_at: Mono,
    /// Until when its machine is dead: nothing comes or goes, and its connection stands all the same.
    dead_until: Option<Mono>,
    /// How long its bytes travel.
    lag: Duration,
    /// How many bytes it takes at a time: a slow reader has a small appetite.
    appetite: usize,
    /// The most commands that it ever ran at once.
    pub busiest: usize,
    /// What the master did that no master may do.
    pub offences: Vec<String>,
    /// The master may refuse it: there is another of its name, or its time is over.
    pub may_be_refused: bool,
}

impl Peer {
    pub fn new(name: &str, chance: &mut fastrand::Rng) -> Peer {
        Peer {
            name: name.to_owned(),
            password: "sekrit".to_owned(),
            connected: None,
            connect_at: Mono::default(),
            dead_until: None,
            lag: Duration::from_millis(chance.u64(0..200)),
            appetite: chance.usize(50..100_000),
            busiest: 0,
            offences: Vec::new(),
            may_be_refused: false,
        }
    }

    /// The worker of an instance that has booted at `connect_at`.
    pub fn instance(name: &str, password: &str, connect_at: Mono, chance: &mut fastrand::Rng) -> Peer {
        let password = password.to_owned();
        Peer { password, connect_at, may_be_refused: true, ..Peer::new(name, chance) }
    }

    /// When it wants to act next.
    pub fn next_due(&self) -> Option<Mono> {
        if self.dead_until.is_some() {
            return self.dead_until;
        }
        let Some(connected) = &self.connected else { return Some(self.connect_at) };
        let said = connected.jobs.values().filter_map(|job| job.script.front().map(|(at, _)| *at));
        connected.outward.front().map(|(at, _)| *at).into_iter().chain(said).min()
    }

    /// The connection breaks; it comes back after a while.
    pub fn cut(&mut self, now: Mono, net: &SimNet, chance: &mut fastrand::Rng) {
        if let Some(connected) = self.connected.take() {
            net.cut(connected.id);
            self.connect_at = now + Duration::from_millis(chance.u64(100..15_000));
        }
    }

    /// Its machine dies: what it ran is gone, and nobody tells the master. It is started again after a while.
    pub fn die(&mut self, now: Mono, chance: &mut fastrand::Rng) {
        if self.connected.take().is_some() {
            self.dead_until = Some(now + Duration::from_millis(chance.u64(100..90_000)));
        }
    }

    /// Moves bytes and time on. True if anything moved.
    pub fn act(&mut self, now: Mono, net: &SimNet, chance: &mut fastrand::Rng) -> bool {
        match self.dead_until {
            Some(until) if now < until => return false,
            Some(until) => (self.dead_until, self.connect_at) = (None, until),
            None => {}
        }
        let Some(connected) = &mut self.connected else {
            if now < self.connect_at {
                return false;
            }
            match net.connect("10.0.0.7:4000".parse().expect("an address")) {
                Some(id) => self.connected = Some(Connected::new(id, &self.name, &self.password)),
                None => self.connect_at = now + Duration::from_secs(2),
            }
            return true;
        };
        if net.is_ended(connected.id) {
            self.cut(now, net, chance);
            return true;
        }
        let arrived = net.receive(connected.id, self.appetite);
        let mut moved = !arrived.is_empty();
        connected.session.push(&arrived);
        loop {
            match connected.session.next_event() {
                Ok(Some(event)) => {
                    let refused = connected.heard(event, now, chance, &mut self.offences);
                    if let Some(failure) = refused.filter(|_| !self.may_be_refused) {
                        self.offences.push(format!("the master refused a worker: {failure}"));
                    }
                }
                Ok(None) => break,
                Err(fatal) => {
                    self.offences.push(format!("{}: the master broke the protocol: {fatal}", self.name));
                    self.cut(now, net, chance);
                    return true;
                }
            }
        }
        if connected.is_leaving {
            self.cut(now, net, chance);
            return true;
        }
        moved |= connected.speak(now);
        self.busiest = self.busiest.max(connected.jobs.len());
        let out = connected.session.take_output();
        if !out.is_empty() {
            connected.outward.push_back((now + self.lag, out.to_vec()));
            moved = true;
        }
        while connected.outward.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, bytes)) = connected.outward.pop_front() {
                net.send(connected.id, &bytes);
                moved = true;
            }
        }
        moved
    }
}

impl Connected {
    fn new(id: ConnectionId, name: &str, password: &str) -> Connected {
        Connected {
            id,
            session: Session::client(),
            login: ClientLogin::new(name, password.into(), Some(BOT), 0),
            builders: BTreeMap::new(),
            last_key: BOT,
            jobs: BTreeMap::new(),
            last_token: 0,
            is_leaving: false,
            outward: VecDeque::new(),
        }
    }

    /// Takes what the master says; returns why it does not let the worker in, if it does not.
    fn heard(
        &mut self,
        event: Event,
        now: Mono,
        chance: &mut fastrand::Rng,
        offences: &mut Vec<String>,
    ) -> Option<Failure> {
        match self.login.on_event(event, &mut self.session) {
            LoginProgress::Waiting | LoginProgress::LoggedIn { .. } => {}
            LoginProgress::Refused(failure) => return Some(failure),
            LoginProgress::Pass(Event::Call(call)) => self.called(call, now, chance, offences),
            LoginProgress::Pass(Event::Answered { result: Err(failure), .. }) => {
                offences.push(format!("the master failed an update: {failure}"));
            }
            LoginProgress::Pass(_) => {}
        }
        None
    }

    fn called(&mut self, call: Call, now: Mono, chance: &mut fastrand::Rng, offences: &mut Vec<String>) {
        let Target::Key(object) = call.object else { return };
        let answer = match (object, call.method.as_str()) {
            (BOT, "getWorkerInfo") => info(),
            (BOT, "setBuilderList") => self.set_builders(&call),
            (BOT, "shutdown") => {
                self.is_leaving = true;
                Value::None
            }
            (builder, "startCommand") if builder > BOT => {
                self.start(builder, &call, now, chance, offences);
                Value::None
            }
            (builder, "interruptCommand") if builder > BOT => {
                if let Some(job) = self.jobs.get_mut(&builder).filter(|job| job.interruptible) {
                    let rc = Say::Update(vec![("rc", Value::Int(-1))]);
                    job.script = VecDeque::from([(now, rc), (now, Say::Complete)]);
                    job.interruptible = false;
                }
                Value::None
            }
            _ => Value::None,
        };
        self.session.answer(call.request, &answer);
    }

    /// New names get new objects, as the real worker does; what was listed before keeps its own.
    fn set_builders(&mut self, call: &Call) -> Value {
        let wanted = call.args.first().and_then(Value::as_items).unwrap_or_default();
        let names: Vec<String> =
            wanted.iter().filter_map(|pair| pair.as_items()?.first()?.as_str().map(str::to_owned)).collect();
        self.builders.retain(|_, name| names.contains(name));
        let mut references = Vec::new();
        for name in names {
            let known = self.builders.iter().find(|(_, listed)| **listed == name).map(|(key, _)| *key);
            let key = known.unwrap_or_else(|| {
                self.last_key += 1;
                self.builders.insert(self.last_key, name.clone());
                self.last_key
            });
            references.push((Value::text(name), Value::local(key)));
        }
        Value::dict(references)
    }

    fn start(
        &mut self,
        builder: u64,
        call: &Call,
        now: Mono,
        chance: &mut fastrand::Rng,
        offences: &mut Vec<String>,
    ) {
        let Some(command) = call.args.first().and_then(Value::as_remote) else {
            return offences.push("startCommand without an object to report to".to_owned());
        };
        if self.jobs.contains_key(&builder) {
            offences.push(format!("a second command at once for builder {:?}", self.builders.get(&builder)));
        }
        let name = call.args.get(2).and_then(Value::as_str).unwrap_or_default();
        let words = call.args.get(3).map(command_words).unwrap_or_default();
        let script = script(name, &words, now, chance);
        self.jobs.insert(builder, Job { command, script, interruptible: true });
    }

    /// Says what is due.
    fn speak(&mut self, now: Mono) -> bool {
        let mut spoken = false;
        let mut ended = Vec::new();
        for (builder, job) in &mut self.jobs {
            while job.script.front().is_some_and(|(at, _)| *at <= now) {
                let Some((_, say)) = job.script.pop_front() else { break };
                self.last_token += 1;
                let (method, args) = match say {
                    Say::Update(updates) => ("update", vec![update(updates)]),
                    Say::Complete => ("complete", vec![Value::None]),
                };
                // Too many unanswered calls: as a real worker it would wait; here it is an offence to be seen.
                spoken |= self.session.call(job.command, method, &args, &[], self.last_token).is_ok();
            }
            if job.script.is_empty() {
                ended.push(*builder);
            }
        }
        for builder in ended {
            self.jobs.remove(&builder);
        }
        spoken
    }
}

fn info() -> Value {
    let commands = [
        "shell",
        "stat",
        "mkdir",
        "rmdir",
        "cpdir",
        "rmfile",
        "glob",
        "listdir",
        "uploadFile",
        "downloadFile",
    ];
    let commands = commands.map(|name| (Value::text(name), Value::text("3.3")));
    Value::dict([
        (Value::text("version"), Value::text("4.3.0")),
        (Value::text("system"), Value::text("posix")),
        (Value::text("basedir"), Value::text("/home/worker")),
        (Value::text("environ"), Value::Dict(Vec::new())),
        (Value::text("worker_commands"), Value::dict(commands)),
    ])
}

fn command_words(args: &Value) -> Vec<String> {
    match args.get("command") {
        Some(Value::Text(line)) => vec![line.to_string()],
        Some(words) => words
            .as_items()
            .unwrap_or_default()
            .iter()
            .filter_map(|word| word.as_str().map(str::to_owned))
            .collect(),
        None => Vec::new(),
    }
}

fn update(updates: Vec<(&'static str, Value)>) -> Value {
    let entry = Value::dict(updates.into_iter().map(|(key, value)| (Value::text(key), value)));
    Value::List(vec![Value::List(vec![entry, Value::Int(0)])])
}

/// What a command says, and when.
fn script(name: &str, words: &[String], now: Mono, chance: &mut fastrand::Rng) -> VecDeque<(Mono, Say)> {
    let mut script = VecDeque::new();
    let mut at = now;
    let has = |word: &str| words.iter().any(|other| other == word);
    let out = |text: &str| Say::Update(vec![("stdout", Value::text(text.to_owned()))]);
    let rc = |code| Say::Update(vec![("rc", Value::Int(code))]);
    if name != "shell" {
        // Nothing is there yet: a source step clones.
        script.push_back((at, rc(if name == "stat" { 2 } else { 0 })));
    } else if has("git") {
        let text = match () {
            () if has("--version") => "git version 2.47.3\n",
            () if has("rev-parse") => "0123456789abcdef0123456789abcdef01234567\n",
            () => "",
        };
        script.push_back((at, out(text)));
        script.push_back((at, rc(0)));
    } else {
        for line in 0..chance.u32(0..6) {
            at = at + Duration::from_millis(chance.u64(0..6_000));
            script.push_back((at, out(&format!("line {line}\n").repeat(chance.usize(1..50)))));
        }
        script.push_back((at, rc(i64::from(chance.u32(0..5) == 0))));
        script.push_back((at, Say::Update(vec![("elapsed", Value::from(1.0))])));
    }
    script.push_back((at, Say::Complete));
    script
}
