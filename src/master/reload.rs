//! One way from a configuration to the next, for the first start, every reload and the simulator: prepare all
//! services, lowest rank first; if one refuses, abandon on all and change nothing; else apply on all.

use crate::config::Config;
use crate::kernel::{Control, Door, Gone, Refusal, Service};
use std::sync::Arc;

/// A service as the root commands it.
pub trait Member: Send {
    /// Its name.
    fn name(&self) -> &'static str;
    /// See [`Service::prepare`].
    ///
    /// # Errors
    /// What it refuses; that it is gone counts as a refusal.
    fn prepare(&self, wanted: &Arc<Config>) -> Result<(), Vec<Refusal>>;
    /// See [`Service::abandon`].
    fn abandon(&self);
    /// See [`Service::apply`].
    ///
    /// # Errors
    /// It is gone.
    fn apply(&self, wanted: &Arc<Config>) -> Result<(), Gone>;
    /// See [`Service::stop`].
    fn stop(&self);
}

impl<S: Service> Member for Door<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn prepare(&self, wanted: &Arc<Config>) -> Result<(), Vec<Refusal>> {
        let gone = |gone: Gone| Err(vec![Refusal { service: S::NAME, what: gone.to_string() }]);
        self.command(|reply| Control::Prepare(wanted.clone(), reply)).unwrap_or_else(gone)
    }

    fn abandon(&self) {
        // A service that is gone holds nothing that could be abandoned.
        let _ = self.command(Control::Abandon);
    }

    fn apply(&self, wanted: &Arc<Config>) -> Result<(), Gone> {
        self.command(|reply| Control::Apply(wanted.clone(), reply))
    }

    fn stop(&self) {
        // A service that is gone has stopped.
        let _ = self.command(Control::Stop);
    }
}

/// Why the wanted configuration is not in force.
#[derive(Debug)]
pub enum Failed {
    /// Refused: the old one is in force, whole.
    Refused(Vec<Refusal>),
    /// A vital service ended in the midst of it: the tree has to stop.
    Broken(Gone),
}

impl Failed {
    /// Why, a line each.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Failed::Refused(refusals) => refusals.iter().map(ToString::to_string).collect(),
            Failed::Broken(gone) => vec![gone.to_string()],
        }
    }
}

/// Puts `wanted` in force on all members, which stand in the order of their ranks, lowest first.
///
/// # Errors
/// See [`Failed`].
pub fn put_in_force(members: &[Box<dyn Member>], wanted: &Arc<Config>) -> Result<(), Failed> {
    if let Err(refusals) = members.iter().try_for_each(|member| member.prepare(wanted)) {
        members.iter().for_each(|member| member.abandon());
        return Err(Failed::Refused(refusals));
    }
    members.iter().try_for_each(|member| member.apply(wanted)).map_err(Failed::Broken)
}

/// Stops all members, highest rank first.
pub fn stop(members: &[Box<dyn Member>], log: &slog::Logger) {
    for member in members.iter().rev() {
        slog::debug!(log, "stopping"; "service" => member.name());
        member.stop();
    }
}
