//! The numbers by which the API calls builders, workers and schedulers.

use crate::db::{IdKind, names, workers};
use crate::status::web::app::App;
use crate::status::web::fault::Fault;
use std::collections::{BTreeMap, BTreeSet};

/// Numbers by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Ids(BTreeMap<String, i64>);

impl Ids {
    /// The number of a name.
    pub(super) fn id(&self, name: &str) -> Option<i64> {
        self.0.get(name).copied()
    }

    /// The name that a path means: by its number, or the name itself.
    pub(super) fn name(&self, part: &str) -> Option<&str> {
        match part.parse() {
            Ok(id) => self.by_id(id),
            Err(_) => self.0.get_key_value(part).map(|(name, _)| name.as_str()),
        }
    }

    /// The name that has this number.
    pub(super) fn by_id(&self, id: i64) -> Option<&str> {
        self.0.iter().find(|(_, known)| **known == id).map(|(name, _)| name.as_str())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, i64)> {
        self.0.iter().map(|(name, id)| (name.as_str(), *id))
    }
}

/// The numbers of all builders that are configured or ever built.
pub(super) async fn builders(app: &App) -> Result<Ids, Fault> {
    let config = app.site.config();
    let configured = config.builders.iter().map(|builder| builder.name.clone()).collect();
    ids(app, IdKind::Builder, configured).await
}

/// The numbers of all workers that are configured or were ever heard of.
pub(super) async fn workers(app: &App) -> Result<Ids, Fault> {
    let config = app.site.config();
    let configured = config.workers.iter().map(|worker| worker.name.clone()).collect();
    ids(app, IdKind::Worker, configured).await
}

/// The numbers of the configured schedulers.
pub(super) async fn schedulers(app: &App) -> Result<Ids, Fault> {
    let config = app.site.config();
    let configured = config.schedulers.iter().map(|scheduler| scheduler.name.clone()).collect();
    ids(app, IdKind::Scheduler, configured).await
}

/// The numbers that are given, after giving those that are not.
async fn ids(app: &App, kind: IdKind, mut wanted: BTreeSet<String>) -> Result<Ids, Fault> {
    let read = app.read(move |connection| {
        let stored = match kind {
            IdKind::Builder => names::builders(connection)?,
            IdKind::Worker => workers::all(connection)?.into_iter().map(|worker| worker.name).collect(),
            IdKind::Scheduler | IdKind::Change | IdKind::Step | IdKind::Log => Vec::new(),
        };
        Ok((names::all(connection, kind)?, stored))
    });
    let (known, stored) = read.await?;
    wanted.extend(stored);
    let missing: Vec<String> = wanted.into_iter().filter(|name| !known.contains_key(name)).collect();
    if missing.is_empty() {
        return Ok(Ids(known));
    }
    app.below(move |site| site.0.below.db.names().ensure(kind, missing)).await??;
    Ok(Ids(app.read(move |connection| names::all(connection, kind)).await?))
}
