//! The documents: every command of README.md and docs does what it says there, shows what it shows
//! there, and what they name exists. CONTRIBUTING.md says how a block says where it comes from.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use crate::support::fleet::{Servers, pgprobe};
use crate::support::pgprobe::MODES;
use crate::support::repository::{assert_file, repository};

/// Commands that a test cannot run: they build or test the program itself, or need what is not here.
const NOT_HERE: [&str; 6] = [
    "cargo install --path .",
    "tests/run",
    "docker compose up -d --wait",
    "docker compose run --rm pgprobe",
    "cp -r share/* /usr/local/share/",
    "cargo deny check",
];

/// README.md, CHANGELOG.md, CONTRIBUTING.md, and everything in docs.
fn documents() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec!["docs".to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(repository(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{folder}/{}", entry.file_name().into_string().unwrap());
            if entry.file_type().unwrap().is_dir() {
                folders.push(name);
            } else if name.ends_with(".md") {
                found.push(name);
            }
        }
    }
    found.sort();
    let first = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(str::to_owned);
    first.into_iter().chain(found).collect()
}

#[test]
fn commands_of_the_documents_do_what_they_say() {
    let servers = Servers::start();
    for (from, to) in [
        ("root.crt", "corp-ca.crt"),
        ("client.crt", "ann.crt"),
        ("client.key", "ann.key"),
    ] {
        let folder = servers.folder.path();
        std::fs::copy(folder.join(from), folder.join(to)).unwrap();
    }
    let mut commands = 0;
    // The pages of the gallery are made by tests/it/gallery.rs, whole.
    let gallery = |name: &String| name.starts_with("docs/gallery/");
    for document in documents().into_iter().filter(|name| !gallery(name)) {
        let mut text = String::new();
        let before = read(&document);
        let mut rest = before.as_str();
        while let Some((prose, after)) = rest.split_once("```console\n") {
            let (block, after) = after.split_once("```\n").unwrap();
            rest = after;
            text += prose;
            text += "```console\n";
            let source = Source::of(prose);
            let mut status = None;
            for command in block.split("$ ").skip(1) {
                commands += 1;
                let (command, output) = command.split_once('\n').unwrap();
                let (ran, shown) = run(command, &servers, &source, status);
                status = ran;
                if shown.is_none() {
                    let place = format!("{document}: the output of `{command}`");
                    assert_eq!(output, "", "{place} is not said to come from anything");
                }
                write!(text, "$ {command}\n{}", shown.unwrap_or_default()).unwrap();
            }
            text += "```\n";
        }
        text += rest;
        assert_file(&document, &text);
    }
    assert!(commands > 30, "the blocks were not found");
}

/// Where the output of a block comes from: the comment over it.
enum Source {
    /// None is shown.
    Nothing,
    /// That of an observation in tests/data/observations, judged when it was made.
    Recorded(String, Vec<String>),
    /// What the command says here and now.
    Live(Vec<String>),
}

impl Source {
    fn of(prose: &str) -> Self {
        let line = prose.lines().next_back().unwrap_or_default();
        let comment = line
            .strip_prefix("<!-- ")
            .and_then(|it| it.strip_suffix(" -->"));
        let Some(comment) = comment else {
            return Self::Nothing;
        };
        let (from, shown) = comment.split_once("; shown: ").unwrap_or((comment, ""));
        let shown = shown.split_whitespace().map(str::to_owned).collect();
        match from.strip_prefix("recorded: ") {
            Some(name) => Self::Recorded(format!("{name}.json"), shown),
            None if from == "live" => Self::Live(shown),
            None => panic!("neither live nor recorded: {line}"),
        }
    }
}

/// Runs a command; its exit status, and the output that the document must show.
fn run(
    command: &str,
    servers: &Servers,
    source: &Source,
    last: Option<i32>,
) -> (Option<i32>, Option<String>) {
    if NOT_HERE.contains(&command) {
        return (None, None);
    }
    if command == "echo $?" {
        return (None, Some(format!("{}\n", last.unwrap())));
    }
    let arguments = command
        .strip_prefix("pgprobe ")
        .or_else(|| command.strip_prefix("cargo run --release -- "))
        .unwrap_or_else(|| panic!("how is `{command}` to be run?"));
    // A document must not send a test into a network: `scan` and pipes belong into `sh` blocks.
    let alone = !arguments.starts_with("scan") && !arguments.contains(['|', '>', '<']);
    assert!(alone, "`{command}` is nothing that a test may run");
    let mut arguments = words(arguments);
    if let Source::Recorded(file, shown) = source {
        let folder = repository("tests/data/observations");
        let saved = std::fs::read_to_string(folder.join(file)).unwrap();
        let saved: serde_json::Value = serde_json::from_str(saved.lines().next().unwrap()).unwrap();
        let target = saved["client"]["input"].as_str().unwrap_or_default();
        let place = arguments.iter().position(|word| word == target);
        let place = place.unwrap_or_else(|| panic!("{file} is of another target: {target}"));
        arguments[place] = file.clone();
        arguments.insert(0, "assess".to_owned());
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let ran = pgprobe(&folder, &[("LC_ALL", "C.UTF-8")], &arguments);
        assert_eq!(ran.stderr, "");
        return (ran.status, Some(excerpt(&ran.stdout, shown)));
    }
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    // The name is the document's, the address one of ours.
    let port = servers.named("good").address.port().to_string();
    let environment = [
        ("PGHOSTADDR", "127.0.0.1"),
        ("PGPORT", port.as_str()),
        ("LC_ALL", "C.UTF-8"),
    ];
    let ran = pgprobe(servers.folder.path(), &environment, &arguments);
    if let Source::Live(shown) = source {
        let said = ran.stdout + &ran.stderr;
        return (ran.status, Some(excerpt(&said, shown)));
    }
    assert_eq!(ran.stderr, "", "{command}");
    if !matches!(arguments.first(), Some(&("help" | "check"))) {
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
    }
    let highest = if arguments.first() == Some(&"check") {
        2
    } else {
        1
    };
    assert!(
        ran.status.is_some_and(|it| it <= highest),
        "{command}: {ran:?}"
    );
    (ran.status, None)
}

/// The parts of a report that are asked for, by the word that they begin with: `trust`, `note.2` (the
/// second), ..., or `table`, and `reason` for what is said of some modes; three dots stand for what is
/// left out. All of it if none is.
fn excerpt(output: &str, shown: &[String]) -> String {
    if shown.is_empty() {
        return output.to_owned();
    }
    let mut text = String::new();
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    let mut found = BTreeSet::new();
    let (mut taken, mut left_out, mut reason, mut blank) = (false, false, false, false);
    let is_mode = |word: &str| MODES.contains(&word) || word == "every" || word == "mode";
    for line in output.lines() {
        let row = line.starts_with("> ")
            || line
                .strip_prefix("  ")
                .is_some_and(|rest| !rest.starts_with(' '));
        let modes = !line.is_empty()
            && line
                .split([' ', ','])
                .all(|it| it.is_empty() || is_mode(it));
        reason = modes || reason && !line.is_empty();
        let label = if modes {
            Some("reason")
        } else if reason {
            None
        } else if row {
            Some("table")
        } else if line.starts_with(' ') {
            None
        } else {
            line.split_whitespace().next()
        };
        if let Some(label) = label {
            let count = counts.entry(label.to_owned()).or_default();
            *count += 1;
            let numbered = format!("{label}.{count}");
            let name = shown
                .iter()
                .find(|name| **name == label || **name == numbered);
            taken = name.is_some();
            found.extend(name);
        }
        if line.is_empty() {
            blank = taken;
        } else if taken {
            if left_out {
                text += "...\n";
            } else if blank {
                text += "\n";
            }
            (left_out, blank) = (false, false);
            writeln!(text, "{line}").unwrap();
        } else {
            left_out = true;
        }
    }
    let missing: Vec<_> = shown.iter().filter(|name| !found.contains(name)).collect();
    assert!(missing.is_empty(), "no {missing:?} in\n{output}");
    if left_out {
        text += "...\n";
    }
    text
}

/// A line as the shell splits it; double quotes are all that the documents use.
/// Lines of `sh` blocks that are parts of `tests/run --all`.
const LONG: [&str; 3] = [
    "cargo build --release",
    "benches/enumerate/setup",
    "benches/enumerate/compare",
];

/// Stands before the command in the path: the documents' names lead to a server of ours.
const ON_LOOPBACK: &str = r#"#!/bin/sh
first=$1
for word do
    shift
    case $first,$word in
        scan,192.0.2.0/24) word=127.0.0.1:$PORT ;;
        scan,db.example.com) word=localhost:$PORT ;;
        *,db.example.com) word="host=db.example.com hostaddr=127.0.0.1 port=$PORT" ;;
    esac
    set -- "$@" "$word"
done
exec "$PROGRAM" "$@"
"#;

/// Stands for nmap, which would go into a network: what `-oG -` prints of one host.
const NMAP: &str = r#"#!/bin/sh
printf 'Host: 127.0.0.1 ()\tPorts: %s/open/tcp//postgresql///\n' "$PORT"
"#;

#[test]
fn blocks_for_a_shell_run_as_they_stand() {
    use std::os::unix::fs::PermissionsExt as _;
    let servers = Servers::start();
    let port = servers.named("good").address.port().to_string();
    let folder = servers.folder.path();
    let at = |name: &str| folder.join(name);
    std::fs::copy(at("root.crt"), at("corp-ca.crt")).unwrap();
    std::fs::create_dir(at("bin")).unwrap();
    for (name, text) in [("pgprobe", ON_LOOPBACK), ("nmap", NMAP)] {
        let path = at("bin").join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let shell = |line: &str| {
        let path = format!("{}:{}", at("bin").display(), std::env::var("PATH").unwrap());
        std::process::Command::new("bash")
            .args(["-euo", "pipefail", "-c", line])
            .current_dir(folder)
            .env_clear()
            .envs([("PATH", path.as_str()), ("PORT", port.as_str())])
            .env("PROGRAM", crate::support::pgprobe::program())
            .env("HOME", folder)
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap()
    };
    // What the blocks take for there.
    std::fs::write(at("targets.txt"), format!("127.0.0.1:{port}\n")).unwrap();
    let before = shell(
        "mkdir results last-week today
         pgprobe scan targets.txt > last-week.ndjson
         for copy in today shard-1 results/a last-week/a today/a; do
             cp last-week.ndjson $copy.ndjson
         done",
    );
    assert!(before.status.success(), "{before:?}");
    let mut lines = 0;
    for document in documents() {
        // Those of the monitoring pages run in tests/it/check_docs.rs.
        if document.starts_with("docs/monitoring/") {
            continue;
        }
        let text = read(&document);
        for block in text.split("```sh\n").skip(1) {
            let (block, _) = block.split_once("```").unwrap();
            for line in block.lines().filter(|line| !LONG.contains(line)) {
                lines += 1;
                let ran = shell(line);
                // As diff(1), 1 is that there is a difference.
                let differs = line.starts_with("pgprobe diff") && ran.status.code() == Some(1);
                assert!(
                    ran.status.success() || differs,
                    "{document}: {line}: {ran:?}"
                );
                let said = String::from_utf8_lossy(&ran.stderr);
                assert!(!said.contains("error:"), "{document}: {line}: {said}");
            }
        }
    }
    assert!(lines > 10, "the blocks were not found");
    assert!(at("scan.html").metadata().unwrap().len() > 10_000);
    let records = std::fs::read_to_string(at("scan.ndjson")).unwrap();
    assert!(records.contains("\"tls\""), "{records}");
}

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
    let command = pgprobe::cli::command();
    let commands = command.get_subcommands().map(clap::Command::get_name);
    for name in commands.chain(["pgprobe"]) {
        let ran = pgprobe(&folder, &[], &["help", name]);
        assert_eq!(ran.status, Some(0));
        help += &ran.stdout;
    }
    for name in documents() {
        // Only what stands in code, and no option of cargo's or psql's.
        for code in read(&name).split('`').skip(1).step_by(2) {
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
                    "--wait",
                    "--rm",
                    // Of the oracle's own programs.
                    "--loose",
                    "--seed",
                    "--limit",
                    "--only",
                ];
                let program = code.split_whitespace().next().unwrap_or_default();
                if !["cargo", "gcloud", "avn", "doctl", "docker", "pip"].contains(&program)
                    && !code.contains("tests/")
                    && !foreign.contains(&option)
                {
                    let option = option.trim_end_matches([',', '.']);
                    let option = option.split('=').next().unwrap_or_default();
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
fn the_picture_is_of_the_transcript() {
    let readme = read("README.md");
    let (_, block) = readme
        .split_once("<!-- recorded: wrong-name -->\n```console\n$ ")
        .unwrap();
    let command = block.lines().next().unwrap();
    let folder = repository("tests/data/observations");
    let arguments = ["assess", "wrong-name.json", "--color", "always"];
    let shown = pgprobe(&folder, &[("LC_ALL", "C.UTF-8")], &arguments).stdout;
    let mut python = std::process::Command::new("python3");
    python.arg(repository("docs/picture")).arg(command);
    python.stdin(std::process::Stdio::piped());
    let mut python = python.stdout(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut python.stdin.take().unwrap(), shown.as_bytes()).unwrap();
    let drawn = python.wait_with_output().unwrap();
    assert!(drawn.status.success());
    assert_file(
        "docs/picture.svg",
        &String::from_utf8(drawn.stdout).unwrap(),
    );
}

#[test]
fn figures_of_fidelity_add_up() {
    let fidelity = read("docs/fidelity.md");
    let rows = fidelity.lines().filter(|line| line.contains(", OpenSSL "));
    let figures = rows.flat_map(|row| row.split('|').skip(2).take(2));
    let mut cases = 0;
    for figure in figures.filter(|figure| figure.contains(" of ")) {
        let (agree, of) = figure.split_once(" of ").unwrap();
        let (agree, of): (u32, u32) = (agree.trim().parse().unwrap(), of.trim().parse().unwrap());
        assert!(agree <= of, "{figure}");
        cases += of;
    }
    let (whole, rest) = (cases / 1000, cases % 1000);
    let said = format!("{whole},{rest:03} cases in all");
    assert!(fidelity.contains(&said), "{said}");
}

#[test]
fn links_lead_somewhere() {
    for name in documents() {
        let text = read(&name);
        let folder = repository(&name);
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
    if path.file_name().is_some_and(|name| name == "tests.rs") {
        return;
    }
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
