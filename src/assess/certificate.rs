//! What a report says of one certificate.

use std::net::{Ipv4Addr, Ipv6Addr};

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::{issuers, rfc3339};
use crate::pki::Certificate;
use crate::pki::extensions::Decoded;
use crate::pki::general_name::GeneralName;
use crate::pki::oid::{Oid, key_purpose_name};
use crate::pki::public_key::{KeyKind, PublicKey};
use crate::report::{CertificateReport, ComparedNames, Shared};

const DAY: i64 = 86_400;

pub(super) fn report(certificate: &Certificate, now: i64) -> Shared<CertificateReport> {
    let days_left = certificate
        .not_after_unix()
        .map(|end| end.saturating_sub(now).div_euclid(DAY));
    issuers::report(certificate, days_left, || compute(certificate, days_left))
}

fn compute(certificate: &Certificate, days_left: Option<i64>) -> CertificateReport {
    let extensions = &certificate.extensions;
    let constraints = extensions.basic_constraints.value();
    let alt_names = match &extensions.subject_alt_name {
        Decoded::Present(names) => names.iter().map(general_name).collect(),
        Decoded::Absent => Vec::new(),
        Decoded::Undecodable => vec!["<undecodable>".to_owned()],
        Decoded::Duplicate => vec!["<duplicate extension>".to_owned()],
    };
    let key = certificate.public_key.as_ref();
    CertificateReport {
        unparsed: certificate.unparsed.clone(),
        subject: certificate.subject.to_string(),
        issuer: certificate.issuer.to_string(),
        self_signed: is_self_signed(certificate),
        serial: certificate.serial_hex(),
        version: certificate
            .version
            .and_then(|version| u32::try_from(version).ok())
            .unwrap_or_default(),
        subject_alt_names: alt_names,
        common_names: certificate
            .common_names()
            .map(|name| match name.text() {
                Some(text) => text.into_owned(),
                None => String::from_utf8_lossy(&name.value).into_owned(),
            })
            .collect(),
        not_before: certificate.not_before_unix().and_then(rfc3339),
        not_after: certificate.not_after_unix().and_then(rfc3339),
        days_left,
        key_type: key.map_or_else(|| "unknown".into(), key_type),
        key_bits: key
            .and_then(|key| key.bits)
            .and_then(|bits| u32::try_from(bits).ok()),
        signature_algorithm: certificate.signature_algorithm_name(),
        ca: constraints.map(|constraints| constraints.ca),
        path_length: constraints.and_then(|constraints| constraints.path_length),
        key_usage: certificate
            .key_usage()
            .map(|usage| usage.names().into_iter().map(str::to_owned).collect()),
        extended_key_usage: certificate
            .extended_key_usage()
            .map(|purposes| purposes.iter().map(purpose).collect()),
        subject_key_identifier: extensions
            .subject_key_identifier
            .value()
            .map(|bytes| hex(bytes)),
        authority_key_identifier: extensions
            .authority_key_identifier
            .value()
            .and_then(|identifier| identifier.key_identifier.as_deref())
            .map(hex),
        sha256: hex(&certificate.sha256()),
        spki_sha256: certificate
            .public_key_sha256()
            .map(|hash| hex(&hash))
            .unwrap_or_default(),
        der: BASE64_STANDARD.encode(&certificate.der),
        compared: ComparedNames {
            subject: certificate.subject.canonical().to_vec(),
            issuer: certificate.issuer.canonical().to_vec(),
        },
    }
}

/// Whether the certificate's own key signed it.
fn is_self_signed(certificate: &Certificate) -> bool {
    let (Some(algorithm), Some(key)) = (&certificate.signature_algorithm, &certificate.public_key)
    else {
        return false;
    };
    certificate.is_self_issued()
        && crate::pki::signature::verify(&certificate.tbs, &certificate.signature, algorithm, key)
            .is_ok()
}

fn purpose(oid: &Oid) -> String {
    key_purpose_name(oid).map_or_else(|| oid.to_string(), str::to_owned)
}

fn key_type(key: &PublicKey) -> String {
    match &key.kind {
        KeyKind::Rsa => "RSA".into(),
        KeyKind::RsaPss(_) => "RSA-PSS".into(),
        KeyKind::Ec(Some(curve)) => format!("EC {curve}"),
        KeyKind::Ec(None) => "EC (unknown curve)".into(),
        KeyKind::EcExplicit => "EC (explicit parameters)".into(),
        KeyKind::Ed25519 => "Ed25519".into(),
        KeyKind::Ed448 => "Ed448".into(),
        KeyKind::Dsa => "DSA".into(),
        KeyKind::MlDsa(name) => (*name).into(),
        KeyKind::Other(oid) => oid.to_string(),
    }
}

fn general_name(name: &GeneralName) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match name {
        GeneralName::Dns(name) => format!("DNS:{}", text(name)),
        GeneralName::Ip(bytes) => format!("IP:{}", ip(bytes)),
        GeneralName::Email(name) => format!("email:{}", text(name)),
        GeneralName::Uri(name) => format!("URI:{}", text(name)),
        GeneralName::Directory(name) => format!("dirName:{name}"),
        GeneralName::RegisteredId(oid) => format!("registeredID:{oid}"),
        GeneralName::Other { oid, .. } => format!("otherName:{oid}"),
        GeneralName::X400(_) => "x400Address".into(),
        GeneralName::EdiParty(_) => "ediPartyName".into(),
    }
}

fn ip(bytes: &[u8]) -> String {
    if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        Ipv4Addr::from(octets).to_string()
    } else if let Ok(octets) = <[u8; 16]>::try_from(bytes) {
        Ipv6Addr::from(octets).to_string()
    } else {
        format!("<{} bytes> {}", bytes.len(), hex(bytes))
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| {
        char::from(if half < 10 {
            b'0' + half
        } else {
            b'a' + half - 10
        })
    };
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}
