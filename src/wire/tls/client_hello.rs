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
    /// Group and public key of each key share; none: the server is to name its group.
    pub key_shares: Vec<(u16, Vec<u8>)>,
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
        // SSL 3.0 knows no extensions (RFC 6101), and its records say so.
        let has_extensions = highest > SSL_3_0;
        let mut message = Message(Vec::with_capacity(2048));
        message.u8(1); // client_hello
        message.vector(3, |body| {
            body.u16(highest.min(TLS_1_2));
            body.bytes(&self.random);
            body.vector(1, |id| id.bytes(&self.session_id));
            body.vector(2, |suites| {
                suites.code_points(&self.cipher_suites);
                suites.u16(RENEGOTIATION_SCSV);
                if self.fallback {
                    suites.u16(FALLBACK_SCSV);
                }
            });
            // TLS 1.3 allows no compression method but null.
            let curious = self.curious && highest <= TLS_1_2;
            // DEFLATE (RFC 3749) and null
            body.vector(1, |methods| {
                methods.bytes(if curious { &[1, 0] } else { &[0] });
            });
            if has_extensions {
                body.vector(2, |all| self.extensions(highest, all));
            }
        });
        let Message(message) = message;
        let mut records = Message(Vec::with_capacity(message.len() + 16));
        for part in message.chunks(0x4000) {
            records.bytes(&[22, 3, u8::from(has_extensions)]);
            records.vector(2, |record| record.bytes(part));
        }
        records.0
    }

    fn extensions(&self, highest: u16, all: &mut Message) {
        let mut extension = |kind: u16, body: &dyn Fn(&mut Message)| {
            all.u16(kind);
            all.vector(2, |extension| body(extension));
        };
        if let Some(name) = &self.server_name {
            extension(0, &|body| {
                body.vector(2, |list| {
                    list.u8(0); // host_name
                    list.vector(2, |entry| entry.bytes(name.as_bytes()));
                });
            });
        }
        extension(11, &|body| body.bytes(&[3, 0, 1, 2])); // ec_point_formats
        extension(10, &|body| {
            body.vector(2, |list| list.code_points(&self.groups));
        });
        extension(35, &|_| {}); // session_ticket
        if let Some(protocol) = &self.alpn {
            extension(16, &|body| {
                body.vector(2, |list| {
                    list.vector(1, |name| name.bytes(protocol.as_bytes()));
                });
            });
        }
        extension(22, &|_| {}); // encrypt_then_mac
        extension(23, &|_| {}); // extended_master_secret
        if highest >= TLS_1_2 {
            extension(13, &|body| {
                body.vector(2, |list| list.code_points(&self.signature_schemes));
            });
        }
        if self.curious {
            extension(5, &|body| body.bytes(&[1, 0, 0, 0, 0])); // status_request: OCSP
            extension(18, &|_| {}); // signed_certificate_timestamp
            if highest <= TLS_1_2 {
                extension(15, &|body| body.u8(1)); // heartbeat: peer_allowed_to_send
            }
        }
        if highest >= TLS_1_3 {
            extension(43, &|body| {
                body.vector(1, |list| list.code_points(&self.versions));
            });
            extension(45, &|body| body.bytes(&[1, 1])); // psk_key_exchange_modes: psk_dhe_ke
            // key_share
            extension(51, &|body| {
                body.vector(2, |shares| {
                    for (group, public) in &self.key_shares {
                        shares.u16(*group);
                        shares.vector(2, |key| key.bytes(public));
                    }
                });
            });
            if let Some(cookie) = &self.cookie {
                extension(44, &|body| body.vector(2, |value| value.bytes(cookie)));
            }
        }
    }
}

/// A message while it is written.
struct Message(Vec<u8>);

impl Message {
    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn code_points(&mut self, codes: &[u16]) {
        for code in codes {
            self.u16(*code);
        }
    }

    /// A vector behind its length of so many bytes; what does not fit is left out.
    fn vector(&mut self, width: usize, write: impl FnOnce(&mut Self)) {
        let start = self.0.len();
        self.0.resize(start + width, 0);
        write(self);
        let most = u32::MAX
            .checked_shr(32 - 8 * u32::try_from(width).unwrap_or(4))
            .unwrap_or(0);
        let length =
            u32::try_from(self.0.len() - start - width).map_or(most, |have| have.min(most));
        self.0
            .truncate(start + width + usize::try_from(length).unwrap_or(usize::MAX));
        let bytes = length.to_be_bytes();
        let place = self.0.get_mut(start..start + width);
        if let (Some(place), Some(length)) = (place, bytes.get(4 - width..)) {
            place.copy_from_slice(length);
        }
    }
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
