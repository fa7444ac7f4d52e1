//! The service's state and its turn.

use super::protocol::{Force, Report, Request, Response};
use super::socket::{BellRope, ControlSocket, Ticket};
use super::{Msg, Wanted};
use crate::config::{Config, DebugClient};
use crate::kernel::{Gone, Inbox, Offer, Ranked, Refusal, Service, Turn, rank};
use crate::model::Mono;
use crate::pbmanager::{self, ConnectionId, Logins, News, WantedLogin};
use crate::schedulers::{ForceError, ForceRequest};
use crate::status::explain::{Asker, Subject};
use crate::{botmaster, changes, schedulers, status};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// What the service is built from.
#[derive(Clone)]
pub struct Parts {
    /// Where the debug client's user is registered.
    pub pb: pbmanager::Handle<Debug>,
    /// Where its news comes in: [`super::news_offer`].
    pub news: Offer<News>,
    /// Asked why something is as it is.
    pub explain: Asker<Debug>,
    /// Asked for what changes are coming in.
    pub changes: changes::Handle<Debug>,
    /// Asked to force builds.
    pub schedulers: schedulers::Handle<Debug>,
    /// Asked for what is running.
    pub botmaster: botmaster::Handle<Debug>,
    /// Asked where the pages are.
    pub status: status::Handle<Debug>,
    /// Told what only the root can do.
    pub root: Offer<Wanted>,
}

/// The service.
pub struct Debug {
    pub(super) parts: Parts,
    logins: Logins<Debug>,
    pub(super) debuggers: BTreeSet<ConnectionId>,
    /// Absent in the simulator, which has no file system of its own.
    socket: Option<ControlSocket>,
    pub(super) config: Option<Arc<Config>>,
    started: Option<Mono>,
    troubles: BTreeMap<String, String>,
}

impl Debug {
    /// With a control socket woken by this rope's bell, or, in the simulator, without one.
    pub fn new(parts: Parts, rope: Option<&BellRope>) -> Debug {
        // A panic here counts as the service's own: it is tried again after a pause.
        let socket =
            rope.map(|rope| ControlSocket::new(rope).expect("the operating system has room for a poll"));
        Debug {
            logins: Logins::new(parts.pb.clone(), parts.news.clone()),
            parts,
            debuggers: BTreeSet::new(),
            socket,
            config: None,
            started: None,
            troubles: BTreeMap::new(),
        }
    }

    fn heed(&mut self, turn: &mut Turn) {
        let Some(socket) = &mut self.socket else { return };
        for (ticket, line) in socket.heed(turn.now()) {
            match serde_json::from_slice(&line) {
                Ok(request) => self.serve(ticket, request, turn),
                Err(error) => self.refuse(ticket, format!("not a request: {error}")),
            }
        }
    }

    fn serve(&mut self, ticket: Ticket, request: Request, turn: &mut Turn) {
        slog::info!(turn.log(), "command"; "request" => ?request);
        match request {
            Request::Status => match self.report(turn) {
                Ok(report) => self.answer(ticket, &Response::Status(report)),
                Err(gone) => self.refuse(ticket, gone.to_string()),
            },
            Request::Reload { plan } => self.hand_up(ticket, Wanted::Reload { ticket, plan }),
            Request::Stop { clean } => self.hand_up(ticket, Wanted::Stop { ticket, clean }),
            Request::Force(force) => match self.force(force) {
                Ok(response) => self.answer(ticket, &response),
                Err(complaints) => self.answer(ticket, &Response::Refused { complaints }),
            },
            Request::Explain { subject } => match self.explain(&subject) {
                Ok(response) => self.answer(ticket, &response),
                Err(complaint) => self.refuse(ticket, complaint),
            },
            Request::Worker { name, wish } => match self.parts.botmaster.steer_worker(&name, wish) {
                Ok(Ok(())) => self.answer(ticket, &Response::Steered),
                Ok(Err(refused)) => self.refuse(ticket, refused.to_string()),
                Err(gone) => self.refuse(ticket, gone.to_string()),
            },
        }
    }

    fn report(&self, turn: &Turn) -> Result<Report, Gone> {
        let mut report = self.parts.report()?;
        if let Some(config) = &self.config {
            report.title.clone_from(&config.title);
            report.builders = config.builders.len();
        }
        report.uptime_s = self.started.map_or(0, |started| turn.now().since(started).as_secs());
        let failed =
            self.troubles.iter().map(|(service, cause)| format!("service {service} has failed: {cause}"));
        report.troubles.extend(failed);
        Ok(report)
    }

    fn explain(&self, subject: &Subject) -> Result<Response, String> {
        let explanation = self.parts.explain.ask(subject).map_err(|error| error.to_string())?;
        explanation.map(Response::Explained).ok_or_else(|| format!("there is no {subject}"))
    }

    fn force(&self, force: Force) -> Result<Response, Vec<String>> {
        let Force { scheduler, builders, owner, reason, branch, revision, parameters } = force;
        let named = [("reason", reason), ("branch", branch), ("revision", revision)];
        let named = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let fields = named.chain(parameters).map(|(name, value)| (name, Value::from(value))).collect();
        let request = ForceRequest { scheduler, builders, owner, fields };
        let added = self.parts.schedulers.force(request).map_err(|error| match error {
            ForceError::Refused(refused) => refused.lines(),
            ForceError::Outage(why) => vec![why],
        })?;
        let requests = added.requests.into_iter().map(|(builder, request)| (builder, request.0)).collect();
        Ok(Response::Forced { buildset: added.id.0, requests })
    }

    fn hand_up(&mut self, ticket: Ticket, wanted: Wanted) {
        if self.parts.root.offer(wanted).is_err() {
            self.refuse(ticket, "the master has too much to do: try again".to_owned());
        }
    }

    fn refuse(&mut self, ticket: Ticket, complaint: String) {
        self.answer(ticket, &Response::Refused { complaints: vec![complaint] });
    }

    fn answer(&mut self, ticket: Ticket, response: &Response) {
        let line = serde_json::to_string(response).expect("a response is plain data");
        if let Some(socket) = &mut self.socket {
            socket.answer(ticket, line);
        }
    }
}

impl Ranked for Debug {
    const RANK: u8 = rank::DEBUG;
    const NAME: &'static str = "debug";
}

impl Service for Debug {
    type Msg = Msg;

    fn prepare(&mut self, wanted: &Arc<Config>, _turn: &mut Turn) -> Result<(), Vec<Refusal>> {
        let users = wanted.debug.iter();
        let users = users.map(|debug| WantedLogin {
            whose: "debug client".to_owned(),
            user: DebugClient::USER,
            password: &debug.password,
            listen: &[],
        });
        self.logins.prepare(users, wanted)?;
        let Some(socket) = &mut self.socket else { return Ok(()) };
        let path = &wanted.control_socket;
        socket.listen(path).map_err(|error| {
            let what = format!("cannot listen on the control socket {}: {error}", path.display());
            vec![Refusal { service: Debug::NAME, what }]
        })
    }

    fn abandon(&mut self) {
        self.logins.abandon();
        let kept = self.config.as_ref().map(|config| config.control_socket.as_path());
        if let Some(socket) = &mut self.socket {
            socket.keep_only(kept);
        }
    }

    fn apply(&mut self, wanted: &Arc<Config>, turn: &mut Turn) {
        self.started.get_or_insert(turn.now());
        self.config = Some(wanted.clone());
        self.logins.apply();
        self.abandon();
    }

    fn handle(&mut self, msg: Msg, turn: &mut Turn) {
        match msg {
            Msg::News(news) => {
                // Gone is a pbmanager of a tree that stops; there is nobody to tell.
                let _ = self.news(news, turn);
            }
            Msg::Reloaded(ticket, report) => self.answer(ticket, &Response::Reload(report)),
            Msg::Stopping(ticket, message) => self.answer(ticket, &Response::Stopping { message }),
            Msg::Trouble { service, cause } => drop(self.troubles.insert(service, cause)),
        }
    }

    fn next_wake(&self) -> Option<Mono> {
        let socket = self.socket.as_ref()?;
        if socket.is_stirred() { Some(Mono::default()) } else { socket.deadline() }
    }

    fn settle(&mut self, turn: &mut Turn) {
        self.heed(turn);
    }

    fn wait(&mut self, inbox: &Inbox<Self>, timeout: Option<Duration>) {
        let Some(socket) = &mut self.socket else { return inbox.wait(timeout) };
        if let Err(error) = socket.wait(timeout) {
            // Without a poll no command can be served: end, to be built anew with another.
            panic!("the poll on the control socket failed: {error}");
        }
    }

    fn stop(&mut self, _turn: &mut Turn) {
        if let Some(socket) = &mut self.socket {
            socket.keep_only(None);
        }
    }
}
