//! The service's state and its turn.

use super::Msg;
use super::hub::Hub;
use super::limits::WEB_EVENTS;
use super::reporters::Reporters;
use super::web::{self, Below, Listener, Site};
use crate::config::Config;
use crate::kernel::supervise::{Importance, Supervision, Verdict};
use crate::kernel::{Hint, Ranked, Refusal, Service, Turn, World, rank};
use crate::model::{Event, Mono};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

/// What the service is made of; see [`Status::new`].
#[derive(Clone)]
pub struct Parts {
    /// What the web pages show and do.
    pub below: Below,
    /// The service's own inbox, for what its listeners' threads have to say.
    pub own: Hint<Msg>,
    /// Where the listeners log.
    pub log: slog::Logger,
    /// The listeners' clock.
    pub world: World,
}

/// The service.
pub struct Status {
    parts: Parts,
    hub: Hub,
    site: Site,
    web: Option<Web>,
    /// Bound by `prepare`: the socket, and the address that the configuration has for it.
    bound: Option<(SocketAddr, TcpListener)>,
    supervision: Supervision,
    restart_at: Option<Mono>,
    reporters: Reporters,
}

/// The web listener in force.
struct Web {
    /// As configured; the port may be 0.
    listen: SocketAddr,
    /// Kept so that a listener that is started again has a socket.
    socket: TcpListener,
    running: Option<Listener>,
}

impl Ranked for Status {
    const RANK: u8 = rank::STATUS;
    const NAME: &'static str = "status";
}

impl Status {
    /// A service that listens nowhere yet.
    pub fn new(parts: Parts) -> Status {
        Status {
            site: Site::new(Config::empty(), parts.below.clone(), parts.world.clone(), parts.log.clone()),
            parts,
            hub: Hub::default(),
            web: None,
            bound: None,
            supervision: Supervision::default(),
            restart_at: None,
            reporters: Reporters::default(),
        }
    }

    fn start_web(&mut self) {
        let Some(web) = &mut self.web else { return };
        // The web listener's bell and inbox end live as long as its thread.
        let own = self.parts.own.clone();
        let (events, bell) = web::doorbell();
        let news = self.hub.subscribe(WEB_EVENTS, Some(bell));
        let socket = web.socket.try_clone();
        let started = socket.and_then(|socket| {
            web::start(socket, self.site.clone(), news, events, move || own.tell(Msg::WebEnded))
        });
        match started {
            Ok(listener) => web.running = Some(listener),
            Err(error) => slog::error!(self.parts.log, "the web listener does not start"; "error" => %error),
        }
    }

    /// Looks whether the web listener's thread has ended by itself, and starts it again after a pause.
    fn supervise(&mut self, turn: &Turn) {
        let Some(web) = &mut self.web else { return };
        let Some(ended) = web.running.take_if(|listener| listener.is_finished()) else { return };
        let cause = ended.join().err().unwrap_or_else(|| "it returned".to_owned());
        slog::error!(turn.log(), "the web listener ended"; "cause" => cause);
        match self.supervision.panicked(Importance::Restartable, turn.now()) {
            Verdict::RestartAfter(pause) => self.restart_at = Some(turn.now() + pause),
            Verdict::GiveUp => slog::error!(turn.log(), "the web listener stays down until the next reload"),
        }
    }
}

impl Service for Status {
    type Msg = Msg;

    fn prepare(&mut self, wanted: &Arc<Config>, _: &mut Turn) -> Result<(), Vec<Refusal>> {
        self.bound = None;
        let Some(www) = &wanted.www else { return Ok(()) };
        if self.web.as_ref().is_some_and(|web| web.listen == www.listen) {
            return Ok(());
        }
        let bound = TcpListener::bind(www.listen)
            .and_then(|socket| socket.set_nonblocking(true).map(|()| socket))
            .map_err(|error| {
                let what = format!("the web pages cannot be served at {}: {error}", www.listen);
                vec![Refusal { service: Self::NAME, what }]
            })?;
        self.bound = Some((www.listen, bound));
        Ok(())
    }

    fn abandon(&mut self) {
        self.bound = None;
    }

    fn apply(&mut self, wanted: &Arc<Config>, turn: &mut Turn) {
        self.site.set_config(wanted.clone());
        if wanted.www.is_none() {
            // Dropped, it answers what it has begun to, and ends.
            self.web = None;
        }
        if let Some((listen, socket)) = self.bound.take() {
            self.web = Some(Web { listen, socket, running: None });
            self.supervision = Supervision::default();
        }
        if self.web.as_ref().is_some_and(|web| web.running.is_none()) {
            self.restart_at = None;
            self.start_web();
            if let Some(address) = self.web.as_ref().and_then(|web| web.socket.local_addr().ok()) {
                slog::info!(turn.log(), "serving the web pages"; "address" => %address);
            }
        }
        self.reporters.adopt(wanted, &self.parts, &mut self.hub);
        self.hub.tell(Event::Reconfigured);
    }

    fn handle(&mut self, msg: Msg, turn: &mut Turn) {
        match msg {
            Msg::News(event) => self.hub.tell(event),
            Msg::Subscribe { capacity, bell, reply } => reply.send(self.hub.subscribe(capacity, bell)),
            Msg::WebAddress(reply) => {
                reply.send(self.web.as_ref().and_then(|web| web.socket.local_addr().ok()));
            }
            Msg::WebEnded => self.supervise(turn),
            Msg::Reporters(reply) => reply.send(self.reporters.statuses()),
            Msg::ReporterEnded => self.reporters.supervise(turn),
        }
    }

    fn overrun(&mut self, turn: &mut Turn) {
        self.hub.tell_missed();
        self.supervise(turn);
        self.reporters.supervise(turn);
    }

    fn next_wake(&self) -> Option<Mono> {
        self.restart_at.into_iter().chain(self.reporters.next_wake()).min()
    }

    fn wake(&mut self, turn: &mut Turn) {
        if self.restart_at.is_some_and(|at| at <= turn.now()) {
            self.restart_at = None;
            self.start_web();
        }
        self.reporters.wake(turn.now(), &self.parts, &mut self.hub);
    }

    fn stop(&mut self, turn: &mut Turn) {
        self.reporters.stop(turn);
        let listener = self.web.take().and_then(|mut web| web.running.take());
        if let Some(Err(cause)) = listener.map(Listener::stop) {
            slog::error!(turn.log(), "the web listener panicked"; "cause" => cause);
        }
    }
}
