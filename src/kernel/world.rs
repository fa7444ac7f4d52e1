//! The world outside: time, chance and entropy. Real for the daemon, virtual and seeded for the simulator.
//! With `thread.rs`, one of the two files that may read a clock.

use crate::model::{Mono, Wall};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Where the time comes from.
#[derive(Clone, Debug)]
enum Clock {
    Real {
        start: std::time::Instant,
    },
    /// Microseconds since the simulation began, and when that was.
    Virtual(Arc<AtomicU64>, Wall),
}

/// 2026-01-01T00:00Z, where a simulation begins unless it is said.
const VIRTUAL_EPOCH_S: i64 = 1_767_225_600;

/// Time, chance and entropy of one service. Each service has its own, so that what one draws does not change
/// what another does.
#[derive(Clone, Debug)]
pub struct World {
    clock: Clock,
    chance: fastrand::Rng,
}

impl World {
    /// The real one.
    #[expect(clippy::disallowed_methods, reason = "the place where the real clock is read")]
    pub fn real() -> World {
        World { clock: Clock::Real { start: std::time::Instant::now() }, chance: fastrand::Rng::new() }
    }

    /// A virtual one that begins at zero and draws from `seed`.
    pub fn virtual_from(seed: u64) -> World {
        World::virtual_at(Wall::from_seconds(VIRTUAL_EPOCH_S), seed)
    }

    /// The same, beginning at this time of the wall clock.
    pub fn virtual_at(begin: Wall, seed: u64) -> World {
        let clock = Clock::Virtual(Arc::new(AtomicU64::new(0)), begin);
        World { clock, chance: fastrand::Rng::with_seed(seed) }
    }

    /// A world of the same clock with chance of its own, which depends only on this world's seed and `name`.
    #[must_use]
    pub fn branch(&self, name: &str) -> World {
        let mut chance = match &self.clock {
            Clock::Real { .. } => fastrand::Rng::new(),
            Clock::Virtual(..) => self.chance.clone(),
        };
        for byte in name.bytes() {
            chance = fastrand::Rng::with_seed(chance.u64(..) ^ u64::from(byte));
        }
        World { clock: self.clock.clone(), chance }
    }

    /// Monotonic time.
    #[expect(clippy::disallowed_methods, reason = "the place where the real clock is read")]
    pub fn now(&self) -> Mono {
        match &self.clock {
            Clock::Real { start } => Mono(std::time::Instant::now().saturating_duration_since(*start)),
            Clock::Virtual(micros, _) => Mono(Duration::from_micros(micros.load(Ordering::Acquire))),
        }
    }

    /// Wall time.
    #[expect(clippy::disallowed_methods, reason = "the place where the real clock is read")]
    pub fn wall(&self) -> Wall {
        match &self.clock {
            Clock::Real { .. } => {
                let since_1970 =
                    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                Wall(0) + since_1970
            }
            Clock::Virtual(_, begin) => *begin + self.now().0,
        }
    }

    /// Chance, for jitter and for choices that should not favour anyone.
    pub fn chance(&mut self) -> &mut fastrand::Rng {
        &mut self.chance
    }

    /// Fills `bytes` with what nobody can guess (challenges, tokens). In the simulator, with chance.
    pub fn entropy(&mut self, bytes: &mut [u8]) {
        match &self.clock {
            // An operating system without entropy can't be served by going on: every challenge would be known.
            Clock::Real { .. } => getrandom::fill(bytes).expect("the operating system gives entropy"),
            Clock::Virtual(..) => self.chance.fill(bytes),
        }
    }

    /// Turns the virtual clock on to `to`; never back. A real clock turns by itself.
    pub(super) fn turn_to(&self, to: Mono) {
        if let Clock::Virtual(micros, _) = &self.clock {
            micros.fetch_max(u64::try_from(to.0.as_micros()).unwrap_or(u64::MAX), Ordering::AcqRel);
        }
    }
}
