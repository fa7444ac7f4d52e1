//! What a client can hold, and the number by which it calls it. The number says all: there is no table of what is
//! lent, so nothing has to be forgotten, and the same thing is the same object whenever it is sent.

use crate::model::{BuildId, BuildsetId, LogId, RequestId, StepId};
use crate::pb::{Target, Value};

/// Something that a client holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Object {
    /// What it got for its login.
    Avatar,
    /// A builder, by its place among the names that were ever sent.
    Builder(i64),
    Build(BuildId),
    Step(StepId),
    Log(LogId),
    Buildset(BuildsetId),
    Request(RequestId),
}

/// Where the kind begins; ids stay below it.
const KIND_SHIFT: u32 = 56;

impl Object {
    /// The number that stands for it on the wire.
    pub(super) fn key(self) -> u64 {
        let (kind, id) = match self {
            Object::Avatar => (0, 0),
            Object::Builder(place) => (1, place),
            Object::Build(id) => (2, id.0),
            Object::Step(id) => (3, id.0),
            Object::Log(id) => (4, id.0),
            Object::Buildset(id) => (5, id.0),
            Object::Request(id) => (6, id.0),
        };
        (kind << KIND_SHIFT) | id.unsigned_abs()
    }

    /// What a call is for.
    pub(super) fn of(target: Target) -> Option<Object> {
        let Target::Key(key) = target else { return None };
        let id = i64::try_from(key & ((1 << KIND_SHIFT) - 1)).ok()?;
        Some(match key >> KIND_SHIFT {
            0 => Object::Avatar,
            1 => Object::Builder(id),
            2 => Object::Build(BuildId(id)),
            3 => Object::Step(StepId(id)),
            4 => Object::Log(LogId(id)),
            5 => Object::Buildset(BuildsetId(id)),
            6 => Object::Request(RequestId(id)),
            _ => return None,
        })
    }

    /// The original's name of its class, for what is said of calls that it does not know.
    pub(super) fn class(self) -> &'static str {
        match self {
            Object::Avatar => "StatusClientPerspective",
            Object::Builder(_) => "RemoteBuilder",
            Object::Build(_) => "RemoteBuild",
            Object::Step(_) => "RemoteBuildStep",
            Object::Log(_) => "RemoteLog",
            Object::Buildset(_) => "RemoteBuildSet",
            Object::Request(_) => "RemoteBuildRequest",
        }
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Value {
        Value::local(object.key())
    }
}

/// The names of builders that were sent, each with a place of its own.
#[derive(Debug, Default)]
pub(super) struct BuilderNames(Vec<String>);

impl BuilderNames {
    /// The object of a builder.
    pub(super) fn object(&mut self, name: &str) -> Object {
        let known = self.0.iter().position(|known| known == name);
        let place = known.unwrap_or_else(|| {
            self.0.push(name.to_owned());
            self.0.len() - 1
        });
        Object::Builder(place as i64)
    }

    /// The name at a place.
    pub(super) fn name(&self, place: i64) -> Option<&str> {
        self.0.get(usize::try_from(place).ok()?).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::Object;
    use crate::model::{BuildId, BuildsetId, LogId, RequestId, StepId};
    use crate::pb::Target;

    #[test]
    fn a_number_says_what_it_stands_for() {
        let id = (1 << 56) - 1;
        let objects = [
            Object::Avatar,
            Object::Builder(0),
            Object::Builder(id),
            Object::Build(BuildId(7)),
            Object::Step(StepId(7)),
            Object::Log(LogId(id)),
            Object::Buildset(BuildsetId(7)),
            Object::Request(RequestId(7)),
        ];
        for object in objects {
            assert_eq!(Object::of(Target::Key(object.key())), Some(object));
        }
        assert_eq!(Object::of(Target::Key(7 << 56)), None);
        assert_eq!(Object::of(Target::Root), None);
    }
}
