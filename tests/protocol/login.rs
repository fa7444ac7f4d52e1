//! Logins between our client and our server, and what is refused.

use crate::pair::{Pair, Told, the_call, the_result};
use bellwether::pb::limits::LOGINS_MAX;
use bellwether::pb::login::{CHALLENGE_BYTES, Checker};
use bellwether::pb::{
    Call, Callee, ClientLogin, Event, Failure, Login, LoginProgress, LoginStep, Luid, Proof, Target, Value,
};

/// One user, and challenges that count up.
#[derive(Default)]
struct OneUser(u8);

impl Checker for OneUser {
    fn challenge(&mut self) -> [u8; CHALLENGE_BYTES] {
        self.0 += 1;
        [self.0; CHALLENGE_BYTES]
    }

    fn check(&mut self, username: &str, proof: &Proof) -> bool {
        username == "bot1" && proof.matches(&"sekrit".into())
    }
}

/// A pair with a login on the server's side.
struct Door {
    pair: Pair,
    login: Login,
    users: OneUser,
}

impl Door {
    fn new(pair: Pair) -> Door {
        Door { pair, login: Login::new(), users: OneUser::default() }
    }

    /// Lets the server's login have the events; what it does not settle.
    fn settle(&mut self, events: Vec<Event>) -> Option<LoginStep> {
        let mut rest = events.into_iter().filter_map(|event| {
            let step = self.login.on_event(event, &mut self.pair.server, &mut self.users);
            (!matches!(step, LoginStep::Done | LoginStep::Refused { .. })).then_some(step)
        });
        let first = rest.next();
        assert!(rest.next().is_none());
        first
    }

    /// A call of the client, its answer or what came of it at the server.
    fn ask(&mut self, object: Callee, method: &str, args: &[Value]) -> Result<Value, Failure> {
        self.pair.client.call(object, method, args, &[], 1).expect("ready");
        let told = self.pair.talk();
        assert!(self.settle(told.server).is_none());
        let told = self.pair.talk();
        assert!(self.settle(told.server).is_none());
        the_result(told.client.into_iter().filter(|event| matches!(event, Event::Answered { .. })).collect())
    }

    /// Logs in by our client, from the first byte on; how it ends at the client.
    fn enter(username: &str, password: &str) -> (Door, Result<Luid, Failure>, Option<Luid>) {
        let mut door = Door::new(Pair::fresh());
        let mut client = ClientLogin::new(username, password.into(), Some(1), 99);
        let mut mind_seen = None;
        loop {
            let Told { server, client: told } = door.pair.talk();
            assert!(!(server.is_empty() && told.is_empty()), "the login does not end");
            let server = server.into_iter().filter(|event| !matches!(event, Event::Ready)).collect();
            match door.settle(server) {
                None => {}
                Some(LoginStep::LoggedIn { username, mind, request }) => {
                    assert_eq!(username, "bot1");
                    mind_seen = mind;
                    door.pair.server.answer(request, &Value::local(40));
                }
                Some(other) => panic!("{other:?}"),
            }
            for event in told {
                match client.on_event(event, &mut door.pair.client) {
                    LoginProgress::Waiting | LoginProgress::Pass(Event::Released { key: 1 }) => {}
                    LoginProgress::LoggedIn { avatar } => return (door, Ok(avatar), mind_seen),
                    LoginProgress::Refused(failure) => return (door, Err(failure), mind_seen),
                    LoginProgress::Pass(other) => panic!("{other:?}"),
                }
            }
        }
    }
}

#[test]
fn the_right_password_opens() {
    let (mut door, avatar, mind) = Door::enter("bot1", "sekrit");
    let avatar = avatar.expect("logged in");
    door.pair.client.call(avatar, "keepalive", &[], &[], 5).expect("ready");
    let events = door.pair.talk().server;
    let Some(LoginStep::Pass(Event::Call(call))) = door.settle(events) else { panic!("not passed on") };
    assert_eq!(call.object, Target::Key(40));

    door.pair.server.call(mind.expect("a mind"), "print", &["attached".into()], &[], 6).expect("ready");
    let Call { object, .. } = the_call(door.pair.talk().client);
    assert_eq!(object, Target::Key(1));
    assert_eq!(door.pair.server.references(), (1, 1), "only avatar and mind are left");
}

#[test]
fn a_wrong_name_or_password_does_not_and_looks_the_same() {
    let (_, wrong_password, mind) = Door::enter("bot1", "guess");
    assert_eq!(mind, None);
    let (mut door, wrong_name, _) = Door::enter("bot2", "sekrit");
    assert!(wrong_name.as_ref().is_err_and(Failure::is_unauthorized_login), "{wrong_name:?}");
    assert_eq!(wrong_name, wrong_password);
    let events = door.pair.talk().server;
    assert!(door.settle(events).is_none());
    assert_eq!(door.pair.server.references(), (0, 0), "the mind was given back");
}

#[test]
fn nobody_enters_without_a_name() {
    let mut door = Door::new(Pair::new());
    let refused = door.ask(Callee::Root, "loginAnonymous", &[Value::None]).expect_err("refused");
    assert_eq!(refused.class, "twisted.cred.error.UnhandledCredentials");
    let refused = door.ask(Callee::Root, "list", &[]).expect_err("refused");
    assert!(refused.is_no_such_method());
    for args in [&[][..], &[Value::Int(5)]] {
        assert!(door.ask(Callee::Root, "login", args).is_err_and(|failure| failure.is_a("TypeError")));
    }
    let long = Value::from("x".repeat(300));
    assert!(door.ask(Callee::Root, "login", &[long]).is_err_and(|failure| failure.is_unauthorized_login()));
}

#[test]
fn a_challenge_serves_once() {
    let mut door = Door::new(Pair::new());
    let answer = door.ask(Callee::Root, "login", &["bot1".into()]).expect("a challenge");
    let [challenge, challenger] = answer.as_items().expect("a pair") else { panic!("no pair") };
    let response = bellwether::pb::Secret::from("sekrit").respond(challenge.as_bytes().expect("bytes"));
    let challenger = Callee::from(challenger.as_remote().expect("an object"));
    let respond = [Value::bytes(response.to_vec()), Value::None];

    let wrong = door.ask(challenger, "respond", &respond[..1]).expect_err("refused");
    assert!(wrong.is_a("TypeError"), "{wrong:?}");
    let wrong = door.ask(challenger, "respond", &[Value::bytes("guess"), Value::None]).expect_err("refused");
    assert!(wrong.is_unauthorized_login());
    let late = door.ask(challenger, "respond", &respond).expect_err("refused");
    assert!(late.is_unauthorized_login(), "the right response came second");
    assert!(door.ask(challenger, "other", &[]).is_err_and(|failure| failure.is_no_such_method()));
}

#[test]
fn logins_of_one_connection_are_limited() {
    let mut door = Door::new(Pair::new());
    for _ in 0..LOGINS_MAX {
        door.ask(Callee::Root, "login", &["bot1".into()]).expect("a challenge");
    }
    let refused = door.ask(Callee::Root, "login", &["bot1".into()]);
    assert!(refused.is_err_and(|failure| failure.is_unauthorized_login()));
}

/// A server that is no master makes the client's login fail, not hang.
#[test]
fn a_strange_server_is_told() {
    for strange in [Value::None, Value::tuple([1, 2]), Value::list(["challenge"])] {
        let mut pair = Pair::fresh();
        let mut client = ClientLogin::new("bot1", "sekrit".into(), None, 99);
        let told = pair.talk();
        for event in told.client {
            assert!(matches!(client.on_event(event, &mut pair.client), LoginProgress::Waiting));
        }
        let call = the_call(pair.talk().server);
        pair.server.answer(call.request, &strange);
        let mut told = pair.talk().client;
        let progress = client.on_event(told.remove(0), &mut pair.client);
        assert!(matches!(progress, LoginProgress::Refused(_)), "{strange:?}: {progress:?}");
    }
}
