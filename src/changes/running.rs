//! What a configured change source has running, if it is one that blocks.

use super::gerrit::{self, GerritLook};
use super::git_poller::command::Git;
use super::git_poller::{self, GitLook};
use super::hg_poller::{self, HgLook};
use super::intake::Intake;
use super::poller::{Look, Parts, Poller, SourceThread};
use super::programs::Programs;
use super::settings::Settings;
use super::svn_poller::{self, SvnLook};
use crate::config::{ChangeSource, ChangeSourceKind, Config, Rhythm};
use crate::kernel::World;
use crate::metrics::Figures;
use std::io;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// What a blocking change source depends on: where any of it changes, it is started anew.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Needs {
    Git(git_poller::Settings),
    Hg(hg_poller::Settings),
    Svn(svn_poller::Settings),
    Gerrit(gerrit::Settings),
}

impl Needs {
    /// Those of a change source; `None` if it does not block.
    pub(super) fn of(source: &ChangeSource, config: &Config) -> Option<Needs> {
        Some(match &source.kind {
            ChangeSourceKind::GitPoller(poller) => {
                Needs::Git(Settings::new(&**poller, &poller.repository, "gitpoller", config))
            }
            ChangeSourceKind::HgPoller(poller) => {
                Needs::Hg(Settings::new(&**poller, &poller.repository, "hgpoller", config))
            }
            ChangeSourceKind::SvnPoller(poller) => {
                Needs::Svn(Settings::new(&**poller, &poller.repository, "svnpoller", config))
            }
            ChangeSourceKind::Gerrit(server) => {
                Needs::Gerrit(gerrit::Settings::new(server, &source.name, config))
            }
            ChangeSourceKind::Pb(_) => return None,
        })
    }

    /// Starts it.
    ///
    /// # Errors
    /// The operating system has no room for another thread.
    pub(super) fn start(
        self,
        name: &str,
        intake: Intake<SourceThread>,
        figures: &Figures,
        world: &World,
        log: &slog::Logger,
    ) -> io::Result<Poller> {
        let started = Started { name, intake, figures, world, log };
        match self {
            Needs::Git(settings) => started.with(settings.poller.rhythm.clone(), "git", |programs| {
                GitLook::new(Git::new(&settings.poller.git_bin, programs), settings)
            }),
            Needs::Hg(settings) => {
                started.with(settings.poller.rhythm.clone(), "hg", |programs| HgLook::new(programs, settings))
            }
            Needs::Svn(settings) => started
                .with(settings.poller.rhythm.clone(), "svn", |programs| SvnLook::new(programs, settings)),
            Needs::Gerrit(settings) => {
                // It looks all the time, and waits for itself.
                let always =
                    Rhythm { poll_interval: Duration::ZERO, poll_at_launch: true, ..Rhythm::default() };
                started.with(always, "gerrit", |programs| GerritLook::new(programs, settings))
            }
        }
    }
}

/// What every poller is started with.
struct Started<'a> {
    name: &'a str,
    intake: Intake<SourceThread>,
    figures: &'a Figures,
    world: &'a World,
    log: &'a slog::Logger,
}

impl Started<'_> {
    fn with<L: Look>(
        self,
        rhythm: Rhythm,
        kind: &str,
        look: impl FnOnce(Programs) -> L,
    ) -> io::Result<Poller> {
        let parts = Parts {
            name: self.name.to_owned(),
            rhythm,
            intake: self.intake,
            looks: self.figures.timer(&format!("{kind}_look")),
            world: self.world.branch(self.name),
            log: self.log.new(slog::o!("change_source" => self.name.to_owned())),
        };
        let world = self.world.clone();
        Poller::start(&format!("{kind}-poller"), parts, |stop: UnixStream| look(Programs::new(world, stop)))
    }
}
