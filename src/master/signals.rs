//! The signals of operations staff, as events of the root.

use super::root::RootEvent;
use crate::kernel::thread;
use crossbeam_channel::Sender;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// HUP: read the configuration again.
    Reload,
    /// TERM or INT: stop now.
    Stop,
    /// USR1: stop once the running builds have ended.
    CleanStop,
}

/// Starts the thread `signals`, which sends each signal to `events`.
///
/// # Errors
/// The signals cannot be caught, or there is no room for a thread.
pub fn listen(events: Sender<RootEvent>) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGTERM, SIGINT, SIGUSR1])?;
    thread::spawn("signals", move || {
        for number in signals.forever() {
            let signal = match number {
                SIGHUP => Signal::Reload,
                SIGUSR1 => Signal::CleanStop,
                _ => Signal::Stop,
            };
            if events.send(RootEvent::Signal(signal)).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}
