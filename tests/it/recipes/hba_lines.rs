//! The variants of `pg_hba.conf` that the guides build from, each by itself.

use super::*;
use crate::support::certificates;

#[track_caller]
fn check_lines(hba: &str, expected: [&str; 6]) {
    let workshop = certificates::self_signed("postgres.example.com");
    let setup = Setup {
        settings: SSL_ON,
        hba,
        ident: "",
    };
    let server = server(&workshop, &["server.crt", "server.key"], setup);
    check(&Client::new(at(&server, "postgres.example.com")), expected);
}

#[test]
fn host_lets_both_in() {
    check_lines("host all all all scram-sha-256", BOTH);
}

#[test]
fn hostssl_lets_tls_in() {
    check_lines("hostssl all all all scram-sha-256", TLS_ONLY);
}

#[test]
fn hostnossl_lets_plaintext_in() {
    let (rejected, missing) = ("hba_rejected", "root_cert_missing");
    check_lines(
        "hostnossl all all all scram-sha-256",
        ["plain", "plain", "plain", rejected, missing, missing],
    );
}

#[test]
fn hostnossl_reject_before_host_lets_tls_in() {
    check_lines(
        "hostnossl all all all reject\nhost all all all scram-sha-256",
        TLS_ONLY,
    );
}

#[test]
fn trust_lets_in_without_credentials() {
    check_lines("host all all all trust", BOTH);
}

#[test]
fn a_line_for_somebody_else_lets_nobody_in() {
    let (rejected, missing) = ("hba_rejected", "root_cert_missing");
    check_lines(
        "host all somebody_else all trust",
        [rejected, rejected, rejected, rejected, missing, missing],
    );
}
