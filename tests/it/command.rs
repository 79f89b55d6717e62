//! What the command says when it is asked for help, or in a way that it does not understand.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::fleet::{closed_port, pgprobe};
use crate::support::pgprobe::Client;

/// A command line, and what its error names, gives as the reason, and hints at.
const WRONG: [(&[&str], &str, &str); 26] = [
    (
        &["--nonsense", "h"],
        "there is no option \"--nonsense\"",
        "`pgprobe --help` lists the options",
    ),
    (
        &["--formt", "json", "h"],
        "there is no option \"--formt\"",
        "there is --format",
    ),
    (
        &["assess", "--depth", "full", "saved"],
        "there is no option \"--depth\"",
        "`pgprobe assess --help`",
    ),
    (&["-x"], "there is no option \"-x\"", "`pgprobe --help`"),
    (
        &["--depth", "deep", "h"],
        "--depth does not take \"deep\"",
        "it takes handshake, startup or full",
    ),
    (
        &["--libpq", "9.6", "h"],
        "--libpq does not take \"9.6\"",
        "it takes 15, 16, 17 or 18",
    ),
    (
        &["h", "--format"],
        "--format needs a value",
        "it takes text",
    ),
    (
        &["h", "--sslrootcert"],
        "--sslrootcert needs a value",
        "`pgprobe --help` explains it",
    ),
    (
        &["h", "--at", "tomorrow"],
        "--at does not take \"tomorrow\": not a point in time",
        "it takes 2027-01-31,",
    ),
    (
        &["h", "--at", "2027-02-30"],
        "--at does not take \"2027-02-30\": not a point in time",
        "it takes 2027-01-31,",
    ),
    (
        &["h", "--timeout", "0"],
        "--timeout does not take \"0\": out of range",
        "it takes seconds",
    ),
    (
        &["h", "--timeout", "soon"],
        "--timeout does not take \"soon\": not a number",
        "it takes seconds",
    ),
    (
        &["-q", "-q", "h"],
        "--quiet is given more than once",
        "once is enough",
    ),
    (&[], "no target", "try `pgprobe db.example.com`"),
    (&["--port", "5433"], "no target", "try `pgprobe"),
    (
        &["[::1"],
        "\"[::1\" is not a connection target: an IPv6 address",
        "a target is host, host:port, [v6]:port",
    ),
    (
        &["ann@db"],
        "\"***\" is not a connection target: write it as a URI",
        "a target is host",
    ),
    (
        &["--save-chain", "chain", "a", "b"],
        "--save-chain takes one target",
        "once for each target",
    ),
    (&["assess"], "FILE is missing", "`pgprobe assess --help`"),
    (
        &["assess", "-", "-"],
        "unexpected argument \"-\"",
        "`pgprobe assess --help`",
    ),
    (
        &["assess", "absent"],
        "cannot read \"absent\": No such file or directory",
        "is the name right",
    ),
    (
        &["assess", "folder"],
        "cannot read \"folder\": Is a directory",
        "name a file in it",
    ),
    (
        &["assess", "empty"],
        "\"empty\" is not a saved observation: it is empty",
        "--save-observation FILE",
    ),
    (
        &["assess", "bytes"],
        "cannot read \"bytes\": stream did not contain valid UTF-8",
        "it is not text",
    ),
    (
        &["help", "nonsense"],
        "no help on \"nonsense\"",
        "there is sslmode, depth, exit-codes, findings, profiles, files, environment, ",
    ),
    (
        &["demo", "h"],
        "unexpected argument \"h\"",
        "`pgprobe demo --help`",
    ),
];

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    std::fs::write(folder.path().join("empty"), "").unwrap();
    std::fs::write(folder.path().join("bytes"), [0xff, 0xfe]).unwrap();
    folder
}

#[track_caller]
fn refused(folder: &Path, arguments: &[&str], error: &str, hint: &str) {
    let ran = pgprobe(folder, &[], arguments);
    let lines: Vec<_> = ran.stderr.lines().collect();
    let [line, second] = lines.as_slice() else {
        panic!("a line and a hint: {ran:#?}");
    };
    assert!(line.starts_with(&format!("error: {error}")), "{ran:#?}");
    let hinted = second.strip_prefix("hint: ");
    assert!(hinted.is_some_and(|it| it.contains(hint)), "{ran:#?}");
    assert!(!line.ends_with('.') && !second.ends_with('.'), "{ran:#?}");
    assert_eq!(ran.status, Some(2), "{ran:#?}");
}

#[test]
fn every_error_has_the_thing_the_reason_and_a_hint() {
    let folder = folder();
    for (arguments, error, hint) in WRONG {
        refused(folder.path(), arguments, error, hint);
        let ran = pgprobe(folder.path(), &[], arguments);
        assert_eq!(ran.stdout, "", "{ran:#?}");
    }
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let folder = folder();
    let nobody = format!("host=127.0.0.1 port={}", closed_port());
    for (file, reason, hint) in [
        (
            "absent/saved",
            "No such file or directory",
            "the directory must exist",
        ),
        ("folder", "Is a directory", "name a file in it"),
        ("/dev/full", "No space left on device", "room on the disk"),
    ] {
        let arguments = ["-q", &nobody, "--save-observation", file];
        let error = format!("cannot write \"{file}\": {reason}");
        refused(folder.path(), &arguments, &error, hint);
    }
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let ran = std::process::Command::new(env!("CARGO_BIN_EXE_pgprobe"))
        .arg("help")
        .stdout(full)
        .output()
        .unwrap();
    let text = String::from_utf8(ran.stderr).unwrap();
    let error = "error: cannot write to standard output: No space left on device\nhint: ";
    assert!(text.starts_with(error), "{text}");
    assert_eq!(ran.status.code(), Some(2));
}

#[test]
fn a_file_that_may_not_be_read_is_named() {
    // root may read everything; the file must be another user's for somebody else.
    let folder = folder();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).unwrap();
    let closed = std::fs::Permissions::from_mode(0o000);
    std::fs::set_permissions(folder.path().join("empty"), closed).unwrap();
    let ran = std::process::Command::new("setpriv")
        .args([
            "--reuid",
            "65534",
            "--clear-groups",
            "--bounding-set=-all",
            "--inh-caps=-all",
        ])
        .arg(env!("CARGO_BIN_EXE_pgprobe"))
        .args(["assess", "empty"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8(ran.stderr).unwrap();
    let error = "error: cannot read \"empty\": Permission denied\nhint: the user that runs";
    assert!(text.starts_with(error), "{text}");
}

#[test]
fn what_a_server_or_a_user_has_written_is_escaped_in_errors() {
    let folder = folder();
    for arguments in [
        &["assess", "\x1b[31mred"][..],
        &["--depth", "\x1b[31m", "h"],
        &["--\x1b[31m"],
        &["assess", "a", "\x1b]0;title\x07"],
    ] {
        let ran = pgprobe(folder.path(), &[], arguments);
        assert_eq!(ran.status, Some(2), "{ran:?}");
        assert!(ran.stderr.starts_with("error: "), "{ran:?}");
        assert!(!ran.stderr.contains(['\x1b', '\x07']), "{ran:?}");
        assert_eq!(ran.stderr.lines().count(), 2, "{ran:?}");
    }
}

/// The names of all commands, and "" for the probe itself.
fn commands() -> Vec<String> {
    let command = pgprobe::cli::command();
    let names = command.get_subcommands().map(clap::Command::get_name);
    let names = names.map(str::to_owned).chain([String::new()]);
    names.collect()
}

#[test]
fn help_begins_with_examples_and_fits_80_columns() {
    let folder = folder();
    for name in commands() {
        let mut arguments: Vec<&str> = name.split_whitespace().collect();
        for option in ["-h", "--help"] {
            arguments.push(option);
            let ran = pgprobe(folder.path(), &[("COLUMNS", "200")], &arguments);
            arguments.pop();
            assert_eq!(ran.stderr, "");
            let examples = ran.stdout.find("\nExamples:\n");
            let usage = ran.stdout.find("\nUsage: ").unwrap();
            assert!(
                examples.is_some_and(|examples| examples < usage),
                "`pgprobe {name} {option}` shows no examples before the usage (before_help)"
            );
            for line in ran.stdout.lines() {
                assert!(line.chars().count() <= 80, "{name} {option}: {line}");
            }
        }
    }
}

#[test]
fn the_short_help_is_shorter() {
    let lines = |option| {
        let ran = pgprobe(folder().path(), &[], &[option]);
        ran.stdout.lines().count()
    };
    let (short, long) = (lines("-h"), lines("--help"));
    assert!(short <= 100, "{short} lines");
    assert!(short * 2 < long, "{short} lines of {long}");
}

#[test]
fn help_has_every_topic_and_every_command() {
    let folder = folder();
    let list = pgprobe(folder.path(), &[], &["help"]);
    assert_eq!((list.status, list.stderr.as_str()), (Some(0), ""));
    let topics = pgprobe(folder.path(), &[], &["help", "topics"]);
    assert_eq!((topics.status, &topics.stdout), (Some(0), &list.stdout));
    let topics = pgprobe::cli::help::TOPICS.iter();
    for topic in topics {
        assert!(list.stdout.contains(&format!("\n  {} ", topic.name)));
        let ran = pgprobe(folder.path(), &[], &["help", topic.name]);
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), topic.text));
    }
    for name in commands().iter().filter(|name| !name.is_empty()) {
        assert!(list.stdout.contains(&format!("\n  {name} ")), "{name}");
        let ran = pgprobe(folder.path(), &[], &["help", name]);
        let asked = pgprobe(folder.path(), &[], &[name, "--help"]);
        assert_eq!(ran.stdout, asked.stdout, "{name}");
    }
}

#[test]
fn a_target_that_libpq_cannot_read_has_a_hint() {
    for (target, hint) in [
        ("host='x", "end the value with '"),
        ("jdbc:postgresql://h/db?user=u", "leave out \"jdbc:\""),
        ("postgresql://h/a b", "a space is %20"),
        ("postgresql://u%zz@h/", "% itself is %25"),
        ("host=localhost prot=1", "the keywords are those of libpq"),
        ("host=h port", "a list of key=value"),
    ] {
        let run = Client::new("").run(&[target]);
        assert!(run.stdout.contains("\nhint: "), "{target}: {run:#?}");
        assert!(run.stdout.contains(hint), "{target}: {run:#?}");
        let quiet = Client::new("").run(&["-q", target]);
        assert!(!quiet.stdout.contains("bad parameters"), "{quiet:#?}");
        let json = Client::new("").run(&[target, "--format", "json"]);
        let said = json.at("/target/hint");
        assert!(
            said.as_str().unwrap_or_default().contains(hint),
            "{json:#?}"
        );
    }
}
