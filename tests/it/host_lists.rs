//! Lists of hosts: when libpq goes on to the next, beside what real libpqs 15 and 18 do. The first
//! host is the odd one; the second, a real server, takes everyone with TLS and without.

use std::sync::Arc;

use rustls::ServerConfig;

use crate::support::certificates;
use crate::support::pgprobe::{Client, MODES};
use crate::support::postgres::{PgCluster, Setup};
use crate::support::psql::{self, Libpq};
use crate::support::scripted::{Identity, Peer, SSL_REQUEST, Scripted, error_response};

/// What the first host does.
#[derive(Clone, Copy, Debug)]
enum First {
    /// Its answer to SSLRequest, and that in plaintext to the StartupMessage; then it hangs up.
    Answers(&'static [u8], &'static [u8]),
    /// An error with this SQLSTATE to the StartupMessage, over TLS or not.
    Refuses(&'static str),
    /// An error with this SQLSTATE in answer to SSLRequest; in plaintext 57P03.
    RefusesTls(&'static str),
    /// It accepts and is silent.
    Silent,
}

const SCRIPTED: &[First] = &[
    First::Refuses("57P03"),
    First::Refuses("28000"),
    First::Refuses("53300"),
    First::RefusesTls("57P03"),
    First::Answers(b"N", b""),
    First::Answers(b"", b""),
    First::Answers(b"X", b"X\0\0\0\x04"),
    First::Silent,
];

impl First {
    fn play(self, peer: &mut Peer, tls: &Arc<ServerConfig>) {
        let code = peer.request();
        match (self, code) {
            (Self::Silent, _) => {}
            (Self::Answers(to_request, to_startup), Some(SSL_REQUEST)) => {
                peer.send(to_request);
                if to_request == b"N" && peer.request().is_some() {
                    peer.send(to_startup);
                }
                peer.close();
            }
            (Self::Answers(_, to_startup), _) => {
                peer.send(to_startup);
                peer.close();
            }
            (Self::Refuses(sqlstate), Some(SSL_REQUEST)) => {
                peer.send(b"S");
                if let Some(mut encrypted) = peer.tls(tls) {
                    encrypted.send(&error_response(sqlstate, "not now"));
                    encrypted.wait_for_end();
                }
            }
            (Self::RefusesTls(sqlstate), Some(SSL_REQUEST)) => {
                peer.send(&error_response(sqlstate, "no such request"));
            }
            (Self::Refuses(sqlstate), _) => peer.send(&error_response(sqlstate, "not now")),
            (Self::RefusesTls(_), _) => peer.send(&error_response("57P03", "not now")),
        }
        peer.wait_for_end();
    }
}

fn server(major: u32, settings: &str) -> PgCluster {
    let workshop = certificates::self_signed("localhost");
    let server = PgCluster::new(major);
    server.install(workshop.path(), &["server.crt", "server.key"]);
    server.start(Setup {
        settings: &format!("ssl = on\n{settings}"),
        hba: "host all all all trust",
        ident: "",
    })
}

/// What pgprobe says of a list and what the libpqs do, at each mode that needs no root file.
fn differences(what: &str, conninfo: &str, wrong: &mut Vec<String>) {
    let client = Client::new(conninfo);
    for (name, libpq) in [("15", Libpq::V15), ("18", Libpq::V18)] {
        let found = client
            .json(&["--libpq", name, "--timeout", "20"])
            .verdicts();
        for (mode, found) in MODES.into_iter().zip(found).take(4) {
            let expected = psql::connect(&client, &format!("{conninfo} sslmode={mode}"), libpq);
            let expected = match &expected {
                Ok(true) => "tls",
                Ok(false) => "plain",
                Err(_) => "an error",
            };
            let fits = match found.as_str() {
                "tls" | "plain" | "undetermined" => found == expected,
                _ => expected == "an error",
            };
            if !fits {
                wrong.push(format!(
                    "{what} {mode} libpq {name}: {found}, not {expected}"
                ));
            }
        }
    }
}

#[test]
fn the_next_host_is_asked_when_libpq_asks_it() {
    let second = server(15, "");
    let tls = Identity::new("localhost", "first").server();
    let mut wrong = Vec::new();
    let list = |port: &str| {
        format!(
            "host=127.0.0.1,127.0.0.1 port={port},{} user=postgres dbname=postgres",
            second.port
        )
    };
    for first in SCRIPTED {
        let tls = Arc::clone(&tls);
        let scripted = Scripted::new(move |_, peer| first.play(peer, &tls));
        let mut conninfo = list(&scripted.port.to_string());
        if matches!(first, First::Silent) {
            conninfo.push_str(" connect_timeout=2");
        }
        differences(&format!("{first:?}"), &conninfo, &mut wrong);
    }
    // Nobody listens; no port at all; no number.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let refused = free.local_addr().unwrap().port().to_string();
    drop(free);
    for port in [refused.as_str(), "70000", "x"] {
        differences(port, &list(port), &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_server_that_target_session_attrs_wants_is_found_as_libpq_finds_it() {
    let words = [
        "any",
        "read-write",
        "read-only",
        "primary",
        "standby",
        "prefer-standby",
    ];
    let (writes, reads) = (
        server(15, ""),
        server(18, "default_transaction_read_only = on\n"),
    );
    let mut wrong = Vec::new();
    for word in words {
        for ports in [
            format!("{}", writes.port),
            format!("{}", reads.port),
            format!("{},{}", writes.port, reads.port),
            format!("{},{}", reads.port, writes.port),
        ] {
            let hosts = ports.replace(|one: char| one.is_ascii_digit(), "");
            let hosts = format!("127.0.0.1{}", hosts.replace(',', ",127.0.0.1"));
            let conninfo = format!(
                "host={hosts} port={ports} user=postgres dbname=postgres target_session_attrs={word}"
            );
            differences(&format!("{word} {ports}"), &conninfo, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Before 14 a server does not say: libpq asks it, and pgprobe does not.
    let old = server(13, "");
    let client = Client::new(format!(
        "host=127.0.0.1 port={} user=postgres dbname=postgres target_session_attrs=primary",
        old.port
    ));
    assert_eq!(client.json(&[]).verdicts()[..4], ["undetermined"; 4]);
}
