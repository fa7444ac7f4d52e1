//! The latent workers within the botmaster's turns: carries out what their instances want.

use super::instance::{Action, Instance, Phase, Prospect, Refusal, Terms};
use super::{Driver, Drivers, Order, Report, Site, Standing, Told};
use crate::botmaster::Botmaster;
use crate::botmaster::absence::Absence;
use crate::botmaster::build::Input;
use crate::botmaster::limits::INSTANCES_FAREWELL;
use crate::botmaster::properties::of_place;
use crate::botmaster::render::Scene;
use crate::botmaster::running::Place;
use crate::botmaster::service::Alarm;
use crate::botmaster::workers::Purpose;
use crate::config::{self, LatentDriver, SecretText};
use crate::kernel::{Offer, Turn};
use crate::model::{BuildId, Event, Mono, Properties, Results, Wall};
use crate::pb;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// One latent worker. It stays until its instance is gone, though it may not be configured any more.
struct Latent {
    config: config::Worker,
    terms: Terms,
    instance: Instance<LatentDriver>,
    /// Since when it does what it does.
    since: Wall,
    driver: Box<dyn Driver>,
}

/// All latent workers, by name.
pub(in crate::botmaster) struct Latents {
    drivers: Box<dyn Drivers>,
    reports: Offer<Report>,
    all: BTreeMap<String, Latent>,
}

impl Latents {
    pub fn new(drivers: Box<dyn Drivers>, reports: Offer<Report>) -> Latents {
        Latents { drivers, reports, all: BTreeMap::new() }
    }

    /// What the instance of this worker is doing; `None` if the worker is not latent.
    pub fn phase(&self, worker: &str) -> Option<Phase> {
        self.all.get(worker).map(|latent| latent.instance.phase())
    }

    /// How the instance of this worker stands; `None` if the worker is not latent.
    pub fn standing(&self, worker: &str, (now, wall): (Mono, Wall)) -> Option<Standing> {
        let Latent { instance, terms, since, .. } = self.all.get(worker)?;
        let until = instance.ends_at(terms).map(|at| wall + at.since(now));
        Some(Standing { phase: instance.phase(), since: *since, until })
    }

    /// Whether a connection of this worker makes sense (`LT-04`).
    pub fn may_attach(&self, worker: &str) -> bool {
        self.all.get(worker).is_none_or(|latent| latent.instance.may_attach())
    }

    /// Whether this build still waits for its worker: then the loss of a connection is not its affair (`LT-06`).
    pub fn is_awaited_by(&self, worker: &str, build: BuildId) -> bool {
        self.all.get(worker).is_some_and(|latent| !latent.instance.is_used_by(build))
    }
}

impl Botmaster {
    /// Takes in the latent workers of a configuration; what is changed applies at the next start. Each instance that
    /// is not configured any more is stopped after its last build.
    pub(in crate::botmaster) fn adopt_latents(&mut self, turn: &mut Turn) {
        let config = self.config.clone();
        for (worker, latent) in
            config.workers.iter().filter_map(|worker| Some((worker, worker.kind.latent()?)))
        {
            let terms = Terms {
                build_wait_timeout: latent.build_wait_timeout,
                missing_timeout: worker.missing_timeout,
                check_interval: latent.check_instance_interval,
            };
            if let Some(known) = self.latents.all.get_mut(&worker.name) {
                (known.config, known.terms) = (worker.clone(), terms);
                known.instance.revive();
                continue;
            }
            let recipe = self.unbound(&latent.driver).unwrap_or_else(|why| {
                slog::warn!(turn.log(), "latent worker is in trouble"; "worker" => &worker.name, "why" => why);
                latent.driver.clone()
            });
            let master = format!("{}@{}:{}", self.name, host_name(), config.state_dir.display());
            let site = Site { worker: worker.name.clone(), master, recipe };
            let driver = self.latents.drivers.open(site, self.latents.reports.clone());
            let mut actions = Vec::new();
            let instance = Instance::unknown(&mut actions);
            let latent = Latent { config: worker.clone(), terms, instance, since: turn.wall(), driver };
            self.latents.all.insert(worker.name.clone(), latent);
            self.carry_out_all(&worker.name, actions, turn);
        }
        let is_latent = |name: &str| config.worker(name).is_some_and(|worker| worker.kind.latent().is_some());
        for name in self.latents.all.keys().filter(|name| !is_latent(name)).cloned().collect::<Vec<_>>() {
            self.with_instance(&name, turn, |instance, terms, now, out| instance.retire(terms, now, out));
        }
    }

    /// How instances are handled where no build has a say.
    fn unbound(&self, driver: &LatentDriver) -> Result<LatentDriver, String> {
        let secrets = |name: &str| config::Secret::Named(name.to_owned()).resolve(&self.config.secrets);
        let scene = Scene {
            properties: &Properties::default(),
            stamps: &[],
            worker: &BTreeMap::new(),
            secrets: &secrets,
            hidden: RefCell::default(),
        };
        filled(driver, &scene)
    }

    /// A build wants the instance of its worker.
    pub(in crate::botmaster) fn substantiate(
        &mut self,
        build: BuildId,
        recipe: LatentDriver,
        turn: &mut Turn,
    ) {
        let Some(worker) = self.builds.get(&build).map(|running| running.worker.clone()) else { return };
        self.with_instance(&worker, turn, |instance, terms, now, out| {
            instance.ask(build, recipe, terms, now, out);
        });
    }

    /// A build is over.
    pub(in crate::botmaster) fn leave_instance(&mut self, worker: &str, build: BuildId, turn: &mut Turn) {
        self.with_instance(worker, turn, |instance, terms, now, out| instance.leave(build, terms, now, out));
    }

    /// A worker can build.
    pub(in crate::botmaster) fn instance_arrived(&mut self, worker: &str, turn: &mut Turn) {
        self.with_instance(worker, turn, Instance::arrived);
    }

    /// A worker's connection is gone.
    pub(in crate::botmaster) fn instance_detached(&mut self, worker: &str, turn: &mut Turn) {
        self.with_instance(worker, turn, |instance, _, _, out| instance.detached(out));
    }

    pub(in crate::botmaster) fn wake_instance(&mut self, worker: &str, turn: &mut Turn) {
        self.with_instance(worker, turn, Instance::wake);
    }

    /// A driver tells what came of a job.
    pub(in crate::botmaster) fn instance_report(&mut self, report: Report, turn: &mut Turn) {
        let Report { worker, number, told } = report;
        if let Told::Stopped(Err(why)) = &told {
            slog::warn!(turn.log(), "an instance cannot be stopped"; "worker" => &worker, "why" => why);
            self.latent_trouble(&worker, why);
        }
        self.with_instance(&worker, turn, |instance, terms, now, out| match told {
            Told::Started(result) => instance.started(number, result, terms, now, out),
            Told::Checked(result) => instance.checked(number, result, terms, now, out),
            Told::Stopped(result) => instance.stopped(number, result, terms, now, out),
        });
    }

    /// The master ends: all instances are stopped at once, and waited for a moment (`LT-08`).
    pub(in crate::botmaster) fn end_instances(&mut self, turn: &mut Turn) {
        for name in self.latents.all.keys().cloned().collect::<Vec<_>>() {
            self.with_instance(&name, turn, |instance, _, _, out| instance.shut_down(out));
        }
        let end = turn.world().now() + INSTANCES_FAREWELL;
        for latent in std::mem::take(&mut self.latents.all).into_values() {
            latent.driver.farewell(end.since(turn.world().now()));
        }
    }

    fn with_instance(
        &mut self,
        worker: &str,
        turn: &mut Turn,
        act: impl FnOnce(&mut Instance<LatentDriver>, &Terms, Mono, &mut Vec<Action<LatentDriver>>),
    ) {
        let Some(latent) = self.latents.all.get_mut(worker) else { return };
        let (mut actions, before) = (Vec::new(), latent.instance.phase());
        act(&mut latent.instance, &latent.terms, turn.now(), &mut actions);
        if latent.instance.phase() != before {
            latent.since = turn.wall();
        }
        self.carry_out_all(worker, actions, turn);
    }

    fn carry_out_all(&mut self, worker: &str, actions: Vec<Action<LatentDriver>>, turn: &mut Turn) {
        let has_changed = !actions.is_empty();
        for action in actions {
            self.carry_out_for(worker, action, turn);
        }
        let Some(latent) = self.latents.all.get(worker) else { return };
        let alarm = Alarm::Instance(worker.to_owned());
        match latent.instance.next_wake(&latent.terms) {
            Some(at) => self.timers.set(alarm, at),
            None => self.timers.cancel(&alarm),
        }
        if latent.instance.is_over() {
            self.latents.all.remove(worker);
        }
        if has_changed {
            self.store.teller().tell(Event::WorkerUpdated { worker: worker.to_owned() });
        }
    }

    fn carry_out_for(&mut self, name: &str, action: Action<LatentDriver>, turn: &mut Turn) {
        let Some(latent) = self.latents.all.get_mut(name) else { return };
        match action {
            Action::Start { number, recipe } => {
                slog::info!(turn.log(), "an instance is started"; "worker" => name, "number" => number);
                match self.order(name, recipe, turn) {
                    Ok(order) => {
                        if let Some(latent) = self.latents.all.get_mut(name) {
                            latent.driver.start(number, order);
                        }
                    }
                    Err(why) => {
                        let refusal = Refusal { prospect: Prospect::Perhaps, why };
                        self.with_instance(name, turn, |instance, terms, now, out| {
                            instance.started(number, Err(refusal), terms, now, out);
                        });
                    }
                }
            }
            Action::Check { number } => latent.driver.check(number),
            Action::Stop { number } => {
                slog::info!(turn.log(), "an instance is stopped, if there is one"; "worker" => name);
                latent.driver.stop(number);
            }
            Action::Proceed(_) => self.place_builds(name, turn),
            Action::Refuse(build, refusal) => self.refuse_build(build, name, refusal, turn),
            Action::Disconnect(why) => self.drop_session(name, why),
            Action::Missing(why) => self.does_not_come(name, &why, turn),
        }
    }

    /// All that an instance needs; from now on its worker may log in.
    fn order(&self, name: &str, recipe: LatentDriver, turn: &mut Turn) -> Result<Order, String> {
        let latent = self.latents.all.get(name).ok_or("the worker is not configured any more")?;
        let password = match &latent.config.password {
            Some(password) => password.resolve(&self.config.secrets)?,
            None => {
                // A new one for each instance: nobody who knew the last gets in (`N-LT-07`).
                let mut random = [0; 32];
                turn.world().entropy(&mut random);
                SecretText::new(random.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
            }
        };
        let address = self.pb.local_address().ok().flatten().ok_or("the master listens nowhere")?;
        let settings = latent.config.kind.latent().and_then(|latent| latent.master_fqdn.clone());
        let host = settings.unwrap_or_else(|| match recipe {
            LatentDriver::Command(_) => address.ip().to_string(),
            LatentDriver::Docker(_) => host_name(),
        });
        let reach = match host.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?))) {
            // What has more than one colon is an IPv6 address.
            Some((host, port)) if !host.contains(':') => (host.to_owned(), port),
            _ => (host, address.port()),
        };
        let _ = self.pb.register(name, pb::Secret::from(password.reveal()), self.ear.clone());
        Ok(Order { recipe, password, reach, time: latent.terms.missing_timeout })
    }

    fn refuse_build(&mut self, build: BuildId, worker: &str, refusal: Refusal, turn: &mut Turn) {
        slog::warn!(turn.log(), "a build gets no instance"; "worker" => worker, "why" => &refusal.why);
        self.latent_trouble(worker, &refusal.why);
        let results = match refusal.prospect {
            Prospect::Later | Prospect::Perhaps => Results::Retry,
            Prospect::Never => Results::Exception,
        };
        if results == Results::Retry {
            self.start_failed(worker, turn);
        }
        self.feed(build, Input::Unprepared { results, why: refusal.why }, turn);
    }

    /// Told once, until it has come again: each further try that fails is no news.
    fn does_not_come(&mut self, name: &str, why: &str, turn: &mut Turn) {
        slog::warn!(turn.log(), "a latent worker does not come"; "worker" => name, "why" => why);
        self.latent_trouble(name, why);
        let Some(worker) = self.workers.all.get_mut(name).filter(|worker| !worker.absence.told) else {
            return;
        };
        worker.absence = Absence { told: true, ..Absence::begin(turn) };
        self.store.teller().tell(Event::WorkerMissing { worker: name.to_owned() });
    }

    fn latent_trouble(&mut self, worker: &str, why: &str) {
        if let Some(worker) = self.workers.all.get_mut(worker) {
            worker.trouble = why.lines().next().map(str::to_owned);
        }
    }

    /// Begins the builds that were let proceed, as far as the worker has their builders.
    pub(in crate::botmaster) fn place_builds(&mut self, name: &str, turn: &mut Turn) {
        let Some(latent) = self.latents.all.get(name) else { return };
        let is_let = |build: BuildId| latent.instance.is_used_by(build);
        let unplaced = self
            .builds
            .iter()
            .filter(|(build, running)| running.worker == name && running.place.is_none() && is_let(**build));
        for build in unplaced.map(|(build, _)| *build).collect::<Vec<_>>() {
            let Some(session) = self.workers.session(name).filter(|session| session.is_ready()) else {
                return;
            };
            let Some(running) = self.builds.get_mut(&build) else { continue };
            let builder = running.machine.plan().builder.clone();
            let Some(object) = session.builders.get(&builder.name).copied() else { continue };
            let connection = session.connection;
            running.place = Some(Place { connection, object });
            let arrived = Input::Arrived {
                properties: of_place(&session.info, &builder),
                info: session.info.clone(),
                environ: session.environ.clone(),
                abilities: session.abilities.clone(),
            };
            self.feed(build, arrived, turn);
            self.call(connection, name, object, "startBuild", Vec::new(), Purpose::StartBuild(build));
        }
    }
}

/// A driver's settings with all texts filled in.
///
/// # Errors
/// What is missing, in one line.
pub(in crate::botmaster) fn filled(driver: &LatentDriver, scene: &Scene<'_>) -> Result<LatentDriver, String> {
    let settings = serde_json::to_value(driver).map_err(|error| error.to_string())?;
    serde_json::from_value(scene.json(&settings)?).map_err(|error| error.to_string())
}

/// This machine's name.
fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
