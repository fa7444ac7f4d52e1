//! A played worker: takes builds, pretends to run their commands, and says what such commands say.

use crate::Fallible;
use crate::compiler::Output;
use crate::connection::{MIND, Part, TOKEN};
use crate::farm::Tally;
use bellwether::model::Mono;
use bellwether::pb::{Call, Event, Luid, Refused, Session, Target, Value};
use std::rc::Rc;

/// Bytes of what a shell command says of itself before it starts: its words and the environment.
const HEADER_BYTES: usize = 1434;
/// Bytes of each of the two pieces of output of a small command.
const PIECE_BYTES: usize = 2000;
/// Bytes that the worker says in the log of a small command.
pub const SMALL_LOG_BYTES: usize = HEADER_BYTES + 2 * PIECE_BYTES;

/// What the commands of a worker write.
#[derive(Clone)]
pub enum Script {
    /// A header and two pieces, at once.
    Small,
    /// Compiler output, as fast as the socket takes it.
    Compiler {
        /// The text.
        output: Rc<Output>,
        /// How many updates.
        updates: u64,
        /// With which update of the text this worker begins.
        first: u64,
    },
}

/// A log that is being written.
struct Streaming {
    command: Luid,
    said: u64,
}

/// See the module.
pub struct Worker {
    script: Script,
    /// How many builders it was ever given: each got an object of its own.
    builders: u64,
    streaming: Option<Streaming>,
}

impl Worker {
    /// One whose commands follow `script`.
    pub fn new(script: Script) -> Worker {
        Worker { script, builders: 0, streaming: None }
    }

    fn called(&mut self, call: Call, session: &mut Session, tally: &mut Tally, now: Mono) -> Fallible<()> {
        let builder = call.object != Target::Key(MIND);
        match (builder, call.method.as_str()) {
            (false, "getWorkerInfo") => session.answer(call.request, &info()),
            (false, "setBuilderList") => {
                let objects = self.set_builders(&call);
                session.answer(call.request, &objects);
            }
            (true, "startCommand") => {
                let command = call.args.first().and_then(Value::as_remote).ok_or("no object to report to")?;
                session.answer(call.request, &Value::None);
                tally.started(now);
                self.start(command, session)?;
            }
            (true, "interruptCommand") => {
                session.answer(call.request, &Value::None);
                if let Some(streaming) = self.streaming.take() {
                    end(streaming.command, -1, session)?;
                }
            }
            (false, "print") | (true, "startBuild" | "print" | "setMaster") => {
                session.answer(call.request, &Value::None);
            }
            (_, method) => return Err(format!("the master calls {method}").into()),
        }
        Ok(())
    }

    fn set_builders(&mut self, call: &Call) -> Value {
        let listed = call.args.first().and_then(Value::as_items).unwrap_or_default();
        let names = listed.iter().filter_map(|pair| pair.as_items()?.first().cloned());
        let objects = names.map(|name| {
            self.builders += 1;
            (name, Value::local(MIND + self.builders))
        });
        Value::dict(objects.collect::<Vec<_>>())
    }

    fn start(&mut self, command: Luid, session: &mut Session) -> Fallible<()> {
        update(command, "header", filled(HEADER_BYTES), session)?;
        match self.script {
            Script::Small => {
                for _ in 0..2 {
                    update(command, "stdout", filled(PIECE_BYTES), session)?;
                }
                end(command, 0, session)?;
            }
            Script::Compiler { .. } => self.streaming = Some(Streaming { command, said: 0 }),
        }
        Ok(())
    }
}

impl Part for Worker {
    fn attached(&mut self, _avatar: Luid, tally: &mut Tally) {
        tally.attached += 1;
    }

    fn hear(&mut self, event: Event, session: &mut Session, tally: &mut Tally, now: Mono) -> Fallible<()> {
        match event {
            Event::Call(call) => self.called(call, session, tally, now),
            Event::Answered { result: Ok(_), .. } | Event::Ready | Event::Released { .. } => Ok(()),
            Event::Answered { result: Err(failure), .. } => {
                Err(format!("an update failed: {failure}").into())
            }
        }
    }

    fn speak(&mut self, session: &mut Session) -> Fallible<bool> {
        let (Some(streaming), Script::Compiler { output, updates, first }) =
            (&mut self.streaming, &self.script)
        else {
            return Ok(false);
        };
        let command = streaming.command;
        if streaming.said == *updates {
            self.streaming = None;
            end(command, 0, session)?;
            return Ok(true);
        }
        let text = Value::Text(output.update(first + streaming.said));
        match update(command, "stdout", text, session) {
            Ok(()) => streaming.said += 1,
            // The master answers late: its answers wake this connection again.
            Err(Refused::TooManyCalls) => return Ok(false),
            Err(refused) => return Err(refused.into()),
        }
        Ok(true)
    }
}

/// What getWorkerInfo answers: as much as a real worker's answer, whose larger part is the environment.
fn info() -> Value {
    let commands =
        ["shell", "stat", "mkdir", "rmdir", "cpdir", "rmfile", "glob", "uploadFile", "downloadFile"];
    let environment = (0..20).map(|number| (format!("VARIABLE_{number}"), "/usr/local/bin:/usr/bin:/bin"));
    Value::dict([
        ("version", "4.3.0".into()),
        ("system", "posix".into()),
        ("basedir", "/home/worker".into()),
        ("numcpus", 2.into()),
        ("environ", Value::dict(environment)),
        ("worker_commands", Value::dict(commands.map(|name| (name, "3.3")))),
    ])
}

/// Lines that fill this many bytes.
fn filled(bytes: usize) -> Value {
    let mut text = "  VARIABLE=/usr/local/bin:/usr/bin:/bin:/opt/tools/bin\n".repeat(bytes / 40);
    text.truncate(bytes - 1);
    text.push('\n');
    Value::text(text)
}

fn update(command: Luid, key: &str, value: Value, session: &mut Session) -> Result<(), Refused> {
    let entry = Value::dict([(key, value)]);
    let updates = Value::List(vec![Value::List(vec![entry, Value::Int(0)])]);
    session.call(command, "update", &[updates], &[], TOKEN)
}

/// The command ends with this code.
fn end(command: Luid, code: i32, session: &mut Session) -> Result<(), Refused> {
    update(command, "rc", code.into(), session)?;
    update(command, "elapsed", 0.01.into(), session)?;
    session.call(command, "complete", &[Value::None], &[], TOKEN)?;
    session.release(command);
    Ok(())
}
