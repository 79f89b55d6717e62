//! `docker-compose.yml` is for people; here it is read, and each of its lines tried without Docker.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::certificates::Workshop;
use crate::support::installation::{cache, own, succeed};
use crate::support::pgprobe::{Client, MODES};
use crate::support::postgres::{PgCluster, Setup};

const COMPOSE: &str = include_str!("../../docker-compose.yml");

const SERVICES: [&str; 6] = [
    "direct",
    "expired",
    "hostssl-only",
    "no-tls",
    "self-signed",
    "tls",
];

/// The version of the image that the services run.
const IMAGE: u32 = 18;

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The file as a YAML reader sees it.
fn services() -> Value {
    let convert = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";
    let mut python = Command::new(cache().join("venv/bin/python"));
    let text = succeed(
        python
            .args(["-c", convert])
            .arg(package().join("docker-compose.yml")),
    );
    let file: Value = serde_json::from_str(&text).unwrap();
    file["services"].clone()
}

/// The comment over a service: the last two lines of it are the command and what it says.
fn comment(service: &str) -> (String, String) {
    let lines: Vec<&str> = COMPOSE.lines().collect();
    let place = lines
        .iter()
        .position(|line| *line == format!("  {service}:"))
        .unwrap();
    let line = |back: usize| {
        lines[place - back]
            .trim()
            .strip_prefix("# ")
            .unwrap()
            .to_owned()
    };
    (line(2), line(1))
}

#[test]
fn the_file_has_a_service_for_each_situation() {
    let services = services();
    let names: BTreeSet<&str> = services
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(names, BTreeSet::from(SERVICES));
    let mut ports = BTreeSet::new();
    for name in SERVICES {
        let service = &services[name];
        assert_eq!(service["image"], format!("postgres:{IMAGE}"), "{name}");
        assert_eq!(service["command"], serde_json::json!([name]));
        assert_eq!(
            service["entrypoint"],
            serde_json::json!(["/pgprobe/entrypoint"])
        );
        assert_eq!(service["volumes"][0], "./docker:/pgprobe:ro");
        let port = service["ports"][0].as_str().unwrap();
        let port = port
            .strip_prefix("127.0.0.1:")
            .and_then(|rest| rest.strip_suffix(":5432"));
        let port = port.unwrap_or_else(|| panic!("{name}: on the loopback address only"));
        assert!(
            ports.insert(port.to_owned()),
            "{name}: port {port} is another's"
        );
        assert!(comment(name).0.contains(&format!("port={port} ")), "{name}");
    }
    for program in ["entrypoint", "situation"] {
        let mode = fs::metadata(package().join("docker").join(program))
            .unwrap()
            .permissions();
        assert_eq!(mode.mode() & 0o111, 0o111, "{program} is a program");
    }
}

#[test]
fn each_line_says_what_stands_under_it() {
    for name in SERVICES {
        let workshop = Workshop::new();
        let folder = workshop.path().join("certificates").join(name);
        let program = package().join("docker/situation");
        workshop.run(&format!(
            "'{}' '{name}' '{}'",
            program.display(),
            folder.display()
        ));
        let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
        if folder.join("server.key").exists() {
            own(&folder.join("server.key"));
        }
        let (settings, hba) = (read("postgresql.conf"), read("pg_hba.conf"));
        let setup = Setup {
            settings: &settings,
            hba: &hba,
            ident: "",
        };
        let server = PgCluster::new(IMAGE).start(setup);

        let (line, says) = comment(name);
        let target = line
            .strip_prefix("pgprobe \"")
            .and_then(|rest| rest.strip_suffix('"'));
        let target = target.unwrap_or_else(|| panic!("{name}: {line}"));
        let words = target.split(' ').map(|word| match word.split_once('=') {
            Some(("port", _)) => format!("port={}", server.port),
            _ => word.replace("docker/certificates", "certificates"),
        });
        let client = Client::new(words.collect::<Vec<_>>().join(" ")).in_folder(workshop.path());
        let run = client.json(&[]);
        let verdicts = MODES
            .iter()
            .zip(run.verdicts())
            .map(|(mode, word)| format!("{mode} {word}"));
        assert_eq!(
            verdicts.collect::<Vec<_>>().join(", "),
            says,
            "{name}: {run:#?}"
        );
    }
}

#[test]
fn the_entry_point_passes_on_the_settings() {
    // With a shell that only shows what would be run.
    let workshop = Workshop::new();
    let program = fs::read_to_string(package().join("docker/entrypoint")).unwrap();
    let situation = package().join("docker/situation");
    let program = program
        .replace("/pgprobe/situation", situation.to_str().unwrap())
        .replace("/etc/pgprobe", &workshop.file("etc"))
        .replace("/certificates/", &workshop.file("certificates/"))
        .replace("chown -R postgres", ": chown")
        .replace("exec docker-entrypoint.sh", "printf '%s\\n'");
    workshop.write("entrypoint", &program);
    let shown = workshop.run("sh entrypoint tls");
    let etc = workshop.file("etc");
    let expected = [
        "postgres".to_owned(),
        "-c".to_owned(),
        format!("hba_file={etc}/pg_hba.conf"),
        "-c".to_owned(),
        "ssl=on".to_owned(),
        "-c".to_owned(),
        format!("ssl_cert_file={etc}/server.crt"),
        "-c".to_owned(),
        format!("ssl_key_file={etc}/server.key"),
    ];
    assert_eq!(shown.lines().collect::<Vec<_>>(), expected);
    assert!(workshop.path().join("certificates/tls/ca.crt").exists());
}
