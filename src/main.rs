//! The `pgprobe` command; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    pgprobe::cli::run()
}
