//! The schedulers that the service asks for the builds that builds trigger.

use crate::botmaster::{Botmaster, requests_may_wait};
use crate::caches::Registry;
use crate::db::Database;
use crate::kernel::sim::Sim;
use crate::kernel::{Door, Hint};
use crate::metrics::Figures;
use crate::schedulers::{Parts, Schedulers};

/// Puts them in place, below the service behind this door.
pub(super) fn schedulers(sim: &mut Sim, database: &Database, above: &Door<Botmaster>) -> Door<Schedulers> {
    let (door, inbox) = sim.mailbox::<Schedulers>(1024, None);
    let (may_wait, figures) = (requests_may_wait(above), Figures::default());
    let parts = Parts {
        db: database.handle(),
        caches: Registry::new(figures.clone()),
        requested: Hint::to_fn(move |_| may_wait.tell(())),
        events: Hint::to_fn(|_| ()),
        figures,
    };
    sim.add(Schedulers::new(parts), inbox);
    door
}
