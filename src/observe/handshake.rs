//! A TLS handshake by rustls that accepts every certificate and records what the server showed.
//!
//! The chain, the client-certificate request and the handshake signature survive a handshake that
//! fails later. Nothing is judged here: whether the signature proves possession of the key, and
//! what the chain is worth, is for `assess` to say.

use std::io::{self, Read as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConnection, ResolvesClientCert, Resumption};
use rustls::crypto::{ActiveKeyExchange, CryptoProvider, SharedSecret, SupportedKxGroup};
use rustls::pki_types::{CertificateDer, IpAddr, ServerName, UnixTime};
use rustls::{
    ClientConfig, DigitallySignedStruct, HandshakeKind, NamedGroup, PeerMisbehaved,
    ProtocolVersion, SignatureScheme,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::plan::TlsPlan;
use super::x448::X448;
use crate::observation::{CertificateRequest, Failure, Handshake, HandshakeSignature, Offer};
use crate::wire::tls::server_flight::{MAX_FLIGHT, server_flight};

/// How many bytes are read at a time.
const CHUNK: usize = 16 * 1024;

/// A TLS client over a stream.
pub(super) struct TlsSession<S> {
    stream: S,
    connection: ClientConnection,
    recorder: Arc<Recorder>,
    /// The first bytes of the server: below TLS 1.3 its first flight in the clear.
    flight: Vec<u8>,
    /// What the ClientHello offers.
    pub(super) offer: Offer,
}

/// What rustls shows only while the handshake runs.
#[derive(Debug, Default)]
struct Seen {
    certificates: Vec<Vec<u8>>,
    ocsp_stapled: bool,
    signature: Option<HandshakeSignature>,
    certificate_request: Option<CertificateRequest>,
    client_certificate_sent: bool,
}

/// Accepts what it is shown and remembers it.
#[derive(Debug)]
struct Recorder {
    seen: Mutex<Seen>,
    schemes: Vec<SignatureScheme>,
    client_key: Option<Arc<rustls::sign::CertifiedKey>>,
}

impl Recorder {
    fn note(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn signed(
        &self,
        message: &[u8],
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.note(|seen| {
            seen.signature = Some(HandshakeSignature {
                scheme: signed.scheme.into(),
                message: message.to_vec(),
                signature: signed.signature().to_vec(),
            });
        });
        Ok(HandshakeSignatureValid::assertion())
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        ocsp_response: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.note(|seen| {
            seen.certificates = std::iter::once(end_entity)
                .chain(intermediates)
                .map(|certificate| certificate.to_vec())
                .collect();
            seen.ocsp_stapled = !ocsp_response.is_empty();
        });
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        _: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signed(message, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        _: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signed(message, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

impl ResolvesClientCert for Recorder {
    // OpenSSL sends its certificate whatever CA names the server lists.
    fn resolve(
        &self,
        authorities: &[&[u8]],
        schemes: &[SignatureScheme],
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        let key = self.client_key.clone();
        let sent = key
            .as_ref()
            .is_some_and(|key| key.key.choose_scheme(schemes).is_some());
        self.note(|seen| {
            seen.certificate_request = Some(CertificateRequest {
                authorities: authorities.iter().map(|name| name.to_vec()).collect(),
                signature_schemes: schemes.iter().map(|scheme| u16::from(*scheme)).collect(),
            });
            seen.client_certificate_sent = sent;
        });
        key
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsSession<S> {
    /// Makes the client; nothing is sent yet.
    ///
    /// # Errors
    /// When rustls cannot make the offer at all.
    pub(super) fn new(
        stream: S,
        plan: &TlsPlan,
        server_name: Option<&str>,
        alpn: bool,
    ) -> Result<Self, Failure> {
        let unsupported = |error: rustls::Error| Failure::Unsupported(error.to_string());
        let schemes: Vec<_> = plan
            .signature_schemes
            .iter()
            .map(|code| SignatureScheme::from(*code))
            .collect();
        let recorder = Arc::new(Recorder {
            seen: Mutex::default(),
            schemes,
            client_key: plan.client_key.clone(),
        });
        let provider = provider(&plan.groups);
        let suites = provider
            .cipher_suites
            .iter()
            .map(|suite| u16::from(suite.suite()));
        let suites = suites
            .filter(|code| match code >> 8 {
                0x13 => plan.max_version >= 0x0304,
                _ => plan.min_version <= 0x0303,
            })
            .collect();
        let groups = provider
            .kx_groups
            .iter()
            .map(|group| u16::from(group.name()))
            .collect();
        let versions = [
            (0x0304, &rustls::version::TLS13),
            (0x0303, &rustls::version::TLS12),
        ];
        let versions: Vec<_> = versions
            .into_iter()
            .filter(|(code, _)| (plan.min_version..=plan.max_version).contains(code))
            .map(|(_, version)| version)
            .collect();
        let builder = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&versions)
            .map_err(unsupported)?;
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the place that records and accepts"
        )]
        let mut config = builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&recorder) as Arc<dyn ServerCertVerifier>)
            .with_client_cert_resolver(Arc::clone(&recorder) as Arc<dyn ResolvesClientCert>);
        config.resumption = Resumption::disabled();
        let alpn = plan.alpn.clone().filter(|_| alpn);
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        // A name that rustls cannot put into server_name goes out without; the offer says so.
        let name = server_name.and_then(|name| ServerName::try_from(name.to_owned()).ok());
        let name = name.filter(|name| matches!(name, ServerName::DnsName(_)));
        config.enable_sni = name.is_some();
        let offer = Offer {
            min_version: plan.min_version.max(0x0303),
            max_version: plan.max_version,
            cipher_suites: suites,
            groups,
            signature_schemes: plan.signature_schemes.clone(),
            alpn,
            // rustls leaves the trailing dot out.
            sni: name
                .as_ref()
                .and(server_name)
                .map(|name| name.strip_suffix('.').unwrap_or(name).to_owned()),
            sni_wanted: server_name.map(str::to_owned),
            client_certificate: plan.client_key.is_some(),
        };
        let any = ServerName::IpAddress(IpAddr::from(std::net::Ipv4Addr::UNSPECIFIED));
        let mut connection =
            ClientConnection::new(Arc::new(config), name.unwrap_or(any)).map_err(unsupported)?;
        // A StartupMessage may be longer than the buffer that rustls allows by itself.
        connection.set_buffer_limit(None);
        Ok(Self {
            stream,
            connection,
            recorder,
            flight: Vec::new(),
            offer,
        })
    }

    /// Runs the handshake to its end.
    ///
    /// # Errors
    /// When it fails; [`Self::seen`] tells what came before.
    pub(super) async fn handshake(&mut self) -> Result<(), Failure> {
        while self.connection.is_handshaking() {
            self.flush().await?;
            if !self.connection.is_handshaking() {
                break;
            }
            self.receive().await?;
        }
        self.flush().await
    }

    /// What the server showed so far.
    pub(super) fn seen(&self) -> Handshake {
        let seen = self
            .recorder
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let connection = &self.connection;
        Handshake {
            protocol_version: connection.protocol_version().map(u16::from),
            cipher_suite: connection
                .negotiated_cipher_suite()
                .map(|suite| suite.suite().into()),
            group: connection
                .negotiated_key_exchange_group()
                .map(|group| group.name().into()),
            hello_retry_request: connection
                .handshake_kind()
                .map(|kind| kind == HandshakeKind::FullWithHelloRetryRequest),
            alpn: connection
                .alpn_protocol()
                .map(|name| String::from_utf8_lossy(name).into_owned()),
            renegotiation_info: connection
                .protocol_version()
                .filter(|version| *version != ProtocolVersion::TLSv1_3)
                .and_then(|_| server_flight(&self.flight).ok())
                .filter(|flight| flight.protocol_version.is_some())
                .map(|flight| flight.renegotiation_info),
            signature: seen.signature.clone(),
            certificates: seen.certificates.clone(),
            certificate_request: seen.certificate_request.clone(),
            client_certificate_sent: seen.client_certificate_sent,
            tickets: connection.tls13_tickets_received(),
            ocsp_stapled: seen.ocsp_stapled,
            first_flight_only: false,
        }
    }

    /// Sends bytes over TLS.
    ///
    /// # Errors
    /// When the stream does not take them.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.connection
            .writer()
            .write_all(bytes)
            .map_err(|error| failure_of(&error))?;
        self.flush().await
    }

    /// Receives some bytes over TLS; none means close_notify or end of file.
    ///
    /// # Errors
    /// An alert, a reset, an end of file without close_notify, bytes that are no TLS.
    pub(super) async fn receive_some(&mut self) -> Result<Vec<u8>, Failure> {
        loop {
            let mut bytes = vec![0; CHUNK];
            match self.connection.reader().read(&mut bytes) {
                Ok(length) => {
                    bytes.truncate(length);
                    return Ok(bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(failure_of(&error)),
            }
            self.receive().await?;
            self.flush().await?;
        }
    }

    /// Says close_notify and reads to the end, so that what the server had to say is seen.
    pub(super) async fn drain(&mut self) {
        self.connection.send_close_notify();
        if self.flush().await.is_err() {
            return;
        }
        let mut left = MAX_FLIGHT;
        while let Ok(bytes) = self.receive_some().await {
            left = left.saturating_sub(bytes.len());
            if bytes.is_empty() || left == 0 {
                break;
            }
        }
    }

    /// Says close_notify and stops writing, so that the server's log stays silent.
    pub(super) async fn close(mut self) -> S {
        self.connection.send_close_notify();
        let _ = self.flush().await;
        self.stream
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        while self.connection.wants_write() {
            self.connection
                .write_tls(&mut bytes)
                .map_err(|error| failure_of(&error))?;
        }
        if !bytes.is_empty() {
            self.stream
                .write_all(&bytes)
                .await
                .map_err(|error| failure_of(&error))?;
        }
        Ok(())
    }

    async fn receive(&mut self) -> Result<(), Failure> {
        let mut bytes = vec![0; CHUNK];
        let length = match self.stream.read(&mut bytes).await {
            Ok(length) => length,
            Err(error) => return Err(failure_of(&error)),
        };
        let mut unread = bytes.get(..length).unwrap_or_default();
        if self.connection.is_handshaking() && self.flight.len() < MAX_FLIGHT {
            self.flight.extend_from_slice(unread);
        }
        loop {
            self.connection
                .read_tls(&mut unread)
                .map_err(|error| failure_of(&error))?;
            if let Err(error) = self.connection.process_new_packets() {
                // The alert that rustls has ready tells the server why.
                let _ = self.flush().await;
                return Err(tls_failure(&error));
            }
            if unread.is_empty() {
                break;
            }
        }
        if length == 0 && self.connection.is_handshaking() {
            return Err(Failure::Closed);
        }
        Ok(())
    }
}

/// An I/O error as evidence.
pub(super) fn failure_of(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Failure::Refused,
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Failure::Reset,
        io::ErrorKind::UnexpectedEof => Failure::Closed,
        _ => Failure::Unreachable(error.to_string()),
    }
}

/// Why rustls gave up, as evidence: the server's fault, or its own limit.
fn tls_failure(error: &rustls::Error) -> Failure {
    use rustls::{Error, InvalidMessage};
    match error {
        Error::AlertReceived(alert) => Failure::Alert(u8::from(*alert)),
        // rustls is stricter than OpenSSL here: RSA-PSS and Ed448 keys in TLS 1.2, and long chains.
        Error::PeerMisbehaved(
            PeerMisbehaved::SignedKxWithWrongAlgorithm
            | PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme,
        )
        | Error::InvalidMessage(
            InvalidMessage::HandshakePayloadTooLarge | InvalidMessage::CertificatePayloadTooLarge,
        )
        | Error::PeerIncompatible(_)
        | Error::General(_) => Failure::Unsupported(error.to_string()),
        Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedApplicationProtocol) => {
            Failure::UnofferedAlpn
        }
        _ => Failure::Protocol(error.to_string()),
    }
}

/// The provider with these groups in this order, as far as it can do a key exchange with them, and
/// the suites in OpenSSL's order.
fn provider(groups: &[u16]) -> CryptoProvider {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    let known = std::mem::take(&mut provider.kx_groups);
    provider.kx_groups = groups
        .iter()
        .filter_map(|code| {
            let group = NamedGroup::from(*code);
            match *code {
                0x0019 => Some(&Secp521r1 as &dyn SupportedKxGroup),
                0x001e => Some(&X448 as &dyn SupportedKxGroup),
                _ => known.iter().copied().find(|real| real.name() == group),
            }
        })
        .collect();
    provider.cipher_suites.sort_by_key(|suite| {
        let code = u16::from(suite.suite());
        crate::wire::tls::names::SUITES
            .iter()
            .position(|other| other.code == code)
    });
    provider
}

/// P-521, which OpenSSL offers and rustls leaves out.
#[derive(Debug)]
struct Secp521r1;

struct Secp521r1Exchange {
    private: aws_lc_rs::agreement::EphemeralPrivateKey,
    public: Vec<u8>,
}

impl SupportedKxGroup for Secp521r1 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, rustls::Error> {
        use aws_lc_rs::agreement::{ECDH_P521, EphemeralPrivateKey};
        let failed = |_| rustls::Error::General("no P-521 key could be made".into());
        let random = aws_lc_rs::rand::SystemRandom::new();
        let private = EphemeralPrivateKey::generate(&ECDH_P521, &random).map_err(failed)?;
        let public = private
            .compute_public_key()
            .map_err(failed)?
            .as_ref()
            .to_vec();
        Ok(Box::new(Secp521r1Exchange { private, public }))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}

impl ActiveKeyExchange for Secp521r1Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, rustls::Error> {
        use aws_lc_rs::agreement::{ECDH_P521, UnparsedPublicKey, agree_ephemeral};
        let misbehaved = rustls::Error::PeerMisbehaved(PeerMisbehaved::InvalidKeyShare);
        let peer = UnparsedPublicKey::new(&ECDH_P521, peer);
        agree_ephemeral(self.private, peer, misbehaved, |secret| {
            Ok(SharedSecret::from(secret))
        })
    }

    fn pub_key(&self) -> &[u8] {
        &self.public
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}

/// Whether a version code is one that rustls can speak.
pub(super) fn speaks(version: u16) -> bool {
    matches!(
        ProtocolVersion::from(version),
        ProtocolVersion::TLSv1_2 | ProtocolVersion::TLSv1_3
    )
}
