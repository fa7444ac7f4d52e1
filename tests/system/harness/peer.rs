//! A worker of the test's own. It speaks the wire soundly until it is told to say something else: what a real worker
//! never would.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bellwether::pb::banana::{Dialect, Encoder, Sexp};
use bellwether::pb::{Call, ClientLogin, Event, Failure, LoginProgress, Luid, Session, Target, Value};

/// The key of the object that the master calls; those of its builders count on from there.
const BOT: u64 = 1;

/// What its login's calls are marked with, and its other calls.
const LOGIN: u64 = 0;
const OTHER: u64 = 1;

/// How long it waits for the master.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command that the master has started.
pub struct Started {
    /// The master's object that hears of it.
    pub object: Luid,
    /// Its arguments.
    pub args: Value,
}

/// See the module.
pub struct Peer {
    pub stream: TcpStream,
    session: Session,
    login: ClientLogin,
    builders: u64,
    /// The master's object for it.
    avatar: Option<Luid>,
    started: VecDeque<Started>,
    interrupted: usize,
    answers: VecDeque<Result<Value, Failure>>,
}

impl Peer {
    /// Logs in, and waits until the master has greeted it and lets it in.
    #[track_caller]
    pub fn attach(port: u16, name: &str, password: &str) -> Peer {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the port is open");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        stream.set_nodelay(true).expect("a setting");
        let mut peer = Peer {
            stream,
            session: Session::client(),
            login: ClientLogin::new(name, password.into(), Some(BOT), LOGIN),
            builders: BOT,
            avatar: None,
            started: VecDeque::new(),
            interrupted: 0,
            answers: VecDeque::new(),
        };
        peer.serve("a login", |peer| peer.avatar.is_some());
        peer
    }

    /// Answers the master until something has happened.
    #[track_caller]
    fn serve(&mut self, what: &str, happened: impl Fn(&Peer) -> bool) {
        let mut buffer = [0; 16 << 10];
        while !happened(self) {
            let output = self.session.take_output();
            self.stream.write_all(&output).unwrap_or_else(|error| panic!("before {what}: {error}"));
            let count =
                self.stream.read(&mut buffer).unwrap_or_else(|error| panic!("before {what}: {error}"));
            assert!(count > 0, "the master closed the connection before {what}");
            self.session.push(&buffer[..count]);
            while let Some(event) = self.session.next_event().expect("the master speaks soundly") {
                match self.login.on_event(event, &mut self.session) {
                    LoginProgress::Waiting => {}
                    LoginProgress::LoggedIn { avatar } => self.avatar = Some(avatar),
                    LoginProgress::Refused(failure) => panic!("the login is refused: {failure}"),
                    LoginProgress::Pass(Event::Call(call)) => self.called(call),
                    LoginProgress::Pass(Event::Answered { result, .. }) => self.answers.push_back(result),
                    LoginProgress::Pass(Event::Ready | Event::Released { .. }) => {}
                }
            }
        }
        let output = self.session.take_output();
        self.stream.write_all(&output).unwrap_or_else(|error| panic!("after {what}: {error}"));
    }

    fn called(&mut self, call: Call) {
        let answer = match (call.object, call.method.as_str()) {
            (Target::Key(BOT), "getWorkerInfo") => {
                let commands = ["shell", "uploadFile", "uploadDirectory", "downloadFile", "stat"];
                Value::dict([
                    ("version", "4.3.0".into()),
                    ("system", "posix".into()),
                    ("basedir", "/nowhere".into()),
                    ("worker_commands", Value::dict(commands.map(|name| (name, "3.3")))),
                ])
            }
            (Target::Key(BOT), "setBuilderList") => {
                let listed = call.args.first().and_then(Value::as_items).unwrap_or_default();
                let names = listed.iter().filter_map(|pair| pair.as_items()?.first().cloned());
                let builders = names.map(|name| {
                    self.builders += 1;
                    (name, Value::local(self.builders))
                });
                Value::dict(builders.collect::<Vec<_>>())
            }
            (_, "startCommand") => {
                let object = call.args[0].as_remote().expect("an object to report to");
                self.started.push_back(Started { object, args: call.args[3].clone() });
                Value::None
            }
            (_, "interruptCommand") => {
                self.interrupted += 1;
                Value::None
            }
            _ => Value::None,
        };
        self.session.answer(call.request, &answer);
    }

    /// Waits for a command.
    #[track_caller]
    pub fn command(&mut self) -> Started {
        self.serve("a command", |peer| !peer.started.is_empty());
        self.started.pop_front().expect("it has started")
    }

    /// Waits until the master interrupts a command.
    #[track_caller]
    pub fn is_interrupted(&mut self) {
        self.serve("an interrupt", |peer| peer.interrupted > 0);
        self.interrupted -= 1;
    }

    /// Calls an object of the master's and waits for the answer.
    #[track_caller]
    pub fn ask(&mut self, object: Luid, method: &str, args: &[Value]) -> Result<Value, Failure> {
        self.session.call(object, method, args, &[], OTHER).expect("it can be sent");
        self.serve(method, |peer| !peer.answers.is_empty());
        self.answers.pop_front().expect("an answer")
    }

    /// Ends a command with this code.
    #[track_caller]
    pub fn end(&mut self, object: Luid, code: i64) {
        let rc = Value::list([Value::list([Value::dict([("rc", Value::Int(code))]), Value::Int(0)])]);
        self.ask(object, "update", &[rc]).expect("it is heard");
        self.ask(object, "complete", &[Value::None]).expect("it is heard");
    }

    /// Sends bytes as they are. The master may close the connection before all are sent.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Sends the same again and again, until the master takes no more for a while.
    pub fn send_all_that_is_taken(&mut self, bytes: &[u8]) {
        self.stream.set_write_timeout(Some(Duration::from_secs(1))).expect("a time-out");
        while self.stream.write_all(bytes).is_ok() {}
    }

    /// Whether the master closes the connection.
    pub fn is_closed(&mut self) -> bool {
        is_closed(&mut self.stream)
    }
}

/// Whether the master closes the connection.
pub fn is_closed(stream: &mut TcpStream) -> bool {
    let mut answer = [0; 4096];
    loop {
        match stream.read(&mut answer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe),
        }
    }
}

/// A call of an object of the master's, in the bytes of the wire. `args` is as it is sent, sound or not.
pub fn message(object: i64, method: &str, args: Sexp, wants_answer: bool) -> Vec<u8> {
    let fields = [
        word("message"),
        Sexp::Int(1_000_000),
        Sexp::Int(object),
        word(method),
        Sexp::Int(wants_answer.into()),
        args,
        list("dictionary", []),
    ];
    bytes(&Sexp::List(fields.into()))
}

/// Any expression in the bytes of the wire.
pub fn bytes(sexp: &Sexp) -> Vec<u8> {
    let mut encoder = Encoder::new(Dialect::Pb);
    encoder.sexp(sexp).expect("it can be said");
    encoder.take().to_vec()
}

/// The argument of an `update` with one piece of standard output.
pub fn said(text: &str) -> Sexp {
    let pair = Sexp::List(vec![list("unicode", [word("stdout")]), list("unicode", [word(text)])]);
    let entry = list("list", [list("dictionary", [pair]), Sexp::Int(0)]);
    list("tuple", [list("list", [entry])])
}

pub fn word(word: &str) -> Sexp {
    Sexp::Bytes(word.to_owned().into())
}

pub fn list(first: &str, rest: impl IntoIterator<Item = Sexp>) -> Sexp {
    Sexp::List(std::iter::once(word(first)).chain(rest).collect())
}
