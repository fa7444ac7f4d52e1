//! What Buildbot's debug client may call over PB (`clients.md` §3, `DG-01`).

use super::Wanted;
use super::service::Debug;
use super::socket::Ticket;
use crate::config::Config;
use crate::kernel::{Gone, Turn};
use crate::pb::{Call, Failure, Value};
use crate::pbmanager::News;
use crate::schedulers::{RequestError, Wish};

/// The key of the only object that a connection may call.
const AVATAR: u64 = 0;

/// The name of the original's class, in what is said of calls that it does not know.
const CLASS: &str = "DebugPerspective";

impl Debug {
    /// Takes what a debug client's connection has to say.
    pub(super) fn news(&mut self, news: News, turn: &Turn) -> Result<(), Gone> {
        match news {
            News::Attached { connection, peer, .. } => {
                if self.config.as_ref().is_none_or(|config| config.debug.is_none()) {
                    return self.parts.pb.close(connection, "the debug client is configured no more");
                }
                slog::info!(turn.log(), "a debug client is connected"; "peer" => %peer);
                self.debuggers.insert(connection);
                self.parts.pb.admit(connection, AVATAR)
            }
            News::Called { connection, call } if !self.debuggers.contains(&connection) => {
                self.parts.pb.reject(connection, call, Failure::pb_error("not attached"))
            }
            News::Called { connection, call } => match self.debug(&call, turn) {
                Ok(value) => self.parts.pb.answer(connection, call.request, value),
                Err(failure) => self.parts.pb.reject(connection, call, failure),
            },
            News::Detached { connection, .. } => {
                self.debuggers.remove(&connection);
                Ok(())
            }
            // The service calls nobody over PB, and its object lives as long as the connection.
            News::Answered { .. } | News::Released { .. } => Ok(()),
        }
    }

    fn debug(&self, call: &Call, turn: &Turn) -> Result<Value, Failure> {
        let text = |position, name| call.arg(position, name).and_then(Value::to_str_lossy).map(String::from);
        slog::info!(turn.log(), "debug client"; "method" => ?call.method);
        match call.method.as_str() {
            "print" => {
                slog::info!(turn.log(), "debug client prints"; "message" => ?text(0, "message"));
                Ok(Value::None)
            }
            "reload" => {
                // As with the control socket, but nobody waits for the report: it is in the log.
                let wanted = Wanted::Reload { ticket: Ticket::NOBODY, plan: false };
                let full = |_| Failure::runtime_error("the master has too much to do: try again");
                self.parts.root.offer(wanted).map_err(full)?;
                Ok(Value::None)
            }
            "requestBuild" => self.request_build(call),
            "pingBuilder" => {
                self.known_builder(&text(0, "buildername").unwrap_or_default())?;
                Ok(Value::None)
            }
            // There is no channel to say anything in.
            "pokeIRC" => Ok(Value::None),
            other => Err(Failure::no_such_perspective_method(CLASS, other)),
        }
    }

    fn known_builder(&self, name: &str) -> Result<(), Failure> {
        let builder = self.config.as_deref().and_then(|config: &Config| config.builder(name));
        builder.map(drop).ok_or_else(|| Failure::key_error(format!("'{name}'")))
    }

    fn request_build(&self, call: &Call) -> Result<Value, Failure> {
        let text = |position, name| call.arg(position, name).and_then(Value::to_str_lossy).map(String::from);
        let mut wish = Wish {
            builder: text(0, "buildername").unwrap_or_default(),
            reason: text(1, "reason").unwrap_or_default(),
            branch: text(2, "branch"),
            revision: text(3, "revision"),
            ..Wish::default()
        };
        self.known_builder(&wish.builder)?;
        let properties = call.arg(4, "properties").and_then(Value::as_dict).unwrap_or_default();
        for (name, value) in properties {
            let (Some(name), Some(value)) = (name.to_str_lossy(), value.to_json()) else {
                return Err(Failure::type_error("requestBuild() wants plain values as 'properties'"));
            };
            wish.properties.set(name, value, "remote requestBuild");
        }
        match self.parts.schedulers.request(wish) {
            // The original sends an object that may not be sent; its client expects nothing else.
            Ok(_) => Ok(Value::deemed_insecure("buildbot.status.buildrequest.BuildRequestStatus")),
            Err(RequestError::NoSuchBuilder(name)) => Err(Failure::key_error(format!("'{name}'"))),
            Err(RequestError::Outage(why)) => Err(Failure::runtime_error(why)),
        }
    }
}
