//! The tree: the one file that names every service. It makes their mailboxes, wires who hears of whom, and puts
//! them on their ground, threads or the simulator, lowest rank first.

use super::reload::Member;
use super::root::Root;
use crate::config::Config;
use crate::db::{self, Database, Settings};
use crate::debug::Wanted;
use crate::debug::socket::BellRope;
use crate::kernel::{Bell, Door, Ground, Hint, Offer, World, limits};
use crate::metrics::Figures;
use crate::model::Event;
use crate::pbmanager::mio_net::MioNet;
use crate::pbmanager::net::Net;
use crate::status::{clients, web};
use crate::{botmaster, caches, changes, debug, metrics, pbmanager, schedulers, status, users};
use std::io;
use std::sync::Arc;

/// What the tree stands in: everything that is real for the daemon and simulated elsewhere.
pub struct Foundation {
    /// The database.
    pub settings: Settings,
    /// The network of the PB port.
    pub net: Box<dyn Net>,
    /// What ends a wait on that network.
    pub pb_bell: Option<Bell>,
    /// The control socket's bell; `None` for no control socket.
    pub control: Option<BellRope>,
    /// How change sources that block are run.
    pub pollers: changes::Shell,
    /// How local workers are started.
    pub launcher: Box<dyn botmaster::local::Launcher>,
    /// How builds' work on the master's disk is done.
    pub runner: Box<dyn botmaster::errands::Runner>,
    /// How the instances of latent workers are started.
    pub drivers: Box<dyn botmaster::latent::Drivers>,
    /// Time and chance for what runs beside the services.
    pub world: World,
    /// Where all log.
    pub log: slog::Logger,
}

impl Foundation {
    /// The daemon's.
    ///
    /// # Errors
    /// The operating system has no room for a poll.
    pub fn real(config: &Config, log: &slog::Logger) -> io::Result<Foundation> {
        let (net, bell) = MioNet::new()?;
        let world = World::real();
        Ok(Foundation {
            settings: Settings::new(config.database.url.clone()),
            net: Box::new(net),
            pb_bell: Some(bell),
            control: Some(BellRope::default()),
            pollers: changes::Shell::Threads(world.clone()),
            launcher: Box::new(botmaster::local::Children),
            runner: Box::new(botmaster::errands::Threads::default()),
            drivers: Box::new(botmaster::latent::thread::Threads::new(world.clone())),
            world,
            log: log.clone(),
        })
    }
}

/// The running services.
pub struct Tree {
    /// All of them, lowest rank first.
    pub members: Vec<Box<dyn Member>>,
    /// The rows.
    pub db: db::Handle<Root>,
    /// The stream of changes.
    pub changes: changes::Handle<Root>,
    /// The schedulers.
    pub schedulers: schedulers::Handle<Root>,
    /// The builds.
    pub botmaster: botmaster::Handle<Root>,
    /// The event hub and the pages.
    pub status: status::Handle<Root>,
    /// The control socket.
    pub debug: debug::Handle<Root>,
}

impl Tree {
    /// Builds the tree on this ground. Nothing is in force yet: that is the first reload's.
    ///
    /// # Errors
    /// The operating system has no room for it.
    pub fn build<G: Ground>(ground: &mut G, foundation: Foundation, root: Offer<Wanted>) -> io::Result<Tree> {
        let Foundation { settings, net, pb_bell, control, pollers, launcher, runner, drivers, world, log } =
            foundation;
        let messages = limits::INBOX_MESSAGES;

        // First all doors, since news goes up to services that are put in place later.
        let (metrics_door, metrics_inbox) = ground.mailbox::<metrics::Metrics>(messages, None);
        let (caches_door, caches_inbox) = ground.mailbox::<caches::Caches>(messages, None);
        let (writer_door, writer_inbox) = ground.mailbox::<db::Writer>(messages, None);
        let readers: Vec<_> =
            (0..settings.readers).map(|_| ground.mailbox::<db::Reader>(messages, None)).collect();
        let (keeper_door, keeper_inbox) = ground.mailbox::<db::Keeper>(messages, None);
        let (pb_door, pb_inbox) =
            ground.mailbox::<pbmanager::service::PbManager>(pbmanager::limits::INBOX_MESSAGES, pb_bell);
        let (users_door, users_inbox) = ground.mailbox::<users::Users>(messages, None);
        let (changes_door, changes_inbox) = ground.mailbox::<changes::Changes>(messages, None);
        let (schedulers_door, schedulers_inbox) = ground.mailbox::<schedulers::Schedulers>(messages, None);
        let (botmaster_door, botmaster_inbox) = ground.mailbox::<botmaster::Botmaster>(messages, None);
        let (status_door, status_inbox) = ground.mailbox::<status::Status>(messages, None);
        let (clients_door, clients_inbox) = ground.mailbox::<clients::Clients>(messages, None);
        let (debug_door, debug_inbox) =
            ground.mailbox::<debug::Debug>(messages, control.as_ref().map(BellRope::bell));

        let reader_doors: Vec<Door<db::Reader>> = readers.iter().map(|(door, _)| door.clone()).collect();
        let database = Database::new(writer_door.clone(), reader_doors.clone());
        let events = status_door.hint(status::Msg::News);
        let figures = Figures::default();
        let registry = caches::Registry::new(figures.clone());

        // Then the services, from the bottom.
        let kept = figures.clone();
        ground.put_restartable(move || metrics::Metrics::new(kept.clone()), metrics_inbox)?;
        let kept = registry.clone();
        ground.put_restartable(move || caches::Caches::new(kept.clone()), caches_inbox)?;
        ground.put_vital(db::Writer::new(settings.clone(), log.clone()), writer_inbox)?;
        for (_, inbox) in readers {
            ground.put_vital(db::Reader::new(settings.clone()), inbox)?;
        }
        let rows = database.clone();
        ground.put_restartable(move || db::Keeper::new(rows.handle()), keeper_inbox)?;
        ground.put_vital(pbmanager::service::PbManager::new(net), pb_inbox)?;
        let users_parts = users::Parts {
            db: database.handle(),
            pb: pbmanager::Handle::new(pb_door.address()),
            news: users::news_offer(&users_door),
        };
        ground.put_restartable(move || users::Users::new(users_parts.clone()), users_inbox)?;
        let added = schedulers_door.hint(schedulers::Msg::ChangeAdded);
        let changes_parts = changes::Parts {
            database: database.clone(),
            pb: pbmanager::Handle::new(pb_door.address()),
            news: changes::news_offer(&changes_door),
            announce: changes::Announce { added, events: events.clone() },
            figures: figures.clone(),
            shell: pollers,
        };
        ground.put_vital(changes::Changes::new(changes_parts), changes_inbox)?;
        let complete = schedulers_door.hint(schedulers::Msg::BuildsetComplete);
        let may_wait = botmaster::requests_may_wait(&botmaster_door);
        let schedulers_parts = schedulers::Parts {
            db: database.handle(),
            caches: registry,
            requested: Hint::to_fn(move |_| may_wait.tell(())),
            events: events.clone(),
            figures: figures.clone(),
        };
        ground.put_vital(schedulers::Schedulers::new(schedulers_parts), schedulers_inbox)?;
        let wiring = botmaster::Wiring {
            name: MASTER.to_owned(),
            db: database.handle(),
            pb: pbmanager::Handle::new(pb_door.address()),
            ear: botmaster::ear(&botmaster_door),
            events: Hint::to_fn(move |event| {
                if let Event::BuildsetComplete { buildset, .. } = event {
                    complete.tell(buildset);
                }
                events.tell(event);
            }),
            launcher,
            runner,
            home: botmaster_door.address(),
            drivers,
            reports: botmaster::reports(&botmaster_door),
            schedulers: schedulers::Handle::new(schedulers_door.address()),
            child_done: botmaster::child_done(&botmaster_door),
        };
        ground.put_vital(botmaster::Botmaster::new(wiring), botmaster_inbox)?;
        let rooms = web::Rooms {
            schedulers: schedulers::Handle::new(schedulers_door.address()),
            botmaster: botmaster::Handle::new(botmaster_door.address()),
        };
        let status_parts = status::Parts {
            below: web::Below { db: database.handle(), actions: Arc::new(rooms), figures },
            own: status_door.hint(|msg| msg),
            log,
            world,
        };
        ground.put_restartable(move || status::Status::new(status_parts.clone()), status_inbox)?;
        let clients_parts = clients::Parts {
            db: database.handle(),
            pb: pbmanager::Handle::new(pb_door.address()),
            news: clients::news_offer(&clients_door),
            schedulers: schedulers::Handle::new(schedulers_door.address()),
            botmaster: botmaster::Handle::new(botmaster_door.address()),
            status: status::Handle::new(status_door.address()),
            stirred: clients_door.hint(|()| clients::Msg::Stirred),
        };
        ground.put_restartable(move || clients::Clients::new(clients_parts.clone()), clients_inbox)?;
        let debug_parts = debug::Parts {
            explain: status::explain::Asker {
                db: database.handle(),
                schedulers: schedulers::Handle::new(schedulers_door.address()),
                botmaster: botmaster::Handle::new(botmaster_door.address()),
            },
            pb: pbmanager::Handle::new(pb_door.address()),
            news: debug::news_offer(&debug_door),
            changes: changes::Handle::new(changes_door.address()),
            schedulers: schedulers::Handle::new(schedulers_door.address()),
            botmaster: botmaster::Handle::new(botmaster_door.address()),
            status: status::Handle::new(status_door.address()),
            root,
        };
        ground
            .put_restartable(move || debug::Debug::new(debug_parts.clone(), control.as_ref()), debug_inbox)?;

        let tree = Tree {
            db: database.handle(),
            changes: changes::Handle::new(changes_door.address()),
            schedulers: schedulers::Handle::new(schedulers_door.address()),
            botmaster: botmaster::Handle::new(botmaster_door.address()),
            status: status::Handle::new(status_door.address()),
            debug: debug::Handle::new(debug_door.address()),
            members: Vec::new(),
        };
        let mut members: Vec<Box<dyn Member>> =
            vec![Box::new(metrics_door), Box::new(caches_door), Box::new(writer_door)];
        members.extend(reader_doors.into_iter().map(|door| Box::new(door) as Box<dyn Member>));
        members.push(Box::new(keeper_door));
        members.push(Box::new(pb_door));
        members.push(Box::new(users_door));
        members.push(Box::new(changes_door));
        members.push(Box::new(schedulers_door));
        members.push(Box::new(botmaster_door));
        members.push(Box::new(status_door));
        members.push(Box::new(clients_door));
        members.push(Box::new(debug_door));
        Ok(Tree { members, ..tree })
    }
}

/// This master's name, to which its row and its claims belong.
const MASTER: &str = "bellwether";
