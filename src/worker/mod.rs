//! The core of the worker agent.
