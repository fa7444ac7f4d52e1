//! The hub's promises.

use super::hub::{Heard, Hub};
use crate::model::{BuildId, Event, StepId};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn event(step: i64) -> Event {
    Event::StepStarted { build: BuildId(1), step: StepId(step) }
}

fn heard(step: i64) -> Option<Heard> {
    Some(Heard::Event(Arc::new(event(step))))
}

#[test]
fn every_subscriber_hears_every_event_in_order() {
    let mut hub = Hub::default();
    let subscribers = [hub.subscribe(8, None), hub.subscribe(8, None)];
    hub.tell(event(1));
    hub.tell(event(2));
    for subscriber in &subscribers {
        assert_eq!(subscriber.next(), heard(1));
        assert_eq!(subscriber.wait(Duration::ZERO), heard(2));
        assert_eq!(subscriber.next(), None);
    }
}

#[test]
fn who_is_slow_is_told_that_it_missed_some_and_holds_up_nobody() {
    let mut hub = Hub::default();
    let (slow, quick) = (hub.subscribe(1, None), hub.subscribe(8, None));
    hub.tell(event(1));
    hub.tell(event(2));
    assert_eq!([slow.next(), slow.next(), slow.next()], [Some(Heard::Missed), heard(1), None]);
    assert_eq!([quick.next(), quick.next(), quick.next()], [heard(1), heard(2), None]);
    hub.tell_missed();
    assert_eq!(quick.next(), Some(Heard::Missed));
}

#[test]
fn who_is_gone_is_forgotten() {
    let mut hub = Hub::default();
    drop(hub.subscribe(1, None));
    let stays = hub.subscribe(1, None);
    assert_eq!(hub.len(), 1);
    hub.tell(event(1));
    assert_eq!(hub.len(), 1);
    assert!(!stays.has_ended());
    drop(hub);
    assert!(!stays.has_ended(), "one event is still to be heard");
    assert_eq!(stays.next(), heard(1));
    assert!(stays.has_ended());
}

#[test]
fn one_subscriber_too_many_is_sent_away() {
    let mut hub = Hub::default();
    let all: Vec<_> = (0..super::limits::SUBSCRIBERS).map(|_| hub.subscribe(1, None)).collect();
    assert!(hub.subscribe(1, None).has_ended());
    assert!(all.iter().all(|subscription| !subscription.has_ended()));
}

#[test]
fn the_bell_rings_for_each_event() {
    let mut hub = Hub::default();
    let rung = Arc::new(AtomicUsize::new(0));
    let count = rung.clone();
    let bell = Arc::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    let _subscription = hub.subscribe(1, Some(bell));
    hub.tell(event(1));
    hub.tell(event(2));
    assert_eq!(rung.load(Ordering::Relaxed), 2);
}
