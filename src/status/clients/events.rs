//! What happens, told to the clients that watch (`clients.md` §4, §5).

use super::answers::end_of;
use super::connection::Mode;
use super::logs::text;
use super::object::Object;
use super::service::Clients;
use crate::config::Config;
use crate::db::DbError;
use crate::kernel::Turn;
use crate::model::{Build, BuildId, Event, LogId, LogInfo, Mono, Step, StepId};
use crate::pb::{Luid, Value};
use crate::pbmanager::ConnectionId;

impl Clients {
    /// Tells whoever wants to hear of it.
    pub(super) fn happened(&mut self, event: &Event) -> Result<(), DbError> {
        match event {
            Event::BuildStarted { build, builder, .. } => {
                let to = self.subscribers(Mode::Builds);
                self.tell_all(&to, "buildStarted", &[builder.as_str().into(), Object::Build(*build).into()]);
                self.builder_state(builder);
                if self.connections.values().any(|connection| !connection.requests.is_empty())
                    && let Some(row) = self.parts.db.builds().get(*build)?
                {
                    self.new_build(&row);
                }
            }
            Event::BuildFinished { build, builder, results, .. } => {
                let to = self.subscribers(Mode::Builds);
                let args = [builder.as_str().into(), Object::Build(*build).into(), results.number().into()];
                self.tell_all(&to, "buildFinished", &args);
                self.builder_state(builder);
                self.ended(*build);
                // Gone is a pbmanager of a tree that stops.
                let _ = self.complete(Object::Build(*build));
            }
            Event::StepStarted { build, step } => self.step_started(*build, *step)?,
            Event::StepFinished { build, step, .. } => {
                self.step_finished(*build, *step)?;
                let _ = self.complete(Object::Step(*step));
            }
            Event::LogAdded { log, .. } => self.log_event(*log, "logStarted")?,
            Event::LogAppended { log, .. } => self.log_appended(*log)?,
            Event::LogFinished { log, .. } => {
                self.log_appended(*log)?;
                self.log_event(*log, "logFinished")?;
                self.forget_log(*log);
                let _ = self.complete(Object::Log(*log));
            }
            Event::BuildsetComplete { buildset, .. } => {
                let _ = self.complete(Object::Buildset(*buildset));
            }
            Event::WorkerConnected { worker } | Event::WorkerLost { worker } => {
                let config = self.config.clone();
                for builder in config.builders.iter().filter(|builder| builder.workers.contains(worker)) {
                    self.builder_state(&builder.name);
                }
            }
            Event::ChangeAdded { .. }
            | Event::BuildsetAdded { .. }
            | Event::RequestAdded { .. }
            | Event::RequestComplete { .. }
            | Event::StepUpdated { .. }
            | Event::WorkerMissing { .. }
            | Event::WorkerUpdated { .. }
            | Event::SchedulerUpdated { .. }
            | Event::Reconfigured => {}
        }
        Ok(())
    }

    /// Some events were lost: whatever somebody waits for may have happened.
    pub(super) fn missed(&mut self) -> Result<(), DbError> {
        let _ = self.look_again_at_all();
        let requests = self.connections.values().flat_map(|connection| connection.requests.keys());
        let requests: std::collections::BTreeSet<_> = requests.map(|(request, _)| *request).collect();
        for request in requests {
            for build in self.parts.db.builds().of_request(request)? {
                self.new_build(&build);
            }
        }
        let builds = self.connections.values().flat_map(|connection| connection.builds.keys());
        let builds: std::collections::BTreeSet<_> = builds.map(|(build, _)| *build).collect();
        for build in builds {
            if self.parts.db.builds().get(build)?.is_none_or(|build| build.complete_at.is_some()) {
                self.ended(build);
            }
        }
        Ok(())
    }

    /// Tells those who watch a build's request that it is there; once.
    pub(super) fn new_build(&mut self, build: &Build) {
        let mut to = Vec::new();
        for (id, connection) in &mut self.connections {
            let range = (build.request, Luid(i64::MIN))..=(build.request, Luid(i64::MAX));
            for ((_, observer), told) in connection.requests.range_mut(range) {
                if told.insert(build.id) {
                    to.push((*id, *observer));
                }
            }
        }
        for (id, observer) in to {
            let args = vec![Object::Build(build.id).into(), Value::from(build.builder.as_str())];
            self.tell(id, observer, "newbuild", args);
        }
    }

    /// Nothing more is told of a build.
    fn ended(&mut self, build: BuildId) {
        for (id, connection) in &mut self.connections {
            let watchers: Vec<Luid> = connection.watchers(build).collect();
            connection.builds.retain(|(watched, _), _| *watched != build);
            for watcher in watchers.into_iter().filter(|watcher| !connection.needs(*watcher)) {
                // Gone is a pbmanager of a tree that stops.
                let _ = self.parts.pb.release(*id, watcher);
            }
        }
    }

    /// Those who hear of all that belongs to a mode.
    fn subscribers(&self, mode: Mode) -> Vec<(ConnectionId, Luid)> {
        let hearing = |(id, connection): (&ConnectionId, &super::connection::Connection)| {
            Some((*id, connection.hears(mode)?))
        };
        self.connections.iter().filter_map(hearing).collect()
    }

    /// Those who hear of a build's steps.
    fn watchers(&self, build: BuildId) -> Vec<(ConnectionId, Luid)> {
        let mut to = self.subscribers(Mode::Steps);
        for (id, connection) in &self.connections {
            to.extend(connection.watchers(build).map(|watcher| (*id, watcher)));
        }
        to
    }

    fn tell_all(&self, to: &[(ConnectionId, Luid)], method: &str, args: &[Value]) {
        for (id, target) in to {
            self.tell(*id, *target, method, args.to_vec());
        }
    }

    /// Tells what a builder does now.
    fn builder_state(&self, builder: &str) {
        let to = self.subscribers(Mode::Builds);
        if !to.is_empty() {
            let state = self.state_of(builder);
            self.tell_all(&to, "builderChangedState", &[builder.into(), state.into(), Value::None]);
        }
    }

    fn step_started(&mut self, build: BuildId, step: StepId) -> Result<(), DbError> {
        let to = self.watchers(build);
        if !to.is_empty()
            && let Some((row, step)) = self.build_and_step(build, step)?
        {
            self.tell_all(&to, "stepStarted", &about_step(&row.builder, build, &step));
        }
        Ok(())
    }

    fn step_finished(&mut self, build: BuildId, step: StepId) -> Result<(), DbError> {
        let to = self.watchers(build);
        if !to.is_empty()
            && let Some((row, step)) = self.build_and_step(build, step)?
        {
            let mut args = about_step(&row.builder, build, &step);
            args.push(end_of(&step));
            self.tell_all(&to, "stepFinished", &args);
        }
        Ok(())
    }

    fn build_and_step(&self, build: BuildId, step: StepId) -> Result<Option<(Build, Step)>, DbError> {
        let build = self.parts.db.builds().get(build)?;
        Ok(build.zip(self.parts.db.steps().get(step)?))
    }

    fn log_event(&mut self, log: LogId, method: &str) -> Result<(), DbError> {
        let to = self.subscribers(Mode::Logs);
        if !to.is_empty()
            && let Some((log, step)) = self.log_and_step(log)?
            && let Some(build) = self.parts.db.builds().get(step.build)?
        {
            self.tell_all(&to, method, &about_log(&build.builder, &step, &log));
        }
        Ok(())
    }

    /// Sends each full subscriber the lines that it has not got yet.
    fn log_appended(&mut self, id: LogId) -> Result<(), DbError> {
        let to = self.subscribers(Mode::Full);
        if to.is_empty() {
            return Ok(());
        }
        let Some((log, step)) = self.log_and_step(id)? else { return Ok(()) };
        let Some(build) = self.parts.db.builds().get(step.build)? else { return Ok(()) };
        for (connection, target) in to {
            let sent = |clients: &Clients| {
                let subscription = clients.connections.get(&connection)?.subscription.as_ref()?;
                Some(subscription.sent_lines.get(&id).copied().unwrap_or(0))
            };
            let (chunks, next) = self.chunks_from(&log, sent(self).unwrap_or(0))?;
            for (channel, bytes) in chunks {
                let mut args = about_log(&build.builder, &step, &log);
                args.extend([Value::Int(channel), text(&bytes)]);
                self.tell(connection, target, "logChunk", args);
            }
            let known = self.connections.get_mut(&connection).and_then(|known| known.subscription.as_mut());
            if let Some(subscription) = known {
                subscription.sent_lines.insert(id, next);
            }
        }
        Ok(())
    }

    fn forget_log(&mut self, log: LogId) {
        for connection in self.connections.values_mut() {
            if let Some(subscription) = &mut connection.subscription {
                subscription.sent_lines.remove(&log);
            }
        }
    }

    /// Tells subscribers of builders that came and went.
    pub(super) fn builders_changed(&mut self, before: &Config) {
        let to = self.subscribers(Mode::Builders);
        let now = self.config.clone();
        for builder in before.builders.iter().filter(|builder| now.builder(&builder.name).is_none()) {
            self.tell_all(&to, "builderRemoved", &[builder.name.as_str().into()]);
        }
        for builder in now.builders.iter().filter(|builder| before.builder(&builder.name).is_none()) {
            self.builder_added(&to, &builder.name);
        }
    }

    /// Tells subscribers of a builder.
    fn builder_added(&mut self, to: &[(ConnectionId, Luid)], builder: &str) {
        let object = self.names.object(builder);
        self.tell_all(to, "builderAdded", &[builder.into(), object.into()]);
    }

    /// Tells a new subscriber of all builders there are.
    pub(super) fn begin(&mut self, id: ConnectionId, target: Luid) {
        let config = self.config.clone();
        let hears_states =
            self.connections.get(&id).is_some_and(|connection| connection.hears(Mode::Builds).is_some());
        for builder in &config.builders {
            self.builder_added(&[(id, target)], &builder.name);
            if hears_states {
                let state = self.state_of(&builder.name);
                let args = vec![builder.name.as_str().into(), state.into(), Value::None];
                self.tell(id, target, "builderChangedState", args);
            }
        }
    }

    /// Tells those whose time has come how long builds will take.
    pub(super) fn tell_etas(&mut self, turn: &Turn) {
        let mut due = Vec::new();
        let mut all = Vec::new();
        for (id, connection) in &mut self.connections {
            for ((build, watcher), watch) in &mut connection.builds {
                if let Some((interval, at)) = &mut watch.eta
                    && *at <= turn.now()
                {
                    *at = turn.now() + *interval;
                    due.push((*id, *watcher, *build));
                }
            }
            if connection.eta_at.is_some_and(|at: Mono| at <= turn.now())
                && let Some(subscription) = &connection.subscription
            {
                connection.eta_at = Some(turn.now() + subscription.interval);
                all.push((*id, subscription.target));
            }
        }
        if !all.is_empty() {
            let running = self.parts.db.builds().running().unwrap_or_default();
            due.extend(running.iter().flat_map(|build| all.iter().map(|(id, to)| (*id, *to, build.id))));
        }
        for (id, to, build) in due {
            // Where the database is out of reach, this word is left out.
            let Ok(Some(row)) = self.parts.db.builds().get(build) else { continue };
            if let Ok(Some(eta)) = self.eta(build, turn.wall()) {
                let args = vec![row.builder.as_str().into(), Object::Build(build).into(), eta.into()];
                self.tell(id, to, "buildETAUpdate", args);
            }
        }
    }
}

fn about_step(builder: &str, build: BuildId, step: &Step) -> Vec<Value> {
    vec![builder.into(), Object::Build(build).into(), step.name.as_str().into(), Object::Step(step.id).into()]
}

fn about_log(builder: &str, step: &Step, log: &LogInfo) -> Vec<Value> {
    let mut about = about_step(builder, step.build, step);
    about.extend([log.name.as_str().into(), Object::Log(log.id).into()]);
    about
}
