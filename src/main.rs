//! The `pgprobe` command; everything is in the library.

use std::process::ExitCode;

/// A record is made of many small pieces, on several threads: the system's allocator is a tenth of
/// what a target of a scan costs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    pgprobe::cli::run()
}
