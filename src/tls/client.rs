//! The client's side of a handshake (RFC 5246 section 7.3), message by message; of TLS 1.3 up to
//! the ServerHello, and alerts and ChangeCipherSpec of all versions.

mod tls13;

use std::sync::Arc;

use rustls::crypto::{ActiveKeyExchange, SupportedKxGroup};
use rustls::sign::Signer;
use rustls::{SignatureAlgorithm, SignatureScheme};

use crate::emulates::OpenSsl;
use crate::memo::Memo;
use crate::observation::{Failure, Handshake, Irregularity};
use crate::pki::Certificate;
use crate::pki::own_chain;
use crate::pki::public_key::{KeyKind, PublicKey};
use crate::wire::Reader;
use crate::wire::tls::client_hello::ClientHello;

use super::digest::Prf;
use super::key_exchange::{self, Exchanged, ServerKeyExchange, ServerParameters};
use super::messages::{self, ServerHello, handshake, vector16, vector24};
use super::offered::Offered;
use super::record::{Protection, Records};
use super::suite::{Authentication, KeyExchange, Suite};
use super::{
    BAD_CERTIFICATE, ClientCertificate, DECODE_ERROR, DECRYPT_ERROR, Fault, HANDSHAKE_FAILURE,
    ILLEGAL_PARAMETER, INTERNAL_ERROR, PROTOCOL_VERSION, TLS_1_2, TLS_1_3, UNEXPECTED_MESSAGE,
    fault,
};
use tls13::Modern;

/// The most that is kept of the handshake messages: each as long as OpenSSL lets it be. Of TLS 1.3
/// only those up to the ServerHello are kept, the others are hashed as they come.
pub const MAX_TRANSCRIPT: usize = 512 * 1024;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

const MASTER_SECRET: usize = 48;
const VERIFY_DATA: usize = 12;
const WARNING: u8 = 1;
const FATAL: u8 = 2;
const CLOSE_NOTIFY: u8 = 0;
const USER_CANCELED: u8 = 90;
const NO_RENEGOTIATION: u8 = 100;
/// How many warnings in a row OpenSSL does not bear (`MAX_WARN_ALERT_COUNT`).
const MAX_WARNINGS: u32 = 5;

/// How far a handshake is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Progress {
    /// The ServerHello has not come yet.
    Hello,
    /// The server chose a version, and the handshake goes on.
    Handshake,
    /// It is complete.
    Established,
}

/// A client that has sent its ClientHello.
pub struct Client {
    offered: Offered,
    /// The ClientHello, for the second one of TLS 1.3.
    hello: ClientHello,
    groups: Vec<&'static dyn SupportedKxGroup>,
    shares: Vec<Box<dyn ActiveKeyExchange>>,
    /// The suite of a HelloRetryRequest.
    retried: Option<u16>,
    /// Whose rules it follows where OpenSSL 1.1.1 and 3 differ.
    openssl: OpenSsl,
    min_version: u16,
    client_key: Option<ClientCertificate>,
    records: Records,
    /// Handshake bytes that make no whole message yet.
    partial: Vec<u8>,
    transcript: Vec<u8>,
    state: State,
    warnings: u32,
    output: Vec<u8>,
    received: Vec<u8>,
    end_of_data: bool,
    failure: Option<Failure>,
    seen: Handshake,
}

/// What comes next, and what is known then.
enum State {
    ServerHello,
    Certificate(Box<Negotiated>),
    /// CertificateStatus, ServerKeyExchange, CertificateRequest or ServerHelloDone, in this order.
    Flight(Box<Negotiated>, Box<Flight>),
    /// NewSessionTicket, if one was announced, or ChangeCipherSpec.
    ChangeCipherSpec(Box<Negotiated>, Keys),
    Finished(Box<Negotiated>, Keys),
    Modern(Box<Modern>),
    Established,
    Failed,
}

#[derive(Clone)]
struct Negotiated {
    version: u16,
    suite: Suite,
    prf: Prf,
    server_random: [u8; 32],
    extended_master_secret: bool,
    encrypt_then_mac: bool,
    ticket: bool,
    status: bool,
    point_formats: Option<Vec<u8>>,
}

#[derive(Clone)]
struct Flight {
    key: PublicKey,
    status_seen: bool,
    parameters: Option<ServerParameters>,
    requested: bool,
}

struct Keys {
    master_secret: Vec<u8>,
    /// Of the server's records; taken at its ChangeCipherSpec.
    server: Option<Protection>,
}

/// Why reading stops: the server breaks a rule, or something else ends the handshake.
enum Stop {
    Fault(Fault),
    Failure(Failure),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<crate::wire::DecodeError> for Stop {
    fn from(error: crate::wire::DecodeError) -> Self {
        Self::Fault(error.into())
    }
}

impl Client {
    /// A client whose ClientHello is in the output, with the key shares that OpenSSL sends if it
    /// offers TLS 1.3; `min_version` is the lowest version that it is willing to speak.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn new(
        mut hello: ClientHello,
        groups: Vec<&'static dyn SupportedKxGroup>,
        min_version: u16,
        client_key: Option<ClientCertificate>,
    ) -> Result<Self, Failure> {
        let shares = tls13::first_shares(&mut hello, &groups)?;
        let records = hello.to_records();
        let offered = Offered::read(&records)
            .map_err(|error| Failure::Unsupported(format!("our own ClientHello: {error}")))?;
        Ok(Self {
            transcript: offered.message.clone(),
            offered,
            hello,
            groups,
            shares,
            retried: None,
            openssl: OpenSsl::default(),
            min_version,
            client_key,
            records: Records::new(),
            partial: Vec::new(),
            state: State::ServerHello,
            warnings: 0,
            output: records,
            received: Vec::new(),
            end_of_data: false,
            failure: None,
            seen: Handshake::default(),
        })
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        match self.state {
            State::ServerHello => Progress::Hello,
            _ if self.is_established() => Progress::Established,
            _ => Progress::Handshake,
        }
    }

    fn is_established(&self) -> bool {
        match &self.state {
            State::Established => true,
            State::Modern(modern) => modern.is_established(),
            _ => false,
        }
    }

    /// What the server showed so far.
    pub fn seen(&self) -> &Handshake {
        &self.seen
    }

    /// The same at the end, when it is no longer needed here.
    pub fn take_seen(&mut self) -> Handshake {
        std::mem::take(&mut self.seen)
    }

    /// The bytes to send, which are then no longer here.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// The application data that came, which is then no longer here.
    pub fn take_received(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.received)
    }

    /// Whether the server said close_notify.
    pub fn is_closed(&self) -> bool {
        self.end_of_data
    }

    /// Sends application data, once the handshake is complete.
    pub fn send(&mut self, data: &[u8]) {
        if self.is_established() {
            self.records.write(APPLICATION_DATA, data, &mut self.output);
        }
    }

    /// Says close_notify.
    pub fn close(&mut self) {
        self.records.write(ALERT, &[1, 0], &mut self.output);
    }

    /// Takes in bytes from the server.
    ///
    /// # Errors
    /// When the handshake or the connection fails; the alert that says so is in the output.
    pub fn read(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        self.records.push(bytes);
        let failure = match self.advance() {
            Ok(()) => return Ok(()),
            // The first bytes are no TLS at all.
            Err(Stop::Fault(fault))
                if fault.alert == PROTOCOL_VERSION && matches!(self.state, State::ServerHello) =>
            {
                Failure::Protocol("not a TLS record".to_owned())
            }
            Err(Stop::Fault(fault)) => {
                let alert = [2, fault.alert];
                self.records.write(ALERT, &alert, &mut self.output);
                Failure::TlsRule(fault.reason.to_owned())
            }
            Err(Stop::Failure(failure)) => failure,
        };
        self.state = State::Failed;
        self.failure = Some(failure.clone());
        Err(failure)
    }

    fn advance(&mut self) -> Result<(), Stop> {
        while !self.end_of_data && self.records.has_input() {
            self.read_data()?;
            let Some((kind, fragment)) = self.records.next()? else {
                break;
            };
            if kind != ALERT && !fragment.is_empty() {
                self.warnings = 0;
            }
            if self.is_modern() {
                self.check_modern_record(kind, &fragment)?;
            }
            match kind {
                CHANGE_CIPHER_SPEC => self.change_cipher_spec(&fragment)?,
                ALERT => self.alert(&fragment)?,
                HANDSHAKE => {
                    self.partial.extend_from_slice(&fragment);
                    self.messages()?;
                }
                _ if self.is_established() => {
                    if let State::Modern(modern) = &mut self.state {
                        modern.data_came();
                    }
                    self.received.extend_from_slice(&fragment);
                }
                _ => return Err(fault(UNEXPECTED_MESSAGE, "unexpected record").into()),
            }
        }
        Ok(())
    }

    /// Whether the version is TLS 1.3: known since a HelloRetryRequest, or the ServerHello.
    fn is_modern(&self) -> bool {
        matches!(self.state, State::Modern(_)) || self.retried.is_some()
    }

    /// Mirrors the part of `ssl3_read_bytes` that is about alerts.
    fn alert(&mut self, fragment: &[u8]) -> Result<(), Stop> {
        let &[level, description] = fragment else {
            return Err(fault(UNEXPECTED_MESSAGE, "invalid alert").into());
        };
        let is_modern = self.is_modern();
        // TLS 1.3 knows one warning beside close_notify, whatever its level (RFC 8446 section 6.1).
        let is_cancelled = is_modern && description == USER_CANCELED;
        if level == WARNING || is_cancelled {
            self.warnings += 1;
            if self.warnings >= MAX_WARNINGS {
                return Err(fault(UNEXPECTED_MESSAGE, "too many warn alerts").into());
            }
        }
        match (level, description) {
            _ if is_cancelled => Ok(()),
            (WARNING, CLOSE_NOTIFY) if self.is_established() => {
                self.end_of_data = true;
                Ok(())
            }
            (WARNING, CLOSE_NOTIFY) => Err(Stop::Failure(Failure::Closed)),
            (FATAL, _) => Err(Stop::Failure(Failure::Alert(description))),
            _ if is_modern => Err(Stop::Failure(Failure::Alert(description))),
            (WARNING, NO_RENEGOTIATION) => Err(fault(HANDSHAKE_FAILURE, "no renegotiation").into()),
            (WARNING, _) => Ok(()),
            _ => Err(fault(ILLEGAL_PARAMETER, "unknown alert type").into()),
        }
    }

    fn messages(&mut self) -> Result<(), Stop> {
        loop {
            let mut reader = Reader::new(&self.partial);
            let (Ok(kind), Ok(length)) = (reader.u8("type"), reader.u24("length")) else {
                return Ok(());
            };
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            if length > messages::max_length(kind, self.openssl) {
                return Err(fault(ILLEGAL_PARAMETER, "excessive message size").into());
            }
            let Ok(body) = reader.take(length, "body") else {
                return Ok(());
            };
            debug_assert_eq!(body.len(), length);
            let message: Vec<u8> = self.partial.drain(..4 + length).collect();
            let body = message.get(4..).unwrap_or_default();
            // It does not count for the handshake (RFC 5246 section 7.4.1.1), and is no message of
            // TLS 1.3, though OpenSSL passes over it until the handshake ends.
            let is_over = matches!(self.state, State::Modern(_)) && self.is_established();
            if kind == messages::HELLO_REQUEST && !is_over {
                continue;
            }
            self.message(kind, body, &message)?;
        }
    }

    fn message(&mut self, kind: u8, body: &[u8], message: &[u8]) -> Result<(), Stop> {
        let unexpected = || Stop::Fault(fault(UNEXPECTED_MESSAGE, "unexpected message"));
        let state = std::mem::replace(&mut self.state, State::Failed);
        if self.transcript.len() + message.len() > MAX_TRANSCRIPT {
            return Err(fault(ILLEGAL_PARAMETER, "excessive message size").into());
        }
        let state = match state {
            State::Modern(modern) => {
                self.state = self.message_1_3(modern, kind, body, message)?;
                return Ok(());
            }
            state => state,
        };
        // The Finished message is not part of what it proves.
        if kind != messages::FINISHED {
            self.transcript.extend_from_slice(message);
        }
        self.state = match (state, kind) {
            (State::ServerHello, messages::SERVER_HELLO) => self.server_hello(body)?,
            (State::Certificate(negotiated), messages::CERTIFICATE) => {
                self.certificate(negotiated, body)?
            }
            (State::Flight(negotiated, flight), _) => {
                self.flight_message(negotiated, flight, kind, body)?
            }
            (State::ChangeCipherSpec(mut negotiated, keys), messages::NEW_SESSION_TICKET)
                if negotiated.ticket =>
            {
                negotiated.ticket = false;
                let mut ticket = Reader::new(body);
                ticket.u32("lifetime")?;
                ticket.vector16("ticket")?;
                if !ticket.is_empty() {
                    return Err(fault(DECODE_ERROR, "length mismatch").into());
                }
                State::ChangeCipherSpec(negotiated, keys)
            }
            (State::ChangeCipherSpec(..), messages::FINISHED) => {
                return Err(fault(UNEXPECTED_MESSAGE, "got a fin before a ccs").into());
            }
            (State::Finished(negotiated, keys), messages::FINISHED) => {
                self.finished(&negotiated, &keys, body)?
            }
            _ => return Err(unexpected()),
        };
        Ok(())
    }

    /// Keeps what only some releases refuse: whoever judges the evidence must look at it.
    fn note(&mut self, what: Irregularity, came: bool) {
        if came && !self.seen.irregularities.contains(&what) {
            self.seen.irregularities.push(what);
        }
    }

    fn server_hello(&mut self, body: &[u8]) -> Result<State, Stop> {
        let hello = ServerHello::read(Reader::new(body))?;
        let newer = |kind: &u16| messages::is_known_since_3_2(*kind);
        let came = hello.extensions.iter().any(newer);
        self.note(Irregularity::NewerExtension, came);
        self.seen.protocol_version = Some(hello.version);
        self.seen.cipher_suite = Some(hello.suite_code);
        self.seen.alpn = hello
            .alpn
            .as_ref()
            .map(|name| String::from_utf8_lossy(name).into_owned());
        if hello.retries_without_version(&self.offered) && self.openssl != OpenSsl::V111 {
            let why = "OpenSSL 3.0 takes a HelloRetryRequest without supported_versions, 3.2 and later do not";
            return Err(Stop::Failure(Failure::Unsupported(why.into())));
        }
        if hello.is_tls_1_3(&self.offered) || hello.retries_without_version(&self.offered) {
            self.seen.group = hello.group;
            self.seen.hello_retry_request = Some(hello.hello_retry_request);
            return self.server_hello_1_3(&hello);
        }
        self.check_still_1_3()?;
        self.seen.hello_retry_request = Some(false);
        let has = |kind: u16| hello.extensions.contains(&kind);
        self.seen.renegotiation_info = Some(has(0xff01));
        let suite = hello.check(&self.offered, self.min_version)?;
        if let Some(name) = &hello.alpn {
            self.check_alpn(name)?;
        }
        self.records.version = Some(hello.version);
        Ok(State::Certificate(Box::new(Negotiated {
            version: hello.version,
            suite,
            prf: suite.prf(hello.version),
            server_random: hello.random,
            extended_master_secret: has(23),
            encrypt_then_mac: has(22) && suite.bulk.is_cbc(),
            ticket: has(35),
            status: has(5),
            point_formats: hello.point_formats,
        })))
    }

    fn certificate(&mut self, negotiated: Box<Negotiated>, body: &[u8]) -> Result<State, Stop> {
        self.seen.certificates = messages::certificates(Reader::new(body))?;
        let key = self.leaf_key()?;
        let fits = match negotiated.suite.authentication {
            Authentication::Rsa => matches!(key.kind, KeyKind::Rsa | KeyKind::RsaPss(_)),
            Authentication::Ecdsa => matches!(
                key.kind,
                KeyKind::Ec(_) | KeyKind::EcExplicit | KeyKind::Ed25519 | KeyKind::Ed448
            ),
        };
        if !fits {
            return Err(fault(ILLEGAL_PARAMETER, "wrong certificate type").into());
        }
        let flight = Box::new(Flight {
            key,
            status_seen: false,
            parameters: None,
            requested: false,
        });
        Ok(State::Flight(negotiated, flight))
    }

    /// OpenSSL 3 refuses a protocol that was not offered, 1.1.1 takes any that has a name.
    fn check_alpn(&self, name: &Vec<u8>) -> Result<(), Stop> {
        match self.openssl {
            OpenSsl::V111 if name.is_empty() => Err(fault(INTERNAL_ERROR, "internal error").into()),
            OpenSsl::V111 => Ok(()),
            _ if self.offered.alpn.contains(name) => Ok(()),
            _ => Err(Stop::Failure(Failure::UnofferedAlpn)),
        }
    }

    /// The key of the certificate that was shown.
    fn leaf_key(&mut self) -> Result<PublicKey, Stop> {
        let leaf = self.seen.certificates.first();
        let leaf = leaf.map(|der| Certificate::parse(der));
        if let Some(leaf) = &leaf {
            self.seen.leaf = Memo::known(leaf.clone());
        }
        let Some(leaf) = leaf.filter(|leaf| leaf.unparsed.is_none()) else {
            return Err(fault(BAD_CERTIFICATE, "asn1 lib").into());
        };
        let key = leaf.public_key.as_ref().filter(|key| key.usable);
        let reason = "unable to find public key parameters";
        key.cloned().ok_or(fault(INTERNAL_ERROR, reason).into())
    }

    fn flight_message(
        &mut self,
        negotiated: Box<Negotiated>,
        mut flight: Box<Flight>,
        kind: u8,
        body: &[u8],
    ) -> Result<State, Stop> {
        let key_exchange = negotiated.suite.key_exchange;
        let exchanged = flight.parameters.is_some() || key_exchange == KeyExchange::Rsa;
        match kind {
            messages::CERTIFICATE_STATUS
                if negotiated.status && !flight.status_seen && flight.parameters.is_none() =>
            {
                flight.status_seen = true;
                self.seen.ocsp_stapled = !body.is_empty();
                Ok(State::Flight(negotiated, flight))
            }
            messages::SERVER_KEY_EXCHANGE if !exchanged && !flight.requested => {
                self.server_key_exchange(&negotiated, &mut flight, body)?;
                Ok(State::Flight(negotiated, flight))
            }
            messages::CERTIFICATE_REQUEST if exchanged && !flight.requested => {
                let request = messages::certificate_request(Reader::new(body), negotiated.version)?;
                self.seen.certificate_request = Some(request);
                flight.requested = true;
                Ok(State::Flight(negotiated, flight))
            }
            messages::SERVER_HELLO_DONE if exchanged => self.answer(negotiated, &flight),
            _ => Err(fault(UNEXPECTED_MESSAGE, "unexpected message").into()),
        }
    }

    fn server_key_exchange(
        &mut self,
        negotiated: &Negotiated,
        flight: &mut Flight,
        body: &[u8],
    ) -> Result<(), Stop> {
        let exchange = ServerKeyExchange::read(
            body,
            negotiated.suite.key_exchange,
            negotiated.version,
            &self.offered,
            &negotiated.server_random,
            &flight.key,
        )?;
        match &exchange.parameters {
            ServerParameters::FiniteField { prime, .. } => {
                self.seen.dh_bits = u32::try_from(prime.bits()).ok();
            }
            ServerParameters::Elliptic { group, .. } => self.seen.group = Some(*group),
        }
        if negotiated.version >= TLS_1_2 {
            let formats = negotiated.point_formats.as_deref();
            let other = !key_exchange::has_point_format(&flight.key, formats);
            if other && self.openssl == OpenSsl::V111 {
                return Err(fault(ILLEGAL_PARAMETER, "illegal point compression").into());
            }
            self.note(Irregularity::PointFormat, other);
            key_exchange::check_curve(&flight.key, &self.offered)?;
        }
        self.seen.signature = Some(exchange.signature);
        flight.parameters = Some(exchange.parameters);
        Ok(())
    }

    /// Sends the client's flight, from Certificate to Finished.
    fn answer(&mut self, negotiated: Box<Negotiated>, flight: &Flight) -> Result<State, Stop> {
        // Mirrors `ssl3_check_cert_and_algorithm`.
        let encrypts = negotiated.suite.key_exchange == KeyExchange::Rsa;
        if encrypts && flight.key.kind != KeyKind::Rsa {
            return Err(fault(HANDSHAKE_FAILURE, "missing rsa encrypting cert").into());
        }
        let mut signer = None;
        if flight.requested {
            signer = self.signer(negotiated.version)?;
            self.check_own_chain(signer.is_some())?;
            let chain: Vec<u8> = match (&signer, &self.client_key) {
                (Some(_), Some(key)) => {
                    let chain = key.key.cert.iter();
                    chain
                        .flat_map(|certificate| vector24(certificate))
                        .collect()
                }
                _ => Vec::new(),
            };
            self.seen.client_certificate_sent = signer.is_some();
            self.say_below_1_3(messages::CERTIFICATE, &vector24(&chain));
        }
        let Exchanged {
            message,
            premaster_secret,
        } = match &flight.parameters {
            Some(parameters) => key_exchange::answer(parameters)?,
            None => key_exchange::encrypt_to(&flight.key, self.offered.legacy_version)?,
        };
        self.say_below_1_3(messages::CLIENT_KEY_EXCHANGE, &message);
        let master_secret = if negotiated.extended_master_secret {
            // RFC 7627 section 4.
            let session = negotiated.prf.transcript_hash(&self.transcript);
            let label = b"extended master secret";
            let prf = negotiated.prf;
            prf.derive(&premaster_secret, label, &[&session], MASTER_SECRET)
        } else {
            let seed = [self.offered.random.as_slice(), &negotiated.server_random];
            let prf = negotiated.prf;
            prf.derive(&premaster_secret, b"master secret", &seed, MASTER_SECRET)
        };
        if let Some(signer) = signer {
            let signature = signer
                .sign(&self.transcript)
                .map_err(|error| Stop::Failure(Failure::Local(error.to_string())))?;
            let mut body = Vec::new();
            if negotiated.version >= TLS_1_2 {
                body.extend(u16::from(signer.scheme()).to_be_bytes());
            }
            body.extend(vector16(&signature));
            self.say_below_1_3(messages::CERTIFICATE_VERIFY, &body);
        }
        self.records
            .write(CHANGE_CIPHER_SPEC, &[1], &mut self.output);
        let (client, server) = protections(&negotiated, &self.offered.random, &master_secret)
            .ok_or(fault(INTERNAL_ERROR, "internal error"))?;
        self.records.protect_writing(client);
        let proof = verify_data(
            negotiated.prf,
            &master_secret,
            b"client finished",
            &self.transcript,
        );
        self.say_below_1_3(messages::FINISHED, &proof);
        let keys = Keys {
            master_secret,
            server: Some(server),
        };
        Ok(State::ChangeCipherSpec(negotiated, keys))
    }

    /// What signs for our certificate, if we have one that suits the request.
    fn signer(&self, version: u16) -> Result<Option<Arc<dyn Signer>>, Stop> {
        let Some(key) = self.client_key.as_ref() else {
            return Ok(None);
        };
        // Of OpenSSL 3 only 3.0 comes here, and its levels 1 and 2 forbid MD5 and SHA-1
        // (`tls1_get_legacy_sigalg`).
        if version < TLS_1_2 {
            let signer = key.below_tls_1_2.clone();
            return Ok(signer.filter(|_| self.openssl == OpenSsl::V111));
        }
        let request = self.seen.certificate_request.as_ref();
        let asked = request.map(|request| request.signature_schemes.as_slice());
        let shared: Vec<_> = self
            .offered
            .signature_schemes
            .iter()
            .filter(|scheme| asked.unwrap_or_default().contains(scheme))
            .filter(|scheme| version < TLS_1_3 || tls13::signs_messages(**scheme))
            .map(|scheme| SignatureScheme::from(*scheme))
            .collect();
        let signer = key.key.key.choose_scheme(&shared);
        // In TLS 1.2 any hash goes with any curve, and SHA-224 with RSA too (RFC 5246 section 7.4.1.4.1).
        let kind = match key.key.key.algorithm() {
            SignatureAlgorithm::ECDSA => 3,
            SignatureAlgorithm::RSA => 1,
            _ => 0,
        };
        let other_hash = |scheme: &SignatureScheme| {
            let code = u16::from(*scheme);
            code & 0xff == kind && (0x0200..=0x06ff).contains(&code)
        };
        if signer.is_none() && version < TLS_1_3 && shared.iter().any(other_hash) {
            let why = "libpq signs with a hash with which pgprobe's client key does not";
            return Err(Stop::Failure(Failure::Unsupported(why.into())));
        }
        Ok(signer.map(Arc::from))
    }

    /// Whether the security level lets our chain go (`ssl_add_cert_chain`).
    fn check_own_chain(&self, is_sent: bool) -> Result<(), Stop> {
        let key = self.client_key.as_ref().filter(|_| is_sent);
        match key.and_then(|key| key.refused) {
            Some(own_chain::WEAK_DIGEST) if self.openssl != OpenSsl::V111 => {
                let why = "whether OpenSSL sends an issuer that is signed with SHA-1 or MD5 depends on its release";
                Err(Stop::Failure(Failure::Unsupported(why.into())))
            }
            Some(reason) => Err(fault(INTERNAL_ERROR, reason).into()),
            None => Ok(()),
        }
    }

    /// Sends a handshake message; the message.
    fn say(&mut self, kind: u8, body: &[u8]) -> Vec<u8> {
        let message = handshake(kind, body);
        self.records.write(HANDSHAKE, &message, &mut self.output);
        message
    }

    /// Sends a handshake message, which counts for the transcript.
    fn say_below_1_3(&mut self, kind: u8, body: &[u8]) {
        let message = self.say(kind, body);
        self.transcript.extend(message);
    }

    fn change_cipher_spec(&mut self, fragment: &[u8]) -> Result<(), Stop> {
        // An empty record brings nothing; they are counted where records are read.
        if fragment.is_empty() && !self.is_established() {
            return Ok(());
        }
        if fragment != [1] {
            return Err(fault(ILLEGAL_PARAMETER, "bad change cipher spec").into());
        }
        // In TLS 1.3 it is there for middleboxes, and means nothing until the handshake ends.
        if self.is_modern() && !self.is_established() {
            return Ok(self.records.count_as_empty("unexpected ccs message")?);
        }
        if self.is_modern() && self.openssl != OpenSsl::V111 {
            let why =
                "OpenSSL 3.0 refuses a ChangeCipherSpec after the handshake, 3.2 and later do not";
            return Err(Stop::Failure(Failure::Unsupported(why.into())));
        }
        let state = std::mem::replace(&mut self.state, State::Failed);
        let State::ChangeCipherSpec(negotiated, mut keys) = state else {
            return Err(fault(UNEXPECTED_MESSAGE, "unexpected message").into());
        };
        // A ticket that was announced must come, and a message must not be cut by new keys.
        if negotiated.ticket || !self.partial.is_empty() {
            return Err(fault(UNEXPECTED_MESSAGE, "unexpected message").into());
        }
        let server = keys.server.take().unwrap_or_else(Protection::none);
        self.records.protect_reading(server);
        self.state = State::Finished(negotiated, keys);
        Ok(())
    }

    fn finished(
        &mut self,
        negotiated: &Negotiated,
        keys: &Keys,
        body: &[u8],
    ) -> Result<State, Stop> {
        if body.len() != VERIFY_DATA {
            return Err(fault(ILLEGAL_PARAMETER, "bad digest length").into());
        }
        let proof = verify_data(
            negotiated.prf,
            &keys.master_secret,
            b"server finished",
            &self.transcript,
        );
        if proof != body {
            return Err(fault(DECRYPT_ERROR, "digest check failed").into());
        }
        // Only the key's owner could read the premaster secret.
        self.seen.finished_proves_key = negotiated.suite.key_exchange == KeyExchange::Rsa;
        self.transcript.clear();
        Ok(State::Established)
    }
}

fn verify_data(prf: Prf, master_secret: &[u8], label: &[u8], transcript: &[u8]) -> Vec<u8> {
    let hash = prf.transcript_hash(transcript);
    prf.derive(master_secret, label, &[&hash], VERIFY_DATA)
}

/// The protection of the client's and of the server's records (RFC 5246 section 6.3).
fn protections(
    negotiated: &Negotiated,
    client_random: &[u8; 32],
    master_secret: &[u8],
) -> Option<(Protection, Protection)> {
    let bulk = negotiated.suite.bulk;
    let (mac, key, iv) = bulk.lengths();
    let seed = [negotiated.server_random.as_slice(), client_random];
    let length = 2 * (mac + key + iv);
    let prf = negotiated.prf;
    let block = prf.derive(master_secret, b"key expansion", &seed, length);
    let mut block = Reader::new(&block);
    let mut pair = |length| -> Option<(&[u8], &[u8])> {
        let client = block.take(length, "key block").ok()?;
        Some((client, block.take(length, "key block").ok()?))
    };
    let (client_mac, server_mac) = pair(mac)?;
    let (client_key, server_key) = pair(key)?;
    let (client_iv, server_iv) = pair(iv)?;
    let protection = |mac, key, iv| {
        let then_mac = negotiated.encrypt_then_mac;
        Protection::new(bulk, negotiated.version, then_mac, mac, key, iv)
    };
    Some((
        protection(client_mac, client_key, client_iv)?,
        protection(server_mac, server_key, server_iv)?,
    ))
}
