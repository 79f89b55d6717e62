//! Writes one ClientHello (RFC 8446 section 4.1.2). Without a key share TLS 1.3 answers it with a
//! HelloRetryRequest.

/// What to offer.
#[derive(Clone, Debug, Default)]
pub struct ClientHello {
    /// 32 bytes from a random generator.
    pub random: [u8; 32],
    /// Legacy session id; TLS 1.3's middlebox mode wants 32 bytes.
    pub session_id: Vec<u8>,
    /// Versions, highest first.
    pub versions: Vec<u16>,
    /// Cipher suites, in order.
    pub cipher_suites: Vec<u16>,
    /// Groups, in order.
    pub groups: Vec<u16>,
    /// Signature schemes, in order.
    pub signature_schemes: Vec<u16>,
    /// Name for server_name.
    pub server_name: Option<String>,
    /// The single ALPN protocol.
    pub alpn: Option<String>,
    /// The group and the public key of the key share; `None`: the server is to name its group.
    pub key_share: Option<(u16, Vec<u8>)>,
    /// What a HelloRetryRequest wants to have back (RFC 8446 section 4.2.2).
    pub cookie: Option<Vec<u8>>,
    /// Whether TLS_FALLBACK_SCSV is among the suites (RFC 7507).
    pub fallback: bool,
    /// Whether it also offers what no libpq does, to see whether the server takes it: compression,
    /// heartbeats, OCSP stapling, certificate timestamps.
    pub curious: bool,
}

const SSL_3_0: u16 = 0x0300;
const TLS_1_2: u16 = 0x0303;
const TLS_1_3: u16 = 0x0304;
/// TLS_EMPTY_RENEGOTIATION_INFO_SCSV (RFC 5746 section 3.3).
const RENEGOTIATION_SCSV: u16 = 0x00ff;
/// TLS_FALLBACK_SCSV (RFC 7507 section 4).
const FALLBACK_SCSV: u16 = 0x5600;

impl ClientHello {
    /// The message in records of the version that clients put there (RFC 8446 section 5.1).
    pub fn to_records(&self) -> Vec<u8> {
        let highest = self.versions.iter().copied().max().unwrap_or(TLS_1_2);
        let mut body = highest.min(TLS_1_2).to_be_bytes().to_vec();
        body.extend(self.random);
        body.extend(vector8(&self.session_id));
        let mut suites = code_points(&self.cipher_suites);
        suites.extend(RENEGOTIATION_SCSV.to_be_bytes());
        if self.fallback {
            suites.extend(FALLBACK_SCSV.to_be_bytes());
        }
        body.extend(vector16(&suites));
        // TLS 1.3 allows no compression method but null.
        if self.curious && highest <= TLS_1_2 {
            body.extend([2, 1, 0]); // DEFLATE (RFC 3749) and null
        } else {
            body.extend([1, 0]);
        }
        // SSL 3.0 knows no extensions (RFC 6101), and its records say so.
        if highest > SSL_3_0 {
            body.extend(vector16(&self.extensions(highest)));
        }
        let minor = u8::from(highest > SSL_3_0);
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
        let message = [&[1], &length[1..], body.as_slice()].concat();
        message
            .chunks(0x4000)
            .flat_map(|part| [&[22, 3, minor], vector16(part).as_slice()].concat())
            .collect()
    }

    fn extensions(&self, highest: u16) -> Vec<u8> {
        let mut all = Vec::new();
        let mut extension = |kind: u16, body: Vec<u8>| {
            all.extend(kind.to_be_bytes());
            all.extend(vector16(&body));
        };
        if let Some(name) = &self.server_name {
            let entry = [&[0], vector16(name.as_bytes()).as_slice()].concat();
            extension(0, vector16(&entry));
        }
        extension(11, vector8(&[0, 1, 2])); // ec_point_formats
        extension(10, vector16(&code_points(&self.groups)));
        extension(35, Vec::new()); // session_ticket
        if let Some(protocol) = &self.alpn {
            extension(16, vector16(&vector8(protocol.as_bytes())));
        }
        extension(22, Vec::new()); // encrypt_then_mac
        extension(23, Vec::new()); // extended_master_secret
        if highest >= TLS_1_2 {
            extension(13, vector16(&code_points(&self.signature_schemes)));
        }
        if self.curious {
            extension(5, vec![1, 0, 0, 0, 0]); // status_request: OCSP, no responders, no extensions
            extension(18, Vec::new()); // signed_certificate_timestamp
            if highest <= TLS_1_2 {
                extension(15, vec![1]); // heartbeat: peer_allowed_to_send
            }
        }
        if highest >= TLS_1_3 {
            extension(43, vector8(&code_points(&self.versions)));
            extension(45, vector8(&[1])); // psk_key_exchange_modes: psk_dhe_ke
            if let Some(cookie) = &self.cookie {
                extension(44, vector16(cookie));
            }
            let share = self.key_share.as_ref().map(|(group, public)| {
                let public = vector16(public);
                [group.to_be_bytes().as_slice(), &public].concat()
            });
            extension(51, vector16(&share.unwrap_or_default())); // key_share
        }
        all
    }
}

fn code_points(codes: &[u16]) -> Vec<u8> {
    codes.iter().flat_map(|code| code.to_be_bytes()).collect()
}

fn vector8(bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
    [&[length], bytes.get(..length.into()).unwrap_or_default()].concat()
}

fn vector16(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    let bytes = bytes.get(..length.into()).unwrap_or_default();
    [&length.to_be_bytes(), bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Reader;

    fn hello() -> ClientHello {
        ClientHello {
            random: [7; 32],
            session_id: vec![9; 32],
            versions: vec![0x0304, 0x0303],
            cipher_suites: vec![0x1302, 0xc02f],
            groups: vec![0x001d],
            signature_schemes: vec![0x0804],
            server_name: Some("db.test".into()),
            alpn: Some("postgresql".into()),
            ..ClientHello::default()
        }
    }

    #[test]
    fn every_length_in_the_message_is_right() {
        let bytes = hello().to_records();
        let mut record = Reader::new(&bytes);
        assert_eq!(record.take(3, "header").unwrap(), [22, 3, 1]);
        let mut message = record.vector16("record").unwrap();
        assert!(record.is_empty());
        assert_eq!(message.u8("type").unwrap(), 1);
        let mut body = message.vector24("body").unwrap();
        assert!(message.is_empty());
        assert_eq!(body.u16("version").unwrap(), 0x0303);
        assert_eq!(body.take(32, "random").unwrap(), [7; 32]);
        assert_eq!(body.vector8("session id").unwrap().rest(), [9; 32]);
        assert_eq!(
            body.vector16("suites").unwrap().rest(),
            [0x13, 2, 0xc0, 0x2f, 0, 0xff]
        );
        assert_eq!(body.vector8("compression").unwrap().rest(), [0]);
        let mut extensions = body.vector16("extensions").unwrap();
        assert!(body.is_empty());
        let mut kinds = Vec::new();
        while !extensions.is_empty() {
            kinds.push(extensions.u16("kind").unwrap());
            extensions.vector16("extension").unwrap();
        }
        assert_eq!(kinds, [0, 11, 10, 35, 16, 22, 23, 13, 43, 45, 51]);
    }

    #[test]
    fn an_ssl_3_0_hello_ends_after_the_compression_methods() {
        let bytes = ClientHello {
            versions: vec![0x0300],
            cipher_suites: vec![0x0005],
            session_id: Vec::new(),
            fallback: true,
            curious: true,
            ..hello()
        }
        .to_records();
        assert_eq!(bytes.get(..3).unwrap(), [22, 3, 0]);
        let end = [0, 6, 0, 5, 0, 0xff, 0x56, 0, 2, 1, 0];
        assert!(bytes.ends_with(&end), "{bytes:?}");
    }

    #[test]
    fn a_tls_1_2_hello_has_nothing_of_tls_1_3() {
        let only_1_2 = ClientHello {
            versions: vec![0x0303],
            ..hello()
        };
        let bytes = only_1_2.to_records();
        let key_share = [0, 51, 0, 2, 0, 0];
        assert!(!bytes.windows(6).any(|window| window == key_share));
        assert!(
            hello()
                .to_records()
                .windows(6)
                .any(|window| window == key_share)
        );
    }
}
