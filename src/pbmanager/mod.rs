//! Listening ports, connections of workers and clients, and the registry of user names.
//!
//! * Does: accepts connections, plain or TLS, speaks the listener's protocol on them, checks logins, and passes each
//!   logged-in connection to whoever registered its user name.
//! * Thread `pb`, rank 25: the one mio loop. Calls nobody; tells the owner of a user name by an [`Offer`].
//! * Owns: the sockets, the sessions, the names with their secrets.
//! * A full owner hands the news back: the connection is then not read, so TCP slows the peer.
//! * Never: looks into a call's meaning, touches the database, or waits for anyone but its sockets.

mod channel;
mod connection;
pub mod limits;
mod listeners;
mod logins;
pub mod mio_net;
pub mod net;
mod registry;
pub mod service;
pub mod sim_net;
mod strangers;
mod tls;
#[cfg(test)]
mod tests;
mod wire;

pub use wire::Protocol;

pub use logins::{Logins, WantedLogin};

use crate::config::Port;
use crate::kernel::{Address, Gone, Offer, Ranked, Reply};
use crate::pb::{Call, Callee, Failure, Luid, Request, Secret, TextForm, Value};
use bytestring::ByteString;
use std::net::SocketAddr;

/// One connection, for as long as the process lives: never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

impl std::fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "connection {}", self.0)
    }
}

/// What the owner of a user name hears. For one connection it comes in order: `Attached` first, `Detached` last,
/// exactly once each.
#[derive(Debug)]
pub enum News {
    /// Somebody proved to be this user and waits to be admitted.
    Attached {
        /// The connection.
        connection: ConnectionId,
        /// The user name, as registered.
        user: String,
        /// Where the name is registered.
        port: Port,
        /// The object that the peer gave with its login: a worker's Bot. Command-line clients give none.
        mind: Option<Luid>,
        /// Where the peer is.
        peer: SocketAddr,
        /// What it speaks.
        protocol: Protocol,
    },
    /// The peer calls an object of the owner's.
    Called {
        /// The connection.
        connection: ConnectionId,
        /// The call; to be answered, failed or rejected once.
        call: Call,
    },
    /// A call of the owner's has ended. Ended by the loss of the connection, too.
    Answered {
        /// The connection.
        connection: ConnectionId,
        /// As given to [`Handle::call`].
        token: u64,
        /// What came back.
        result: Result<Value, Failure>,
    },
    /// The peer has dropped an object of the owner's.
    Released {
        /// The connection.
        connection: ConnectionId,
        /// The owner's key of it.
        key: u64,
    },
    /// The connection is gone.
    Detached {
        /// The connection.
        connection: ConnectionId,
        /// Why, for people.
        reason: String,
    },
}

/// What can be told to the service.
#[derive(Debug)]
pub enum Msg {
    /// See [`Handle::register`].
    Register {
        /// Where the name is known.
        port: Port,
        /// The name.
        user: String,
        /// What the peer must prove to know.
        secret: Secret,
        /// Whether workers of every protocol may use it.
        is_worker: bool,
        /// Who hears of it.
        owner: Owner,
    },
    /// See [`Handle::unregister`].
    Unregister {
        /// Where the name is known.
        port: Port,
        /// The name.
        user: String,
        /// Who registered it.
        owner: Owner,
    },
    /// See [`Handle::local_address`].
    LocalAddress(Reply<Option<SocketAddr>>),
    /// Something to do on one connection; forgotten if that is gone.
    On(ConnectionId, Verb),
}

/// Who hears of a user's connections.
#[derive(Clone)]
pub struct Owner(pub Offer<News>);

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Owner")
    }
}

/// What an owner does on a connection.
#[derive(Debug)]
pub enum Verb {
    /// See [`Handle::admit`].
    Admit(u64),
    /// See [`Handle::refuse`].
    Refuse(Failure),
    /// See [`Handle::call`].
    Call {
        /// The peer's object.
        object: Callee,
        /// The method.
        method: String,
        /// By position.
        args: Vec<Value>,
        /// By name.
        kwargs: Vec<(ByteString, Value)>,
        /// Comes back with the answer.
        token: u64,
    },
    /// See [`Handle::answer`].
    Answer(Request, Value),
    /// See [`Handle::fail`].
    Fail(Request, Failure),
    /// See [`Handle::reject`].
    Reject(Call, Failure),
    /// See [`Handle::release`].
    Release(Luid),
    /// See [`Handle::set_text_form`].
    SetTextForm(TextForm),
    /// See [`Handle::close`].
    Close(String),
}

/// The way to the service from above. Every verb waits only for room in the service's inbox; what became of
/// it comes as [`News`]. `Err` means that the service has ended, as it does only when the master does.
pub struct Handle<Me>(Address<Me, service::PbManager>);

impl<Me> Clone for Handle<Me> {
    fn clone(&self) -> Self {
        Handle(self.0.clone())
    }
}

impl<Me: Ranked> Handle<Me> {
    /// From the service's address.
    pub fn new(address: Address<Me, service::PbManager>) -> Handle<Me> {
        Handle(address)
    }

    /// From now on PB logins of `user` with this secret are told to `owner`, on all places that have no users of their
    /// own. Registering a name again replaces its secret and owner; connections that are there stay with the owner
    /// they have.
    pub fn register(&self, user: &str, secret: Secret, owner: Offer<News>) -> Result<(), Gone> {
        self.register_at(Port::Shared, user, secret, owner)
    }

    /// The same at one port (`PB-01`, `PB-03`): another port may know another user of this name.
    pub fn register_at(
        &self,
        port: Port,
        user: &str,
        secret: Secret,
        owner: Offer<News>,
    ) -> Result<(), Gone> {
        let (user, owner) = (user.to_owned(), Owner(owner));
        self.0.push(Msg::Register { port, user, secret, is_worker: false, owner })
    }

    /// The same for the name of a worker, which may log in by any protocol. Whatever it speaks, it is called, and
    /// calls, as a PB worker does.
    pub fn register_worker(&self, user: &str, secret: Secret, owner: Offer<News>) -> Result<(), Gone> {
        let (port, user, owner) = (Port::Shared, user.to_owned(), Owner(owner));
        self.0.push(Msg::Register { port, user, secret, is_worker: true, owner })
    }

    /// From now on `user` is unknown, unless another owner has registered the name since: a reload may hand it from
    /// one room to another. Connections that are there stay.
    pub fn unregister(&self, user: &str, owner: Offer<News>) -> Result<(), Gone> {
        self.unregister_at(Port::Shared, user, owner)
    }

    /// The same at one port.
    pub fn unregister_at(&self, port: Port, user: &str, owner: Offer<News>) -> Result<(), Gone> {
        self.0.push(Msg::Unregister { port, user: user.to_owned(), owner: Owner(owner) })
    }

    /// Where a program on this machine reaches the service; `None` while it listens nowhere.
    pub fn local_address(&self) -> Result<Option<SocketAddr>, Gone> {
        self.0.call(Msg::LocalAddress)
    }

    /// Answers the login: the peer may call the owner's object `avatar` (a key of the owner's choice).
    pub fn admit(&self, connection: ConnectionId, avatar: u64) -> Result<(), Gone> {
        self.on(connection, Verb::Admit(avatar))
    }

    /// Answers the login with a failure, and closes the connection. Workers exit on any but `UnauthorizedLogin` (`pb.md` §8): for a
    /// passing trouble, close instead.
    pub fn refuse(&self, connection: ConnectionId, failure: Failure) -> Result<(), Gone> {
        self.on(connection, Verb::Refuse(failure))
    }

    /// Calls a method of the peer's object; the end comes as [`News::Answered`] with `token`.
    pub fn call(
        &self,
        connection: ConnectionId,
        object: impl Into<Callee>,
        method: &str,
        args: Vec<Value>,
        token: u64,
    ) -> Result<(), Gone> {
        let (object, method) = (object.into(), method.to_owned());
        self.on(connection, Verb::Call { object, method, args, kwargs: Vec::new(), token })
    }

    /// Answers a call.
    pub fn answer(&self, connection: ConnectionId, request: Request, value: Value) -> Result<(), Gone> {
        self.on(connection, Verb::Answer(request, value))
    }

    /// Ends a call with a failure.
    pub fn fail(&self, connection: ConnectionId, request: Request, failure: Failure) -> Result<(), Gone> {
        self.on(connection, Verb::Fail(request, failure))
    }

    /// Ends a call that means nothing here, giving back the references that came with it.
    pub fn reject(&self, connection: ConnectionId, call: Call, failure: Failure) -> Result<(), Gone> {
        self.on(connection, Verb::Reject(call, failure))
    }

    /// Drops an object of the peer.
    pub fn release(&self, connection: ConnectionId, object: Luid) -> Result<(), Gone> {
        self.on(connection, Verb::Release(object))
    }

    /// From now on text is sent in this form (0.8.x slaves want bytes, `worker-api.md` §2).
    pub fn set_text_form(&self, connection: ConnectionId, form: TextForm) -> Result<(), Gone> {
        self.on(connection, Verb::SetTextForm(form))
    }

    /// Sends what waits to be sent and closes the connection; [`News::Detached`] follows with this reason.
    pub fn close(&self, connection: ConnectionId, reason: &str) -> Result<(), Gone> {
        self.on(connection, Verb::Close(reason.to_owned()))
    }

    fn on(&self, connection: ConnectionId, verb: Verb) -> Result<(), Gone> {
        self.0.push(Msg::On(connection, verb))
    }
}
