//! The one file that starts threads: each has a name, and a panic in it is caught at its edge.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// A running thread. Dropping it lets the thread run on.
#[derive(Debug)]
pub struct Running<R>(std::thread::JoinHandle<Result<R, String>>);

impl<R> Running<R> {
    /// Waits for its end: what it returned, or what its panic said.
    pub fn join(self) -> Result<R, String> {
        self.0.join().unwrap_or_else(|panic| Err(panic_text(panic.as_ref())))
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

/// Starts a thread named `name` (the kernel shows its first 15 bytes).
///
/// # Errors
/// The operating system has no room for another thread.
#[expect(clippy::disallowed_methods, reason = "the place where threads are started")]
pub fn spawn<R: Send + 'static>(
    name: impl Into<String>,
    body: impl FnOnce() -> R + Send + 'static,
) -> std::io::Result<Running<R>> {
    let thread = std::thread::Builder::new().name(name.into());
    Ok(Running(thread.spawn(move || catch(body))?))
}

/// How many threads can run at the same time on this machine; 1 where nobody knows.
pub fn parallelism() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Gives the calling thread the lowest priority; where the operating system does not let it, nothing changes.
pub(super) fn let_others_go_first() {
    // On Linux, a "process" without a number is the calling thread.
    let _ = rustix::process::setpriority_process(None, 19);
}

/// Runs `body`; a panic becomes its text.
pub fn catch<R>(body: impl FnOnce() -> R) -> Result<R, String> {
    // What the closure borrowed mutably is thrown away after a panic: services are built anew.
    catch_unwind(AssertUnwindSafe(body)).map_err(|panic| panic_text(panic.as_ref()))
}

/// Sleeps: only for the pauses between restarts, which nothing may cut short but the end of the process.
#[expect(clippy::disallowed_methods, reason = "the pause between restarts")]
pub(super) fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "panicked without a text".to_owned()
    }
}
