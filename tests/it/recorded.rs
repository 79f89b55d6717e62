//! Recorded observations of real servers (`tests/data/observations/record`), judged again: stdout,
//! stderr and exit status of each format at a fixed time. `INSTA_UPDATE=always` writes what differs.

use std::fmt::Write as _;

use pgprobe::assess::assess;
use pgprobe::emulates::Emulates;
use pgprobe::observation::Observation;
use pgprobe::render::{self, Style};
use serde_json::Value;

use crate::contract::assert_keeps;
use crate::support::fleet::{Servers, pgprobe};
use crate::support::repository::repository;

/// Nine days after the recording.
const AT: &str = "2026-12-01T12:00:00Z";

/// What every observation is shown as.
const FORMATS: [&str; 3] = ["", "-q", "-v"];

/// Runs `pgprobe assess` with each of these options, as in a folder with the observations.
fn transcript(name: &str, options: &[&str]) -> String {
    let folder = repository("tests/data/observations");
    let file = format!("{name}.json");
    let mut text = String::new();
    for options in options {
        let at = if options.contains("--at") {
            String::new()
        } else {
            format!(" --at {AT}")
        };
        let command = format!("assess {file}{at} {options}");
        let arguments: Vec<_> = command.split_whitespace().collect();
        let ran = pgprobe(&folder, &[], &arguments);
        let stdout = if options.contains("json") {
            sorted(&ran.stdout)
        } else {
            ran.stdout
        };
        writeln!(text, "$ pgprobe {}", arguments.join(" ")).unwrap();
        text += &stdout;
        if !ran.stderr.is_empty() {
            write!(text, "--- stderr\n{}", ran.stderr).unwrap();
        }
        write!(text, "--- exit status {}\n\n", ran.status.unwrap()).unwrap();
    }
    text
}

/// JSON that a person can compare: keys sorted, one a line, certificates cut short.
fn sorted(line: &str) -> String {
    let mut reports = assert_keeps(line);
    let mut text = String::new();
    for report in &mut reports {
        shorten(report);
        writeln!(text, "{report:#}").unwrap();
    }
    text
}

/// Certificates are in the observation already, and what we offer is the same everywhere.
fn shorten(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match (key.as_str(), value.is_null()) {
                    ("der" | "offer", false) => *value = "...".into(),
                    _ => shorten(value),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(shorten),
        _ => {}
    }
}

macro_rules! replay {
    ($test:ident, $name:literal $(, $option:literal)*) => {
        #[test]
        fn $test() {
            let options = [&FORMATS[..], &[$($option),*]].concat();
            insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!($name, transcript($name, &options));
            });
        }
    };
}

replay!(
    self_signed_certificate_without_root_file,
    "self-signed",
    "--libpq 15"
);
replay!(wrong_name, "wrong-name", "--format json");
replay!(
    good_server,
    "good",
    "--format json",
    "-q --at 2028-01-01",
    "-q --sslmode disable"
);
replay!(
    good_server_by_handshake_alone,
    "good-handshake",
    "-q --sslmode verify-full"
);
replay!(
    good_server_in_full_depth,
    "good-full",
    "-vv",
    "--sslnegotiation direct --sslmode require"
);
replay!(x509_v1_certificate, "v1");
replay!(server_without_tls, "no-tls", "--format json");
replay!(client_certificate_missing, "client-certificate-missing");
replay!(
    client_certificate_given,
    "client-certificate",
    "--format json"
);
replay!(suites_of_long_ago, "old-suites", "--format json");
replay!(first_host_of_two_is_down, "hosts", "--format json");
replay!(servers_side_by_side, "primary-and-replica", "-vv");
replay!(unix_socket, "unix-socket", "--sslmode require");
replay!(
    parameters_that_libpq_refuses,
    "refused",
    "--format json",
    "-q --libpq 15"
);

/// Of several targets each has its why and fix, the ones that were not reached too.
#[test]
fn targets_that_were_not_reached_are_explained_beside_the_others() {
    let names = [
        "good",
        "wrong-name",
        "connection-refused",
        "unknown-name",
        "refused",
    ];
    let reports = names.map(|name| {
        let file = repository("tests/data/observations").join(format!("{name}.json"));
        let seen: Observation = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        assess(&seen, Emulates::default(), seen.observed_at)
    });
    let mut out = Vec::new();
    render::comparison(&reports, Style::default(), &mut out).unwrap();
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("some-unreached", String::from_utf8(out).unwrap());
    });
}

#[test]
fn every_recorded_observation_is_replayed() {
    let source = [include_str!("recorded.rs"), include_str!("gallery.rs")].concat();
    let documents = ["README.md", "docs/sslmode.md", "docs/troubleshooting.md"];
    let documents = documents.map(|name| std::fs::read_to_string(repository(name)).unwrap());
    let documents = documents.concat();
    for entry in std::fs::read_dir(repository("tests/data/observations")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(name) = name.strip_suffix(".json") {
            let shown = documents.contains(&format!("<!-- recorded: {name}"));
            let replayed = source.contains(&format!("\"{name}\""));
            assert!(shown || replayed, "{name} is not");
        }
    }
}

#[test]
fn observations_hold_nothing_of_the_machine_that_recorded_them() {
    let folder = repository("tests/data/observations");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none() {
            continue; // the script that records
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for trace in [
            "\"/tmp",
            "\"/root",
            "127.0.0.1",
            ":\"secret\"",
            "secret@",
            "PRIVATE KEY",
        ] {
            assert!(!text.contains(trace), "{trace} in {}", path.display());
        }
    }
}

#[test]
fn replay_says_what_the_probe_said() {
    let servers = Servers::start();
    for name in ["good", "expired", "no-tls", "client-certificate"] {
        let target = &servers.named(name).conninfo;
        for options in [
            &["--format", "json", "--depth", "full"][..],
            &["-v"],
            &[
                "-q",
                "--sslrootcert",
                "root.crt",
                "--sslmode",
                "verify-full",
            ],
        ] {
            let probe = [&[target, "--save-observation", "saved"], options].concat();
            let live = servers.pgprobe(&probe);
            assert_eq!(live.stderr, "");
            let options: Vec<_> = options
                .iter()
                .filter(|option| !["--depth", "full"].contains(option))
                .collect();
            let mut replay = vec!["assess", "saved"];
            replay.extend(options);
            let again = servers.pgprobe(&replay);
            assert_eq!(live.stdout, again.stdout);
            assert_eq!((live.status, live.stderr), (again.status, again.stderr));
        }
    }
}

#[test]
fn what_is_no_observation_is_refused_in_a_line_and_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let good = std::fs::read_to_string(repository("tests/data/observations/good.json")).unwrap();
    let newer = good.replacen("\"observation\":1", "\"observation\":2", 1);
    assert_ne!(good, newer);
    for (text, complaint) in [
        ("", "it is empty"),
        ("\n\n", "it is empty"),
        ("{}\n", "line 1: missing field"),
        ("[1, \x1b[31m", "line 1: expected value"),
        (&newer, "line 1: version 2, not 1"),
        (&format!("{good}\nnonsense\n"), "line 3: expected ident"),
    ] {
        std::fs::write(folder.path().join("saved"), text).unwrap();
        let ran = pgprobe(folder.path(), &[], &["assess", "saved", "-q"]);
        assert_eq!(ran.status, Some(2), "{ran:?}");
        let error = format!("error: \"saved\" is not a saved observation: {complaint}");
        assert!(ran.stderr.starts_with(&error), "{ran:?}");
        assert!(ran.stderr.contains("\nhint: "), "{ran:?}");
        assert_eq!(ran.stderr.lines().count(), 2, "{ran:?}");
    }
    let ran = pgprobe(folder.path(), &[], &["assess", "not-there"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""));
    assert!(
        ran.stderr.starts_with("error: cannot read \"not-there\": "),
        "{ran:?}"
    );
}
