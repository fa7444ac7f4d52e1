//! Calls that are answered when what they are about is complete: `waitUntilFinished`.

use super::object::Object;
use super::service::Clients;
use crate::db::DbError;
use crate::kernel::Gone;
use crate::pb::Value;

impl Clients {
    /// Answers those who wait for an object if it is complete, whoever has told so or not.
    pub(super) fn look_again(&mut self, object: Object) -> Result<(), Gone> {
        // Where the database is out of reach, the news of the end is still to come.
        if self.is_complete(object).unwrap_or(false) { self.complete(object) } else { Ok(()) }
    }

    /// Looks again at all that somebody waits for.
    pub(super) fn look_again_at_all(&mut self) -> Result<(), Gone> {
        let waiting = self.connections.values().flat_map(|connection| connection.awaited.keys().copied());
        let waiting: std::collections::BTreeSet<Object> = waiting.collect();
        waiting.into_iter().try_for_each(|object| self.look_again(object))
    }

    /// Answers those who wait for an object that is complete.
    pub(super) fn complete(&mut self, object: Object) -> Result<(), Gone> {
        for (id, connection) in &mut self.connections {
            for request in connection.awaited.remove(&object).unwrap_or_default() {
                self.parts.pb.answer(*id, request, Value::from(object))?;
            }
        }
        Ok(())
    }

    /// Whether there is nothing to wait for any more. What is not stored any more is over.
    fn is_complete(&self, object: Object) -> Result<bool, DbError> {
        let db = &self.parts.db;
        Ok(match object {
            Object::Build(id) => db.builds().get(id)?.is_none_or(|build| build.complete_at.is_some()),
            Object::Step(id) => db.steps().get(id)?.is_none_or(|step| step.complete_at.is_some()),
            Object::Log(id) => db.logs().get(id)?.is_none_or(|log| log.complete),
            Object::Buildset(id) => db.buildsets().get(id)?.is_none_or(|set| set.complete_at.is_some()),
            Object::Avatar | Object::Builder(_) | Object::Request(_) => true,
        })
    }
}
