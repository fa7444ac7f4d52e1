//! What a configured change source has running, if it is one that blocks.

use super::git_poller::command::Git;
use super::git_poller::{GitLook, Settings};
use super::intake::Intake;
use super::poller::{Parts, Poller};
use crate::config::{ChangeSource, ChangeSourceKind, Config};
use crate::kernel::World;
use crate::metrics::Figures;

/// What a blocking change source depends on: where any of it changes, it is started anew.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Needs {
    Git(Settings),
}

impl Needs {
    /// Those of a change source; `None` if it does not block.
    pub(super) fn of(source: &ChangeSource, config: &Config) -> Option<Needs> {
        match &source.kind {
            ChangeSourceKind::GitPoller(poller) => Some(Needs::Git(Settings::new(poller, config))),
            ChangeSourceKind::Pb(_) => None,
        }
    }

    /// Starts it.
    ///
    /// # Errors
    /// The operating system has no room for another thread.
    pub(super) fn start(
        self,
        name: &str,
        intake: Intake<super::SourceThread>,
        figures: &Figures,
        world: &World,
        log: &slog::Logger,
    ) -> std::io::Result<Poller> {
        let Needs::Git(settings) = self;
        let parts = Parts {
            name: name.to_owned(),
            rhythm: settings.poller.rhythm.clone(),
            intake,
            looks: figures.timer("git_look"),
            world: world.branch(name),
            log: log.new(slog::o!("change_source" => name.to_owned())),
        };
        let world = world.clone();
        let look = move |stop| {
            let git = Git::new(&settings.poller.git_bin, world, stop);
            GitLook::new(git, settings)
        };
        Poller::start("git-poller", parts, look)
    }
}
