//! PB clients and callers against the service, in the simulator with a real database.

use super::{Announce, Changes, Handle, Parts, Shell, news_offer};
use crate::config::{
    ChangeSource, ChangeSourceKind, Codebase, Config, DatabaseUrl, Gate, Login, PbSource, Secret, SecretText,
};
use crate::db::{self, Database, Reader, Writer};
use crate::kernel::sim::Sim;
use crate::kernel::{Control, Door, Hint, Ranked, Service, rank};
use crate::metrics::Figures;
use crate::model::{ChangeId, Event, NewChange, Wall};
use crate::pb::{Callee, ClientLogin, Event as PbEvent, Failure, LoginProgress, Session, Value};
use crate::pbmanager::sim_net::SimNet;
use crate::pbmanager::{self, ConnectionId, service::PbManager};
use expect_test::{Expect, expect};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

struct Above;
impl Ranked for Above {
    const RANK: u8 = rank::LISTENER;
    const NAME: &'static str = "above";
}

/// The service with what is below it, and what it tells.
struct House {
    sim: Sim,
    net: SimNet,
    doors: (Door<PbManager>, Door<Changes>),
    database: Database,
    told: Arc<Mutex<Vec<String>>>,
    _folder: TempDir,
}

impl House {
    fn new() -> House {
        let folder = TempDir::new().unwrap();
        let url = DatabaseUrl::Sqlite(folder.path().join("state.sqlite"));
        let settings = db::Settings { durable: false, ..db::Settings::new(url) };
        let log = slog::Logger::root(slog::Discard, slog::o!());
        let mut sim = Sim::new(1, log.clone());
        let (writer, inbox) = sim.mailbox(64, None);
        sim.add(Writer::new(settings.clone(), log), inbox);
        let (reader, inbox) = sim.mailbox(64, None);
        sim.add(Reader::new(settings), inbox);
        let database = Database::new(writer, vec![reader]);
        let net = SimNet::new();
        let (pb, inbox) = sim.mailbox(64, None);
        sim.add(PbManager::new(Box::new(net.clone())), inbox);
        let (door, inbox) = sim.mailbox(64, None);
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let (added, events) = (Arc::clone(&told), Arc::clone(&told));
        let announce = Announce {
            added: Hint::to_fn(move |id: ChangeId| added.lock().unwrap().push(format!("added {id}"))),
            events: Hint::to_fn(move |event: Event| events.lock().unwrap().push(format!("{event:?}"))),
        };
        let parts = Parts {
            database: database.clone(),
            pb: pbmanager::Handle::new(pb.address()),
            news: news_offer(&door),
            announce,
            figures: Figures::default(),
            shell: Shell::Absent,
        };
        sim.add(Changes::new(parts), inbox);
        House { sim, net, doors: (pb, door), database, told, _folder: folder }
    }

    fn with(sources: Vec<ChangeSource>) -> House {
        let mut house = House::new();
        house.put_in_force(sources);
        house
    }

    fn put_in_force(&mut self, sources: Vec<ChangeSource>) {
        let mut config = Config::empty();
        config.pb.listen = vec![std::net::SocketAddr::from(([127, 0, 0, 1], 9989)).into()];
        let codebase = |name: &str| Codebase { name: name.into(), repository: "r".into(), branch: None };
        config.codebases = vec![codebase("code")];
        config.change_sources = sources;
        let config = Arc::new(config);
        let (pb, changes) = self.doors.clone();
        force(&mut self.sim, &pb, &config);
        force(&mut self.sim, &changes, &config);
        self.settle();
    }

    fn handle(&self) -> Handle<Above> {
        Handle::new(self.doors.1.address())
    }

    fn settle(&mut self) {
        while self.sim.step() {}
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().unwrap())
    }

    fn newest(&self) -> NewChange {
        self.database.handle::<Above>().changes().recent(1).unwrap().pop().unwrap().told
    }

    fn connect(&mut self, user: &str) -> Client {
        let id = self.net.connect("10.0.0.1:5000".parse().unwrap()).unwrap();
        let login = ClientLogin::new(user, "changepw".into(), None, 0);
        let mut client =
            Client { id, session: Session::client(), login: Some(login), avatar: None, ends: Vec::new() };
        self.talk(&mut client);
        client
    }

    /// Moves bytes both ways until nothing moves.
    fn talk(&mut self, client: &mut Client) {
        loop {
            self.settle();
            let arrived = self.net.receive(client.id, usize::MAX);
            client.take(&arrived);
            let out = client.session.take_output();
            if arrived.is_empty() && out.is_empty() {
                return;
            }
            self.net.send(client.id, &out);
        }
    }

    /// Calls `addChange` and returns how it ended.
    fn add_change(&mut self, client: &mut Client, dict: Value) -> Result<Value, Failure> {
        let avatar = client.avatar.expect("logged in");
        client.session.call(avatar, "addChange", &[dict], &[], 1).unwrap();
        self.talk(client);
        client.ends.pop().expect("an answer")
    }
}

fn force<S: Service>(sim: &mut Sim, door: &Door<S>, config: &Arc<Config>) {
    sim.control(door, |reply| Control::Prepare(config.clone(), reply)).unwrap().unwrap();
    sim.control(door, |reply| Control::Apply(config.clone(), reply)).unwrap();
}

/// A tool at the other end of a connection.
struct Client {
    id: ConnectionId,
    session: Session,
    login: Option<ClientLogin>,
    avatar: Option<Callee>,
    ends: Vec<Result<Value, Failure>>,
}

impl Client {
    fn take(&mut self, bytes: &[u8]) {
        let mut events = Vec::new();
        self.session.receive(bytes, &mut events).unwrap();
        for event in events {
            match (&mut self.login, event) {
                (Some(login), event) => match login.on_event(event, &mut self.session) {
                    LoginProgress::LoggedIn { avatar } => {
                        (self.login, self.avatar) = (None, Some(avatar.into()));
                    }
                    LoginProgress::Refused(failure) => self.ends.push(Err(failure)),
                    LoginProgress::Waiting | LoginProgress::Pass(_) => {}
                },
                (None, PbEvent::Answered { result, .. }) => self.ends.push(result),
                (None, _) => {}
            }
        }
    }
}

fn pb(name: &str, user: &str, prefix: Option<&str>) -> ChangeSource {
    let login = Login { user: user.into(), password: Secret::Literal(SecretText::new("changepw")) };
    let prefix = prefix.map(str::to_owned);
    ChangeSource {
        name: name.into(),
        kind: ChangeSourceKind::Pb(PbSource { gate: Gate { login, listen: Vec::new() }, prefix }),
    }
}

/// What `buildbot sendchange` sends, with some of its keys as given.
fn sendchange(pairs: &[(&str, Value)]) -> Value {
    let mut all = vec![
        ("who", Value::text("Jane <jane@example.org>")),
        ("files", Value::list(["src/a.c", "doc/b"])),
        ("comments", Value::text("why")),
        ("revision", Value::text("17")),
        ("branch", Value::None),
        ("category", Value::None),
        ("when", Value::None),
        ("properties", Value::dict([(Value::bytes(&b"p"[..]), Value::bytes(&b"v"[..]))])),
        ("repository", Value::text("r")),
        ("project", Value::None),
        ("revlink", Value::text("")),
        ("src", Value::text("git")),
    ];
    all.retain(|(key, _)| !pairs.iter().any(|(other, _)| other == key));
    Value::dict(all.into_iter().chain(pairs.iter().cloned()))
}

#[test]
fn a_client_is_answered_after_the_commit_and_everyone_is_told() {
    let mut house = House::with(vec![pb("pb", "change", None)]);
    let mut client = house.connect("change");
    assert_eq!(house.add_change(&mut client, sendchange(&[])), Ok(Value::None));
    assert_eq!(house.told(), ["ChangeAdded { change: ChangeId(1) }", "added 1"]);
    let change = house.newest();
    assert_eq!(change.author, "Jane <jane@example.org>");
    assert_eq!((change.branch, change.revision.as_deref()), (None, Some("17")));
    assert_eq!((change.project.as_str(), change.codebase.as_str()), ("", "code"));
    // The simulation began in the same moment.
    assert_eq!(change.when, Some(Wall::from_seconds(1_767_225_600)));
    let property = change.properties.get("p").unwrap();
    assert_eq!((property.value.as_str(), property.source.as_str()), (Some("v"), "Change"));
    let statuses = house.handle().snapshot().unwrap();
    assert_eq!(
        (statuses[0].description.as_str(), &statuses[0].trouble),
        ("PB clients as user change", &None)
    );
    assert_eq!(statuses[0].last_activity, change.when);
}

#[test]
fn files_lose_the_prefix_of_their_source_and_a_change_without_any_is_one() {
    let mut house = House::with(vec![pb("pb", "change", Some("src/")), pb("other", "hook", None)]);
    let mut client = house.connect("change");
    house.add_change(&mut client, sendchange(&[])).unwrap();
    assert_eq!(house.newest().files, ["a.c"]);
    house.add_change(&mut client, sendchange(&[("files", Value::list(["doc/b"]))])).unwrap();
    assert_eq!(house.newest().files, [""; 0]);
    let mut client = house.connect("hook");
    house.add_change(&mut client, sendchange(&[])).unwrap();
    assert_eq!(house.newest().files, ["src/a.c", "doc/b"]);
}

#[test]
fn a_change_without_a_page_gets_that_of_its_commit() {
    let mut house = House::with(vec![pb("c", "change", None)]);
    let mut client = house.connect("change");
    let at = ("repository", Value::from("git@github.com:o/r.git"));
    let told = [at, ("revision", Value::from("0123abc"))];
    house.add_change(&mut client, sendchange(&told)).unwrap();
    assert_eq!(house.newest().revlink, "https://github.com/o/r/commit/0123abc");
    let [at, revision] = told;
    let own = ("revlink", Value::from("https://example.org/1"));
    house.add_change(&mut client, sendchange(&[at, revision, own])).unwrap();
    assert_eq!(house.newest().revlink, "https://example.org/1");
}

#[test]
fn a_wrong_change_is_refused_and_the_connection_lives() {
    let mut house = House::with(vec![pb("pb", "change", None)]);
    let mut client = house.connect("change");
    let refused = house.add_change(&mut client, sendchange(&[("codebaze", Value::None)])).unwrap_err();
    assert!(refused.is_a("TypeError"), "{refused}");
    assert!(house.told().is_empty());
    client.session.call(client.avatar.unwrap(), "reload", &[], &[], 2).unwrap();
    house.talk(&mut client);
    assert!(client.ends.pop().unwrap().unwrap_err().is_a("AttributeError"));
    assert_eq!(house.add_change(&mut client, sendchange(&[])), Ok(Value::None));
}

#[test]
fn a_source_that_is_taken_away_takes_no_more_changes() {
    let mut house = House::with(vec![pb("pb", "change", None), pb("other", "hook", None)]);
    let mut client = house.connect("change");
    let mut other = house.connect("hook");
    house.put_in_force(vec![pb("other", "hook", None)]);
    let refused = house.add_change(&mut client, sendchange(&[])).unwrap_err();
    assert_eq!(refused.value, "this change source is configured no more");
    assert_eq!(house.add_change(&mut other, sendchange(&[])), Ok(Value::None));
    let stranger = house.connect("change");
    assert!(stranger.ends[0].as_ref().unwrap_err().is_unauthorized_login());
}

#[test]
fn a_caller_gets_the_id_of_the_row() {
    let mut house = House::with(Vec::new());
    let change = NewChange { repository: "other".into(), when: Some(Wall(7)), ..NewChange::default() };
    assert_eq!(house.handle().add(change.clone()), Ok(ChangeId(1)));
    assert_eq!(house.newest(), change);
    assert_eq!(house.handle().add(change), Ok(ChangeId(2)));
    assert_eq!(house.handle().poll_now(None), Ok(0));
    house.sim.crash();
    assert!(house.handle().add(NewChange::default()).unwrap_err().is_outage());
}

/// How `addChange` with this dictionary is read.
fn check(dict: Value, expected: Expect) {
    let mut house = House::with(vec![pb("pb", "change", None)]);
    let mut client = house.connect("change");
    let told = match house.add_change(&mut client, dict) {
        Err(failure) => failure.to_string(),
        Ok(_) => {
            let NewChange { author, files, comments, revision, branch, when, category, .. } = house.newest();
            let when = when.map(|when| when.0);
            format!("{author:?} {files:?} {comments:?} {revision:?} {branch:?} {category:?} {when:?}")
        }
    };
    expected.assert_eq(&told);
}

#[test]
fn old_and_new_names_and_any_bytes_are_read() {
    check(
        Value::dict([
            (Value::bytes(&b"author"[..]), Value::bytes(&b"J\xff\0"[..])),
            (Value::text("when_timestamp"), Value::from(1.5)),
            (Value::text("revision"), Value::Int(1234)),
            (Value::text("branch"), Value::text("")),
            (Value::text("is_dir"), Value::Int(0)),
        ]),
        expect![[r#""J��" [] "" Some("1234") Some("") None Some(1500000)"#]],
    );
    check(Value::dict([("comments", "x")]), expect!["builtins.TypeError: addChange() needs 'who'"]);
    check(Value::None, expect!["builtins.TypeError: addChange takes one dictionary"]);
    check(
        sendchange(&[("files", Value::Int(3))]),
        expect!["builtins.TypeError: addChange() wants a list of text as 'files'"],
    );
    check(
        sendchange(&[("when", Value::text("noon"))]),
        expect!["builtins.TypeError: addChange() wants a time in seconds as 'when'"],
    );
    check(
        sendchange(&[("properties", Value::dict([("p", Value::local(1))]))]),
        expect!["builtins.TypeError: addChange() wants a dictionary of plain values as 'properties'"],
    );
}
