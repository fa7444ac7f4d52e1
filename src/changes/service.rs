//! The service's state and its turn.

use super::intake::{Intake, complete};
use super::poller::Poller;
use super::running::Needs;
use super::{Announce, Msg, Shell, SourceStatus, perspective};
use crate::config::{ChangeSource, ChangeSourceKind, Config, PbSource};
use crate::db::{Database, DbError};
use crate::kernel::{Offer, Ranked, Refusal, Reply, Service, Turn, rank};
use crate::metrics::{Figures, Gauge};
use crate::model::{ChangeId, NewChange, Wall};
use crate::pb::{Call, Failure, Request, Value};
use crate::pbmanager::{self, ConnectionId, Logins, News, WantedLogin};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the service is made of.
#[derive(Clone)]
pub struct Parts {
    /// The database, for the service and for its pollers.
    pub database: Database,
    /// Where PB users are registered.
    pub pb: pbmanager::Handle<Changes>,
    /// Where their news comes in: [`super::news_offer`].
    pub news: Offer<News>,
    /// Who hears of new changes.
    pub announce: Announce,
    /// Where its figures are made.
    pub figures: Figures,
    /// How pollers are run.
    pub shell: Shell,
}

/// The service.
pub struct Changes {
    parts: Parts,
    intake: Intake<Changes>,
    num_sources: Gauge,
    config: Arc<Config>,
    sources: Vec<Source>,
    /// The PB users.
    logins: Logins<Changes>,
    /// Through which source who is at the other end came in.
    connections: BTreeMap<ConnectionId, String>,
    /// Changes that came in this turn, and who waits for each to be committed.
    arrived: Vec<(NewChange, Waiter)>,
}

/// A configured change source.
struct Source {
    config: ChangeSource,
    /// When a client last told of a change.
    last_told: Option<Wall>,
    /// Of one that blocks, what it depends on.
    needs: Option<Needs>,
    /// Of one that blocks, where there is a shell.
    poller: Option<Poller>,
}

/// Who waits for a change to be committed.
enum Waiter {
    Caller(Reply<Result<ChangeId, DbError>>),
    Client(ConnectionId, Request),
}

/// The key of the only object that a connection may call.
const AVATAR: u64 = 0;

impl Changes {
    /// A service without change sources.
    pub fn new(parts: Parts) -> Changes {
        let intake = Intake {
            db: parts.database.handle(),
            announce: parts.announce.clone(),
            added: parts.figures.counter("added_changes"),
        };
        Changes {
            intake,
            num_sources: parts.figures.gauge("num_sources"),
            logins: Logins::new(parts.pb.clone(), parts.news.clone()),
            parts,
            config: Arc::new(Config::empty()),
            sources: Vec::new(),
            connections: BTreeMap::new(),
            arrived: Vec::new(),
        }
    }

    /// Takes what a connection has to say.
    fn news(&mut self, news: News, turn: &Turn) -> Result<(), crate::kernel::Gone> {
        match news {
            News::Attached { connection, user, port, peer, .. } => {
                let mut sources = self.config.change_sources.iter();
                let admits =
                    |source: &&ChangeSource| as_pb(source).is_some_and(|pb| pb.gate.admits(&user, port));
                let Some(source) = sources.find(admits) else {
                    return self.parts.pb.close(connection, "this change source is configured no more");
                };
                slog::debug!(turn.log(), "a client is connected"; "user" => &user, "peer" => %peer);
                self.connections.insert(connection, source.name.clone());
                self.parts.pb.admit(connection, AVATAR)
            }
            News::Called { connection, call } => self.called(connection, call, turn),
            News::Detached { connection, .. } => {
                self.connections.remove(&connection);
                Ok(())
            }
            // The service calls nobody, and its object lives as long as the connection.
            News::Answered { .. } | News::Released { .. } => Ok(()),
        }
    }

    fn called(
        &mut self,
        connection: ConnectionId,
        call: Call,
        turn: &Turn,
    ) -> Result<(), crate::kernel::Gone> {
        let name = self.connections.get(&connection);
        let own = |source: &&mut Source| Some(&source.config.name) == name;
        let source = self.sources.iter_mut().find(own);
        let Some((last_told, pb)) =
            source.and_then(|source| Some((&mut source.last_told, as_pb(&source.config)?)))
        else {
            let failure = Failure::runtime_error("this change source is configured no more");
            return self.parts.pb.reject(connection, call, failure);
        };
        match perspective::read(&call, pb.prefix.as_deref()) {
            Ok(change) => {
                *last_told = Some(turn.wall());
                self.arrived.push((change, Waiter::Client(connection, call.request)));
                Ok(())
            }
            Err(failure) => {
                slog::info!(turn.log(), "a change was refused"; "user" => &pb.gate.login.user, "why" => %failure);
                self.parts.pb.reject(connection, call, failure)
            }
        }
    }

    /// Stores what has arrived in this turn in one transaction, and answers whoever waits. If the database refuses
    /// one of them, each is tried by itself, so that one does not take the others with it.
    fn store(&mut self, turn: &Turn) {
        let (mut changes, waiters): (Vec<_>, Vec<_>) = self.arrived.drain(..).unzip();
        changes.iter_mut().for_each(|change| complete(change, &self.config));
        let now = turn.wall();
        let outcomes = match self.intake.store(changes.clone(), None, now) {
            Ok(ids) => ids.into_iter().map(Ok).collect(),
            Err(error) if error.is_outage() || changes.len() == 1 => vec![Err(error); changes.len()],
            Err(_) => {
                let alone =
                    |change| self.intake.store(vec![change], None, now).map(|ids| ids.into_iter().next());
                let missing = || DbError::Bug("a change without an id".to_owned());
                changes.into_iter().map(|change| alone(change)?.ok_or_else(missing)).collect::<Vec<_>>()
            }
        };
        for (waiter, outcome) in waiters.into_iter().zip(outcomes) {
            if let Err(error) = &outcome {
                slog::error!(turn.log(), "a change was not stored"; "error" => %error);
            }
            self.answer(waiter, outcome);
        }
    }

    fn answer(&self, waiter: Waiter, outcome: Result<ChangeId, DbError>) {
        match waiter {
            Waiter::Caller(reply) => reply.send(outcome),
            Waiter::Client(connection, request) => {
                // Gone is a pbmanager of a tree that stops; the client sees its connection end.
                let _ = match outcome {
                    Ok(_) => self.parts.pb.answer(connection, request, Value::None),
                    Err(error) => {
                        let failure = Failure::runtime_error(format!("the change was not stored: {error}"));
                        self.parts.pb.fail(connection, request, failure)
                    }
                };
            }
        }
    }

    /// A source that is not there yet, started if it is one that blocks.
    fn start(&self, config: &ChangeSource, wanted: &Config, turn: &Turn) -> Source {
        let needs = Needs::of(config, wanted);
        let mut source =
            Source { config: config.clone(), last_told: None, needs: needs.clone(), poller: None };
        if let (Shell::Threads(world), Some(needs)) = (&self.parts.shell, needs) {
            let intake = Intake {
                db: self.parts.database.handle(),
                announce: self.intake.announce.clone(),
                added: self.intake.added.clone(),
            };
            match needs.start(&config.name, intake, &self.parts.figures, world, turn.log()) {
                Ok(poller) => source.poller = Some(poller),
                Err(error) => slog::error!(turn.log(), "a poller does not start"; "error" => %error),
            }
        }
        source
    }

    /// Wakes the poller of this name, or all; returns how many.
    fn poll_now(&self, name: Option<&str>) -> usize {
        let wanted = self.sources.iter().filter(|source| name.is_none_or(|name| source.config.name == name));
        let pollers = wanted.filter_map(|source| source.poller.as_ref());
        pollers.map(Poller::poll_now).count()
    }
}

impl Source {
    /// Whether it can go on as it is in the wanted configuration.
    fn fits(&self, config: &ChangeSource, wanted: &Config) -> bool {
        self.config == *config && self.needs == Needs::of(config, wanted)
    }

    fn status(&self) -> SourceStatus {
        let observed = self.poller.as_ref().map(Poller::observed).unwrap_or_default();
        let is_down = self.needs.is_some() && self.poller.is_none();
        SourceStatus {
            name: self.config.name.clone(),
            description: describe(&self.config.kind),
            last_activity: observed.last_activity.or(self.last_told),
            trouble: observed.trouble.or_else(|| is_down.then(|| "its poller does not run".to_owned())),
        }
    }
}

/// One line for people.
fn describe(kind: &ChangeSourceKind) -> String {
    match kind {
        ChangeSourceKind::GitPoller(poller) => format!("git repository {}", poller.repository),
        ChangeSourceKind::HgPoller(poller) => format!("Mercurial repository {}", poller.repository),
        ChangeSourceKind::SvnPoller(poller) => format!("Subversion repository {}", poller.repository),
        ChangeSourceKind::Gerrit(gerrit) => {
            format!("Gerrit server {} as user {}", gerrit.server, gerrit.user)
        }
        ChangeSourceKind::Pb(pb) => format!("PB clients as user {}", pb.gate.login.user),
    }
}

fn as_pb(source: &ChangeSource) -> Option<&PbSource> {
    match &source.kind {
        ChangeSourceKind::Pb(pb) => Some(pb),
        ChangeSourceKind::GitPoller(_)
        | ChangeSourceKind::HgPoller(_)
        | ChangeSourceKind::SvnPoller(_)
        | ChangeSourceKind::Gerrit(_) => None,
    }
}

impl Ranked for Changes {
    const RANK: u8 = rank::CHANGES;
    const NAME: &'static str = "changes";
}

impl Service for Changes {
    type Msg = Msg;

    fn prepare(&mut self, wanted: &Arc<Config>, _: &mut Turn) -> Result<(), Vec<Refusal>> {
        let users = wanted.change_sources.iter().filter_map(|source| {
            Some(WantedLogin::of(format!("change source {}", source.name), &as_pb(source)?.gate))
        });
        self.logins.prepare(users, wanted)
    }

    fn abandon(&mut self) {
        self.logins.abandon();
    }

    fn apply(&mut self, wanted: &Arc<Config>, turn: &mut Turn) {
        self.logins.apply();
        let mut before = std::mem::take(&mut self.sources);
        let kept = wanted.change_sources.iter().map(|config| {
            let fitting = before.iter().position(|source| source.fits(config, wanted));
            (config, fitting.map(|at| before.swap_remove(at)))
        });
        let kept: Vec<_> = kept.collect();
        // What does not go on has ended before its successor begins: they may have one mirror.
        drop(before);
        let source = |(config, kept): (&ChangeSource, Option<Source>)| {
            kept.unwrap_or_else(|| self.start(config, wanted, turn))
        };
        self.sources = kept.into_iter().map(source).collect();
        self.num_sources.set(self.sources.len());
        self.config = wanted.clone();
    }

    fn handle(&mut self, msg: Msg, turn: &mut Turn) {
        match msg {
            Msg::Add { change, reply } => self.arrived.push((*change, Waiter::Caller(reply))),
            Msg::News(news) => {
                // Gone is a pbmanager of a tree that stops; there is nobody to tell.
                let _ = self.news(news, turn);
            }
            Msg::PollNow { source, reply } => reply.send(self.poll_now(source.as_deref())),
            Msg::Snapshot(reply) => reply.send(self.sources.iter().map(Source::status).collect()),
        }
    }

    fn settle(&mut self, turn: &mut Turn) {
        if !self.arrived.is_empty() {
            self.store(turn);
        }
    }

    fn stop(&mut self, _: &mut Turn) {
        // Ends the pollers.
        self.sources.clear();
    }
}
