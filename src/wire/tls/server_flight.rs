//! Reads what a server answers to a ClientHello, up to ServerHelloDone, a HelloRetryRequest, an
//! alert or the end. Below TLS 1.3 the chain is in the clear, so no key is needed.

use crate::observation::CertificateRequest;
use crate::wire::tls::registry::{KeyExchange, cipher_suite};
use crate::wire::{DecodeError, Reader};

/// OpenSSL's client takes no longer Certificate message (`SSL_MAX_CERT_LIST_DEFAULT`), so there
/// is no use in reading on.
pub const MAX_CERTIFICATE_MESSAGE: usize = 100 * 1024;

/// The longest flight that is kept: a whole Certificate message and generous others.
pub const MAX_FLIGHT: usize = 256 * 1024;

/// SHA-256 of "HelloRetryRequest", the random of a ServerHello that is one (RFC 8446 4.1.3).
const HELLO_RETRY_REQUEST: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What the flight showed so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerFlight {
    /// The selected version.
    pub protocol_version: Option<u16>,
    /// The selected suite.
    pub cipher_suite: Option<u16>,
    /// The group of a HelloRetryRequest, key share or ServerKeyExchange.
    pub group: Option<u16>,
    /// Whether the ServerHello is a HelloRetryRequest.
    pub hello_retry_request: bool,
    /// The selected ALPN protocol.
    pub alpn: Option<String>,
    /// Whether the ServerHello has renegotiation_info (RFC 5746).
    pub renegotiation_info: bool,
    /// The chain as sent.
    pub certificates: Vec<Vec<u8>>,
    /// The request for a client certificate.
    pub certificate_request: Option<CertificateRequest>,
    /// The scheme of the ServerKeyExchange's signature, in TLS 1.2.
    pub signature_scheme: Option<u16>,
    /// The prime of the ServerKeyExchange's finite field.
    pub dh_prime: Vec<u8>,
    /// The last eight bytes of the server's random: a downgrade sentinel or anything.
    pub random_end: [u8; 8],
    /// How long the session id is.
    pub session_id_length: usize,
    /// The compression method: 0 is none, 1 DEFLATE.
    pub compression: u8,
    /// The extensions of the ServerHello, in order.
    pub extensions: Vec<u16>,
    /// The point formats that the server lists (RFC 8422 section 5.1.2).
    pub point_formats: Vec<u8>,
    /// Whether an OCSP response came (CertificateStatus).
    pub ocsp_stapled: bool,
    /// Where the flight ended.
    pub end: FlightEnd,
}

/// Where a flight ended.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum FlightEnd {
    /// More bytes are needed.
    #[default]
    Open,
    /// ServerHelloDone, or TLS 1.3's ServerHello, after which all is encrypted.
    Complete,
    /// A fatal alert.
    Alert(u8),
}

/// Reads a flight from the bytes that came so far.
///
/// # Errors
/// When the bytes are no TLS, or the server breaks the protocol.
pub fn server_flight(bytes: &[u8]) -> Result<ServerFlight, DecodeError> {
    let mut flight = ServerFlight::default();
    let mut handshake = Vec::new();
    let mut alert = None;
    let mut records = Reader::new(bytes);
    loop {
        // A record that is not whole yet ends the reading; its first bytes must be right though.
        let header = records.rest();
        if header.first().is_some_and(|kind| !(20..=23).contains(kind))
            || header.get(1).is_some_and(|major| *major != 3)
        {
            return Err(records.error("not a TLS record"));
        }
        let mut record = records.clone();
        let Ok(kind) = record.u8("record type") else {
            break;
        };
        let Ok(_) = record.u16("record version") else {
            break;
        };
        let Ok(mut fragment) = record.vector16("record") else {
            break;
        };
        records = record;
        match kind {
            21 => {
                let level = fragment.u8("alert level")?;
                let description = fragment.u8("alert description")?;
                if level == 2 || description == 0 {
                    alert = Some(description);
                    break;
                }
            }
            22 => {
                handshake.extend_from_slice(fragment.rest());
                if handshake.len() > MAX_FLIGHT {
                    return Err(records.error("a flight of more than 256 KiB"));
                }
            }
            // TLS 1.3 sends a dummy ChangeCipherSpec.
            20 => {}
            _ => return Err(records.error("a record of this type before ServerHelloDone")),
        }
    }
    let mut messages = Reader::new(&handshake);
    loop {
        let mut next = messages.clone();
        let Ok(kind) = next.u8("handshake type") else {
            break;
        };
        let Ok(length) = next.u24("handshake length") else {
            break;
        };
        if kind == 11
            && usize::try_from(length).is_ok_and(|length| length > MAX_CERTIFICATE_MESSAGE)
        {
            return Err(next.error("a Certificate message of more than 100 KiB"));
        }
        let mut whole = messages.clone();
        whole.u8("handshake type")?;
        let Ok(body) = whole.vector24("handshake message") else {
            break;
        };
        messages = whole;
        message(&mut flight, kind, body)?;
        if flight.end != FlightEnd::Open {
            break;
        }
    }
    // What came before the alert counts; an alert behind a whole flight is not part of it.
    if let (FlightEnd::Open, Some(description)) = (flight.end, alert) {
        flight.end = FlightEnd::Alert(description);
    }
    Ok(flight)
}

fn message(flight: &mut ServerFlight, kind: u8, mut body: Reader<'_>) -> Result<(), DecodeError> {
    match kind {
        2 => server_hello(flight, body)?,
        11 => {
            let mut list = body.vector24("certificate list")?;
            while !list.is_empty() {
                let certificate = list.vector24("certificate")?;
                flight.certificates.push(certificate.rest().to_vec());
            }
        }
        12 => server_key_exchange(flight, body)?,
        13 => flight.certificate_request = Some(certificate_request(flight, body)?),
        14 => flight.end = FlightEnd::Complete,
        22 => flight.ocsp_stapled = true,
        // HelloRequest, NewSessionTicket: nothing for us.
        0 | 4 => {}
        _ => return Err(body.error("a handshake message that does not belong here")),
    }
    Ok(())
}

fn server_hello(flight: &mut ServerFlight, mut body: Reader<'_>) -> Result<(), DecodeError> {
    let legacy_version = body.u16("version")?;
    let random: [u8; 32] = body.array("random")?;
    flight.random_end = *random.last_chunk().unwrap_or(&[0; 8]);
    flight.session_id_length = body.vector8("session id")?.rest().len();
    flight.cipher_suite = Some(body.u16("cipher suite")?);
    flight.compression = body.u8("compression method")?;
    flight.protocol_version = Some(legacy_version);
    flight.hello_retry_request = random == HELLO_RETRY_REQUEST;
    if body.is_empty() {
        return Ok(());
    }
    let mut extensions = body.vector16("extensions")?;
    while !extensions.is_empty() {
        let kind = extensions.u16("extension type")?;
        let mut extension = extensions.vector16("extension")?;
        flight.extensions.push(kind);
        match kind {
            11 => flight.point_formats = extension.vector8("point formats")?.rest().to_vec(),
            16 => {
                let mut list = extension.vector16("ALPN list")?;
                let name = list.vector8("ALPN protocol")?;
                flight.alpn = Some(String::from_utf8_lossy(name.rest()).into_owned());
            }
            0xff01 => flight.renegotiation_info = true,
            43 => flight.protocol_version = Some(extension.u16("selected version")?),
            51 => flight.group = Some(extension.u16("selected group")?),
            _ => {}
        }
    }
    if flight.protocol_version == Some(0x0304) {
        flight.end = FlightEnd::Complete;
    }
    Ok(())
}

/// The group of ECDHE (RFC 8422 5.4) or the prime of DHE (RFC 5246 7.4.3), and the signature scheme
/// behind them.
fn server_key_exchange(flight: &mut ServerFlight, mut body: Reader<'_>) -> Result<(), DecodeError> {
    let Some(suite) = flight.cipher_suite.and_then(cipher_suite) else {
        return Ok(());
    };
    match suite.key_exchange() {
        KeyExchange::Ecdhe => {
            // Another type would be an explicit curve, which nobody sends any more.
            if body.u8("curve type")? != 3 {
                return Ok(());
            }
            flight.group = Some(body.u16("named curve")?);
            body.vector8("public key")?;
        }
        KeyExchange::Dhe => {
            flight.dh_prime = body.vector16("prime")?.rest().to_vec();
            body.vector16("generator")?;
            body.vector16("public key")?;
        }
        // RFC 4279 section 3: an identity hint, then as without the key.
        _ if suite.name.contains("_DHE_PSK_") => {
            body.vector16("identity hint")?;
            flight.dh_prime = body.vector16("prime")?.rest().to_vec();
            return Ok(());
        }
        // An export suite may send a temporary RSA key; its size follows from its name.
        _ => return Ok(()),
    }
    if flight.protocol_version == Some(0x0303) && !suite.is_anonymous() {
        flight.signature_scheme = Some(body.u16("signature scheme")?);
    }
    Ok(())
}

fn certificate_request(
    flight: &ServerFlight,
    mut body: Reader<'_>,
) -> Result<CertificateRequest, DecodeError> {
    let mut request = CertificateRequest::default();
    body.vector8("certificate types")?;
    if flight.protocol_version == Some(0x0303) {
        let mut schemes = body.vector16("signature schemes")?;
        while !schemes.is_empty() {
            request
                .signature_schemes
                .push(schemes.u16("signature scheme")?);
        }
    }
    let mut names = body.vector16("certificate authorities")?;
    while !names.is_empty() {
        let name = names.vector16("certificate authority")?;
        request.authorities.push(name.rest().to_vec());
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&[kind, 3, 3], length.as_slice(), body].concat()
    }

    fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&[kind], &length[1..], body].concat()
    }

    fn hello_1_2() -> Vec<u8> {
        let body = [&[3, 3], [5; 32].as_slice(), &[0, 0xc0, 0x2f, 0]].concat();
        handshake(2, &body)
    }

    #[test]
    fn a_tls_1_2_flight_shows_suite_chain_and_end_however_it_is_cut() {
        let certificates = handshake(11, &[0, 0, 7, 0, 0, 4, 1, 2, 3, 4]);
        let messages = [hello_1_2(), certificates, handshake(14, &[])].concat();
        for cut in 1..messages.len() {
            let (one, two) = messages.split_at(cut);
            let flight = server_flight(&[record(22, one), record(22, two)].concat()).unwrap();
            assert_eq!(flight.cipher_suite, Some(0xc02f));
            assert_eq!(flight.certificates, [vec![1, 2, 3, 4]]);
            assert_eq!(flight.end, FlightEnd::Complete, "cut at {cut}");
        }
    }

    #[test]
    fn a_hello_retry_request_names_the_group() {
        let extensions = [0, 43, 0, 2, 3, 4, 0, 51, 0, 2, 0, 0x1e];
        let body = [
            &[3, 3],
            HELLO_RETRY_REQUEST.as_slice(),
            &[0, 0x13, 2, 0, 0, 12],
            &extensions,
        ]
        .concat();
        let flight = server_flight(&record(22, &handshake(2, &body))).unwrap();
        assert!(flight.hello_retry_request);
        assert_eq!(
            (flight.protocol_version, flight.group),
            (Some(0x0304), Some(0x001e))
        );
    }

    #[test]
    fn the_prime_of_a_finite_field_is_read_whoever_signs_it_or_nobody() {
        let exchange = [0, 3, 0xff, 1, 7, 0, 1, 2, 0, 1, 5].as_slice();
        let signed = [exchange, &[4, 1, 0, 0]].concat();
        for (suite, exchange, scheme) in [
            (0x009e_u16, signed.as_slice(), Some(0x0401)),
            (0x0034, exchange, None),
        ] {
            let [high, low] = suite.to_be_bytes();
            let hello = [&[3, 3], [5; 32].as_slice(), &[0, high, low, 0]].concat();
            let messages = [handshake(2, &hello), handshake(12, exchange)].concat();
            let flight = server_flight(&record(22, &messages)).unwrap();
            assert_eq!(flight.dh_prime, [0xff, 1, 7]);
            assert_eq!(flight.signature_scheme, scheme);
        }
    }

    #[test]
    fn what_a_server_hello_says_beside_its_choice_is_kept() {
        let extensions = [
            0xff, 1, 0, 1, 0, 0, 23, 0, 0, 0, 11, 0, 2, 1, 2, 0, 35, 0, 0,
        ];
        let mut random = [5; 32];
        random[24..].copy_from_slice(b"DOWNGRD\x01");
        let body = [
            &[3, 3],
            random.as_slice(),
            &[2, 9, 9, 0xc0, 0x2f, 1, 0, 19],
            &extensions,
        ]
        .concat();
        let flight = server_flight(&record(22, &handshake(2, &body))).unwrap();
        assert_eq!(flight.extensions, [0xff01, 23, 11, 35]);
        assert_eq!((flight.session_id_length, flight.compression), (2, 1));
        assert_eq!(flight.point_formats, [2]);
        assert_eq!(&flight.random_end, b"DOWNGRD\x01");
    }

    #[test]
    fn an_alert_ends_the_flight() {
        let flight = server_flight(&record(21, &[2, 40])).unwrap();
        assert_eq!(flight.end, FlightEnd::Alert(40));
    }

    #[test]
    fn what_came_before_an_alert_counts() {
        let bytes = [record(22, &hello_1_2()), record(21, &[2, 48])].concat();
        let flight = server_flight(&bytes).unwrap();
        assert_eq!(
            (flight.cipher_suite, flight.end),
            (Some(0xc02f), FlightEnd::Alert(48))
        );
        let whole = [hello_1_2(), handshake(14, &[])].concat();
        let bytes = [record(22, &whole), record(21, &[2, 48])].concat();
        assert_eq!(server_flight(&bytes).unwrap().end, FlightEnd::Complete);
    }

    #[test]
    fn other_protocols_are_no_tls() {
        for banner in [b"SSH-2.0-OpenSSH".as_slice(), b"HTTP/1.1 400", b"E\0\0\0"] {
            assert!(server_flight(banner).is_err());
        }
    }

    #[test]
    fn a_certificate_message_beyond_openssls_limit_is_an_error_before_it_is_read() {
        let huge = [11, 0x10, 0, 0];
        assert!(server_flight(&record(22, &[hello_1_2(), huge.to_vec()].concat())).is_err());
    }

    proptest! {
        #[test]
        fn a_flight_changed_anywhere_is_an_error_or_a_flight_no_longer_than_it(
            at in 0_usize..160,
            value: u8,
            cut in 0_usize..160,
            suite in proptest::sample::select(vec![0x002f_u16, 0x009e, 0xc02f, 0xc018, 0x0034]),
        ) {
            let [high, low] = suite.to_be_bytes();
            let extensions = [0, 12, 0xff, 1, 0, 1, 0, 0, 11, 0, 2, 1, 0, 0];
            let hello = [&[3, 3], [5; 32].as_slice(), &[0, high, low, 0], &extensions].concat();
            let certificates = handshake(11, &[0, 0, 7, 0, 0, 4, 1, 2, 3, 4]);
            let exchange = handshake(12, &[3, 0, 23, 1, 4, 4, 1, 0, 1, 7]);
            let request = handshake(13, &[1, 1, 0, 2, 4, 1, 0, 4, 0, 2, 48, 0]);
            let done = handshake(14, &[]);
            let messages = [handshake(2, &hello), certificates, exchange, request, done].concat();
            let mut bytes = record(22, &messages);
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
            bytes.truncate(bytes.len() - cut.min(bytes.len()));
            if let Ok(flight) = server_flight(&bytes) {
                let kept = flight.certificates.iter().map(Vec::len).sum::<usize>()
                    + flight.dh_prime.len()
                    + flight.extensions.len();
                prop_assert!(kept <= bytes.len());
            }
        }

        #[test]
        fn flights_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = server_flight(&bytes);
            let _ = server_flight(&record(22, &bytes));
            for kind in [2, 11, 12, 13] {
                let messages = [hello_1_2(), handshake(kind, &bytes)].concat();
                let _ = server_flight(&record(22, &messages));
            }
        }
    }
}
