//! The web listener: pages, event streams and the API, for people and scripts.
//!
//! * Does: renders what the database holds, streams what happens, passes on what people ask for.
//! * Thread `web`, rank 82, with a few threads that read the database for it; the one place with async code,
//!   of which nothing leaves it.
//! * Calls db, schedulers and botmaster; tells nobody.
//! * Owns: its connections, each bounded in time and size.
//! * Never: trusts what a client sends, waits for a slow one, holds state that a restart would miss.

pub mod actions;
mod ansi;
mod api;
mod app;
mod assets;
mod download;
mod events;
mod fault;
mod forms;
mod guard;
mod layout;
mod log_lines;
mod log_search;
mod metrics;
mod pages;
mod rooms;
mod routes;
mod server;
mod stall;
mod view;
mod words;

pub use rooms::Rooms;
pub use server::{Listener, doorbell, start};
pub(super) use words::rfc3339;

use crate::config::Config;
use crate::db;
use crate::kernel::{Ranked, World, rank};
use crate::metrics::Figures;
use crate::model::Wall;
use actions::Actions;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// The listener as a caller of the rooms below.
pub struct Web;

impl Ranked for Web {
    const RANK: u8 = rank::LISTENER;
    const NAME: &'static str = "web";
}

/// The rooms below, as the pages use them.
#[derive(Clone)]
pub struct Below {
    /// What is stored.
    pub db: db::Handle<Web>,
    /// What people can do.
    pub actions: Arc<dyn Actions>,
    /// What is counted, for whoever scrapes it.
    pub figures: Figures,
}

/// What every request is answered from.
#[derive(Clone)]
pub struct Site(Arc<Inner>);

struct Inner {
    config: RwLock<Arc<Config>>,
    below: Below,
    world: Mutex<World>,
    log: slog::Logger,
}

impl Site {
    /// A site with this configuration.
    pub fn new(config: Config, below: Below, world: World, log: slog::Logger) -> Site {
        let config = RwLock::new(Arc::new(config));
        Site(Arc::new(Inner { config, below, world: Mutex::new(world), log }))
    }

    /// Puts another configuration in force; requests that have begun keep theirs.
    pub fn set_config(&self, config: Arc<Config>) {
        *self.0.config.write().unwrap_or_else(PoisonError::into_inner) = config;
    }

    fn config(&self) -> Arc<Config> {
        self.0.config.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn now(&self) -> Wall {
        self.0.world.lock().unwrap_or_else(PoisonError::into_inner).wall()
    }
}
