//! The service against simulated peers in virtual time, and once against real sockets.

mod bounds;
mod places;
mod tls;

use super::mio_net::MioNet;
use super::sim_net::SimNet;
use super::*;
use crate::config::{Config, Port};
use crate::kernel::sim::Sim;
use crate::kernel::{Control, Door, Refusal, Service, Turn, World, rank};
use crate::pb::{ClientLogin, Event, LoginProgress, Session};
use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

struct Above;
impl Ranked for Above {
    const RANK: u8 = rank::BOTMASTER;
    const NAME: &'static str = "above";
}

fn quiet() -> slog::Logger {
    slog::Logger::root(slog::Discard, slog::o!())
}

fn listening_on(address: &str) -> Arc<Config> {
    let mut config = Config::empty();
    config.pb.listen = vec![address.parse::<SocketAddr>().unwrap().into()];
    Arc::new(config)
}

/// What an owner heard, and whether it has room for more.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<(Vec<News>, bool)>>);

impl Heard {
    #[expect(clippy::result_large_err, reason = "an offer hands the news back as it is")]
    fn offer(&self) -> Offer<News> {
        let heard = self.clone();
        Offer::to_fn(move |news| {
            let (list, full) = &mut *heard.0.lock().unwrap();
            if *full {
                return Err(Some(news));
            }
            list.push(news);
            Ok(())
        })
    }

    fn set_full(&self, full: bool) {
        self.0.lock().unwrap().1 = full;
    }

    fn take(&self) -> Vec<News> {
        std::mem::take(&mut self.0.lock().unwrap().0)
    }
}

/// The service in a simulator with one user, and peers made by hand.
struct House {
    sim: Sim,
    net: SimNet,
    door: Door<service::PbManager>,
    pb: Handle<Above>,
    heard: Heard,
}

impl House {
    fn new() -> House {
        House::with(listening_on("127.0.0.1:9989"))
    }

    fn with(config: Arc<Config>) -> House {
        let mut sim = Sim::new(1, quiet());
        let net = SimNet::new();
        let (door, inbox): (Door<service::PbManager>, _) = sim.mailbox(limits::INBOX_MESSAGES, None);
        sim.add(service::PbManager::new(Box::new(net.clone())), inbox);
        let (pb, heard) = (Handle::new(door.address()), Heard::default());
        let mut house = House { sim, net, door, pb, heard };
        house.reload(config).unwrap();
        house.pb.register("bot", "sekrit".into(), house.heard.offer()).unwrap();
        house
    }

    fn reload(&mut self, config: Arc<Config>) -> Result<(), Vec<Refusal>> {
        let prepared = self.sim.control(&self.door, |reply| Control::Prepare(config.clone(), reply)).unwrap();
        let then =
            |reply| if prepared.is_ok() { Control::Apply(config, reply) } else { Control::Abandon(reply) };
        self.sim.control(&self.door, then).unwrap();
        prepared
    }

    fn settle(&mut self) {
        while self.sim.step() {}
    }

    fn connect(&mut self, user: &str, password: &str) -> Peer {
        let id = self.net.connect("10.0.0.1:5000".parse().unwrap()).unwrap();
        let login = ClientLogin::new(user, password.into(), Some(1), 0);
        Peer { id, session: Session::client(), login, progress: Vec::new() }
    }

    /// Moves bytes both ways until nothing moves.
    fn talk(&mut self, peer: &mut Peer) {
        loop {
            self.settle();
            let arrived = self.net.receive(peer.id, usize::MAX);
            peer.take(&arrived);
            let out = peer.session.take_output();
            if arrived.is_empty() && out.is_empty() {
                return;
            }
            self.net.send(peer.id, &out);
        }
    }
}

struct Peer {
    id: ConnectionId,
    session: Session,
    login: ClientLogin,
    progress: Vec<LoginProgress>,
}

impl Peer {
    /// What it got for its login.
    fn avatar(&self) -> Luid {
        let got = self.progress.iter().find_map(|step| match step {
            LoginProgress::LoggedIn { avatar } => Some(*avatar),
            _ => None,
        });
        got.expect("an admitted peer")
    }

    fn take(&mut self, bytes: &[u8]) {
        let mut events = Vec::new();
        self.session.receive(bytes, &mut events).unwrap();
        for event in events {
            self.progress.push(self.login.on_event(event, &mut self.session));
        }
    }
}

#[test]
fn a_login_is_told_to_the_owner_and_answered_when_it_admits() {
    let mut house = House::new();
    let mut peer = house.connect("bot", "sekrit");
    house.talk(&mut peer);
    let [News::Attached { connection, user, mind: Some(_), .. }] = &house.heard.take()[..] else {
        panic!("not attached")
    };
    assert_eq!(user, "bot");
    assert!(!peer.progress.iter().any(|step| matches!(step, LoginProgress::LoggedIn { .. })));
    house.pb.admit(*connection, 7).unwrap();
    house.talk(&mut peer);
    assert!(peer.progress.iter().any(|step| matches!(step, LoginProgress::LoggedIn { .. })));

    house.net.cut(peer.id);
    house.settle();
    assert!(matches!(&house.heard.take()[..], [News::Detached { .. }]));
}

#[test]
fn a_wrong_password_and_an_unknown_user_are_refused_alike_and_nobody_hears_of_it() {
    for (user, password) in [("bot", "wrong"), ("nobody", "sekrit")] {
        let mut house = House::new();
        let mut peer = house.connect(user, password);
        house.talk(&mut peer);
        let refused = |step: &LoginProgress| match step {
            LoginProgress::Refused(failure) => failure.is_a("twisted.cred.error.UnauthorizedLogin"),
            _ => false,
        };
        assert!(peer.progress.iter().any(refused), "{user}: {:?}", peer.progress);
        house.net.cut(peer.id);
        house.settle();
        assert!(house.heard.take().is_empty());
    }
}

#[test]
fn a_peer_that_does_not_log_in_is_cut_off_in_time() {
    let mut house = House::new();
    let silent = house.net.connect("10.0.0.1:5000".parse().unwrap()).unwrap();
    house.settle();
    house.sim.advance(limits::AUTHENTICATE_WITHIN - Duration::from_millis(1));
    house.settle();
    house.net.receive(silent, usize::MAX);
    assert!(!house.net.is_ended(silent));
    house.sim.advance(Duration::from_millis(1));
    house.settle();
    assert!(house.net.is_ended(silent));
}

#[test]
fn bytes_that_are_no_protocol_cost_only_their_connection() {
    let mut house = House::new();
    let hostile = house.net.connect("10.0.0.1:5000".parse().unwrap()).unwrap();
    house.net.send(hostile, &[0xff; 100]);
    let mut peer = house.connect("bot", "sekrit");
    house.talk(&mut peer);
    house.net.receive(hostile, usize::MAX);
    assert!(house.net.is_ended(hostile));
    assert!(matches!(&house.heard.take()[..], [News::Attached { .. }]));
}

#[test]
fn while_the_owner_has_no_room_the_peer_is_not_read_and_nothing_is_lost() {
    let mut house = House::new();
    let mut peer = house.connect("bot", "sekrit");
    house.talk(&mut peer);
    house.pb.admit(peer.id, 7).unwrap();
    house.talk(&mut peer);
    let avatar = peer.avatar();
    house.heard.take();

    house.heard.set_full(true);
    let big = Value::bytes(vec![b'x'; 100_000]);
    for token in 0..30 {
        peer.session.call(avatar, "shout", std::slice::from_ref(&big), &[], token).unwrap();
        let out = peer.session.take_output();
        house.net.send(peer.id, &out);
        house.settle();
    }
    assert!(house.net.unread(peer.id) > 2_000_000, "unread: {}", house.net.unread(peer.id));

    house.heard.set_full(false);
    house.sim.advance(limits::OFFER_AGAIN_AFTER);
    house.talk(&mut peer);
    let calls = house.heard.take();
    assert_eq!(calls.len(), 30);
    assert_eq!(house.net.unread(peer.id), 0);
}

#[test]
fn a_peer_whose_calls_are_not_answered_is_not_read_for_ever() {
    let mut house = House::new();
    let mut peer = house.connect("bot", "sekrit");
    house.talk(&mut peer);
    house.pb.admit(peer.id, 7).unwrap();
    house.talk(&mut peer);
    let avatar = peer.avatar();
    house.heard.take();
    let big = Value::bytes(vec![b'x'; 500_000]);
    for token in 0..40 {
        peer.session.call(avatar, "shout", std::slice::from_ref(&big), &[], token).unwrap();
        let out = peer.session.take_output();
        house.net.send(peer.id, &out);
        house.settle();
    }
    let mut heard = 0;
    while house.net.unread(peer.id) > 0 {
        let calls = house.heard.take();
        assert!((1..20).contains(&calls.len()), "{} calls of 500 kB wait", calls.len());
        heard += calls.len();
        for news in calls {
            let News::Called { call, .. } = news else { panic!("{news:?}") };
            house.pb.answer(peer.id, call.request, Value::None).unwrap();
        }
        house.talk(&mut peer);
    }
    assert_eq!(heard + house.heard.take().len(), 40);
}

#[test]
fn a_name_that_another_has_registered_since_stays() {
    let mut house = House::new();
    let next = Heard::default();
    house.pb.register("bot", "sekrit".into(), next.offer()).unwrap();
    house.pb.unregister("bot", house.heard.offer()).unwrap();
    let mut peer = house.connect("bot", "sekrit");
    house.talk(&mut peer);
    assert!(matches!(&next.take()[..], [News::Attached { .. }]));
    let owner = next.offer();
    house.pb.register("bot", "sekrit".into(), owner.clone()).unwrap();
    house.pb.unregister("bot", owner).unwrap();
    let mut peer = house.connect("bot", "sekrit");
    house.talk(&mut peer);
    assert!(next.take().is_empty());
}

#[test]
fn a_polite_close_sends_what_waits_and_ends_with_its_reason() {
    let mut house = House::new();
    let mut peer = house.connect("bot", "sekrit");
    house.talk(&mut peer);
    house.pb.admit(peer.id, 7).unwrap();
    house.pb.close(peer.id, "removed from the configuration").unwrap();
    house.talk(&mut peer);
    assert!(peer.progress.iter().any(|step| matches!(step, LoginProgress::LoggedIn { .. })));
    let heard = house.heard.take();
    let Some(News::Detached { reason, .. }) = heard.last() else { panic!("{heard:?}") };
    assert_eq!(reason, "removed from the configuration");
}

#[test]
fn a_peer_that_is_refused_hears_why_and_is_cut_off() {
    let mut house = House::new();
    let mut peer = house.connect("bot", "sekrit");
    house.talk(&mut peer);
    house.pb.refuse(peer.id, Failure::runtime_error("one too many")).unwrap();
    house.talk(&mut peer);
    assert!(peer.progress.iter().any(|step| matches!(step, LoginProgress::Refused(_))));
    assert!(house.net.is_ended(peer.id));
    let heard = house.heard.take();
    let Some(News::Detached { reason, .. }) = heard.last() else { panic!("{heard:?}") };
    assert_eq!(reason, "its login was refused");
}

#[test]
fn real_sockets_carry_a_login() {
    let (net, _bell) = MioNet::new().unwrap();
    let mut service = service::PbManager::new(Box::new(net));
    let (mut world, log) = (World::real(), quiet());
    let (_door, inbox) = crate::kernel::mailbox::<service::PbManager>(1, None);
    let config = listening_on("127.0.0.1:0");
    let heard = Heard::default();
    let turn = &mut Turn::begin(&mut world, &log);
    service.prepare(&config, turn).unwrap();
    service.apply(&config, turn);
    let owner = Owner(heard.offer());
    service.handle(
        Msg::Register {
            port: Port::Shared,
            user: "bot".into(),
            secret: "sekrit".into(),
            is_worker: false,
            owner,
        },
        turn,
    );
    let (reply, address) = Reply::new();
    service.handle(Msg::LocalAddress(reply), turn);
    let mut socket = std::net::TcpStream::connect(address.recv().unwrap().unwrap()).unwrap();
    socket.set_nonblocking(true).unwrap();

    let mut session = Session::client();
    let mut login = ClientLogin::new("bot", "sekrit".into(), Some(1), 0);
    let mut buffer = [0; 4096];
    while heard.0.lock().unwrap().0.is_empty() {
        service.wait(&inbox, Some(Duration::from_millis(10)));
        service.settle(&mut Turn::begin(&mut world, &log));
        if let Ok(count) = socket.read(&mut buffer) {
            assert_ne!(count, 0, "the service closed the connection");
            let mut events: Vec<Event> = Vec::new();
            session.receive(&buffer[..count], &mut events).unwrap();
            for event in events {
                login.on_event(event, &mut session);
            }
        }
        socket.write_all(&session.take_output()).unwrap();
    }
    assert!(matches!(&heard.take()[..], [News::Attached { .. }]));
}
