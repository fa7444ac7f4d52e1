//! The forms of work that the handle sends: an ask with an answer, a write that nobody waits for, a query.

use super::engine::{Connection, DbError, Transaction};
use super::service::Query;
use super::writer::Job;
use crate::kernel::Reply;

/// Work with an answer, for a caller that waits.
pub(super) struct Ask<R, F> {
    work: F,
    answer: Option<R>,
    reply: Reply<Result<R, DbError>>,
}

impl<R, F> Ask<R, F> {
    pub(super) fn new(work: F, reply: Reply<Result<R, DbError>>) -> Ask<R, F> {
        Ask { work, answer: None, reply }
    }

    fn answer(self, outcome: Result<(), DbError>) {
        let nothing = || DbError::Bug("it ended without having run".into());
        self.reply.send(outcome.and_then(|()| self.answer.ok_or_else(nothing)));
    }
}

impl<R: Send, F> Job for Ask<R, F>
where
    F: FnMut(&mut Transaction<'_>) -> Result<R, DbError> + Send,
{
    fn run(&mut self, tx: &mut Transaction<'_>) -> Result<(), DbError> {
        self.answer = Some((self.work)(tx)?);
        Ok(())
    }

    fn done(self: Box<Self>, outcome: Result<(), DbError>) {
        self.answer(outcome);
    }

    fn has_caller(&self) -> bool {
        true
    }
}

impl<R: Send, F> Query for Ask<R, F>
where
    F: FnMut(&mut Connection) -> Result<R, DbError> + Send,
{
    fn run(&mut self, connection: &mut Connection) -> Result<(), DbError> {
        self.answer = Some((self.work)(connection)?);
        Ok(())
    }

    fn done(self: Box<Self>, outcome: Result<(), DbError>) {
        self.answer(outcome);
    }
}

/// Work that nobody waits for; `then` hears of its commit.
pub(super) struct Later<R, F, T> {
    work: F,
    result: Option<R>,
    then: T,
}

impl<R, F, T> Later<R, F, T> {
    pub(super) fn new(work: F, then: T) -> Later<R, F, T> {
        Later { work, result: None, then }
    }
}

impl<R: Send, F, T> Job for Later<R, F, T>
where
    F: FnMut(&mut Transaction<'_>) -> Result<R, DbError> + Send,
    T: FnOnce(R) + Send,
{
    fn run(&mut self, tx: &mut Transaction<'_>) -> Result<(), DbError> {
        self.result = Some((self.work)(tx)?);
        Ok(())
    }

    fn done(self: Box<Self>, outcome: Result<(), DbError>) {
        if let (Ok(()), Some(result)) = (outcome, self.result) {
            (self.then)(result);
        }
    }

    fn has_caller(&self) -> bool {
        false
    }
}
