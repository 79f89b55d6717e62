//! `pgprobe ciphers` and `--enumerate` against real servers, and against what real ones never do.

use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use serde_json::Value;

use crate::support::certificates::{self_signed, signed};
use crate::support::fleet::closed_port;
use crate::support::installation::succeed;
use crate::support::pgprobe::{Client, Run};
use crate::support::postgres::{PgCluster, Setup};
use crate::support::repository::repository;
use crate::support::scripted::{
    AUTHENTICATION_OK, Identity, PROTOCOL_3_0, Peer, SSL_REQUEST, Scripted, error_response,
};

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
    let present: Vec<_> = found["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["state"] == "present")
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        present,
        ["no-forward-secrecy", "post-quantum-group-missing"]
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
    let text = client(server.port).run(&["assess", saved]);
    assert!(
        text.stdout.contains("TLSv1.3: ALPN postgresql"),
        "{text:#?}"
    );
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
fn a_host_of_several_that_is_not_reached_is_named() {
    let server = server(16, false, "");
    let closed = closed_port();
    let target = format!(
        "host=127.0.0.1,127.0.0.1 port={},{closed} user=u",
        server.port
    );
    let run = client(server.port).run(&["ciphers", &target]);
    assert_eq!(run.status, Some(2), "{run:#?}");
    let line = format!("\n\n127.0.0.1:{closed}  not enumerated: Connection refused\n");
    assert!(run.stdout.ends_with(&line), "{run:#?}");
    let quiet = client(server.port).run(&["ciphers", "-q", &target]);
    assert_eq!(quiet.stdout.lines().count(), 2, "{quiet:#?}");
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
    let quiet = client(server.port);
    let quiet = quiet.run(&["ciphers", "-q", &quiet.conninfo]);
    assert!(quiet.stdout.contains("  no TLS  "), "{quiet:#?}");
}

/// A suite that this server takes, in TLS 1.2 and below, and what it says beside it.
#[derive(Clone, Copy)]
struct Odd {
    version: u8,
    suite: u16,
    compression: u8,
    extensions: &'static [u8],
}

/// What a ClientHello asks for.
struct Asked {
    /// The second byte of the version; TLS 1.3 says so elsewhere.
    version: u8,
    modern: bool,
    suites: Vec<u16>,
}

/// A server that answers the ClientHello of each connection with these bytes, and nothing after it.
fn answering(answer: impl Fn(usize, &Asked) -> Vec<u8> + Send + Sync + 'static) -> Scripted {
    Scripted::new(move |number, peer| {
        if peer.request() != Some(SSL_REQUEST) {
            return;
        }
        peer.send(b"S");
        let head = peer.read(5);
        let (Some(22), Some(length)) = (head.first(), head.get(3..5)) else {
            return;
        };
        let hello = peer.read(usize::from(u16::from_be_bytes([length[0], length[1]])));
        // Handshake header, version, random, session id, suites.
        let (Some(version), Some(session)) = (hello.get(5), hello.get(38)) else {
            return;
        };
        let at = 39 + usize::from(*session);
        let Some(count) = hello.get(at..at + 2) else {
            return;
        };
        let count = usize::from(u16::from_be_bytes([count[0], count[1]]));
        let suites = hello.get(at + 2..at + 2 + count).unwrap_or_default();
        let asked = Asked {
            version: *version,
            // supported_versions: TLS 1.3 is asked for.
            modern: hello
                .windows(7)
                .any(|window| window == [0, 43, 0, 3, 2, 3, 4]),
            suites: suites
                .chunks(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                .collect(),
        };
        peer.send(&answer(number, &asked));
        peer.wait_for_end();
    })
}

fn alert(number: u8) -> Vec<u8> {
    vec![21, 3, 3, 0, 2, 2, number]
}

/// ServerHello, perhaps Certificate, ServerHelloDone.
fn flight(odd: Odd, certificate: Option<u32>) -> Vec<u8> {
    let mut body = vec![3, odd.version];
    body.extend([7; 32]);
    body.push(0);
    body.extend(odd.suite.to_be_bytes());
    body.push(odd.compression);
    if !odd.extensions.is_empty() {
        body.extend([0, u8::try_from(odd.extensions.len()).unwrap()]);
        body.extend(odd.extensions);
    }
    let mut flight = vec![2, 0, 0, u8::try_from(body.len()).unwrap()];
    flight.extend(body);
    if let Some(number) = certificate {
        flight.extend([11, 0, 0, 10, 0, 0, 7, 0, 0, 4]);
        flight.extend(number.to_be_bytes());
    }
    flight.extend([14, 0, 0, 0]);
    let mut record = vec![22, 3, odd.version, 0, u8::try_from(flight.len()).unwrap()];
    record.extend(flight);
    record
}

/// A server of one suite that no TLS library has any more: it never gets beyond its first flight.
fn odd(odd: Odd) -> Scripted {
    answering(move |_, asked| {
        if asked.version != odd.version || asked.modern {
            alert(70)
        } else if asked.suites.contains(&odd.suite) {
            flight(odd, None)
        } else {
            alert(40)
        }
    })
}

#[test]
fn what_no_library_has_any_more_is_found_all_the_same() {
    // renegotiation_info and extended_master_secret.
    const BOTH: &[u8] = &[0xff, 1, 0, 1, 0, 0, 23, 0, 0];
    let good = Odd {
        version: 3,
        suite: 0xc02f,
        compression: 0,
        extensions: BOTH,
    };
    for (server, wrong) in [
        (
            Odd {
                suite: 0x0003,
                ..good
            },
            &["export-cipher", "rc4-cipher", "no-forward-secrecy"][..],
        ),
        (
            Odd {
                suite: 0x0005,
                ..good
            },
            &["rc4-cipher", "no-forward-secrecy"],
        ),
        (
            Odd {
                suite: 0x0007,
                ..good
            },
            &["cipher-with-64-bit-blocks", "no-forward-secrecy"],
        ),
        (
            Odd {
                suite: 0x000a,
                ..good
            },
            &["cipher-with-64-bit-blocks", "no-forward-secrecy"],
        ),
        (
            Odd {
                suite: 0x0001,
                ..good
            },
            &["null-cipher", "no-forward-secrecy"],
        ),
        (
            Odd {
                suite: 0x00a6,
                ..good
            },
            &["anonymous-cipher"],
        ),
        (Odd { version: 0, ..good }, &["ssl-3-0"]),
        (Odd { version: 1, ..good }, &["tls-1-0-or-1-1"]),
        (
            Odd {
                extensions: &BOTH[5..],
                ..good
            },
            &["renegotiation-info-missing"],
        ),
        (
            Odd {
                extensions: &BOTH[..5],
                ..good
            },
            &["extended-master-secret-missing"],
        ),
        (
            Odd {
                compression: 1,
                ..good
            },
            &["compression"],
        ),
        (good, &[]),
    ] {
        let scripted = odd(server);
        let run = ciphers(scripted.port, &[]);
        let found = found(&run);
        assert_eq!(found["finished"], true, "{found:#}");
        let checks = found["checks"].as_array().unwrap();
        let present: Vec<_> = checks
            .iter()
            .filter(|check| check["state"] == "present")
            .map(|check| check["name"].as_str().unwrap())
            // None of these servers speaks TLS 1.3.
            .filter(|name| !["tls-1-3-missing", "post-quantum-group-missing"].contains(name))
            .collect();
        assert_eq!(present, wrong, "0x{:04x}", server.suite);
    }
}

#[test]
fn a_short_prime_is_weak_and_no_libpq_of_level_2_takes_it() {
    let settings = "ssl_max_protocol_version = 'TLSv1.2'\nssl_ciphers = 'DHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0'\n\
                    ssl_dh_params_file = 'server.dh'\n";
    let workshop = rsa();
    workshop.run("openssl dhparam -dsaparam -out server.dh 1024");
    let server = PgCluster::new(15);
    server.install(workshop.path(), &["server.crt", "server.key", "server.dh"]);
    let server = server.permissive().start(Setup {
        settings: &format!("ssl = on\n{settings}"),
        hba: "host all all all scram-sha-256",
        ident: "",
    });
    let run = ciphers(server.port, &[]);
    let found = found(&run);
    assert_eq!(check(&found, "weak-dh"), "present", "{found:#}");
    assert_eq!(found["dh"][0]["bits"], 1024);
    let outcomes: Vec<_> = found["profiles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["outcome"])
        .collect();
    assert_eq!(outcomes, ["fails", "agrees", "agrees"]);
}

#[test]
fn tls_1_0_of_an_old_default_is_found() {
    // PostgreSQL 10 on OpenSSL 1.1.1.
    let server = serve(10, false, "", &rsa());
    let run = ciphers(server.port, &[]);
    let found = found(&run);
    assert_eq!(check(&found, "tls-1-0-or-1-1"), "present");
    assert_eq!(
        check(&found, "plaintext-accepted-after-ssl-request"),
        "absent"
    );
    assert_eq!(found["front_end"]["conclusion"], "no_sign");
}

/// A TLS server that handles what comes behind SSLRequest as `odd` says.
fn modern(script: impl Fn(&mut Peer, &Arc<ServerConfig>) + Send + Sync + 'static) -> Scripted {
    let config = Identity::new("db.example.test", "enumerated").server();
    Scripted::new(move |_, peer| script(peer, &config))
}

#[test]
fn what_a_modern_server_has_is_not_missing_and_what_it_has_not_is() {
    // rustls with its default groups, X25519MLKEM768 among them.
    let newest = modern(|peer, config| {
        if peer.request() == Some(SSL_REQUEST) {
            peer.send(b"S");
            if let Some(mut tls) = peer.tls_handshake(config) {
                tls.wait_for_end();
            }
        }
    });
    let found_there = found(&ciphers(newest.port, &[]));
    let old = server(15, false, "ssl_max_protocol_version = 'TLSv1.2'\n");
    let found_here = found(&ciphers(old.port, &[]));
    for (name, here, there) in [
        ("tls-1-3-missing", "present", "absent"),
        ("post-quantum-group-missing", "present", "absent"),
        ("no-forward-secrecy", "absent", "absent"),
        ("bytes-after-s", "absent", "absent"),
        ("compression", "absent", "absent"),
    ] {
        assert_eq!(check(&found_here, name), here, "{name}: {found_here:#}");
        assert_eq!(check(&found_there, name), there, "{name}: {found_there:#}");
    }
}

#[test]
fn plaintext_that_is_taken_for_encrypted_is_noticed() {
    // Neither npm nor PyPI has a server from before the fix that has TLS.
    let vulnerable = modern(|peer, config| match peer.request() {
        Some(SSL_REQUEST) => {
            peer.send(b"S");
            // What a PostgreSQL before the fix of CVE-2021-23214 has in its buffer.
            let injected = peer.peek_request() == Some(PROTOCOL_3_0);
            if injected {
                peer.request();
            }
            if let Some(mut tls) = peer.tls_handshake(config) {
                if injected {
                    tls.send(AUTHENTICATION_OK);
                }
                tls.wait_for_end();
            }
        }
        _ => peer.close(),
    });
    let run = ciphers(vulnerable.port, &[]);
    assert_eq!(
        check(&found(&run), "plaintext-accepted-after-ssl-request"),
        "present",
        "{run:#?}"
    );
}

#[test]
fn bytes_behind_s_are_noticed() {
    let server = modern(|peer, config| {
        if peer.request() == Some(SSL_REQUEST) {
            peer.send(b"SE");
            if let Some(mut tls) = peer.tls_handshake(config) {
                tls.wait_for_end();
            }
        }
    });
    let run = ciphers(server.port, &[]);
    assert_eq!(check(&found(&run), "bytes-after-s"), "present", "{run:#?}");
}

#[test]
fn a_server_that_is_full_is_waited_for() {
    let count = Arc::new(AtomicUsize::new(0));
    let server = modern(move |peer, config| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        if peer.request() != Some(SSL_REQUEST) {
            return;
        }
        if (5..8).contains(&number) {
            peer.send(&error_response("53300", "sorry, too many clients already"));
            return peer.close();
        }
        peer.send(b"S");
        if let Some(mut tls) = peer.tls_handshake(config) {
            tls.wait_for_end();
        }
    });
    let run = ciphers(server.port, &[]);
    let found = found(&run);
    assert_eq!(found["finished"], true, "{found:#}");
    assert!(found["turned_away"].as_u64().unwrap() > 0, "{found:#}");
    assert!(!suites(&found, "TLSv1.3").is_empty());
}

#[test]
fn a_server_of_one_connection_at_a_time_is_asked_one_after_the_other() {
    for direct in [false, true] {
        let turn = Mutex::new(());
        let server = modern(move |peer, config| {
            // The others are connected, and get nothing until this one has ended.
            let _turn = turn.lock();
            if !direct {
                if peer.request() != Some(SSL_REQUEST) {
                    return;
                }
                peer.send(b"S");
            }
            if let Some(mut tls) = peer.tls_handshake(config) {
                tls.wait_for_end();
            }
        });
        let negotiation: &[&str] = if direct {
            &["--sslnegotiation", "direct", "--sslmode", "require"]
        } else {
            &[]
        };
        let found = found(&ciphers(server.port, negotiation));
        assert_eq!(found["finished"], true, "{direct}: {found:#}");
        assert_eq!(version(&found, "TLSv1.1")["state"], "refused", "{direct}");
        assert_eq!(suites(&found, "TLSv1.2").len(), 3, "{direct}: {found:#}");
        assert_eq!(suites(&found, "TLSv1.3").len(), 3, "{direct}: {found:#}");
        for version in ["TLSv1.2", "TLSv1.3"] {
            assert_eq!(self::version(&found, version)["groups_complete"], true);
        }
    }
}

#[test]
fn what_could_not_be_finished_is_not_called_absent() {
    let count = Arc::new(AtomicUsize::new(0));
    let server = modern(move |peer, config| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        if peer.request() != Some(SSL_REQUEST) {
            return;
        }
        peer.send(b"S");
        // From the eighth connection on it says nothing more.
        if number >= 8 {
            return peer.wait_for_end();
        }
        if let Some(mut tls) = peer.tls_handshake(config) {
            tls.wait_for_end();
        }
    });
    let run = ciphers(server.port, &["--timeout", "2"]);
    let found = found(&run);
    assert_eq!(run.status, Some(2), "{run:#?}");
    assert_eq!(found["finished"], false, "{found:#}");
    for name in ["null-cipher", "rc4-cipher", "export-cipher", "weak-dh"] {
        assert_eq!(check(&found, name), "not_observed", "{name}");
    }
    let target = client(server.port).conninfo;
    let text = client(server.port).run(&["ciphers", "--timeout", "1", &target]);
    assert!(text.stdout.contains("UNFINISHED"), "{text:#?}");
    let quiet = client(server.port).run(&["ciphers", "-q", "--timeout", "1", &target]);
    assert!(quiet.stdout.contains("  TLS unknown  "), "{quiet:#?}");
}

#[test]
fn a_connection_that_merely_ends_is_no_answer() {
    // From the twelfth connection on it is in trouble, each time in another way.
    for trouble in ["close", "internal_error", "HTTP"] {
        let count = Arc::new(AtomicUsize::new(0));
        let server = modern(move |peer, config| {
            let number = count.fetch_add(1, Ordering::SeqCst);
            if peer.request() != Some(SSL_REQUEST) {
                return;
            }
            peer.send(b"S");
            if number < 12 {
                if let Some(mut tls) = peer.tls_handshake(config) {
                    tls.wait_for_end();
                }
                return;
            }
            peer.read(60);
            match trouble {
                "close" => peer.close(),
                "internal_error" => peer.send(&[21, 3, 3, 0, 2, 2, 80]),
                _ => peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
            }
        });
        let run = ciphers(server.port, &["--timeout", "20"]);
        let found = found(&run);
        assert_eq!(run.status, Some(2), "{trouble}: {run:#?}");
        assert_eq!(found["finished"], false, "{trouble}: {found:#}");
        for name in [
            "rc4-cipher",
            "weak-dh",
            "plaintext-accepted-after-ssl-request",
        ] {
            assert_eq!(check(&found, name), "not_observed", "{trouble}: {name}");
        }
    }
}

/// A server of TLS 1.2 that takes the first suite of any list; what it does is for `number`.
fn takes_anything(odd: impl Fn(usize, Odd) -> Option<Vec<u8>> + Send + Sync + 'static) -> Scripted {
    answering(move |number, asked| {
        let first = Odd {
            version: 3,
            suite: asked.suites[0],
            compression: 0,
            extensions: &[],
        };
        match odd(number, first) {
            Some(bytes) => bytes,
            None if asked.version != 3 || asked.modern => alert(70),
            None if first.suite == 0x00ff => alert(40),
            None => flight(first, None),
        }
    })
}

#[test]
fn a_server_that_changes_while_it_is_asked_has_not_refused_the_rest() {
    // From the sixteenth connection on it refuses what it took before.
    let server = takes_anything(|number, _| (number >= 15).then(|| alert(40)));
    let run = ciphers(server.port, &[]);
    let found = found(&run);
    assert_eq!(run.status, Some(2), "{run:#?}");
    assert!(suites(&found, "TLSv1.2").len() > 3, "{found:#}");
    assert_eq!(version(&found, "TLSv1.2")["cipher_suites_complete"], false);
    for name in ["rc4-cipher", "weak-dh", "compression"] {
        assert_eq!(check(&found, name), "not_observed", "{name}");
    }
}

#[test]
fn what_is_no_answer_is_no_refusal() {
    let close_notify: fn(Odd) -> Vec<u8> = |_| vec![21, 3, 3, 0, 2, 1, 0];
    let nonsense: fn(Odd) -> Vec<u8> = |first| {
        flight(
            Odd {
                version: 0x1c,
                ..first
            },
            None,
        )
    };
    let higher: fn(Odd) -> Vec<u8> = |first| {
        flight(
            Odd {
                version: 5,
                ..first
            },
            None,
        )
    };
    for (name, answer) in [
        ("close_notify", close_notify),
        ("a version that there is not", nonsense),
        ("a version above the one that was asked for", higher),
    ] {
        let server = takes_anything(move |_, first| Some(answer(first)));
        let run = ciphers(server.port, &[]);
        let found = found(&run);
        assert_eq!(run.status, Some(2), "{name}: {run:#?}");
        for one in found["versions"].as_array().unwrap() {
            assert_eq!(one["state"], "unknown", "{name}: {found:#}");
        }
        for check_name in ["null-cipher", "ssl-3-0", "tls-1-3-missing"] {
            assert_eq!(check(&found, check_name), "not_observed", "{name}");
        }
    }
}

#[test]
fn a_new_certificate_on_every_connection_does_not_fill_the_memory() {
    let server = takes_anything(|number, first| {
        let number = u32::try_from(number).unwrap();
        // Kinds of suites whose first flight is whole without a ServerKeyExchange.
        (first.version == 3 && first.suite < 0x0100).then(|| flight(first, Some(number)))
    });
    let run = ciphers(server.port, &[]);
    let found = found(&run);
    assert_eq!(run.status, Some(2), "{run:#?}");
    let why = found["unfinished"].as_str().unwrap();
    assert!(why.contains("more than 64"), "{why}");
    assert!(found["keys"].as_array().unwrap().len() <= 64);
    assert_eq!(check(&found, "weak-dh"), "not_observed");
}

#[test]
fn a_slow_pace_is_no_server_that_turns_anybody_away() {
    let server = server(15, false, "");
    let run = ciphers(
        server.port,
        &["--max-connections-per-second", "4", "--timeout", "2"],
    );
    let found = found(&run);
    assert_eq!(run.status, Some(2), "{run:#?}");
    assert_eq!(found["turned_away"], 0, "{found:#}");
    // The first at once, then one each quarter of a second.
    assert!(found["connections"].as_u64().unwrap() <= 10, "{found:#}");
    let why = found["unfinished"].as_str().unwrap();
    assert!(why.contains("the time was over"), "{why}");
    assert!(run.stderr.contains("hint: at that rate"), "{run:#?}");
}

#[test]
fn a_version_that_is_chosen_and_then_fails_is_no_way_for_libpq() {
    // The only group is none of TLS 1.3's, which the server chooses all the same.
    let server = serve(15, false, "ssl_ecdh_curve = 'brainpoolP256r1'\n", &rsa());
    let found = found(&ciphers(server.port, &[]));
    assert!(!suites(&found, "TLSv1.2").is_empty());
    for profile in found["profiles"].as_array().unwrap() {
        assert_eq!(profile["outcome"], "fails", "{profile:#}");
    }
}

#[test]
fn no_answer_however_broken_stops_it() {
    // A flight, cut and changed in ways that depend on the connection.
    let server = Scripted::new(|number, peer| {
        if peer.request() != Some(SSL_REQUEST) {
            return;
        }
        peer.send(b"S");
        peer.read(60);
        let mut flight = vec![22, 3, 3, 0, 90, 2, 0, 0, 50, 3, 3];
        flight.extend([5; 32]);
        flight.extend([0, 0xc0, 0x2f, 0, 0, 10, 0xff, 1, 0, 1, 0, 0, 11, 0, 1, 0]);
        flight.extend([
            11, 0, 0, 10, 0, 0, 7, 0, 0, 4, 1, 2, 3, 4, 12, 0, 0, 9, 3, 0, 29, 1, 9,
        ]);
        let place = (number * 7) % flight.len();
        flight[place] ^= u8::try_from(number % 255).unwrap() + 1;
        flight.truncate(flight.len() - number % 5);
        peer.send(&flight);
        peer.close();
    });
    let run = ciphers(server.port, &["--timeout", "5"]);
    assert!(matches!(run.status, Some(0 | 2)), "{run:#?}");
    assert!(!run.stderr.contains("panicked"), "{run:#?}");
    found(&run);
}

/// Runs a proxy in front of a server, and enumerates it.
fn in_front(program: &str, arguments: &[&str], direct: bool, port: u16) -> Value {
    let mut proxy = Command::new("setpriv");
    proxy.args(["--pdeathsig", "KILL", program]).args(arguments);
    let mut proxy = proxy
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(
            Instant::now() < deadline,
            "{program} does not listen: run tests/setup"
        );
        sleep(Duration::from_millis(50));
    }
    let negotiation = if direct { "direct" } else { "postgres" };
    let run = ciphers(
        port,
        &["--sslnegotiation", negotiation, "--sslmode", "require"],
    );
    let _ = proxy.kill();
    let _ = proxy.wait();
    found(&run)
}

#[test]
fn proxies_are_told_from_postgresql_and_by_their_names() {
    let server = serve(15, false, "", &rsa());
    let workshop = rsa();
    workshop.run("cat server.crt server.key > both.pem; chmod 644 *; chmod 755 .");
    let back = server.port;
    let file = |name: &str| workshop.file(name);
    for (product, program, direct) in [
        ("stunnel", "/usr/bin/stunnel4", false),
        ("PgBouncer", "/usr/sbin/pgbouncer", false),
        ("HAProxy", "/usr/sbin/haproxy", true),
        ("nginx", "/usr/sbin/nginx", true),
        ("nginx with its own order", "/usr/sbin/nginx", true),
    ] {
        let port = closed_port();
        let (crt, key, both) = (file("server.crt"), file("server.key"), file("both.pem"));
        let folder = workshop.path().to_str().unwrap();
        let order = match product {
            "nginx" => "",
            _ => "ssl_protocols TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers on;",
        };
        let text = match product {
            "stunnel" => format!(
                "foreground = yes\npid =\n[pg]\naccept = 127.0.0.1:{port}\n\
                 connect = 127.0.0.1:{back}\nprotocol = pgsql\ncert = {both}\n"
            ),
            "PgBouncer" => format!(
                "[databases]\n* = host=127.0.0.1 port={back}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
                 listen_port = {port}\nunix_socket_dir =\nauth_type = any\nclient_tls_sslmode = allow\n\
                 client_tls_cert_file = {crt}\nclient_tls_key_file = {key}\nuser = postgres\n"
            ),
            "HAProxy" => format!(
                "defaults\n mode tcp\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n\
                 frontend f\n bind 127.0.0.1:{port} ssl crt {both}\n default_backend b\n\
                 backend b\n server s 127.0.0.1:{back}\n"
            ),
            // One server of OpenSSL that keeps to its own order is like the other.
            _ => format!(
                "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\ndaemon off;\nmaster_process off;\n\
                 pid {folder}/nginx.pid;\nerror_log {folder}/nginx.log;\nevents {{}}\n\
                 stream {{ server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {crt};\n\
                 ssl_certificate_key {key}; {order} proxy_pass 127.0.0.1:{back}; }} }}\n"
            ),
        };
        workshop.write("proxy.conf", &text);
        let conf = file("proxy.conf");
        let arguments: &[&str] = match product {
            "HAProxy" => &["-db", "-f", &conf],
            "stunnel" | "PgBouncer" => &[&conf],
            _ => &["-c", &conf, "-p", folder],
        };
        let found = in_front(program, arguments, direct, port);
        let front_end = &found["front_end"];
        assert_eq!(front_end["conclusion"], "proxy", "{product}: {front_end:#}");
        let named = match product {
            "stunnel" | "PgBouncer" | "nginx" => Value::from(product),
            _ => Value::Null,
        };
        assert_eq!(front_end["product"], named, "{product}: {front_end:#}");
        let goes_on = if direct { "present" } else { "absent" };
        assert_eq!(
            check(&found, "direct-tls-without-alpn"),
            goes_on,
            "{product}"
        );
    }
    for major in [12, 17, 18] {
        let server = serve(major, false, "", &rsa());
        let found = found(&ciphers(server.port, &[]));
        assert_eq!(
            found["front_end"]["conclusion"], "no_sign",
            "PostgreSQL {major}"
        );
        assert_eq!(
            check(&found, "direct-tls-without-alpn"),
            "absent",
            "PostgreSQL {major}"
        );
        assert_eq!(
            check(&found, "plaintext-accepted-after-ssl-request"),
            "absent",
            "{major}"
        );
    }
}

#[test]
fn the_documents_list_every_check_with_its_severity_and_every_product() {
    let scripted = odd(Odd {
        version: 3,
        suite: 0xc02f,
        compression: 0,
        extensions: &[],
    });
    let found = found(&ciphers(scripted.port, &[]));
    let text = std::fs::read_to_string(repository("docs/enumeration.md")).unwrap();
    let rows: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let checks = found["checks"].as_array().unwrap();
    assert_eq!(rows.len(), checks.len());
    for (row, check) in rows.iter().zip(checks) {
        let (name, severity) = (
            check["name"].as_str().unwrap(),
            check["severity"].as_str().unwrap(),
        );
        assert!(row.starts_with(&format!("| `{name}`")), "{row}: {name}");
        assert!(
            row.ends_with(&format!("| {severity} |")),
            "{row}: {severity}"
        );
        assert!(!check["citation"].as_str().unwrap().is_empty(), "{name}");
    }
    let products = std::fs::read_to_string(repository("docs/front-ends.md")).unwrap();
    let rules = std::fs::read_to_string(repository("src/assess/enumeration/front_end.rs")).unwrap();
    let named = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("name: \""));
    let named: Vec<_> = named.filter_map(|rest| rest.strip_suffix("\",")).collect();
    assert_eq!(named.len(), 3);
    for name in named {
        assert!(products.contains(&format!("\n| {name} | ")), "{name}");
    }
}
