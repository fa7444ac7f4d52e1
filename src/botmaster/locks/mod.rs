//! The lock manager: who holds what, who waits, who is next (`LK`). Pure: a value that is asked and answers.
//!
//! * All or nothing: an owner gets all the locks that it wants at once, or none (`LK-05`). So whoever holds nothing
//!   and waits is in nobody's way but by its place in the line.
//! * In order of arrival: what an earlier waiter wants is kept for it, so newcomers do not overtake (`N-LK-03`), and a
//!   use of several units counts as several (`N-LK-04`).
//! * A step of a build that holds locks goes before all who hold none, and past others like it: what they wait for may
//!   be what its build holds. If such steps wait for each other in a circle, the last of them is refused
//!   ([`Answer::Deadlock`]) instead of all waiting for ever.
//! * Owners are known by id, never by looks: to withdraw a waiter cannot release somebody else's lock.
//!
//! A build's own locks are taken before it gets a worker (`N-BQ-10`, mending `D-20`); its line is the queue of
//! requests, walked in one [`Pass`]. Steps wait here.

mod pass;
mod wanted;

pub use pass::Pass;
pub use wanted::wanted;

use crate::model::RequestId;
use std::collections::BTreeMap;

/// One lock, as it can be held: for a lock of workers, that of one worker.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lock {
    /// Its name in the configuration.
    pub name: String,
    /// Whose it is; `None` for the master's.
    pub worker: Option<String>,
}

/// Who holds or wants locks. A request is built once at a time, so its id stands for its build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// A build, for its whole length; also the locks of its worker.
    Build(RequestId),
    /// A build's running step.
    Step(RequestId),
}

impl Owner {
    /// The request that is being built.
    pub fn request(self) -> RequestId {
        match self {
            Owner::Build(request) | Owner::Step(request) => request,
        }
    }
}

/// How a lock is wanted (`LK-03`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Amount {
    /// So many of its units, beside others. Zero units are always there (`N-LK-02`).
    Units(u32),
    /// Alone.
    Exclusive,
}

/// One lock that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Want {
    /// Which.
    pub lock: Lock,
    /// How much of it.
    pub amount: Amount,
    /// How many units it has.
    pub capacity: u32,
}

/// What comes of wanting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The owner holds all of it.
    Held,
    /// It waits, first of all for this lock; it is told by the [`Locks::release`] or [`Locks::withdraw`] that lets it in.
    Waits(Lock),
    /// It would wait for ever: builds that hold what it wants wait for what its build holds. It does not wait.
    Deadlock(Lock),
}

/// How much of one lock is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    units: u32,
    shared: u32,
    exclusive: u32,
}

impl Use {
    fn fits(self, want: &Want) -> bool {
        match want.amount {
            Amount::Units(0) => true,
            Amount::Units(units) => {
                self.exclusive == 0 && self.units.checked_add(units).is_some_and(|sum| sum <= want.capacity)
            }
            Amount::Exclusive => self.exclusive == 0 && self.shared == 0,
        }
    }

    fn add(&mut self, amount: Amount) {
        match amount {
            Amount::Units(0) => {}
            Amount::Units(units) => {
                self.units = self.units.saturating_add(units);
                self.shared += 1;
            }
            Amount::Exclusive => self.exclusive += 1,
        }
    }
}

/// The uses of many locks, held or kept for who waits.
#[derive(Clone, Debug, Default)]
struct Uses(BTreeMap<Lock, Use>);

impl Uses {
    fn of<'w>(wants: impl IntoIterator<Item = &'w Want>) -> Uses {
        let mut uses = Uses::default();
        uses.add(wants);
        uses
    }

    fn add<'w>(&mut self, wants: impl IntoIterator<Item = &'w Want>) {
        for want in wants {
            self.0.entry(want.lock.clone()).or_default().add(want.amount);
        }
    }

    /// The first of these that does not fit.
    fn lacking<'w>(&self, wants: &'w [Want]) -> Option<&'w Want> {
        wants.iter().find(|want| !self.0.get(&want.lock).copied().unwrap_or_default().fits(want))
    }
}

/// All locks that are held or waited for.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Locks {
    held: BTreeMap<Owner, Vec<Want>>,
    /// In order of arrival.
    waiting: Vec<(Owner, Vec<Want>)>,
}

impl Locks {
    /// `owner`, which neither holds nor waits, wants all of these; it waits if it can't have them now.
    pub fn want(&mut self, owner: Owner, wants: Vec<Want>) -> Answer {
        self.waiting.push((owner, wants));
        self.let_in();
        let Some((_, wants)) = self.waiting.iter().find(|(waiting, _)| *waiting == owner) else {
            return Answer::Held;
        };
        let lacking = self.uses_before(owner).lacking(wants).or(wants.first()).map(|want| want.lock.clone());
        let Some(lacking) = lacking else { return Answer::Held };
        if self.waits_for_ever(owner) {
            self.waiting.retain(|(waiting, _)| *waiting != owner);
            return Answer::Deadlock(lacking);
        }
        Answer::Waits(lacking)
    }

    /// `owner` needs what it holds no longer, or waits no longer. Whoever is let in by that, is returned.
    pub fn release(&mut self, owner: Owner) -> Vec<Owner> {
        self.held.remove(&owner);
        self.waiting.retain(|(waiting, _)| *waiting != owner);
        self.let_in()
    }

    /// Whether `owner` has what it wanted.
    pub fn holds(&self, owner: Owner) -> bool {
        self.held.contains_key(&owner)
    }

    /// Who holds this lock, in the order of their ids.
    pub fn holders(&self, lock: &Lock) -> impl Iterator<Item = Owner> {
        let has = move |wants: &Vec<Want>| wants.iter().any(|want| want.lock == *lock);
        self.held.iter().filter(move |(_, wants)| has(wants)).map(|(owner, _)| *owner)
    }

    /// The locks that `owner` waits for; none if it does not wait.
    pub fn waited_for(&self, owner: Owner) -> &[Want] {
        self.waiting.iter().find(|(waiting, _)| *waiting == owner).map_or(&[], |(_, wants)| wants)
    }

    /// A walk over those who want to hold locks for a build, first come first served; see [`Pass`].
    pub fn pass(&mut self) -> Pass<'_> {
        let mut uses = Uses::of(self.held.values().flatten());
        uses.add(self.waiting.iter().flat_map(|(_, wants)| wants));
        Pass::new(self, uses)
    }

    /// Whether it is a step of a build that holds something else.
    fn goes_first(&self, owner: Owner) -> bool {
        match owner {
            Owner::Build(_) => false,
            Owner::Step(request) => {
                self.held.get(&Owner::Build(request)).is_some_and(|held| !held.is_empty())
            }
        }
    }

    /// What stands before this waiter: what is held, and what is kept for those ahead.
    fn uses_before(&self, owner: Owner) -> Uses {
        let mut uses = Uses::of(self.held.values().flatten());
        if self.goes_first(owner) {
            return uses;
        }
        for (other, wants) in self.waiting.iter().filter(|(other, _)| self.goes_first(*other)) {
            debug_assert_ne!(*other, owner);
            uses.add(wants);
        }
        let ahead = self.waiting.iter().take_while(|(other, _)| *other != owner);
        for (_, wants) in ahead.filter(|(other, _)| !self.goes_first(*other)) {
            uses.add(wants);
        }
        uses
    }

    /// Gives whoever can have what it waits for just that.
    fn let_in(&mut self) -> Vec<Owner> {
        let mut entered = Vec::new();
        while let Some(at) =
            self.waiting.iter().position(|(owner, wants)| self.uses_before(*owner).lacking(wants).is_none())
        {
            let (owner, wants) = self.waiting.remove(at);
            self.held.insert(owner, wants);
            entered.push(owner);
        }
        entered
    }

    /// Whether this waiter would still wait if every owner that does not wait had ended, and then those whom that
    /// lets in, and so on.
    fn waits_for_ever(&self, owner: Owner) -> bool {
        let mut future = self.clone();
        loop {
            let stuck = |one: Owner, locks: &Locks| {
                locks.waiting.iter().any(|(waiting, _)| *waiting == Owner::Step(one.request()))
            };
            let ended: Vec<Owner> =
                future.held.keys().copied().filter(|held| !stuck(*held, &future)).collect();
            if ended.is_empty() {
                return future.waiting.iter().any(|(waiting, _)| *waiting == owner);
            }
            for end in ended {
                future.held.remove(&end);
            }
            future.let_in();
        }
    }
}

impl std::fmt::Display for Lock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.worker {
            Some(worker) => write!(f, "{} of worker {worker}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

#[cfg(test)]
mod tests;
