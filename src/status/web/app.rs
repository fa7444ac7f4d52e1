//! What the handlers share: the site, the bounded way to the database, the events.

use super::actions::{Actions, Refused};
use super::fault::Fault;
use super::{Site, view::View};
use crate::db::{Connection, DbError};
use crate::status::Heard;
use crate::status::limits::{READS, READS_WAITING, STREAMS};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::{Semaphore, broadcast, watch};

/// Everything a handler needs.
#[derive(Clone)]
pub(super) struct App {
    pub(super) site: Site,
    pub(super) events: broadcast::Sender<Heard>,
    /// Changes when the listener stops: what streams must end then.
    pub(super) stopped: watch::Receiver<()>,
    /// Room for event streams.
    pub(super) streams: Arc<Semaphore>,
    /// Room to ask the rooms below, and to wait for that.
    asking: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl App {
    pub(super) fn new(site: Site, events: broadcast::Sender<Heard>, stopped: watch::Receiver<()>) -> App {
        App {
            site,
            events,
            stopped,
            streams: Arc::new(Semaphore::new(STREAMS)),
            asking: Arc::new(Semaphore::new(READS)),
            waiting: Arc::new(Semaphore::new(READS_WAITING)),
        }
    }

    /// Runs `work` on a reading connection of the database. It may run twice, of which one run counts.
    pub(super) async fn read<R, F>(&self, work: F) -> Result<R, Fault>
    where
        R: Send + 'static,
        F: FnMut(&mut Connection) -> Result<R, DbError> + Send + 'static,
    {
        Ok(self.below(move |site| site.0.below.db.read(work)).await??)
    }

    /// Has the rooms below do something.
    pub(super) async fn act<R, F>(&self, work: F) -> Result<Result<R, Refused>, Fault>
    where
        R: Send + 'static,
        F: FnOnce(&dyn Actions) -> Result<R, Refused> + Send + 'static,
    {
        self.below(move |site| work(site.0.below.actions.as_ref())).await
    }

    /// Runs `work`, which may wait for the rooms below, on a thread where it holds nobody up.
    pub(super) async fn below<R, F>(&self, work: F) -> Result<R, Fault>
    where
        R: Send + 'static,
        F: FnOnce(&Site) -> R + Send + 'static,
    {
        let busy = || Fault::Unavailable("Too many requests at once. Try again in a moment.".to_owned());
        let _in_line = self.waiting.clone().try_acquire_owned().map_err(|_| busy())?;
        let turn = self.asking.clone().acquire_owned().await.map_err(|_| busy())?;
        let site = self.site.clone();
        let work = tokio::task::spawn_blocking(move || {
            let answer = work(&site);
            drop(turn);
            answer
        });
        work.await.map_err(|error| Fault::Bug(error.to_string()))
    }
}

impl FromRequestParts<App> for View {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<View, Infallible> {
        Ok(View::new(app.site.config(), app.site.now(), parts.uri.path()))
    }
}
