//! A played developer: tells the master of changes, as `sendchange` does, but many on one connection.

use crate::Fallible;
use crate::connection::{Part, TOKEN};
use crate::farm::Tally;
use crate::site::BRANCH;
use bellwether::model::Mono;
use bellwether::pb::{Event, Failure, Luid, Session, Value};

/// Changes that wait for the master's answer at a time.
const OUTSTANDING: u64 = 16;

/// See the module.
#[derive(Default)]
pub struct Developer {
    avatar: Option<Luid>,
    wanted: u64,
    said: u64,
    answered: u64,
}

impl Developer {
    /// Has this many more changes to tell.
    pub fn want(&mut self, changes: u64) {
        self.wanted += changes;
    }
}

impl Part for Developer {
    fn attached(&mut self, avatar: Luid, _tally: &mut Tally) {
        self.avatar = Some(avatar);
    }

    fn hear(&mut self, event: Event, session: &mut Session, _tally: &mut Tally, _now: Mono) -> Fallible<()> {
        match event {
            Event::Answered { result: Ok(_), .. } => self.answered += 1,
            Event::Answered { result: Err(failure), .. } => {
                return Err(format!("a change was refused: {failure}").into());
            }
            Event::Call(call) => {
                let failure = Failure::no_such_method(&call.method);
                session.reject(call, &failure);
            }
            Event::Ready | Event::Released { .. } => {}
        }
        Ok(())
    }

    fn speak(&mut self, session: &mut Session) -> Fallible<bool> {
        let Some(avatar) = self.avatar else { return Ok(false) };
        if self.said == self.wanted || self.said - self.answered == OUTSTANDING {
            return Ok(false);
        }
        session.call(avatar, "addChange", &[change(self.said)], &[], TOKEN)?;
        self.said += 1;
        Ok(true)
    }
}

fn change(number: u64) -> Value {
    let files = [format!("src/unit{number}.c"), "NEWS".to_owned()];
    Value::dict([
        ("who", Value::from("A. Developer <developer@example.org>")),
        ("files", Value::list(files)),
        ("comments", format!("Mend unit {number}\n\nIt did not work in the rain.").into()),
        ("branch", BRANCH.into()),
        ("revision", format!("{number:040x}").into()),
        ("category", Value::None),
        ("when", Value::None),
        ("properties", Value::Dict(Vec::new())),
        ("repository", "https://git.example.org/app.git".into()),
        ("project", "app".into()),
        ("revlink", "".into()),
        ("src", "git".into()),
    ])
}
