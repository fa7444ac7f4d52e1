//! Real programs of Buildbot on the other side of the wire, from `target/test-env` (`tests/run --install` fills it).

mod age;
mod agent;
mod agent_life;
mod agent_master;
mod carrying;
mod fleet;
#[expect(dead_code, unused_imports, reason = "the tests of the system use the rest")]
#[path = "../system/harness/mod.rs"]
mod harness;
mod proxy;
mod stepping;
mod tools;
mod triggering;
