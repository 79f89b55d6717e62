//! Whether a server serves the certificate of a file: a renewal that nobody reloaded shows here.

use super::certificate::hex;
use super::rfc3339;
use crate::client::ExpectedFile;
use crate::pki::Certificate;
use crate::pki::general_name::GeneralName;
use crate::report::{CertificateIdentity, ExpectedCertificate, ExpectedVerdict};

/// Compares the file with the chain that is served, leaf first; `None` if the file holds nothing.
pub(super) fn compare(file: &ExpectedFile, served: &[Certificate]) -> Option<ExpectedCertificate> {
    let expected: Vec<Certificate> = file
        .certificates
        .iter()
        .map(|der| Certificate::parse(&der.0))
        .collect();
    let first = expected.first()?;
    let leaf = served.first();
    Some(ExpectedCertificate {
        file: file.path.clone(),
        verdict: leaf.map_or(ExpectedVerdict::NotSeen, |leaf| {
            verdict(leaf, served, first, &expected)
        }),
        same_key: leaf.map(|leaf| same_key(leaf, first)),
        expected: identity(first),
        served: leaf.map(identity),
    })
}

fn verdict(
    leaf: &Certificate,
    served: &[Certificate],
    first: &Certificate,
    expected: &[Certificate],
) -> ExpectedVerdict {
    if leaf.der == first.der {
        // OpenSSL sends what stands in ssl_cert_file; where that is the leaf alone, it may add
        // issuers from ssl_ca_file, so what is sent beside the file's says nothing.
        let sent = |wanted: &Certificate| served.iter().any(|other| other.der == wanted.der);
        return if expected.iter().all(sent) {
            ExpectedVerdict::Same
        } else {
            ExpectedVerdict::OtherChain
        };
    }
    if !is_kin(leaf, first) {
        return ExpectedVerdict::Other;
    }
    let age = |one: &Certificate| (one.not_before_unix(), one.not_after_unix());
    match age(first).cmp(&age(leaf)) {
        _ if age(first).0.is_none() || age(leaf).0.is_none() => ExpectedVerdict::Other,
        std::cmp::Ordering::Greater => ExpectedVerdict::RenewedNotReloaded,
        std::cmp::Ordering::Less => ExpectedVerdict::FileIsOlder,
        std::cmp::Ordering::Equal => ExpectedVerdict::Other,
    }
}

/// Whether one can be a renewal of the other: a subject, a name or the key in common.
fn is_kin(one: &Certificate, other: &Certificate) -> bool {
    let same_subject = !one.subject.der.is_empty()
        && one.common_names().next().is_some()
        && one.subject.matches(&other.subject);
    let names = |certificate: &Certificate| -> Vec<GeneralName> {
        let all = certificate.subject_alt_names().value();
        all.cloned().unwrap_or_default()
    };
    let others = names(other);
    same_subject || same_key(one, other) || names(one).iter().any(|name| others.contains(name))
}

fn same_key(one: &Certificate, other: &Certificate) -> bool {
    let key = one.public_key_sha256();
    key.is_some() && key == other.public_key_sha256()
}

fn identity(certificate: &Certificate) -> CertificateIdentity {
    CertificateIdentity {
        subject: certificate.subject.to_string(),
        serial: certificate.serial_hex(),
        not_before: certificate.not_before_unix().and_then(rfc3339),
        not_after: certificate.not_after_unix().and_then(rfc3339),
        sha256: hex(&certificate.sha256()),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    use super::*;
    use crate::client::Bytes;

    fn certificate(name: &str, year: i32, key: &KeyPair) -> Vec<u8> {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = date_time_ymd(year, 1, 1);
        params.not_after = date_time_ymd(year + 1, 1, 1);
        params.self_signed(key).unwrap().der().to_vec()
    }

    fn verdict_of(file: &[&Vec<u8>], served: &[&Vec<u8>]) -> (ExpectedVerdict, Option<bool>) {
        let file = ExpectedFile {
            path: "server.crt".into(),
            certificates: file.iter().map(|der| Bytes((*der).clone())).collect(),
        };
        let served: Vec<_> = served.iter().map(|der| Certificate::parse(der)).collect();
        let compared = compare(&file, &served).unwrap();
        (compared.verdict, compared.same_key)
    }

    #[test]
    fn what_is_served_and_what_is_on_disk_are_told_apart() {
        let [key, new_key] = [(); 2].map(|()| KeyPair::generate().unwrap());
        let old = &certificate("db.example.com", 2026, &key);
        let same_key = &certificate("db.example.com", 2027, &key);
        let renewed = &certificate("db.example.com", 2027, &new_key);
        let renamed = &certificate("pg.example.com", 2027, &key);
        let twin = &certificate("db.example.com", 2026, &new_key);
        let other = &certificate("web.example.com", 2027, &new_key);
        let ca = &certificate("ca", 2020, &new_key);
        for (file, served, verdict, key) in [
            (&[old][..], &[old][..], ExpectedVerdict::Same, Some(true)),
            (&[old], &[old, ca], ExpectedVerdict::Same, Some(true)),
            (&[old, ca], &[old, ca], ExpectedVerdict::Same, Some(true)),
            (&[old, ca], &[old], ExpectedVerdict::OtherChain, Some(true)),
            (
                &[same_key],
                &[old],
                ExpectedVerdict::RenewedNotReloaded,
                Some(true),
            ),
            (
                &[renewed],
                &[old],
                ExpectedVerdict::RenewedNotReloaded,
                Some(false),
            ),
            (
                &[renamed],
                &[old],
                ExpectedVerdict::RenewedNotReloaded,
                Some(true),
            ),
            (
                &[old],
                &[renewed],
                ExpectedVerdict::FileIsOlder,
                Some(false),
            ),
            (&[twin], &[old], ExpectedVerdict::Other, Some(false)),
            (&[other], &[old], ExpectedVerdict::Other, Some(false)),
            (&[old], &[], ExpectedVerdict::NotSeen, None),
        ] {
            assert_eq!(verdict_of(file, served), (verdict, key));
        }
    }
}
