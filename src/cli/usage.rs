//! A wrong command line, said in one line and a hint.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write as _};

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Why a value is refused, and what would do.
#[derive(Debug)]
pub(crate) struct BadValue {
    /// The reason, for the line.
    pub(crate) why: String,
    /// What it takes, for the hint.
    pub(crate) takes: &'static str,
}

impl fmt::Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for BadValue {}

/// Shows what clap has to say: help and version on stdout, an error on stderr.
///
/// An argument that it quotes may be a target with a password in it.
pub(super) fn show(error: &clap::Error, arguments: &[OsString]) {
    if !error.use_stderr() {
        let _ = error.print();
        return;
    }
    let (line, hint) = line_and_hint(error, arguments);
    let text = format!("error: {line}\nhint: {hint}\n");
    let mut out = io::stderr().lock();
    for line in text.lines() {
        let _ = writeln!(out, "{}", crate::render::escape::escape(line));
    }
}

/// What is wrong, and a hint, without the passwords of the command line.
pub(super) fn line_and_hint(error: &clap::Error, arguments: &[OsString]) -> (String, String) {
    let (mut line, mut hint) = words(error, arguments);
    for argument in arguments {
        let argument = argument.to_string_lossy();
        let hidden = crate::conninfo::redact(&argument);
        if hidden != argument {
            line = line.replace(argument.as_ref(), &hidden);
            hint = hint.replace(argument.as_ref(), &hidden);
        }
    }
    (line, hint)
}

/// The line and the hint.
fn words(error: &clap::Error, arguments: &[OsString]) -> (String, String) {
    let text = |kind| context(error, kind);
    let subject = text(ContextKind::InvalidArg).unwrap_or_default();
    let value = text(ContextKind::InvalidValue).unwrap_or_default();
    let option = option(&subject);
    let help = help(arguments);
    match error.kind() {
        ErrorKind::UnknownArgument if subject.len() > 1 && subject.starts_with('-') => {
            let similar = text(ContextKind::SuggestedArg);
            let hint = match similar {
                Some(similar) => format!("there is {}", self::option(&similar)),
                None => format!("{help} lists the options"),
            };
            (format!("there is no option \"{subject}\""), hint)
        }
        ErrorKind::UnknownArgument => (
            format!("unexpected argument \"{}\"", shown(&subject)),
            format!("{help} says what it takes"),
        ),
        ErrorKind::InvalidValue if value.is_empty() => {
            let takes = list(error, ContextKind::ValidValue);
            let hint = takes.map_or_else(
                || format!("{help} explains it"),
                |takes| format!("it takes {takes}"),
            );
            (format!("{option} needs a value"), hint)
        }
        ErrorKind::InvalidValue if option == "TOPIC" => (
            format!("no help on \"{}\"", shown(&value)),
            format!(
                "there is {}",
                list(error, ContextKind::ValidValue).unwrap_or_default()
            ),
        ),
        ErrorKind::InvalidValue => {
            let takes = list(error, ContextKind::ValidValue);
            let hint = takes.map_or_else(
                || format!("{help} explains it"),
                |takes| format!("it takes {takes}"),
            );
            (
                format!("{option} does not take \"{}\"", shown(&value)),
                hint,
            )
        }
        ErrorKind::ValueValidation => {
            let source = std::error::Error::source(error);
            let why = source.map(ToString::to_string).unwrap_or_default();
            let line = format!("{option} does not take \"{}\": {why}", shown(&value));
            let takes = source.and_then(|source| source.downcast_ref::<BadValue>());
            let hint = takes.map_or_else(
                || format!("{help} explains it"),
                |bad| format!("it takes {}", bad.takes),
            );
            (line, hint)
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = list(error, ContextKind::InvalidArg).unwrap_or_default();
            (
                format!("{} missing", subjects(&missing)),
                format!("{help} says what it takes"),
            )
        }
        ErrorKind::ArgumentConflict => {
            let prior = list(error, ContextKind::PriorArg).map(|prior| self::option(&prior));
            match prior {
                Some(prior) if prior != option => (
                    format!("{option} and {prior} do not go together"),
                    "leave one of them out".into(),
                ),
                _ => (
                    format!("{option} is given more than once"),
                    "once is enough".into(),
                ),
            }
        }
        ErrorKind::InvalidUtf8 => (
            "an argument is not UTF-8".into(),
            "targets, values and file names must be".into(),
        ),
        ErrorKind::InvalidSubcommand => (
            format!(
                "there is no command \"{}\"",
                shown(&text(ContextKind::InvalidSubcommand).unwrap_or_default())
            ),
            "`pgprobe help` lists them".into(),
        ),
        _ => {
            let rendered = error.to_string();
            let line = rendered.lines().next().unwrap_or_default();
            let line = line.strip_prefix("error: ").unwrap_or(line);
            (line.to_owned(), format!("{help} says what it takes"))
        }
    }
}

/// What a command line of this command gets its help from.
fn help(arguments: &[OsString]) -> String {
    let first = arguments.get(1).and_then(|first| first.to_str());
    let command = first.filter(|first| {
        super::command()
            .get_subcommands()
            .any(|command| command.get_name() == *first)
    });
    match command {
        Some(command) => format!("`pgprobe {command} --help`"),
        None => "`pgprobe --help`".into(),
    }
}

fn context(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.first().cloned(),
        _ => None,
    }
}

/// Several words as a sentence has them: `a, b or c`.
fn list(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => match texts.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            [most @ .., last] => Some(format!("{} or {last}", most.join(", "))),
        },
        _ => None,
    }
}

/// `--at <TIME>` as it is typed: `--at`; of a positional, its name.
fn option(usage: &str) -> String {
    let first = usage.split_whitespace().next().unwrap_or_default();
    let first = first.split('=').next().unwrap_or_default();
    first
        .trim_start_matches(['<', '['])
        .trim_end_matches('.')
        .trim_end_matches(['>', ']'])
        .to_owned()
}

/// `<FILE> or <NAME>` as `FILE or NAME is`.
fn subjects(usages: &str) -> String {
    format!("{} is", usages.replace(['<', '>', '[', ']'], ""))
}

/// A value as an error may quote it: without the passwords in it.
fn shown(value: &str) -> String {
    crate::conninfo::redact(value)
}
