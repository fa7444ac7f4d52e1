//! The commands that run on this machine: carries out the bot's orders, and brings back what comes of them.

use super::bot::{CommandKey, Order};
use super::command::CommandEvent;
use super::process::Process;
use crossbeam_channel::Receiver;
use std::collections::BTreeMap;

#[derive(Debug)]
struct Work {
    /// None for what only needs a thread.
    process: Option<Process>,
    events: Receiver<CommandEvent>,
}

/// Dropping it kills everything that runs on it.
#[derive(Debug, Default)]
pub struct Workbench {
    works: BTreeMap<CommandKey, Work>,
}

impl Workbench {
    /// Carries out one order. If it can't be, says for which command.
    ///
    /// # Errors
    /// The command, and why it was not started.
    pub fn carry_out(&mut self, order: Order) -> Result<(), (CommandKey, std::io::Error)> {
        match order {
            Order::Start(key, program) => {
                let (process, events) = Process::start(&program).map_err(|error| (key, error))?;
                self.works.insert(key, Work { process: Some(process), events });
            }
            Order::Look(key, work) => {
                let events = work.start().map_err(|error| (key, error))?;
                self.works.insert(key, Work { process: None, events });
            }
            Order::Pack(key, packing) => {
                let events = packing.start().map_err(|error| (key, error))?;
                self.works.insert(key, Work { process: None, events });
            }
            Order::Signal(key, signal) => {
                if let Some(Work { process: Some(process), .. }) = self.works.get(&key) {
                    process.signal(signal);
                }
            }
            Order::Forget(key) => drop(self.works.remove(&key)),
            // Matters of the whole agent.
            Order::Remove(_) | Order::Shutdown => {}
        }
        Ok(())
    }

    /// Where the events of each command come from.
    pub fn sources(&self) -> impl Iterator<Item = (CommandKey, &Receiver<CommandEvent>)> {
        self.works.iter().map(|(key, work)| (*key, &work.events))
    }

    /// The next event of a command, if there is one.
    pub fn next_event(&mut self, key: CommandKey) -> Option<CommandEvent> {
        let work = self.works.get_mut(&key)?;
        let event = work.events.try_recv();
        match (&event, &mut work.process) {
            (Ok(CommandEvent::Exited(_)), Some(process)) => process.set_over(),
            // Its threads ended without a word: nothing more can come.
            (Err(crossbeam_channel::TryRecvError::Disconnected), _) => {
                self.works.remove(&key);
            }
            _ => {}
        }
        event.ok()
    }
}
