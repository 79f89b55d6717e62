//! `pgprobe ciphers` and `--enumerate` against real servers, and against what real ones never do.

use std::process::Command;

use serde_json::Value;

use crate::support::certificates::{self_signed, signed};
use crate::support::installation::succeed;
use crate::support::pgprobe::{Client, Run};
use crate::support::postgres::{PgCluster, Setup};

/// A server with a certificate for `db.example.test` and these settings.
fn server(major: u32, permissive: bool, settings: &str) -> PgCluster {
    let workshop = signed("db.example.test", &["DNS:db.example.test"]);
    serve(major, permissive, settings, &workshop)
}

fn serve(
    major: u32,
    permissive: bool,
    settings: &str,
    workshop: &crate::support::certificates::Workshop,
) -> PgCluster {
    let server = PgCluster::new(major);
    server.install(workshop.path(), &["server.crt", "server.key"]);
    let server = if permissive {
        server.permissive()
    } else {
        server
    };
    server.start(Setup {
        settings: &format!("ssl = on\nlog_connections = on\n{settings}"),
        hba: "host all all all scram-sha-256",
        ident: "",
    })
}

/// A self-signed certificate with an RSA key.
fn rsa() -> crate::support::certificates::Workshop {
    crate::support::certificates::Workshop::like(
        "openssl req -new -x509 -days 365 -nodes -newkey rsa:2048 -out server.crt \
         -keyout server.key -subj /CN=db.example.test",
    )
}

fn client(port: u16) -> Client {
    Client::new(format!(
        "host=db.example.test hostaddr=127.0.0.1 port={port} user=myuser dbname=postgres"
    ))
}

fn ciphers(port: u16, options: &[&str]) -> Run {
    let client = client(port);
    let target = client.conninfo.clone();
    client.run(&[&["ciphers", "--format", "json"], options, &[&target]].concat())
}

fn found(run: &Run) -> Value {
    run.at("/hosts/0/enumeration")
}

fn version<'a>(found: &'a Value, name: &str) -> &'a Value {
    let versions = found["versions"].as_array().unwrap();
    versions
        .iter()
        .find(|one| one["protocol_version"] == name)
        .unwrap()
}

/// OpenSSL's names of the suites of a version, in order.
fn suites(found: &Value, name: &str) -> Vec<String> {
    let suites = version(found, name)["cipher_suites"].as_array().unwrap();
    suites
        .iter()
        .map(|suite| suite["openssl"].as_str().unwrap_or("-").to_owned())
        .collect()
}

fn words(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap())
        .collect()
}

fn check<'a>(found: &'a Value, name: &str) -> &'a Value {
    let checks = found["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name);
    &check.unwrap_or_else(|| panic!("no check {name}"))["state"]
}

/// What Debian's OpenSSL makes of a list, for a server with an RSA key, in TLS 1.2.
fn openssl_list(list: &str) -> Vec<String> {
    let text = succeed(Command::new("openssl").args(["ciphers", "-s", "-v", "-tls1_2", list]));
    let lines = text.lines().filter(|line| line.contains("Au=RSA"));
    let names = lines.map(|line| line.split_whitespace().next().unwrap().to_owned());
    names
        .filter(|name| !name.contains("PSK") && !name.contains("SRP"))
        .collect()
}

#[test]
fn a_default_server_gives_exactly_what_openssl_says_of_its_list_in_that_order() {
    let server = serve(15, false, "", &rsa());
    let start = server.log().len();
    let run = ciphers(server.port, &[]);
    let found = found(&run);
    assert_eq!(run.status, Some(0), "{run:#?}");
    assert_eq!(found["finished"], true, "{found:#}");
    // PostgreSQL's default of ssl_ciphers.
    assert_eq!(
        suites(&found, "TLSv1.2"),
        openssl_list("HIGH:MEDIUM:+3DES:!aNULL")
    );
    assert_eq!(
        suites(&found, "TLSv1.3"),
        [
            "TLS_AES_256_GCM_SHA384",
            "TLS_CHACHA20_POLY1305_SHA256",
            "TLS_AES_128_GCM_SHA256"
        ]
    );
    for name in ["TLSv1.2", "TLSv1.3"] {
        let version = version(&found, name);
        assert_eq!(version["cipher_suite_order"], "server", "{name}");
        assert_eq!(words(&version["groups"]), ["secp256r1"], "{name}");
        assert_eq!(version["groups_complete"], true, "{name}");
        assert_eq!(version["signature_schemes_complete"], true, "{name}");
    }
    for name in ["SSLv3", "TLSv1", "TLSv1.1"] {
        assert_eq!(version(&found, name)["state"], "refused", "{name}");
    }
    let schemes = &version(&found, "TLSv1.3")["signature_schemes"];
    let pss = [
        "rsa_pss_rsae_sha256",
        "rsa_pss_rsae_sha384",
        "rsa_pss_rsae_sha512",
    ];
    assert_eq!(words(schemes), pss);
    assert_eq!(found["dh"][0]["known_as"], "RFC 3526, group 14");
    assert_eq!(found["fallback_refused"], true);
    // Of the checks that are absent in a good server, each was really made.
    let states: Vec<_> = found["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["state"])
        .collect();
    assert!(
        states.iter().all(|state| **state != "not_observed"),
        "{states:?}"
    );
    // The number that is said is the number that the server counted, and a small one.
    let said = usize::try_from(run.at("/connections").as_u64().unwrap()).unwrap();
    assert_eq!(said, server.connections(start));
    assert!(said <= 67, "{said} connections");
    for profile in found["profiles"].as_array().unwrap() {
        assert_eq!(
            profile["cipher_suite"], "TLS_AES_256_GCM_SHA384",
            "{profile:#}"
        );
        assert_eq!(profile["group"], "secp256r1", "{profile:#}");
    }
}

#[test]
fn the_clients_order_is_noticed() {
    let server = serve(15, false, "ssl_prefer_server_ciphers = off\n", &rsa());
    let run = ciphers(server.port, &[]);
    let found = found(&run);
    for name in ["TLSv1.2", "TLSv1.3"] {
        assert_eq!(
            version(&found, name)["cipher_suite_order"],
            "client",
            "{name}"
        );
    }
    let mut all = suites(&found, "TLSv1.2");
    let mut expected = openssl_list("HIGH:MEDIUM:+3DES:!aNULL");
    all.sort();
    expected.sort();
    assert_eq!(all, expected);
}

#[test]
fn groups_come_in_the_servers_order() {
    // PostgreSQL 18 takes a list; the certificate's curve hides what TLS 1.2 likes less.
    let server = serve(
        18,
        false,
        "ssl_groups = 'secp384r1:X25519:prime256v1'\n",
        &rsa(),
    );
    let run = ciphers(server.port, &[]);
    let found = found(&run);
    for name in ["TLSv1.2", "TLSv1.3"] {
        let groups = &version(&found, name)["groups"];
        assert_eq!(
            words(groups),
            ["secp384r1", "x25519", "secp256r1"],
            "{name}"
        );
        assert_eq!(version(&found, name)["group_order"], "server", "{name}");
    }
}

#[test]
fn an_elliptic_key_leaves_the_groups_of_tls_1_2_open() {
    let server = server(18, false, "ssl_groups = 'prime256v1:X25519'\n");
    let run = ciphers(server.port, &[]);
    let found = found(&run);
    assert_eq!(
        words(&version(&found, "TLSv1.3")["groups"]),
        ["secp256r1", "x25519"]
    );
    let tls_1_2 = version(&found, "TLSv1.2");
    assert_eq!(words(&tls_1_2["groups"]), ["secp256r1"]);
    assert_eq!(tls_1_2["groups_complete"], false);
    assert_eq!(found["keys"][0]["key_type"], "EC prime256v1");
}

#[test]
fn a_server_with_everything_shows_what_is_weak() {
    let settings =
        "ssl_min_protocol_version = 'TLSv1'\nssl_ciphers = 'ALL:COMPLEMENTOFALL:@SECLEVEL=0'\n";
    let server = serve(18, true, settings, &rsa());
    let run = ciphers(server.port, &[]);
    let found = found(&run);
    assert_eq!(found["finished"], true, "{found:#}");
    for name in ["TLSv1", "TLSv1.1", "TLSv1.2"] {
        let suites = suites(&found, name);
        for one in ["NULL-SHA", "AECDH-NULL-SHA", "ADH-AES256-SHA", "AES128-SHA"] {
            assert!(
                suites.contains(&one.to_owned()),
                "{name} has no {one}: {suites:?}"
            );
        }
    }
    for (name, state) in [
        ("null-cipher", "present"),
        ("anonymous-cipher", "present"),
        ("tls-1-0-or-1-1", "present"),
        ("no-forward-secrecy", "present"),
        ("export-cipher", "absent"),
        ("rc4-cipher", "absent"),
        ("ssl-3-0", "absent"),
        ("weak-dh", "absent"),
        ("tls-1-3-missing", "absent"),
    ] {
        assert_eq!(check(&found, name), state, "{name}");
    }
    let text = client(server.port).run(&["ciphers", &client(server.port).conninfo]);
    assert!(
        text.stdout.contains("critical     null-cipher: TLSv1: "),
        "{text:#?}"
    );
}

#[test]
fn what_was_saved_says_the_same_when_it_is_judged_again() {
    let server = server(17, false, "");
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("seen.json");
    let saved = saved.to_str().unwrap();
    let run = ciphers(server.port, &["--save-observation", saved]);
    let again = client(server.port).run(&["assess", "--format", "json", saved]);
    assert_eq!(found(&run), found(&again));
}

#[test]
fn the_probe_enumerates_when_asked_and_shows_both() {
    let server = server(16, false, "");
    let run = client(server.port).probe(&["--enumerate"]);
    assert!(run.stdout.contains("verify-full"), "{run:#?}");
    assert!(run.stdout.contains("TLSv1.2      "), "{run:#?}");
    assert!(run.stderr.contains("at most 1000 connections"), "{run:#?}");
    let without = client(server.port).json(&[]);
    assert_eq!(without.at("/hosts/0/enumeration"), Value::Null);
}

#[test]
fn no_tls_is_no_enumeration() {
    let workshop = self_signed("db.example.test");
    let server = serve(15, false, "ssl = off\n", &workshop);
    let run = ciphers(server.port, &[]);
    let found = found(&run);
    assert_eq!(found["finished"], false);
    assert_eq!(found["versions"].as_array().unwrap().len(), 0);
    assert_eq!(check(&found, "null-cipher"), "not_observed");
    assert_eq!(run.status, Some(2));
}
