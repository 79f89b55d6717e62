//! How pgprobe behaves towards a server: what it says, what it never says, and how it leaves.

use std::sync::{Arc, Mutex};

use crate::support::pgprobe::Client;
use crate::support::scripted::{
    GSSENC_REQUEST, Identity, PROTOCOL_3_0, SSL_REQUEST, Scripted, TlsEnd, WELCOME, error_response,
};

/// `name\0value\0` somewhere in a StartupMessage.
fn says(bytes: &[u8], name: &str, value: &str) -> bool {
    let pair = format!("{name}\0{value}\0");
    bytes
        .windows(pair.len())
        .any(|window| window == pair.as_bytes())
}

#[test]
fn the_startup_message_names_pgprobe_the_user_and_the_database() {
    let server = Scripted::new(|_, peer| {
        if peer.request() == Some(SSL_REQUEST) {
            peer.send(b"N");
            peer.request();
        }
        peer.send(b"R\0\0\0\x08\0\0\0\x03");
        peer.wait_for_end();
    });
    let conninfo = format!("host=127.0.0.1 port={} user=ann dbname=app", server.port);
    let run = Client::new(conninfo).json(&[]);
    assert_eq!(run.at("/connections"), 2, "{run:#?}");
    for record in server.records() {
        assert!(says(&record.bytes, "user", "ann"), "{record:?}");
        assert!(says(&record.bytes, "database", "app"), "{record:?}");
        assert!(
            says(&record.bytes, "application_name", "pgprobe"),
            "{record:?}"
        );
        assert!(record.requests.ends_with(&[PROTOCOL_3_0]), "{record:?}");
    }
}

#[test]
fn a_request_for_a_password_is_answered_by_leaving() {
    let after = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&after);
    let server = Scripted::new(move |_, peer| {
        if peer.request() == Some(SSL_REQUEST) {
            peer.send(b"N");
            peer.request();
        }
        peer.send(b"R\0\0\0\x08\0\0\0\x03");
        let rest = peer.read(100);
        seen.lock().unwrap().push(rest);
    });
    let run = Client::new(format!(
        "host=127.0.0.1 port={} user=ann password=pass",
        server.port
    ))
    .env("PGPASSWORD", "pass")
    .json(&[]);
    assert_eq!(run.verdicts()[0], "plain", "{run:#?}");
    drop(server);
    for rest in after.lock().unwrap().iter() {
        assert!(rest.is_empty() || rest == b"X\0\0\0\x04", "{rest:?}");
    }
}

#[test]
fn let_in_it_says_goodbye_at_once_and_asks_nothing() {
    let after = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&after);
    let server = Scripted::new(move |_, peer| {
        if peer.request() == Some(SSL_REQUEST) {
            peer.send(b"N");
            peer.request();
        }
        peer.send(WELCOME);
        let rest = peer.read(100);
        seen.lock().unwrap().push(rest);
    });
    let run = Client::new(format!("host=127.0.0.1 port={} user=ann", server.port)).json(&[]);
    assert_eq!(
        run.at("/hosts/0/startup/plaintext/answer"),
        "accepted",
        "{run:#?}"
    );
    drop(server);
    let after = after.lock().unwrap();
    assert_eq!(
        *after,
        vec![b"X\0\0\0\x04".to_vec(); 2],
        "Terminate, and nothing else"
    );
}

#[test]
fn a_handshake_ends_with_close_notify_and_no_reset() {
    let ends = Arc::new(Mutex::new(Vec::new()));
    let (seen, config) = (
        Arc::clone(&ends),
        Identity::new("db.example.test", "db").server(),
    );
    let server = Scripted::new(move |_, peer| {
        assert_eq!(peer.request(), Some(SSL_REQUEST));
        peer.send(b"S");
        let end = peer.tls_until_end(&config);
        seen.lock().unwrap().push(end);
    });
    let conninfo = format!("host=127.0.0.1 port={} user=ann", server.port);
    let run = Client::new(conninfo).json(&["--depth", "handshake"]);
    assert_eq!(run.at("/tls/completed"), true, "{run:#?}");
    drop(server);
    assert_eq!(*ends.lock().unwrap(), [TlsEnd::CloseNotify]);
}

#[test]
fn full_asks_each_of_its_questions_once() {
    let config = Identity::new("db.example.test", "db").server();
    let server = Scripted::new(move |_, peer| match peer.request() {
        Some(SSL_REQUEST) => {
            peer.send(b"S");
            if let Some(mut encrypted) = peer.tls(&config) {
                encrypted.send(WELCOME);
                encrypted.wait_for_end();
            }
        }
        Some(GSSENC_REQUEST) => peer.send(b"N"),
        Some(PROTOCOL_3_0) => peer.send(WELCOME),
        _ => peer.close(),
    });
    let conninfo = format!("host=127.0.0.1 port={} user=ann", server.port);
    let run = Client::new(conninfo).json(&["--depth", "full"]);
    assert_eq!(run.at("/connections"), 5, "{run:#?}");
    let mut asked: Vec<_> = server
        .records()
        .into_iter()
        .map(|record| record.requests)
        .collect();
    asked.sort();
    // 0 is a ClientHello as the first thing: direct TLS, with and without ALPN.
    let expected = vec![
        vec![0],
        vec![0],
        vec![PROTOCOL_3_0],
        vec![SSL_REQUEST, PROTOCOL_3_0],
        vec![GSSENC_REQUEST],
    ];
    assert_eq!(asked, expected);
}

#[test]
fn a_server_that_never_answers_is_left_in_time() {
    let server = Scripted::new(|_, peer| peer.wait_for_end());
    let began = std::time::Instant::now();
    let run = Client::new(format!("host=127.0.0.1 port={} user=ann", server.port))
        .json(&["--timeout", "1"]);
    let took = began.elapsed().as_secs_f64();
    assert!((0.9..4.0).contains(&took), "{took} s");
    assert_eq!(run.verdicts(), ["undetermined"; 6], "{run:#?}");
    assert_eq!(run.at("/status"), "timeout", "{run:#?}");
}

/// Probes a server that answers with an error full of control characters; what is shown.
fn shown(options: &[&str]) -> String {
    let server = Scripted::new(|_, peer| {
        peer.request();
        let words = "\x1b]0;owned\x07\x1b[31m \u{9b}31m pg_hba.conf \u{202e}rejects\r\n";
        peer.send(&error_response("28000", words));
        peer.wait_for_end();
    });
    let conninfo = format!("host=127.0.0.1 port={} user=ann", server.port);
    let run = Client::new(conninfo).probe(options);
    format!("{}{}", run.stdout, run.stderr)
}

/// Whether a terminal would do something else with a text than show it.
fn acts(text: &str) -> bool {
    text.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}')
}

#[test]
fn what_a_server_says_reaches_no_terminal_unescaped() {
    for options in [&[][..], &["-v", "-v"], &["--quiet"]] {
        let text = shown(options);
        assert!(!acts(&text), "{options:?}: {text:?}");
    }
}

#[test]
fn json_is_fit_for_a_terminal_too() {
    let text = shown(&["--format", "json"]);
    assert!(!acts(&text), "{text:?}");
    assert!(text.contains("pg_hba.conf"), "the words are there: {text}");
}
