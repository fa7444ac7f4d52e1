//! What builds leave behind, on its way into the database: in order, without waiting, told to others once committed.

use super::Botmaster;
use crate::db::steps::StepEnd;
use crate::db::{self, Claimant, DbError, Transaction};
use crate::kernel::Hint;
use crate::model::{
    BuildId, BuildsetId, Event, Lines, Link, LogId, LogInfo, Properties, RequestId, Results, Step, StepId,
    Wall,
};

/// One thing to write.
#[derive(Debug)]
pub enum Write {
    /// A step that has not begun.
    AddStep(Step),
    /// A step begins: what it is doing.
    BeginStep(StepId, String, Wall),
    /// What a step is doing.
    SetStepState(StepId, String),
    /// Since when a step has its locks.
    SetStepLocked(StepId, Option<Wall>),
    /// What a step leads to.
    AddLink(StepId, Link),
    /// A step ended.
    FinishStep(StepId, StepEnd, Wall),
    /// A log is opened.
    CreateLog(LogInfo),
    /// A log gets no more lines.
    FinishLog(LogId),
    /// Properties of the build.
    SetProperties(Properties),
    /// What the build is doing.
    SetState(String),
    /// The build ended, and its request with it.
    Finish(Claimant, Results, String, Wall),
}

impl Write {
    fn run(
        &self,
        tx: &mut Transaction<'_>,
        build: BuildId,
    ) -> Result<Option<(BuildsetId, Results)>, DbError> {
        match self {
            Write::AddStep(step) => db::steps::start(tx, step)?,
            Write::BeginStep(step, state, now) => db::steps::begin(tx, *step, state, *now)?,
            Write::SetStepState(step, state) => db::steps::set_state(tx, *step, state)?,
            Write::SetStepLocked(step, since) => db::steps::set_locked(tx, *step, *since)?,
            Write::AddLink(step, link) => db::steps::add_link(tx, *step, link)?,
            Write::FinishStep(step, end, now) => db::steps::finish(tx, *step, end, *now)?,
            Write::CreateLog(log) => db::logs::create(tx, log)?,
            Write::FinishLog(log) => db::logs::finish(tx, *log)?,
            Write::SetProperties(properties) => db::builds::set_properties(tx, build, properties)?,
            Write::SetState(state) => db::builds::set_state(tx, build, state)?,
            Write::Finish(claimant, results, state, now) => {
                let completed = db::builds::finish(tx, *claimant, build, *results, state, *now)?;
                return Ok(completed.map(|completed| (completed.id, completed.results)));
            }
        }
        Ok(None)
    }
}

/// Gathers the writes of one build at a time, so that a turn costs one job for each build.
pub struct Store {
    db: db::Handle<Botmaster>,
    events: Hint<Event>,
    build: Option<BuildId>,
    writes: Vec<Write>,
    told: Vec<Event>,
}

impl Store {
    /// An empty one.
    pub fn new(db: db::Handle<Botmaster>, events: Hint<Event>) -> Store {
        Store { db, events, build: None, writes: Vec::new(), told: Vec::new() }
    }

    /// Writes something of a build; `event` is told after the commit.
    ///
    /// The end of a build is a job of its own: where something before it cannot be stored, the build ends still.
    pub fn write(&mut self, build: BuildId, write: Write, event: Option<Event>) {
        if self.build != Some(build) || matches!(write, Write::Finish(..)) {
            self.flush();
            self.build = Some(build);
        }
        self.writes.push(write);
        self.told.extend(event);
    }

    /// Tells this too after the commit of what was written last.
    pub fn also(&mut self, event: Event) {
        self.told.push(event);
    }

    /// Appends lines to a log of a build, after all that was written before.
    pub fn append(&mut self, build: BuildId, log: LogId, lines: Lines) {
        self.flush();
        let events = self.events.clone();
        let line_count = lines.first_line + lines.line_count;
        let tell = move || events.tell(Event::LogAppended { build, log, line_count });
        self.db.logs().append(log, lines, Some(Box::new(tell)));
    }

    /// Completes requests that wait, as skipped or cancelled.
    pub fn end_requests(
        &mut self,
        requests: Vec<(RequestId, String)>,
        ending: db::requests::Ending,
        now: Wall,
    ) {
        self.flush();
        let events = self.events.clone();
        let ids: Vec<RequestId> = requests.iter().map(|(request, _)| *request).collect();
        let results = ending.results;
        self.db.write_later_then(
            0,
            move |tx| db::requests::cancel(tx, &ids, &ending, now),
            move |cancelled| {
                for (request, builder) in requests {
                    if cancelled.requests.contains(&request) {
                        events.tell(Event::RequestComplete { request, builder, results });
                    }
                }
                for completed in cancelled.completed {
                    events
                        .tell(Event::BuildsetComplete { buildset: completed.id, results: completed.results });
                }
            },
        );
    }

    /// Where to tell what is committed.
    pub fn teller(&self) -> Hint<Event> {
        self.events.clone()
    }

    /// Sends what was gathered to the writer.
    pub fn flush(&mut self) {
        let Some(build) = self.build.take() else { return };
        let writes = std::mem::take(&mut self.writes);
        let told = std::mem::take(&mut self.told);
        let events = self.events.clone();
        self.db.write_later_then(
            0,
            move |tx| {
                let mut completed = Vec::new();
                for write in &writes {
                    completed.extend(write.run(tx, build)?);
                }
                Ok(completed)
            },
            move |completed| {
                told.into_iter().for_each(|event| events.tell(event));
                for (buildset, results) in completed {
                    events.tell(Event::BuildsetComplete { buildset, results });
                }
            },
        );
    }
}
