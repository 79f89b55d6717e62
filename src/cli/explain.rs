//! `pgprobe explain`: what a finding means, where it is written, what mends it.

use std::io::{self, Write as _};

use clap::Args as ClapArgs;

use super::error::{Error, output};
use crate::lints;
use crate::render;

/// Shown before the options.
pub(super) const EXAMPLES: &str = "\
Examples:
  pgprobe explain plaintext-accepted
  pgprobe explain --list";

/// What an explanation takes.
#[derive(ClapArgs, Debug)]
pub(crate) struct ExplainArgs {
    /// The findings to explain, by the names that reports have; without one: all, a line each.
    #[arg(value_name = "NAME", conflicts_with = "list")]
    names: Vec<String>,

    /// All of them, a line each: name, severity, what it is.
    #[arg(long)]
    list: bool,
}

pub(super) fn run(args: &ExplainArgs) -> Result<u8, Error> {
    let lints = args
        .names
        .iter()
        .map(|name| find(name))
        .collect::<Result<Vec<_>, _>>()?;
    let mut out = io::stdout().lock();
    if args.list || lints.is_empty() {
        return out
            .write_all(render::lint_list().as_bytes())
            .map_err(output)
            .map(|()| 0);
    }
    for (number, lint) in lints.into_iter().enumerate() {
        let between = if number > 0 { "\n" } else { "" };
        out.write_all(between.as_bytes())
            .and_then(|()| render::lint(lint, &mut out))
            .map_err(output)?;
    }
    Ok(0)
}

/// The lint of a name, or an error that has the nearest ones.
pub(super) fn find(name: &str) -> Result<&'static lints::Lint, Error> {
    lints::find(name).ok_or_else(|| Error::Lint {
        name: crate::conninfo::redact(name),
        near: near(name),
    })
}

/// The names most like a word, the likest first.
fn near(word: &str) -> Vec<&'static str> {
    let word = word.to_ascii_lowercase();
    let mut names: Vec<_> = lints::LINTS
        .iter()
        .map(|lint| {
            let likeness = strsim::jaro_winkler(&word, lint.name);
            let part = word.len() > 2 && lint.name.contains(&word);
            (if part { likeness + 1.0 } else { likeness }, lint.name)
        })
        .filter(|(likeness, _)| *likeness > 0.75)
        .collect();
    names.sort_by(|one, other| other.0.total_cmp(&one.0));
    names.into_iter().take(3).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_finds_the_names_that_are_like_it() {
        assert_eq!(
            near("plaintext-acepted").first(),
            Some(&"plaintext-accepted")
        );
        assert!(near("md5").contains(&"md5-authentication"));
        assert!(near("EXPIRED").contains(&"certificate-expired"));
        assert_eq!(near("\u{1b}[31m~~~~~~~"), [""; 0]);
    }
}
