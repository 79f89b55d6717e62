//! The command: the only place with arguments, environment, clock, files, terminal, runtime.

mod args;
mod assess;
mod baseline;
mod check;
mod check_args;
mod ciphers;
mod demands;
mod demo;
mod diff;
mod error;
mod expect;
mod explain;
mod exporter;
pub mod gather;
pub mod help;
mod libpq_words;
mod output;
mod probe;
mod progress;
mod records;
mod report;
mod scan;
mod scan_args;
mod system_store;
mod textfile;
mod usage;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use args::{Args, Command, Meant};
use error::Error;

/// Runs the command with the process's arguments; the exit status.
pub fn run() -> ExitCode {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where arguments are read"
    )]
    let arguments: Vec<_> = std::env::args_os().collect();
    let as_plugin = check::is_meant(&arguments);
    let whole = || {
        let matches = command().try_get_matches_from(&arguments)?;
        Args::from_arg_matches(&matches).map(Meant::from)
    };
    let meant = match Meant::quickly(&arguments).map_or_else(whole, Ok) {
        Ok(meant) => meant,
        Err(error) if as_plugin => return check::refuse(&error, &arguments),
        Err(error) => {
            usage::show(&error, &arguments);
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let command = match meant {
        Meant::Probe(probe) => return exit_status(probe::run(&probe)),
        Meant::Command(command) => command,
    };
    exit_status(match command {
        Command::Ciphers(ciphers) => ciphers::run(*ciphers),
        Command::Assess(replay) => assess::run(&replay),
        Command::Demo(demo) => demo::run(&demo),
        Command::Explain(names) => explain::run(&names),
        Command::Exporter(exporter) => exporter::run(&exporter),
        Command::Scan(scan) => scan::run(&scan),
        Command::Help(topic) => help::run(&topic),
        Command::Check(args) => return check::run(&args),
        Command::Diff(two) => diff::run(&two),
        Command::Report(args) => report::run(&args),
    })
}

fn exit_status(done: Result<u8, Error>) -> ExitCode {
    match done {
        Ok(code) => ExitCode::from(code),
        Err(Error::BrokenPipe) => ExitCode::SUCCESS,
        Err(error) => {
            error.print();
            ExitCode::from(2)
        }
    }
}

/// What the help of every command begins with: what it is for, and examples.
const HELP: &str = "\
{about-with-newline}
{before-help}{usage-heading} {usage}

{all-args}{after-help}";

/// The definition of the command line, for what is made from it: help, manual pages, completions.
pub fn command() -> clap::Command {
    let command = Args::command().help_template(HELP);
    let commands: Vec<_> = command
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    let command = commands.iter().fold(command, |command, name| {
        command.mut_subcommand(name, |command| {
            command.help_template(HELP).max_term_width(80)
        })
    });
    let topics = clap::builder::PossibleValuesParser::new(help::names(&command));
    command.mut_subcommand("help", |help| {
        help.mut_arg("topic", |topic| topic.value_parser(topics))
    })
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
    // Where there are not so many left, the runtime's signal driver panics instead of failing.
    crate::net::has_descriptors().map_err(Error::Runtime)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::Runtime)?;
    let done = runtime.block_on(future);
    runtime.shutdown_background();
    Ok(done)
}
