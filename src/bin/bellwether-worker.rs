//! The `bellwether-worker` command: the worker agent of this machine.

fn main() {}
