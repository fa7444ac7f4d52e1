//! The master under test: the binary of this build, as a process.

use crate::Fallible;
use crate::farm::Farm;
use crate::home::Home;
use crate::usage::{self, Memory, TICK};
use bellwether::kernel::{World, thread};
use crossbeam_channel::bounded;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// What the master logs when it serves.
const RUNNING: &str = "master is running";
/// How long it may take to come to that.
const START_WITHIN: Duration = Duration::from_secs(120);
/// A master that uses no more than a tick in this time is idle.
const QUIET: Duration = Duration::from_millis(250);

/// A running one; killed when it is dropped.
pub struct Master {
    child: Child,
    /// From its start until it served.
    pub started_in: Duration,
}

impl Master {
    /// Starts it, and waits until it serves.
    pub fn start(home: &Home) -> Fallible<Master> {
        let world = World::real();
        let begun = world.now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_bellwether"))
            .args(["run", "--config"])
            .arg(home.configuration())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let log = child.stderr.take().ok_or("a child without standard error")?;
        let mut master = Master { child, started_in: Duration::ZERO };
        let (running_in, running) = bounded(1);
        let kept = File::create(home.log())?;
        thread::spawn("farm-log", move || {
            keep_log(BufReader::new(log), kept, || {
                // Once it runs nobody waits for the word any more.
                let _ = running_in.try_send(world.now());
            })
        })?;
        let at = running.recv_timeout(START_WITHIN).map_err(|_| "the master does not start")?;
        master.started_in = at.since(begun);
        Ok(master)
    }

    /// Processor time used so far.
    pub fn cpu(&self) -> Fallible<Duration> {
        usage::cpu(self.child.id())
    }

    /// Its memory.
    pub fn memory(&self) -> Fallible<Memory> {
        usage::memory(self.child.id())
    }

    /// Plays on until the master is idle; the processor time that it has used by then.
    pub fn settle(&self, farm: &mut Farm) -> Fallible<Duration> {
        let mut used = self.cpu()?;
        loop {
            farm.rest(QUIET)?;
            let before = std::mem::replace(&mut used, self.cpu()?);
            if used <= before + TICK {
                return Ok(used);
            }
        }
    }

    /// Stops it in good order.
    pub fn stop(mut self) -> Fallible<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the master ended with {status}").into()) }
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Copies the log, and says when the master runs.
fn keep_log(log: impl BufRead, mut kept: File, running: impl Fn()) -> std::io::Result<()> {
    for line in log.lines() {
        let line = line?;
        writeln!(kept, "{line}")?;
        if line.contains(RUNNING) {
            running();
        }
    }
    Ok(())
}
