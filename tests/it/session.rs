//! After AuthenticationOk libpq counts as connected at ReadyForQuery only: what real servers say in
//! between, beside what real libpqs make of it.

use crate::support::certificates;
use crate::support::pgprobe::{Client, MODES};
use crate::support::postgres::{PgCluster, Setup};
use crate::support::psql::{self, Libpq};
use crate::support::scripted::{
    AUTHENTICATION_OK, Identity, SSL_REQUEST, Scripted, error_response,
};

/// Roles and databases that a session ends at, and words of the server's error.
const ENDS: &[(&str, &str, &str, &str)] = &[
    ("nobody_here", "postgres", "28000", "does not exist"),
    ("no_login", "postgres", "28000", "not permitted to log in"),
    ("busy", "postgres", "53300", "too many connections for role"),
    ("ann", "nowhere", "3D000", "does not exist"),
    ("ann", "private", "42501", "permission denied for database"),
    (
        "ann",
        "closed",
        "55000",
        "not currently accepting connections",
    ),
];

fn trusting(major: u32) -> PgCluster {
    let workshop = certificates::self_signed("localhost");
    let server = PgCluster::new(major);
    server.install(workshop.path(), &["server.crt", "server.key"]);
    let server = server.start(Setup {
        settings: "ssl = on\n",
        hba: "host all all all trust",
        ident: "",
    });
    for command in [
        "CREATE ROLE ann LOGIN",
        "CREATE ROLE no_login",
        "CREATE ROLE busy LOGIN CONNECTION LIMIT 0",
        "CREATE DATABASE private",
        "REVOKE CONNECT ON DATABASE private FROM PUBLIC",
        "CREATE DATABASE closed",
        "ALTER DATABASE closed ALLOW_CONNECTIONS false",
    ] {
        server.sql(command);
    }
    server
}

/// The modes that need no root file.
fn modes() -> impl Iterator<Item = (usize, &'static str)> {
    MODES.into_iter().enumerate().take(4)
}

#[test]
fn a_role_or_database_that_no_session_starts_with_is_refused_as_by_libpq() {
    for major in [15, 18] {
        let server = trusting(major);
        let at = format!("host=127.0.0.1 port={}", server.port);
        for (user, dbname, sqlstate, words) in ENDS {
            let client = Client::new(format!("{at} user={user} dbname={dbname}"));
            let report = client.json(&[]).object();
            for (place, mode) in modes() {
                let conninfo = format!("{} sslmode={mode}", client.conninfo);
                for libpq in [Libpq::V15, Libpq::V18] {
                    let said = psql::connect(&client, &conninfo, libpq).unwrap_err();
                    assert!(said.contains(words), "{mode} {user} {dbname}: {said}");
                    // No other way is tried after AuthenticationOk.
                    let attempts = said.matches("connection to server").count();
                    assert_eq!(attempts, 1, "{said}");
                }
                let verdict = &report["sslmodes"][place];
                assert_eq!(verdict["outcome"], "fails", "{verdict}");
                assert_eq!(verdict["error"]["code"], "server_error", "{verdict}");
                let message = verdict["error"]["message"].as_str().unwrap();
                assert!(message.contains(words), "{message}");
                let attempts = verdict["attempts"].as_array().unwrap();
                assert_eq!(attempts.len(), 1, "{verdict}");
            }
            // What pg_hba.conf does is known all the same.
            for transport in ["tls", "plaintext"] {
                let answer = &report["hosts"][0]["startup"][transport];
                assert_eq!(answer["answer"], "accepted", "{answer}");
                assert_eq!(answer["sqlstate"], *sqlstate, "{answer}");
            }
            let mut findings = report["hosts"][0]["findings"].as_array().unwrap().iter();
            assert!(
                findings.any(|finding| finding["lint"] == "trust-authentication"),
                "{report}"
            );
        }
        let ann = Client::new(format!("{at} user=ann dbname=postgres")).json(&[]);
        assert_eq!(ann.verdicts()[..4], ["plain", "plain", "tls", "tls"]);
    }
}

#[test]
fn a_check_of_a_mode_does_not_pass_where_psql_fails() {
    let server = trusting(15);
    for (user, dbname, _, words) in ENDS {
        let uri = format!("postgresql://{user}@127.0.0.1:{}/{dbname}", server.port);
        let run = Client::new("").run(&["check", "-u", &uri, "--require-mode", "require"]);
        assert_eq!(run.status, Some(2), "{run:#?}");
        assert!(run.stdout.contains(words), "{run:#?}");
    }
    let uri = format!("postgresql://ann@127.0.0.1:{}/postgres", server.port);
    let run = Client::new("").run(&["check", "-u", &uri, "--require-mode", "require"]);
    assert_eq!(run.status, Some(0), "{run:#?}");
}

/// A server without TLS that asks for nothing, says `then`, and waits or hangs up.
fn after_authentication_ok(then: Vec<u8>, waits: bool) -> Scripted {
    Scripted::new(move |_, peer| {
        if peer.request() == Some(SSL_REQUEST) {
            peer.send(b"N");
            peer.request();
        }
        peer.send(&[AUTHENTICATION_OK, &then].concat());
        if waits {
            peer.wait_for_end();
        }
        peer.close();
    })
}

#[test]
fn what_comes_after_authentication_ok_is_what_libpq_makes_of_it() {
    let late = error_response("57P03", "the database system is shutting down");
    let notice = b"N\0\0\0\x0eSWARNING\0\0".to_vec();
    let ready = b"Z\0\0\0\x05I".to_vec();
    // What is sent, whether the server then waits, and the verdict of sslmode=disable.
    let cases: [(Vec<u8>, bool, &str, &str); 7] = [
        (ready.clone(), true, "plain", ""),
        ([notice, ready].concat(), true, "plain", ""),
        (
            Vec::new(),
            false,
            "connection_closed",
            "server closed the connection unexpectedly",
        ),
        // Of an error after the authentication 57P03 means nothing particular.
        (late, true, "server_error", "shutting down"),
        (
            b"R\0\0\0\x08\0\0\0\0".to_vec(),
            true,
            "protocol_error",
            "unexpected response from server",
        ),
        (
            b"C\0\0\0\x08xxx\0".to_vec(),
            true,
            "protocol_error",
            "unexpected message from server",
        ),
        (
            b"S\0\x01\0\0".to_vec(),
            true,
            "protocol_error",
            "lost synchronization",
        ),
    ];
    for (then, waits, expected, words) in cases {
        let server = after_authentication_ok(then.clone(), waits);
        let client = Client::new(format!("host=127.0.0.1 port={} user=ann", server.port));
        let run = client.json(&[]);
        assert_eq!(run.verdicts()[0], expected, "{then:?}: {run:#?}");
        if !words.is_empty() {
            assert!(run.message("disable").contains(words), "{run:#?}");
            for libpq in [Libpq::V15, Libpq::V18] {
                let conninfo = format!("{} sslmode=disable", client.conninfo);
                let said = psql::connect(&client, &conninfo, libpq).unwrap_err();
                assert!(said.contains(words), "{then:?}: {said}");
            }
        }
    }
    let server = after_authentication_ok(Vec::new(), true);
    let conninfo = format!("host=127.0.0.1 port={} user=ann", server.port);
    let run = Client::new(conninfo).json(&["--timeout", "2"]);
    assert_eq!(run.verdicts()[0], "undetermined", "{run:#?}");
    let reason = run.at("/sslmodes/0/reason");
    assert_eq!(reason, "no ReadyForQuery after AuthenticationOk in time");
}

/// More than a TLS library hands over at once: a server's ParameterStatus are of any number.
#[test]
fn a_server_that_has_much_to_say_before_ready_for_query_is_connected_to() {
    let tls = Identity::new("localhost", "localhost").server();
    let status = [
        b"S\0\0\0\x20".as_slice(),
        b"a_setting\0",
        &[b'x'; 17],
        b"\0",
    ]
    .concat();
    let ready = b"Z\0\0\0\x05I".to_vec();
    let many = [AUTHENTICATION_OK.to_vec(), status.repeat(2000), ready].concat();
    let server = Scripted::new(move |_, peer| {
        if peer.request() == Some(SSL_REQUEST) {
            peer.send(b"S");
            if let Some(mut encrypted) = peer.tls(&tls) {
                encrypted.send(&many);
                encrypted.wait_for_end();
            }
        } else {
            peer.send(&many);
            peer.wait_for_end();
        }
    });
    let client = Client::new(format!("host=127.0.0.1 port={} user=ann", server.port));
    let run = client.json(&[]);
    for (mode, expected) in [(0, "plain"), (3, "tls")] {
        assert_eq!(run.verdicts()[mode], expected, "{run:#?}");
    }
    for libpq in [Libpq::V15, Libpq::V18] {
        let conninfo = format!("{} sslmode=require", client.conninfo);
        // psql is connected, and asks this server in vain how.
        let said = psql::connect(&client, &conninfo, libpq).unwrap_err();
        assert!(said.contains("connection to server was lost"), "{said}");
    }
}

#[test]
fn the_kind_of_server_that_is_wanted_counts_once_a_session_starts() {
    let server = trusting(15);
    let old = trusting(13);
    let wrong = "server_error";
    for (major, port, attributes, expected) in [
        (15, server.port, "any", "tls"),
        (15, server.port, "read-write", "tls"),
        (15, server.port, "read-only", wrong),
        (15, server.port, "primary", "tls"),
        (15, server.port, "standby", wrong),
        (15, server.port, "prefer-standby", "tls"),
        (13, old.port, "any", "tls"),
        (13, old.port, "standby", "undetermined"),
    ] {
        let client = Client::new(format!(
            "host=127.0.0.1 port={port} user=ann dbname=postgres target_session_attrs={attributes}"
        ));
        let run = client.json(&[]);
        assert_eq!(
            run.verdicts()[3],
            expected,
            "{major} {attributes}: {run:#?}"
        );
        for libpq in [Libpq::V15, Libpq::V18] {
            let conninfo = format!("{} sslmode=require", client.conninfo);
            match psql::connect(&client, &conninfo, libpq) {
                Ok(encrypted) => assert!(encrypted && expected == "tls", "{attributes}"),
                Err(said) if expected == wrong => {
                    assert!(
                        said.contains(&run.message("require")),
                        "{attributes}: {said}"
                    );
                }
                Err(said) => assert_eq!(expected, "undetermined", "{attributes}: {said}"),
            }
        }
    }
    // The next host is taken where the first is of another kind.
    let conninfo = format!(
        "host=127.0.0.1,127.0.0.1 port={},{} user=ann dbname=postgres target_session_attrs=read-only",
        server.port, server.port
    );
    let run = Client::new(conninfo).json(&[]);
    let attempts = run.at("/sslmodes/3/attempts");
    assert_eq!(attempts.as_array().unwrap().len(), 2, "{run:#?}");
}
