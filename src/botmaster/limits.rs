//! Every bound of this room, by name.

use std::time::Duration;

/// How long a worker may take for its whole greeting.
pub const GREETING_PATIENCE: Duration = Duration::from_secs(60);

/// How many workers are greeted at a time; those that come meanwhile wait, in order.
pub const GREETINGS: usize = 128;

/// After how long a greeting does not count among those any more: who does not answer keeps nobody waiting.
pub const GREETING_SHARE: Duration = Duration::from_secs(5);

/// How long the old one of two connections of one name has to answer before the new one takes its place (`BM-07`).
pub const ARBITRATION_PATIENCE: Duration = Duration::from_secs(10);

/// How long a worker has to answer a ping: two thirds of its keepalive interval, but not less than this.
pub const PING_PATIENCE_SHORTEST: Duration = Duration::from_secs(2);

/// See [`PING_PATIENCE_SHORTEST`]: and not more than this.
pub const PING_PATIENCE_LONGEST: Duration = Duration::from_secs(20);

/// How many pings a worker may leave unanswered before it counts as lost.
pub const PINGS: u32 = 2;

/// How long a worker that was told to shut down may stay before it is cut off.
pub const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(30);

/// See [`SHUTDOWN_PATIENCE`]: for one that is to go at once, whatever it builds.
pub const KILL_PATIENCE: Duration = Duration::from_secs(5);

/// How long a worker takes no builds after one ended as an exception, at first and at most (`N-WK-03`).
pub const QUARANTINE_FIRST: Duration = Duration::from_secs(10);

/// See [`QUARANTINE_FIRST`].
pub const QUARANTINE_LONGEST: Duration = Duration::from_secs(3600);

/// How many connections of a worker within an hour are counted; beyond that it is "as many or more".
pub const CONNECTS_KEPT: usize = 256;

/// How long a worker has to answer that a build begins.
pub const START_PATIENCE: Duration = Duration::from_secs(60);

/// How long a command may take to end once it is interrupted, beside the time that its own settings give it.
/// Then it is interrupted once more; after as long again, the worker's connection is closed.
pub const INTERRUPT_PATIENCE: Duration = Duration::from_secs(30);

/// How much longer than a command may take a worker has to end it by itself, before the master interrupts it.
pub const WORKER_PATIENCE: Duration = Duration::from_secs(30);

/// How many waiting requests are kept in memory; those beyond are read when there is room again.
pub const QUEUE: u32 = 50_000;

/// How many older requests that are like a newer one are judged, the newest of them first.
pub const COLLAPSE_LOOK: usize = 1000;

/// How many requests of a builder that nobody who is free may take are passed by for those behind them.
pub const LOOK_PAST: usize = 100;

/// How many builds are started in one transaction.
pub const STARTS_PER_TURN: usize = 64;

/// How often the queue is read again from the rows, in case that a hint was lost.
pub const QUEUE_POLL: Duration = Duration::from_secs(30);

/// How long to wait after an outage of the database before the next try to start a build.
pub const OUTAGE_PAUSE: Duration = Duration::from_secs(1);

/// How often this master notes that it lives.
pub const HEARTBEAT: Duration = Duration::from_secs(10);

/// From how many bytes on the lines of a log are written at once.
pub const CHUNK_BYTES: usize = 64 << 10;

/// How long lines of a log may wait for more before they are written.
pub const CHUNK_PATIENCE: Duration = Duration::from_millis(500);

/// How many buildsets a step may trigger.
pub const TRIGGERS_PER_STEP: usize = 256;

/// How many servers are asked by steps at the same time.
pub const SERVER_THREADS: usize = 8;

/// How much of a server's answer goes into a step's log; the rest is not read.
pub const SERVER_ANSWER_BYTES: usize = 10 << 20;

/// How long a server has where the step has any time: an answer that never ends must not keep a thread for ever.
pub const SERVER_LONGEST: Duration = Duration::from_secs(24 * 3600);

/// How many logs a step may have.
pub const LOGS_PER_STEP: usize = 64;

/// How many bytes of a command's output are kept for a step that looks at them.
pub const CAPTURED_BYTES: usize = 1 << 20;

/// How many values of updates that this master has no name for are kept for one command.
pub const OTHER_UPDATES: usize = 1024;

/// How large those values may be together, in bytes.
pub const OTHER_BYTES: usize = 4 << 20;

/// The longest text of a state, in characters.
pub const STATE_CHARS: usize = 200;

/// How many ids of steps or logs are taken from the database at a time.
pub const ID_BLOCK: u32 = 256;

/// How many entries of a worker's own description are kept, and how long each may be, in bytes.
pub const INFO_ENTRIES: usize = 256;

/// See [`INFO_ENTRIES`].
pub const INFO_BYTES: usize = 4096;

/// See [`INFO_ENTRIES`]: their names, in characters.
pub const INFO_NAME_CHARS: usize = 64;

/// The pause before a local worker's process is started again, at first and at most.
pub const RESPAWN_PAUSE: Duration = Duration::from_secs(1);

/// See [`RESPAWN_PAUSE`].
pub const RESPAWN_PAUSE_LONGEST: Duration = Duration::from_secs(60);

/// How often the processes of local workers are looked at.
pub const RESPAWN_POLL: Duration = Duration::from_secs(1);

/// How many errands on the master's disk are done at the same time.
pub const DISK_THREADS: usize = 2;

/// How many errands wait before the threads of their lane; the botmaster keeps the others.
pub const LANE_QUEUE: usize = 64;

/// How many calls of a transfer a worker may make before the first is answered: honest ones wait for each.
pub const TRANSFER_CALLS: usize = 4;

/// How much a worker gets of a file at a time, at most.
pub const READ_BYTES: usize = 1 << 20;

/// How many members an archive may have, how deep they may lie, and how long the records of their names may be.
pub const ARCHIVE_MEMBERS: usize = 200_000;

/// See [`ARCHIVE_MEMBERS`].
pub const MEMBER_DEPTH: usize = 128;

/// See [`ARCHIVE_MEMBERS`].
pub const MEMBER_NAME_BYTES: usize = 64 << 10;

/// The longest line that is looked at by those who read a step's output; longer ones are left out.
pub const OBSERVED_LINE_BYTES: usize = 16 << 10;

/// How much of its warnings a step shows.
pub const WARNINGS_LOG_BYTES: usize = 256 << 10;

/// How deep directories may lie that a program says it enters.
pub const DIRECTORIES: usize = 64;

/// How long a suppression file may be, in bytes and in lines.
pub const SUPPRESSIONS_BYTES: u64 = 256 << 10;

/// See [`SUPPRESSIONS_BYTES`].
pub const SUPPRESSIONS: usize = 1000;

/// How large a file of test results may be, and how many of them one step reads.
pub const JUNIT_BYTES: u64 = 16 << 20;

/// See [`JUNIT_BYTES`].
pub const JUNIT_FILES: usize = 1000;

/// How many elements, attributes and texts a file of test results may have.
pub const JUNIT_NODES: u32 = 500_000;

/// How much of what failed tests say a step shows.
pub const PROBLEMS_BYTES: usize = 256 << 10;

/// How often a step says anew what it is doing, at most.
pub const STATE_PAUSE: Duration = Duration::from_secs(1);

/// How many programs of steps run on the master at the same time; further ones wait.
pub const PROGRAM_THREADS: usize = 8;

/// How much of a program's output is read at a time.
pub const PROGRAM_READ_BYTES: usize = 16 << 10;

/// How long the output of a program on the master is read after its end, in case that something that it left
/// running holds it open.
pub const PIPE_PATIENCE: Duration = Duration::from_secs(2);

/// How many properties one step takes out of a program's output.
pub const EXTRACTED: usize = 1000;

/// How long to wait after an instance of a latent worker could not be stopped, before the next try.
pub const INSTANCE_STOP_PAUSE: Duration = Duration::from_secs(10);

/// How long a try to stop an instance may take.
pub const INSTANCE_STOP_TIME: Duration = Duration::from_secs(120);

/// How long one look at an instance may take.
pub const INSTANCE_CHECK_TIME: Duration = Duration::from_secs(30);

/// How long the end of the master waits for its instances to be stopped.
pub const INSTANCES_FAREWELL: Duration = Duration::from_secs(10);

/// How much an operator's command about an instance may print.
pub const INSTANCE_OUTPUT_BYTES: usize = 1 << 20;

/// How many bytes of what an instance, or a command about it, said last are shown.
pub const INSTANCE_SAID_BYTES: usize = 4 << 10;

/// How long such a command may take to end when it is told to, before it is ended by force.
pub const INSTANCE_GRACE: Duration = Duration::from_secs(2);

/// How large an answer of a container engine may be, and how long its head.
pub const ENGINE_ANSWER_BYTES: usize = 8 << 20;

/// See [`ENGINE_ANSWER_BYTES`].
pub const ENGINE_HEAD_BYTES: usize = 64 << 10;

/// How long a secret that a build uses may be: a shorter one would be found everywhere by chance (`N-SE-06`).
pub const SECRET_BYTES: std::ops::RangeInclusive<usize> = 4..=16 << 10;
