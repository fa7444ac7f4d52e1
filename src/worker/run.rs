//! One process from the master's point of view: its output becomes updates, its limits become signals.
//!
//! Pure: what the process does and what time it is come in, what to send and whom to signal goes out.

use super::limits::KILL_PATIENCE;
use super::lines::LineCutter;
use super::signal;
use super::updates::{Buffer, Channel, Update, reason};
use crate::model::Mono;
use crate::pb::{Failure, Value};
use rustix::process::Signal;
use std::sync::Arc;
use std::time::Duration;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
}

/// Where bytes of a process came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Standard output, or the terminal.
    Stdout,
    /// Standard error.
    Stderr,
    /// The log file with this place in the list of log files.
    Logfile(usize),
}

/// What may end a process before its time (`worker-api.md` §9).
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Longest silence.
    pub timeout: Option<Duration>,
    /// Longest life.
    pub max_time: Option<Duration>,
    /// Most lines on standard output and error together.
    pub max_lines: Option<u64>,
    /// If given, TERM comes first, and the interrupt signal after this time.
    pub sigterm_time: Option<Duration>,
    /// The signal that kills.
    pub interrupt_signal: Signal,
}

/// What is to be known of a process before it runs.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How the program is called in headers.
    pub title: String,
    /// What is said about it first.
    pub header: String,
    /// What may end it.
    pub bounds: Bounds,
    /// Whether its standard output is sent.
    pub want_stdout: bool,
    /// Whether its standard error is sent.
    pub want_stderr: bool,
    /// Names of the log files that are followed.
    pub logfiles: Vec<Arc<str>>,
}

/// What a run asks for.
#[derive(Debug, PartialEq)]
pub enum Effect {
    /// Tell the master.
    Update(Update),
    /// Signal the whole process group.
    Signal(Signal),
    /// It is over; nothing follows.
    End(End),
}

/// How a run ended.
#[derive(Debug, PartialEq)]
pub struct End {
    /// The exit code; -1 when a signal ended it.
    pub rc: i32,
    /// How long it took.
    pub took: Duration,
    /// The process could not be killed.
    pub failure: Option<Failure>,
}

/// How far the killing has come.
#[derive(Clone, Copy, Debug)]
enum Killing {
    Not,
    /// TERM was sent; the interrupt signal follows.
    Asked(Mono),
    /// This signal was sent; at that time it counts as ineffective.
    Signalled(Signal, Mono),
}

/// A process that runs.
#[derive(Debug)]
pub struct Run {
    /// How the program is called in headers.
    title: String,
    bounds: Bounds,
    started: Mono,
    last_output: Mono,
    /// None: nobody wants it.
    stdout: Option<LineCutter>,
    stderr: Option<LineCutter>,
    logfiles: Vec<(Arc<str>, LineCutter)>,
    buffer: Buffer,
    lines: u64,
    killing: Killing,
    /// The master is slow to answer: output is not read, so that its silence means nothing.
    stalled: bool,
}

impl Run {
    /// A process that is being started.
    pub fn new(now: Mono, plan: Plan) -> Run {
        let mut buffer = Buffer::default();
        buffer.push(now, &Channel::Header, &plan.header);
        let cutter = |wanted: bool| wanted.then(LineCutter::default);
        Run {
            title: plan.title,
            bounds: plan.bounds,
            started: now,
            last_output: now,
            stdout: cutter(plan.want_stdout),
            stderr: cutter(plan.want_stderr),
            logfiles: plan.logfiles.into_iter().map(|name| (name, LineCutter::default())).collect(),
            buffer,
            lines: 0,
            killing: Killing::Not,
            stalled: false,
        }
    }

    /// The process, or somebody else into a log file, wrote something.
    pub fn output(&mut self, now: Mono, source: Source, bytes: &[u8], effects: &mut Vec<Effect>) {
        self.last_output = now;
        let (channel, cutter) = match source {
            Source::Stdout => (Channel::Stdout, self.stdout.as_mut()),
            Source::Stderr => (Channel::Stderr, self.stderr.as_mut()),
            Source::Logfile(index) => match self.logfiles.get_mut(index) {
                Some((name, cutter)) => (Channel::Log(name.clone()), Some(cutter)),
                None => return,
            },
        };
        let Some(cutter) = cutter else { return };
        let text = cutter.push(bytes);
        if !matches!(source, Source::Logfile(_)) {
            self.lines += text.bytes().filter(|&b| b == b'\n').count() as u64;
        }
        self.buffer.push(now, &channel, &text);
        if let Some(allowed) = self.bounds.max_lines.filter(|&allowed| self.lines > allowed) {
            let why = format!("command exceeds max lines: {}/{allowed} written/allowed", self.lines);
            self.kill(now, &why, Some("max_lines_failure"), effects);
        }
        self.flush_if_due(now, effects);
    }

    /// The process has ended and all its output has been seen.
    pub fn exited(&mut self, now: Mono, exit: Exit, effects: &mut Vec<Effect>) {
        for (channel, cutter) in [(Channel::Stdout, &mut self.stdout), (Channel::Stderr, &mut self.stderr)] {
            let rest = cutter.as_mut().map(LineCutter::finish).unwrap_or_default();
            self.buffer.push(now, &channel, &rest);
        }
        for (name, cutter) in &mut self.logfiles {
            self.buffer.push(now, &Channel::Log(name.clone()), &cutter.finish());
        }
        let rc = match exit {
            Exit::Signal(number) => {
                self.say(now, &format!("process killed by signal {number}\n"));
                -1
            }
            Exit::Code(0) if !matches!(self.killing, Killing::Not) => {
                self.say(now, "process was killed, but claims success: using fake rc=-1\n");
                -1
            }
            Exit::Code(code) => code,
        };
        self.end(now, rc, None, effects);
    }

    /// The process could not be started.
    pub fn not_started(&mut self, now: Mono, error: &std::io::Error, effects: &mut Vec<Effect>) {
        self.buffer.push(now, &Channel::Stderr, &format!("{}: {}\n", self.title, reason(error)));
        self.end(now, 1, None, effects);
    }

    /// The master wants it dead.
    pub fn interrupt(&mut self, now: Mono, effects: &mut Vec<Effect>) {
        self.kill(now, "command interrupted", None, effects);
    }

    /// Whether output is held back because the master is slow.
    pub fn set_stalled(&mut self, now: Mono, stalled: bool) {
        if self.stalled && !stalled {
            self.last_output = now;
            if let Killing::Signalled(_, until) = &mut self.killing {
                *until = now + KILL_PATIENCE;
            }
        }
        self.stalled = stalled;
    }

    /// When [`Run::tick`] wants to be called.
    pub fn deadline(&self) -> Option<Mono> {
        let killing = match self.killing {
            Killing::Not => [self.silent_at(), self.too_old_at()].into_iter().flatten().min(),
            // Its end may be among what is not read.
            Killing::Signalled(Signal::KILL, _) if self.stalled => None,
            Killing::Asked(until) | Killing::Signalled(_, until) => Some(until),
        };
        let flush = if self.stalled { None } else { self.buffer.due() };
        [killing, flush].into_iter().flatten().min()
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Mono, effects: &mut Vec<Effect>) {
        let passed = |at: Option<Mono>| at.is_some_and(|at| at <= now);
        let seconds = |span: Option<Duration>| span.unwrap_or_default().as_secs_f64();
        match self.killing {
            Killing::Not if passed(self.too_old_at()) => {
                let why = format!("command timed out: {} seconds elapsed", seconds(self.bounds.max_time));
                self.kill(now, &why, Some("timeout"), effects);
            }
            Killing::Not if passed(self.silent_at()) => {
                let silent = seconds(self.bounds.timeout);
                let why = format!("command timed out: {silent} seconds without output");
                self.kill(now, &why, Some("timeout_without_output"), effects);
            }
            Killing::Asked(until) if until <= now => self.send(now, self.bounds.interrupt_signal, effects),
            Killing::Signalled(Signal::KILL, _) if self.stalled => {}
            Killing::Signalled(Signal::KILL, until) if until <= now => {
                let failure = Failure::runtime_error("SIGKILL failed to kill process");
                self.say(now, "SIGKILL failed to kill process\nusing fake rc=-1\n");
                return self.end(now, -1, Some(failure), effects);
            }
            Killing::Signalled(sent, until) if until <= now => {
                self.say(now, &format!("{} failed to kill process, trying SIGKILL\n", signal::name(sent)));
                self.send(now, Signal::KILL, effects);
            }
            Killing::Not | Killing::Asked(_) | Killing::Signalled(..) => {}
        }
        self.flush_if_due(now, effects);
    }

    fn silent_at(&self) -> Option<Mono> {
        if self.stalled { None } else { Some(self.last_output + self.bounds.timeout?) }
    }

    fn too_old_at(&self) -> Option<Mono> {
        Some(self.started + self.bounds.max_time?)
    }

    fn kill(&mut self, now: Mono, why: &str, reason: Option<&'static str>, effects: &mut Vec<Effect>) {
        if !matches!(self.killing, Killing::Not) {
            return;
        }
        if let Some(reason) = reason {
            self.flush(effects);
            effects.push(Effect::Update(Update::new("failure_reason", reason)));
            self.say(now, &format!("\n{why} running {}, attempting to kill\n", self.title));
        } else {
            self.say(now, &format!("\n{why}, attempting to kill\n"));
        }
        match self.bounds.sigterm_time {
            Some(patience) => {
                self.killing = Killing::Asked(now + patience);
                effects.push(Effect::Signal(Signal::TERM));
            }
            None => self.send(now, self.bounds.interrupt_signal, effects),
        }
    }

    fn send(&mut self, now: Mono, signal: Signal, effects: &mut Vec<Effect>) {
        self.killing = Killing::Signalled(signal, now + KILL_PATIENCE);
        effects.push(Effect::Signal(signal));
    }

    fn say(&mut self, now: Mono, header: &str) {
        self.buffer.push(now, &Channel::Header, header);
    }

    fn flush_if_due(&mut self, now: Mono, effects: &mut Vec<Effect>) {
        if !self.stalled && self.buffer.due().is_some_and(|due| due <= now) {
            self.flush(effects);
        }
    }

    fn flush(&mut self, effects: &mut Vec<Effect>) {
        effects.extend(self.buffer.take().map(Effect::Update));
    }

    fn end(&mut self, now: Mono, rc: i32, failure: Option<Failure>, effects: &mut Vec<Effect>) {
        self.flush(effects);
        effects.push(Effect::End(End { rc, took: now.since(self.started), failure }));
    }
}

/// The header that tells how long a process took.
pub fn elapsed_header(took: Duration) -> Update {
    Update::new("header", format!("elapsedTime={:.6}\n", took.as_secs_f64()))
}

/// The last update of a command.
pub fn elapsed(took: Duration) -> Update {
    Update::new("elapsed", Value::from(took.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Mono = Mono(Duration::from_secs(100));

    fn at(seconds: u64) -> Mono {
        START + Duration::from_secs(seconds)
    }

    fn bounds() -> Bounds {
        Bounds {
            timeout: Some(Duration::from_secs(10)),
            max_time: Some(Duration::from_secs(60)),
            max_lines: None,
            sigterm_time: None,
            interrupt_signal: Signal::KILL,
        }
    }

    fn plan(bounds: Bounds) -> Plan {
        Plan {
            title: "make".into(),
            header: "make\n".into(),
            bounds,
            want_stdout: true,
            want_stderr: true,
            logfiles: vec!["a.log".into()],
        }
    }

    fn run(bounds: Bounds) -> Run {
        Run::new(START, plan(bounds))
    }

    /// What effects say, in short.
    fn told(effects: &mut Vec<Effect>) -> Vec<String> {
        let short = |effect| match effect {
            Effect::Update(Update { key, value: Value::Tuple(items) }) => {
                format!("{key} {:?}", items.iter().filter_map(Value::as_str).collect::<Vec<_>>())
            }
            Effect::Update(update) => format!("{} {}", update.key, update.value.as_str().unwrap_or("?")),
            Effect::Signal(signal) => signal::name(signal),
            Effect::End(end) => {
                format!(
                    "end {} after {}{}",
                    end.rc,
                    end.took.as_secs(),
                    end.failure.map_or("", |_| " failed")
                )
            }
        };
        effects.drain(..).map(short).collect()
    }

    #[test]
    fn output_then_exit() {
        let mut run = run(bounds());
        let mut effects = Vec::new();
        run.output(at(0), Source::Stdout, b"one\ntw", &mut effects);
        run.output(at(0), Source::Stderr, b"err\n", &mut effects);
        run.output(at(0), Source::Logfile(0), b"logged", &mut effects);
        run.output(at(0), Source::Logfile(9), b"nobody's", &mut effects);
        assert!(effects.is_empty(), "it waits in the buffer");
        run.tick(run.deadline().expect("the buffer's"), &mut effects);
        assert_eq!(told(&mut effects), ["header make\n", "stdout one\n", "stderr err\n"]);
        run.exited(at(3), Exit::Code(2), &mut effects);
        assert_eq!(told(&mut effects), ["stdout tw\n", "log [\"a.log\", \"logged\\n\"]", "end 2 after 3"]);
    }

    #[test]
    fn silence_kills_but_output_puts_it_off() {
        let mut run = run(bounds());
        let mut effects = Vec::new();
        run.output(at(9), Source::Stdout, b".", &mut effects);
        run.tick(at(18), &mut effects);
        assert_eq!(told(&mut effects), ["header make\n"]);
        assert_eq!(run.deadline(), Some(at(19)));
        run.tick(at(19), &mut effects);
        run.exited(at(19), Exit::Signal(9), &mut effects);
        let killed =
            "header \ncommand timed out: 10 seconds without output running make, attempting to kill\n";
        let told = told(&mut effects);
        assert_eq!(told[..2], ["failure_reason timeout_without_output", "SIGKILL"]);
        assert_eq!(
            told[2..],
            [killed, "stdout .\n", "header process killed by signal 9\n", "end -1 after 19"]
        );
    }

    #[test]
    fn a_slow_master_is_no_silence_of_the_program() {
        let mut run = run(bounds());
        let mut effects = Vec::new();
        run.set_stalled(at(5), true);
        assert_eq!(run.deadline(), Some(at(60)), "only the longest life counts");
        run.tick(at(50), &mut effects);
        assert!(effects.is_empty());
        run.set_stalled(at(50), false);
        run.tick(at(59), &mut effects);
        assert_eq!(told(&mut effects), ["header make\n"]);
    }

    #[test]
    fn too_old_asks_with_term_first_and_kill_after() {
        let mut run = run(Bounds { timeout: None, sigterm_time: Some(Duration::from_secs(3)), ..bounds() });
        let mut effects = Vec::new();
        run.tick(at(60), &mut effects);
        assert_eq!(told(&mut effects), ["header make\n", "failure_reason timeout", "SIGTERM"]);
        run.tick(at(62), &mut effects);
        let killed = "header \ncommand timed out: 60 seconds elapsed running make, attempting to kill\n";
        assert_eq!(told(&mut effects), [killed]);
        run.tick(at(63), &mut effects);
        assert_eq!(told(&mut effects), ["SIGKILL"]);
        run.exited(at(64), Exit::Code(0), &mut effects);
        let told = told(&mut effects);
        assert_eq!(told.last().map(String::as_str), Some("end -1 after 64"), "{told:?}");
    }

    #[test]
    fn a_soft_signal_is_followed_by_kill_and_then_by_giving_up() {
        let mut run = run(Bounds { interrupt_signal: Signal::INT, ..bounds() });
        let mut effects = Vec::new();
        run.interrupt(at(1), &mut effects);
        run.interrupt(at(2), &mut effects);
        assert_eq!(told(&mut effects), ["SIGINT"]);
        run.tick(at(6), &mut effects);
        let said = "header make\n\ncommand interrupted, attempting to kill\n\
                    SIGINT failed to kill process, trying SIGKILL\n";
        assert_eq!(told(&mut effects), ["SIGKILL", said]);
        run.tick(at(11), &mut effects);
        let said = "header SIGKILL failed to kill process\nusing fake rc=-1\n";
        assert_eq!(told(&mut effects), [said, "end -1 after 11 failed"]);
    }

    #[test]
    fn too_many_lines_kill() {
        let mut run = run(Bounds { max_lines: Some(2), ..bounds() });
        let mut effects = Vec::new();
        run.output(at(0), Source::Stdout, b"1\n", &mut effects);
        run.output(at(0), Source::Logfile(0), b"not\ncounted\n", &mut effects);
        run.output(at(0), Source::Stderr, b"2\n", &mut effects);
        assert!(effects.is_empty());
        run.output(at(0), Source::Stdout, b"3\n4\n", &mut effects);
        let told = told(&mut effects);
        assert_eq!(told[told.len() - 2..], ["failure_reason max_lines_failure", "SIGKILL"]);
    }

    #[test]
    fn unwanted_output_is_not_sent_but_is_a_sign_of_life() {
        let mut run = Run::new(START, Plan { want_stdout: false, ..plan(bounds()) });
        let mut effects = Vec::new();
        run.output(at(9), Source::Stdout, b"1\n", &mut effects);
        run.tick(at(18), &mut effects);
        run.exited(at(18), Exit::Code(0), &mut effects);
        assert_eq!(told(&mut effects), ["header make\n", "end 0 after 18"]);
    }

    #[test]
    fn a_program_that_is_not_there() {
        let mut effects = Vec::new();
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        run(bounds()).not_started(at(0), &missing, &mut effects);
        assert_eq!(told(&mut effects), ["header make\n", "stderr make: entity not found\n", "end 1 after 0"]);
    }
}
