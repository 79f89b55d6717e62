//! What pgprobe sends beside what real libpqs send: the ClientHello, field by field, for several
//! ranges of versions. What differs between releases of OpenSSL 3 is listed here with its reason.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::installation::cache;
use crate::support::pgprobe::Client;
use crate::support::repository::repository;

/// Lowest and highest version; empty: libpq's default.
const RANGES: [(&str, &str); 8] = [
    ("", ""),
    ("", "TLSv1.2"),
    ("TLSv1.3", ""),
    ("TLSv1.2", "TLSv1.2"),
    ("TLSv1", ""),
    ("TLSv1", "TLSv1.2"),
    ("TLSv1", "TLSv1.1"),
    ("TLSv1.1", "TLSv1.1"),
];

const SCSV: u16 = 0x00ff;
const GROUPS: u16 = 10;
const SCHEMES: u16 = 13;
const COMPRESS_CERTIFICATE: u16 = 27;
const VERSIONS: u16 = 43;
const KEY_SHARE: u16 = 51;
const RENEGOTIATION_INFO: u16 = 0xff01;
/// ECDSA over the Brainpool curves in TLS 1.3 (RFC 8734).
const BRAINPOOL: [u16; 3] = [0x081a, 0x081b, 0x081c];

/// A ClientHello without what is random in it.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Hello {
    record_version: u16,
    version: u16,
    session_id: usize,
    suites: Vec<u16>,
    compression: Vec<u8>,
    /// In order; of key shares groups and lengths.
    extensions: Vec<(u16, Vec<u16>)>,
}

impl Hello {
    fn read(bytes: &[u8]) -> Self {
        let mut fields = Fields(bytes);
        assert_eq!(fields.take(1), [22]);
        let record_version = fields.u16();
        let length = usize::from(fields.u16());
        let mut fields = Fields(fields.take(length));
        fields.take(4);
        let version = fields.u16();
        fields.take(32);
        let session_id = fields.vector8().0.len();
        let suites = fields.vector16().code_points();
        let compression = fields.vector8().0.to_vec();
        let mut list = fields.vector16();
        let mut extensions = Vec::new();
        while !list.0.is_empty() {
            let kind = list.u16();
            let mut content = list.vector16();
            let content = match kind {
                GROUPS | SCHEMES => content.vector16().code_points(),
                VERSIONS => content.vector8().code_points(),
                KEY_SHARE => {
                    let (mut shares, mut seen) = (content.vector16(), Vec::new());
                    while !shares.0.is_empty() {
                        seen.push(shares.u16());
                        seen.push(u16::try_from(shares.vector16().0.len()).unwrap());
                    }
                    seen
                }
                _ => content.0.iter().copied().map(u16::from).collect(),
            };
            extensions.push((kind, content));
        }
        Self {
            record_version,
            version,
            session_id,
            suites,
            compression,
            extensions,
        }
    }

    fn extension(&mut self, kind: u16) -> Option<&mut Vec<u16>> {
        let mut all = self.extensions.iter_mut();
        all.find(|(other, _)| *other == kind)
            .map(|(_, content)| content)
    }
}

struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.take(2).try_into().unwrap())
    }

    fn vector8(&mut self) -> Fields<'a> {
        let length = usize::from(self.take(1)[0]);
        Fields(self.take(length))
    }

    fn vector16(&mut self) -> Fields<'a> {
        let length = usize::from(self.u16());
        Fields(self.take(length))
    }

    fn code_points(&mut self) -> Vec<u16> {
        let pairs = self.0.chunks_exact(2);
        pairs
            .map(|pair| u16::from_be_bytes(pair.try_into().unwrap()))
            .collect()
    }
}

/// A server that agrees to TLS, keeps the ClientHello and answers handshake_failure.
struct Collector {
    port: u16,
    hellos: Arc<Mutex<Vec<Hello>>>,
}

impl Collector {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let hellos = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&hellos);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if let Some(hello) = hello_of(&mut stream.unwrap()) {
                    kept.lock().unwrap().push(hello);
                }
            }
        });
        Self { port, hellos }
    }

    fn taken(&self) -> Vec<Hello> {
        std::mem::take(&mut *self.hellos.lock().unwrap())
    }
}

/// `None`: the client asked for no TLS, or hung up.
fn hello_of(stream: &mut TcpStream) -> Option<Hello> {
    let limit = Some(Duration::from_secs(10));
    stream.set_read_timeout(limit).unwrap();
    let mut request = [0; 8];
    stream.read_exact(&mut request).ok()?;
    if request[4..] != [0x04, 0xd2, 0x16, 0x2f] {
        return None;
    }
    stream.write_all(b"S").ok()?;
    let mut record = vec![0; 5];
    stream.read_exact(&mut record).ok()?;
    let length = usize::from(u16::from_be_bytes([record[3], record[4]]));
    record.resize(5 + length, 0);
    stream.read_exact(&mut record[5..]).ok()?;
    stream.write_all(&[21, 3, 3, 0, 2, 2, 40]).ok()?;
    Some(Hello::read(&record))
}

/// What the libpq in a folder of the rig sends in each range; `None`: nothing.
fn of_libpq(folder: &str) -> Vec<Option<Hello>> {
    let collector = Collector::new();
    let mut child = Command::new("python3")
        .arg(repository("tests/oracle/libpq_worker.py"))
        .arg(cache().join("libpq").join(folder))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // A line at a time, or it would not be known whose a ClientHello is.
    let mut all = Vec::new();
    let home = tempfile::tempdir().unwrap();
    for (low, high) in RANGES {
        let mut conninfo = serde_json::json!({
            "host": "db.example.test", "hostaddr": "127.0.0.1", "port": collector.port,
            "user": "myuser", "dbname": "postgres", "sslmode": "require",
            "gssencmode": "disable", "connect_timeout": 10,
        });
        for (keyword, value) in range(low, high) {
            conninfo[keyword] = value.into();
        }
        let line = serde_json::json!({
            "conninfo": conninfo, "env": {"HOME": home.path()},
        });
        all.push(line);
    }
    let mut input = child.stdin.take().unwrap();
    let mut seen = Vec::new();
    for line in all {
        writeln!(input, "{line}").unwrap();
        // Where nothing comes, the client has failed before: a moment is enough.
        let mut hellos = Vec::new();
        for _ in 0..40 {
            std::thread::sleep(Duration::from_millis(50));
            hellos = collector.taken();
            if !hellos.is_empty() {
                break;
            }
        }
        assert!(hellos.len() <= 1, "{folder}: {hellos:#?}");
        seen.push(hellos.pop());
    }
    drop(input);
    assert!(child.wait().unwrap().success());
    seen
}

fn range(
    low: &'static str,
    high: &'static str,
) -> impl Iterator<Item = (&'static str, &'static str)> {
    let pair = [
        ("ssl_min_protocol_version", low),
        ("ssl_max_protocol_version", high),
    ];
    pair.into_iter().filter(|(_, value)| !value.is_empty())
}

/// What pgprobe sends: the ClientHello, and the one with what OpenSSL 3.5 offers if there is one.
fn of_pgprobe(libpq: &str, openssl: &str, low: &'static str, high: &'static str) -> Vec<Hello> {
    let collector = Collector::new();
    let versions: String = range(low, high)
        .map(|(keyword, value)| format!(" {keyword}={value}"))
        .collect();
    let client = Client::new(format!(
        "host=db.example.test hostaddr=127.0.0.1 port={} user=myuser dbname=postgres{versions}",
        collector.port
    ));
    let run = client.json(&["--libpq", libpq, "--openssl", openssl]);
    let hellos = collector.taken();
    assert!(!hellos.is_empty(), "{low} {high}: {run:#?}");
    hellos
}

#[test]
fn openssl_3_0_and_1_1_1_are_sent_for_to_the_last_octet() {
    for (folder, libpq, openssl) in [
        ("15", "15", "3-level2"),
        ("16e", "16", "1.1.1"),
        ("17e", "17", "1.1.1"),
        ("18e", "18", "1.1.1"),
    ] {
        for ((low, high), real) in RANGES.into_iter().zip(of_libpq(folder)) {
            let ours = of_pgprobe(libpq, openssl, low, high);
            let name = format!("{folder} {low} {high}");
            assert_eq!(ours.first(), real.as_ref(), "{name}");
            // Nothing more is known of a newer 1.1.1.
            let more = openssl != "1.1.1" && (high.is_empty() || high == "TLSv1.3");
            assert_eq!(ours.len(), 1 + usize::from(more), "{name}: {ours:#?}");
        }
    }
}

/// What later releases of OpenSSL 3 do otherwise whatever the server answers.
fn as_later(mut ours: Hello, low: &str) -> Hello {
    // They speak nothing below TLS 1.2, and are judged so (`also_in_3_1`).
    if let Some(versions) = ours.extension(VERSIONS) {
        versions.retain(|version| *version >= 0x0303);
        // A server that takes it sends a compressed Certificate, and nothing else changes.
        ours.extensions.push((COMPRESS_CERTIFICATE, vec![2, 0, 1]));
    }
    // With TLS 1.3 alone they say nothing of renegotiation, which it does not know.
    if low == "TLSv1.3" {
        ours.suites.retain(|suite| *suite != SCSV);
    }
    ours
}

#[test]
fn openssl_3_3_differs_in_what_is_listed() {
    for ((low, high), real) in RANGES.into_iter().zip(of_libpq("16")) {
        let name = format!("{low} {high}");
        let old = matches!(high, "TLSv1" | "TLSv1.1");
        assert_eq!(real.is_none(), old, "{name}");
        let Some(real) = real else { continue };
        let mut ours = as_later(of_pgprobe("16", "3-level2", low, high).remove(0), low);
        // A server whose only certificate is of such a curve answers to no other offer: then it is
        // asked with 3.5's.
        let place = 5;
        let schemes = ours.extension(SCHEMES).unwrap();
        schemes.splice(place..place, BRAINPOOL);
        assert_eq!(ours, real, "{name}");
    }
}

#[test]
fn openssl_3_5_is_asked_with_where_the_server_finds_nothing_to_take() {
    for folder in ["17", "18"] {
        for ((low, high), real) in RANGES.into_iter().zip(of_libpq(folder)) {
            let name = format!("{folder} {low} {high}");
            let old = matches!(high, "TLSv1" | "TLSv1.1");
            assert_eq!(real.is_none(), old, "{name}");
            let Some(real) = real else { continue };
            let sent = of_pgprobe(folder, "3-level2", low, high);
            let mut ours = as_later(sent.last().unwrap().clone(), low);
            // renegotiation_info says the same as its SCSV (RFC 5746 section 3.4).
            if let Some(place) = ours.suites.iter().position(|suite| *suite == SCSV) {
                ours.suites.remove(place);
                ours.extensions.insert(0, (RENEGOTIATION_INFO, vec![0]));
            }
            if high == "TLSv1.2" {
                // One order or the other: every server that goes by it has both.
                let groups = ours.extension(GROUPS).unwrap();
                let sorted = |groups: &[u16]| groups.iter().copied().collect::<BTreeSet<_>>();
                let theirs = real.clone().extension(GROUPS).unwrap().clone();
                assert_eq!(sorted(groups), sorted(&theirs), "{name}");
                *groups = theirs;
            }
            assert_eq!(ours, real, "{name}");
        }
    }
}

#[test]
fn the_first_level_offers_what_the_second_does() {
    for (low, high) in RANGES {
        let [first, second] =
            ["3-level1", "3-level2"].map(|openssl| of_pgprobe("18", openssl, low, high));
        assert_eq!(first, second, "{low} {high}");
    }
}
