//! What packagers take: manual pages and completions in `share`, made from the definition of the
//! command line and kept equal to it; shells and the manual's readers take them, too.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use clap_complete::Shell;
use clap_mangen::Man;
use pgprobe::cli::help::TOPICS;

use crate::support::installation::succeed;
use crate::support::pgprobe::program;
use crate::support::repository::{assert_file, repository};

const MANUAL: &str = "share/man/man1";

/// The date of the manual pages: that of the last release, or of the work on the next.
const DATE: &str = "2026-11-22";

/// Where each shell's own directory of completions has the file.
const COMPLETIONS: [(Shell, &str); 3] = [
    (Shell::Bash, "share/bash-completion/completions/pgprobe"),
    (Shell::Zsh, "share/zsh/site-functions/_pgprobe"),
    (Shell::Fish, "share/fish/vendor_completions.d/pgprobe.fish"),
];

/// The pages by the name of their file.
fn manual() -> Vec<(String, String)> {
    let mut command = pgprobe::cli::command();
    command.build();
    let shown = command.get_subcommands().filter(|one| !one.is_hide_set());
    let mut pages: Vec<_> = shown
        .map(|command| {
            let name = command.get_display_name().unwrap().to_owned();
            let also = ["pgprobe".to_owned()];
            (format!("{name}.1"), page(command.clone(), &[], &also))
        })
        .collect();
    let also: Vec<_> = pages
        .iter()
        .map(|(file, _)| file.trim_end_matches(".1").to_owned())
        .collect();
    let topics = TOPICS.map(|topic| {
        let title = match topic.name {
            "exit-codes" => "EXIT STATUS".to_owned(),
            name => name.to_uppercase(),
        };
        let (_, text) = topic.text.split_once("\n\n").unwrap();
        (title, text.to_owned())
    });
    pages.push(("pgprobe.1".into(), page(command, &topics, &also)));
    pages
}

fn page(command: clap::Command, sections: &[(String, String)], also: &[String]) -> String {
    let examples = command.get_before_help().map(ToString::to_string);
    // A manual has no short form: what `-h` leaves out is in it, words and all.
    let all = command.clone().mut_args(|arg| arg.hide_short_help(false));
    let manual = Man::new(all).date(DATE).manual("pgprobe").section("1");
    let mut text = Vec::new();
    manual.render_title(&mut text).unwrap();
    manual.render_name_section(&mut text).unwrap();
    let mut text = String::from_utf8(text).unwrap();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.replace("Usage: ", "       ").replace("       ", "");
    section(&mut text, "SYNOPSIS", &usage);
    let mut description = Vec::new();
    manual.render_description_section(&mut description).unwrap();
    text += &String::from_utf8(description).unwrap();
    if let Some(examples) = examples {
        let examples = examples.strip_prefix("Examples:\n").unwrap_or(&examples);
        section(&mut text, "EXAMPLES", examples);
    }
    let mut rest = Vec::new();
    manual.render_options_section(&mut rest).unwrap();
    if command.get_subcommands().any(|one| !one.is_hide_set()) {
        manual.render_subcommands_section(&mut rest).unwrap();
    }
    text += &String::from_utf8(rest).unwrap();
    for (title, lines) in sections {
        section(&mut text, title, lines);
    }
    text += ".SH \"SEE ALSO\"\n";
    let also: Vec<_> = also
        .iter()
        .map(|name| format!("\\fB{}\\fR(1)", name.replace('-', "\\-")))
        .collect();
    writeln!(text, "{}", also.join(",\n")).unwrap();
    // roff counts spaces at the end of a line, and an empty line is one of the text.
    let lines = text.lines().map(str::trim_end);
    let text = lines.fold(String::new(), |text, line| text + line + "\n");
    text.replace(".br\n\n.br\n", ".sp\n")
}

/// A section of lines that are shown as they are.
fn section(text: &mut String, title: &str, lines: &str) {
    writeln!(text, ".SH \"{title}\"\n.nf").unwrap();
    for line in lines.trim_end().lines() {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        let line = line.replace('~', "\\(ti").replace('^', "\\(ha");
        let line = line.replace('`', "\\(ga").replace('\'', "\\(aq");
        let guard = if line.starts_with('.') { "\\&" } else { "" };
        writeln!(text, "{guard}{line}").unwrap();
    }
    text.push_str(".fi\n");
}

#[test]
fn manual_pages_are_those_of_the_command_line() {
    let pages = manual();
    let mut names = BTreeSet::new();
    for (name, text) in &pages {
        assert_file(&format!("{MANUAL}/{name}"), text);
        names.insert(name.clone());
    }
    let found: BTreeSet<_> = std::fs::read_dir(repository(MANUAL))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, names, "a page of a command that is no more");
}

#[test]
fn readers_of_the_manual_have_nothing_to_complain() {
    for entry in std::fs::read_dir(repository(MANUAL)).unwrap() {
        let page = entry.unwrap().path();
        let linted = Command::new("mandoc")
            .args(["-T", "lint", "-W", "warning"])
            .arg(&page)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&linted.stdout), "");
        let shown = Command::new("man")
            .args(["--warnings", "-P", "cat", "-l"])
            .arg(&page)
            .env("LC_ALL", "C.UTF-8")
            .env("MANWIDTH", "80")
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&shown.stderr), "");
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        let name = page.file_stem().unwrap().to_str().unwrap();
        assert!(shown.contains(name), "{shown}");
        for line in shown.lines() {
            // The lines shown as they are have the section's indentation more.
            assert!(line.chars().count() <= 87, "{name}: {line}");
        }
    }
}

#[test]
fn completions_are_those_of_the_command_line() {
    for (shell, path) in COMPLETIONS {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut pgprobe::cli::command(), "pgprobe", &mut text);
        let text = String::from_utf8(text).unwrap();
        let lines = text.lines().map(str::trim_end);
        let mut text = lines.fold(String::new(), |text, line| text + line + "\n");
        if shell == Shell::Fish {
            text = as_fish_needs_it(&text);
        }
        assert_file(path, &text);
    }
}

/// fish completes nothing where an option's value is being typed, nor behind a target: the first
/// does not parse, the second is taken for a command. And it has no words for arguments.
fn as_fish_needs_it(text: &str) -> String {
    let parse = "    argparse -s (__fish_pgprobe_global_optspecs) -- $cmd 2>/dev/null\n";
    let word = "    if set -q argv[1]\n";
    assert!(text.contains(parse) && text.contains(word), "{text}");
    let value = "    or argparse -s (__fish_pgprobe_global_optspecs) -- $cmd value 2>/dev/null\n";
    let command = pgprobe::cli::command();
    let names: Vec<_> = command
        .get_subcommands()
        .map(clap::Command::get_name)
        .collect();
    let known = format!("    if contains -- \"$argv[1]\" {}\n", names.join(" "));
    let topics = command.find_subcommand("help").unwrap().get_arguments();
    let topics = topics.flat_map(clap::Arg::get_possible_values);
    let topics: Vec<_> = topics.map(|value| value.get_name().to_owned()).collect();
    let topics = format!(
        "complete -c pgprobe -n \"__fish_pgprobe_using_subcommand help\" -f -a \"{}\"\n",
        topics.join(" ")
    );
    text.replace(parse, &format!("{parse}{value}"))
        .replace(word, &known)
        + &topics
}

/// Runs a shell's program with nothing of our own environment but the command in its path.
fn shell(program_and_arguments: &[&str], script: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("script");
    std::fs::write(&file, script).unwrap();
    let bin = program();
    let path = format!("{}:/usr/bin:/bin", bin.parent().unwrap().display());
    let mut command = Command::new(program_and_arguments[0]);
    command
        .args(&program_and_arguments[1..])
        .arg(file)
        .env_clear()
        .env("PATH", path)
        .env("HOME", folder.path())
        .env("TERM", "dumb")
        .env("LC_ALL", "C.UTF-8")
        .current_dir(folder.path())
        .stdin(Stdio::null());
    succeed(&mut command)
}

fn completion(of: Shell) -> String {
    let (_, path) = COMPLETIONS.iter().find(|(shell, _)| *shell == of).unwrap();
    repository(path).to_str().unwrap().to_owned()
}

/// What is completed to what, in every shell.
const COMPLETED: [(&str, &str); 6] = [
    ("pgprobe db.example.com --sslr", "--sslrootcert"),
    ("pgprobe --sslr", "--sslrootcert"),
    ("pgprobe --depth h", "handshake"),
    ("pgprobe ass", "assess"),
    ("pgprobe assess --libpq 1", "17"),
    ("pgprobe help ssl", "sslmode"),
];

#[test]
fn bash_completes() {
    let file = completion(Shell::Bash);
    succeed(Command::new("bash").args(["-n", &file]));
    for (line, wanted) in COMPLETED {
        let script = format!(
            "source /usr/share/bash-completion/bash_completion\nsource '{file}'\n\
             COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; COMP_WORDS=({line}); \
             COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             _pgprobe pgprobe \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"\n\
             printf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
        );
        let shown = shell(&["bash", "--norc"], &script);
        assert!(
            shown.lines().any(|word| word == wanted),
            "{line}: {shown:?}"
        );
    }
}

#[test]
fn fish_completes() {
    let file = completion(Shell::Fish);
    succeed(Command::new("fish").args(["--no-execute", &file]));
    for (line, wanted) in COMPLETED {
        let script = format!("source '{file}'\ncomplete --do-complete '{line}'\n");
        let shown = shell(&["fish", "--no-config"], &script);
        let mut words = shown.lines().map(|line| line.split('\t').next().unwrap());
        assert!(words.any(|word| word == wanted), "{line}: {shown:?}");
    }
}

#[test]
fn zsh_takes_the_completions() {
    let file = completion(Shell::Zsh);
    succeed(Command::new("zsh").args(["-f", "-n", &file]));
    let folder = Path::new(&file).parent().unwrap().display().to_string();
    let script = format!(
        "fpath=('{folder}' $fpath)\nautoload -U compinit && compinit -u -D\n\
         autoload +X -U _pgprobe && print -- $_comps[pgprobe]\n"
    );
    assert_eq!(shell(&["zsh", "-f"], &script).trim(), "_pgprobe");
}
