//! How long to wait before the next try to reach the master.

use super::limits::RECONNECT_FIRST;
use std::time::Duration;

/// Pauses that grow by half each time, up to the longest, each spread by chance so that the workers of a
/// master that came back do not all arrive at once.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
    longest: Duration,
    made: u32,
}

impl Backoff {
    /// Begins with the shortest pause.
    pub fn new(longest: Duration) -> Backoff {
        Backoff { next: RECONNECT_FIRST.min(longest), longest, made: 0 }
    }

    /// How many pauses were made since the master took us last.
    pub fn made(&self) -> u32 {
        self.made
    }

    /// The pause to make now. `chance` is evenly spread over 0..1.
    pub fn pause(&mut self, chance: f64) -> Duration {
        let pause = self.next;
        self.made = self.made.saturating_add(1);
        self.next = (self.next * 3 / 2).min(self.longest);
        pause.mul_f64(0.75 + chance.clamp(0.0, 1.0) / 2.0)
    }

    /// The master took us: the next pause is the shortest again.
    pub fn reset(&mut self) {
        *self = Backoff::new(self.longest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::limits::RECONNECT_MAX;

    #[test]
    fn pauses_grow_to_the_longest_and_are_spread() {
        let mut backoff = Backoff::new(RECONNECT_MAX);
        let pauses: Vec<f64> = (0..12).map(|_| backoff.pause(0.5).as_secs_f64()).collect();
        assert_eq!(pauses[..4], [1.0, 1.5, 2.25, 3.375]);
        assert_eq!((pauses[11], backoff.made()), (RECONNECT_MAX.as_secs_f64(), 12));
        backoff.reset();
        assert_eq!(backoff.pause(0.0), RECONNECT_FIRST.mul_f64(0.75));
        backoff.reset();
        assert_eq!(backoff.made(), 0);
        assert_eq!(backoff.pause(1.0), RECONNECT_FIRST.mul_f64(1.25));
    }
}
