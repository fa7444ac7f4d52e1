//! The real programs that `tests/run --install` provides.

use std::path::PathBuf;

/// A program of the Python environment, such as `buildbot-worker`.
pub fn real(name: &str) -> PathBuf {
    let environment = std::env::var_os("BELLWETHER_TEST_ENV").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/test-env")),
        PathBuf::from,
    );
    let program = environment.join("bin").join(name);
    assert!(program.exists(), "{} is missing: run tests/run --install", program.display());
    program
}
