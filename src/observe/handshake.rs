//! A TLS handshake that accepts every certificate and records what the server showed.
//!
//! rustls writes the ClientHello and speaks TLS 1.3. Its offer is OpenSSL's whole one, also the
//! suites that rustls does not have: where the server chooses TLS 1.2, `tls` goes on with the
//! same connection. Where rustls cannot write what OpenSSL would, because of the host's name or of
//! versions below TLS 1.2, `tls` does all of it.
//!
//! The chain, the client-certificate request and the handshake signature survive a handshake that
//! fails later. Nothing is judged here: whether the signature proves possession of the key, and
//! what the chain is worth, is for `assess` to say.

use std::cell::RefCell;
use std::io::{self, Read as _, Write as _};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConnection, ResolvesClientCert, Resumption};
use rustls::crypto::{
    ActiveKeyExchange, CipherSuiteCommon, CryptoProvider, SharedSecret, SupportedKxGroup,
};
use rustls::pki_types::{CertificateDer, IpAddr, ServerName, UnixTime};
use rustls::{
    CipherSuite, ClientConfig, DigitallySignedStruct, HandshakeKind, NamedGroup, PeerMisbehaved,
    SignatureScheme, SupportedCipherSuite, Tls12CipherSuite,
};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

use super::connection::read_some;
use super::ffdhe::FFDHE;
use super::own_hello::own_hello;
use super::plan::TlsPlan;
use super::x448::X448;
use crate::observation::{
    Answer, CertificateRequest, Failure, Handshake, HandshakeSignature, Offer, Request,
};
use crate::tls::{Client, Progress};
use crate::wire::tls::openssl;
use crate::wire::tls::server_flight::MAX_FLIGHT;

/// How many bytes are read at a time.
const CHUNK: usize = 16 * 1024;

/// A TLS client over a stream.
pub(super) struct TlsSession<S> {
    stream: S,
    /// The ClientHello in its records.
    hello: Vec<u8>,
    /// Sees which version it will be, and speaks all that rustls does not.
    own: Client,
    /// Speaks TLS 1.3; `None` where the ClientHello is our own.
    modern: Option<Modern>,
    /// What the ClientHello offers.
    pub(super) offer: Offer,
    /// What came in answer to it.
    pub(super) answer: Answer,
}

/// rustls, with what it shows.
struct Modern {
    connection: Box<ClientConnection>,
    recorder: Arc<Recorder>,
    /// What was decrypted and not asked for yet.
    plaintext: Vec<u8>,
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
#[derive(Debug, Default)]
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
    /// When the offer cannot be made at all.
    pub(super) fn new(
        stream: S,
        plan: &TlsPlan,
        server_name: Option<&str>,
        alpn: bool,
        own: bool,
    ) -> Result<Self, Failure> {
        let client_key = plan.client_key.clone();
        let is_modern = plan.min_version >= 0x0303 && plan.max_version >= 0x0304;
        let sendable = server_name.is_none_or(is_sendable);
        let (own, hello, offer, modern) = if own || !is_modern || !sendable {
            let (hello, offer) = own_hello(plan, server_name, alpn);
            let groups = key_exchange_groups(&plan.groups);
            let client = Client::new(hello, groups, plan.min_version, client_key)?;
            let mut client = client.with_any_alpn(plan.any_alpn);
            let hello = client.take_output();
            (client, hello, offer, None)
        } else {
            let (mut modern, offer) = Modern::new(plan, server_name, alpn)?;
            let hello = modern.take_output()?;
            let client = Client::after(&hello, plan.min_version, client_key)?;
            (client, hello, offer, Some(modern))
        };
        Ok(Self {
            stream,
            own,
            hello,
            modern,
            offer,
            answer: Answer::new(Request::ClientHello),
        })
    }

    /// Runs the handshake to its end.
    ///
    /// # Errors
    /// When it fails; [`Self::seen`] tells what came before.
    pub(super) async fn handshake(&mut self) -> Result<(), Failure> {
        let hello = std::mem::take(&mut self.hello);
        self.send_raw(&hello).await?;
        drop(hello);
        let mut first = Vec::new();
        loop {
            match self.own.progress() {
                Progress::Established => return Ok(()),
                Progress::Tls13 => break,
                Progress::Hello | Progress::Handshake => {}
            }
            let bytes = self.receive_raw().await?;
            if bytes.is_empty() {
                return Err(Failure::Closed);
            }
            self.answer.add(&bytes);
            // For rustls, which may have to read it again; our own client keeps nothing of it.
            if self.own.progress() == Progress::Hello && self.modern.is_some() {
                first.extend_from_slice(&bytes);
                if first.len() > MAX_FLIGHT {
                    let why = "more than 256 KiB came before a ServerHello";
                    return Err(Failure::Unsupported(why.into()));
                }
            }
            self.feed_own(&bytes).await?;
        }
        self.feed_modern(&first).await?;
        while self.is_handshaking() {
            let bytes = self.receive_raw().await?;
            self.answer.add(&bytes);
            self.feed_modern(&bytes).await?;
            if bytes.is_empty() && self.is_handshaking() {
                return Err(Failure::Closed);
            }
        }
        Ok(())
    }

    /// Whether a handshake came to its end, so that something can be sent over TLS.
    pub(super) fn is_established(&self) -> bool {
        match (self.own.progress(), &self.modern) {
            (Progress::Established, _) => true,
            (Progress::Tls13, Some(_)) => !self.is_handshaking(),
            _ => false,
        }
    }

    fn is_handshaking(&self) -> bool {
        let modern = self.modern.as_ref();
        modern.is_some_and(|modern| modern.connection.is_handshaking())
    }

    /// What the server showed so far.
    pub(super) fn seen(&self) -> Handshake {
        match (self.own.progress(), &self.modern) {
            (Progress::Tls13, Some(modern)) => modern.seen(),
            _ => self.own.seen().clone(),
        }
    }

    /// Sends bytes over TLS.
    ///
    /// # Errors
    /// When the stream does not take them.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let sealed = match (self.own.progress(), &mut self.modern) {
            (Progress::Tls13, Some(modern)) => {
                let written = modern.connection.writer().write_all(bytes);
                written.map_err(|error| failure_of(&error))?;
                modern.take_output()?
            }
            _ => {
                self.own.send(bytes);
                self.own.take_output()
            }
        };
        self.send_raw(&sealed).await
    }

    /// Receives some bytes over TLS; none means close_notify or end of file.
    ///
    /// # Errors
    /// An alert, a reset, an end of file without close_notify, bytes that are no TLS.
    pub(super) async fn receive_some(&mut self) -> Result<Vec<u8>, Failure> {
        if self.own.progress() != Progress::Tls13 {
            return self.receive_own().await;
        }
        loop {
            if let Some(modern) = &mut self.modern {
                if !modern.plaintext.is_empty() {
                    return Ok(std::mem::take(&mut modern.plaintext));
                }
                let mut bytes = vec![0; CHUNK];
                match modern.connection.reader().read(&mut bytes) {
                    Ok(length) => {
                        bytes.truncate(length);
                        return Ok(bytes);
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(failure_of(&error)),
                }
            }
            let bytes = self.receive_raw().await?;
            self.feed_modern(&bytes).await?;
        }
    }

    async fn receive_own(&mut self) -> Result<Vec<u8>, Failure> {
        loop {
            let received = self.own.take_received();
            if !received.is_empty() || self.own.is_closed() {
                return Ok(received);
            }
            let bytes = self.receive_raw().await?;
            if bytes.is_empty() {
                return Err(Failure::Closed);
            }
            self.feed_own(&bytes).await?;
        }
    }

    /// Says close_notify and reads to the end, so that what the server had to say is seen.
    pub(super) async fn drain(&mut self) {
        self.close_notify().await;
        let mut left = MAX_FLIGHT;
        while let Ok(bytes) = self.receive_some().await {
            left = left.saturating_sub(bytes.len());
            if bytes.is_empty() || left == 0 {
                break;
            }
        }
    }

    /// Says close_notify and stops writing, so that the server's log stays silent.
    pub(super) async fn close(mut self: Box<Self>) -> S {
        self.close_notify().await;
        self.stream
    }

    async fn close_notify(&mut self) {
        if self.is_established() {
            let last = match (self.own.progress(), &mut self.modern) {
                (Progress::Tls13, Some(modern)) => {
                    modern.connection.send_close_notify();
                    modern.take_output().unwrap_or_default()
                }
                _ => {
                    self.own.close();
                    self.own.take_output()
                }
            };
            let _ = self.send_raw(&last).await;
        }
    }

    async fn feed_own(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let read = self.own.read(bytes);
        // Also the alert that tells the server why.
        let output = self.own.take_output();
        let sent = self.send_raw(&output).await;
        read.and(sent)
    }

    async fn feed_modern(&mut self, mut unread: &[u8]) -> Result<(), Failure> {
        let Some(modern) = &mut self.modern else {
            return Ok(());
        };
        let fed = loop {
            if let Err(error) = modern.connection.read_tls(&mut unread) {
                break Err(failure_of(&error));
            }
            if let Err(error) = modern.connection.process_new_packets() {
                break Err(tls_failure(&error));
            }
            modern.take_plaintext();
            if unread.is_empty() {
                break Ok(());
            }
        };
        // Also the alert that tells the server why.
        let output = modern.take_output()?;
        let sent = self.send_raw(&output).await;
        fed.and(sent)
    }

    async fn send_raw(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if bytes.is_empty() {
            return Ok(());
        }
        let sent = self.stream.write_all(bytes).await;
        sent.map_err(|error| failure_of(&error))
    }

    async fn receive_raw(&mut self) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        read_some(&mut self.stream, &mut bytes).await?;
        Ok(bytes)
    }
}

impl Modern {
    fn new(
        plan: &TlsPlan,
        server_name: Option<&str>,
        alpn: bool,
    ) -> Result<(Self, Offer), Failure> {
        let schemes: Vec<_> = plan
            .signature_schemes
            .iter()
            .map(|code| SignatureScheme::from(*code))
            .collect();
        let recorder = Arc::new(Recorder {
            seen: Mutex::default(),
            schemes,
            client_key: plan.client_key.as_ref().map(|it| Arc::clone(&it.key)),
        });
        let (mut config, groups) = template(plan)?;
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the place that records and accepts"
        )]
        let mut dangerous = config.dangerous();
        dangerous.set_certificate_verifier(Arc::clone(&recorder) as Arc<dyn ServerCertVerifier>);
        config.client_auth_cert_resolver = Arc::clone(&recorder) as Arc<dyn ResolvesClientCert>;
        let alpn = plan.alpn.clone().filter(|_| alpn);
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = server_name.and_then(|name| ServerName::try_from(name.to_owned()).ok());
        config.enable_sni = name.is_some();
        let min_version = plan.min_version.max(0x0303);
        let offer = Offer {
            min_version,
            max_version: plan.max_version,
            cipher_suites: openssl::cipher_suites(min_version, plan.max_version),
            groups,
            signature_schemes: plan.signature_schemes.clone(),
            alpn,
            sni: server_name.map(str::to_owned),
            sni_wanted: server_name.map(str::to_owned),
            client_certificate: plan.client_key.is_some(),
            own: false,
        };
        let any = ServerName::IpAddress(IpAddr::from(std::net::Ipv4Addr::UNSPECIFIED));
        let mut connection =
            ClientConnection::new(Arc::new(config), name.unwrap_or(any)).map_err(unsupported)?;
        // A StartupMessage may be longer than the buffer that rustls allows by itself.
        connection.set_buffer_limit(None);
        let modern = Self {
            connection: Box::new(connection),
            recorder,
            plaintext: Vec::new(),
        };
        Ok((modern, offer))
    }

    /// Takes out what was decrypted: rustls reads no more while there are 16 KiB of it, and a
    /// server may send more at once.
    fn take_plaintext(&mut self) {
        let mut chunk = [0; 4096];
        while let Ok(length @ 1..) = self.connection.reader().read(&mut chunk) {
            let came = chunk.get(..length).unwrap_or_default();
            self.plaintext.extend_from_slice(came);
        }
    }

    /// What rustls has to send.
    fn take_output(&mut self) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        while self.connection.wants_write() {
            self.connection
                .write_tls(&mut bytes)
                .map_err(|error| failure_of(&error))?;
        }
        Ok(bytes)
    }

    fn seen(&self) -> Handshake {
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
            signature: seen.signature.clone(),
            certificates: seen.certificates.clone(),
            certificate_request: seen.certificate_request.clone(),
            client_certificate_sent: seen.client_certificate_sent,
            tickets: connection.tls13_tickets_received(),
            ocsp_stapled: seen.ocsp_stapled,
            ..Handshake::default()
        }
    }
}

/// What a configuration depends on beside its connection: groups, lowest and highest version.
type Kind = (Vec<u16>, u16, u16);

thread_local! {
    /// The last configuration: many targets are asked with the same.
    static LAST: RefCell<Option<(Kind, ClientConfig, Vec<u16>)>> = const { RefCell::new(None) };
}

/// A configuration for the groups and versions of a plan that lacks what is of one connection; the
/// groups that it really has.
fn template(plan: &TlsPlan) -> Result<(ClientConfig, Vec<u16>), Failure> {
    let kind = (&plan.groups, plan.min_version, plan.max_version);
    let known = LAST.with_borrow(|last| {
        let found = last.as_ref();
        let found = found.filter(|((groups, min, max), ..)| (groups, *min, *max) == kind);
        found.map(|(_, config, groups)| (config.clone(), groups.clone()))
    });
    if let Some(known) = known {
        return Ok(known);
    }
    let (config, groups) = configuration(plan)?;
    let kind = (plan.groups.clone(), plan.min_version, plan.max_version);
    LAST.set(Some((kind, config.clone(), groups.clone())));
    Ok((config, groups))
}

fn configuration(plan: &TlsPlan) -> Result<(ClientConfig, Vec<u16>), Failure> {
    let provider = provider(&plan.groups);
    let groups = provider.kx_groups.iter();
    let groups = groups.map(|group| u16::from(group.name())).collect();
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
    let dangerous = builder.dangerous();
    let mut config = dangerous
        .with_custom_certificate_verifier(Arc::new(Recorder::default()))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok((config, groups))
}

fn unsupported(error: rustls::Error) -> Failure {
    Failure::Unsupported(error.to_string())
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
    use rustls::Error;
    match error {
        Error::AlertReceived(alert) => Failure::Alert(u8::from(*alert)),
        Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedApplicationProtocol) => {
            Failure::UnofferedAlpn
        }
        // What is no TLS 1.3 to rustls is stricter than what is none to OpenSSL (extensions it does
        // not know, long chains, padding, ...): our own client is asked what OpenSSL would say.
        _ => Failure::Unsupported(error.to_string()),
    }
}

/// The provider with these groups in this order, as far as it can do a key exchange with them, and
/// all of OpenSSL's suites in its order.
fn provider(groups: &[u16]) -> CryptoProvider {
    CryptoProvider {
        kx_groups: key_exchange_groups(groups),
        cipher_suites: SUITES.clone(),
        ..rustls::crypto::aws_lc_rs::default_provider()
    }
}

/// These groups in this order, as far as we can do a key exchange with them.
fn key_exchange_groups(groups: &[u16]) -> Vec<&'static dyn SupportedKxGroup> {
    let known = rustls::crypto::aws_lc_rs::ALL_KX_GROUPS;
    groups
        .iter()
        .filter_map(|code| {
            let group = NamedGroup::from(*code);
            match *code {
                0x0019 => Some(&Secp521r1 as &dyn SupportedKxGroup),
                0x001e => Some(&X448 as &dyn SupportedKxGroup),
                0x0100..=0x01ff => FFDHE
                    .iter()
                    .find(|real| real.name() == group)
                    .map(|real| real as &dyn SupportedKxGroup),
                _ => known.iter().copied().find(|real| real.name() == group),
            }
        })
        .collect()
}

/// Whether rustls puts a name into server_name as it is: it leaves out a trailing dot, and what is
/// no DNS name to it.
fn is_sendable(name: &str) -> bool {
    !name.ends_with('.') && matches!(ServerName::try_from(name), Ok(ServerName::DnsName(_)))
}

/// OpenSSL's suites in its order. Of those below TLS 1.3 rustls only needs to know the code points:
/// it never speaks them.
static SUITES: LazyLock<Vec<SupportedCipherSuite>> = LazyLock::new(|| {
    use rustls::crypto::aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 as ANY;
    let known = rustls::crypto::aws_lc_rs::ALL_CIPHER_SUITES;
    let SupportedCipherSuite::Tls12(any) = ANY else {
        return known.to_vec();
    };
    let suites = openssl::cipher_suites(0x0303, 0x0304);
    let suite = |code: u16| {
        let suite = CipherSuite::from(code);
        known
            .iter()
            .copied()
            .find(|known| known.suite() == suite)
            .unwrap_or_else(|| {
                SupportedCipherSuite::Tls12(Box::leak(Box::new(Tls12CipherSuite {
                    common: CipherSuiteCommon {
                        suite,
                        hash_provider: any.common.hash_provider,
                        confidentiality_limit: 0,
                    },
                    prf_provider: any.prf_provider,
                    kx: any.kx,
                    sign: any.sign,
                    aead_alg: any.aead_alg,
                })))
            })
    };
    suites.into_iter().map(suite).collect()
});

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
