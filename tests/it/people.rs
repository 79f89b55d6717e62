//! `docker-compose.yml` and `Dockerfile` are for people; here they are read by what knows their
//! syntax, and each line of the first is tried without Docker.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::certificates::Workshop;
use crate::support::fleet::closed_port;
use crate::support::installation::{as_account, cache, own, succeed};
use crate::support::pgprobe::{Client, MODES};
use crate::support::postgres::{PgCluster, Setup};
use crate::support::repository::assert_file;

const COMPOSE: &str = include_str!("../../docker-compose.yml");

/// The services that are probed; `pgprobe` is the one that probes them.
const SERVICES: [&str; 10] = [
    "client-certificate",
    "direct",
    "expired",
    "hostssl-only",
    "no-tls",
    "pgbouncer",
    "self-signed",
    "tls",
    "tls12",
    "v1",
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

/// The target in the line over a service.
fn target(service: &str) -> String {
    let (line, _) = comment(service);
    let target = line
        .strip_prefix("pgprobe \"")
        .and_then(|rest| rest.strip_suffix('"'));
    target
        .unwrap_or_else(|| panic!("{service}: {line}"))
        .to_owned()
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
    let probed = BTreeSet::from(SERVICES);
    assert_eq!(names, &probed | &BTreeSet::from(["pgprobe"]));
    let mut ports = BTreeSet::new();
    for name in SERVICES {
        let service = &services[name];
        if name == "pgbouncer" {
            assert_eq!(service["build"]["target"], "pgbouncer");
        } else {
            let image = format!("postgres:{IMAGE}-bookworm");
            assert_eq!(service["image"], image, "{name}");
        }
        assert_eq!(service["command"], serde_json::json!([name]));
        assert_eq!(
            service["entrypoint"],
            serde_json::json!(["/pgprobe/entrypoint"])
        );
        assert_eq!(service["volumes"][0], "./docker:/pgprobe:ro");
        assert!(service["healthcheck"]["test"].is_array(), "{name}");
        let port = service["ports"][0].as_str().unwrap();
        let port = port
            .strip_prefix("127.0.0.1:")
            .and_then(|rest| rest.strip_suffix(":5432"));
        let port = port.unwrap_or_else(|| panic!("{name}: on the loopback address only"));
        assert!(
            ports.insert(port.to_owned()),
            "{name}: port {port} is another's"
        );
        let place = format!("host={name} hostaddr=127.0.0.1 port={port} ");
        assert!(target(name).starts_with(&place), "{name}");
    }
    for program in ["entrypoint", "situation"] {
        let mode = fs::metadata(package().join("docker").join(program))
            .unwrap()
            .permissions();
        assert_eq!(mode.mode() & 0o111, 0o111, "{program} is a program");
    }
}

#[test]
fn the_probing_service_asks_them_all_from_inside() {
    let probing = &services()["pgprobe"];
    let mut command = probing["command"].as_array().unwrap().iter();
    assert_eq!(command.next().unwrap(), "--quiet");
    let asked: BTreeSet<&str> = command.map(|word| word.as_str().unwrap()).collect();
    let expected: BTreeSet<String> = SERVICES
        .iter()
        .map(|name| {
            let words = target(name);
            let words = words.split(' ').filter(|word| {
                let outside = word.starts_with("hostaddr=") || word.starts_with("port=");
                !outside
            });
            let words: Vec<_> = words.collect();
            words
                .join(" ")
                .replace("docker/certificates", "/certificates")
        })
        .collect();
    assert_eq!(asked, expected.iter().map(String::as_str).collect());
    let waits: BTreeSet<&str> = probing["depends_on"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(waits, BTreeSet::from(SERVICES));
    assert_eq!(probing["profiles"], serde_json::json!(["probe"]));
}

#[test]
fn checkers_of_their_syntax_take_both_files() {
    let mut compose = Command::new("docker-compose");
    compose.args(["-f", "docker-compose.yml", "config", "--quiet"]);
    succeed(compose.current_dir(package()));
    // One that it must not take: the check can fail.
    let mut compose = Command::new("docker-compose");
    compose
        .args(["-f", "-", "config", "--quiet"])
        .stdin(Stdio::piped());
    compose.stdout(Stdio::null()).stderr(Stdio::null());
    let mut compose = compose.current_dir(package()).spawn().unwrap();
    let wrong = COMPOSE.replace("    build: .\n", "    bulid: .\n");
    std::io::Write::write_all(&mut compose.stdin.take().unwrap(), wrong.as_bytes()).unwrap();
    assert!(!compose.wait().unwrap().success());

    let hadolint = cache().join("venv/bin/hadolint");
    succeed(Command::new(&hadolint).arg(package().join("Dockerfile")));
    // What the image is built from is there, and not kept out of the build.
    let dockerfile = fs::read_to_string(package().join("Dockerfile")).unwrap();
    let ignored = fs::read_to_string(package().join(".dockerignore")).unwrap();
    for line in dockerfile.lines() {
        if let Some(words) = line.strip_prefix("COPY ") {
            let words: Vec<_> = words.split(' ').collect();
            let (_, sources) = words.split_last().unwrap();
            for source in sources.iter().filter(|_| !line.contains("--from")) {
                assert!(package().join(source).exists(), "{line}");
                let kept = ignored.lines().any(|kept| kept == format!("!{source}"));
                assert!(kept, "{source} is kept out by .dockerignore");
            }
        }
    }
    let toml = fs::read_to_string(package().join("Cargo.toml")).unwrap();
    let (_, release) = toml.split_once("rust-version = \"").unwrap();
    let release = release.split('"').next().unwrap();
    assert!(dockerfile.contains(&format!("FROM rust:{release}-slim-bookworm")));
    for text in [&dockerfile, COMPOSE] {
        assert!(text.contains("Syntax-checked, not run"));
    }
}

#[test]
fn each_line_says_what_stands_under_it() {
    let mut findings = String::from(
        "# Findings of docker-compose.yml\n\n<!-- Made by tests/it/people.rs; UPDATE_DOCS=1 writes it. \
         -->\n\nWhat the line over each service of `docker-compose.yml` finds; \
         [findings.md](findings.md) says what each is.\n\n| service | findings |\n|---|---|\n",
    );
    let mut lines: Vec<String> = COMPOSE.lines().map(str::to_owned).collect();
    for name in SERVICES {
        let workshop = Workshop::new();
        let folder = workshop.path().join("certificates").join(name);
        let program = package().join("docker/situation");
        workshop.run(&format!(
            "'{}' '{name}' '{}'",
            program.display(),
            folder.display()
        ));
        if folder.join("server.key").exists() {
            own(&folder.join("server.key"));
        }
        let server = Server::start(name, &folder);
        let words = target(name);
        let words = words.split(' ').map(|word| match word.split_once('=') {
            Some(("port", _)) => format!("port={}", server.port()),
            _ => word.replace("docker/certificates", "certificates"),
        });
        let client = Client::new(words.collect::<Vec<_>>().join(" ")).in_folder(workshop.path());
        let run = client.json(&[]);
        let cell = crate::findings::cell(&run.at("/hosts/0"));
        findings += &format!("| {name} | {cell} |\n");
        let verdicts = MODES
            .iter()
            .zip(run.verdicts())
            .map(|(mode, word)| format!("{mode} {word}"));
        // The line over the name of the service.
        let verdicts = verdicts.collect::<Vec<_>>().join(", ");
        let place = lines.iter().position(|line| *line == format!("  {name}:"));
        lines[place.unwrap() - 1] = format!("  # {verdicts}");
        if name == "v1" {
            let text = workshop.run("openssl x509 -in certificates/v1/server.crt -noout -text");
            assert!(text.contains("Version: 1 "), "{text}");
        }
    }
    assert_file("docs/findings-compose.md", &findings);
    assert_file("docker-compose.yml", &(lines.join("\n") + "\n"));
}

/// What a service would run.
enum Server {
    PostgreSql(PgCluster),
    PgBouncer(Child, u16),
}

impl Server {
    fn start(name: &str, folder: &Path) -> Self {
        let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
        if name != "pgbouncer" {
            let setup = Setup {
                settings: &read("postgresql.conf"),
                hba: &read("pg_hba.conf"),
                ident: "",
            };
            return Self::PostgreSql(PgCluster::new(IMAGE).start(setup));
        }
        let port = closed_port();
        let settings = read("pgbouncer.ini")
            .replace("listen_addr = *", "listen_addr = 127.0.0.1")
            .replace("listen_port = 5432", &format!("listen_port = {port}"))
            .replace("host=no-tls port=5432", "host=127.0.0.1 port=1");
        fs::write(folder.join("pgbouncer.ini"), settings).unwrap();
        for file in ["pgbouncer.ini", "users"] {
            own(&folder.join(file));
        }
        let mut command = as_account(Path::new("/usr/sbin/pgbouncer"));
        command.arg("-q").arg(folder.join("pgbouncer.ini"));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let process = command.stderr(Stdio::null()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "PgBouncer does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self::PgBouncer(process, port)
    }

    fn port(&self) -> u16 {
        match self {
            Self::PostgreSql(server) => server.port,
            Self::PgBouncer(_, port) => *port,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Self::PgBouncer(process, _) = self {
            let _ = process.kill();
            let _ = process.wait();
        }
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
