//! Real programs of Buildbot on the other side of the wire, from `target/test-env` (`tests/run --install` fills it).

mod agent;
mod agent_life;
mod agent_master;
