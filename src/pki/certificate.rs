//! A certificate as owned facts: total, so that a broken one still tells what it can.

use std::ops::Deref;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::algorithm::AlgorithmIdentifier;
use super::der::{
    self, BitString, CONTEXT, DerError, DerResult, INTEGER, Reader, SEQUENCE, UNIVERSAL,
    small_integer,
};
use super::extensions::{
    BasicConstraints, Decoded, Extension, Extensions, KeyUsage, NameConstraints,
};
use super::general_name::GeneralName;
use super::name::{Attribute, Name};
use super::oid::Oid;
use super::public_key::PublicKey;
use super::time::Asn1Time;

/// A certificate that was read; copies share what it says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Certificate(Arc<Content>);

/// What one certificate says. The fields mirror RFC 5280; what could not be read is empty and
/// `unparsed` says why OpenSSL would not load it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Content {
    /// The encoding, without bytes that follow it.
    pub der: Vec<u8>,
    /// Why `d2i_X509` refuses the bytes; then TLS itself fails, whatever the sslmode.
    pub unparsed: Option<String>,
    /// The same as OpenSSL's decoder says it.
    pub decoding_error: Option<DerError>,
    /// The version as people count: 1, 2, 3; `None`: a number that OpenSSL cannot hold.
    pub version: Option<i64>,
    /// The serial number's INTEGER contents.
    pub serial: Vec<u8>,
    /// The issuer.
    pub issuer: Name,
    /// The subject.
    pub subject: Name,
    /// The beginning of validity.
    pub not_before: Option<Asn1Time>,
    /// The end of validity.
    pub not_after: Option<Asn1Time>,
    /// The public key.
    pub public_key: Option<PublicKey>,
    /// The extensions.
    pub extensions: Extensions,
    /// The signed part: `tbsCertificate`.
    pub tbs: Vec<u8>,
    /// The algorithm inside the signed part.
    pub tbs_signature_algorithm: Option<AlgorithmIdentifier>,
    /// The algorithm beside the signature.
    pub signature_algorithm: Option<AlgorithmIdentifier>,
    /// The signature.
    pub signature: BitString,
    /// A name and a key without a certificate: an anchor of Mozilla's list as webpki-roots has it.
    pub bare_anchor: bool,
}

impl Deref for Certificate {
    type Target = Content;

    fn deref(&self) -> &Content {
        &self.0
    }
}

impl From<Content> for Certificate {
    fn from(content: Content) -> Self {
        Self(Arc::new(content))
    }
}

impl Certificate {
    /// Reads a certificate as TLS carries it: the bytes must be the certificate and nothing else.
    pub fn parse(der: &[u8]) -> Self {
        let (mut certificate, rest) = Content::parse_prefix(der);
        if !rest.is_empty() && certificate.unparsed.is_none() {
            // ssl/statem compares the lengths after d2i_X509.
            certificate.unparsed = Some("cert length mismatch".to_owned());
        }
        certificate.into()
    }

    /// Reads a certificate at the beginning of the bytes, as `d2i_X509` does; also what follows.
    pub(crate) fn parse_prefix(der: &[u8]) -> (Self, &[u8]) {
        let (content, rest) = Content::parse_prefix(der);
        (content.into(), rest)
    }

    /// An anchor of which only name, key and name constraints are known; it is taken for a valid
    /// version 3 CA certificate. The arguments are as `rustls_pki_types::TrustAnchor` has them:
    /// without the outer SEQUENCE.
    pub(crate) fn bare(subject: &[u8], key: &[u8], constraints: Option<&[u8]>) -> DerResult<Self> {
        let name = Name::from_der(&der::encode(0x30, subject))?;
        let public_key = PublicKey::from_der(&der::encode(0x30, key))?;
        Ok(Content {
            version: Some(3),
            issuer: name.clone(),
            subject: name,
            public_key: Some(public_key),
            extensions: Extensions {
                basic_constraints: Decoded::Present(BasicConstraints {
                    ca: true,
                    path_length: None,
                    negative_path_length: false,
                }),
                name_constraints: match constraints {
                    Some(content) => {
                        Decoded::Present(NameConstraints::decode(&der::encode(0x30, content))?)
                    }
                    None => Decoded::Absent,
                },
                ..Extensions::default()
            },
            bare_anchor: true,
            ..Content::default()
        }
        .into())
    }
}

impl Content {
    fn parse_prefix(der: &[u8]) -> (Self, &[u8]) {
        let mut certificate = Self::default();
        let mut reader = Reader::new(der);
        match reader.expect(UNIVERSAL, SEQUENCE) {
            Ok(element) => {
                certificate.der = element.raw.to_vec();
                let mut trouble = Trouble::default();
                if let Some(inside) = trouble.note(element.sequence()) {
                    certificate.read(inside, &mut trouble);
                }
                certificate.decoding_error = trouble.first;
            }
            Err(error) => {
                certificate.der = der.to_vec();
                certificate.decoding_error = Some(error);
            }
        }
        certificate.unparsed = certificate.decoding_error.map(|error| error.to_string());
        (certificate, reader.rest())
    }

    fn read(&mut self, mut inside: Reader<'_>, trouble: &mut Trouble) {
        if let Some(tbs) = trouble.note(inside.expect(UNIVERSAL, SEQUENCE)) {
            self.tbs = tbs.raw.to_vec();
            if let Some(fields) = trouble.note(tbs.sequence()) {
                self.read_tbs(fields, trouble);
            }
        }
        self.signature_algorithm = trouble.note(AlgorithmIdentifier::read(&mut inside));
        if let Some(bits) = trouble.note(inside.expect(UNIVERSAL, der::BIT_STRING)) {
            self.signature = trouble.note(bits.bit_string()).unwrap_or_default();
        }
        trouble.note(inside.finish());
    }

    fn read_tbs(&mut self, mut fields: Reader<'_>, trouble: &mut Trouble) {
        self.version = trouble.note(read_version(&mut fields)).flatten();
        if let Some(serial) = trouble.note(fields.expect(UNIVERSAL, INTEGER)) {
            match serial.integer() {
                Ok(content) => self.serial = content.to_vec(),
                Err(error) => {
                    self.serial = serial.content.to_vec();
                    trouble.note::<()>(Err(error));
                }
            }
        }
        self.tbs_signature_algorithm = trouble.note_element(&mut fields, AlgorithmIdentifier::read);
        self.issuer = trouble
            .note_element(&mut fields, Name::read)
            .unwrap_or_default();
        if let Some(mut validity) = trouble.note(fields.sequence()) {
            self.not_before = trouble.note_element(&mut validity, Asn1Time::read);
            self.not_after = trouble.note_element(&mut validity, Asn1Time::read);
            trouble.note(validity.finish());
        }
        self.subject = trouble
            .note_element(&mut fields, Name::read)
            .unwrap_or_default();
        self.public_key = trouble.note_element(&mut fields, PublicKey::read);
        for number in [1, 2] {
            if let Some(Some(unique)) = trouble.note(fields.optional(CONTEXT, number)) {
                trouble.note(unique.bit_string());
            }
        }
        let outer = trouble.note(fields.optional(CONTEXT, 3)).flatten();
        let all = outer.and_then(|outer| {
            let mut list = trouble.note(outer.explicit())?;
            let all = trouble.note(Extension::read_all(&mut list))?;
            trouble.note(list.finish_explicit())?;
            Some(all)
        });
        self.extensions = Extensions::new(all.unwrap_or_default(), &self.issuer);
        trouble.note(fields.finish());
    }
}

impl Certificate {
    /// The serial number in hexadecimal as `openssl x509 -serial` prints it, sign included.
    pub fn serial_hex(&self) -> String {
        let (negative, magnitude) = self.serial_magnitude();
        let mut digits = String::with_capacity(2 * magnitude.len());
        for digit in magnitude.iter().flat_map(|octet| [octet >> 4, octet & 15]) {
            digits.push(char::from(match digit {
                0..=9 => b'0' + digit,
                _ => b'A' + digit - 10,
            }));
        }
        match (negative, digits.is_empty()) {
            (_, true) => "00".to_owned(),
            (true, false) => format!("-{digits}"),
            (false, false) => digits,
        }
    }

    /// The serial number in decimal as `pg_stat_ssl` shows it; `None` beyond 64 octets.
    pub fn serial_decimal(&self) -> Option<String> {
        let (negative, magnitude) = self.serial_magnitude();
        if magnitude.len() > 64 {
            return None;
        }
        let mut digits = vec![0_u8];
        for octet in magnitude {
            let mut carry = u32::from(octet);
            for digit in &mut digits {
                carry += u32::from(*digit) * 256;
                *digit = u8::try_from(carry % 10).unwrap_or(0);
                carry /= 10;
            }
            while carry > 0 {
                digits.push(u8::try_from(carry % 10).unwrap_or(0));
                carry /= 10;
            }
        }
        let text: String = digits
            .iter()
            .rev()
            .map(|digit| char::from(b'0' + digit))
            .collect();
        Some(if negative { format!("-{text}") } else { text })
    }

    /// The sign of the serial number and its octets without leading zeros.
    fn serial_magnitude(&self) -> (bool, Vec<u8>) {
        let negative = self.serial.first().is_some_and(|first| first & 0x80 != 0);
        let mut magnitude = self.serial.clone();
        if negative {
            let mut carry = true;
            for octet in magnitude.iter_mut().rev() {
                let (sum, overflow) = (!*octet).overflowing_add(u8::from(carry));
                *octet = sum;
                carry = overflow;
            }
        }
        let zeros = magnitude.iter().take_while(|octet| **octet == 0).count();
        (negative, magnitude.split_off(zeros))
    }

    /// The commonName attributes of the subject in order; libpq takes the bytes of the first.
    pub fn common_names(&self) -> impl Iterator<Item = &Attribute> {
        self.subject.common_names()
    }

    /// The subjectAltName extension.
    pub fn subject_alt_names(&self) -> &Decoded<Vec<GeneralName>> {
        &self.extensions.subject_alt_name
    }

    /// notBefore in Unix seconds, if it has the form that verification accepts (else error 13).
    pub fn not_before_unix(&self) -> Option<i64> {
        self.not_before.as_ref().and_then(Asn1Time::unix)
    }

    /// notAfter in Unix seconds, if it has the form that verification accepts (else error 14).
    pub fn not_after_unix(&self) -> Option<i64> {
        self.not_after.as_ref().and_then(Asn1Time::unix)
    }

    /// Whether a time is so short that OpenSSL 3.5 does not load the certificate, while 3.0 loads
    /// it and finds the field in error only when it verifies.
    pub fn has_short_time(&self) -> bool {
        [&self.not_before, &self.not_after]
            .into_iter()
            .flatten()
            .any(Asn1Time::is_short)
    }

    /// The key usage, if the extension is there and readable.
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.extensions.key_usage.value().copied()
    }

    /// The extended key usages, if the extension is there and readable.
    pub fn extended_key_usage(&self) -> Option<&[Oid]> {
        self.extensions
            .extended_key_usage
            .value()
            .map(Vec::as_slice)
    }

    /// Whether basicConstraints says that it is a CA (`EXFLAG_CA`).
    pub fn is_ca(&self) -> bool {
        self.extensions
            .basic_constraints
            .value()
            .is_some_and(|constraints| constraints.ca)
    }

    /// Whether subject and issuer are the same name to OpenSSL (`EXFLAG_SI`).
    pub fn is_self_issued(&self) -> bool {
        self.subject.matches(&self.issuer)
    }

    /// The name of the signature algorithm, such as `sha256WithRSAEncryption`.
    pub fn signature_algorithm_name(&self) -> String {
        match &self.signature_algorithm {
            Some(identifier) => match identifier.signature().name {
                "unknown" => identifier.oid.to_string(),
                name => name.to_owned(),
            },
            None => "unknown".to_owned(),
        }
    }

    /// The SHA-256 digest of the certificate.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }

    /// The SHA-256 digest of the SubjectPublicKeyInfo.
    pub fn public_key_sha256(&self) -> Option<[u8; 32]> {
        self.public_key
            .as_ref()
            .map(|key| Sha256::digest(&key.der).into())
    }
}

fn read_version(fields: &mut Reader<'_>) -> DerResult<Option<i64>> {
    let Some(outer) = fields.optional(CONTEXT, 0)? else {
        return Ok(Some(1));
    };
    let mut inside = outer.explicit()?;
    let version = inside.integer()?;
    inside.finish_explicit()?;
    Ok(small_integer(version).and_then(|version| version.checked_add(1)))
}

/// Remembers the first thing that was wrong, and lets reading go on.
#[derive(Default)]
struct Trouble {
    first: Option<DerError>,
}

impl Trouble {
    fn note<T>(&mut self, result: DerResult<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.first.get_or_insert(error);
                None
            }
        }
    }

    /// Reads one element; where it is wrong inside, what follows it can still be read.
    fn note_element<'a, T>(
        &mut self,
        reader: &mut Reader<'a>,
        read: impl FnOnce(&mut Reader<'a>) -> DerResult<T>,
    ) -> Option<T> {
        let start = *reader;
        let result = read(reader);
        if result.is_err() {
            *reader = start;
            let _ = reader.element();
        }
        self.note(result)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SerialNumber};

    use super::*;

    fn sample() -> Vec<u8> {
        let mut parameters = CertificateParams::new(vec!["db.example.test".to_owned()]).unwrap();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters
            .distinguished_name
            .push(DnType::CommonName, "db.example.test");
        parameters.serial_number = Some(SerialNumber::from_slice(&[0x7f, 0x01]));
        let key = KeyPair::generate().unwrap();
        parameters.self_signed(&key).unwrap().der().to_vec()
    }

    /// The certificate with the first occurrence of some bytes replaced by as many others.
    fn changed(from: &[u8], to: &[u8]) -> Certificate {
        let mut der = sample();
        let place = der.windows(from.len()).position(|window| window == from);
        let place = place.unwrap();
        der.splice(place..place + from.len(), to.iter().copied());
        Certificate::parse(&der)
    }

    #[test]
    fn an_ordinary_certificate_is_read() {
        let der = sample();
        let certificate = Certificate::parse(&der);
        assert_eq!(certificate.unparsed, None);
        assert_eq!(certificate.version, Some(3));
        assert_eq!(certificate.serial_hex(), "7F01");
        assert_eq!(certificate.serial_decimal().as_deref(), Some("32513"));
        assert_eq!(certificate.subject.to_string(), "CN=db.example.test");
        assert_eq!(
            certificate.subject_alt_names(),
            &Decoded::Present(vec![GeneralName::Dns(b"db.example.test".to_vec())])
        );
        assert_eq!(certificate.signature_algorithm_name(), "ecdsa-with-SHA256");
        assert!(certificate.is_self_issued());
        assert_eq!(certificate.der, der);
        assert_eq!(certificate.public_key.as_ref().unwrap().bits, Some(256));
    }

    #[test]
    fn a_month_that_does_not_exist_leaves_the_rest_readable() {
        // rcgen's default notBefore.
        let certificate = changed(b"750101000000Z", b"751301000000Z");
        assert_eq!(certificate.unparsed, None);
        assert_eq!(certificate.not_before_unix(), None);
        assert!(!certificate.has_short_time());
        assert!(certificate.not_after_unix().is_some());
        assert_eq!(certificate.common_names().count(), 1);
    }

    #[test]
    fn a_string_that_is_no_utf_8_spoils_the_certificate_but_not_its_other_facts() {
        let certificate = changed(b"db.example", b"db\xffexample");
        assert_eq!(certificate.unparsed.as_deref(), Some("invalid utf8string"));
        assert!(certificate.public_key.is_some());
        assert!(certificate.not_after_unix().is_some());
    }

    #[test]
    fn bytes_after_the_certificate_are_an_error_of_tls() {
        let mut der = sample();
        der.push(0);
        let certificate = Certificate::parse(&der);
        assert_eq!(
            certificate.unparsed.as_deref(),
            Some("cert length mismatch")
        );
        assert_eq!(certificate.subject.to_string(), "CN=db.example.test");
    }

    #[test]
    fn serial_numbers_keep_their_sign() {
        for (serial, hex, decimal) in [
            (&[0][..], "00", "0"),
            (&[5], "05", "5"),
            (&[0xfb], "-05", "-5"),
            (&[0x80], "-80", "-128"),
            (&[0, 0x80], "80", "128"),
            (&[0xff, 0x7f], "-81", "-129"),
            (&[1, 0, 0], "010000", "65536"),
        ] {
            let certificate = Certificate::from(Content {
                serial: serial.to_vec(),
                ..Content::default()
            });
            assert_eq!(certificate.serial_hex(), hex);
            assert_eq!(certificate.serial_decimal().as_deref(), Some(decimal));
        }
    }

    #[test]
    fn an_empty_input_is_a_certificate_without_facts() {
        let certificate = Certificate::parse(&[]);
        assert!(certificate.unparsed.is_some());
        assert_eq!(certificate.public_key, None);
        assert!(certificate.subject.is_empty());
    }

    proptest! {
        #[test]
        fn no_change_makes_parsing_panic(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut der = sample();
            for (place, value) in changes {
                let place = place.index(der.len());
                der[place] = value;
            }
            let certificate = Certificate::parse(&der);
            let _ = (certificate.serial_hex(), certificate.subject.to_string());
            let _ = Certificate::parse(&der[..cut.index(der.len())]);
        }
    }
}
