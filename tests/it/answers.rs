//! `tests/data/answers.table` row by row: servers that answer as real ones seldom do.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use rustls::ServerConfig;

use crate::support::pgprobe::Client;
use crate::support::scripted::{
    AUTHENTICATION_OK, Identity, PROTOCOL_3_0, Peer, SSL_REQUEST, Scripted, WELCOME, error_response,
};
use crate::support::table::{each, rows};

const TABLE: &str = include_str!("../data/answers.table");

/// The host that is asked for.
const HOST: &str = "db.example.test";

/// What a server does when it is its turn.
#[derive(Clone)]
enum Answer {
    /// Sends bytes and waits for the client to end.
    Send(Vec<u8>),
    /// Sends bytes and ends.
    SendAndEnd(Vec<u8>),
}

impl Answer {
    fn play(&self, peer: &mut Peer) {
        match self {
            Self::Send(bytes) => {
                peer.send(bytes);
                peer.wait_for_end();
            }
            Self::SendAndEnd(bytes) => {
                peer.send(bytes);
                peer.close();
                peer.wait_for_end();
            }
        }
    }
}

/// What follows the first byte that answers SSLRequest.
enum Then {
    /// The same connection in plaintext.
    Plaintext,
    /// TLS, and this in answer to the StartupMessage.
    Tls(Arc<ServerConfig>, Answer),
    /// This, in answer to the ClientHello.
    InsteadOfTls(Answer),
    /// This, a moment after the first bytes and before anything is read.
    Later(Answer),
    /// Nothing more.
    Nothing(Answer),
    /// A reset, and not even the first bytes.
    Reset,
}

/// A server: its answers to a StartupMessage in plaintext, and to SSLRequest.
struct Script {
    plaintext: Answer,
    first: Vec<u8>,
    then: Then,
}

impl Script {
    fn play(&self, peer: &mut Peer) {
        if let (Then::Reset, Some(SSL_REQUEST)) = (&self.then, peer.peek_request()) {
            return;
        }
        match peer.request() {
            Some(SSL_REQUEST) => {}
            Some(PROTOCOL_3_0) => return self.plaintext.play(peer),
            _ => return,
        }
        peer.send(&self.first);
        match &self.then {
            Then::Plaintext => {
                if peer.request() == Some(PROTOCOL_3_0) {
                    self.plaintext.play(peer);
                }
            }
            Then::Tls(config, answer) => {
                let Some(mut encrypted) = peer.tls(config) else {
                    return;
                };
                match answer {
                    Answer::Send(bytes) => {
                        encrypted.send(bytes);
                        encrypted.wait_for_end();
                    }
                    Answer::SendAndEnd(bytes) => encrypted.send(bytes),
                }
            }
            Then::InsteadOfTls(answer) => {
                // The client speaks first here; a reply before would belong to the answer.
                peer.read(5);
                sleep(Duration::from_millis(20));
                answer.play(peer);
            }
            Then::Later(answer) => {
                sleep(Duration::from_millis(50));
                answer.play(peer);
            }
            Then::Nothing(answer) => answer.play(peer),
            Then::Reset => {}
        }
    }
}

/// The certificates of the scripts.
struct Identities {
    /// In the root file, for the host.
    right: Identity,
    /// In the root file, for another host.
    other_name: Identity,
    /// Not in the root file.
    unknown: Identity,
}

/// The script of a behaviour in the table.
fn script(behaviour: &str, identities: &Identities) -> Script {
    use Answer::{Send, SendAndEnd};
    let refusal = Send(error_response(
        "28000",
        "no pg_hba.conf entry for host \"127.0.0.1\", user \"rig\", database \"rig\"",
    ));
    let starting_up = Send(error_response(
        "57P03",
        "the database system is starting up",
    ));
    let welcome = Send(WELCOME.to_vec());
    let alert = |number| SendAndEnd(vec![21, 3, 3, 0, 2, 2, number]);
    let right = |answer| Then::Tls(identities.right.server(), answer);
    let http = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n".to_vec();

    let script = |plaintext: &Answer, first: &[u8], then| {
        let (plaintext, first) = (plaintext.clone(), first.to_vec());
        Script {
            plaintext,
            first,
            then,
        }
    };
    let negotiation = |first: &[u8], then| script(&welcome, first, then);
    let over_tls = |answer| script(&welcome, b"S", right(answer));
    let silence = || Then::Nothing(Send(vec![]));
    let end = || Then::Nothing(SendAndEnd(vec![]));

    match behaviour {
        "no-tls" => negotiation(b"N", Then::Plaintext),
        "no-tls-more-bytes" => negotiation(&[b"N", WELCOME].concat(), Then::Plaintext),
        "no-tls-refused" => script(&refusal, b"N", Then::Plaintext),
        "error-reply" => negotiation(&error_response("0A000", "unsupported protocol"), end()),
        "old-error-reply" => negotiation(b"EFATAL:  unsupported protocol\n\0", end()),
        "starting-up-reply" => {
            let reply = error_response("57P03", "the database system is starting up");
            negotiation(&reply, end())
        }
        "junk-reply" => negotiation(b"X", end()),
        "lower-case-s" => negotiation(b"s", end()),
        "http-reply" => script(&SendAndEnd(http.clone()), &http, end()),
        "closed-after-request" => negotiation(b"", end()),
        "reset-after-request" => negotiation(b"", Then::Reset),
        "silent-after-request" => negotiation(b"", silence()),
        "injection" => negotiation(&[b"S", AUTHENTICATION_OK].concat(), right(welcome.clone())),
        "alert" => negotiation(b"S", Then::InsteadOfTls(alert(40))),
        "version-alert" => negotiation(b"S", Then::InsteadOfTls(alert(70))),
        "text-for-tls" => {
            let text = b"this is no TLS record at all\n".to_vec();
            negotiation(b"S", Then::InsteadOfTls(SendAndEnd(text)))
        }
        // They came too late to count as injected.
        "bytes-before-tls" => {
            let bytes = Send(AUTHENTICATION_OK.to_vec());
            negotiation(b"S", Then::Later(bytes))
        }
        "closed-in-tls" => negotiation(b"S", Then::InsteadOfTls(SendAndEnd(vec![]))),
        "tls" => over_tls(welcome.clone()),
        "tls-other-certificate" => negotiation(
            b"S",
            Then::Tls(identities.unknown.server(), welcome.clone()),
        ),
        "tls-other-name" => negotiation(
            b"S",
            Then::Tls(identities.other_name.server(), welcome.clone()),
        ),
        "tls-only" => script(&refusal, b"S", right(welcome.clone())),
        "tls-refused" => over_tls(refusal.clone()),
        "both-refused" => script(&refusal, b"S", right(refusal.clone())),
        "tls-too-many" => over_tls(Send(error_response(
            "53300",
            "sorry, too many clients already",
        ))),
        "tls-starting-up" => over_tls(starting_up.clone()),
        "tls-closed" => over_tls(SendAndEnd(vec![])),
        "tls-unknown-message" => over_tls(Send(b"X\0\0\0\x04".to_vec())),
        "plain-starting-up" => script(&starting_up, b"S", right(welcome.clone())),
        "plain-closed" => script(&SendAndEnd(vec![]), b"S", right(welcome.clone())),
        "plain-asks-password" => script(
            &Send(b"R\0\0\0\x08\0\0\0\x03".to_vec()),
            b"S",
            right(welcome.clone()),
        ),
        other => panic!("no script for {other:?}"),
    }
}

#[test]
fn each_answer_has_the_verdicts_of_the_table() {
    let identities = Identities {
        right: Identity::new(HOST, "right"),
        other_name: Identity::new("other.example.test", "other name"),
        unknown: Identity::new(HOST, "unknown"),
    };
    let roots = format!("{}{}", identities.right.pem(), identities.other_name.pem());
    each("answers.table", &rows(TABLE), |row| {
        let (behaviour, expected) = row.columns.split_first().ok_or("no columns")?;
        let script = script(behaviour, &identities);
        let server = Scripted::new(move |_, peer| script.play(peer));
        let timeout = if behaviour.starts_with("silent") {
            "connect_timeout=2"
        } else {
            ""
        };
        let client = Client::new(format!(
            "host={HOST} hostaddr=127.0.0.1 port={} user=rig dbname=rig {timeout}",
            server.port
        ))
        .home_file(".postgresql/root.crt", &roots);
        let versions = row.section.strip_prefix("libpq ").unwrap_or("15 16 17 18");
        versions.split(' ').try_for_each(|libpq| {
            let run = client.json(&["--libpq", libpq]);
            let found = run.verdicts();
            if found == *expected {
                return Ok(());
            }
            Err(format!(
                "{behaviour}, libpq {libpq}: {found:?}\n    expected {expected:?}"
            ))
        })
    });
}
