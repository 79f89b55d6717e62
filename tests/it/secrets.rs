//! Passwords never come out: a secret is planted wherever one can stand, and everything that
//! pgprobe writes is searched for it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::support::certificates::{self, Workshop};
use crate::support::pgprobe::{Client, Run};
use crate::support::postgres::{PgCluster, Setup};
use crate::support::scripted::Scripted;

/// Long and odd enough to stand in nothing by chance.
const SECRET: &str = "Xy7-secret-9Qz";

/// Fails if the secret, or its forms in a URI or in base64, stands in a text.
#[track_caller]
fn clean(what: &str, text: &str) {
    for form in [SECRET, "Xy7%2Dsecret", "WHk3LXNlY3JldC05UXo", "secret-9Qz"] {
        assert!(!text.contains(form), "{what} has the secret:\n{text}");
    }
}

#[track_caller]
fn clean_run(run: &Run) {
    clean(&format!("stdout of {}", run.arguments), &run.stdout);
    clean(&format!("stderr of {}", run.arguments), &run.stderr);
}

/// Fails if the secret stands in any file below a folder but those it was planted in.
fn clean_folder(folder: &Path, planted: &[PathBuf]) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            clean_folder(&path, planted);
        } else if !planted.contains(&path) {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            clean(&path.display().to_string(), &text);
        }
    }
}

/// Every way to show a probe, and a replay of what was saved.
fn every_output(client: &Client, planted: &[PathBuf]) {
    let saved = client.home().join("saved.json");
    let chain = client.home().join("chain.pem");
    let (saved, chain) = (saved.to_str().unwrap(), chain.to_str().unwrap());
    let options: [&[&str]; 8] = [
        &[
            "--format",
            "json",
            "--save-observation",
            saved,
            "--save-chain",
            chain,
        ],
        &["--format", "text"],
        &["--quiet"],
        &["-v"],
        &["-v", "-v"],
        &["--libpq", "15"],
        &["--depth", "handshake"],
        &["--depth", "full"],
    ];
    for options in options {
        let run = client.probe(options);
        assert!(matches!(run.status, Some(0..=2)), "{run:#?}");
        clean_run(&run);
    }
    assert!(fs::metadata(saved).unwrap().len() > 0);
    for options in [
        &["--format", "json"][..],
        &["-v", "-v"],
        &["--quiet"],
        &["--libpq", "15"],
    ] {
        let run = client.run(&[&["assess", saved], options].concat());
        assert!(matches!(run.status, Some(0..=2)), "{run:#?}");
        clean_run(&run);
    }
    clean_folder(client.home(), planted);
}

struct Scene {
    server: PgCluster,
    workshop: Workshop,
}

/// A server that asks for a password, and for a client certificate whose key is encrypted with
/// the secret.
fn scene() -> Scene {
    let workshop = certificates::signed("db.example.test", &["DNS:db.example.test"]);
    certificates::client(&workshop, "client", "myuser");
    workshop.run(&format!(
        "openssl ec -aes256 -in client.key -passout pass:{SECRET} -out encrypted.key
         chmod 600 encrypted.key"
    ));
    let server = PgCluster::new(18);
    server.install(workshop.path(), &["server.crt", "server.key", "ca.crt"]);
    let settings = "ssl = on\nssl_ca_file = 'ca.crt'\n";
    let hba = "host all all all scram-sha-256";
    let server = server.start(Setup {
        settings,
        hba,
        ident: "",
    });
    Scene { server, workshop }
}

impl Scene {
    fn conninfo(&self) -> String {
        format!(
            "host=db.example.test hostaddr=127.0.0.1 port={} user=myuser dbname=postgres \
             sslrootcert={}",
            self.server.port,
            self.workshop.file("ca.crt")
        )
    }

    fn key(&self) -> String {
        format!(
            "sslcert={} sslkey={}",
            self.workshop.file("client.crt"),
            self.workshop.file("encrypted.key")
        )
    }
}

#[test]
fn a_password_in_a_connection_string() {
    let scene = scene();
    every_output(
        &Client::new(format!("{} password={SECRET}", scene.conninfo())),
        &[],
    );
    every_output(
        &Client::new(format!("password = '{SECRET}' {}", scene.conninfo())),
        &[],
    );
}

#[test]
fn a_password_in_a_uri() {
    let scene = scene();
    let place = format!(
        "db.example.test:{}/postgres?hostaddr=127.0.0.1",
        scene.server.port
    );
    every_output(
        &Client::new(format!("postgresql://myuser:{SECRET}@{place}")),
        &[],
    );
    every_output(
        &Client::new(format!("postgresql://myuser@{place}&password={SECRET}")),
        &[],
    );
}

#[test]
fn a_password_in_the_environment() {
    let scene = scene();
    every_output(
        &Client::new(scene.conninfo()).env("PGPASSWORD", SECRET),
        &[],
    );
}

#[test]
fn a_password_in_the_password_file_and_in_a_service_file() {
    let scene = scene();
    let client = Client::new(format!("{} service=here", scene.conninfo()))
        .home_file(".pgpass", format!("*:*:*:*:{SECRET}\n"))
        .home_file(".pg_service.conf", format!("[here]\npassword={SECRET}\n"));
    let planted = [".pgpass", ".pg_service.conf"].map(|name| client.home().join(name));
    fs::set_permissions(&planted[0], fs::Permissions::from_mode(0o600)).unwrap();
    every_output(&client, &planted);
}

#[test]
fn the_password_of_the_key_and_the_key() {
    let scene = scene();
    let client = Client::new(format!(
        "{} {} sslpassword={SECRET}",
        scene.conninfo(),
        scene.key()
    ));
    let run = client.json(&[]);
    assert_eq!(
        run.at("/tls/client_certificate/sent"),
        true,
        "the key was used: {run:#?}"
    );
    every_output(&client, &[]);
    // The key itself is a secret too, however it is written.
    let key = scene.workshop.read("client.key");
    let lines: Vec<&str> = key.lines().filter(|line| line.len() > 40).collect();
    assert!(!lines.is_empty());
    let saved = fs::read_to_string(client.home().join("saved.json")).unwrap();
    for line in lines {
        assert!(!saved.contains(line), "the saved observation has the key");
    }
    let encrypted = scene.workshop.read("encrypted.key");
    for line in encrypted.lines().filter(|line| line.len() > 40) {
        assert!(
            !saved.contains(line),
            "the saved observation has the encrypted key"
        );
    }
}

#[test]
fn a_wrong_password_of_the_key() {
    let scene = scene();
    let wrong = format!("{SECRET}-wrong");
    let client = Client::new(format!(
        "{} {} sslpassword={wrong}",
        scene.conninfo(),
        scene.key()
    ));
    every_output(&client, &[]);
}

#[test]
fn scram_keys() {
    let scene = scene();
    for keyword in ["scram_client_key", "scram_server_key"] {
        every_output(
            &Client::new(format!("{} {keyword}={SECRET}", scene.conninfo())),
            &[],
        );
    }
}

#[test]
fn targets_that_cannot_be_read_are_not_repeated() {
    let targets = [
        format!("password={SECRET} host"),
        format!("password='{SECRET}"),
        format!("password={SECRET} no_such_option=1"),
        format!("host=127.0.0.1 passwrod={SECRET}"),
        format!("host=127.0.0.1 password {SECRET}"),
        format!("postgresql://myuser:{SECRET}@[::1"),
        format!("postgresql://myuser:{SECRET}@[]/db"),
        format!("postgresql://myuser:{SECRET}@[::1]x/db"),
        format!("postgresql://myuser:{SECRET}@host/db?x"),
        format!("postgresql://myuser:{SECRET}@host/db?a=b=c"),
        format!("postgresql://myuser:{SECRET}@host/db?no_such=1"),
        format!("postgresql://myuser:{SECRET}%zz@host/db"),
        format!("postgresql://myuser:{SECRET}%00@host/db"),
        format!("postgresql://myuser:{SECRET}@host:notaport/db"),
        format!("postgresql://myuser:{SECRET} x@host/db"),
        format!("postgres://myuser:{SECRET}@w@127.0.0.1:1/db"),
        format!("POSTGRESQL://myuser:{SECRET}@127.0.0.1:1/db"),
        format!("postgresql://myuser:{SECRET}/x@127.0.0.1:1/db"),
        format!("host=127.0.0.1 port=1 password={SECRET} sslmode=bogus"),
    ];
    for target in targets {
        let client = Client::new(target);
        let options: [&[&str]; 4] = [
            &["--format", "json"],
            &["--format", "text"],
            &["--libpq", "15"],
            &["--quiet"],
        ];
        for options in options {
            let run = client.probe(&[options, &["--timeout", "2"]].concat());
            assert!(matches!(run.status, Some(0..=2)), "{run:#?}");
            clean_run(&run);
        }
    }
}

#[test]
fn options_that_cannot_be_read_are_not_repeated() {
    let runs: [&[&str]; 4] = [
        &["--sslpassword", SECRET, "--no-such-option"],
        &["--no-such-option", "host=127.0.0.1 password=Xy7-secret-9Qz"],
        &["--depth", "bogus", "postgresql://u:Xy7-secret-9Qz@host/db"],
        &[
            "--save-observation",
            "/nowhere/at/all",
            "host=127.0.0.1 port=1 password=Xy7-secret-9Qz",
        ],
    ];
    for arguments in runs {
        let run = Client::new("").run(arguments);
        assert_eq!(run.status, Some(2), "{run:#?}");
        clean_run(&run);
    }
}

#[test]
fn nothing_secret_goes_to_the_server() {
    let server = Scripted::new(|_, peer| {
        while let Some(code) = peer.request() {
            let ssl = code == crate::support::scripted::SSL_REQUEST;
            peer.send(if ssl { b"N" } else { b"R\0\0\0\x08\0\0\0\x03" });
            if !ssl {
                return peer.wait_for_end();
            }
        }
    });
    let target = format!(
        "host=127.0.0.1 port={} user=myuser password={SECRET} sslpassword={SECRET}",
        server.port
    );
    let run = Client::new(target)
        .env("PGPASSWORD", SECRET)
        .json(&["--depth", "full"]);
    assert!(run.status.is_some(), "{run:#?}");
    let records = server.records();
    assert!(records.len() >= 2, "{records:?}");
    for record in records {
        clean("what was sent", &String::from_utf8_lossy(&record.bytes));
    }
}
