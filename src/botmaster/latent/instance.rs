//! The instance of one latent worker as a state machine (`LT-01` to `LT-08`, `N-LT-01`): what happens and the time go
//! in, what to do comes out.
//!
//! Two rules keep it honest. A start is asked for only where nothing is there, and only a stop that worked makes it so:
//! there are never two instances, and none is forgotten. It begins as one that is being stopped, since the master may
//! have died and left an instance behind (`N-LT-06`). And every build that waits is answered: every wait has an end.

use crate::botmaster::limits::INSTANCE_STOP_PAUSE;
use crate::model::{BuildId, Mono};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How long an instance without builds is kept; `None` for until the master stops (`N-LT-02`).
    pub build_wait_timeout: Option<Duration>,
    /// How long an instance may take until its worker can build (`LT-01`).
    pub missing_timeout: Duration,
    /// How often it is looked at until then (`N-LT-03`).
    pub check_interval: Duration,
}

/// Why a build gets no instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Whether another try may work.
    pub prospect: Prospect,
    /// Why, for people.
    pub why: String,
}

/// Whether another try may work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prospect {
    /// There is no room now: nobody's fault (`LT-03`).
    Later,
    /// It did not work, but may the next time.
    Perhaps,
    /// It can never work (`N-LT-05`).
    Never,
}

/// What to do. `number` tells one instance, or one try to stop it, from the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action<R> {
    /// Start an instance by this recipe; answered by [`Instance::started`].
    Start {
        /// Which.
        number: u64,
        /// How.
        recipe: R,
    },
    /// Look whether the instance is well; answered by [`Instance::checked`].
    Check {
        /// Which.
        number: u64,
    },
    /// Cut a start short, and remove whatever there is; answered by [`Instance::stopped`].
    Stop {
        /// Which try.
        number: u64,
    },
    /// The build can use the worker.
    Proceed(BuildId),
    /// The build gets no worker.
    Refuse(BuildId, Refusal),
    /// Close the worker's connection.
    Disconnect(&'static str),
    /// Tell that the worker does not come though it is wanted, and why (`LT-03`).
    Missing(String),
}

/// What the instance is doing, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// There is none.
    Down,
    /// It is being started, and its worker has not come yet.
    Starting,
    /// Its worker can build.
    Up,
    /// It is being stopped.
    Stopping,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State<R> {
    Down,
    Starting {
        recipe: R,
        /// When it counts as missing.
        deadline: Mono,
        /// Whether the start has returned.
        is_begun: bool,
        /// Whether the worker can build; it may come before the start returns.
        is_here: bool,
        /// When to look at it; `None` while that is not to be done.
        check_at: Option<Mono>,
    },
    Up {
        recipe: R,
        /// Since when it has no builds.
        idle_since: Option<Mono>,
    },
    Stopping {
        /// When to try again; `None` while a try runs.
        again_at: Option<Mono>,
    },
}

/// The instance of one latent worker, or that there is none. `R` says how one is started: a running one serves only
/// builds that want the same (`N-LT-04`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instance<R> {
    state: State<R>,
    /// The builds that want it, the oldest first.
    waiting: BTreeMap<BuildId, R>,
    /// The builds that use it.
    users: BTreeSet<BuildId>,
    /// Nothing is started any more.
    is_retired: bool,
    number: u64,
}

impl<R: Clone + PartialEq> Instance<R> {
    /// One of which nobody knows whether it runs: it is stopped first.
    pub fn unknown(out: &mut Vec<Action<R>>) -> Instance<R> {
        let mut instance = Instance {
            state: State::Down,
            waiting: BTreeMap::new(),
            users: BTreeSet::new(),
            is_retired: false,
            number: 0,
        };
        instance.stop(out);
        instance
    }

    /// What it is doing.
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Down => Phase::Down,
            State::Starting { .. } => Phase::Starting,
            State::Up { .. } => Phase::Up,
            State::Stopping { .. } => Phase::Stopping,
        }
    }

    /// Whether a connection of its worker makes sense (`LT-04`).
    pub fn may_attach(&self) -> bool {
        matches!(self.state, State::Starting { .. } | State::Up { .. })
    }

    /// Whether this build was let proceed, and has not left.
    pub fn is_used_by(&self, build: BuildId) -> bool {
        self.users.contains(&build)
    }

    /// When [`Instance::wake`] is due.
    pub fn next_wake(&self, terms: &Terms) -> Option<Mono> {
        match &self.state {
            State::Down => None,
            State::Starting { deadline, check_at, .. } => {
                Some(check_at.map_or(*deadline, |at| at.min(*deadline)))
            }
            State::Up { idle_since, .. } => {
                idle_since.zip(terms.build_wait_timeout).map(|(at, wait)| at + wait)
            }
            State::Stopping { again_at } => *again_at,
        }
    }

    /// Until when what it is doing lasts at most.
    pub fn ends_at(&self, terms: &Terms) -> Option<Mono> {
        match &self.state {
            State::Starting { deadline, .. } => Some(*deadline),
            State::Down | State::Up { .. } | State::Stopping { .. } => self.next_wake(terms),
        }
    }

    /// A build wants it; [`Action::Proceed`] or [`Action::Refuse`] answers (`LT-02`).
    pub fn ask(&mut self, build: BuildId, recipe: R, terms: &Terms, now: Mono, out: &mut Vec<Action<R>>) {
        self.waiting.insert(build, recipe);
        self.settle(terms, now, out);
    }

    /// A build is done with it, or wants it no more.
    pub fn leave(&mut self, build: BuildId, terms: &Terms, now: Mono, out: &mut Vec<Action<R>>) {
        self.waiting.remove(&build);
        self.users.remove(&build);
        self.settle(terms, now, out);
    }

    /// The start has returned.
    pub fn started(
        &mut self,
        number: u64,
        result: Result<(), Refusal>,
        terms: &Terms,
        now: Mono,
        out: &mut Vec<Action<R>>,
    ) {
        let State::Starting { is_begun, check_at, .. } = &mut self.state else { return };
        if number != self.number {
            return;
        }
        match result {
            Ok(()) => {
                (*is_begun, *check_at) = (true, Some(now + terms.check_interval));
                self.settle(terms, now, out);
            }
            Err(refusal) => self.fail(&refusal, out),
        }
    }

    /// It was looked at: if it is not well, why, for people.
    pub fn checked(
        &mut self,
        number: u64,
        result: Result<(), String>,
        terms: &Terms,
        now: Mono,
        out: &mut Vec<Action<R>>,
    ) {
        let State::Starting { check_at, .. } = &mut self.state else { return };
        if number != self.number {
            return;
        }
        match result {
            Ok(()) => *check_at = Some(now + terms.check_interval),
            Err(why) => self.fail(&Refusal { prospect: Prospect::Perhaps, why }, out),
        }
    }

    /// A try to stop it has returned; if it did not work, why, for people.
    pub fn stopped(
        &mut self,
        number: u64,
        result: Result<(), String>,
        terms: &Terms,
        now: Mono,
        out: &mut Vec<Action<R>>,
    ) {
        let State::Stopping { again_at } = &mut self.state else { return };
        if number != self.number {
            return;
        }
        match result {
            Ok(()) => {
                self.state = State::Down;
                self.settle(terms, now, out);
            }
            Err(why) => {
                *again_at = Some(now + INSTANCE_STOP_PAUSE);
                let why = format!("what is left of the instance cannot be removed: {why}");
                self.refuse(&Refusal { prospect: Prospect::Perhaps, why }, |_| true, out);
            }
        }
    }

    /// The worker can build: it has taken its builders (`LT-05`).
    pub fn arrived(&mut self, terms: &Terms, now: Mono, out: &mut Vec<Action<R>>) {
        match &mut self.state {
            State::Starting { is_here, .. } => {
                *is_here = true;
                self.settle(terms, now, out);
            }
            State::Up { .. } => {}
            State::Down | State::Stopping { .. } => out.push(Action::Disconnect("no instance is wanted")),
        }
    }

    /// The worker's connection is gone. What runs without it is of no use: it is stopped, and if a build still waits,
    /// started anew (`LT-06`).
    pub fn detached(&mut self, out: &mut Vec<Action<R>>) {
        match &mut self.state {
            State::Starting { is_here, .. } => *is_here = false,
            State::Up { .. } => self.stop(out),
            State::Down | State::Stopping { .. } => {}
        }
    }

    /// Its time has come.
    pub fn wake(&mut self, terms: &Terms, now: Mono, out: &mut Vec<Action<R>>) {
        if self.next_wake(terms).is_none_or(|at| now < at) {
            return;
        }
        match &mut self.state {
            State::Down => {}
            State::Starting { deadline, .. } if now >= *deadline => {
                let why = format!("its worker did not come within {} s", terms.missing_timeout.as_secs());
                self.fail(&Refusal { prospect: Prospect::Perhaps, why }, out);
            }
            State::Starting { check_at, .. } => {
                *check_at = None;
                out.push(Action::Check { number: self.number });
            }
            State::Up { .. } | State::Stopping { .. } => self.stop(out),
        }
    }

    /// Its worker is not configured any more: it is stopped when its last build is done. Builds that have not begun on
    /// it go elsewhere.
    pub fn retire(&mut self, terms: &Terms, now: Mono, out: &mut Vec<Action<R>>) {
        self.is_retired = true;
        self.refuse_retired(out);
        self.settle(terms, now, out);
    }

    /// Its worker is configured, perhaps again.
    pub fn revive(&mut self) {
        self.is_retired = false;
    }

    /// Whether nothing of it is left, and nothing will be.
    pub fn is_over(&self) -> bool {
        self.is_retired && self.state == State::Down
    }

    /// The master ends: it is stopped at once (`LT-08`).
    pub fn shut_down(&mut self, out: &mut Vec<Action<R>>) {
        self.is_retired = true;
        let why = "the master stops".to_owned();
        self.refuse(&Refusal { prospect: Prospect::Later, why }, |_| true, out);
        if self.state != State::Down {
            self.stop(out);
        }
    }

    /// Does what follows from how things are now.
    fn settle(&mut self, terms: &Terms, now: Mono, out: &mut Vec<Action<R>>) {
        match &mut self.state {
            State::Down if self.is_retired => self.refuse_retired(out),
            State::Down if self.users.is_empty() => {
                let Some(recipe) = self.waiting.values().next().cloned() else { return };
                self.number += 1;
                self.state = State::Starting {
                    recipe: recipe.clone(),
                    deadline: now + terms.missing_timeout,
                    is_begun: false,
                    is_here: false,
                    check_at: None,
                };
                out.push(Action::Start { number: self.number, recipe });
            }
            State::Starting { recipe, .. } if !self.waiting.values().any(|wanted| wanted == recipe) => {
                self.stop(out);
            }
            State::Starting { recipe, is_begun: true, is_here: true, .. } => {
                self.state = State::Up { recipe: recipe.clone(), idle_since: None };
                self.settle(terms, now, out);
            }
            State::Up { recipe, idle_since } => {
                // One that wants another recipe is not overtaken for ever by those who want this one.
                while let Some(first) = self.waiting.first_entry().filter(|first| first.get() == recipe) {
                    let (build, _) = first.remove_entry();
                    self.users.insert(build);
                    out.push(Action::Proceed(build));
                }
                if !self.users.is_empty() {
                    *idle_since = None;
                    return;
                }
                idle_since.get_or_insert(now);
                let at_once = terms.build_wait_timeout == Some(Duration::ZERO);
                if at_once || self.is_retired || !self.waiting.is_empty() {
                    self.stop(out);
                }
            }
            State::Down | State::Starting { .. } | State::Stopping { .. } => {}
        }
    }

    /// The instance that is being started comes to nothing.
    fn fail(&mut self, refusal: &Refusal, out: &mut Vec<Action<R>>) {
        let State::Starting { recipe, .. } = &self.state else { return };
        let recipe = recipe.clone();
        if refusal.prospect != Prospect::Later {
            out.push(Action::Missing(refusal.why.clone()));
        }
        // First, so that nobody who hears of the refusal can ask for the one that failed.
        self.stop(out);
        self.refuse(refusal, |wanted| *wanted == recipe, out);
    }

    fn stop(&mut self, out: &mut Vec<Action<R>>) {
        if matches!(self.state, State::Starting { .. } | State::Up { .. }) {
            out.push(Action::Disconnect("its instance is stopped"));
        }
        self.number += 1;
        self.state = State::Stopping { again_at: None };
        out.push(Action::Stop { number: self.number });
    }

    fn refuse_retired(&mut self, out: &mut Vec<Action<R>>) {
        let why = "the worker is not configured any more".to_owned();
        self.refuse(&Refusal { prospect: Prospect::Later, why }, |_| true, out);
    }

    fn refuse(&mut self, refusal: &Refusal, which: impl Fn(&R) -> bool, out: &mut Vec<Action<R>>) {
        self.waiting.retain(|build, recipe| {
            let is_refused = which(recipe);
            if is_refused {
                out.push(Action::Refuse(*build, refusal.clone()));
            }
            !is_refused
        });
    }
}
