//! Who somebody is.
//!
//! * Does: reads what version control systems say of an author as an [`Identity`], lets `buildbot user` manage the
//!   stored users, and tells whether a password is right.
//! * Thread `users`, rank 30. Calls db and pbmanager; tells nobody.
//! * Owns: the user managers' PB users, and the form in which passwords are stored ([`password`]).
//! * Around the service, pure: [`commandline`] (what the tool calls, and what it prints).
//! * Never: sees a password of a worker (those are pbmanager's), stores one that could be read.

pub mod commandline;
pub mod identity;
pub mod password;
pub mod service;

pub use identity::Identity;
pub use service::{Parts, Users};

use crate::db::DbError;
use crate::kernel::{Address, Door, Offer, Ranked, Reply};
use crate::model::UserId;
use crate::pbmanager::News;

/// Somebody says who they are.
pub struct LoginCheck {
    /// What they log in as.
    pub login: String,
    /// And with what.
    pub password: String,
}

impl std::fmt::Debug for LoginCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginCheck").field("login", &self.login).finish_non_exhaustive()
    }
}

/// What can be told to the service.
#[derive(Debug)]
pub enum Msg {
    /// From a connection of a user manager's user.
    News(News),
    /// See [`Handle::check`].
    Check(LoginCheck, Reply<Result<Option<UserId>, DbError>>),
}

/// The offer by which pbmanager brings the service its news.
pub fn news_offer(door: &Door<Users>) -> Offer<News> {
    door.offer(Msg::News, |msg| match msg {
        Msg::News(news) => Some(news),
        Msg::Check(..) => None,
    })
}

/// `Me`'s way to the service.
pub struct Handle<Me>(Address<Me, Users>);

impl<Me> Clone for Handle<Me> {
    fn clone(&self) -> Self {
        Handle(self.0.clone())
    }
}

impl<Me: Ranked> Handle<Me> {
    /// From the service's address.
    pub fn new(address: Address<Me, Users>) -> Handle<Me> {
        Handle(address)
    }

    /// The user who logs in with these; `None` if nobody does, or the password is wrong. It takes as long as argon2
    /// does.
    ///
    /// # Errors
    /// The database is out of reach.
    pub fn check(&self, login: &str, password: &str) -> Result<Option<UserId>, DbError> {
        let check = LoginCheck { login: login.to_owned(), password: password.to_owned() };
        let checked = self.0.call(|reply| Msg::Check(check, reply));
        checked.map_err(|gone| DbError::Outage(gone.to_string()))?
    }
}
