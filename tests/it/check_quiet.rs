//! A check leaves nothing in the log of a server with default settings, and makes one connection.
//!
//! `PGPROBE_CHECKS` says how many checks; `tests/run --all` asks for 1,000 of each kind.

use std::process::Command;

use crate::check::plugin;
use crate::support::certificates::signed;
use crate::support::installation::succeed;
use crate::support::pgprobe::Client;
use crate::support::postgres::{PgCluster, Setup};

/// A client that closes TCP under TLS without close_notify.
const BARE_CLOSE: &str = r#"
import socket, ssl, sys
stream = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
stream.sendall(bytes([0, 0, 0, 8, 4, 210, 22, 47]))
assert stream.recv(1) == b"S"
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
encrypted = context.wrap_socket(stream)
print(encrypted.version())
encrypted.close()
"#;

fn checks() -> usize {
    let number = std::env::var("PGPROBE_CHECKS");
    number.map_or(25, |number| number.parse().unwrap())
}

fn stays_quiet(major: u32, version: &str) {
    let workshop = signed("db", &["IP:127.0.0.1"]);
    let server = PgCluster::new(major);
    server.install(workshop.path(), &["server.crt", "server.key"]);
    let settings = format!(
        "ssl = on\nssl_min_protocol_version = '{version}'\nssl_max_protocol_version = '{version}'"
    );
    let mut server = server.start(Setup {
        settings: &settings,
        hba: "host all all all scram-sha-256",
        ident: "",
    });
    // What would be seen: a client that just goes leaves a line.
    let start = server.log().len();
    let port = server.port.to_string();
    let spoke = succeed(Command::new("python3").args(["-c", BARE_CLOSE, &port]));
    assert_eq!(spoke.trim(), version);
    let lines = server.settled_log(start);
    assert_eq!(
        lines.len(),
        1,
        "a bare close, PostgreSQL {major}, {version}: {lines:?}"
    );

    let start = server.log().len();
    let client = Client::new("");
    for number in 0..checks() {
        let run = plugin(&client, &["check", "-H", "127.0.0.1", "-p", &port]);
        assert_eq!(run.status, Some(0), "check {number}: {run:#?}");
        assert!(run.stdout.contains(version), "{run:#?}");
    }
    let lines = server.settled_log(start);
    assert!(lines.is_empty(), "PostgreSQL {major}, {version}: {lines:?}");

    // The same with connections logged: one each.
    server.reload(Setup {
        settings: &format!("{settings}\nlog_connections = on"),
        hba: "host all all all scram-sha-256",
        ident: "",
    });
    let start = server.log().len();
    for _ in 0..5 {
        plugin(&client, &["check", "-H", "127.0.0.1", "-p", &port]);
    }
    assert_eq!(
        server.connections(start),
        5,
        "PostgreSQL {major}, {version}"
    );
}

#[test]
fn postgresql_15_with_tls_1_2() {
    stays_quiet(15, "TLSv1.2");
}

#[test]
fn postgresql_15_with_tls_1_3() {
    stays_quiet(15, "TLSv1.3");
}

#[test]
fn postgresql_18_with_tls_1_2() {
    stays_quiet(18, "TLSv1.2");
}

#[test]
fn postgresql_18_with_tls_1_3() {
    stays_quiet(18, "TLSv1.3");
}
