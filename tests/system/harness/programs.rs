//! The real programs that `tests/run --install` provides.

use std::path::PathBuf;

/// A program of the Python environment, such as `buildbot-worker`.
pub fn real(name: &str) -> PathBuf {
    below(&format!("bin/{name}"))
}

/// A program of Buildbot 0.8.6p1.
pub fn old(name: &str) -> PathBuf {
    below(&format!("py27/bin/{name}"))
}

fn below(path: &str) -> PathBuf {
    let environment = std::env::var_os("BELLWETHER_TEST_ENV").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/test-env")),
        PathBuf::from,
    );
    let program = environment.join(path);
    assert!(program.exists(), "{} is missing: run tests/run --install", program.display());
    program
}
