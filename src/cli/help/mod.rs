//! `pgprobe help`: the topics that no single option explains, each a text file beside this one.

use std::io::{self, Write as _};

use super::args::HelpArgs;
use super::error::{Error, output};

/// A topic: its name, what it is about in a line, and its text.
pub struct Topic {
    /// The word after `pgprobe help`.
    pub name: &'static str,
    /// One line of the list.
    pub about: &'static str,
    /// All of it, at most 80 columns wide.
    pub text: &'static str,
}

/// All topics, in the order of the list.
pub const TOPICS: [Topic; 7] = [
    Topic {
        name: "sslmode",
        about: "what libpq does at each sslmode, and what that protects from",
        text: include_str!("sslmode.txt"),
    },
    Topic {
        name: "depth",
        about: "what a probe asks, and what it costs the server",
        text: include_str!("depth.txt"),
    },
    Topic {
        name: "exit-codes",
        about: "what each command's exit status says",
        text: include_str!("exit-codes.txt"),
    },
    Topic {
        name: "findings",
        about: "what is wrong, what fails a run, and what is known already",
        text: include_str!("findings.txt"),
    },
    Topic {
        name: "profiles",
        about: "what others demand of a server, and how to write your own",
        text: include_str!("profiles.txt"),
    },
    Topic {
        name: "files",
        about: "the files that are read, as libpq would",
        text: include_str!("files.txt"),
    },
    Topic {
        name: "environment",
        about: "the variables that count",
        text: include_str!("environment.txt"),
    },
];

/// What asks for the list of the others.
const LIST: &str = "topics";

/// Writes a topic, a command's help, or the list of both.
pub(super) fn run(args: &HelpArgs) -> Result<u8, Error> {
    let text = match args.topic.as_deref() {
        None | Some(LIST) => list(&super::command()),
        Some("pgprobe") => help(&["pgprobe", "--help"]),
        Some(name) => match TOPICS.iter().find(|topic| topic.name == name) {
            Some(topic) => topic.text.to_owned(),
            None => help(&["pgprobe", name, "--help"]),
        },
    };
    io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .map_err(output)?;
    Ok(0)
}

/// What a command line that asks for help shows.
fn help(arguments: &[&str]) -> String {
    let asked = super::command().try_get_matches_from(arguments);
    asked.map_or_else(|shown| shown.to_string(), |_| String::new())
}

/// The words that may follow `pgprobe help`.
pub(super) fn names(command: &clap::Command) -> Vec<String> {
    let topics = TOPICS.iter().map(|topic| topic.name.to_owned());
    let commands = command
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .map(|command| command.get_name().to_owned());
    let rest = ["pgprobe", LIST].map(str::to_owned);
    topics.chain(commands).chain(rest).collect()
}

fn list(command: &clap::Command) -> String {
    let mut text = String::from("pgprobe help TOPIC explains one of these.\n\nTopics:\n");
    for topic in &TOPICS {
        text += &format!("  {:<12} {}\n", topic.name, topic.about);
    }
    text += "\nCommands (pgprobe is the probe itself):\n";
    for command in command.get_subcommands().filter(|one| !one.is_hide_set()) {
        let about = command.get_about().map(ToString::to_string);
        let about = about.unwrap_or_default();
        text += &indented(command.get_name(), &about);
    }
    text
}

/// A name and what it is about, in lines of at most 80 columns.
fn indented(name: &str, about: &str) -> String {
    let mut text = format!("  {name:<12}");
    let mut column = 14;
    for word in about.split_whitespace() {
        if column + 1 + word.len() > 80 {
            text += "\n              ";
            column = 14;
        }
        text += " ";
        text += word;
        column += 1 + word.len();
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_fit_a_terminal_of_80_columns() {
        for topic in &TOPICS {
            assert!(topic.text.ends_with('\n'), "{}", topic.name);
            for line in topic.text.lines() {
                assert!(line.chars().count() <= 80, "{}: {line}", topic.name);
                assert!(!line.contains('\t') && line.is_ascii(), "{}", topic.name);
            }
        }
        for line in list(&super::super::command()).lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn every_variable_that_counts_is_in_the_topic() {
        let text = include_str!("environment.txt");
        for keyword in crate::conninfo::KEYWORDS {
            if let Some(variable) = keyword.environment {
                assert!(text.contains(variable), "{variable}");
            }
        }
        for word in text.split(|one: char| !one.is_ascii_uppercase() && one != '_') {
            let libpqs = word.starts_with("PG") && word.len() > 2 || word.starts_with("SSL_");
            if libpqs {
                assert!(crate::client::Client::is_libpq_variable(word), "{word}");
            }
        }
    }

    #[test]
    fn every_command_has_its_exit_status_explained() {
        let text = include_str!("exit-codes.txt");
        for command in super::super::command().get_subcommands() {
            let name = format!("pgprobe {}", command.get_name());
            assert!(text.contains(&name), "{name}");
        }
    }
}
