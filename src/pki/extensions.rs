//! Certificate extensions as OpenSSL caches them (`ossl_x509v3_cache_extensions`).

use super::der::{
    BIT_STRING, BOOLEAN, CONTEXT, DerResult, INTEGER, OCTET_STRING, Reader, SEQUENCE, UNIVERSAL,
    small_integer,
};
use super::distribution_point::DistributionPoint;
use super::general_name::GeneralName;
use super::name::Name;
use super::oid::{self, Oid};
use super::release::Release;

/// One extension as encoded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Extension {
    /// Which one.
    pub oid: Oid,
    /// Whether it is marked critical.
    pub critical: bool,
    /// The contents of the OCTET STRING.
    pub value: Vec<u8>,
}

impl Extension {
    /// Reads the contents of an explicit `[0]` or `[3]`: a SEQUENCE OF Extension.
    pub(crate) fn read_all(outer: &mut Reader<'_>) -> DerResult<Vec<Self>> {
        let mut extensions = Vec::new();
        let mut list = outer.expect(UNIVERSAL, SEQUENCE)?.elements();
        while !list.is_empty() {
            extensions.push(Self::read(&mut list)?);
        }
        Ok(extensions)
    }

    fn read(reader: &mut Reader<'_>) -> DerResult<Self> {
        let mut inside = reader.sequence()?;
        let oid = Oid::from_content(inside.object_identifier()?);
        let critical = inside
            .optional(UNIVERSAL, BOOLEAN)?
            .map(|element| element.boolean())
            .transpose()?
            .unwrap_or(false);
        let value = inside
            .expect(UNIVERSAL, OCTET_STRING)?
            .string()?
            .into_owned();
        inside.finish()?;
        Ok(Self {
            oid,
            critical,
            value,
        })
    }
}

/// What became of an extension.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Decoded<T> {
    /// Not there.
    #[default]
    Absent,
    /// There once, and readable; bytes after the value are not looked at.
    Present(T),
    /// There once, and not readable: OpenSSL calls the certificate invalid.
    Undecodable,
    /// There more than once: OpenSSL calls the certificate invalid.
    Duplicate,
}

impl<T> Decoded<T> {
    /// The value, where there is one.
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::Present(value) => Some(value),
            Self::Absent | Self::Undecodable | Self::Duplicate => None,
        }
    }

    /// Whether the extension makes the certificate invalid (`EXFLAG_INVALID`).
    pub const fn is_broken(&self) -> bool {
        matches!(self, Self::Undecodable | Self::Duplicate)
    }

    /// Decodes the extension with these contents octets; mirrors `X509V3_get_d2i`.
    pub(crate) fn find(
        extensions: &[Extension],
        content: &[u8],
        decode: impl FnOnce(&[u8]) -> DerResult<T>,
    ) -> Self {
        let mut found = extensions
            .iter()
            .filter(|extension| extension.oid.is(content));
        match (found.next(), found.next()) {
            (None, _) => Self::Absent,
            (Some(_), Some(_)) => Self::Duplicate,
            (Some(extension), None) => match decode(&extension.value) {
                Ok(value) => Self::Present(value),
                Err(_) => Self::Undecodable,
            },
        }
    }
}

/// basicConstraints.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BasicConstraints {
    /// cA.
    pub ca: bool,
    /// pathLenConstraint, where it is a number that OpenSSL can hold.
    pub path_length: Option<i64>,
    /// Whether pathLenConstraint is negative, which makes the certificate invalid.
    pub negative_path_length: bool,
}

/// keyUsage, by OpenSSL's bits.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct KeyUsage(pub u16);

impl KeyUsage {
    /// digitalSignature.
    pub const DIGITAL_SIGNATURE: u16 = 0x80;
    /// nonRepudiation.
    pub const NON_REPUDIATION: u16 = 0x40;
    /// keyEncipherment.
    pub const KEY_ENCIPHERMENT: u16 = 0x20;
    /// dataEncipherment.
    pub const DATA_ENCIPHERMENT: u16 = 0x10;
    /// keyAgreement.
    pub const KEY_AGREEMENT: u16 = 0x08;
    /// keyCertSign.
    pub const KEY_CERT_SIGN: u16 = 0x04;
    /// cRLSign.
    pub const CRL_SIGN: u16 = 0x02;
    /// encipherOnly.
    pub const ENCIPHER_ONLY: u16 = 0x01;
    /// decipherOnly.
    pub const DECIPHER_ONLY: u16 = 0x8000;

    /// Whether any of the bits is set.
    pub const fn allows(self, bits: u16) -> bool {
        self.0 & bits != 0
    }

    /// The names of the bits that are set, in RFC 5280's order.
    pub fn names(self) -> Vec<&'static str> {
        [
            (Self::DIGITAL_SIGNATURE, "digitalSignature"),
            (Self::NON_REPUDIATION, "nonRepudiation"),
            (Self::KEY_ENCIPHERMENT, "keyEncipherment"),
            (Self::DATA_ENCIPHERMENT, "dataEncipherment"),
            (Self::KEY_AGREEMENT, "keyAgreement"),
            (Self::KEY_CERT_SIGN, "keyCertSign"),
            (Self::CRL_SIGN, "cRLSign"),
            (Self::ENCIPHER_ONLY, "encipherOnly"),
            (Self::DECIPHER_ONLY, "decipherOnly"),
        ]
        .into_iter()
        .filter(|(bit, _)| self.allows(*bit))
        .map(|(_, name)| name)
        .collect()
    }
}

/// authorityKeyIdentifier.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AuthorityKeyIdentifier {
    /// keyIdentifier.
    pub key_identifier: Option<Vec<u8>>,
    /// authorityCertIssuer.
    pub issuer: Option<Vec<GeneralName>>,
    /// authorityCertSerialNumber, as INTEGER contents.
    pub serial: Option<Vec<u8>>,
}

impl AuthorityKeyIdentifier {
    /// Decodes the extension's value.
    pub(crate) fn decode(value: &[u8]) -> DerResult<Self> {
        let mut inside = Reader::new(value).sequence()?;
        let key_identifier = inside
            .optional(CONTEXT, 0)?
            .map(|element| element.string().map(std::borrow::Cow::into_owned))
            .transpose()?;
        let issuer = inside
            .optional(CONTEXT, 1)?
            .map(|element| GeneralName::read_all(element.elements()))
            .transpose()?;
        let serial = inside
            .optional(CONTEXT, 2)?
            .map(|element| element.integer().map(<[u8]>::to_vec))
            .transpose()?;
        inside.finish()?;
        Ok(Self {
            key_identifier,
            issuer,
            serial,
        })
    }
}

/// One GeneralSubtree of nameConstraints.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Subtree {
    /// The base.
    pub base: GeneralName,
    /// minimum, as INTEGER contents.
    pub minimum: Option<Vec<u8>>,
    /// Whether there is a maximum.
    pub maximum: bool,
}

/// nameConstraints.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NameConstraints {
    /// permittedSubtrees.
    pub permitted: Vec<Subtree>,
    /// excludedSubtrees.
    pub excluded: Vec<Subtree>,
}

impl NameConstraints {
    /// Decodes the extension's value.
    pub(crate) fn decode(value: &[u8]) -> DerResult<Self> {
        let mut inside = Reader::new(value).sequence()?;
        let mut subtrees = |number| -> DerResult<Vec<Subtree>> {
            let Some(element) = inside.optional(CONTEXT, number)? else {
                return Ok(Vec::new());
            };
            let mut list = element.elements();
            let mut subtrees = Vec::new();
            while !list.is_empty() {
                let mut subtree = list.sequence()?;
                let base = GeneralName::read(&mut subtree)?;
                let minimum = subtree
                    .optional(CONTEXT, 0)?
                    .map(|element| element.integer().map(<[u8]>::to_vec))
                    .transpose()?;
                let maximum = subtree
                    .optional(CONTEXT, 1)?
                    .map(|element| element.integer())
                    .transpose()?
                    .is_some();
                subtree.finish()?;
                subtrees.push(Subtree {
                    base,
                    minimum,
                    maximum,
                });
            }
            Ok(subtrees)
        };
        let permitted = subtrees(0)?;
        let excluded = subtrees(1)?;
        inside.finish()?;
        Ok(Self {
            permitted,
            excluded,
        })
    }
}

/// The extensions that chain verification looks at.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Extensions {
    /// All of them, in order.
    pub all: Vec<Extension>,
    /// basicConstraints.
    pub basic_constraints: Decoded<BasicConstraints>,
    /// keyUsage.
    pub key_usage: Decoded<KeyUsage>,
    /// extendedKeyUsage.
    pub extended_key_usage: Decoded<Vec<Oid>>,
    /// The Netscape certificate type: its first octet.
    pub netscape_cert_type: Decoded<u8>,
    /// subjectKeyIdentifier.
    pub subject_key_identifier: Decoded<Vec<u8>>,
    /// authorityKeyIdentifier.
    pub authority_key_identifier: Decoded<AuthorityKeyIdentifier>,
    /// subjectAltName.
    pub subject_alt_name: Decoded<Vec<GeneralName>>,
    /// nameConstraints.
    pub name_constraints: Decoded<NameConstraints>,
    /// cRLDistributionPoints.
    pub crl_distribution_points: Decoded<Vec<DistributionPoint>>,
    /// proxyCertInfo; its contents do not matter as libpq takes no proxy certificate.
    pub proxy_cert_info: Decoded<()>,
    /// Whether there are RFC 3779 resources, which are not checked here.
    pub resources: bool,
}

impl Extensions {
    /// Decodes what verification needs; `issuer` is the certificate's.
    pub(crate) fn new(all: Vec<Extension>, issuer: &Name) -> Self {
        let has = |content: &[u8]| all.iter().any(|extension| extension.oid.is(content));
        Self {
            basic_constraints: Decoded::find(&all, oid::BASIC_CONSTRAINTS, basic_constraints),
            key_usage: Decoded::find(&all, oid::KEY_USAGE, |value| {
                let bits = Reader::new(value).expect(UNIVERSAL, BIT_STRING)?;
                Ok(KeyUsage(bits.bit_string()?.flags()))
            }),
            extended_key_usage: Decoded::find(&all, oid::EXTENDED_KEY_USAGE, |value| {
                let mut list = Reader::new(value).expect(UNIVERSAL, SEQUENCE)?.elements();
                let mut purposes = Vec::new();
                while !list.is_empty() {
                    purposes.push(Oid::from_content(list.object_identifier()?));
                }
                Ok(purposes)
            }),
            netscape_cert_type: Decoded::find(&all, oid::NETSCAPE_CERT_TYPE, |value| {
                let bits = Reader::new(value).expect(UNIVERSAL, BIT_STRING)?;
                Ok(bits.bit_string()?.octets.first().copied().unwrap_or(0))
            }),
            subject_key_identifier: Decoded::find(&all, oid::SUBJECT_KEY_IDENTIFIER, |value| {
                let octets = Reader::new(value).expect(UNIVERSAL, OCTET_STRING)?;
                Ok(octets.string()?.into_owned())
            }),
            authority_key_identifier: Decoded::find(
                &all,
                oid::AUTHORITY_KEY_IDENTIFIER,
                AuthorityKeyIdentifier::decode,
            ),
            subject_alt_name: Decoded::find(
                &all,
                oid::SUBJECT_ALT_NAME,
                GeneralName::read_sequence,
            ),
            name_constraints: Decoded::find(&all, oid::NAME_CONSTRAINTS, NameConstraints::decode),
            crl_distribution_points: Decoded::find(&all, oid::CRL_DISTRIBUTION_POINTS, |value| {
                DistributionPoint::read_all(value, issuer)
            }),
            proxy_cert_info: Decoded::find(&all, oid::PROXY_CERT_INFO, proxy_cert_info),
            resources: has(oid::SBGP_IP_ADDRESS_BLOCK) || has(oid::SBGP_AUTONOMOUS_SYSTEM),
            all,
        }
    }

    /// Whether there is an extension with these contents octets.
    pub(crate) fn has(&self, content: &[u8]) -> bool {
        self.all.iter().any(|extension| extension.oid.is(content))
    }

    /// Mirrors `EXFLAG_INVALID` as far as verification heeds it: 1.1.1 did not at first.
    pub(crate) fn is_invalid(&self, release: Release) -> bool {
        if release == Release::First111 {
            return false;
        }
        let modern = release.is_v3();
        let ca = self
            .basic_constraints
            .value()
            .is_some_and(|constraints| constraints.ca);
        let path_length = self.basic_constraints.value().is_some_and(|constraints| {
            constraints.negative_path_length
                || (!modern
                    && !constraints.ca
                    && constraints.path_length.is_some_and(|length| length != 0))
        });
        let proxy = self.proxy_cert_info.value().is_some()
            && (ca || self.has(oid::SUBJECT_ALT_NAME) || self.has(oid::ISSUER_ALT_NAME));
        let empty_usage = modern && self.key_usage.value().is_some_and(|usage| usage.0 == 0);
        path_length
            || proxy
            || empty_usage
            || self.basic_constraints.is_broken()
            || self.key_usage.is_broken()
            || self.extended_key_usage.is_broken()
            || self.netscape_cert_type.is_broken()
            || self.subject_key_identifier.is_broken()
            || self.authority_key_identifier.is_broken()
            || self.subject_alt_name.is_broken()
            || self.name_constraints.is_broken()
            || self.crl_distribution_points.is_broken()
            || self.proxy_cert_info.is_broken()
    }

    /// The critical extensions that OpenSSL does not know how to handle, in order
    /// (`X509_supported_extension`); `modern`: OpenSSL 3.
    pub fn unhandled_critical(&self, modern: bool) -> impl Iterator<Item = &Oid> {
        self.all
            .iter()
            .filter(|extension| extension.critical)
            .map(|extension| &extension.oid)
            .filter(move |oid| {
                !(SUPPORTED.contains(&oid.content()) || modern && oid.is(oid::OCSP_NO_CHECK))
            })
    }
}

const SUPPORTED: &[&[u8]] = &[
    oid::NETSCAPE_CERT_TYPE,
    oid::KEY_USAGE,
    oid::SUBJECT_ALT_NAME,
    oid::BASIC_CONSTRAINTS,
    oid::CERTIFICATE_POLICIES,
    oid::CRL_DISTRIBUTION_POINTS,
    oid::EXTENDED_KEY_USAGE,
    oid::SBGP_IP_ADDRESS_BLOCK,
    oid::SBGP_AUTONOMOUS_SYSTEM,
    oid::POLICY_CONSTRAINTS,
    oid::PROXY_CERT_INFO,
    oid::NAME_CONSTRAINTS,
    oid::POLICY_MAPPINGS,
    oid::INHIBIT_ANY_POLICY,
];

fn basic_constraints(value: &[u8]) -> DerResult<BasicConstraints> {
    let mut inside = Reader::new(value).sequence()?;
    let ca = inside
        .optional(UNIVERSAL, BOOLEAN)?
        .map(|element| element.boolean())
        .transpose()?
        .unwrap_or(false);
    let length = inside
        .optional(UNIVERSAL, INTEGER)?
        .map(|element| element.integer())
        .transpose()?;
    inside.finish()?;
    let negative =
        length.is_some_and(|content| content.first().is_some_and(|first| first & 0x80 != 0));
    Ok(BasicConstraints {
        ca,
        path_length: length.filter(|_| !negative).and_then(small_integer),
        negative_path_length: negative,
    })
}

fn proxy_cert_info(value: &[u8]) -> DerResult<()> {
    let mut inside = Reader::new(value).sequence()?;
    if let Some(length) = inside.optional(UNIVERSAL, INTEGER)? {
        length.integer()?;
    }
    let mut policy = inside.sequence()?;
    policy.object_identifier()?;
    if let Some(text) = policy.optional(UNIVERSAL, OCTET_STRING)? {
        text.string()?;
    }
    policy.finish()?;
    inside.finish()
}
