//! The command: the only place with arguments, environment, clock, files, terminal, runtime.

mod args;
mod assess;
mod demo;
mod error;
mod exporter;
pub mod gather;
mod output;
mod probe;
mod system_store;
mod textfile;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use args::{Args, Command};
use error::Error;

/// Runs the command with the process's arguments; the exit status.
pub fn run() -> ExitCode {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where arguments are read"
    )]
    let arguments: Vec<_> = std::env::args_os().collect();
    let args = match Args::try_parse_from(&arguments) {
        Ok(args) => args,
        Err(error) => {
            refuse(&error, &arguments);
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let done = match &args.command {
        None => probe::run(&args.probe),
        Some(Command::Assess(replay)) => assess::run(replay),
        Some(Command::Demo(demo)) => demo::run(demo),
        Some(Command::Exporter(exporter)) => exporter::run(exporter),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(Error::BrokenPipe) => ExitCode::SUCCESS,
        Err(error) => {
            error.print();
            ExitCode::from(2)
        }
    }
}

/// Shows clap's words; an argument that it quotes may be a target with a password in it.
fn refuse(error: &clap::Error, arguments: &[OsString]) {
    let mut words = error.to_string();
    let shown = words.clone();
    for argument in arguments {
        let argument = argument.to_string_lossy();
        let hidden = crate::conninfo::redact(&argument);
        if hidden != argument {
            words = words.replace(argument.as_ref(), &hidden);
        }
    }
    if words == shown {
        // clap knows whether its text is help, for stdout, or an error, for stderr.
        let _ = error.print();
    } else {
        let _ = write!(std::io::stderr(), "{words}");
    }
}

/// The time of day, in seconds since 1970.
pub(crate) fn now() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
    let now = std::time::SystemTime::now();
    let since = now
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// A runtime for one thread; hanging resolver threads are left behind when it is shut down.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::Runtime)?;
    let done = runtime.block_on(future);
    runtime.shutdown_background();
    Ok(done)
}
