//! Certificate revocation lists, as `d2i_X509_CRL` and `crl_cb` keep them.

use std::sync::Arc;

use super::algorithm::AlgorithmIdentifier;
use super::der::{
    self, BitString, CONTEXT, DerResult, ENUMERATED, GENERALIZED_TIME, INTEGER, Reader, SEQUENCE,
    UNIVERSAL, UTC_TIME, small_integer,
};
use super::distribution_point::{ALL_REASONS, PointName};
use super::extensions::{AuthorityKeyIdentifier, Decoded, Extension};
use super::general_name::GeneralName;
use super::name::Name;
use super::oid;
use super::time::Asn1Time;

/// removeFromCRL (RFC 5280 5.3.1): the entry takes a hold back.
const REMOVE_FROM_CRL: i64 = 8;

/// issuingDistributionPoint (RFC 5280 5.2.5).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct IssuingDistributionPoint {
    pub(crate) name: Option<PointName>,
    pub(crate) only_user: bool,
    pub(crate) only_ca: bool,
    pub(crate) only_attribute: bool,
    pub(crate) some_reasons: bool,
    pub(crate) indirect: bool,
}

impl IssuingDistributionPoint {
    fn decode(value: &[u8], issuer: &Name) -> DerResult<Self> {
        let mut inside = Reader::new(value).sequence()?;
        let name = inside
            .optional(CONTEXT, 0)?
            .map(|element| PointName::read(&element, Some(issuer)))
            .transpose()?;
        let mut flag = |number| -> DerResult<bool> {
            Ok(inside
                .optional(CONTEXT, number)?
                .map(|element| element.boolean())
                .transpose()?
                .unwrap_or(false))
        };
        let only_user = flag(1)?;
        let only_ca = flag(2)?;
        let some_reasons = inside
            .optional(CONTEXT, 3)?
            .map(|element| element.bit_string())
            .transpose()?
            .is_some();
        let mut flag = |number| -> DerResult<bool> {
            Ok(inside
                .optional(CONTEXT, number)?
                .map(|element| element.boolean())
                .transpose()?
                .unwrap_or(false))
        };
        let indirect = flag(4)?;
        let only_attribute = flag(5)?;
        inside.finish()?;
        Ok(Self {
            name,
            only_user,
            only_ca,
            only_attribute,
            some_reasons,
            indirect,
        })
    }

    /// Mirrors `IDP_INVALID`: more than one of the "only" flags.
    pub(crate) fn is_invalid(&self) -> bool {
        [self.only_user, self.only_ca, self.only_attribute]
            .iter()
            .filter(|flag| **flag)
            .count()
            > 1
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Revoked {
    serial: Vec<u8>,
    issuer: Option<Arc<[GeneralName]>>,
    removed: bool,
}

/// What a CRL says of a certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Listed {
    No,
    Revoked,
    Removed,
}

/// A certificate revocation list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Crl {
    /// The encoding.
    pub der: Vec<u8>,
    /// Who issued it.
    pub issuer: Name,
    /// When.
    pub this_update: Asn1Time,
    /// When the next one is due.
    pub next_update: Option<Asn1Time>,
    /// The signed part.
    pub(crate) tbs: Vec<u8>,
    pub(crate) signature_algorithm: AlgorithmIdentifier,
    pub(crate) signature: BitString,
    pub(crate) authority_key_identifier: Option<AuthorityKeyIdentifier>,
    pub(crate) issuing_distribution_point: Option<IssuingDistributionPoint>,
    pub(crate) delta: bool,
    /// Whether there is a critical extension that OpenSSL does not handle.
    pub(crate) critical: bool,
    revoked: Vec<Revoked>,
}

impl Crl {
    /// Reads a CRL at the beginning of the bytes.
    pub fn parse(der: &[u8]) -> DerResult<Self> {
        let element = Reader::new(der).expect(UNIVERSAL, SEQUENCE)?;
        let mut outer = element.sequence()?;
        let tbs = outer.expect(UNIVERSAL, SEQUENCE)?;
        let signature_algorithm = AlgorithmIdentifier::read(&mut outer)?;
        let signature = outer.expect(UNIVERSAL, der::BIT_STRING)?.bit_string()?;
        outer.finish()?;

        let mut fields = tbs.sequence()?;
        if let Some(version) = fields.optional(UNIVERSAL, INTEGER)? {
            version.integer()?;
        }
        AlgorithmIdentifier::read(&mut fields)?;
        let issuer = Name::read(&mut fields)?;
        let this_update = Asn1Time::read(&mut fields)?;
        let next_update = if fields.next_is(UNIVERSAL, UTC_TIME)?
            || fields.next_is(UNIVERSAL, GENERALIZED_TIME)?
        {
            Some(Asn1Time::read(&mut fields)?)
        } else {
            None
        };
        let mut critical = false;
        let revoked = match fields.optional(UNIVERSAL, SEQUENCE)? {
            Some(list) => read_revoked(list.elements(), &mut critical)?,
            None => Vec::new(),
        };
        let extensions = match fields.optional(CONTEXT, 0)? {
            Some(outer) => {
                let mut list = outer.explicit()?;
                let extensions = Extension::read_all(&mut list)?;
                list.finish_explicit()?;
                extensions
            }
            None => Vec::new(),
        };
        fields.finish()?;
        critical |= extensions.iter().any(|extension| {
            extension.critical
                && ![
                    oid::ISSUING_DISTRIBUTION_POINT,
                    oid::AUTHORITY_KEY_IDENTIFIER,
                    oid::DELTA_CRL_INDICATOR,
                ]
                .contains(&extension.oid.content())
        });
        let number = |value: &[u8]| Reader::new(value).integer().map(|_| ());
        Ok(Self {
            der: element.raw.to_vec(),
            this_update,
            next_update,
            tbs: tbs.raw.to_vec(),
            signature_algorithm,
            signature,
            authority_key_identifier: Decoded::find(
                &extensions,
                oid::AUTHORITY_KEY_IDENTIFIER,
                AuthorityKeyIdentifier::decode,
            )
            .value()
            .cloned(),
            issuing_distribution_point: Decoded::find(
                &extensions,
                oid::ISSUING_DISTRIBUTION_POINT,
                |value| IssuingDistributionPoint::decode(value, &issuer),
            )
            .value()
            .cloned(),
            delta: Decoded::find(&extensions, oid::DELTA_CRL_INDICATOR, number)
                .value()
                .is_some(),
            critical,
            revoked,
            issuer,
        })
    }

    /// Whether a certificate of that issuer and serial number is on the list
    /// (`X509_CRL_get0_by_cert`).
    pub(crate) fn lists(&self, issuer: &Name, serial: &[u8]) -> Listed {
        let entry = self.revoked.iter().find(|entry| {
            entry.serial == serial
                && match &entry.issuer {
                    None => issuer.matches(&self.issuer),
                    Some(names) => names.iter().any(
                        |name| matches!(name, GeneralName::Directory(name) if name.matches(issuer)),
                    ),
                }
        });
        match entry {
            None => Listed::No,
            Some(entry) if entry.removed => Listed::Removed,
            Some(_) => Listed::Revoked,
        }
    }

    /// The reasons it covers, as OpenSSL's bits: always all, as partial lists are not used.
    pub(crate) const fn reasons(&self) -> u16 {
        ALL_REASONS
    }
}

/// Mirrors `crl_set_issuers`: a certificateIssuer holds for the entries that follow it too.
fn read_revoked(mut list: Reader<'_>, critical: &mut bool) -> DerResult<Vec<Revoked>> {
    let mut entries = Vec::new();
    let mut issuer: Option<Arc<[GeneralName]>> = None;
    while !list.is_empty() {
        let mut entry = list.sequence()?;
        let serial = entry.integer()?.to_vec();
        Asn1Time::read(&mut entry)?;
        let extensions = if entry.is_empty() {
            Vec::new()
        } else {
            Extension::read_all(&mut entry)?
        };
        entry.finish()?;
        if let Decoded::Present(names) = Decoded::find(
            &extensions,
            oid::CERTIFICATE_ISSUER,
            GeneralName::read_sequence,
        ) {
            issuer = Some(names.into());
        }
        let reason = Decoded::find(&extensions, oid::CRL_REASON, |value| {
            Reader::new(value)
                .expect(UNIVERSAL, ENUMERATED)?
                .integer()
                .map(small_integer)
        });
        *critical |= extensions
            .iter()
            .any(|extension| extension.critical && !extension.oid.is(oid::CERTIFICATE_ISSUER));
        entries.push(Revoked {
            serial,
            issuer: issuer.clone(),
            removed: matches!(reason, Decoded::Present(Some(REMOVE_FROM_CRL))),
        });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{
        BasicConstraints, CertificateParams, CertificateRevocationListParams, IsCa, Issuer,
        KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams, SerialNumber,
        date_time_ymd,
    };

    use super::*;

    fn sample() -> Vec<u8> {
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::CrlSign];
        let issuer = Issuer::new(ca, KeyPair::generate().unwrap());
        let entry = |serial: u8, reason| RevokedCertParams {
            serial_number: SerialNumber::from_slice(&[serial]),
            revocation_time: date_time_ymd(2024, 1, 1),
            reason_code: reason,
            invalidity_date: None,
        };
        CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 1),
            next_update: date_time_ymd(2034, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: vec![
                entry(5, None),
                entry(6, Some(RevocationReason::RemoveFromCrl)),
            ],
            key_identifier_method: KeyIdMethod::Sha256,
        }
        .signed_by(&issuer)
        .unwrap()
        .der()
        .to_vec()
    }

    #[test]
    fn entries_are_found_by_issuer_and_serial_number() {
        let crl = Crl::parse(&sample()).unwrap();
        let issuer = crl.issuer.clone();
        assert_eq!(crl.lists(&issuer, &[5]), Listed::Revoked);
        assert_eq!(crl.lists(&issuer, &[6]), Listed::Removed);
        assert_eq!(crl.lists(&issuer, &[7]), Listed::No);
        assert_eq!(crl.lists(&Name::default(), &[5]), Listed::No);
        assert_eq!(crl.this_update.unix(), Some(1_704_067_200));
        assert!(crl.next_update.is_some());
        assert!(!crl.critical && !crl.delta);
    }

    #[test]
    fn at_most_one_limit_of_scope_makes_sense() {
        for (flags, invalid) in [
            (&[][..], false),
            (&[1], false),
            (&[1, 2], true),
            (&[2, 5], true),
        ] {
            let content: Vec<u8> = flags
                .iter()
                .flat_map(|number| der::encode(0x80 | number, &[0xff]))
                .collect();
            let value = der::encode(0x30, &content);
            let point = IssuingDistributionPoint::decode(&value, &Name::default()).unwrap();
            assert_eq!(point.is_invalid(), invalid, "{flags:?}");
        }
    }

    proptest! {
        #[test]
        fn no_change_makes_parsing_panic(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        ) {
            let mut der = sample();
            for (place, value) in changes {
                let place = place.index(der.len());
                der[place] = value;
            }
            let _ = Crl::parse(&der);
        }
    }
}
