//! Programs that steps run on the master. Each has a process group of its own, so that it ends with all that it
//! started; what it says is told while it runs.

use super::limits::{PIPE_PATIENCE, PROGRAM_READ_BYTES};
use crate::kernel::thread;
use crate::model::Channel;
use bytes::Bytes;
use crossbeam_channel::bounded;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// Where.
    pub dir: PathBuf,
    /// Variables over the master's own; `None` takes one away.
    pub env: Vec<(String, Option<String>)>,
}

/// The way to end a program that runs elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Leash(Arc<Mutex<Life>>);

#[derive(Debug, Default)]
enum Life {
    #[default]
    NotBegun,
    Runs(Pid),
    Over,
}

impl Leash {
    /// Ends it, with all that it started; one that has not begun will not.
    pub fn pull(&self) {
        let mut life = self.life();
        match *life {
            // It was not waited for yet, so that its number is still its own.
            Life::Runs(pid) => drop(kill_process_group(pid, Signal::KILL)),
            Life::NotBegun => *life = Life::Over,
            Life::Over => {}
        }
    }

    /// Whether it was pulled.
    pub fn is_pulled(&self) -> bool {
        matches!(*self.life(), Life::Over)
    }

    fn life(&self) -> std::sync::MutexGuard<'_, Life> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs it to its end: its exit code, `None` if a signal ended it.
///
/// # Errors
/// It could not be started, for people.
pub fn run(
    program: &Program,
    leash: &Leash,
    say: impl Fn(Channel, Bytes) + Clone + Send + 'static,
) -> Result<Option<i32>, String> {
    let mut child = start(program, leash)?;
    let (done_in, done) = bounded::<()>(0);
    let outputs = [
        (Channel::Stdout, child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>)),
        (Channel::Stderr, child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>)),
    ];
    for (channel, pipe) in outputs {
        let (Some(pipe), hear, done_in) = (pipe, say.clone(), done_in.clone()) else { continue };
        let reading = thread::spawn("program-output", move || {
            tell(pipe, |text| hear(channel, text));
            drop(done_in);
        });
        if let Err(error) = reading {
            say(Channel::Header, format!("what it says cannot be read: {error}\n").into());
        }
    }
    drop(done_in);
    if let Some(pid) = Pid::from_raw(i32::try_from(child.id()).unwrap_or_default()) {
        // Without taking its number from it, which a leash may still use.
        while waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).is_err_and(is_interrupt)
        {
        }
    }
    let status = {
        let mut life = leash.life();
        *life = Life::Over;
        child.wait()
    };
    // Something that it left running may hold its output open for ever: that is not waited for.
    let _ = done.recv_timeout(PIPE_PATIENCE);
    status.map(|status| status.code()).map_err(|error| format!("it cannot be waited for: {error}"))
}

fn is_interrupt(error: rustix::io::Errno) -> bool {
    error == rustix::io::Errno::INTR
}

fn start(program: &Program, leash: &Leash) -> Result<Child, String> {
    let [name, arguments @ ..] = &program.words[..] else { return Err("there is nothing to run".to_owned()) };
    let mut command = Command::new(name);
    command.args(arguments).current_dir(&program.dir).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, value) in &program.env {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut life = leash.life();
    if matches!(*life, Life::Over) {
        return Err("it was stopped before it began".to_owned());
    }
    let child = command.spawn().map_err(|error| format!("cannot run {name:?}: {error}"))?;
    if let Some(pid) = Pid::from_raw(i32::try_from(child.id()).unwrap_or_default()) {
        *life = Life::Runs(pid);
    }
    Ok(child)
}

fn tell(mut pipe: impl Read, say: impl Fn(Bytes)) {
    let mut buffer = vec![0; PROGRAM_READ_BYTES];
    loop {
        match pipe.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => say(Bytes::copy_from_slice(&buffer[..count])),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossbeam_channel::unbounded;

    fn played(script: &str, leash: &Leash) -> (Result<Option<i32>, String>, String) {
        let program = Program {
            words: ["/bin/sh", "-c", script].map(str::to_owned).into(),
            dir: "/".into(),
            env: vec![("GREETING".to_owned(), Some("hello".to_owned())), ("HOME".to_owned(), None)],
        };
        let (said_in, said) = unbounded();
        let result = run(&program, leash, move |channel, text| said_in.send((channel, text)).unwrap());
        let said: Vec<(Channel, Bytes)> = said.iter().collect();
        let of = |wanted| said.iter().filter(move |(channel, _)| *channel == wanted);
        let text = |wanted| of(wanted).map(|(_, text)| String::from_utf8_lossy(text)).collect::<String>();
        (result, format!("{}|{}", text(Channel::Stdout), text(Channel::Stderr)))
    }

    #[test]
    fn a_program_runs_and_says_what_it_says() {
        let (result, said) = played("echo $GREETING ${HOME-none}; echo oh >&2; exit 3", &Leash::default());
        assert_eq!((result, said.as_str()), (Ok(Some(3)), "hello none\n|oh\n"));
    }

    #[test]
    fn a_leash_ends_it_with_all_that_it_started() {
        let leash = Leash::default();
        let pulled = leash.clone();
        let program = Program {
            words: ["/bin/sh", "-c", "sleep 1000 & echo begun; wait"].map(str::to_owned).into(),
            dir: "/".into(),
            env: Vec::new(),
        };
        // It pulls when the program says that it runs.
        let result = run(&program, &leash, move |_, _| pulled.pull());
        assert_eq!(result, Ok(None));
        let (stopped, _) = played("echo never", &leash);
        assert_eq!(stopped, Err("it was stopped before it began".to_owned()));
    }

    #[test]
    fn what_cannot_be_run_is_told() {
        let program = Program { words: vec!["/no/such".to_owned()], dir: "/".into(), env: Vec::new() };
        let told = run(&program, &Leash::default(), |_, _| {}).unwrap_err();
        assert!(told.starts_with("cannot run \"/no/such\": "), "{told}");
    }
}
