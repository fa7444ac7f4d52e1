//! The service's state and its turn.

use super::connection::{Connection, Role};
use super::object::{BuilderNames, Object};
use super::{Msg, avatar};
use crate::config::{Config, Port, SchedulerKind, StatusListener};
use crate::kernel::{Bell, Gone, Hint, Offer, Ranked, Refusal, Service, Turn, rank};
use crate::model::Mono;
use crate::pb::{Call, Failure, Luid, TextForm, Value};
use crate::pbmanager::{self, ConnectionId, Logins, News, WantedLogin};
use crate::status::limits::CLIENT_EVENTS;
use crate::status::{self, Heard};
use crate::{botmaster, db, schedulers};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the service is made of.
#[derive(Clone)]
pub struct Parts {
    /// What there is to tell.
    pub db: db::Handle<Clients>,
    /// Where its users are registered.
    pub pb: pbmanager::Handle<Clients>,
    /// Where their news comes in: [`super::news_offer`].
    pub news: Offer<News>,
    /// Where jobs go.
    pub schedulers: schedulers::Handle<Clients>,
    /// Asked which workers are connected.
    pub botmaster: botmaster::Handle<Clients>,
    /// The event hub.
    pub status: status::Handle<Clients>,
    /// The service's own inbox, for the hub's bell.
    pub stirred: Hint<()>,
}

/// The service.
pub struct Clients {
    pub(super) parts: Parts,
    pub(super) config: Arc<Config>,
    pub(super) names: BuilderNames,
    pub(super) connections: BTreeMap<ConnectionId, Connection>,
    logins: Logins<Clients>,
    /// Heard only while there is somebody to tell.
    events: Option<status::Subscription>,
    /// The hub had more to tell than one turn takes.
    is_behind: bool,
}

/// How a call goes on.
pub(super) enum Answer {
    /// With this.
    Now(Value),
    /// With the object itself, once it is complete.
    When(Object),
}

impl<T: Into<Value>> From<T> for Answer {
    fn from(value: T) -> Answer {
        Answer::Now(value.into())
    }
}

/// How many events one turn takes.
const EVENTS_PER_TURN: usize = 256;

impl Clients {
    /// A service without users.
    pub fn new(parts: Parts) -> Clients {
        Clients {
            logins: Logins::new(parts.pb.clone(), parts.news.clone()),
            parts,
            config: Arc::new(Config::empty()),
            names: BuilderNames::default(),
            connections: BTreeMap::new(),
            events: None,
            is_behind: false,
        }
    }

    fn role(&self, user: &str, port: Port) -> Option<Role> {
        let tries = self.config.schedulers.iter().find(|scheduler| match &scheduler.kind {
            SchedulerKind::TryUserpass(tries) => {
                Port::of(&tries.listen).contains(&port) && tries.users.iter().any(|login| login.user == user)
            }
            _ => false,
        });
        if let Some(scheduler) = tries {
            return Some(Role::Try { scheduler: scheduler.name.clone() });
        }
        self.config.status.iter().any(|listener| listener.gate().admits(user, port)).then_some(Role::Watch)
    }

    fn news(&mut self, news: News, turn: &mut Turn) -> Result<(), Gone> {
        match news {
            News::Attached { connection, user, port, peer, .. } => {
                let Some(role) = self.role(&user, port) else {
                    return self.parts.pb.close(connection, "this user is configured no more");
                };
                slog::info!(turn.log(), "a client is connected"; "user" => &user, "peer" => %peer);
                if role == Role::Watch {
                    // All status clients that ever were are of Python 2, and print what they get.
                    self.parts.pb.set_text_form(connection, TextForm::Bytes)?;
                }
                self.connections.insert(connection, Connection::new(role));
                self.parts.pb.admit(connection, Object::Avatar.key())
            }
            News::Called { connection, call } => self.called(connection, call, turn),
            News::Detached { connection, .. } => {
                self.connections.remove(&connection);
                Ok(())
            }
            // What clients answer means nothing, and their objects live as long as their connection.
            News::Answered { .. } | News::Released { .. } => Ok(()),
        }
    }

    fn called(&mut self, id: ConnectionId, call: Call, turn: &mut Turn) -> Result<(), Gone> {
        let Some(connection) = self.connections.get(&id) else {
            return self.parts.pb.close(id, "not attached");
        };
        let answer = match Object::of(call.object) {
            None => Err(Failure::invalid_object_id()),
            Some(Object::Avatar) => match &connection.role {
                Role::Try { scheduler } => {
                    let scheduler = scheduler.clone();
                    avatar::try_user(self, &scheduler, &call)
                }
                Role::Watch => self.watcher(id, &call, turn),
            },
            Some(object) => self.ask(id, object, &call, turn),
        };
        match answer {
            Ok(answer) => {
                self.give_back(id, &call.received)?;
                match answer {
                    Answer::Now(value) => self.parts.pb.answer(id, call.request, value)?,
                    Answer::When(object) => {
                        if let Some(connection) = self.connections.get_mut(&id) {
                            connection.awaited.entry(object).or_default().push(call.request);
                        }
                        self.look_again(object)?;
                    }
                }
                Ok(())
            }
            Err(failure) => self.parts.pb.reject(id, call, failure),
        }
    }

    /// Gives objects of a client's back that came with a call and are not to be called.
    fn give_back(&self, id: ConnectionId, received: &[Luid]) -> Result<(), Gone> {
        let Some(connection) = self.connections.get(&id) else { return Ok(()) };
        let unneeded = received.iter().filter(|object| !connection.needs(**object));
        unneeded.into_iter().try_for_each(|object| self.parts.pb.release(id, *object))
    }

    /// Calls an object of a client's.
    pub(super) fn tell(&self, id: ConnectionId, object: Luid, method: &str, args: Vec<Value>) {
        // Gone is a pbmanager of a tree that stops.
        let _ = self.parts.pb.call(id, object, method, args, 0);
    }

    /// Takes some of what the hub has to tell.
    fn hear(&mut self, turn: &mut Turn) {
        self.is_behind = true;
        for _ in 0..EVENTS_PER_TURN {
            let Some(heard) = self.events.as_ref().and_then(status::Subscription::next) else {
                self.is_behind = false;
                return;
            };
            if self.connections.is_empty() {
                continue;
            }
            let told = match heard {
                Heard::Event(event) => self.happened(&event),
                Heard::Missed => self.missed(),
            };
            if let Err(error) = told {
                slog::warn!(turn.log(), "clients are not told of what happened"; "error" => %error);
            }
        }
    }
}

impl Ranked for Clients {
    const RANK: u8 = rank::LISTENER;
    const NAME: &'static str = "clients";
}

impl Service for Clients {
    type Msg = Msg;

    fn prepare(&mut self, wanted: &Arc<Config>, _: &mut Turn) -> Result<(), Vec<Refusal>> {
        let tries = wanted.schedulers.iter().filter_map(|scheduler| match &scheduler.kind {
            SchedulerKind::TryUserpass(tries) => Some((format!("scheduler {}", scheduler.name), tries)),
            _ => None,
        });
        let tries = tries.flat_map(|(whose, tries)| {
            tries.users.iter().map(move |login| WantedLogin {
                whose: whose.clone(),
                user: &login.user,
                password: &login.password,
                listen: &tries.listen,
            })
        });
        let gates = wanted.status.iter().map(StatusListener::gate);
        let listeners =
            gates.map(|gate| WantedLogin::of(format!("status listener {}", gate.login.user), gate));
        let users = tries.chain(listeners);
        self.logins.prepare(users, wanted)
    }

    fn abandon(&mut self) {
        self.logins.abandon();
    }

    fn apply(&mut self, wanted: &Arc<Config>, _: &mut Turn) {
        self.logins.apply();
        if self.logins.is_empty() && self.connections.is_empty() {
            self.events = None;
        } else if self.events.is_none() {
            let stirred = self.parts.stirred.clone();
            let bell: Bell = Arc::new(move || stirred.tell(()));
            // Gone is a hub of a tree that stops.
            self.events = self.parts.status.subscribe(CLIENT_EVENTS, Some(bell)).ok();
        }
        let before = std::mem::replace(&mut self.config, wanted.clone());
        self.builders_changed(&before);
    }

    fn handle(&mut self, msg: Msg, turn: &mut Turn) {
        match msg {
            Msg::News(news) => {
                // Gone is a pbmanager of a tree that stops; there is nobody to tell.
                let _ = self.news(news, turn);
            }
            Msg::Stirred => self.is_behind = true,
        }
    }

    fn overrun(&mut self, _: &mut Turn) {
        self.is_behind = true;
    }

    fn next_wake(&self) -> Option<Mono> {
        if self.is_behind {
            return Some(Mono::default());
        }
        self.connections.values().filter_map(Connection::next_eta).min()
    }

    fn wake(&mut self, turn: &mut Turn) {
        if self.is_behind {
            self.hear(turn);
        }
        self.tell_etas(turn);
    }
}
