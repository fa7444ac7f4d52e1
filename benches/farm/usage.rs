//! What a process has used, as Linux tells it.

use crate::Fallible;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::time::Duration;

/// Clock ticks in a second of `/proc/PID/stat`, as user space sees them on every current Linux.
const TICKS_PER_SECOND: u64 = 100;

/// One tick.
pub const TICK: Duration = Duration::from_millis(1000 / TICKS_PER_SECOND);

/// Processor time of a process and its reaped children, in user and system mode.
pub fn cpu(pid: u32) -> Fallible<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, the second field, may hold anything; the fields behind its parenthesis are numbers.
    let fields = stat.rsplit_once(") ").ok_or("a /proc/PID/stat without a name")?.1;
    let times = fields.split(' ').skip(11).take(4);
    let mut ticks = 0;
    for time in times {
        ticks += time.parse::<u64>()?;
    }
    Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

/// Resident memory of a process in KiB.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Now.
    pub resident_kib: u64,
    /// The most that it ever was.
    pub peak_kib: u64,
}

/// See [`Memory`].
pub fn memory(pid: u32) -> Fallible<Memory> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let field = |name: &str| -> Fallible<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such field")?;
        Ok(line.trim_end_matches("kB").trim().parse()?)
    };
    Ok(Memory { resident_kib: field("VmRSS:")?, peak_kib: field("VmHWM:")? })
}

/// Raises the number of files that this process and its children may open as far as the system lets it.
pub fn allow_many_files() -> Fallible<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    Ok(())
}
