//! The master and the commands that speak to it: argv in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    bellwether::cli::main()
}
