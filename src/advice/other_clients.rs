//! What other clients refuse in a certificate that libpq takes: only what was measured, with the
//! versions that were.
//!
//! Measured with sqlx 0.8.6 and 0.9.0 and tokio-postgres-rustls 0.13.0 (rustls 0.23, webpki
//! 0.103), lib/pq 1.10.7 and pgx 4.15.0 (Go 1.19), pgjdbc 42.5.5 (OpenJDK 17), node-postgres
//! 8.23.1 (Node 20), asyncpg 0.32.0, against a server with each of these certificates.

use super::{Situation, host_name};
use crate::libpq::host_name::Rule;
use crate::libpq::parameters::SslMode;
use crate::pki::Certificate;
use crate::pki::general_name::GeneralName;
use crate::pki::public_key::KeyKind;
use crate::pki::verify_error as error;
use crate::report::{Anchors, OtherClient, TlsAnswer};

const RUSTLS: &str = "rustls (sqlx, rust-postgres)";
const GO: &str = "Go (lib/pq, pgx)";
const NODE: &str = "node-postgres";
const JDBC: &str = "pgjdbc";
const ASYNCPG: &str = "asyncpg";

pub(super) fn of(situation: &Situation<'_>) -> Vec<OtherClient> {
    let Some(leaf) = situation.leaf() else {
        return Vec::new();
    };
    let accepted = |mode: SslMode| {
        situation
            .verdict(mode)
            .is_some_and(|verdict| verdict.tls == TlsAnswer::Accepted)
    };
    let mut all: Vec<OtherClient> = Vec::new();
    let mut add = |client: &str, refuses: String| {
        // One line each: the first reason is the one that matters most.
        if !all.iter().any(|known| known.client == client) {
            all.push(OtherClient {
                client: client.to_owned(),
                refuses,
            });
        }
    };
    if accepted(SslMode::Require) {
        any_tls(leaf, &mut add);
        verification(leaf, &mut add);
        // Names count where libpq itself takes the name.
        if situation.name_matches() == Some(true) {
            names(situation, leaf, &mut add);
        }
        modes(situation, &mut add);
    }
    all
}

/// What no TLS of a client comes about with, whatever its mode.
fn any_tls(leaf: &Certificate, add: &mut impl FnMut(&str, String)) {
    let every = |why: &str| format!("every TLS connection, require too: {why}");
    if leaf.version == Some(1) {
        add(RUSTLS, every("the certificate is X.509 v1"));
    }
    let bits = leaf.public_key.as_ref().and_then(|key| {
        matches!(key.kind, KeyKind::Rsa)
            .then_some(key.bits)
            .flatten()
    });
    if bits.is_some_and(|bits| bits < 2048) {
        add(RUSTLS, every("the key is RSA with fewer than 2048 bits"));
    }
}

/// What fails where a client verifies the chain.
fn verification(leaf: &Certificate, add: &mut impl FnMut(&str, String)) {
    if leaf.is_ca() {
        add(
            RUSTLS,
            "verification: the server's certificate is a CA's (CA:TRUE)".into(),
        );
    }
    let sha1 = leaf.signature_algorithm_name().to_ascii_lowercase();
    if sha1.contains("sha1") && !leaf.is_self_issued() {
        for client in [RUSTLS, GO] {
            add(
                client,
                "verification: the certificate is signed with SHA-1".into(),
            );
        }
    }
}

/// What another meaning of the same sslmode makes fail: node-postgres 8 takes require for
/// verify-full, with the public roots that it brings along.
fn modes(situation: &Situation<'_>, add: &mut impl FnMut(&str, String)) {
    let private = situation
        .chain_report(Anchors::Mozilla)
        .and_then(|report| report.error)
        .is_some_and(|code| {
            [
                error::DEPTH_ZERO_SELF_SIGNED_CERT,
                error::SELF_SIGNED_CERT_IN_CHAIN,
                error::UNABLE_TO_GET_ISSUER_CERT,
                error::UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
                error::UNABLE_TO_VERIFY_LEAF_SIGNATURE,
            ]
            .contains(&code)
        });
    if private {
        add(
            NODE,
            "sslmode=require without sslrootcert: it means verify-full there (8.x), and no public \
             CA has signed this"
                .into(),
        );
    }
}

/// What fails where a client compares the name.
fn names(situation: &Situation<'_>, leaf: &Certificate, add: &mut impl FnMut(&str, String)) {
    let names = leaf.extensions.subject_alt_name.value();
    let dns = names
        .into_iter()
        .flatten()
        .any(|name| matches!(name, GeneralName::Dns(_)));
    let Some(rule) = host_name::rule(situation, leaf) else {
        return;
    };
    let host = situation.host_text();
    let is_address = crate::libpq::host_name::inet_aton(host).is_some();
    let full = |why: &str| format!("verify-full: {why}");
    match rule {
        Rule::IpAddress if !has_localhost(leaf) => add(
            "node-postgres up to 8.23.0",
            full("it compares the certificate with \"localhost\" where host is an address"),
        ),
        Rule::CommonName if !is_address => {
            let why = "the name stands in the CN alone, not in subjectAltName";
            add(RUSTLS, full(why));
            add(GO, full(why));
        }
        Rule::CommonName if is_address && dns => {
            let why = "the address stands in the CN beside a dNSName, not as iPAddress";
            for client in [RUSTLS, GO, NODE, JDBC, ASYNCPG] {
                add(client, full(why));
            }
        }
        Rule::DnsName if is_address => {
            let why = "the address stands in a dNSName, not as iPAddress";
            for client in [RUSTLS, GO, NODE, ASYNCPG] {
                add(client, full(why));
            }
        }
        Rule::DnsWildcard if host.matches('.').count() == 1 => {
            let why = "the wildcard covers a whole top-level domain";
            for client in [RUSTLS, NODE, ASYNCPG] {
                add(client, full(why));
            }
        }
        _ => {}
    }
}

fn has_localhost(leaf: &Certificate) -> bool {
    let names = leaf.extensions.subject_alt_name.value();
    names.into_iter().flatten().any(
        |name| matches!(name, GeneralName::Dns(name) if name.eq_ignore_ascii_case(b"localhost")),
    )
}
