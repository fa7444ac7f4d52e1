//! The outbox as a value, and the reporter against a small relay of the test's own.

use super::letter::{self, Letter};
use super::outbox::{Outbox, Undelivered};
use super::{Orders, Parts, Shared, doorbell, start};
use crate::botmaster::latent::Standing;
use crate::botmaster::latent::instance::Phase;
use crate::botmaster::{Slot, SlotState, Snapshot, WorkerState, WorkerStatus, WorkerWish};
use crate::config::{Config, ReporterKind, load_text};
use crate::kernel::{World, thread};
use crate::model::{BuildId, BuildsetId, Event, Mono, RequestId, Wall};
use crate::schedulers::{ForceRequest, SchedulerStatus};
use crate::status::hub::Hub;
use crate::status::limits::LETTERS;
use crate::status::web::actions::{Actions, Refused};
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

fn letter(to: &str) -> Letter {
    Letter { to: to.to_owned(), subject: String::new(), body: String::new() }
}

fn at(seconds: u64) -> Mono {
    Mono(Duration::from_secs(seconds))
}

#[test]
fn while_the_relay_is_away_letters_wait_in_order_and_are_tried_less_and_less_often() {
    let mut outbox = Outbox::default();
    assert!(outbox.add(letter("a")) && outbox.add(letter("b")));
    let (mut now, mut pauses) = (at(0), Vec::new());
    for _ in 0..11 {
        assert_eq!(outbox.due(now), Some(&letter("a")));
        outbox.tried(Err(Undelivered::Later("nobody listens".to_owned())), now);
        assert_eq!(outbox.due(now), None);
        let next = outbox.next_try().unwrap();
        pauses.push(next.since(now).as_secs());
        now = next;
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    assert_eq!(outbox.trouble().as_deref(), Some("nobody listens; letters that wait: 2"));
    outbox.tried(Ok(()), now);
    assert_eq!((outbox.due(now), outbox.trouble()), (Some(&letter("b")), None));
}

#[test]
fn a_letter_that_is_refused_for_good_holds_up_no_other() {
    let mut outbox = Outbox::default();
    assert!(outbox.add(letter("a")) && outbox.add(letter("b")));
    outbox.tried(Err(Undelivered::Never("no such user".to_owned())), at(0));
    assert_eq!(outbox.due(at(0)), Some(&letter("b")));
    let trouble = "a letter to a was refused: no such user; letters that wait: 1";
    assert_eq!(outbox.trouble().as_deref(), Some(trouble));
}

#[test]
fn letters_without_room_are_counted_and_told() {
    let mut outbox = Outbox::default();
    assert!((0..LETTERS).all(|_| outbox.add(letter("a"))));
    assert!(!outbox.add(letter("b")));
    assert!(outbox.trouble().unwrap().ends_with("letters for which there was no room: 1"));
}

/// Rooms below that know of one worker, which is missing.
struct Missing(Wall);

impl Actions for Missing {
    fn force(&self, _: ForceRequest) -> Result<BuildsetId, Refused> {
        Err(Refused::NotPossible(String::new()))
    }

    fn stop(&self, _: BuildId, _: &str, _: &str) -> Result<(), Refused> {
        Err(Refused::NotPossible(String::new()))
    }

    fn rebuild(&self, _: BuildId, _: &str) -> Result<BuildsetId, Refused> {
        Err(Refused::NotPossible(String::new()))
    }

    fn cancel(&self, _: RequestId, _: &str, _: &str) -> Result<(), Refused> {
        Err(Refused::NotPossible(String::new()))
    }

    fn steer_worker(&self, _: &str, _: WorkerWish) -> Result<(), Refused> {
        Err(Refused::NotPossible(String::new()))
    }

    fn enable_scheduler(&self, _: &str, _: bool) -> Result<(), Refused> {
        Err(Refused::NotPossible(String::new()))
    }

    fn snapshot(&self) -> Result<Snapshot, Refused> {
        Ok(Snapshot { workers: vec![missing(self.0)], ..Snapshot::default() })
    }

    fn schedulers(&self) -> Result<Vec<SchedulerStatus>, Refused> {
        Ok(Vec::new())
    }
}

/// A worker that is missing.
fn missing(since: Wall) -> WorkerStatus {
    WorkerStatus {
        name: "w 1".to_owned(),
        state: WorkerState::Away,
        instance: None,
        pause: None,
        quarantined_until: None,
        missing_since: Some(since),
        connects: 0,
        graceful: false,
        running: 0,
        max_builds: None,
        builders: vec![Slot { builder: "b".to_owned(), state: SlotState::Away }],
        trouble: None,
        protocol: None,
        heard_at: None,
    }
}

/// What the relay answers to a letter's address.
type Judge = fn(letters_before: usize, to: &str) -> &'static str;

/// A relay that sends on what it is given: each letter as it came, after its address.
fn relay(judge: Judge) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (letters, received) = unbounded();
    thread::spawn("relay", move || {
        let mut count = 0;
        for stream in listener.incoming() {
            converse(stream.unwrap(), judge, &mut count, &letters);
        }
    })
    .unwrap();
    (address, received)
}

fn converse(mut stream: TcpStream, judge: Judge, count: &mut usize, letters: &Sender<String>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut answer = |text: &str| stream.write_all(format!("{text}\r\n").as_bytes()).unwrap();
    answer("220 relay.example.org");
    let mut envelope = String::new();
    while let Some(Ok(line)) = lines.next() {
        let verb = line.split([' ', ':']).next().unwrap_or_default();
        match verb {
            "RCPT" => {
                envelope = line.replace("RCPT TO:", "");
                answer(judge(*count, &envelope));
                *count += 1;
            }
            "DATA" => {
                answer("354 go on");
                let text: Vec<String> =
                    lines.by_ref().map(|line| line.unwrap()).take_while(|line| line != ".").collect();
                let _ = letters.send(format!("{envelope}\n{}", text.join("\n")));
                answer("250 taken");
            }
            _ => answer("250 relay.example.org"),
        }
    }
}

/// A configuration whose one worker tells these addresses, by mail through this relay.
fn config(relay: SocketAddr, addresses: &str) -> Arc<Config> {
    let text = format!(
        "title: CI\nurl: https://ci.example.org/\ntimezone: UTC\npb: {{listen: 9989}}\n\
         workers: [{{name: w 1, password: pw, notify_on_missing: {addresses}}}]\n\
         builders: [{{name: b, workers: w 1, steps: []}}]\n\
         schedulers: [{{type: force, name: f, builders: [b]}}]\n\
         reporters: [{{type: mail, from: CI <ci@example.org>, relay: '{relay}'}}]\n"
    );
    let loaded = load_text("m.yaml", &text);
    Arc::new(loaded.unwrap_or_else(|complaints| panic!("{complaints:#?}")).config)
}

/// A reporter under test, with the hub that it listens to.
fn reporter(config: &Arc<Config>) -> (Hub, super::Mailer, Receiver<()>) {
    let mut hub = Hub::default();
    let (rung, bell) = doorbell();
    let parts = Parts {
        news: hub.subscribe(8, Some(bell)),
        rung,
        actions: Arc::new(Missing(Wall::from_seconds(1_767_225_600))),
        outbox: Shared::default(),
        world: World::real(),
        log: slog::Logger::root(slog::Discard, slog::o!()),
    };
    let (end, ended) = unbounded();
    let mailer = start(orders(config), parts, move || drop(end)).unwrap();
    (hub, mailer, ended)
}

fn orders(config: &Arc<Config>) -> Orders {
    let ReporterKind::Mail(mail) = &config.reporters[0].kind;
    Orders { mail: mail.clone(), config: config.clone() }
}

/// Longer than any of this takes on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn each_address_is_told_once_that_a_worker_is_missing() {
    let (address, letters) = relay(|_, _| "250 yes");
    let config = config(address, "[ops@example.org, Ada <ada@example.org>]");
    let (mut hub, mailer, _) = reporter(&config);
    hub.tell(Event::WorkerMissing { worker: "w 1".to_owned() });
    let first = letters.recv_timeout(PATIENCE).unwrap();
    assert!(first.starts_with("<ops@example.org>\n"), "{first}");
    for line in [
        "From: CI <ci@example.org>",
        "To: ops@example.org",
        "Subject: [CI] worker w 1 is missing",
        "Auto-Submitted: auto-generated",
        "The worker w 1 is not connected to CI, and was not since 2026-01-01 00:00:0=",
        "Its page: https://ci.example.org/workers/w%201",
    ] {
        assert!(first.lines().any(|found| found.trim_end() == line), "{line}:\n{first}");
    }
    assert!(letters.recv_timeout(PATIENCE).unwrap().starts_with("<ada@example.org>\n"));
    // Who is named later is told too; that the same worker is missing still is no news to the others.
    hub.tell(Event::WorkerMissing { worker: "w 1".to_owned() });
    hub.tell(Event::WorkerConnected { worker: "w 1".to_owned() });
    hub.tell(Event::WorkerMissing { worker: "w 1".to_owned() });
    assert!(letters.recv_timeout(PATIENCE).unwrap().starts_with("<ops@example.org>\n"));
    assert_eq!(mailer.join(), Ok(()));
}

/// It was not lost: it never came (`LT-10`).
#[test]
fn of_a_latent_worker_other_words_are_said() {
    let config = config(SocketAddr::from(([127, 0, 0, 1], 25)), "ops@example.org");
    let at = Wall(1_767_225_600_000_000);
    let instance = Standing { phase: Phase::Stopping, since: at, until: None };
    let trouble = Some("no space left".to_owned());
    let worker = WorkerStatus { instance: Some(instance), trouble, ..missing(at) };
    let letters = letter::missing(&config, &worker, at);
    let wanted = "CI wanted to start the worker w 1 at 2026-01-01 00:00:00 UTC for a build, and it did not come: \
                  no space left.\n";
    assert!(letters[0].body.starts_with(wanted), "{}", letters[0].body);
}

#[test]
fn what_the_relay_does_not_take_now_it_is_given_again() {
    let (address, letters) = relay(|before, to| match (before, to) {
        (0, _) => "451 try again later",
        (_, "<nobody@example.org>") => "550 no such user",
        _ => "250 yes",
    });
    let config = config(address, "[nobody@example.org, ops@example.org]");
    let (_hub, mailer, ended) = reporter(&config);
    // The first try is for later; the second, for the same address, is for never; the next letter goes.
    assert!(letters.recv_timeout(PATIENCE).unwrap().starts_with("<ops@example.org>\n"));
    assert!(letters.is_empty());
    assert_eq!(mailer.join(), Ok(()));
    assert!(ended.is_empty() && ended.recv().is_err());
}

#[test]
fn other_settings_are_in_force_at_once() {
    // A port that was just given back: nobody listens there.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (_hub, mailer, _) = reporter(&config(nobody, "ops@example.org"));
    let (address, letters) = relay(|_, _| "250 yes");
    assert!(mailer.put_in_force(orders(&config(address, "ops@example.org"))));
    assert!(letters.recv_timeout(PATIENCE).unwrap().starts_with("<ops@example.org>\n"));
    assert_eq!(mailer.join(), Ok(()));
}
