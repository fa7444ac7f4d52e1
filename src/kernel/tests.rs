//! The kernel's promises, on threads and in the simulator.

use super::supervise::{Importance, Notice, Supervision, Verdict};
use super::*;
use crate::config::Config;
use crate::model::Mono;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn quiet() -> slog::Logger {
    slog::Logger::root(slog::Discard, slog::o!())
}

/// A counter below: adds, answers its sum, panics when told.
#[derive(Default)]
struct Counter {
    sum: u64,
    seen: Arc<Mutex<Vec<String>>>,
    /// It cannot have its configuration.
    refuses: bool,
}

enum CounterMsg {
    Wait(crossbeam_channel::Receiver<()>),
    Add(u64),
    Sum(Reply<u64>),
    Panic,
}

impl Ranked for Counter {
    const RANK: u8 = 20;
    const NAME: &'static str = "counter";
}

impl Service for Counter {
    type Msg = CounterMsg;

    fn prepare(&mut self, _: &Arc<Config>, _: &mut Turn) -> Result<(), Vec<Refusal>> {
        match self.refuses {
            true => Err(vec![Refusal { service: Self::NAME, what: "no room".into() }]),
            false => Ok(()),
        }
    }

    fn apply(&mut self, _: &Arc<Config>, _: &mut Turn) {
        self.seen.lock().unwrap().push("apply".into());
    }

    fn handle(&mut self, msg: CounterMsg, _: &mut Turn) {
        match msg {
            CounterMsg::Add(n) => {
                self.sum += n;
                self.seen.lock().unwrap().push("add".into());
            }
            CounterMsg::Wait(until) => until.iter().for_each(drop),
            CounterMsg::Sum(reply) => reply.send(self.sum),
            CounterMsg::Panic => panic!("told to"),
        }
    }

    fn overrun(&mut self, _: &mut Turn) {
        self.seen.lock().unwrap().push("overrun".into());
    }

    fn stop(&mut self, _: &mut Turn) {
        self.seen.lock().unwrap().push("stop".into());
    }
}

/// Someone above, who asks the counter when its timer rings.
struct Asker {
    counter: Address<Asker, Counter>,
    answers: Arc<Mutex<Vec<(Mono, u64)>>>,
    next: Option<Mono>,
}

impl Ranked for Asker {
    const RANK: u8 = 50;
    const NAME: &'static str = "asker";
}

impl Service for Asker {
    type Msg = ();

    fn apply(&mut self, _: &Arc<Config>, _: &mut Turn) {}

    fn handle(&mut self, (): (), turn: &mut Turn) {
        self.next = Some(turn.now() + Duration::from_secs(5));
    }

    fn next_wake(&self) -> Option<Mono> {
        self.next
    }

    fn wake(&mut self, turn: &mut Turn) {
        self.next = None;
        for n in 0..10 {
            self.counter.push(CounterMsg::Add(n)).unwrap();
        }
        let sum = self.counter.call(CounterMsg::Sum).unwrap();
        self.answers.lock().unwrap().push((turn.now(), sum));
    }
}

struct Test;
impl Ranked for Test {
    const RANK: u8 = 100;
    const NAME: &'static str = "test";
}

#[test]
fn in_the_simulator_a_waiting_call_takes_the_callees_turns() {
    let mut sim = sim::Sim::new(1, quiet());
    // Room for two messages only: the pushes have to wait, which here means to step the counter.
    let (counter_door, counter_inbox) = sim.mailbox::<Counter>(2, None);
    let (asker_door, asker_inbox) = sim.mailbox::<Asker>(2, None);
    let answers = Arc::default();
    sim.add(Counter::default(), counter_inbox);
    let asker = Asker { counter: counter_door.address(), answers: Arc::clone(&answers), next: None };
    sim.add(asker, asker_inbox);

    asker_door.hint(|()| ()).tell(());
    while sim.step() {}
    assert_eq!(sim.next_wake(), Some(Mono(Duration::from_secs(5))));
    sim.advance(Duration::from_secs(5));
    while sim.step() {}
    assert_eq!(*answers.lock().unwrap(), [(Mono(Duration::from_secs(5)), 45)]);
}

#[test]
fn a_crash_of_the_simulated_process_makes_its_services_gone() {
    let mut sim = sim::Sim::new(1, quiet());
    let (door, inbox) = sim.mailbox::<Counter>(2, None);
    sim.add(Counter::default(), inbox);
    sim.crash();
    assert_eq!(door.address::<Test>().call(CounterMsg::Sum), Err(Gone("counter")));
}

#[test]
fn a_full_inbox_drops_hints_with_an_overrun_and_hands_offers_back() {
    let mut sim = sim::Sim::new(1, quiet());
    let (door, inbox) = sim.mailbox::<Counter>(1, None);
    let seen = Arc::default();
    sim.add(Counter { seen: Arc::clone(&seen), ..Counter::default() }, inbox);
    let offer = door.offer(CounterMsg::Add, |msg| match msg {
        CounterMsg::Add(n) => Some(n),
        CounterMsg::Wait(_) | CounterMsg::Sum(_) | CounterMsg::Panic => None,
    });
    assert_eq!(offer.offer(1), Ok(()));
    assert_eq!(offer.offer(2), Err(Some(2)));
    door.hint(CounterMsg::Add).tell(3);
    while sim.step() {}
    assert_eq!(*seen.lock().unwrap(), ["add", "overrun"]);
    assert_eq!(door.address::<Test>().call(CounterMsg::Sum), Ok(1));
}

#[test]
fn control_comes_before_data_and_a_stop_is_the_last_turn() {
    let mut sim = sim::Sim::new(1, quiet());
    let (door, inbox) = sim.mailbox::<Counter>(8, None);
    let seen = Arc::default();
    sim.add(Counter { seen: Arc::clone(&seen), ..Counter::default() }, inbox);
    for n in 0..8 {
        door.address::<Test>().push(CounterMsg::Add(n)).unwrap();
    }
    sim.control(&door, Control::Stop).unwrap();
    assert!(!sim.step());
    assert_eq!(*seen.lock().unwrap(), ["stop"]);
    assert_eq!(door.address::<Test>().call(CounterMsg::Sum), Err(Gone("counter")));
}

#[test]
fn a_stop_waits_for_one_message_at_most() {
    let (door, inbox) = mailbox::<Counter>(8, None);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (notices, _) = crossbeam_channel::unbounded();
    let for_service = Arc::clone(&seen);
    let make = move || Counter { seen: Arc::clone(&for_service), ..Counter::default() };
    let (open, gate) = crossbeam_channel::bounded(0);
    let address = door.address::<Test>();
    address.push(CounterMsg::Wait(gate)).unwrap();
    address.push(CounterMsg::Add(1)).unwrap();
    let mail = inbox.clone();
    let running = host::start(make, inbox, World::real(), quiet(), Importance::Vital, notices).unwrap();
    // Taken only once the service is at its first message.
    open.send(()).unwrap();
    let stopper = thread::spawn("stopper", move || door.command(Control::Stop)).unwrap();
    while !mail.has_control() {
        std::hint::spin_loop();
    }
    drop(open);
    stopper.join().unwrap().unwrap();
    running.join().unwrap();
    assert_eq!(*seen.lock().unwrap(), ["stop"]);
}

#[test]
fn a_service_that_nobody_can_speak_to_any_more_ends() {
    let (door, inbox) = mailbox::<Counter>(8, None);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (notices, _) = crossbeam_channel::unbounded();
    let for_service = Arc::clone(&seen);
    let make = move || Counter { seen: Arc::clone(&for_service), ..Counter::default() };
    let running = host::start(make, inbox, World::real(), quiet(), Importance::Vital, notices).unwrap();
    door.address::<Test>().push(CounterMsg::Add(1)).unwrap();
    drop(door);
    running.join().unwrap();
    assert_eq!(*seen.lock().unwrap(), ["add", "stop"]);
}

#[test]
fn a_panic_of_a_restartable_service_starts_it_anew_with_its_configuration() {
    let (door, inbox) = mailbox::<Counter>(8, None);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (notices, heard) = crossbeam_channel::unbounded();
    let for_service = Arc::clone(&seen);
    let make = move || Counter { seen: Arc::clone(&for_service), ..Counter::default() };
    let _running =
        host::start(make, inbox, World::real(), quiet(), Importance::Restartable, notices).unwrap();
    door.command(|reply| Control::Apply(Arc::new(Config::empty()), reply)).unwrap();
    let address = door.address::<Test>();
    address.push(CounterMsg::Add(7)).unwrap();
    address.push(CounterMsg::Panic).unwrap();
    assert_eq!(address.call(CounterMsg::Sum), Ok(0));
    assert_eq!(*seen.lock().unwrap(), ["apply", "add", "apply"]);
    let told = Notice::Restarting { service: "counter".into(), cause: "told to".into() };
    assert_eq!(heard.recv().unwrap(), told);
}

#[test]
fn a_service_that_cannot_have_its_configuration_after_a_panic_is_started_once_more() {
    let (door, inbox) = mailbox::<Counter>(8, None);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (notices, _heard) = crossbeam_channel::unbounded();
    let (for_service, made) = (Arc::clone(&seen), AtomicUsize::new(0));
    let make = move || {
        let refuses = made.fetch_add(1, Ordering::Relaxed) == 1;
        Counter { sum: 0, seen: Arc::clone(&for_service), refuses }
    };
    let _running =
        host::start(make, inbox, World::real(), quiet(), Importance::Restartable, notices).unwrap();
    door.command(|reply| Control::Apply(Arc::new(Config::empty()), reply)).unwrap();
    let address = door.address::<Test>();
    address.push(CounterMsg::Panic).unwrap();
    assert_eq!(address.call(CounterMsg::Sum), Ok(0));
    assert_eq!(*seen.lock().unwrap(), ["apply", "apply"]);
}

#[test]
fn a_panic_of_a_vital_service_is_told_and_its_callers_learn_that_it_is_gone() {
    let (door, inbox) = mailbox::<Counter>(8, None);
    let (notices, heard) = crossbeam_channel::unbounded();
    let _running =
        host::start(Counter::default, inbox, World::real(), quiet(), Importance::Vital, notices).unwrap();
    let address = door.address::<Test>();
    address.push(CounterMsg::Panic).unwrap();
    assert_eq!(address.call(CounterMsg::Sum), Err(Gone("counter")));
    let told = Notice::Failed { service: "counter".into(), cause: "told to".into(), vital: true };
    assert_eq!(heard.recv().unwrap(), told);
}

#[test]
fn restarts_back_off_and_end() {
    let mut supervision = Supervision::default();
    let at = |seconds| Mono(Duration::from_secs(seconds));
    let judge =
        |supervision: &mut Supervision, seconds| supervision.panicked(Importance::Restartable, at(seconds));
    assert_eq!(judge(&mut supervision, 0), Verdict::RestartAfter(Duration::from_millis(500)));
    assert_eq!(judge(&mut supervision, 1), Verdict::RestartAfter(Duration::from_secs(1)));
    assert_eq!(judge(&mut supervision, 2), Verdict::RestartAfter(Duration::from_secs(2)));
    assert_eq!(judge(&mut supervision, 3), Verdict::GiveUp);
    // A minute later the slate is clean.
    assert_eq!(judge(&mut supervision, 90), Verdict::RestartAfter(Duration::from_millis(500)));
}

#[test]
fn timers_ring_in_order_and_once() {
    let mut timers = Timers::default();
    timers.set("late", Mono(Duration::from_secs(2)));
    timers.set("early", Mono(Duration::from_secs(1)));
    timers.set("moved", Mono(Duration::from_secs(9)));
    timers.set("moved", Mono(Duration::from_secs(3)));
    timers.set("cancelled", Mono(Duration::from_secs(1)));
    timers.cancel(&"cancelled");
    let mut rung = Vec::new();
    while let Some(key) = timers.pop_due(Mono(Duration::from_secs(5))) {
        rung.push(key);
    }
    assert_eq!(rung, ["early", "late", "moved"]);
    assert_eq!(timers.next(), None);
}

#[test]
fn a_seed_replays() {
    let draw = |seed| World::virtual_from(seed).branch("botmaster").chance().u64(..);
    assert_eq!(draw(7), draw(7));
    assert_ne!(draw(7), draw(8));
    assert_ne!(draw(7), World::virtual_from(7).branch("db").chance().u64(..));
}
