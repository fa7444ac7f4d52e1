//! Waiting for what other processes do: the one place of the tests that sleeps.

use std::time::{Duration, Instant};

/// How long anything may take before the test fails. Machines of the build farm can be slow; nothing waits this long
/// that goes well.
const LIMIT: Duration = Duration::from_secs(60);

/// How often to look.
const PACE: Duration = Duration::from_millis(20);

/// Looks again and again until there is something; fails with `what` and the value of `told` after a minute.
#[expect(clippy::disallowed_methods, reason = "waits for processes that live in real time")]
#[track_caller]
pub fn eventually_or<T>(what: &str, mut look: impl FnMut() -> Option<T>, told: impl Fn() -> String) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {LIMIT:?} for {what}\n{}", told());
        std::thread::sleep(PACE);
    }
}

/// Looks again and again until it holds.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    eventually_or(what, || holds().then_some(()), String::new);
}
