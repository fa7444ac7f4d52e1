//! The subscribers and what they are handed. Pure but for the queues.

use super::limits::SUBSCRIBERS;
use crate::kernel::Bell;
use crate::model::Event;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What a subscriber hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// This happened.
    Event(Arc<Event>),
    /// There was no room for some events: read again from the database what they may have told.
    Missed,
}

/// One subscriber's end of the hub. Dropping it ends the subscription.
pub struct Subscription {
    events: Receiver<Arc<Event>>,
    missed: Arc<AtomicBool>,
}

impl Subscription {
    /// What there is to hear now, if anything.
    pub fn next(&self) -> Option<Heard> {
        if self.missed.swap(false, Ordering::AcqRel) {
            return Some(Heard::Missed);
        }
        self.events.try_recv().ok().map(Heard::Event)
    }

    /// Waits until there is something to hear, or for `timeout`. `None`: there was nothing, or the hub has ended,
    /// which [`Subscription::has_ended`] tells apart.
    pub fn wait(&self, timeout: Duration) -> Option<Heard> {
        self.next().or_else(|| self.events.recv_timeout(timeout).ok().map(Heard::Event))
    }

    /// Whether nothing more will come.
    pub fn has_ended(&self) -> bool {
        // The flag is held by both ends: alone, this one has no hub any more.
        self.events.is_empty() && Arc::strong_count(&self.missed) == 1
    }
}

struct Subscriber {
    events: Sender<Arc<Event>>,
    missed: Arc<AtomicBool>,
    bell: Option<Bell>,
}

impl Subscriber {
    fn ring(&self) {
        if let Some(bell) = &self.bell {
            bell();
        }
    }
}

/// All subscribers.
#[derive(Default)]
pub struct Hub {
    subscribers: Vec<Subscriber>,
}

impl Hub {
    /// A new subscriber, for whom at most `capacity` events wait. One too many gets a subscription that has ended.
    pub fn subscribe(&mut self, capacity: usize, bell: Option<Bell>) -> Subscription {
        let (sender, events) = bounded(capacity.max(1));
        let missed = Arc::new(AtomicBool::new(false));
        // Who went away holds its flag no longer; it may have gone without an event since.
        self.subscribers.retain(|subscriber| Arc::strong_count(&subscriber.missed) > 1);
        if self.subscribers.len() < SUBSCRIBERS {
            self.subscribers.push(Subscriber { events: sender, missed: missed.clone(), bell });
        }
        Subscription { events, missed }
    }

    /// Hands an event to everyone; forgets those who are gone.
    pub fn tell(&mut self, event: Event) {
        let event = Arc::new(event);
        self.subscribers.retain(|subscriber| {
            match subscriber.events.try_send(event.clone()) {
                Ok(()) => {}
                Err(TrySendError::Full(_)) => subscriber.missed.store(true, Ordering::Release),
                Err(TrySendError::Disconnected(_)) => return false,
            }
            subscriber.ring();
            true
        });
    }

    /// Tells everyone that events were lost on their way here.
    pub fn tell_missed(&mut self) {
        for subscriber in &self.subscribers {
            subscriber.missed.store(true, Ordering::Release);
            subscriber.ring();
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.subscribers.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.subscribers.is_empty()
    }
}
