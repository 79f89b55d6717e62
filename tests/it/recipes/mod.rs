//! Every recipe and setup of the guides that people follow, on a real server: what pgprobe says
//! of each of the six modes, for libpq 15 and for the newest, and that psql 15 does just that.

mod hba_lines;
mod secure_guide;
mod self_signed_by_req_new_x509;
mod self_signed_by_req_then_rsa_then_req_x509;

use crate::support::certificates::Workshop;
use crate::support::pgprobe::{Client, Run};
use crate::support::postgres::{PgCluster, Setup};
use crate::support::psql;

/// What most guides' servers have in common: their certificate beside the data.
const SSL_ON: &str = "ssl = on\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'\n";

/// Asks everyone about a server, who all must answer `expected`; the answer for the newest libpq.
///
/// This is where pgprobe's verdicts are held against the real psql.
#[track_caller]
fn check(client: &Client, expected: [&str; 6]) -> Run {
    let fifteen = client.json(&["--libpq", "15"]);
    assert_eq!(
        fifteen.verdicts(),
        expected,
        "pgprobe for libpq 15: {fifteen:#?}"
    );
    assert_eq!(
        psql::verdicts(client, expected),
        expected,
        "psql 15 on {}",
        client.conninfo
    );
    let newest = client.json(&[]);
    assert_eq!(
        newest.verdicts(),
        expected,
        "pgprobe for the newest libpq: {newest:#?}"
    );
    newest
}

/// The server of a recipe, with its certificate installed.
fn server(workshop: &Workshop, files: &[&str], setup: Setup<'_>) -> PgCluster {
    let cluster = PgCluster::new(15);
    cluster.install(workshop.path(), files);
    cluster.start(setup)
}

/// How the guides' clients name a server, with the address that no DNS knows.
fn at(server: &PgCluster, host: &str) -> String {
    format!(
        "host={host} hostaddr=127.0.0.1 port={} user=myuser dbname=myapp",
        server.port
    )
}

/// What every mode does where a server takes TLS only and the client has no root file.
const TLS_ONLY: [&str; 6] = [
    "hba_rejected",
    "tls",
    "tls",
    "tls",
    "root_cert_missing",
    "root_cert_missing",
];

/// The same where plaintext is let in too.
const BOTH: [&str; 6] = [
    "plain",
    "plain",
    "tls",
    "tls",
    "root_cert_missing",
    "root_cert_missing",
];

/// TLS only, with a root file that proves the server.
const PROVEN: [&str; 6] = ["hba_rejected", "tls", "tls", "tls", "tls", "tls"];

/// TLS only, with a root file that proves the chain, but the name is another.
const OTHER_NAME: [&str; 6] = [
    "hba_rejected",
    "tls",
    "tls",
    "tls",
    "tls",
    "hostname_mismatch",
];

/// The name of the negotiated TLS version.
fn version(run: &Run) -> String {
    run.at("/tls/protocol_version").as_str().unwrap().to_owned()
}

/// The name of the negotiated cipher suite.
fn suite(run: &Run) -> String {
    run.at("/tls/cipher_suite").as_str().unwrap().to_owned()
}

/// The name of the group of the key exchange.
fn group(run: &Run) -> String {
    run.at("/tls/group").as_str().unwrap().to_owned()
}

/// Whether the report has a certificate with this SHA-256 fingerprint.
fn shows(run: &Run, fingerprint: &str) -> bool {
    run.stdout
        .replace(':', "")
        .to_lowercase()
        .contains(fingerprint)
}
