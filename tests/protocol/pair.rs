//! Two sessions that talk to each other in memory.

use bellwether::pb::{Call, Event, Failure, Session, Value};

/// A server and a client, negotiated.
pub struct Pair {
    pub server: Session,
    pub client: Session,
}

/// What both sides were told.
#[derive(Default)]
pub struct Told {
    pub server: Vec<Event>,
    pub client: Vec<Event>,
}

impl Pair {
    /// Before a byte is exchanged.
    pub fn fresh() -> Pair {
        Pair { server: Session::server(), client: Session::client() }
    }

    pub fn new() -> Pair {
        let mut pair = Pair::fresh();
        pair.server.trust();
        let told = pair.talk();
        assert!(matches!((&told.server[..], &told.client[..]), ([Event::Ready], [Event::Ready])));
        pair
    }

    /// Carries bytes both ways until there are none.
    pub fn talk(&mut self) -> Told {
        let mut told = Told::default();
        while self.server.output_len() + self.client.output_len() > 0 {
            let bytes = self.server.take_output();
            self.client.receive(&bytes, &mut told.client).expect("a sound server");
            let bytes = self.client.take_output();
            self.server.receive(&bytes, &mut told.server).expect("a sound client");
        }
        told
    }

    /// The client calls the server's root; the call as it arrives.
    pub fn call_root(&mut self, args: &[Value]) -> Call {
        self.client.call(bellwether::pb::Callee::Root, "try", args, &[], 1).expect("ready");
        the_call(self.talk().server)
    }
}

/// The only event, a call.
pub fn the_call(events: Vec<Event>) -> Call {
    match <[Event; 1]>::try_from(events) {
        Ok([Event::Call(call)]) => call,
        other => panic!("not one call: {other:?}"),
    }
}

/// The only event, an end of a call.
pub fn the_result(events: Vec<Event>) -> Result<Value, Failure> {
    match <[Event; 1]>::try_from(events) {
        Ok([Event::Answered { result, .. }]) => result,
        other => panic!("not one answer: {other:?}"),
    }
}
