//! CRL distribution points (RFC 5280 4.2.1.13), as far as CRL selection looks at them.

use super::der::{CONTEXT, DerError, DerResult, Element, Reader, SEQUENCE, UNIVERSAL};
use super::general_name::GeneralName;
use super::name::Name;

/// The reasons a CRL can be limited to (`CRLDP_ALL_REASONS`).
pub(crate) const ALL_REASONS: u16 = 0x807f;

/// Where a CRL is published.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PointName {
    /// fullName.
    Full(Vec<GeneralName>),
    /// nameRelativeToCRLIssuer, made absolute.
    Relative(Name),
}

impl PointName {
    /// Reads the contents of the explicit `[0]`; `issuer` is what a relative name continues.
    pub(crate) fn read(outer: &Element<'_>, issuer: Option<&Name>) -> DerResult<Self> {
        let mut inside = outer.explicit()?;
        let element = inside.element()?;
        inside.finish()?;
        match (element.class, element.tag) {
            (CONTEXT, 0) => GeneralName::read_all(element.elements()).map(Self::Full),
            (CONTEXT, 1) => issuer
                .cloned()
                .unwrap_or_default()
                .with_relative(&element)
                .map(Self::Relative),
            _ => Err(DerError("no matching choice type")),
        }
    }

    /// Mirrors `idp_check_dp` for two names.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Relative(a), Self::Relative(b)) => a.matches(b),
            (Self::Relative(name), Self::Full(names))
            | (Self::Full(names), Self::Relative(name)) => names
                .iter()
                .any(|other| matches!(other, GeneralName::Directory(other) if other.matches(name))),
            (Self::Full(a), Self::Full(b)) => {
                a.iter().any(|one| b.iter().any(|other| one.same(other)))
            }
        }
    }
}

/// One DistributionPoint of a certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DistributionPoint {
    /// Where.
    pub name: Option<PointName>,
    /// For which reasons, as OpenSSL's bits.
    pub reasons: u16,
    /// Who signs the CRL, if not the issuer.
    pub crl_issuer: Option<Vec<GeneralName>>,
}

impl DistributionPoint {
    /// Reads the extension; mirrors `setup_crldp` and `setup_dp`.
    pub(crate) fn read_all(value: &[u8], issuer: &Name) -> DerResult<Vec<Self>> {
        let mut points = Vec::new();
        let mut reader = Reader::new(value).expect(UNIVERSAL, SEQUENCE)?.elements();
        while !reader.is_empty() {
            points.push(Self::read(&mut reader, issuer)?);
        }
        Ok(points)
    }

    fn read(reader: &mut Reader<'_>, issuer: &Name) -> DerResult<Self> {
        let mut inside = reader.sequence()?;
        let point = inside.optional(CONTEXT, 0)?;
        let reasons = inside
            .optional(CONTEXT, 1)?
            .map(|element| element.bit_string())
            .transpose()?;
        let crl_issuer = inside
            .optional(CONTEXT, 2)?
            .map(|element| GeneralName::read_all(element.elements()))
            .transpose()?;
        inside.finish()?;
        if point.is_none() && crl_issuer.as_ref().is_none_or(Vec::is_empty) {
            return Err(DerError("invalid distpoint"));
        }
        let base = crl_issuer
            .as_deref()
            .and_then(GeneralName::first_directory)
            .unwrap_or(issuer);
        Ok(Self {
            name: point
                .map(|point| PointName::read(&point, Some(base)))
                .transpose()?,
            reasons: reasons.map_or(ALL_REASONS, |bits| bits.flags() & ALL_REASONS),
            crl_issuer,
        })
    }
}
