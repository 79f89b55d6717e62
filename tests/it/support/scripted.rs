//! Servers that do what no real one does: a script for each connection, and a record of it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The request codes of the protocol.
pub(crate) const SSL_REQUEST: u32 = 80_877_103;
pub(crate) const GSSENC_REQUEST: u32 = 80_877_104;
pub(crate) const PROTOCOL_3_0: u32 = 196_608;

/// AuthenticationOk.
pub(crate) const AUTHENTICATION_OK: &[u8] = b"R\0\0\0\x08\0\0\0\0";

/// AuthenticationOk, BackendKeyData, ReadyForQuery: all that libpq needs to be content.
pub(crate) const WELCOME: &[u8] = b"R\0\0\0\x08\0\0\0\0K\0\0\0\x0c\0\0\0\x01\0\0\0\x02Z\0\0\0\x05I";

/// How long a script waits for the client.
const PATIENCE: Duration = Duration::from_secs(20);

/// What one connection has sent, as far as the script has read it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    pub(crate) bytes: Vec<u8>,
    /// The startup-style packets by their codes, in order; `0` stands for a TLS ClientHello.
    pub(crate) requests: Vec<u32>,
}

/// A listener on a free loopback port that plays its script to everyone who connects.
pub(crate) struct Scripted {
    pub(crate) port: u16,
    records: Arc<Mutex<Vec<Record>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Scripted {
    /// `script` gets the number of the connection, from 0, and its other end.
    pub(crate) fn new(script: impl Fn(usize, &mut Peer) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (records, stop) = (
            Arc::<Mutex<Vec<Record>>>::default(),
            Arc::<AtomicBool>::default(),
        );
        let (script, ours, ended) = (Arc::new(script), Arc::clone(&records), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let mut players = Vec::new();
            for (number, stream) in listener.incoming().enumerate() {
                if ended.load(Ordering::SeqCst) {
                    break;
                }
                ours.lock().unwrap().push(Record::default());
                let (script, records) = (Arc::clone(&script), Arc::clone(&ours));
                players.push(thread::spawn(move || {
                    let mut peer = Peer::new(stream.unwrap(), records, number);
                    script(number, &mut peer);
                }));
            }
            for player in players {
                // A script may panic on a client that has gone; the record tells how far it came.
                let _ = player.join();
            }
        });
        Self {
            port,
            records,
            stop,
            thread: Some(thread),
        }
    }

    /// The connections so far, in the order in which they were accepted.
    pub(crate) fn records(&self) -> Vec<Record> {
        self.records.lock().unwrap().clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The other end of a connection, for a script.
pub(crate) struct Peer {
    stream: TcpStream,
    records: Arc<Mutex<Vec<Record>>>,
    number: usize,
}

impl Peer {
    fn new(stream: TcpStream, records: Arc<Mutex<Vec<Record>>>, number: usize) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            records,
            number,
        }
    }

    /// Reads exactly so many bytes; fewer if the client ends before.
    pub(crate) fn read(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        let mut have = 0;
        while have < count {
            match self.stream.read(&mut bytes[have..]) {
                Ok(0) | Err(_) => break,
                Ok(more) => have += more,
            }
        }
        bytes.truncate(have);
        self.records.lock().unwrap()[self.number]
            .bytes
            .extend(&bytes);
        bytes
    }

    /// Reads one packet without a type byte; its code, or `None` at the end.
    pub(crate) fn request(&mut self) -> Option<u32> {
        let head: [u8; 8] = self.read(8).try_into().ok()?;
        let length = u32::from_be_bytes(head[..4].try_into().unwrap());
        let code = u32::from_be_bytes(head[4..].try_into().unwrap());
        if head[0] == 0x16 {
            self.note(0);
            return Some(0);
        }
        let _ = self.read(usize::try_from(length).unwrap().clamp(8, 10_000) - 8);
        self.note(code);
        Some(code)
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        // The client may have gone, which is its right.
        let _ = self.stream.write_all(bytes);
    }

    /// The same; whether the client is still there.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Reads until the client ends.
    pub(crate) fn wait_for_end(&mut self) {
        while !self.read(1).is_empty() {}
    }

    /// Ends our side in order.
    pub(crate) fn close(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// The code of the next packet, which is left unread: to close then sends a reset.
    pub(crate) fn peek_request(&mut self) -> Option<u32> {
        let mut head = [0; 8];
        loop {
            match self.stream.peek(&mut head).ok()? {
                0 => return None,
                8.. => break,
                _ => thread::sleep(Duration::from_millis(1)),
            }
        }
        Some(u32::from_be_bytes(head[4..].try_into().unwrap()))
    }

    /// Goes on in TLS and reads the StartupMessage inside; `None` if either fails.
    pub(crate) fn tls(&mut self, config: &Arc<ServerConfig>) -> Option<TlsPeer> {
        let connection = ServerConnection::new(Arc::clone(config)).unwrap();
        let mut stream = StreamOwned::new(connection, self.stream.try_clone().unwrap());
        let mut head = [0; 8];
        stream.read_exact(&mut head).ok()?;
        let length = u32::from_be_bytes(head[..4].try_into().unwrap());
        let mut rest = vec![0; usize::try_from(length).unwrap().clamp(8, 10_000) - 8];
        stream.read_exact(&mut rest).ok()?;
        self.note(u32::from_be_bytes(head[4..].try_into().unwrap()));
        self.records.lock().unwrap()[self.number]
            .bytes
            .extend([&head[..], &rest].concat());
        Some(TlsPeer { stream })
    }

    /// Goes on in TLS and reads nothing inside; `None` if the handshake fails.
    pub(crate) fn tls_handshake(&mut self, config: &Arc<ServerConfig>) -> Option<TlsPeer> {
        let mut connection = ServerConnection::new(Arc::clone(config)).unwrap();
        let mut stream = self.stream.try_clone().unwrap();
        while connection.is_handshaking() {
            connection.complete_io(&mut stream).ok()?;
        }
        let stream = StreamOwned::new(connection, stream);
        Some(TlsPeer { stream })
    }

    /// Goes on in TLS and says how the client ended it.
    pub(crate) fn tls_until_end(&mut self, config: &Arc<ServerConfig>) -> TlsEnd {
        let connection = ServerConnection::new(Arc::clone(config)).unwrap();
        let mut stream = StreamOwned::new(connection, self.stream.try_clone().unwrap());
        loop {
            match stream.read(&mut [0; 256]) {
                Ok(0) => return TlsEnd::CloseNotify,
                Ok(_) => {}
                Err(error) => return TlsEnd::Other(error.kind()),
            }
        }
    }

    fn note(&self, code: u32) {
        self.records.lock().unwrap()[self.number]
            .requests
            .push(code);
    }
}

/// How a client has ended a TLS connection.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum TlsEnd {
    /// In order.
    CloseNotify,
    /// By closing or resetting under it.
    Other(std::io::ErrorKind),
}

/// The other end of a connection once it is encrypted.
pub(crate) struct TlsPeer {
    stream: StreamOwned<ServerConnection, TcpStream>,
}

impl TlsPeer {
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// The same; whether the client is still there.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    pub(crate) fn wait_for_end(&mut self) {
        let mut bytes = [0; 256];
        while matches!(self.stream.read(&mut bytes), Ok(count) if count > 0) {}
    }
}

/// A self-signed certificate for a name, and its key, made on the spot.
pub(crate) struct Identity {
    certificate: rcgen::Certificate,
    key: rcgen::KeyPair,
}

impl Identity {
    /// `subject` must be its own: OpenSSL takes the first root of a name for the only one.
    pub(crate) fn new(name: &str, subject: &str) -> Self {
        let mut parameters = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        parameters
            .distinguished_name
            .push(rcgen::DnType::OrganizationName, subject);
        let key = rcgen::KeyPair::generate().unwrap();
        Self {
            certificate: parameters.self_signed(&key).unwrap(),
            key,
        }
    }

    /// The certificate, for a root file.
    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A TLS server that has it.
    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        let key = PrivatePkcs8KeyDer::from(self.key.serialize_der());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![self.certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key),
            )
            .unwrap();
        Arc::new(config)
    }
}

/// An ErrorResponse of the current protocol.
pub(crate) fn error_response(code: &str, message: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for (field, value) in [("S", "FATAL"), ("V", "FATAL"), ("C", code), ("M", message)] {
        body.extend(field.as_bytes());
        body.extend(value.as_bytes());
        body.push(0);
    }
    body.push(0);
    let length = u32::try_from(body.len() + 4).unwrap();
    [&b"E"[..], &length.to_be_bytes(), &body].concat()
}
