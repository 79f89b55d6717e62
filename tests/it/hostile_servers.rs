//! Servers that mean harm, in every phase: always a verdict or a clear failure before the deadline, in
//! less than 64 MiB of memory, without a panic, and with nothing for the terminal to obey.

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::support::pgprobe::{Client, program};
use crate::support::scripted::{PROTOCOL_3_0, Peer, SSL_REQUEST, Scripted};

/// The time that pgprobe is given.
const TIMEOUT: u64 = 4;

/// The time in which it has to be gone, on however busy a machine.
const GONE: Duration = Duration::from_secs(30);

/// In kilobytes of resident memory.
const MEMORY: u64 = 64 * 1024;

/// What no terminal should get to see raw.
const WORDS: &str = "\x1b[31m\x1b]0;owned\x07\0|evil=1\r\nFORGED\u{202e}\u{2066}\u{9b}";

/// What a server does when it is its turn.
#[derive(Clone, Debug)]
enum Act {
    /// Sends this and waits for the client to end.
    Send(Vec<u8>),
    /// Sends this and ends.
    SendAndEnd(Vec<u8>),
    /// Sends this, and then the other again and again.
    Endless(Vec<u8>, Vec<u8>),
    /// Sends this byte by byte, one a second.
    Slowly(Vec<u8>),
    /// Hangs up without having read all, so that a reset goes out.
    Reset,
}

/// Where it is its turn.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// As soon as the connection is there.
    Connected,
    /// In answer to SSLRequest.
    SslRequest,
    /// In answer to the ClientHello.
    ClientHello,
    /// In answer to the StartupMessage over TLS.
    Encrypted,
    /// In answer to the StartupMessage, after `N`.
    Plaintext,
}

impl Act {
    /// `send` says whether the client is still there.
    fn play(&self, send: &mut dyn FnMut(&[u8]) -> bool) {
        match self {
            Self::Send(bytes) | Self::SendAndEnd(bytes) => {
                send(bytes);
            }
            Self::Endless(first, again) => {
                let again = again.repeat(1 + 65_536 / again.len());
                let mut there = send(first);
                while there {
                    there = send(&again);
                }
            }
            Self::Slowly(bytes) => {
                for byte in bytes {
                    if !send(std::slice::from_ref(byte)) {
                        break;
                    }
                    thread::sleep(Duration::from_secs(1));
                }
            }
            Self::Reset => {}
        }
    }

    fn on(&self, peer: &mut Peer) {
        self.play(&mut |bytes| peer.try_send(bytes));
        match self {
            Self::Send(_) | Self::Slowly(_) | Self::Endless(..) => peer.wait_for_end(),
            Self::SendAndEnd(_) => {
                peer.close();
                peer.wait_for_end();
            }
            Self::Reset => {}
        }
    }
}

fn serve(phase: Phase, act: &Act, tls: &Arc<ServerConfig>, peer: &mut Peer) {
    if phase == Phase::Connected {
        return act.on(peer);
    }
    if phase == Phase::SslRequest && matches!(act, Act::Reset) {
        peer.peek_request();
        return;
    }
    match peer.request() {
        Some(SSL_REQUEST) => {}
        Some(PROTOCOL_3_0) => return act.on(peer),
        _ => return,
    }
    match phase {
        Phase::Connected => {}
        Phase::SslRequest => act.on(peer),
        Phase::ClientHello => {
            peer.send(b"S");
            peer.read(5);
            act.on(peer);
        }
        Phase::Encrypted => {
            peer.send(b"S");
            if let Some(mut encrypted) = peer.tls(tls) {
                act.play(&mut |bytes| encrypted.try_send(bytes));
                if !matches!(act, Act::SendAndEnd(_) | Act::Reset) {
                    encrypted.wait_for_end();
                }
            }
        }
        Phase::Plaintext => {
            peer.send(b"N");
            if peer.request().is_some() {
                act.on(peer);
            }
        }
    }
}

/// A record of TLS.
fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind, 3, 3], &length[..], body].concat()
}

/// A handshake message that says that it is so long, in records as far as it goes.
fn message(kind: u8, length: u32, body: &[u8]) -> Vec<u8> {
    let whole = [&[kind], &length.to_be_bytes()[1..], body].concat();
    whole
        .chunks(16_000)
        .flat_map(|part| record(22, part))
        .collect()
}

fn whole(kind: u8, body: &[u8]) -> Vec<u8> {
    message(kind, u32::try_from(body.len()).unwrap(), body)
}

/// TLS 1.2 with ECDHE-ECDSA.
fn server_hello() -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([9; 32]);
    body.extend([0, 0xc0, 0x2b, 0, 0, 9, 0xff, 1, 0, 1, 0, 0, 0x17, 0, 0]);
    whole(2, &body)
}

/// A Certificate message's list.
fn list(certificates: &[&[u8]]) -> Vec<u8> {
    let length = |of: usize| u32::try_from(of).unwrap().to_be_bytes()[1..].to_vec();
    let mut all = Vec::new();
    for certificate in certificates {
        all.extend(length(certificate.len()));
        all.extend(*certificate);
    }
    [length(all.len()), all].concat()
}

/// What a server does, and its name.
type Behaviour = (&'static str, Act);

fn behaviours(small: &[u8]) -> Vec<(Phase, &'static str, Act)> {
    use Phase::{ClientHello, Connected, Encrypted, Plaintext, SslRequest};
    let error = [b"E\0\0\x20\0SFATAL\0C28000\0M".to_vec(), long_words()].concat();
    let of_startup = answers_to_startup_message(&error);
    let mut all = Vec::new();
    let mut add = |phase, behaviours: &[Behaviour]| {
        let behaviours = behaviours.iter().cloned();
        all.extend(behaviours.map(|(name, act)| (phase, name, act)));
    };
    for phase in [Connected, SslRequest, ClientHello, Encrypted, Plaintext] {
        add(phase, &anything());
    }
    add(SslRequest, &answers_to_ssl_request(&error));
    add(ClientHello, &answers_to_client_hello(small));
    add(Encrypted, &of_startup);
    add(Plaintext, &of_startup);
    all
}

/// Text for an error, as long as libpq takes it.
fn long_words() -> Vec<u8> {
    WORDS.replace('\0', "").repeat(150).into_bytes()
}

/// What can be done at any time.
fn anything() -> Vec<Behaviour> {
    use Act::{Endless, Reset, Send, SendAndEnd};
    let http = b"HTTP/1.1 400 Bad Request\r\nServer: x\x1b[31m\r\n\r\n";
    let ssh = b"SSH-2.0-OpenSSH_9.2\x1b]0;owned\x07\r\n";
    let mysql = b"\x4a\0\0\0\x0a8.0.36\0\x08\0\0\0abcdefgh\0\xff\xff";
    let words = WORDS.as_bytes().to_vec();
    vec![
        ("silence", Send(Vec::new())),
        ("the end", SendAndEnd(Vec::new())),
        ("a reset", Reset),
        ("http", SendAndEnd(http.to_vec())),
        ("ssh", Send(ssh.to_vec())),
        ("mysql", Send(mysql.to_vec())),
        ("endless zeros", Endless(Vec::new(), vec![0])),
        ("endless text", Endless(Vec::new(), words)),
    ]
}

fn answers_to_ssl_request(error: &[u8]) -> Vec<Behaviour> {
    use Act::{Endless, SendAndEnd, Slowly};
    let (e, s, x) = (b"E".to_vec(), b"S".to_vec(), b"x".to_vec());
    vec![
        ("an endless error", Endless(e, x.clone())),
        ("S and endless bytes", Endless(s, x)),
        ("S byte by byte", Slowly(b"S\x16\x03\x03\0\x02".to_vec())),
        ("an error with escapes", SendAndEnd(error.to_vec())),
    ]
}

fn answers_to_client_hello(small: &[u8]) -> Vec<Behaviour> {
    use Act::{Endless, Send, SendAndEnd, Slowly};
    let hello = server_hello();
    let after_hello = |rest: Vec<u8>| [hello.clone(), rest].concat();
    let alert = |level, number| record(21, &[level, number]);
    let endless = |record: Vec<u8>| Endless(Vec::new(), record);
    let every_alert = (0..=255).flat_map(|number| alert(2, number)).collect();
    let zeros = record(22, &[0; 16_000]);
    let certificates = |list: &[u8]| after_hello(whole(11, list));
    let long_hello = message(2, 0xff_ffff, &[3, 3]);
    let long_certificate = after_hello(message(11, 0xff_ffff, &[0xff, 0xff, 0xfc]));
    let half_certificate = after_hello(message(11, 0xff_ffff, &vec![0; 8 << 20]));
    let thousands = certificates(&list(&vec![small; 10_000]));
    let empty = certificates(&list(&vec![&[][..]; 10_000]));
    let no_certificate = certificates(&list(&[WORDS.as_bytes()]));
    let early_exchange = after_hello(whole(12, &[3, 0, 23]));
    vec![
        ("a flight byte by byte", Slowly(hello.clone())),
        ("a record of 64 KiB", Send(vec![22, 3, 3, 0xff, 0xff])),
        ("endless empty records", endless(record(22, &[]))),
        ("endless warnings", endless(alert(1, 90))),
        ("every alert at once", Send(every_alert)),
        ("a fatal alert of no number", SendAndEnd(alert(2, 255))),
        ("Finished first", Send(whole(20, &[0; 12]))),
        ("ChangeCipherSpec first", Send(record(20, &[1]))),
        ("endless ChangeCipherSpec", endless(record(20, &[1]))),
        ("data first", Send(record(23, b"data"))),
        ("two ServerHellos", Send(after_hello(hello.clone()))),
        ("ServerHelloDone at once", Send(after_hello(whole(14, &[])))),
        ("ServerKeyExchange before Certificate", Send(early_exchange)),
        (
            "a ServerHello of 16 MiB",
            Endless(long_hello, zeros.clone()),
        ),
        ("a Certificate of 16 MiB", Endless(long_certificate, zeros)),
        (
            "a Certificate of 16 MiB, by half",
            SendAndEnd(half_certificate),
        ),
        ("10,000 certificates", Send(thousands)),
        ("10,000 empty certificates", Send(empty)),
        ("a certificate that is none", Send(no_certificate)),
        (
            "a list longer than its message",
            Send(certificates(&[0xff; 3])),
        ),
        (
            "endless HelloRequests",
            Endless(hello.clone(), whole(0, &[])),
        ),
    ]
}

fn answers_to_startup_message(error: &[u8]) -> Vec<Behaviour> {
    use Act::{Endless, Send, SendAndEnd, Slowly};
    let then_x = |first: &[u8]| Endless(first.to_vec(), b"x".to_vec());
    let mechanisms = b"R\0\0\x07\xd0\0\0\0\x0a".to_vec();
    let cut_short = b"E\0\0\x75\x30SFATAL\0".to_vec();
    let options = b"v\0\0\0\x0c\0\x03\0\0\xff\xff\xff\xff".to_vec();
    let notice = b"N\0\0\0\x05\0".to_vec();
    vec![
        ("an error with escapes", Send(error.to_vec())),
        ("an error byte by byte", Slowly(error.to_vec())),
        ("an error of 2 GiB", then_x(b"E\x7f\xff\xff\xff")),
        (
            "an error as long as libpq takes, cut short",
            SendAndEnd(cut_short),
        ),
        ("a request of 2 GiB", then_x(b"R\x7f\xff\xff\xff")),
        ("a request of length 0", Send(b"R\0\0\0\0\0\0\0\0".to_vec())),
        ("10,000 mechanisms", Endless(mechanisms, b"x\0".to_vec())),
        ("a version of 4 billion options", Send(options)),
        ("endless notices", Endless(Vec::new(), notice)),
        ("a length below zero", Send(b"E\xff\xff\xff\xff".to_vec())),
    ]
}

/// A server with a chain as sent in TLS 1.3.
fn with_chain(length: usize) -> Arc<ServerConfig> {
    let key = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(vec!["db.example.test".to_owned()]).unwrap();
    let certificate = parameters.self_signed(&key).unwrap().der().to_vec();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let chain = vec![CertificateDer::from(certificate); length];
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Arc::new(
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap(),
    )
}

/// The ways in which each of them is asked: what a DBA looks at, all that a probe can ask, and the
/// enumeration.
const WAYS: [&[&str]; 3] = [
    &["--format", "text", "-vv"],
    &["--format", "json", "-vv", "--depth", "full"],
    &["ciphers", "--format", "json"],
];

/// Probes it in every way; what is wrong with how pgprobe bore it.
fn endured(phase: Phase, act: &Act, tls: &Arc<ServerConfig>) -> Result<(), String> {
    let (act, tls) = (act.clone(), Arc::clone(tls));
    let server = Scripted::new(move |_, peer| serve(phase, &act, &tls, peer));
    let client = Client::new(format!(
        "host=db.example.test hostaddr=127.0.0.1 port={} user=u dbname=d",
        server.port
    ));
    for way in WAYS {
        let began = Instant::now();
        let mut command = Command::new("python3");
        client.prepare(&mut command);
        let output = command
            .args(["-c", MEASURED])
            .arg(program())
            .args(way)
            .args(["--timeout", &TIMEOUT.to_string()])
            .arg(&client.conninfo)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let took = began.elapsed();
        let shown = String::from_utf8(output.stdout).map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let (said, memory) = said.rsplit_once("MAXRSS ").ok_or(said.clone())?;
        let memory: u64 = memory.trim().parse().unwrap();
        let mut wrong = String::new();
        if !matches!(output.status.code(), Some(0..=3)) || said.contains("panicked") {
            write!(wrong, "status {:?}: {said}", output.status.code()).unwrap();
        }
        if took > GONE {
            write!(wrong, "took {took:?}").unwrap();
        }
        if memory > MEMORY {
            write!(wrong, "{memory} kB").unwrap();
        }
        let raw = |one: char| one.is_control() && one != '\n' || "\u{202e}\u{2066}".contains(one);
        if shown.contains(raw) || shown.lines().any(|line| line.starts_with("FORGED")) {
            write!(wrong, "raw words: {shown:?}").unwrap();
        }
        if shown.is_empty() {
            write!(wrong, "nothing is said").unwrap();
        }
        if way.contains(&"json") {
            let report: serde_json::Value =
                serde_json::from_str(&shown).map_err(|error| format!("{error}: {shown}"))?;
            let modes = report["sslmodes"].as_array().map_or(0, Vec::len);
            if modes != 6 {
                write!(wrong, "{modes} modes").unwrap();
            }
        }
        if !wrong.is_empty() {
            return Err(format!("{way:?}: {wrong}"));
        }
    }
    Ok(())
}

/// Runs a command and says at the end how much memory it has had.
const MEASURED: &str = "import resource, subprocess, sys\n\
    status = subprocess.run(sys.argv[1:]).returncode\n\
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n\
    print('MAXRSS', used, file=sys.stderr)\n\
    sys.exit(status if status >= 0 else 99)";

#[test]
fn whatever_a_server_does_ends_in_time_and_in_little_memory() {
    let tls = with_chain(1);
    let key = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(vec!["db.example.test".to_owned()]).unwrap();
    let small = parameters.self_signed(&key).unwrap().der().to_vec();
    let mut all: Vec<_> = behaviours(&small)
        .into_iter()
        .map(|(phase, name, act)| (phase, name, act, Arc::clone(&tls)))
        .collect();
    let welcome = Act::Send(crate::support::scripted::WELCOME.to_vec());
    for length in [200, 10_000, 40_000] {
        all.push((
            Phase::Encrypted,
            "a long chain in TLS 1.3",
            welcome.clone(),
            with_chain(length),
        ));
    }
    let count = all.len();
    let queue = std::sync::Mutex::new(all.into_iter());
    let failed = std::sync::Mutex::new(Vec::new());
    thread::scope(|scope| {
        // Most of them only wait.
        for _ in 0..12 {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap().next();
                    let Some((phase, name, act, tls)) = next else {
                        break;
                    };
                    if let Err(why) = endured(phase, &act, &tls) {
                        failed
                            .lock()
                            .unwrap()
                            .push(format!("{phase:?}, {name}: {why}"));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(
        failed.is_empty(),
        "{} of {count}:\n{}",
        failed.len(),
        failed.join("\n")
    );
}
