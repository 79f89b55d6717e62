//! The documents: every command of README.md does what it says there, and what they name exists.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use crate::support::fleet::{Servers, pgprobe};
use crate::support::repository::{assert_file, repository};

/// Commands whose output in README.md is that of a recorded observation, judged when it was made.
const TRANSCRIPTS: [(&str, &str); 1] = [(
    "pgprobe \"host=db.example.com sslrootcert=corp-ca.crt sslmode=verify-full\"",
    "wrong-name.json",
)];

/// Commands that a test cannot run: they build or test the program itself.
const NOT_HERE: [&str; 2] = ["cargo install --path .", "tests/run"];

/// The documents in which links and options are checked.
const DOCUMENTS: [&str; 8] = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "docs/architecture.md",
    "docs/json.md",
    "docs/monitoring/prometheus.md",
    "docs/pains.md",
    "docs/scan.md",
];

#[test]
fn commands_of_the_readme_do_what_it_says() {
    let readme = read("README.md");
    let servers = Servers::start();
    for (from, to) in [
        ("root.crt", "corp-ca.crt"),
        ("client.crt", "ann.crt"),
        ("client.key", "ann.key"),
    ] {
        let folder = servers.folder.path();
        std::fs::copy(folder.join(from), folder.join(to)).unwrap();
    }
    let mut text = String::new();
    let mut commands = 0;
    let mut rest = readme.as_str();
    while let Some((before, after)) = rest.split_once("```console\n") {
        let (block, after) = after.split_once("```\n").unwrap();
        rest = after;
        text += before;
        text += "```console\n";
        let mut status = None;
        for command in block.split("$ ").skip(1) {
            commands += 1;
            let (command, output) = command.split_once('\n').unwrap();
            let (ran, expected) = run(command, &servers, status);
            status = ran;
            if expected.is_none() && !TRANSCRIPTS.iter().any(|(known, _)| *known == command) {
                assert_eq!(output, "", "the output of `{command}` is not checked");
            }
            write!(text, "$ {command}\n{}", expected.unwrap_or_default()).unwrap();
        }
        text += "```\n";
    }
    text += rest;
    assert!(commands > 10, "the blocks were not found");
    assert_file("README.md", &text);
}

/// Runs a command; its exit status, and the output that README.md must show.
fn run(command: &str, servers: &Servers, last: Option<i32>) -> (Option<i32>, Option<String>) {
    if NOT_HERE.contains(&command) {
        return (None, None);
    }
    if command == "echo $?" {
        return (None, Some(format!("{}\n", last.unwrap())));
    }
    if let Some((_, file)) = TRANSCRIPTS.iter().find(|(known, _)| *known == command) {
        let ran = pgprobe(
            &repository("tests/data/observations"),
            &[],
            &["assess", file],
        );
        assert_eq!(ran.stderr, "");
        return (ran.status, Some(ran.stdout));
    }
    let arguments = command
        .strip_prefix("pgprobe ")
        .or_else(|| command.strip_prefix("cargo run --release -- "))
        .unwrap_or_else(|| panic!("how is `{command}` to be run?"));
    let arguments = words(arguments);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    // The name is the README's, the address one of ours.
    let port = servers.named("good").address.port().to_string();
    let environment = [("PGHOSTADDR", "127.0.0.1"), ("PGPORT", port.as_str())];
    let ran = pgprobe(servers.folder.path(), &environment, &arguments);
    assert_eq!(ran.stderr, "", "{command}");
    assert!(
        ran.stdout.contains("verify-full"),
        "{command}: {}",
        ran.stdout
    );
    assert!(
        !ran.stdout.contains("nothing was sent"),
        "{command}: {}",
        ran.stdout
    );
    assert!(matches!(ran.status, Some(0 | 1)), "{command}: {ran:?}");
    (ran.status, None)
}

/// A line as the shell splits it; double quotes are all that README.md uses.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in line.split('"').enumerate() {
        if number % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn options_that_the_documents_name_exist() {
    let folder = repository(".");
    let mut help = String::new();
    for arguments in [
        &["--help"][..],
        &["assess", "--help"],
        &["demo", "--help"],
        &["exporter", "--help"],
        &["scan", "--help"],
    ] {
        let ran = pgprobe(&folder, &[], arguments);
        assert_eq!(ran.status, Some(0));
        help += &ran.stdout;
    }
    for name in DOCUMENTS {
        // Only what stands in code, and no option of cargo's or psql's.
        for code in read(name).split('`').skip(1).step_by(2) {
            for option in code
                .split_whitespace()
                .filter(|word| word.starts_with("--"))
            {
                let foreign = [
                    "--",
                    "--git",
                    "--path",
                    "--release",
                    "--test",
                    "--lib",
                    "--all",
                    "--doc",
                ];
                if !code.starts_with("cargo")
                    && !code.contains("tests/")
                    && !foreign.contains(&option)
                {
                    let option = option.trim_end_matches([',', '.']);
                    assert!(help.contains(option), "{name}: {option}");
                }
            }
        }
    }
}

#[test]
fn statuses_of_the_readme_are_those_of_the_help() {
    let help = pgprobe(&repository("."), &[], &["--help"]).stdout;
    let (_, statuses) = help.split_once("Exit status:\n").unwrap();
    let readme = read("README.md");
    for line in statuses.lines().take_while(|line| !line.is_empty()) {
        let number = line.split_whitespace().next().unwrap();
        assert!(
            readme.contains(&format!("\n| {number} | ")),
            "status {number}"
        );
    }
}

#[test]
fn links_lead_somewhere() {
    for name in DOCUMENTS {
        let text = read(name);
        let folder = repository(name);
        let folder = folder.parent().unwrap();
        let headings: Vec<String> = text
            .lines()
            .filter_map(|line| line.strip_prefix("## "))
            .map(|heading| heading.to_lowercase().replace(' ', "-"))
            .collect();
        for target in text.split("](").skip(1) {
            let target = target.split(')').next().unwrap();
            match target.strip_prefix('#') {
                Some(heading) => assert!(
                    headings.iter().any(|known| known == heading),
                    "{name}: no heading for #{heading}"
                ),
                None if target.starts_with("https://") => {}
                None => assert!(folder.join(target).exists(), "{name}: {target}"),
            }
        }
    }
}

#[test]
fn architecture_says_which_module_uses_which() {
    let document = read("docs/architecture.md");
    let library = read("src/lib.rs");
    let modules = library
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod "));
    for module in modules.map(|module| module.trim_end_matches(';')) {
        let mut used = BTreeSet::new();
        for file in [format!("src/{module}.rs"), format!("src/{module}")] {
            uses(&repository(&file), &mut used);
        }
        used.remove(module);
        let used = used.into_iter().collect::<Vec<_>>().join(", ");
        let row = document
            .lines()
            .find(|line| line.starts_with(&format!("| `{module}` | ")));
        let row = row.unwrap_or_else(|| panic!("{module} has no row"));
        let said = row.split('|').nth(3).unwrap().trim();
        assert_eq!(said, used, "what {module} uses");
    }
}

/// Adds the modules of the crate that a file or folder names outside its comments and tests.
fn uses(path: &Path, used: &mut BTreeSet<String>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            uses(&entry.unwrap().path(), used);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") && path.exists() {
        let text = std::fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let code: String = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        for after in code.split("crate::").skip(1) {
            assert!(
                !after.starts_with('{'),
                "{}: one `use` for each module",
                path.display()
            );
            let part_of_a_name =
                |one: char| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '_';
            let end = after.find(|one: char| !part_of_a_name(one));
            used.insert(after[..end.unwrap_or(after.len())].to_owned());
        }
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap()
}
