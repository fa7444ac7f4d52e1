//! The tries of a step, and the time that each has: `timeout`, `max_time`, `retry` (`ST`, `SH-34`, `N-BU-16`).

use super::stepping::{Current, STDIO, Work};
use super::{Action, Build, Env};
use crate::botmaster::limits::{INTERRUPT_PATIENCE, WORKER_PATIENCE};
use crate::botmaster::steps::{End, Machine};
use crate::config::{Patience, Retry, Step};
use crate::model::{Channel, LogKind, Mono, Results};
use bytes::Bytes;
use std::time::Duration;

/// One try of a step.
#[derive(Debug)]
pub(super) struct Trial {
    /// Which, from 1 on.
    number: u32,
    /// When it began; `None` while the step waits for its locks.
    began_at: Option<Mono>,
    /// When the step last said something.
    heard_at: Mono,
    /// When a command that was interrupted has to be at its end, or when the next try begins.
    until: Option<Mono>,
    /// How the step ends once its command does, if that is settled already.
    pub verdict: Option<End>,
}

impl Trial {
    /// The first.
    pub fn new(now: Mono) -> Trial {
        Trial { number: 1, began_at: None, heard_at: now, until: None, verdict: None }
    }

    /// Its time runs.
    pub fn begin(&mut self, now: Mono) {
        (self.began_at, self.heard_at) = (Some(now), now);
    }

    /// Something is tried again then.
    pub fn postpone(&mut self, until: Mono) {
        self.until = Some(until);
    }

    /// The step has said something.
    pub fn hear(&mut self, now: Mono) {
        self.heard_at = now;
    }
}

impl Current {
    /// When something has to be done if nothing happens before.
    pub(super) fn due(&self, patience: &Patience) -> Option<Mono> {
        if self.trial.until.is_some() {
            return self.trial.until;
        }
        let ends = self.ends(patience);
        [ends, self.falls_silent(patience)].into_iter().flatten().min()
    }

    /// When the try has taken as long as it may. What the worker keeps time of is left to it, and a little longer.
    fn ends(&self, patience: &Patience) -> Option<Mono> {
        let end = self.trial.began_at? + patience.max_time?;
        match &self.work {
            Work::Command(command) if command.watched.time => Some(end + WORKER_PATIENCE),
            _ => Some(end),
        }
    }

    /// When the step has been silent for as long as it may.
    fn falls_silent(&self, patience: &Patience) -> Option<Mono> {
        self.trial.began_at?;
        match &self.work {
            Work::Command(command) if command.watched.silence => None,
            _ => Some(self.trial.heard_at + patience.timeout?),
        }
    }

    /// Adds a line about the step to its main log.
    fn remark(&mut self, text: Bytes, out: &mut Vec<Action>) {
        if let Some(log) = self.log(STDIO, LogKind::Stdio, out) {
            out.push(Action::Log { log, channel: Channel::Header, text });
        }
    }
}

impl Build {
    pub(super) fn timer(&mut self, env: &Env<'_>, out: &mut Vec<Action>) {
        if self.deadline().is_none_or(|deadline| env.now < deadline) {
            return;
        }
        let Some(current) = &mut self.current else {
            self.deadline = None;
            return out.push(Action::Disconnect("it does not answer that a build begins".to_owned()));
        };
        current.trial.until = None;
        match (&current.work, current.interrupts) {
            (Work::Again, _) => self.try_again(env, out),
            (Work::Postponed, _) => self.go_on_at_last(env, out),
            (_, 0) => self.time_out(env, out),
            (_, 1) => self.interrupt("it is still running".to_owned(), env.now, out),
            _ => self.cut_off(env, out),
        }
    }

    /// The try has taken too long: it has failed, as soon as nothing of it runs any more.
    fn time_out(&mut self, env: &Env<'_>, out: &mut Vec<Action>) {
        let Some(current) = &mut self.current else { return };
        let patience = self.plan.builder.steps[current.at].patience;
        let is_over = current.ends(&patience).is_some_and(|end| end <= env.now);
        let detail = if is_over { "timed out" } else { "timed out without output" };
        current.remark(format!("{detail}\n").into(), out);
        let end = End { detail: Some(detail.to_owned()), ..End::plain(Results::Failure) };
        if matches!(current.work, Work::Command(_)) {
            current.trial.verdict = Some(end);
            return self.interrupt(detail.to_owned(), env.now, out);
        }
        out.push(Action::Abandon);
        self.end_step(end, env, out);
    }

    /// Asks the worker to end the command.
    pub(super) fn interrupt(&mut self, reason: String, now: Mono, out: &mut Vec<Action>) {
        let Some(current) = &mut self.current else { return };
        current.interrupts += 1;
        let grace = match &current.work {
            Work::Command(command) => command.grace,
            _ => Duration::ZERO,
        };
        current.trial.until = Some(now + INTERRUPT_PATIENCE + grace);
        out.push(Action::Interrupt(reason));
    }

    /// The worker does not end the command.
    fn cut_off(&mut self, env: &Env<'_>, out: &mut Vec<Action>) {
        let Some(current) = &mut self.current else { return };
        out.push(Action::Disconnect("a command does not end though it was interrupted twice".to_owned()));
        let mut end = current.trial.verdict.take().unwrap_or(End::plain(Results::Cancelled));
        // There is nobody left who could try again.
        current.trial.number = u32::MAX;
        end.complaint = Some("the worker did not end the command; its connection was closed\n".to_owned());
        // Nothing more can run there; and it was stopped, not lost.
        self.next = self.plan.builder.steps.len();
        self.end_step(end, env, out);
    }

    /// Waits for another try, if the step has one left after this end; else it has ended: `false`.
    pub(super) fn tries_later(
        &mut self,
        step: &Step,
        end: &End,
        env: &Env<'_>,
        out: &mut Vec<Action>,
    ) -> bool {
        let Some(Retry { count, delay }) = step.patience.retry else { return false };
        let Some(current) = &mut self.current else { return false };
        let number = current.trial.number;
        if end.results != Results::Failure || number > count {
            return false;
        }
        let why = end.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
        let pause = match delay {
            Duration::ZERO => String::new(),
            delay => format!("; the next is in {delay:?}"),
        };
        let said = format!("try {number} of {} failed{why}", count.saturating_add(1));
        let complaint = end.complaint.as_deref().unwrap_or_default();
        current.remark(self.secrecy.clean(format!("{said}{pause}\n{complaint}")), out);
        current.work = Work::Again;
        current.interrupts = 0;
        current.watch = Default::default();
        current.streams = Default::default();
        current.trial = Trial { number: number + 1, until: Some(env.now + delay), ..Trial::new(env.now) };
        let state = self.said(&said);
        out.push(Action::StepState(state));
        true
    }

    fn try_again(&mut self, env: &Env<'_>, out: &mut Vec<Action>) {
        let Some(current) = &mut self.current else { return };
        let (builder, at) = (self.plan.builder.clone(), current.at);
        let step = &builder.steps[at];
        let count = step.patience.retry.map_or(0, |retry| retry.count);
        current.remark(format!("try {} of {}\n", current.trial.number, count.saturating_add(1)).into(), out);
        current.trial.begin(env.now);
        current.work = Work::Nothing;
        let begun =
            self.with_scene(env, |build, scene| Machine::begin(&step.kind, &build.site(step, scene, env)));
        let Some(current) = &mut self.current else { return };
        match begun {
            Ok((machine, next)) => {
                current.machine = machine;
                out.push(Action::StepState(current.state.clone()));
                self.follow(next, env, out);
            }
            Err(why) => self.end_step(End::exception(format!("{why}\n")), env, out),
        }
    }
}
