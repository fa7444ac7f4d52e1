//! The real programs that `tests/run --install` provides.

use std::path::PathBuf;

/// A program of today's Buildbot, such as `buildbot-worker`.
pub fn real(name: &str) -> PathBuf {
    installed(&format!("bin/{name}"))
}

/// A program of Buildbot 0.8.6p1.
pub fn old(name: &str) -> PathBuf {
    installed(&format!("py27/bin/{name}"))
}

/// A program by its path in the environment, such as `worker-3.11.9/bin/buildbot-worker`.
pub fn installed(path: &str) -> PathBuf {
    let environment = std::env::var_os("BELLWETHER_TEST_ENV").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/test-env")),
        PathBuf::from,
    );
    let program = environment.join(path);
    assert!(
        program.exists(),
        "{} is missing: run tests/run --install, with BELLWETHER_INTEROP=all for workers of every age",
        program.display()
    );
    program
}
