//! The server's handshake messages (RFC 5246 section 7.4, RFC 8446 section 4), with the rules that
//! OpenSSL enforces on each.

use crate::emulates::OpenSsl;
use crate::observation::CertificateRequest;
use crate::pki::name::Name;
use crate::wire::Reader;

use super::offered::Offered;
use super::suite::Suite;
use super::{
    DECODE_ERROR, Fault, ILLEGAL_PARAMETER, MISSING_EXTENSION, PROTOCOL_VERSION, TLS_1_2, TLS_1_3,
    UNSUPPORTED_EXTENSION, fault,
};

pub(super) const HELLO_REQUEST: u8 = 0;
pub(super) const SERVER_HELLO: u8 = 2;
pub(super) const NEW_SESSION_TICKET: u8 = 4;
pub(super) const ENCRYPTED_EXTENSIONS: u8 = 8;
pub(super) const CERTIFICATE: u8 = 11;
pub(super) const SERVER_KEY_EXCHANGE: u8 = 12;
pub(super) const CERTIFICATE_REQUEST: u8 = 13;
pub(super) const SERVER_HELLO_DONE: u8 = 14;
pub(super) const CERTIFICATE_VERIFY: u8 = 15;
pub(super) const CLIENT_KEY_EXCHANGE: u8 = 16;
pub(super) const FINISHED: u8 = 20;
pub(super) const CERTIFICATE_STATUS: u8 = 22;
pub(super) const KEY_UPDATE: u8 = 24;

/// The longest body that OpenSSL's client takes (`ossl_statem_client_max_message_size`).
pub(super) const fn max_length(kind: u8, openssl: OpenSsl) -> usize {
    match kind {
        // SERVER_HELLO_MAX_LENGTH, which OpenSSL 3 has raised.
        SERVER_HELLO if !matches!(openssl, OpenSsl::V111) => 65_607,
        SERVER_HELLO | ENCRYPTED_EXTENSIONS => 20_000,
        KEY_UPDATE => 1,
        // SSL_MAX_CERT_LIST_DEFAULT, which also bounds the names in a CertificateRequest.
        CERTIFICATE | CERTIFICATE_REQUEST => 100 * 1024,
        SERVER_KEY_EXCHANGE => 102_400,
        FINISHED => 64,
        SERVER_HELLO_DONE | HELLO_REQUEST => 0,
        // SESSION_TICKET_MAX_LENGTH_TLS13; of TLS 1.2 it can be no longer than its length says.
        NEW_SESSION_TICKET if !matches!(openssl, OpenSsl::V111) => 131_338,
        // SSL3_RT_MAX_PLAIN_LENGTH.
        _ => 16 * 1024,
    }
}

/// SHA-256 of "HelloRetryRequest" (RFC 8446 section 4.1.3).
const HELLO_RETRY_REQUEST: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// The end of the random of a server that knows TLS 1.3 and chose TLS 1.2, or knows TLS 1.2 and
/// chose less (RFC 8446 section 4.1.3).
const DOWNGRADE_TO_1_2: &[u8] = b"DOWNGRD\x01";
const DOWNGRADE_BELOW_1_2: &[u8] = b"DOWNGRD\x00";

/// A ServerHello.
#[derive(Clone, Debug)]
pub(super) struct ServerHello {
    /// The one that counts, of supported_versions if it is there.
    pub(super) version: u16,
    pub(super) random: [u8; 32],
    pub(super) suite_code: u16,
    compression: u8,
    pub(super) hello_retry_request: bool,
    pub(super) session_id: Vec<u8>,
    /// Of a key share or a HelloRetryRequest.
    pub(super) group: Option<u16>,
    /// The server's public key, in a key share.
    pub(super) key_share: Vec<u8>,
    pub(super) cookie: Option<Vec<u8>>,
    pub(super) alpn: Option<Vec<u8>>,
    /// The types of all extensions.
    pub(super) extensions: Vec<u16>,
    /// ec_point_formats; `None` without the extension.
    pub(super) point_formats: Option<Vec<u8>>,
    renegotiation_info: Option<Vec<u8>>,
}

impl ServerHello {
    pub(super) fn read(mut body: Reader<'_>) -> Result<Self, Fault> {
        let version = body.u16("version")?;
        let random = body.array("random")?;
        let session_id = body.vector8("session id")?.rest().to_vec();
        if session_id.len() > 32 {
            return Err(fault(ILLEGAL_PARAMETER, "ssl3 session id too long"));
        }
        let mut hello = Self {
            version,
            random,
            suite_code: body.u16("cipher suite")?,
            compression: body.u8("compression method")?,
            hello_retry_request: version == TLS_1_2 && random == HELLO_RETRY_REQUEST,
            session_id,
            group: None,
            key_share: Vec::new(),
            cookie: None,
            alpn: None,
            extensions: Vec::new(),
            point_formats: None,
            renegotiation_info: None,
        };
        if body.is_empty() {
            return Ok(hello);
        }
        let mut extensions = body.vector16("extensions")?;
        if !body.is_empty() {
            return Err(fault(DECODE_ERROR, "bad extension"));
        }
        while !extensions.is_empty() {
            let kind = extensions.u16("extension type")?;
            let mut extension = extensions.vector16("extension")?;
            if is_known(kind) && hello.extensions.contains(&kind) {
                return Err(fault(ILLEGAL_PARAMETER, "bad extension"));
            }
            hello.extensions.push(kind);
            let bad_extension = Err(fault(DECODE_ERROR, "bad extension"));
            match kind {
                // server_name and session_ticket say nothing in an answer.
                0 | 35 if !extension.is_empty() => return bad_extension,
                11 => {
                    let formats = extension.vector8("point formats")?;
                    if !extension.is_empty() {
                        return bad_extension;
                    }
                    if formats.is_empty() {
                        return Err(fault(DECODE_ERROR, "bad length"));
                    }
                    hello.point_formats = Some(formats.rest().to_vec());
                }
                16 => {
                    let mut list = extension.vector16("ALPN list")?;
                    hello.alpn = Some(list.vector8("ALPN protocol")?.rest().to_vec());
                    if !list.is_empty() || !extension.is_empty() {
                        return bad_extension;
                    }
                }
                43 => {
                    hello.version = extension.u16("selected version")?;
                    whole(&extension)?;
                }
                44 => {
                    hello.cookie = Some(extension.vector16("cookie")?.rest().to_vec());
                    whole(&extension)?;
                }
                51 => {
                    hello.group = Some(extension.u16("selected group")?);
                    // A HelloRetryRequest only names it.
                    if !hello.hello_retry_request {
                        hello.key_share = extension.vector16("key share")?.rest().to_vec();
                    }
                    whole(&extension)?;
                }
                0xff01 => {
                    let info = extension.vector8("renegotiation info")?;
                    if !extension.is_empty() {
                        let reason = "renegotiation encoding err";
                        return Err(fault(DECODE_ERROR, reason));
                    }
                    hello.renegotiation_info = Some(info.rest().to_vec());
                }
                _ => {}
            }
        }
        Ok(hello)
    }

    /// Whether it is an answer in TLS 1.3 to one who offered that.
    pub(super) fn is_tls_1_3(&self, offered: &Offered) -> bool {
        self.version == TLS_1_3 && self.extensions.contains(&43) && offered.offers_tls_1_3()
    }

    /// Whether it is a HelloRetryRequest by its random alone.
    pub(super) fn retries_without_version(&self, offered: &Offered) -> bool {
        self.hello_retry_request && !self.extensions.contains(&43) && offered.offers_tls_1_3()
    }

    /// What OpenSSL holds against the ServerHello, in its order (`tls_process_server_hello`).
    pub(super) fn check(&self, offered: &Offered, min_version: u16) -> Result<Suite, Fault> {
        if self.extensions.contains(&43) && self.version != TLS_1_3 {
            return Err(fault(ILLEGAL_PARAMETER, "bad protocol version number"));
        }
        self.check_extensions(offered)?;
        // Whatever supported_versions said: servers older than TLS 1.3 do not read it.
        if !(min_version..=offered.legacy_version).contains(&self.version) {
            return Err(fault(PROTOCOL_VERSION, "unsupported protocol"));
        }
        let sentinel = if self.version == TLS_1_2 {
            DOWNGRADE_TO_1_2
        } else {
            DOWNGRADE_BELOW_1_2
        };
        if offered.max_version() > self.version && self.random.ends_with(sentinel) {
            return Err(fault(ILLEGAL_PARAMETER, "inappropriate fallback"));
        }
        if self.compression != 0 {
            let reason = "unsupported compression algorithm";
            return Err(fault(ILLEGAL_PARAMETER, reason));
        }
        let suite = Suite::of(self.suite_code)
            .filter(|suite| suite.exists_in(self.version))
            .filter(|_| offered.cipher_suites.contains(&self.suite_code))
            .ok_or(fault(ILLEGAL_PARAMETER, "wrong cipher returned"))?;
        if self
            .renegotiation_info
            .as_ref()
            .is_some_and(|info| !info.is_empty())
        {
            return Err(fault(ILLEGAL_PARAMETER, "renegotiation mismatch"));
        }
        Ok(suite)
    }

    /// What OpenSSL holds against the ServerHello or HelloRetryRequest of TLS 1.3 beside its suite
    /// and key share.
    pub(super) fn check_1_3(&self, offered: &Offered) -> Result<(), Fault> {
        if self.compression != 0 {
            return Err(fault(ILLEGAL_PARAMETER, "invalid compression algorithm"));
        }
        let allowed: &[u16] = match self.hello_retry_request {
            true => &[43, 44, 51],
            false => &[41, 43, 51],
        };
        for kind in &self.extensions {
            check_extension(*kind, allowed, Some(offered))?;
        }
        Ok(())
    }

    /// Mirrors `tls_collect_extensions`: of those that OpenSSL knows, only answers.
    fn check_extensions(&self, offered: &Offered) -> Result<(), Fault> {
        for kind in &self.extensions {
            match kind {
                // renegotiation_info answers the SCSV too.
                0xff01 => {}
                0 | 1 | 5 | 10 | 11 | 14 | 16 | 18 | 22 | 23 | 35 | 43 | 13172
                    if !offered.extensions.contains(kind) =>
                {
                    return Err(fault(UNSUPPORTED_EXTENSION, "unsolicited extension"));
                }
                12 | 13 | 21 | 41 | 42 | 44 | 45 | 47 | 49..=51 => {
                    return Err(fault(ILLEGAL_PARAMETER, "bad extension"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether nothing is left of what was read.
fn whole(read: &Reader<'_>) -> Result<(), Fault> {
    match read.is_empty() {
        true => Ok(()),
        false => Err(fault(DECODE_ERROR, "length mismatch")),
    }
}

/// Whether every OpenSSL that is emulated knows an extension; others it passes over.
const fn is_known(kind: u16) -> bool {
    matches!(
        kind,
        0 | 1
            | 5
            | 10..=14
            | 16
            | 18
            | 21..=23
            | 35
            | 41..=45
            | 47
            | 49..=51
            | 13172
            | 0xfde8
            | 0xff01
    )
}

/// Whether OpenSSL knows an extension since 3.2 only: certificate types (RFC 7250) and compressed
/// certificates (RFC 8879). It refuses them wherever it did not ask for them.
pub(super) const fn is_known_since_3_2(kind: u16) -> bool {
    matches!(kind, 19 | 20 | COMPRESS_CERTIFICATE)
}

const COMPRESS_CERTIFICATE: u16 = 27;

/// Mirrors `tls_collect_extensions` in TLS 1.3: of those that OpenSSL knows, only where they belong,
/// and in an answer only what was offered.
fn check_extension(kind: u16, allowed: &[u16], offered: Option<&Offered>) -> Result<(), Fault> {
    const COOKIE: u16 = 44;
    if !is_known(kind) {
        return Ok(());
    }
    if !allowed.contains(&kind) {
        return Err(fault(ILLEGAL_PARAMETER, "bad extension"));
    }
    if kind != COOKIE && offered.is_some_and(|offered| !offered.extensions.contains(&kind)) {
        return Err(fault(UNSUPPORTED_EXTENSION, "unsolicited extension"));
    }
    Ok(())
}

/// The extensions of a message of TLS 1.3, of which these are allowed; `offered` is what it answers,
/// `None` if it answers nothing.
pub(super) fn extensions<'a>(
    mut list: Reader<'a>,
    allowed: &[u16],
    offered: Option<&Offered>,
) -> Result<Vec<(u16, Reader<'a>)>, Fault> {
    let mut extensions: Vec<(u16, Reader<'a>)> = Vec::new();
    while !list.is_empty() {
        let kind = list.u16("extension type")?;
        let extension = list.vector16("extension")?;
        if is_known(kind) && extensions.iter().any(|(other, _)| *other == kind) {
            return Err(fault(ILLEGAL_PARAMETER, "bad extension"));
        }
        check_extension(kind, allowed, offered)?;
        extensions.push((kind, extension));
    }
    Ok(extensions)
}

/// A Certificate message of TLS 1.3.
pub(super) struct Certificates {
    pub(super) chain: Vec<Vec<u8>>,
    /// Whether an OCSP response came along.
    pub(super) stapled: bool,
    /// Whether an extension is there that OpenSSL refuses since 3.2.
    pub(super) refused_since_3_2: bool,
}

pub(super) fn certificates_1_3(
    mut body: Reader<'_>,
    offered: &Offered,
) -> Result<Certificates, Fault> {
    let context = body.vector8("context")?;
    let mut list = body.vector24("certificate list")?;
    if !context.is_empty() || !body.is_empty() || list.is_empty() {
        return Err(fault(DECODE_ERROR, "length mismatch"));
    }
    let mut certificates = Certificates {
        chain: Vec::new(),
        stapled: false,
        refused_since_3_2: false,
    };
    while !list.is_empty() {
        let certificate = list
            .vector24("certificate")
            .map_err(|_| fault(DECODE_ERROR, "cert length mismatch"))?;
        certificates.chain.push(certificate.rest().to_vec());
        for (kind, _) in extensions(list.vector16("extensions")?, &[5, 18], Some(offered))? {
            certificates.stapled |= kind == 5;
            certificates.refused_since_3_2 |= is_known_since_3_2(kind);
        }
    }
    Ok(certificates)
}

/// A CertificateRequest of TLS 1.3.
pub(super) struct Request {
    /// What the answer repeats. In a handshake it should be empty, but OpenSSL does not mind.
    pub(super) context: Vec<u8>,
    pub(super) request: CertificateRequest,
    /// Whether an extension is there that OpenSSL refuses since 3.2.
    pub(super) refused_since_3_2: bool,
}

pub(super) fn certificate_request_1_3(mut body: Reader<'_>) -> Result<Request, Fault> {
    const SIGNATURE_ALGORITHMS: u16 = 13;
    const CERTIFICATE_AUTHORITIES: u16 = 47;
    const SIGNATURE_ALGORITHMS_CERT: u16 = 50;
    let context = body.vector8("context")?.rest().to_vec();
    let list = body.vector16("extensions")?;
    whole(&body)?;
    let mut request = CertificateRequest::default();
    let mut has_schemes = false;
    let (mut compressions, mut refused_since_3_2) = (0, false);
    let allowed = [
        5,
        SIGNATURE_ALGORITHMS,
        18,
        CERTIFICATE_AUTHORITIES,
        SIGNATURE_ALGORITHMS_CERT,
    ];
    for (kind, mut extension) in extensions(list, &allowed, None)? {
        let bad_extension = fault(DECODE_ERROR, "bad extension");
        match kind {
            // Nobody is seen to send it; what it says of a client certificate is not looked at.
            SIGNATURE_ALGORITHMS_CERT => {
                let schemes = extension.vector16("signature schemes")?;
                schemes_of(schemes).ok_or(bad_extension)?;
                request.limits_certificates = true;
            }
            SIGNATURE_ALGORITHMS => {
                has_schemes = true;
                let schemes = extension.vector16("signature schemes")?;
                request.signature_schemes = schemes_of(schemes).ok_or(bad_extension)?;
            }
            CERTIFICATE_AUTHORITIES => {
                request.authorities = names(extension.vector16("certificate authorities")?)?;
            }
            // The server takes a compressed certificate too (`tls_parse_compress_certificate`).
            COMPRESS_CERTIFICATE => {
                compressions += 1;
                let listed = extension.vector8("algorithms");
                // 3.5 minds half an algorithm too.
                let whole =
                    |list: Reader<'_>| !list.is_empty() && list.rest().len().is_multiple_of(2);
                let listed = listed.is_ok_and(whole) && extension.is_empty();
                refused_since_3_2 |= !listed || compressions > 1;
                continue;
            }
            _ => {
                refused_since_3_2 |= is_known_since_3_2(kind);
                continue;
            }
        }
        if !extension.is_empty() {
            return Err(bad_extension);
        }
    }
    if !has_schemes {
        return Err(fault(MISSING_EXTENSION, "missing sigalgs extension"));
    }
    Ok(Request {
        context,
        request,
        refused_since_3_2,
    })
}

/// Signature schemes; `None` where there is none, or half of one.
fn schemes_of(mut list: Reader<'_>) -> Option<Vec<u16>> {
    let mut schemes = Vec::new();
    while !list.is_empty() {
        schemes.push(list.u16("signature scheme").ok()?);
    }
    (!schemes.is_empty()).then_some(schemes)
}

/// The names of certification authorities (`parse_ca_names`).
fn names(mut list: Reader<'_>) -> Result<Vec<Vec<u8>>, Fault> {
    let mut names = Vec::new();
    while !list.is_empty() {
        let name = list.vector16("certificate authority")?.rest();
        let decoded = Name::from_der(name).map_err(|_| fault(DECODE_ERROR, "asn1 lib"))?;
        if decoded.der.len() != name.len() {
            return Err(fault(DECODE_ERROR, "ca dn length mismatch"));
        }
        names.push(name.to_vec());
    }
    Ok(names)
}

/// The certificates of a Certificate message.
pub(super) fn certificates(mut body: Reader<'_>) -> Result<Vec<Vec<u8>>, Fault> {
    let mut list = body.vector24("certificate list")?;
    let mut certificates = Vec::new();
    while !list.is_empty() {
        let certificate = list
            .vector24("certificate")
            .map_err(|_| fault(DECODE_ERROR, "cert length mismatch"))?;
        certificates.push(certificate.rest().to_vec());
    }
    if !body.is_empty() || certificates.is_empty() {
        return Err(fault(DECODE_ERROR, "length mismatch"));
    }
    Ok(certificates)
}

/// A CertificateRequest.
pub(super) fn certificate_request(
    mut body: Reader<'_>,
    version: u16,
) -> Result<CertificateRequest, Fault> {
    let mut request = CertificateRequest::default();
    body.vector8("certificate types")?;
    if version >= TLS_1_2 {
        let schemes = schemes_of(body.vector16("signature schemes")?);
        let wrong = fault(DECODE_ERROR, "signature algorithms error");
        request.signature_schemes = schemes.ok_or(wrong)?;
    }
    request.authorities = names(body.vector16("certificate authorities")?)?;
    whole(&body)?;
    Ok(request)
}

/// A handshake message with its header.
pub(super) fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&[kind], length.get(1..).unwrap_or_default(), body].concat()
}

/// A vector with a one-byte length before it.
pub(super) fn vector8(bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
    [&[length], bytes].concat()
}

/// A vector with a two-byte length before it.
pub(super) fn vector16(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes(), bytes].concat()
}

/// A vector with a three-byte length before it.
pub(super) fn vector24(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
    [length.get(1..).unwrap_or_default(), bytes].concat()
}
