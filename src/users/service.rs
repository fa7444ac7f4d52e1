//! The service's state and its turn.

use super::commandline::{self, Command, Person};
use super::password::{self, SALT_BYTES};
use super::{LoginCheck, Msg};
use crate::config::{Config, UserManager};
use crate::db::{self, DbError};
use crate::kernel::{Gone, Offer, Ranked, Refusal, Service, Turn, rank};
use crate::model::UserId;
use crate::pb::{Call, Failure, Value};
use crate::pbmanager::{self, ConnectionId, Logins, News, WantedLogin};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What the service is made of.
#[derive(Clone)]
pub struct Parts {
    /// Where users are stored.
    pub db: db::Handle<Users>,
    /// Where the users of user managers are registered.
    pub pb: pbmanager::Handle<Users>,
    /// Where their news comes in: [`super::news_offer`].
    pub news: Offer<News>,
}

/// The service.
pub struct Users {
    parts: Parts,
    logins: Logins<Users>,
    managers: Vec<UserManager>,
    connections: BTreeSet<ConnectionId>,
}

/// The key of the only object that a connection may call.
const AVATAR: u64 = 0;

impl Users {
    /// A service without user managers.
    pub fn new(parts: Parts) -> Users {
        let logins = Logins::new(parts.pb.clone(), parts.news.clone());
        Users { parts, logins, managers: Vec::new(), connections: BTreeSet::new() }
    }

    fn news(&mut self, news: News, turn: &mut Turn) -> Result<(), Gone> {
        match news {
            News::Attached { connection, user, port, peer, .. } => {
                if !self.managers.iter().any(|manager| manager.gate().admits(&user, port)) {
                    return self.parts.pb.close(connection, "this user manager is configured no more");
                }
                slog::info!(turn.log(), "somebody manages users"; "user" => &user, "peer" => %peer);
                self.connections.insert(connection);
                self.parts.pb.admit(connection, AVATAR)
            }
            News::Called { connection, call } if !self.connections.contains(&connection) => {
                self.parts.pb.reject(connection, call, Failure::pb_error("not attached"))
            }
            News::Called { connection, call } => match self.command(&call, turn) {
                Ok(text) => self.parts.pb.answer(connection, call.request, Value::from(text)),
                Err(failure) => self.parts.pb.reject(connection, call, failure),
            },
            News::Detached { connection, .. } => {
                self.connections.remove(&connection);
                Ok(())
            }
            // The service calls nobody, and its object lives as long as the connection.
            News::Answered { .. } | News::Released { .. } => Ok(()),
        }
    }

    /// Does what `buildbot user` wants; what it prints, once it is committed.
    fn command(&self, call: &Call, turn: &mut Turn) -> Result<String, Failure> {
        let failed = |error: DbError| Failure::runtime_error(error.to_string());
        match commandline::read(call)? {
            Command::Add(people) => {
                let added = self.parts.db.write(move |tx| {
                    let add = |person: &Person| {
                        let id = db::users::add(tx, &person.identifier, &person.info)?;
                        Ok((person.clone(), id.0))
                    };
                    people.iter().map(add).collect::<Result<Vec<_>, DbError>>()
                });
                Ok(commandline::added(&added.map_err(failed)?))
            }
            Command::Remove(identifiers) => {
                let removed = self.parts.db.write(move |tx| {
                    let mut removed = identifiers.clone();
                    let mut outcome = Ok(());
                    removed.retain(|identifier| {
                        db::users::remove(tx, identifier).unwrap_or_else(|error| {
                            outcome = Err(error);
                            false
                        })
                    });
                    outcome.map(|()| removed)
                });
                Ok(commandline::removed(&removed.map_err(failed)?))
            }
            Command::Update { people, login } => {
                let login = login.map(|(login, old)| {
                    let mut salt = [0; SALT_BYTES];
                    turn.world().entropy(&mut salt);
                    let hash = password::hash_old(&old, &salt)
                        .map_err(|why| Failure::value_error(format!("the password cannot be stored: {why}")));
                    hash.map(|hash| (login, hash))
                });
                let login = login.transpose()?;
                let updated = self.parts.db.write(move |tx| update(tx, &people, login.as_ref()));
                Ok(commandline::updated(&updated.map_err(failed)?))
            }
            Command::Get(identifiers) => {
                let get = |identifier: &String| self.parts.db.users().by_identifier(identifier);
                let users = identifiers.iter().map(get).collect::<Result<Vec<_>, _>>().map_err(failed)?;
                Ok(commandline::found(&users))
            }
        }
    }

    fn check(&self, check: &LoginCheck) -> Result<Option<UserId>, DbError> {
        let stored = self.parts.db.users().by_login(&check.login)?;
        Ok(stored.filter(|(_, hash)| password::is_right(hash, &check.password)).map(|(user, _)| user))
    }
}

/// Notes what is told of users; those who are not known are left out of the answer.
fn update(
    tx: &mut db::Transaction<'_>,
    people: &[Person],
    login: Option<&(String, String)>,
) -> Result<Vec<Person>, DbError> {
    let mut updated = Vec::new();
    for person in people {
        let Some(user) = db::users::by_identifier(tx, &person.identifier)? else { continue };
        for (kind, data) in &person.info {
            db::users::set_info(tx, user.id, kind, data)?;
        }
        if let Some((login, hash)) = login {
            db::users::set_login(tx, user.id, login, hash)?;
        }
        updated.push(person.clone());
    }
    Ok(updated)
}

impl Ranked for Users {
    const RANK: u8 = rank::USERS;
    const NAME: &'static str = "users";
}

impl Service for Users {
    type Msg = Msg;

    fn prepare(&mut self, wanted: &Arc<Config>, _: &mut Turn) -> Result<(), Vec<Refusal>> {
        let users = wanted.user_managers.iter().map(|manager| {
            let gate = manager.gate();
            WantedLogin::of(format!("user manager {}", gate.login.user), gate)
        });
        self.logins.prepare(users, wanted)
    }

    fn abandon(&mut self) {
        self.logins.abandon();
    }

    fn apply(&mut self, wanted: &Arc<Config>, _: &mut Turn) {
        self.logins.apply();
        self.managers.clone_from(&wanted.user_managers);
    }

    fn handle(&mut self, msg: Msg, turn: &mut Turn) {
        match msg {
            Msg::News(news) => {
                // Gone is a pbmanager of a tree that stops; there is nobody to tell.
                let _ = self.news(news, turn);
            }
            Msg::Check(check, reply) => reply.send(self.check(&check)),
        }
    }
}
