//! A client certificate and its private key, as OpenSSL loads them for libpq's `sslcert`, `sslkey`
//! and `sslpassword` (`initialize_SSL` in fe-secure-openssl.c).

use std::fmt;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, Signer, SigningKey};

use self::decode::{Key, Kind, Public, PublicKeyInfo};
use self::decrypt::Closed;
use self::der::{BIT_STRING, DerError, INTEGER, OID, Reader, SEQUENCE};
use self::pem::{Block, Blocks, PemError};
use crate::emulates::OpenSsl;
use crate::tls::ClientCertificate;

mod decode;
mod decrypt;
mod der;
mod old_signer;
mod pem;
mod rsa_signer;
mod security;

/// OpenSSL's buffer for a password is of 1024 octets with the terminator; libpq cuts off the rest.
const LONGEST_PASSWORD: usize = 1023;

/// A client certificate that OpenSSL would load, with a key that belongs to it.
#[derive(Clone)]
pub struct ClientKey {
    chain: Vec<CertificateDer<'static>>,
    signing: Result<Arc<dyn SigningKey>, String>,
    below_tls_1_2: Option<Arc<dyn Signer>>,
    refused: Option<&'static str>,
}

impl ClientKey {
    /// The certificates, the client's own first, as they go over the wire.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The same, with what OpenSSL sends beside a certificate that stands alone in its file, and why
    /// it does not send that: more of them there, and it adds nothing.
    #[must_use]
    pub fn with_issuers(
        mut self,
        issuers: impl FnOnce(&[u8]) -> (Vec<Vec<u8>>, Option<&'static str>),
    ) -> Self {
        if let [alone] = self.chain.as_slice() {
            let (above, refused) = issuers(alone);
            self.chain
                .extend(above.into_iter().map(CertificateDer::from));
            self.refused = refused;
        }
        self
    }

    /// What signs; `None` where OpenSSL may have a usable key and we have not.
    pub fn signing_key(&self) -> Option<&Arc<dyn SigningKey>> {
        self.signing.as_ref().ok()
    }

    /// Why nothing can be said about this key, where nothing can: the verdict is undetermined.
    pub fn undetermined(&self) -> Option<&str> {
        self.signing.as_ref().err().map(String::as_str)
    }

    /// All that a handshake needs.
    pub fn client_certificate(&self) -> Option<ClientCertificate> {
        let key = Arc::clone(self.signing_key()?);
        Some(ClientCertificate {
            key: Arc::new(CertifiedKey::new(self.chain.clone(), key)),
            below_tls_1_2: self.below_tls_1_2.clone(),
            refused: self.refused,
        })
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKey")
            .field("certificates", &self.chain.len())
            .field("undetermined", &self.undetermined())
            .finish_non_exhaustive()
    }
}

/// What libpq complains about, with OpenSSL's reason.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ClientKeyError {
    /// `could not read certificate file "%s": %s`.
    Certificate(String),
    /// `could not load private key file "%s": %s`.
    Key(String),
    /// The same, but only because OpenSSL would have asked for a password on the terminal.
    PasswordNeeded,
    /// `certificate does not match private key file "%s": %s`: a key of another type.
    OtherType(String),
}

impl ClientKeyError {
    /// OpenSSL's reason string.
    pub fn reason(&self) -> &str {
        match self {
            Self::Certificate(reason) | Self::Key(reason) | Self::OtherType(reason) => reason,
            // What OpenSSL says where there is no terminal to ask on.
            Self::PasswordNeeded => "processing error",
        }
    }

    /// libpq's sentence.
    pub fn message(&self, certificate_file: &str, key_file: &str) -> String {
        let reason = self.reason();
        match self {
            Self::Certificate(_) => {
                format!("could not read certificate file \"{certificate_file}\": {reason}")
            }
            Self::Key(_) | Self::PasswordNeeded => {
                format!("could not load private key file \"{key_file}\": {reason}")
            }
            Self::OtherType(_) => {
                format!("certificate does not match private key file \"{key_file}\": {reason}")
            }
        }
    }
}

/// Load `sslcert` and `sslkey` in libpq's order: the certificates, then the key as PEM, then the
/// key as DER (for which there is no password), then whether they belong together.
pub fn load(
    key: &[u8],
    password: Option<&[u8]>,
    certificate_pem: &[u8],
    openssl: OpenSsl,
) -> Result<ClientKey, ClientKeyError> {
    let certificates =
        read_certificates(certificate_pem, openssl).map_err(ClientKeyError::Certificate)?;
    let password = password
        .filter(|password| !password.is_empty())
        .map(|password| password.get(..LONGEST_PASSWORD).unwrap_or(password));
    let info = &certificates.info;
    let loaded = match from_pem(key, password, openssl) {
        Ok(key) => match belongs(&key, info, "no certificate assigned") {
            // DER is tried after a mismatch too, and never succeeds on a PEM file.
            Ok(belongs) => Ok((key, belongs)),
            Err(error) => return Err(error),
        },
        Err(PemKeyError::Unknown(reason)) => Err(reason),
        Err(error) => {
            let first = match error {
                PemKeyError::NoPassword => ClientKeyError::PasswordNeeded,
                PemKeyError::Refused(reason) | PemKeyError::Unknown(reason) => {
                    ClientKeyError::Key(reason)
                }
            };
            let Some(key) = from_der(key) else {
                return Err(first);
            };
            // What is left in OpenSSL's error queue is shown in place of the real reason.
            let stale = match openssl {
                OpenSsl::V111 => "no certificate assigned",
                OpenSsl::V3Level1 | OpenSsl::V3Level2 => "PEM lib",
            };
            match belongs(&key, info, stale) {
                Ok(belongs) => Ok((key, belongs)),
                Err(ClientKeyError::Key(_)) => return Err(first),
                Err(error) => return Err(error),
            }
        }
    };
    let below_tls_1_2 = loaded
        .as_ref()
        .ok()
        .and_then(|(key, _)| old_signer::old_signer(key));
    let signing = match (loaded, certificates.doubt) {
        (Err(reason), _) | (Ok(_), Some(reason)) => Err(reason),
        (Ok((key, true)), None) => signing_key(&key),
        (Ok((key, false)), None) => Err(format!(
            "the key is {} and cannot be held against the certificate",
            key.kind.name()
        )),
    };
    Ok(ClientKey {
        chain: certificates.chain,
        signing,
        below_tls_1_2,
        refused: None,
    })
}

/// The certificates of `sslcert` as DER (`SSL_CTX_use_certificate_chain_file`), or OpenSSL's
/// reason.
pub fn load_certificate_chain(pem: &[u8], openssl: OpenSsl) -> Result<Vec<Vec<u8>>, String> {
    let certificates = read_certificates(pem, openssl)?;
    Ok(certificates
        .chain
        .iter()
        .map(|certificate| certificate.to_vec())
        .collect())
}

struct Certificates {
    chain: Vec<CertificateDer<'static>>,
    /// The public key of the first.
    info: PublicKeyInfo,
    /// Why it depends on the OpenSSL release whether the certificate is taken.
    doubt: Option<String>,
}

fn read_certificates(pem: &[u8], openssl: OpenSsl) -> Result<Certificates, String> {
    let mut blocks = Blocks::new(pem, openssl);
    let mut doubt = None;
    let first = next_certificate(&mut blocks, true).map_err(|error| error.reason().to_owned())?;
    let info = take_certificate(&first, true, openssl, &mut doubt)?;
    if matches!(info.kind, Kind::KeyAgreement) {
        return Err("unknown certificate type".to_owned());
    }
    let mut chain = vec![first];
    loop {
        match next_certificate(&mut blocks, false) {
            Ok(next) => {
                take_certificate(&next, false, openssl, &mut doubt)?;
                chain.push(next);
            }
            Err(CertificateError::Pem(PemError::NoStartLine)) => break,
            Err(error) => return Err(error.reason().to_owned()),
        }
    }
    Ok(Certificates {
        chain: chain.into_iter().map(CertificateDer::from).collect(),
        info,
        doubt,
    })
}

enum CertificateError {
    Pem(PemError),
    Der(DerError),
}

impl CertificateError {
    const fn reason(&self) -> &'static str {
        match self {
            Self::Pem(error) => error.reason(),
            Self::Der(error) => error.reason(),
        }
    }
}

/// The next block with a certificate in it. Trust settings may follow only in the first
/// (`PEM_read_bio_X509_AUX`, then `PEM_read_bio_X509`).
fn next_certificate(
    blocks: &mut Blocks<'_>,
    with_trust: bool,
) -> Result<Vec<u8>, CertificateError> {
    loop {
        let block = blocks.next().map_err(CertificateError::Pem)?;
        let wanted = match block.label.as_slice() {
            b"CERTIFICATE" | b"X509 CERTIFICATE" => true,
            b"TRUSTED CERTIFICATE" => with_trust,
            _ => false,
        };
        if !wanted {
            continue;
        }
        if !block.header.is_empty() {
            let reason = if block.header.starts_with(b"Proc-Type:") {
                "processing error"
            } else {
                "not proc type"
            };
            return Err(CertificateError::Pem(PemError::Malformed(reason)));
        }
        let mut reader = Reader::new(&block.body);
        let (tag, _, whole) = reader.any().map_err(CertificateError::Der)?;
        if tag != SEQUENCE {
            return Err(CertificateError::Der(DerError::WrongTag));
        }
        if with_trust && !reader.rest().is_empty() {
            reader.sequence().map_err(CertificateError::Der)?;
        }
        return Ok(whole.to_vec());
    }
}

/// Read a certificate as far as OpenSSL looks at one of its own, and ask the security level
/// (`ssl_security_cert`).
fn take_certificate(
    der: &[u8],
    end_entity: bool,
    openssl: OpenSsl,
    doubt: &mut Option<String>,
) -> Result<PublicKeyInfo, String> {
    let certificate = Certificate::read(der).map_err(|error| error.reason().to_owned())?;
    if !security::key_is_big_enough(&certificate.info, openssl) {
        return Err(if end_entity {
            "ee key too small".to_owned()
        } else {
            "ca key too small".to_owned()
        });
    }
    if !certificate.self_issued {
        match (certificate.digest, openssl) {
            (security::Digest::Strong, _) | (security::Digest::Sha1, OpenSsl::V111) => {}
            (security::Digest::Broken, OpenSsl::V111) => return Err("ca md too weak".to_owned()),
            // Refused by 3.0 to 3.5.4 ("ca md too weak"), accepted by 3.5.9.
            (security::Digest::Sha1 | security::Digest::Broken, _) => {
                *doubt = Some(
                    "whether OpenSSL takes a client certificate signed with SHA-1 or MD5 depends \
                     on its release"
                        .to_owned(),
                );
            }
        }
    }
    Ok(certificate.info)
}

struct Certificate {
    info: PublicKeyInfo,
    digest: security::Digest,
    self_issued: bool,
}

impl Certificate {
    /// RFC 5280 section 4.1.
    fn read(der: &[u8]) -> Result<Self, DerError> {
        let mut fields = Reader::new(der).sequence()?;
        let mut tbs = fields.sequence()?;
        let digest = security::Digest::of(fields.sequence()?.expect(OID)?);
        fields.expect(BIT_STRING)?;
        if tbs.peek() == Some(0xa0) {
            tbs.expect(0xa0)?;
        }
        tbs.expect(INTEGER)?;
        tbs.sequence()?;
        let issuer = tbs.expect(SEQUENCE)?;
        tbs.sequence()?;
        let subject = tbs.expect(SEQUENCE)?;
        let info = decode::public_key_info(tbs.sequence()?)?;
        Ok(Self {
            info,
            digest,
            self_issued: issuer == subject,
        })
    }
}

/// Whether the key fits the certificate (`ssl_set_pkey`, then `SSL_check_private_key`); false
/// where that cannot be told.
fn belongs(key: &Key, info: &PublicKeyInfo, other_type: &str) -> Result<bool, ClientKeyError> {
    if key.kind == Kind::KeyAgreement {
        return Err(ClientKeyError::Key("unknown certificate type".to_owned()));
    }
    if key.kind == Kind::Other || info.kind == Kind::Other {
        return Ok(false);
    }
    if key.kind != info.kind {
        return Err(ClientKeyError::OtherType(other_type.to_owned()));
    }
    match (&key.public, &info.public) {
        (Public::Unknown, _) | (_, Public::Unknown) => Ok(false),
        (ours, theirs) if ours == theirs => Ok(true),
        _ => Err(ClientKeyError::Key("key values mismatch".to_owned())),
    }
}

fn signing_key(key: &Key) -> Result<Arc<dyn SigningKey>, String> {
    if key.kind == Kind::RsaPss {
        return Err("the key is restricted to RSA-PSS".to_owned());
    }
    if let Ok(signing) = any_supported_type(&key.der) {
        return Ok(signing);
    }
    if let PrivateKeyDer::Pkcs1(pkcs1) = &key.der
        && let Some(signing) = rsa_signer::signing_key(pkcs1.secret_pkcs1_der())
    {
        return Ok(signing);
    }
    Err(format!(
        "key type {}, of this kind or size",
        key.kind.name()
    ))
}

enum PemKeyError {
    /// OpenSSL's reason.
    Refused(String),
    NoPassword,
    /// OpenSSL may have been able to read it.
    Unknown(String),
}

impl From<Closed> for PemKeyError {
    fn from(closed: Closed) -> Self {
        match closed {
            Closed::Refused(reason) => Self::Refused(reason.to_owned()),
            Closed::NoPassword => Self::NoPassword,
            Closed::Unknown(what) => Self::Unknown(format!("the key is {what}")),
        }
    }
}

/// `PEM_read_bio_PrivateKey`. OpenSSL 3 goes from block to block until one decodes, and has one
/// reason for most of what goes wrong; 1.1.1 takes the first block whose label is a key's.
fn from_pem(file: &[u8], password: Option<&[u8]>, openssl: OpenSsl) -> Result<Key, PemKeyError> {
    let modern = openssl != OpenSsl::V111;
    let unsupported = || PemKeyError::Refused("unsupported".to_owned());
    let mut blocks = Blocks::new(file, openssl);
    loop {
        let block = blocks.next().map_err(|error| {
            if modern {
                unsupported()
            } else {
                PemKeyError::Refused(error.reason().to_owned())
            }
        })?;
        if !block.label.ends_with(b"PRIVATE KEY") {
            continue;
        }
        let body = decrypt::under_pem_header(&block.header, &block.body, password, openssl)
            .map_err(|closed| match closed {
                Closed::Refused("PEM lib" | "short header") if modern => unsupported(),
                closed => closed.into(),
            })?;
        let encrypted = !block.header.is_empty();
        match decode(&block, &body, password, openssl)? {
            Some(key) => return Ok(key),
            None if modern && !encrypted => {}
            None if modern => return Err(unsupported()),
            None => return Err(PemKeyError::Refused("wrong tag".to_owned())),
        }
    }
}

/// What the label promises, and what OpenSSL reads there all the same.
fn decode(
    block: &Block,
    body: &[u8],
    password: Option<&[u8]>,
    openssl: OpenSsl,
) -> Result<Option<Key>, PemKeyError> {
    let modern = openssl != OpenSsl::V111;
    let label = block.label.as_slice();
    let key = match label {
        b"PRIVATE KEY" | b"ENCRYPTED PRIVATE KEY" => {
            let encrypted = label.starts_with(b"ENCRYPTED");
            if modern || encrypted {
                match decrypt::encrypted_private_key_info(body, password, openssl) {
                    Some(Ok(inside)) => return Ok(decode::pkcs8(&inside).ok()),
                    Some(Err(closed)) => return Err(closed.into()),
                    None => {}
                }
            }
            if modern || !encrypted {
                decode::pkcs8(body).ok()
            } else {
                None
            }
        }
        b"RSA PRIVATE KEY" => decode::pkcs1(body)
            .ok()
            .or_else(|| pkcs8_of(body, Kind::Rsa, modern)),
        b"EC PRIVATE KEY" => decode::sec1(body)
            .ok()
            .or_else(|| pkcs8_of(body, Kind::Ec, modern)),
        b"DSA PRIVATE KEY" => decode::dsa(body).ok(),
        _ => None,
    };
    Ok(key)
}

/// PKCS#8 under a label of PKCS#1 or SEC 1; 1.1.1 takes any key there.
fn pkcs8_of(body: &[u8], kind: Kind, modern: bool) -> Option<Key> {
    decode::pkcs8(body)
        .ok()
        .filter(|key| !modern || key.kind == kind)
}

/// `d2i_PrivateKey_bio`: never encrypted, and what follows the key is ignored.
fn from_der(file: &[u8]) -> Option<Key> {
    decode::pkcs8(file)
        .or_else(|_| decode::pkcs1(file))
        .or_else(|_| decode::sec1(file))
        .or_else(|_| decode::dsa(file))
        .ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use proptest::prelude::*;

    use super::*;

    const NEW: OpenSsl = OpenSsl::V3Level2;
    const OLD: OpenSsl = OpenSsl::V111;
    const PASSWORD: &str = "pass:secret1";

    /// What the openssl command makes of its input.
    fn openssl(input: &[u8], arguments: &str) -> Vec<u8> {
        let mut child = Command::new("openssl")
            .args(arguments.split_whitespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the openssl command is installed");
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "openssl {arguments}: {errors}");
        output.stdout
    }

    /// A key and a certificate for it.
    fn pair(kind: &str) -> (Vec<u8>, Vec<u8>) {
        let key = openssl(b"", &format!("genpkey -quiet {kind}"));
        let request = "req -x509 -new -key /dev/stdin -subj /CN=client -days 30";
        let certificate = openssl(&key, request);
        (key, certificate)
    }

    fn rsa() -> (Vec<u8>, Vec<u8>) {
        pair("-algorithm RSA -pkeyopt rsa_keygen_bits:2048")
    }

    fn p256() -> (Vec<u8>, Vec<u8>) {
        pair("-algorithm EC -pkeyopt ec_paramgen_curve:P-256")
    }

    fn replaced(file: &[u8], from: &str, to: &str) -> Vec<u8> {
        let text = std::str::from_utf8(file).unwrap();
        assert!(text.contains(from), "nothing to replace: {from}");
        text.replace(from, to).into_bytes()
    }

    fn outcome(
        key: &[u8],
        password: Option<&str>,
        certificate: &[u8],
        openssl: OpenSsl,
    ) -> Result<(), String> {
        let loaded = load(key, password.map(str::as_bytes), certificate, openssl)
            .map_err(|error| error.message("c", "k"))?;
        assert_eq!(loaded.undetermined(), None);
        // Whatever loads can sign.
        let offered = [
            rustls::SignatureScheme::RSA_PSS_SHA256,
            rustls::SignatureScheme::ECDSA_NISTP256_SHA256,
            rustls::SignatureScheme::ECDSA_NISTP384_SHA384,
            rustls::SignatureScheme::ECDSA_NISTP521_SHA512,
            rustls::SignatureScheme::ED25519,
        ];
        let key = loaded.client_certificate().unwrap().key;
        let signer = key.key.choose_scheme(&offered).unwrap();
        assert!(!signer.sign(b"message").unwrap().is_empty());
        Ok(())
    }

    fn refused(reason: &str) -> Result<(), String> {
        Err(format!("could not load private key file \"k\": {reason}"))
    }

    #[test]
    fn every_plain_format_of_every_usable_kind_loads() {
        let (key, certificate) = rsa();
        for form in [
            key.clone(),
            openssl(&key, "pkey -traditional"),
            openssl(&key, "pkey -outform DER"),
            openssl(&key, "rsa -traditional -outform DER"),
            [certificate.clone(), key.clone()].concat(),
            [b"Bag Attributes\n".to_vec(), key.clone()].concat(),
            replaced(&key, "\n", "\r\n"),
            replaced(&key, " PRIVATE KEY", " RSA PRIVATE KEY"),
        ] {
            for version in [NEW, OLD] {
                assert_eq!(outcome(&form, None, &certificate, version), Ok(()));
            }
        }
        for curve in ["P-256", "P-384", "P-521"] {
            let (key, certificate) =
                pair(&format!("-algorithm EC -pkeyopt ec_paramgen_curve:{curve}"));
            let traditional = openssl(&key, "ec");
            let parameters = openssl(b"", &format!("ecparam -name {curve}"));
            for form in [
                key.clone(),
                traditional.clone(),
                [parameters, traditional].concat(),
                openssl(&key, "ec -no_public"),
                openssl(&key, "ec -outform DER"),
                openssl(&key, "pkcs8 -topk8 -nocrypt -outform DER"),
                openssl(&key, "ec -conv_form compressed"),
            ] {
                assert_eq!(outcome(&form, None, &certificate, NEW), Ok(()), "{curve}");
            }
        }
        let (key, certificate) = pair("-algorithm ED25519");
        assert_eq!(outcome(&key, None, &certificate, NEW), Ok(()));
        let der = openssl(&key, "pkey -outform DER");
        assert_eq!(outcome(&der, None, &certificate, NEW), Ok(()));
    }

    #[test]
    fn encrypted_keys_open_with_their_password_and_only_with_it() {
        let (rsa_key, rsa_certificate) = rsa();
        let (ec_key, ec_certificate) = p256();
        let mut cases = Vec::new();
        for cipher in ["aes128", "aes192", "aes256", "des3"] {
            let how = format!("-{cipher} -passout {PASSWORD}");
            let traditional = openssl(&rsa_key, &format!("rsa -traditional {how}"));
            cases.push((traditional, &rsa_certificate, cipher));
            let traditional = openssl(&ec_key, &format!("ec {how}"));
            cases.push((traditional, &ec_certificate, cipher));
        }
        for scheme in [
            "-v2 aes-128-cbc",
            "-v2 aes-192-cbc",
            "-v2 aes-256-cbc",
            "-v2 des3",
            "-v2 aes-256-cbc -v2prf hmacWithSHA1",
            "-v2 aes-256-cbc -v2prf hmacWithSHA224",
            "-v2 aes-256-cbc -v2prf hmacWithSHA384",
            "-v2 aes-256-cbc -v2prf hmacWithSHA512",
            "-scrypt",
            "-v1 PBE-SHA1-3DES",
            "-v1 PBE-SHA1-2DES",
        ] {
            let key = openssl(
                &ec_key,
                &format!("pkcs8 -topk8 {scheme} -passout {PASSWORD}"),
            );
            cases.push((key, &ec_certificate, scheme));
        }
        for (key, certificate, what) in cases {
            for version in [NEW, OLD] {
                let with = |password| outcome(&key, password, certificate, version);
                assert_eq!(with(Some("secret1")), Ok(()), "{what}");
                for none in [None, Some("")] {
                    assert_eq!(with(none), refused("processing error"), "{what}");
                }
                // A wrong password leaves good padding once in 256 times.
                let reasons = ["wrong", "wrong2", "wrong3"].map(|wrong| with(Some(wrong)));
                assert!(reasons.iter().all(Result::is_err), "{what}: {reasons:?}");
                assert!(
                    reasons.contains(&refused("bad decrypt")),
                    "{what}: {reasons:?}"
                );
            }
        }
    }

    #[test]
    fn single_des_is_for_openssl_1_1_1_only() {
        let (key, certificate) = p256();
        for how in [
            format!("pkcs8 -topk8 -v1 PBE-MD5-DES -passout {PASSWORD}"),
            format!("pkcs8 -topk8 -v1 PBE-SHA1-DES -passout {PASSWORD}"),
            format!("pkcs8 -topk8 -v2 des -passout {PASSWORD}"),
            format!("ec -des -passout {PASSWORD}"),
        ] {
            let how = format!("{how} -provider default -provider legacy");
            let key = openssl(&key, &how);
            let with = |version| outcome(&key, Some("secret1"), &certificate, version);
            assert_eq!(with(NEW), refused("unsupported"), "{how}");
            assert_eq!(with(OLD), Ok(()), "{how}");
        }
    }

    #[test]
    fn an_encrypted_key_in_der_is_of_no_use_to_libpq() {
        let (key, certificate) = p256();
        let how = format!("pkcs8 -topk8 -outform DER -passout {PASSWORD}");
        let key = openssl(&key, &how);
        let with = |version| outcome(&key, Some("secret1"), &certificate, version);
        assert_eq!(with(NEW), refused("unsupported"));
        assert_eq!(with(OLD), refused("no start line"));
    }

    #[test]
    fn a_password_is_cut_off_after_1023_octets() {
        let (key, certificate) = p256();
        let full = "x".repeat(1023);
        let key = openssl(&key, &format!("pkcs8 -topk8 -passout pass:{full}"));
        let with = |password: &str| outcome(&key, Some(password), &certificate, NEW);
        assert_eq!(with(&full), Ok(()));
        assert_eq!(with(&"x".repeat(2000)), Ok(()));
        assert!(with(&"x".repeat(1022)).is_err());
    }

    #[test]
    fn a_key_of_another_certificate_is_refused_in_openssls_words() {
        let (rsa_key, rsa_certificate) = rsa();
        let (ec_key, ec_certificate) = p256();
        let (_, other_rsa) = rsa();
        let (_, other_ec) = pair("-algorithm EC -pkeyopt ec_paramgen_curve:P-384");
        let der = openssl(&rsa_key, "pkey -outform DER");
        let mismatch = refused("key values mismatch");
        let other_type = |reason| -> Result<(), String> {
            Err(format!(
                "certificate does not match private key file \"k\": {reason}"
            ))
        };
        let none = "no certificate assigned";
        for (key, certificate, new, old) in [
            (&rsa_key, &other_rsa, &mismatch, &mismatch),
            (&ec_key, &other_ec, &mismatch, &mismatch),
            (
                &ec_key,
                &rsa_certificate,
                &other_type(none),
                &other_type(none),
            ),
            (
                &rsa_key,
                &ec_certificate,
                &other_type(none),
                &other_type(none),
            ),
            (
                &der,
                &other_rsa,
                &refused("unsupported"),
                &refused("no start line"),
            ),
            (
                &der,
                &ec_certificate,
                &other_type("PEM lib"),
                &other_type(none),
            ),
        ] {
            assert_eq!(&outcome(key, None, certificate, NEW), new);
            assert_eq!(&outcome(key, None, certificate, OLD), old);
        }
        let x25519 = openssl(b"", "genpkey -algorithm X25519");
        let unknown = refused("unknown certificate type");
        assert_eq!(outcome(&x25519, None, &rsa_certificate, NEW), unknown);
    }

    #[test]
    fn what_is_no_key_is_refused_in_openssls_words() {
        let (key, certificate) = rsa();
        let encrypted = openssl(
            &key,
            &format!("rsa -traditional -aes128 -passout {PASSWORD}"),
        );
        let text = String::from_utf8(encrypted.clone()).unwrap();
        let dek = text.lines().find(|line| line.starts_with("DEK")).unwrap();
        let dek_info = |to: &str| replaced(&encrypted, dek, to);
        let public = openssl(&key, "pkey -pubout");
        let (end, no_start) = ("bad end line", "no start line");
        for (file, new, old) in [
            (b"".to_vec(), "unsupported", no_start),
            (b"garbage\n".to_vec(), "unsupported", no_start),
            (public, "unsupported", no_start),
            (certificate.clone(), "unsupported", no_start),
            (key[..300].to_vec(), "unsupported", "short header"),
            (replaced(&key, "END PRIVATE", "END X"), "unsupported", end),
            (replaced(&key, "BEGIN", " BEGIN"), "unsupported", no_start),
            (
                replaced(&encrypted, "4,ENCRYPTED", "4,CLEAR"),
                "not encrypted",
                "not encrypted",
            ),
            (
                replaced(&encrypted, "4,ENCRYPTED", "3,ENCRYPTED"),
                "unsupported",
                "PEM lib",
            ),
            (dek_info("X-Info: y"), "not dek info", "not dek info"),
            (
                dek_info("DEK-Info: FOO-CBC,00112233445566778899AABBCCDDEEFF"),
                "unsupported encryption",
                "unsupported encryption",
            ),
            (
                dek_info("DEK-Info: AES-128-CBC,0011"),
                "bad iv chars",
                "bad iv chars",
            ),
            (
                dek_info("DEK-Info: AES-128-CBC"),
                "unsupported encryption",
                "unsupported encryption",
            ),
        ] {
            let shown = String::from_utf8_lossy(&file).into_owned();
            let got = outcome(&file, Some("secret1"), &certificate, NEW);
            assert_eq!(got, refused(new), "{shown}");
            let got = outcome(&file, Some("secret1"), &certificate, OLD);
            assert_eq!(got, refused(old), "{shown}");
        }
    }

    #[test]
    fn openssl_3_overlooks_a_header_of_up_to_ten_octets() {
        let (key, certificate) = rsa();
        for (header, new) in [
            ("Proc: 1", Ok(())),
            ("Proc: 123", Ok(())),
            ("Proc: 1234", refused("not proc type")),
        ] {
            let to = format!("BEGIN PRIVATE KEY-----\n{header}\n\n");
            let file = replaced(&key, "BEGIN PRIVATE KEY-----\n", &to);
            assert_eq!(outcome(&file, None, &certificate, NEW), new, "{header}");
            let old = outcome(&file, None, &certificate, OLD);
            assert_eq!(old, refused("not proc type"), "{header}");
        }
    }

    #[test]
    fn openssl_3_takes_the_first_block_that_decodes_and_1_1_1_the_first_key() {
        let (key, certificate) = rsa();
        let broken = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let file = [broken.to_vec(), key].concat();
        assert_eq!(outcome(&file, None, &certificate, NEW), Ok(()));
        assert_eq!(
            outcome(&file, None, &certificate, OLD),
            refused("wrong tag")
        );
    }

    #[test]
    fn certificate_chains_are_read_as_openssl_reads_them() {
        let (key, one) = rsa();
        let (_, two) = p256();
        let block = |body: &str| {
            format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n").into_bytes()
        };
        let trusted = openssl(&one, "x509 -addtrust clientAuth -trustout");
        let der = openssl(&one, "x509 -outform DER");
        for (file, expected) in [
            (one.clone(), Ok(1)),
            ([one.clone(), two.clone()].concat(), Ok(2)),
            ([one.clone(), key.clone(), two.clone()].concat(), Ok(2)),
            ([key.clone(), one.clone()].concat(), Ok(1)),
            ([one.clone(), b"junk".to_vec()].concat(), Ok(1)),
            (replaced(&one, "CERTIFICATE", "X509 CERTIFICATE"), Ok(1)),
            (trusted.clone(), Ok(1)),
            ([one.clone(), trusted].concat(), Ok(1)),
            (openssl(&one, "x509 -text"), Ok(1)),
            (b"".to_vec(), Err("no start line")),
            (b"hi\n".to_vec(), Err("no start line")),
            (key.clone(), Err("no start line")),
            (der, Err("no start line")),
            (block("AAAA"), Err("wrong tag")),
            (block("!!!!"), Err("bad base64 decode")),
            (block("a: b\n\nAAAA"), Err("not proc type")),
            (one[..400].to_vec(), Err("bad end line")),
            ([one.clone(), block("AAAA")].concat(), Err("wrong tag")),
            (
                [one.clone(), block("!!!!")].concat(),
                Err("bad base64 decode"),
            ),
        ] {
            let shown = String::from_utf8_lossy(&file).into_owned();
            let got = load_certificate_chain(&file, NEW).map(|chain| chain.len());
            assert_eq!(got, expected.map_err(str::to_owned), "{shown}");
        }
        let error = load(&key, None, b"", NEW).unwrap_err();
        let text = "could not read certificate file \"c\": no start line";
        assert_eq!(error.message("c", "k"), text);
    }

    #[test]
    fn the_security_level_speaks_about_ones_own_certificate() {
        let (key, small) = pair("-algorithm RSA -pkeyopt rsa_keygen_bits:1024");
        let (_, good) = rsa();
        let too_small = Err("could not read certificate file \"c\": ee key too small".to_owned());
        assert_eq!(outcome(&key, None, &small, NEW), too_small);
        // Level 1 takes it, and then we can sign with it.
        assert_eq!(outcome(&key, None, &small, OpenSsl::V3Level1), Ok(()));
        assert_eq!(outcome(&key, None, &small, OLD), Ok(()));
        let chain = [good, small].concat();
        let reason = load_certificate_chain(&chain, NEW).unwrap_err();
        assert_eq!(reason, "ca key too small");
    }

    #[test]
    fn keys_we_cannot_sign_with_are_undetermined_and_not_refused() {
        for kind in [
            "-algorithm ED448",
            "-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1",
            "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048",
        ] {
            let (key, certificate) = pair(kind);
            let loaded = load(&key, None, &certificate, NEW).unwrap();
            assert!(loaded.undetermined().is_some(), "{kind}");
            assert!(loaded.client_certificate().is_none(), "{kind}");
        }
        let (key, certificate) = p256();
        let key = openssl(&key, &format!("ec -camellia128 -passout {PASSWORD}"));
        let loaded = load(&key, Some(b"secret1"), &certificate, NEW).unwrap();
        let reason = loaded.undetermined().unwrap();
        assert_eq!(reason, "the key is encrypted with CAMELLIA-128-CBC");
    }

    #[test]
    fn nothing_of_the_key_is_shown_for_debugging() {
        let (key, certificate) = p256();
        let loaded = load(&key, None, &certificate, NEW).unwrap();
        let shown = format!("{loaded:?}");
        assert_eq!(
            shown,
            "ClientKey { certificates: 1, undetermined: None, .. }"
        );
    }

    #[test]
    fn mutated_files_never_panic() {
        let (ec_key, certificate) = p256();
        let how = |how: &str| openssl(&ec_key, &format!("{how} -passout {PASSWORD}"));
        let files = [
            ec_key.clone(),
            openssl(&ec_key, "ec"),
            openssl(&ec_key, "ec -outform DER"),
            openssl(&ec_key, "pkcs8 -topk8 -nocrypt -outform DER"),
            how("ec -aes128"),
            how("pkcs8 -topk8 -iter 1"),
            how("pkcs8 -topk8 -iter 1 -v1 PBE-SHA1-3DES"),
            how("pkcs8 -topk8 -scrypt -scrypt_N 2 -scrypt_r 1 -scrypt_p 1"),
            certificate.clone(),
        ];
        let mutation = (
            0..files.len(),
            proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            any::<prop::sample::Index>(),
            any::<bool>(),
        );
        proptest!(ProptestConfig::with_cases(400), |((which, changes, cut, cuts) in mutation)| {
            let mut file = files[which].clone();
            for (at, value) in changes {
                let at = at.index(file.len());
                file[at] = value;
            }
            if cuts {
                file.truncate(cut.index(file.len()));
            }
            for version in [NEW, OLD] {
                let _ = load(&file, Some(b"secret1"), &certificate, version);
                let _ = load(&ec_key, None, &file, version);
            }
        });
    }

    proptest! {
        #[test]
        fn arbitrary_der_never_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            use base64::Engine as _;
            let base64 = base64::engine::general_purpose::STANDARD.encode(&body);
            for label in ["PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "EC PRIVATE KEY", "CERTIFICATE"] {
                let pem = format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n");
                let _ = from_pem(pem.as_bytes(), Some(b"x"), NEW);
                let _ = load_certificate_chain(pem.as_bytes(), NEW);
            }
            let _ = from_der(&body);
        }
    }
}
