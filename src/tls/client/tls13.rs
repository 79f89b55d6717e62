//! The client's side of TLS 1.3 (RFC 8446 sections 4 and 7).
//!
//! No resumption, no early data. The handshake signature is recorded, not verified.

use rustls::NamedGroup;
use rustls::crypto::{ActiveKeyExchange, SupportedKxGroup};

use super::{ALERT, CHANGE_CIPHER_SPEC, Client, HANDSHAKE, State, Stop};
use crate::emulates::OpenSsl;
use crate::observation::{Failure, HandshakeSignature, Irregularity};
use crate::pki::public_key::PublicKey;
use crate::tls::digest::{Hkdf, Octets, Running, Secret};
use crate::tls::key_exchange;
use crate::tls::messages::{
    self, ServerHello, certificate_request_1_3, certificates_1_3, handshake, vector16, vector24,
};
use crate::tls::offered::Offered;
use crate::tls::record::Protection;
use crate::tls::suite::Bulk;
use crate::tls::{
    DECODE_ERROR, DECRYPT_ERROR, ILLEGAL_PARAMETER, INTERNAL_ERROR, MISSING_EXTENSION,
    PROTOCOL_VERSION, TLS_1_2, TLS_1_3, UNEXPECTED_MESSAGE, fault,
};
use crate::wire::Reader;
use crate::wire::tls::client_hello::ClientHello;

/// What a server's signature begins with (RFC 8446 section 4.4.3).
const SIGNED_BY_SERVER: &[u8] = b"TLS 1.3, server CertificateVerify\0";
const SIGNED_BY_CLIENT: &[u8] = b"TLS 1.3, client CertificateVerify\0";
/// How many KeyUpdates in a row OpenSSL 1.1.1 bears (`MAX_KEY_UPDATE_MESSAGES`).
const MAX_KEY_UPDATES: u32 = 32;
/// The longest content of a record (RFC 8446 section 5.1).
const MAX_FRAGMENT: usize = 1 << 14;
/// The message that stands for the first ClientHello after a HelloRetryRequest.
const MESSAGE_HASH: u8 = 254;

/// A cipher suite of TLS 1.3.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Suite {
    code: u16,
    digest: Hkdf,
    bulk: Bulk,
}

impl Suite {
    /// Of those that OpenSSL offers by default.
    fn of(code: u16) -> Option<Self> {
        let (digest, bulk) = match code {
            0x1301 => (Hkdf::Sha256, Bulk::Aes128Gcm),
            0x1302 => (Hkdf::Sha384, Bulk::Aes256Gcm),
            0x1303 => (Hkdf::Sha256, Bulk::ChaCha20Poly1305),
            _ => return None,
        };
        Some(Self { code, digest, bulk })
    }

    /// A secret by its label and the digest of the handshake so far.
    fn derive(self, secret: &Secret, label: &str, transcript: &Octets) -> Secret {
        let length = self.digest.length();
        self.digest
            .secret(&secret.expand_label(label, transcript, length))
    }

    fn protection(self, secret: &Secret) -> Result<Protection, Stop> {
        let (_, length, _) = self.bulk.lengths();
        let key = secret.expand_label("key", &[], length);
        let iv = secret.expand_label("iv", &[], 12);
        let made = Protection::tls_1_3(self.bulk, &key, &iv);
        made.ok_or(fault(INTERNAL_ERROR, "internal error").into())
    }

    /// verify_data (RFC 8446 section 4.4.4).
    fn proof(self, secret: &Secret, transcript: &Octets) -> Octets {
        let key = secret.expand_label("finished", &[], self.digest.length());
        self.digest.secret(&key).hmac(&[transcript])
    }

    /// The traffic secret after a KeyUpdate (RFC 8446 section 7.2).
    fn next(self, secret: &Secret) -> Secret {
        let length = self.digest.length();
        self.digest
            .secret(&secret.expand_label("traffic upd", &[], length))
    }
}

/// Whether a scheme may sign a message of TLS 1.3: neither PKCS #1 v1.5 nor SHA-1 or SHA-224 may (RFC
/// 8446 section 4.2.3).
pub(super) fn signs_messages(scheme: u16) -> bool {
    matches!(scheme, 0x0403 | 0x0503 | 0x0603 | 0x0804..=0x080b)
}

/// What comes next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    EncryptedExtensions,
    /// CertificateRequest or Certificate.
    Request,
    Certificate,
    CertificateVerify,
    Finished,
    Established,
}

/// A handshake after its ServerHello.
pub(super) struct Modern {
    suite: Suite,
    stage: Stage,
    /// Traffic secrets, of the handshake and then of the application data: ours from our Finished
    /// message on, the server's once something comes.
    client_secret: Secret,
    server_secret: Secret,
    master_secret: Secret,
    /// What that of the server is then derived with; after a handshake that nothing follows it never
    /// is.
    server_data: Option<Octets>,
    /// Of the handshake messages until now.
    transcript: Running,
    key: Option<PublicKey>,
    /// KeyUpdates since the last application data.
    key_updates: u32,
    /// The context of a CertificateRequest, if one came.
    request: Option<Vec<u8>>,
}

/// Key shares of the first of the groups, put into a ClientHello that offers TLS 1.3; beside a hybrid
/// one OpenSSL sends one of X25519 too.
pub(super) fn first_shares(
    hello: &mut ClientHello,
    groups: &[&'static dyn SupportedKxGroup],
) -> Result<Vec<Box<dyn ActiveKeyExchange>>, Failure> {
    if !hello.versions.contains(&TLS_1_3) {
        return Ok(Vec::new());
    }
    let first = groups.first().map(|group| group.name());
    let with_hybrid = first == Some(NamedGroup::X25519MLKEM768);
    let chosen = groups.iter().filter(|group| {
        Some(group.name()) == first || with_hybrid && group.name() == NamedGroup::X25519
    });
    let mut shares = Vec::new();
    for group in chosen {
        let started = group.start().map_err(|error| no_key(&error))?;
        let public = started.pub_key().to_vec();
        hello.key_shares.push((group.name().into(), public));
        shares.push(started);
    }
    Ok(shares)
}

impl Modern {
    pub(super) fn is_established(&self) -> bool {
        self.stage == Stage::Established
    }

    /// Application data came.
    pub(super) fn data_came(&mut self) {
        self.key_updates = 0;
    }
}

impl Client {
    /// Follows the rules of this library.
    #[must_use]
    pub fn emulating(mut self, openssl: OpenSsl) -> Self {
        self.openssl = openssl;
        self
    }

    /// The ServerHello of a server that chose TLS 1.3; it stands at the end of the transcript.
    pub(super) fn server_hello_1_3(&mut self, hello: &ServerHello) -> Result<State, Stop> {
        if hello.session_id != self.hello.session_id {
            return Err(fault(ILLEGAL_PARAMETER, "invalid session id").into());
        }
        hello.check_1_3(&self.offered)?;
        let suite = Suite::of(hello.suite_code)
            .filter(|suite| self.offered.cipher_suites.contains(&suite.code))
            .filter(|suite| self.retried.is_none_or(|code| code == suite.code))
            .ok_or(fault(ILLEGAL_PARAMETER, "wrong cipher returned"))?;
        if !hello.hello_retry_request {
            self.records.version = Some(TLS_1_2);
        }
        if hello.hello_retry_request {
            self.seen.hello_retry_request = Some(true);
            return self.retry(hello, suite);
        }
        self.seen.hello_retry_request = Some(self.retried.is_some());
        let no_share = fault(MISSING_EXTENSION, "no suitable key share");
        let group = hello.group.ok_or(no_share)?;
        let bad_share = fault(ILLEGAL_PARAMETER, "bad key share");
        let mut shares = std::mem::take(&mut self.shares).into_iter();
        let share = shares.find(|share| u16::from(share.group()) == group);
        let secret = share.ok_or(bad_share)?.complete(&hello.key_share);
        let secret = secret.map_err(|_| bad_share)?;
        if !self.partial.is_empty() {
            return Err(fault(UNEXPECTED_MESSAGE, "not on record boundary").into());
        }
        // RFC 8446 section 7.1.
        let digest = suite.digest;
        let handshake_secret = digest.extract(digest.early_salt(), secret.secret_bytes());
        let salt = digest.derived(&handshake_secret);
        let zeros = vec![0; digest.length()];
        let transcript = digest.running(&self.transcript);
        let hash = transcript.current();
        let traffic = |label| suite.derive(&handshake_secret, label, &hash);
        let modern = Modern {
            suite,
            stage: Stage::EncryptedExtensions,
            client_secret: traffic("c hs traffic"),
            server_secret: traffic("s hs traffic"),
            master_secret: digest.extract(&salt, &zeros),
            server_data: None,
            transcript,
            key: None,
            request: None,
            key_updates: 0,
        };
        let reading = suite.protection(&modern.server_secret)?;
        self.records.protect_reading(reading);
        Ok(State::Modern(Box::new(modern)))
    }

    /// The second ClientHello (RFC 8446 section 4.1.4).
    fn retry(&mut self, retry: &ServerHello, suite: Suite) -> Result<State, Stop> {
        if self.retried.is_some() {
            return Err(fault(UNEXPECTED_MESSAGE, "unexpected message").into());
        }
        let hello = &mut self.hello;
        // An empty one is none (`tls_parse_stoc_cookie`).
        let cookie = retry.cookie.as_ref().filter(|cookie| !cookie.is_empty());
        match retry.group {
            Some(code) => {
                let bad_share = fault(ILLEGAL_PARAMETER, "bad key share");
                let known = |share: &(u16, Vec<u8>)| share.0 == code;
                if !self.offered.groups.contains(&code) || hello.key_shares.iter().any(known) {
                    return Err(bad_share.into());
                }
                let mut groups = self.groups.iter();
                let group = groups.find(|group| u16::from(group.name()) == code);
                let started = group.ok_or(bad_share)?.start();
                let started = started.map_err(|error| Stop::Failure(no_key(&error)))?;
                hello.key_shares = vec![(code, started.pub_key().to_vec())];
                self.shares = vec![started];
            }
            None if cookie.is_some() => {}
            None => return Err(fault(ILLEGAL_PARAMETER, "no change following hrr").into()),
        }
        hello.cookie = cookie.cloned();
        let offered = Offered::read(&hello.to_records())?;
        let is_long = offered.message.len() > MAX_FRAGMENT;
        self.note(Irregularity::LongCookie, is_long);
        self.records.early_version = TLS_1_2;
        self.retried = Some(suite.code);
        let first = suite.digest.digest().of(&self.offered.message);
        let answer = self.transcript.split_off(self.offered.message.len());
        self.transcript = [handshake(MESSAGE_HASH, &first), answer].concat();
        self.transcript.extend_from_slice(&offered.message);
        self.records
            .write(CHANGE_CIPHER_SPEC, &[1], &mut self.output);
        self.records
            .write(HANDSHAKE, &offered.message, &mut self.output);
        self.offered = offered;
        Ok(State::ServerHello)
    }

    /// A message after the ServerHello; it is not yet in the transcript.
    pub(super) fn message_1_3(
        &mut self,
        mut modern: Box<Modern>,
        kind: u8,
        body: &[u8],
        message: &[u8],
    ) -> Result<State, Stop> {
        modern.stage = match (modern.stage, kind) {
            (Stage::EncryptedExtensions, messages::ENCRYPTED_EXTENSIONS) => {
                self.encrypted_extensions(body)?;
                Stage::Request
            }
            (Stage::Request, messages::CERTIFICATE_REQUEST) => {
                let asked = certificate_request_1_3(Reader::new(body))?;
                self.seen.certificate_request = Some(asked.request);
                modern.request = Some(asked.context);
                self.note(Irregularity::NewerExtension, asked.refused_since_3_2);
                Stage::Certificate
            }
            (Stage::Request | Stage::Certificate, messages::CERTIFICATE) => {
                let certificates = certificates_1_3(Reader::new(body), &self.offered)?;
                self.seen.certificates = certificates.chain;
                self.seen.ocsp_stapled = certificates.stapled;
                self.note(Irregularity::NewerExtension, certificates.refused_since_3_2);
                modern.key = Some(self.leaf_key()?);
                Stage::CertificateVerify
            }
            (Stage::CertificateVerify, messages::CERTIFICATE_VERIFY) => {
                let key = modern.key.as_ref();
                self.certificate_verify(&modern.transcript, key, body)?;
                Stage::Finished
            }
            (Stage::Finished, messages::FINISHED) => {
                return self.finished_1_3(modern, body, message);
            }
            (Stage::Established, messages::NEW_SESSION_TICKET) => {
                self.ticket_1_3(body)?;
                return Ok(State::Modern(modern));
            }
            (Stage::Established, messages::KEY_UPDATE) => {
                self.key_update(&mut modern, body)?;
                return Ok(State::Modern(modern));
            }
            _ => return Err(fault(UNEXPECTED_MESSAGE, "unexpected message").into()),
        };
        modern.transcript.update(message);
        Ok(State::Modern(modern))
    }

    fn encrypted_extensions(&mut self, body: &[u8]) -> Result<(), Stop> {
        let mut reader = Reader::new(body);
        let extensions = reader.vector16("extensions")?;
        if !reader.is_empty() {
            return Err(fault(DECODE_ERROR, "length mismatch").into());
        }
        let allowed = &[0, 1, 10, 14, 16, 42];
        for (kind, mut extension) in messages::extensions(extensions, allowed, Some(&self.offered))?
        {
            self.note(
                Irregularity::NewerExtension,
                messages::is_known_since_3_2(kind),
            );
            // An answer to server_name says nothing (RFC 6066 section 3).
            if kind == 0 && !extension.is_empty() {
                return Err(fault(DECODE_ERROR, "bad extension").into());
            }
            if kind == 16 {
                let mut list = extension.vector16("ALPN list")?;
                let name = list.vector8("ALPN protocol")?.rest().to_vec();
                if !list.is_empty() || !extension.is_empty() {
                    return Err(fault(DECODE_ERROR, "bad extension").into());
                }
                self.seen.alpn = Some(String::from_utf8_lossy(&name).into_owned());
                self.check_alpn(&name)?;
            }
        }
        Ok(())
    }

    fn certificate_verify(
        &mut self,
        transcript: &Running,
        key: Option<&PublicKey>,
        body: &[u8],
    ) -> Result<(), Stop> {
        let mut reader = Reader::new(body);
        let scheme = reader.u16("signature scheme")?;
        if let Some(key) = key {
            key_exchange::check_scheme_1_3(scheme, key, &self.offered)?;
        }
        let signature = reader.vector16("signature")?.rest().to_vec();
        if !reader.is_empty() {
            return Err(fault(DECODE_ERROR, "length mismatch").into());
        }
        self.seen.signature = Some(HandshakeSignature {
            scheme,
            message: signed(SIGNED_BY_SERVER, transcript),
            signature,
        });
        Ok(())
    }

    /// Verifies the server's Finished and sends our flight, from Certificate to Finished.
    fn finished_1_3(
        &mut self,
        mut modern: Box<Modern>,
        body: &[u8],
        message: &[u8],
    ) -> Result<State, Stop> {
        let suite = modern.suite;
        if body.len() != suite.digest.length() {
            return Err(fault(ILLEGAL_PARAMETER, "bad digest length").into());
        }
        let hash = modern.transcript.current();
        if *suite.proof(&modern.server_secret, &hash) != *body {
            return Err(fault(DECRYPT_ERROR, "digest check failed").into());
        }
        if !self.partial.is_empty() {
            return Err(fault(UNEXPECTED_MESSAGE, "not on record boundary").into());
        }
        modern.transcript.update(message);
        let hash = modern.transcript.current();
        let client_secret = suite.derive(&modern.master_secret, "c ap traffic", &hash);
        modern.server_data = Some(hash);
        if self.retried.is_none() {
            self.records
                .write(CHANGE_CIPHER_SPEC, &[1], &mut self.output);
        }
        let writing = suite.protection(&modern.client_secret)?;
        self.records.protect_writing(writing);
        let mut hash = hash;
        if let Some(context) = modern.request.take() {
            self.answer_request_1_3(&mut modern.transcript, &context)?;
            hash = modern.transcript.current();
        }
        let proof = suite.proof(&modern.client_secret, &hash);
        self.say(messages::FINISHED, &proof);
        self.records
            .protect_writing(suite.protection(&client_secret)?);
        modern.client_secret = client_secret;
        modern.stage = Stage::Established;
        self.transcript.clear();
        Ok(State::Modern(modern))
    }

    /// The keys for what comes after the handshake, when it comes.
    pub(super) fn read_data(&mut self) -> Result<(), Stop> {
        let State::Modern(modern) = &mut self.state else {
            return Ok(());
        };
        let Some(hash) = modern.server_data.take() else {
            return Ok(());
        };
        let suite = modern.suite;
        modern.server_secret = suite.derive(&modern.master_secret, "s ap traffic", &hash);
        let reading = suite.protection(&modern.server_secret)?;
        self.records.protect_reading(reading);
        Ok(())
    }

    /// Certificate, and CertificateVerify if we have a certificate that suits the request.
    fn answer_request_1_3(&mut self, transcript: &mut Running, context: &[u8]) -> Result<(), Stop> {
        let signer = self.signer(TLS_1_3)?;
        let request = self.seen.certificate_request.as_ref();
        if signer.is_some() && request.is_some_and(|request| request.limits_certificates) {
            let why =
                "the server says how client certificates must be signed, which is not looked at";
            return Err(Stop::Failure(Failure::Unsupported(why.into())));
        }
        self.check_own_chain(signer.is_some())?;
        let key = self.client_key.clone().filter(|_| signer.is_some());
        self.seen.client_certificate_sent = signer.is_some();
        let mut list = Vec::new();
        for certificate in key.iter().flat_map(|key| &key.key.cert) {
            list.extend(vector24(certificate));
            list.extend(vector16(&[]));
        }
        let body = [messages::vector8(context), vector24(&list)].concat();
        transcript.update(&self.say(messages::CERTIFICATE, &body));
        if let Some(signer) = signer {
            let content = signed(SIGNED_BY_CLIENT, transcript);
            let signature = signer
                .sign(&content)
                .map_err(|error| Stop::Failure(Failure::Local(error.to_string())))?;
            let scheme = u16::from(signer.scheme()).to_be_bytes();
            let body = [scheme.as_slice(), &vector16(&signature)].concat();
            transcript.update(&self.say(messages::CERTIFICATE_VERIFY, &body));
        }
        Ok(())
    }

    fn ticket_1_3(&mut self, body: &[u8]) -> Result<(), Stop> {
        let mut ticket = Reader::new(body);
        ticket.u32("lifetime")?;
        ticket.u32("age")?;
        ticket.vector8("nonce")?;
        let value = ticket.vector16("ticket")?;
        let extensions = ticket.vector16("extensions")?;
        if value.is_empty() || !ticket.is_empty() {
            return Err(fault(DECODE_ERROR, "length mismatch").into());
        }
        // Only early_data, in which stands how much (RFC 8446 section 4.6.1).
        for (kind, extension) in messages::extensions(extensions, &[42], None)? {
            if kind == 42 && extension.rest().len() != 4 {
                return Err(fault(DECODE_ERROR, "invalid max early data").into());
            }
            self.note(
                Irregularity::NewerExtension,
                messages::is_known_since_3_2(kind),
            );
        }
        self.seen.tickets = self.seen.tickets.saturating_add(1);
        Ok(())
    }

    /// RFC 8446 section 4.6.3.
    fn key_update(&mut self, modern: &mut Modern, body: &[u8]) -> Result<(), Stop> {
        let wants_ours = match body {
            [0] => false,
            [1] => true,
            _ => return Err(fault(ILLEGAL_PARAMETER, "bad key update").into()),
        };
        if !self.partial.is_empty() {
            return Err(fault(UNEXPECTED_MESSAGE, "not on record boundary").into());
        }
        modern.key_updates += 1;
        if self.openssl == OpenSsl::V111 && modern.key_updates > MAX_KEY_UPDATES {
            return Err(fault(ILLEGAL_PARAMETER, "too many key updates").into());
        }
        let suite = modern.suite;
        modern.server_secret = suite.next(&modern.server_secret);
        let reading = suite.protection(&modern.server_secret)?;
        self.records.protect_reading(reading);
        if wants_ours {
            let message = handshake(messages::KEY_UPDATE, &[0]);
            self.records.write(HANDSHAKE, &message, &mut self.output);
            modern.client_secret = suite.next(&modern.client_secret);
            let writing = suite.protection(&modern.client_secret)?;
            self.records.protect_writing(writing);
        }
        Ok(())
    }

    /// What `ssl3_read_bytes` wants of a record of TLS 1.3, once it is protected.
    pub(super) fn check_modern_record(&self, kind: u8, fragment: &[u8]) -> Result<(), Stop> {
        if matches!(kind, HANDSHAKE | ALERT) && fragment.is_empty() {
            return Err(fault(UNEXPECTED_MESSAGE, "bad length").into());
        }
        // Nothing may stand between the parts of a message (RFC 8446 section 5.1).
        if !matches!(kind, HANDSHAKE | CHANGE_CIPHER_SPEC) && !self.partial.is_empty() {
            return Err(fault(UNEXPECTED_MESSAGE, "unexpected record").into());
        }
        Ok(())
    }

    /// A server that asked for a second ClientHello must stay with TLS 1.3.
    pub(super) fn check_still_1_3(&self) -> Result<(), Stop> {
        match self.retried {
            Some(_) => Err(fault(PROTOCOL_VERSION, "wrong ssl version").into()),
            None => Ok(()),
        }
    }
}

/// What a CertificateVerify signs (RFC 8446 section 4.4.3).
fn signed(context: &[u8], transcript: &Running) -> Vec<u8> {
    [[b' '; 64].as_slice(), context, &transcript.current()].concat()
}

fn no_key(error: &rustls::Error) -> Failure {
    Failure::Local(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::Progress;
    use crate::tls::record::Records;
    use crate::tls::testing::IDENTITY;
    use crate::wire::tls::openssl;

    const X25519: u16 = 0x001d;
    const P256: u16 = 0x0017;

    fn groups() -> Vec<&'static dyn SupportedKxGroup> {
        use rustls::crypto::aws_lc_rs::kx_group::{SECP256R1, X25519};
        vec![X25519, SECP256R1]
    }

    fn hello() -> ClientHello {
        ClientHello {
            random: [7; 32],
            session_id: vec![9; 32],
            versions: vec![0x0304, 0x0303],
            cipher_suites: openssl::cipher_suites(0x0303, 0x0304),
            groups: vec![X25519, P256],
            signature_schemes: vec![0x0403, 0x0807, 0x0809, 0x0804, 0x0401],
            server_name: Some("db.test.".into()),
            alpn: Some("postgresql".into()),
            ..ClientHello::default()
        }
    }

    fn client() -> Client {
        Client::new(hello(), groups(), 0x0303, None).unwrap()
    }

    /// What a server sends; the messages are those after the ServerHello.
    #[derive(Clone)]
    struct Script {
        suite: u16,
        group: u16,
        session_id: Vec<u8>,
        compression: u8,
        more_extensions: Vec<u8>,
        messages: Vec<(u8, Vec<u8>)>,
        proof: fn(Vec<u8>) -> Vec<u8>,
    }

    fn certificate(context: &[u8], extensions: &[u8]) -> Vec<u8> {
        let entry = [vector24(&IDENTITY.1), vector16(extensions)].concat();
        [context.to_vec(), vector24(&entry)].concat()
    }

    impl Default for Script {
        fn default() -> Self {
            let verify = [vec![8, 4], vector16(&[1; 256])].concat();
            Self {
                suite: 0x1301,
                group: X25519,
                session_id: vec![9; 32],
                compression: 0,
                more_extensions: Vec::new(),
                messages: vec![
                    (messages::ENCRYPTED_EXTENSIONS, vector16(&[])),
                    (messages::CERTIFICATE, certificate(&[0], &[])),
                    (messages::CERTIFICATE_VERIFY, verify),
                ],
                proof: |proof| proof,
            }
        }
    }

    impl Script {
        fn with(number: usize, kind: u8, body: Vec<u8>) -> Self {
            let mut script = Self::default();
            script.messages.insert(number, (kind, body));
            script
        }

        fn instead(number: usize, body: Vec<u8>) -> Self {
            let mut script = Self::default();
            script.messages[number].1 = body;
            script
        }

        fn server_hello(&self, random: [u8; 32], share: &[u8]) -> Vec<u8> {
            let mut body = vec![3, 3];
            body.extend(random);
            body.push(u8::try_from(self.session_id.len()).unwrap());
            body.extend(&self.session_id);
            body.extend(self.suite.to_be_bytes());
            body.push(self.compression);
            let share = [self.group.to_be_bytes().as_slice(), share].concat();
            let mut extensions = vec![0, 43, 0, 2, 3, 4, 0, 51];
            extensions.extend(vector16(&share));
            extensions.extend(&self.more_extensions);
            body.extend(vector16(&extensions));
            handshake(messages::SERVER_HELLO, &body)
        }

        /// The server's flight in answer to a client, and its records afterwards.
        fn answer(&self, client: &mut Client) -> (Vec<u8>, Records) {
            let (bytes, records, _) = self.answer_with_secret(client);
            (bytes, records)
        }

        /// The same, with the secret of the server's data.
        fn answer_with_secret(&self, client: &mut Client) -> (Vec<u8>, Records, Secret) {
            let _ = client.take_output();
            let share = client.hello.key_shares.first().cloned().unwrap();
            let mut groups = groups().into_iter();
            let group = groups.find(|group| u16::from(group.name()) == share.0);
            let done = group.unwrap().start_and_complete(&share.1).unwrap();
            let suite = Suite::of(self.suite).unwrap();
            let message = self.server_hello([5; 32], &vector16(&done.pub_key));
            let mut records = Records::new();
            records.version = Some(TLS_1_2);
            let mut bytes = Vec::new();
            records.write(HANDSHAKE, &message, &mut bytes);
            records.write(CHANGE_CIPHER_SPEC, &[1], &mut bytes);
            let mut transcript = [client.transcript.clone(), message].concat();
            let (digest, zeros) = (suite.digest, vec![0; suite.digest.length()]);
            let hash = |transcript: &[u8]| digest.running(transcript).current();
            let secret = digest.extract(digest.early_salt(), done.secret.secret_bytes());
            let server = suite.derive(&secret, "s hs traffic", &hash(&transcript));
            let ours = suite.derive(&secret, "c hs traffic", &hash(&transcript));
            let master = digest.extract(&digest.derived(&secret), &zeros);
            let protection = |secret: &Secret| suite.protection(secret).ok().unwrap();
            records.protect_writing(protection(&server));
            for (kind, body) in &self.messages {
                let message = handshake(*kind, body);
                records.write(HANDSHAKE, &message, &mut bytes);
                transcript.extend(message);
            }
            let proof = (self.proof)(suite.proof(&server, &hash(&transcript)).to_vec());
            let message = handshake(messages::FINISHED, &proof);
            records.write(HANDSHAKE, &message, &mut bytes);
            transcript.extend(message);
            let data = suite.derive(&master, "s ap traffic", &hash(&transcript));
            records.protect_writing(protection(&data));
            records.protect_reading(protection(&ours));
            (bytes, records, data)
        }
    }

    fn rule(reason: &str) -> Result<(), Failure> {
        Err(Failure::TlsRule(reason.to_owned()))
    }

    #[test]
    fn a_handshake_completes_and_shows_what_was_negotiated() {
        for (suite, group) in [(0x1301, X25519), (0x1302, X25519), (0x1303, X25519)] {
            let script = Script {
                suite,
                group,
                ..Script::default()
            };
            let mut client = client();
            let (flight, mut server) = script.answer(&mut client);
            assert_eq!(client.read(&flight), Ok(()));
            assert_eq!(client.progress(), Progress::Established);
            let seen = client.seen().clone();
            assert_eq!(seen.protocol_version, Some(0x0304));
            assert_eq!(seen.cipher_suite, Some(suite));
            assert_eq!(seen.group, Some(group));
            assert_eq!(seen.hello_retry_request, Some(false));
            assert_eq!(seen.certificates, std::slice::from_ref(&IDENTITY.1));
            assert_eq!(seen.signature.unwrap().scheme, 0x0804);
            // Our flight: for middleboxes, then Finished.
            server.push(&client.take_output());
            assert_eq!(server.next().unwrap(), Some((20, vec![1])));
            let (kind, finished) = server.next().unwrap().unwrap();
            assert_eq!((kind, finished[0]), (22, messages::FINISHED));
            // Tickets are counted, data comes through, close_notify ends it.
            let ticket = [vec![0; 8], vec![1, 1], vector16(b"t"), vector16(&[])].concat();
            let mut bytes = Vec::new();
            let ticket = handshake(messages::NEW_SESSION_TICKET, &ticket);
            server.write(HANDSHAKE, &ticket, &mut bytes);
            server.write(23, b"R", &mut bytes);
            server.write(21, &[1, 0], &mut bytes);
            assert_eq!(client.read(&bytes), Ok(()));
            assert_eq!(client.seen().tickets, 1);
            assert_eq!(client.take_received(), b"R");
            assert!(client.is_closed());
        }
    }

    #[test]
    fn what_follows_the_finished_message_is_read_in_one_piece_and_in_many() {
        for code in [0x1301, 0x1302, 0x1303] {
            for piece in [1, 2, 3, 5, 7, usize::MAX] {
                let script = Script {
                    suite: code,
                    ..Script::default()
                };
                let mut client = client();
                let (mut bytes, mut server, secret) = script.answer_with_secret(&mut client);
                let suite = Suite::of(code).unwrap();
                let update = handshake(messages::KEY_UPDATE, &[0]);
                server.write(HANDSHAKE, &update, &mut bytes);
                let changed = suite.protection(&suite.next(&secret)).ok().unwrap();
                server.protect_writing(changed);
                let ticket = [vec![0; 8], vec![1, 1], vector16(b"t"), vector16(&[])].concat();
                let ticket = handshake(messages::NEW_SESSION_TICKET, &ticket);
                server.write(HANDSHAKE, &ticket, &mut bytes);
                server.write(23, b"R", &mut bytes);
                server.write(21, &[1, 0], &mut bytes);
                for piece in bytes.chunks(piece) {
                    assert_eq!(client.read(piece), Ok(()));
                }
                assert_eq!(client.progress(), Progress::Established);
                assert_eq!(client.seen().tickets, 1);
                assert_eq!(client.take_received(), b"R");
                assert!(client.is_closed());
            }
        }
    }

    #[test]
    fn what_every_openssl_refuses_is_refused_in_its_words() {
        let extension = |kind: u16, body: &[u8]| {
            vector16(&[kind.to_be_bytes().to_vec(), vector16(body)].concat())
        };
        let alpn = [vec![0, 3, 2], b"h2".to_vec()].concat();
        let verify = |scheme: u16| [scheme.to_be_bytes().to_vec(), vector16(&[1])].concat();
        let ee = messages::ENCRYPTED_EXTENSIONS;
        let cases: Vec<(&str, Script, Result<(), Failure>)> = vec![
            (
                "another session id",
                Script {
                    session_id: vec![9; 31],
                    ..Script::default()
                },
                rule("invalid session id"),
            ),
            (
                "compression",
                Script {
                    compression: 1,
                    ..Script::default()
                },
                rule("invalid compression algorithm"),
            ),
            (
                "a key share of another group",
                Script {
                    group: P256,
                    ..Script::default()
                },
                rule("bad key share"),
            ),
            (
                "ALPN in the ServerHello",
                Script {
                    more_extensions: vec![0, 16, 0, 0],
                    ..Script::default()
                },
                Err(Failure::TlsRule("length mismatch".into())),
            ),
            (
                "early data in the ServerHello",
                Script {
                    more_extensions: vec![0, 42, 0, 0],
                    ..Script::default()
                },
                rule("bad extension"),
            ),
            (
                "a resumption that was not asked for",
                Script {
                    more_extensions: vec![0, 41, 0, 0],
                    ..Script::default()
                },
                rule("unsolicited extension"),
            ),
            (
                "a key share in EncryptedExtensions",
                Script::instead(0, extension(51, &[])),
                rule("bad extension"),
            ),
            (
                "max_fragment_length, which was not offered",
                Script::instead(0, extension(1, &[1])),
                rule("unsolicited extension"),
            ),
            (
                "another protocol",
                Script::instead(0, extension(16, &alpn)),
                Err(Failure::UnofferedAlpn),
            ),
            (
                "EncryptedExtensions twice",
                Script::with(1, ee, vector16(&[])),
                rule("unexpected message"),
            ),
            (
                "a certificate with a context",
                Script::instead(1, certificate(&[1, 7], &[])),
                rule("length mismatch"),
            ),
            (
                "no certificate",
                Script::instead(1, vec![0, 0, 0, 0]),
                rule("length mismatch"),
            ),
            (
                "an OCSP response that was not asked for",
                Script::instead(1, certificate(&[0], &[0, 5, 0, 0])),
                rule("unsolicited extension"),
            ),
            (
                "a leaf that is no certificate",
                Script::instead(1, vec![0, 0, 0, 7, 0, 0, 2, 0x30, 0, 0, 0]),
                rule("asn1 lib"),
            ),
            (
                "PKCS #1 v1.5",
                Script::instead(2, verify(0x0401)),
                rule("wrong signature type"),
            ),
            (
                "a scheme of another key",
                Script::instead(2, verify(0x0403)),
                rule("wrong signature type"),
            ),
            (
                "a scheme that was not offered",
                Script::instead(2, verify(0x0805)),
                rule("wrong signature type"),
            ),
            (
                "a request without schemes",
                Script::with(1, messages::CERTIFICATE_REQUEST, vec![0, 0, 0]),
                rule("missing sigalgs extension"),
            ),
            (
                "a request with a context",
                Script::with(1, messages::CERTIFICATE_REQUEST, vec![1, 1, 0, 0]),
                rule("missing sigalgs extension"),
            ),
            (
                "a Finished message that proves nothing",
                Script {
                    proof: |proof| vec![1; proof.len()],
                    ..Script::default()
                },
                rule("digest check failed"),
            ),
            (
                "a Finished message that is too short",
                Script {
                    proof: |_| vec![1],
                    ..Script::default()
                },
                rule("bad digest length"),
            ),
        ];
        let (_, other_protocol, _) = cases[8].clone();
        let mut lenient = client().emulating(OpenSsl::V111);
        let (flight, _) = other_protocol.answer(&mut lenient);
        assert_eq!(lenient.read(&flight), Ok(()), "OpenSSL 1.1.1");
        assert_eq!(lenient.seen().alpn.as_deref(), Some("h2"));
        for (what, script, expected) in cases {
            let mut client = client();
            let (flight, _) = script.answer(&mut client);
            assert_eq!(client.read(&flight), expected, "{what}");
            assert_ne!(client.progress(), Progress::Established, "{what}");
        }
    }

    #[test]
    fn a_request_for_a_certificate_is_answered_without_one() {
        let schemes = [vec![0, 13], vector16(&vector16(&[8, 4, 4, 3]))].concat();
        let request = [vec![0], vector16(&schemes)].concat();
        let script = Script::with(1, messages::CERTIFICATE_REQUEST, request);
        let mut client = client();
        let (flight, mut server) = script.answer(&mut client);
        assert_eq!(client.read(&flight), Ok(()));
        let request = client.seen().certificate_request.clone().unwrap();
        assert_eq!(request.signature_schemes, [0x0804, 0x0403]);
        server.push(&client.take_output());
        assert_eq!(server.next().unwrap(), Some((20, vec![1])));
        let empty = vec![messages::CERTIFICATE, 0, 0, 4, 0, 0, 0, 0];
        assert_eq!(server.next().unwrap(), Some((22, empty)));
    }

    #[test]
    fn a_server_may_ask_once_for_another_group() {
        const RETRY: [u8; 32] = [
            0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65,
            0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2,
            0xc8, 0xa8, 0x33, 0x9c,
        ];
        let retry = |group: u16, cookie: bool| {
            let more = [vec![0, 44], vector16(&vector16(b"cookie"))].concat();
            let script = Script {
                group,
                more_extensions: if cookie { more } else { Vec::new() },
                ..Script::default()
            };
            let message = script.server_hello(RETRY, &[]);
            [vec![22, 3, 3], vector16(&message)].concat()
        };
        for (what, group, expected) in [
            ("the group that it has", X25519, rule("bad key share")),
            (
                "a group that was not offered",
                0x0018,
                rule("bad key share"),
            ),
        ] {
            assert_eq!(client().read(&retry(group, false)), expected, "{what}");
        }
        let mut client = client();
        let _ = client.take_output();
        assert_eq!(client.read(&retry(P256, true)), Ok(()));
        assert_eq!(client.progress(), Progress::Hello);
        let second = client.take_output();
        assert_eq!(second.get(..6), Some([20, 3, 3, 0, 1, 1].as_slice()));
        let holds = |text: &[u8]| second.windows(text.len()).any(|window| window == text);
        assert!(holds(b"\0\x2c\0\x08\0\x06cookie"), "{second:02x?}");
        assert!(holds(b"db.test."), "the name as it is");
        let script = Script {
            group: P256,
            ..Script::default()
        };
        let (flight, _) = script.answer(&mut client);
        assert_eq!(client.read(&flight), Ok(()));
        assert_eq!(client.progress(), Progress::Established);
        assert_eq!(client.seen().hello_retry_request, Some(true));
        let mut again = self::client();
        assert_eq!(again.read(&retry(P256, false)), Ok(()));
        assert_eq!(again.read(&retry(P256, false)), rule("unexpected message"));
    }
}
