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

fn behaviours(small: &[u8]) -> Vec<(Phase, &'static str, Act)> {
    use Act::{Endless, Reset, Send, SendAndEnd, Slowly};
    use Phase::{ClientHello, Connected, Encrypted, Plaintext, SslRequest};
    let http = b"HTTP/1.1 400 Bad Request\r\nServer: x\x1b[31m\r\n\r\n".to_vec();
    let ssh = b"SSH-2.0-OpenSSH_9.2\x1b]0;owned\x07\r\n".to_vec();
    let mysql = b"\x4a\0\0\0\x0a8.0.36\0\x08\0\0\0abcdefgh\0\xff\xff".to_vec();
    let mut all = Vec::new();
    for phase in [Connected, SslRequest, ClientHello, Encrypted, Plaintext] {
        all.extend([
            (phase, "silence", Send(Vec::new())),
            (phase, "the end", SendAndEnd(Vec::new())),
            (phase, "a reset", Reset),
            (phase, "http", SendAndEnd(http.clone())),
            (phase, "ssh", Send(ssh.clone())),
            (phase, "mysql", Send(mysql.clone())),
            (phase, "endless zeros", Endless(Vec::new(), vec![0])),
            (
                phase,
                "endless text",
                Endless(Vec::new(), WORDS.as_bytes().to_vec()),
            ),
        ]);
    }
    // Of the SSLRequest's answer.
    let mut error = b"E\0\0\x20\0SFATAL\0C28000\0M".to_vec();
    error.extend(WORDS.replace('\0', "").repeat(150).bytes());
    all.extend([
        (
            SslRequest,
            "an endless error",
            Endless(b"E".to_vec(), b"x".to_vec()),
        ),
        (
            SslRequest,
            "S and endless bytes",
            Endless(b"S".to_vec(), b"x".to_vec()),
        ),
        (
            SslRequest,
            "S byte by byte",
            Slowly(b"S\x16\x03\x03\0\x02".to_vec()),
        ),
        (
            SslRequest,
            "an error with escapes",
            SendAndEnd(error.clone()),
        ),
    ]);
    // Of TLS.
    let hello = server_hello();
    let after_hello = |rest: Vec<u8>| [hello.clone(), rest].concat();
    let alert = |level, number| record(21, &[level, number]);
    let zeros = record(22, &[0; 16_000]);
    let thousands = vec![small; 10_000];
    let empty = vec![&[][..]; 10_000];
    all.extend([
        (ClientHello, "a flight byte by byte", Slowly(hello.clone())),
        (
            ClientHello,
            "a record of 64 KiB",
            Send(vec![22, 3, 3, 0xff, 0xff]),
        ),
        (
            ClientHello,
            "endless empty records",
            Endless(Vec::new(), record(22, &[])),
        ),
        (
            ClientHello,
            "endless warnings",
            Endless(Vec::new(), alert(1, 90)),
        ),
        (
            ClientHello,
            "every alert at once",
            Send((0..=255).flat_map(|number| alert(2, number)).collect()),
        ),
        (
            ClientHello,
            "a fatal alert of no number",
            SendAndEnd(alert(2, 255)),
        ),
        (ClientHello, "Finished first", Send(whole(20, &[0; 12]))),
        (
            ClientHello,
            "ChangeCipherSpec first",
            Send(record(20, &[1])),
        ),
        (
            ClientHello,
            "endless ChangeCipherSpec",
            Endless(Vec::new(), record(20, &[1])),
        ),
        (ClientHello, "data first", Send(record(23, b"data"))),
        (
            ClientHello,
            "two ServerHellos",
            Send(after_hello(hello.clone())),
        ),
        (
            ClientHello,
            "ServerHelloDone at once",
            Send(after_hello(whole(14, &[]))),
        ),
        (
            ClientHello,
            "ServerKeyExchange before Certificate",
            Send(after_hello(whole(12, &[3, 0, 23]))),
        ),
        (
            ClientHello,
            "a ServerHello of 16 MiB",
            Endless(message(2, 0xff_ffff, &[3, 3]), zeros.clone()),
        ),
        (
            ClientHello,
            "a Certificate of 16 MiB",
            Endless(
                after_hello(message(11, 0xff_ffff, &[0xff, 0xff, 0xfc])),
                zeros.clone(),
            ),
        ),
        (
            ClientHello,
            "a Certificate of 16 MiB, by half",
            SendAndEnd(after_hello(message(11, 0xff_ffff, &vec![0; 8 << 20]))),
        ),
        (
            ClientHello,
            "10,000 certificates",
            Send(after_hello(whole(11, &list(&thousands)))),
        ),
        (
            ClientHello,
            "10,000 empty certificates",
            Send(after_hello(whole(11, &list(&empty)))),
        ),
        (
            ClientHello,
            "a certificate that is none",
            Send(after_hello(whole(11, &list(&[WORDS.as_bytes()])))),
        ),
        (
            ClientHello,
            "a list longer than its message",
            Send(after_hello(whole(11, &[0xff, 0xff, 0xff]))),
        ),
        (
            ClientHello,
            "endless HelloRequests",
            Endless(hello.clone(), whole(0, &[])),
        ),
    ]);
    // Of the StartupMessage's answer.
    for phase in [Encrypted, Plaintext] {
        all.extend([
            (phase, "an error with escapes", Send(error.clone())),
            (phase, "an error byte by byte", Slowly(error.clone())),
            (
                phase,
                "an error of 2 GiB",
                Endless(b"E\x7f\xff\xff\xff".to_vec(), b"x".to_vec()),
            ),
            (
                phase,
                "an error as long as libpq takes, cut short",
                SendAndEnd(b"E\0\0\x75\x30SFATAL\0".to_vec()),
            ),
            (
                phase,
                "a request of 2 GiB",
                Endless(b"R\x7f\xff\xff\xff".to_vec(), b"x".to_vec()),
            ),
            (
                phase,
                "a request of length 0",
                Send(b"R\0\0\0\0\0\0\0\0".to_vec()),
            ),
            (
                phase,
                "10,000 mechanisms",
                Endless(b"R\0\0\x07\xd0\0\0\0\x0a".to_vec(), b"x\0".to_vec()),
            ),
            (
                phase,
                "a version of 4 billion options",
                Send(b"v\0\0\0\x0c\0\x03\0\0\xff\xff\xff\xff".to_vec()),
            ),
            (
                phase,
                "endless notices",
                Endless(Vec::new(), b"N\0\0\0\x05\0".to_vec()),
            ),
            (
                phase,
                "a length below zero",
                Send(b"E\xff\xff\xff\xff".to_vec()),
            ),
        ]);
    }
    all
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

/// Probes it, in text and in JSON; what is wrong with how pgprobe bore it.
fn endured(phase: Phase, act: &Act, tls: &Arc<ServerConfig>) -> Result<(), String> {
    let (act, tls) = (act.clone(), Arc::clone(tls));
    let server = Scripted::new(move |_, peer| serve(phase, &act, &tls, peer));
    let client = Client::new(format!(
        "host=db.example.test hostaddr=127.0.0.1 port={} user=u dbname=d",
        server.port
    ));
    for format in ["text", "json"] {
        let began = Instant::now();
        let mut command = Command::new("python3");
        client.prepare(&mut command);
        let output = command
            .args(["-c", MEASURED])
            .arg(program())
            .args(["--timeout", &TIMEOUT.to_string(), "--format", format, "-vv"])
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
        if format == "json" {
            let report: serde_json::Value =
                serde_json::from_str(&shown).map_err(|error| format!("{error}: {shown}"))?;
            let modes = report["sslmodes"].as_array().map_or(0, Vec::len);
            if modes != 6 {
                write!(wrong, "{modes} modes").unwrap();
            }
        }
        if !wrong.is_empty() {
            return Err(format!("{format}: {wrong}"));
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
