//! `pgprobe check` against servers and resolvers that want it to lie, hang or spam: what it prints
//! is always a plugin's output, and it ends in time.

use std::process::Command;
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, DnType, DnValue, KeyPair};
use rustls::pki_types::PrivateKeyDer;

use crate::check::plugin;
use crate::support::installation::succeed;
use crate::support::pgprobe::{Client, program};
use crate::support::resolver::with_silent_resolver;
use crate::support::scripted::{Peer, SSL_REQUEST, Scripted, error_response};

/// What a monitoring core, a terminal or a log would trip over.
const HOSTILE: &str =
    "x|evil=1;2;3\nPGPROBE OK: all is well\r\n\x1b[31m\x07\u{9b}2J\u{202e}\u{2028}";

/// Checks the server of a script within two seconds; the output.
#[track_caller]
fn critical(script: impl Fn(&mut Peer) + Send + Sync + 'static, options: &[&str]) -> String {
    let server = Scripted::new(move |_, peer| script(peer));
    let port = server.port.to_string();
    let arguments = ["check", "-H", "127.0.0.1", "-p", &port, "-t", "2"];
    let began = Instant::now();
    let run = plugin(&Client::new(""), &[&arguments[..], options].concat());
    let took = began.elapsed();
    assert!(took < Duration::from_millis(2300), "{took:?}: {run:#?}");
    assert_eq!(run.status, Some(2), "{run:#?}");
    assert!(!run.stdout.contains("|evil=1"), "{run:#?}");
    let forged = run
        .stdout
        .lines()
        .skip(1)
        .find(|line| line.starts_with("PGPROBE"));
    assert_eq!(forged, None, "{run:#?}");
    assert!(!run.stdout.contains(['\u{202e}', '\u{2028}']), "{run:#?}");
    run.stdout
}

/// Sends until the client has gone; no longer than the test lasts.
fn flood(peer: &mut Peer, bytes: &[u8], pause: Duration) {
    let end = Instant::now() + Duration::from_secs(4);
    while Instant::now() < end {
        peer.send(bytes);
        std::thread::sleep(pause);
    }
}

#[test]
fn answers_that_are_not_postgresqls() {
    let banner = b"HTTP/1.1 400 Bad Request\r\nServer: x|evil=1\r\n\r\n";
    let said = critical(|peer| peer.send(banner), &[]);
    assert!(said.contains("not PostgreSQL: answered 0x48"), "{said}");
    critical(
        |peer| flood(peer, b"220 mail.example.test ESMTP\r\n", Duration::ZERO),
        &[],
    );
    critical(|peer| peer.send(&error_response("08P01", HOSTILE)), &[]);
    critical(Peer::close, &[]);
    critical(|peer| peer.send(b"N"), &[]);
}

#[test]
fn silence_and_slowness_end_in_time() {
    let said = critical(Peer::wait_for_end, &[]);
    assert!(said.contains("timeout"), "{said}");
    let slow = Duration::from_secs(1);
    critical(
        move |peer| {
            peer.request();
            peer.send(b"S");
            flood(peer, b"\x16", slow);
        },
        &[],
    );
    critical(
        |peer| {
            peer.request();
            peer.send(b"S");
            flood(peer, &[0x16; 65_536], Duration::ZERO);
        },
        &[],
    );
    critical(
        |peer| {
            peer.request();
            peer.send(b"S");
            peer.wait_for_end();
        },
        &["--require-scram"],
    );
}

#[test]
fn an_error_full_of_control_characters_is_one_line() {
    let said = critical(
        |peer| {
            if peer.request() == Some(SSL_REQUEST) {
                peer.send(b"N");
                peer.request();
            }
            peer.send(&error_response("28000", HOSTILE));
            peer.wait_for_end();
        },
        &[
            "-l",
            "ann",
            "--require-scram",
            "--require-mode",
            "disable",
            "-vvv",
        ],
    );
    assert!(said.contains("FATAL:  x?evil=1;2;3?PGPROBE OK"), "{said}");
}

#[test]
fn bytes_that_are_no_utf8_are_question_marks() {
    let said = critical(
        |peer| {
            if peer.request() == Some(SSL_REQUEST) {
                peer.send(b"N");
                peer.request();
            }
            let mut error = error_response("28000", "name ##|##");
            for byte in &mut error {
                if *byte == b'#' {
                    *byte = 0xff;
                }
            }
            peer.send(&error);
            peer.wait_for_end();
        },
        &["-l", "ann", "--require-mode", "disable"],
    );
    assert!(said.contains("FATAL:  name ?????"), "{said}");
    // Of our own caller, too.
    let script = format!(
        "'{}' check -H \"$(printf 'a\\377|b')\" || true",
        program().display()
    );
    let said = succeed(Command::new("sh").args(["-c", &script]));
    assert!(said.starts_with("PGPROBE UNKNOWN: "), "{said}");
    assert!(!said.contains('|'), "{said}");
}

#[test]
fn names_in_a_certificate_forge_nothing() {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    let name = &mut parameters.distinguished_name;
    name.push(DnType::CommonName, DnValue::Utf8String(HOSTILE.into()));
    name.push(
        DnType::OrganizationName,
        DnValue::Utf8String("|a=1".repeat(500)),
    );
    parameters.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    let root = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(root.path(), certificate.pem()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .unwrap();
    let config = std::sync::Arc::new(config);
    let said = critical(
        move |peer| {
            peer.request();
            peer.send(b"S");
            peer.tls_until_end(&config);
        },
        &[
            "-vvv",
            "--issuer",
            "CA",
            "--sslrootcert",
            root.path().to_str().unwrap(),
        ],
    );
    assert!(said.contains("expired"), "{said}");
    assert!(said.contains("certificate 0: subject "), "{said}");
    assert!(said.lines().all(|line| line.len() < 400), "{said}");
}

#[test]
fn a_resolver_that_never_answers_holds_nothing_up() {
    let began = Instant::now();
    let (said, questions) = with_silent_resolver(
        r#"status=0
        "$1" check -H db.example.test -t 2 2>&1 || status=$?
        echo "status $status""#,
    );
    let took = began.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}: {said}");
    let lines: Vec<&str> = said.lines().collect();
    assert!(
        lines[0].starts_with("PGPROBE CRITICAL: db.example.test:5432: timeout"),
        "{said}"
    );
    assert_eq!(lines.last(), Some(&"status 2"), "{said}");
    // The resolver was really asked, and said nothing.
    assert_ne!(questions, 0, "{said}");
}

#[test]
fn what_hangs_before_the_network_is_ended_too() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("root.crt");
    succeed(Command::new("mkfifo").arg(&fifo));
    // Nobody ever writes to it; pgprobe waits a second for that.
    let began = Instant::now();
    let fifo = fifo.to_str().unwrap();
    let run = plugin(
        &Client::new(""),
        &[
            "check",
            "-H",
            "127.0.0.1",
            "-t",
            "0.5",
            "--sslrootcert",
            fifo,
        ],
    );
    let took = began.elapsed();
    assert!(took < Duration::from_millis(900), "{took:?}: {run:#?}");
    assert_eq!(run.status, Some(2), "{run:#?}");
    assert_eq!(
        run.stdout,
        "PGPROBE CRITICAL: timeout: no result within 0.5 s\n"
    );
}

#[test]
fn a_reader_that_has_gone_is_no_reason_to_complain() {
    let script = format!(
        "'{}' check -H 127.0.0.1 -p 1 2>&1 >&- | cat; exit 0",
        program().display()
    );
    let said = succeed(Command::new("sh").args(["-c", &script]));
    assert_eq!(said, "");
}
