//! The `bellwether` command: argv in, exit code out.

fn main() {}
