//! What each fuzz target does with its bytes: everything pgprobe does with such bytes, and what must
//! hold of the result. libFuzzer calls these; an ordinary test calls them with the saved corpora.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each fuzz target is a program that calls one of them"
)]

#[path = "tls13_server.rs"]
mod tls13_server;

use std::io::Cursor;

use pgprobe::assess::assess;
use pgprobe::conninfo;
use pgprobe::emulates::{Emulates, Libpq, OpenSsl};
use pgprobe::libpq::host_name::{self, Presented};
use pgprobe::observation::Observation;
use pgprobe::pki::crl::Crl;
use pgprobe::pki::general_name::GeneralName;
use pgprobe::pki::path::{CrlPolicy, Rules, verify, verify_with};
use pgprobe::pki::release::Release;
use pgprobe::pki::{Certificate, TrustStore, pem};
use pgprobe::render::{self, Style};
use pgprobe::tls::{Client, Progress};
use pgprobe::wire::postgres::{Decoded, startup_reply};
use pgprobe::wire::tls::client_hello::ClientHello;
use pgprobe::wire::tls::openssl;
use pgprobe::wire::tls::server_flight::server_flight;
use tls13_server::Server;

/// 2026-01-01, when most certificates of the corpora are valid.
const NOW: i64 = 1_767_225_600;

const OPENSSLS: [OpenSsl; 3] = [OpenSsl::V3Level2, OpenSsl::V3Level1, OpenSsl::V111];

/// A target.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const ALL: [(&str, Target); 9] = [
    ("startup_replies", startup_replies),
    ("tls_answers", tls_answers),
    ("tls13_handshakes", tls13_handshakes),
    ("certificates", certificates),
    ("crls", crls),
    ("pem_bundles", pem_bundles),
    ("connection_strings", connection_strings),
    ("service_files", service_files),
    ("observations", observations),
];

/// The answer to a StartupMessage.
pub fn startup_replies(bytes: &[u8]) {
    let whole = startup_reply(bytes, true);
    for cut in 0..bytes.len() {
        match startup_reply(&bytes[..cut], false) {
            Decoded::Incomplete => {}
            // What needs no more bytes is not changed by more, unless it quotes all there is.
            Decoded::Reply(reply, taken) if taken < cut => {
                assert_eq!(whole, Decoded::Reply(reply, taken));
            }
            Decoded::Reply(..) => break,
        }
    }
}

/// A server's answer to a ClientHello: to the one that only looks, and to the client that goes on.
pub fn tls_answers(bytes: &[u8]) {
    let _ = server_flight(bytes);
    let at_once = after(&[bytes]);
    // Nobody knows how the network cuts it.
    let (one, two) = bytes.split_at(bytes.len() / 2);
    assert_eq!(at_once, after(&[one, two]));
}

/// What a server seals in TLS 1.3: records of a type, a length of two octets and a content. Type 0
/// stands for the Finished message that fits.
pub fn tls13_handshakes(bytes: &[u8]) {
    let _ = sealed(bytes);
}

/// How far a client comes with these records.
pub fn sealed(bytes: &[u8]) -> Progress {
    let hello = hello();
    let session_id = hello.session_id.clone();
    let mut client = Client::new(hello, vec![&tls13_server::Open], 0x0303, None)
        .expect("a key that is no secret")
        .emulating(OPENSSLS[bytes.len() % OPENSSLS.len()]);
    let (mut server, first) = Server::answer(&client.take_output(), &session_id);
    let mut failed = client.read(&first).is_err();
    assert!(!failed, "the ServerHello is right");
    let mut rest = bytes;
    while let [kind, high, low, more @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(more.len());
        let (content, after) = more.split_at(length.min(1 << 14));
        rest = after;
        let record = match kind {
            0 => server.finish(),
            kind => server.seal(*kind, content),
        };
        failed |= client.read(&record).is_err();
        let answered = client.take_output();
        assert!(
            !failed || answered.len() < 1 << 14,
            "it goes on after a failure"
        );
        let _ = client.take_received();
    }
    let established = client.progress() == Progress::Established;
    assert!(!(failed && established), "failed and goes on");
    // Nothing is established without a certificate and a signature.
    let seen = client.seen();
    assert!(!established || !seen.certificates.is_empty() && seen.signature.is_some());
    client.send(b"data");
    client.close();
    client.progress()
}

/// What the client makes of the pieces: the failure, how far it came, what it saw.
fn after(pieces: &[&[u8]]) -> (Option<String>, Progress, String) {
    // Without a key share, which would be another each time: TLS 1.3 ends at the ServerHello.
    let made = Client::new(hello(), Vec::new(), 0x0301, None);
    let mut client = made.expect("a hello without a key share needs no key");
    let mut failure = None;
    for piece in pieces {
        if let Err(error) = client.read(piece) {
            failure = Some(format!("{error:?}"));
            break;
        }
        let _ = client.take_output();
    }
    client.send(b"data");
    client.close();
    (failure, client.progress(), format!("{:?}", client.seen()))
}

/// A ClientHello that is always the same.
fn hello() -> ClientHello {
    ClientHello {
        random: [7; 32],
        session_id: vec![7; 32],
        versions: vec![0x0304, 0x0303, 0x0302, 0x0301],
        cipher_suites: openssl::cipher_suites(0x0301, 0x0304),
        groups: openssl::groups(OpenSsl::V3Level2, 0x0304).to_vec(),
        signature_schemes: openssl::signature_schemes(OpenSsl::V3Level1, 0x0301).to_vec(),
        server_name: Some("db.example.test".to_owned()),
        alpn: Some("postgresql".to_owned()),
        ..ClientHello::default()
    }
}

/// A certificate: what it says, and what is said of it as leaf, as intermediate and as root.
pub fn certificates(bytes: &[u8]) {
    let certificate = Certificate::parse(bytes);
    let _ = (
        certificate.serial_hex(),
        certificate.serial_decimal(),
        certificate.subject.to_string(),
        certificate.issuer.to_string(),
        certificate.signature_algorithm_name(),
        certificate.public_key_sha256(),
        certificate.has_short_time(),
    );
    for host in ["db.example.test", "127.0.0.1", "::1"] {
        names(&certificate, host);
    }
    let mut alone = TrustStore::empty();
    alone.add(certificate.clone(), None, false);
    let leaf = Certificate::parse(include_bytes!("pki/leaf.der"));
    let root = Certificate::parse(include_bytes!("pki/root.der"));
    let mut ours = TrustStore::empty();
    ours.add(root, None, false);
    for (sent, store) in [
        (vec![certificate.clone()], &alone),
        (vec![certificate.clone()], &ours),
        (vec![leaf.clone()], &alone),
        (vec![leaf, certificate.clone(), certificate], &ours),
    ] {
        judge(&sent, store);
    }
}

/// By the rules of each release and level: the same answer twice, and of two levels the higher is
/// never the milder.
fn judge(sent: &[Certificate], store: &TrustStore) {
    for openssl in OPENSSLS {
        let first = verify(sent, store, CrlPolicy::Off, openssl, NOW);
        let again = verify(sent, store, CrlPolicy::Off, openssl, NOW);
        assert_eq!(first.is_trusted(), again.is_trusted());
    }
    for release in [Release::First111, Release::Last111, Release::V3] {
        let at = |level| {
            let rules = Rules { release, level };
            verify_with(sent, store, CrlPolicy::Off, rules, NOW).is_trusted()
        };
        assert!(!(at(0) == Some(false) && at(2) == Some(true)));
    }
}

fn names(certificate: &Certificate, host: &str) {
    let presented: Vec<_> = certificate
        .subject_alt_names()
        .value()
        .into_iter()
        .flatten()
        .map(|name| match name {
            GeneralName::Dns(bytes) => Presented::Dns(bytes),
            GeneralName::Ip(bytes) => Presented::Ip(bytes),
            _ => Presented::Other,
        })
        .collect();
    let first = certificate.common_names().next();
    let _ = host_name::verify(host, &presented, first.map(|name| &*name.value));
}

/// A revocation list, against a chain that it may be meant for.
pub fn crls(bytes: &[u8]) {
    let Ok(crl) = Crl::parse(bytes) else {
        return;
    };
    let _ = crl.issuer.to_string();
    let leaf = Certificate::parse(include_bytes!("pki/leaf.der"));
    let mut store = TrustStore::empty();
    store.add(
        Certificate::parse(include_bytes!("pki/root.der")),
        None,
        false,
    );
    store.add_crl(crl);
    for openssl in OPENSSLS {
        let sent = std::slice::from_ref(&leaf);
        let _ = verify(sent, &store, CrlPolicy::CheckAll, openssl, NOW);
    }
}

/// A file of roots: read whole, and read only for what is wanted.
pub fn pem_bundles(bytes: &[u8]) {
    let _ = pem::read(bytes);
    let certificates = pem::certificates(bytes);
    let store = TrustStore::from_pem(bytes);
    let selected = pem::select(Cursor::new(bytes), &|_| true).expect("memory can be read");
    if let Ok(store) = &store
        && certificates.is_ok()
        && !store.certificates().is_empty()
    {
        assert!(!selected.is_empty());
    }
    let _ = TrustStore::from_pem(&selected);
}

/// A connection string, as each libpq reads it.
pub fn connection_strings(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = conninfo::is_connection_string(&text);
    let shown = conninfo::redact(&text);
    for libpq in Libpq::ALL {
        match conninfo::parse_settings(&text, libpq) {
            // A password that is nowhere else in the string is not in what is shown of it.
            Ok(settings) => {
                for setting in &settings {
                    let keyword = conninfo::Keyword::find(&setting.keyword);
                    let value = &setting.value;
                    if keyword.is_some_and(|keyword| keyword.secret)
                        && value.len() >= 8
                        // What stands for a password may be part of one.
                        && !format!("{}=***", setting.keyword).contains(value.as_str())
                        && !value.contains("***")
                        && text.matches(value.as_str()).count() == 1
                        // In a URI it may stand there in another spelling, and elsewhere in this.
                        && !text.contains('%')
                    {
                        assert!(!shown.contains(value.as_str()), "{text:?}: {shown:?}");
                    }
                }
            }
            Err(error) => {
                let _ = error.to_string();
            }
        }
    }
}

/// A service file; what is saved of it reads the same.
pub fn service_files(bytes: &[u8]) {
    let redacted = conninfo::redact_service_file(bytes, "db");
    for libpq in Libpq::ALL {
        let keywords = |content: &[u8]| {
            let parsed = conninfo::parse_service_file(content, "pg_service.conf", "db", libpq);
            parsed.map(|found| {
                found.map(|settings| {
                    let keywords = settings.into_iter().map(|(keyword, _)| keyword);
                    keywords.collect::<Vec<_>>()
                })
            })
        };
        assert_eq!(keywords(bytes), keywords(&redacted));
    }
}

/// A saved observation: judged for each client, shown in each way, with nothing in it that a
/// terminal would obey.
pub fn observations(bytes: &[u8]) {
    let Ok(observation) = serde_json::from_slice::<Observation>(bytes) else {
        return;
    };
    for libpq in Libpq::ALL {
        for openssl in OPENSSLS {
            let emulates = Emulates { libpq, openssl };
            let report = assess(&observation, emulates, NOW);
            let mut json = Vec::new();
            render::json(&report, &mut json).expect("memory takes all");
            let mut text = Vec::new();
            for quiet in [false, true] {
                let style = Style {
                    verbosity: 2,
                    quiet,
                    ..Style::default()
                };
                render::text(&report, style, &mut text).expect("memory takes all");
            }
            let text = String::from_utf8(text).expect("text is text");
            assert!(!text.chars().any(|one| one.is_control() && one != '\n'));
            for row in [render::csv, render::tlsx, render::zgrab2] {
                row(&report, &mut Vec::new()).expect("memory takes all");
            }
        }
    }
}
