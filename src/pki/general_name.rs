//! GeneralName (RFC 5280 4.2.1.6) in the order of the certificate.

use super::der::{CONTEXT, DerError, DerResult, Element, Reader, SEQUENCE, UNIVERSAL};
use super::name::Name;
use super::oid::Oid;

/// One GeneralName. Strings are the raw contents: OpenSSL checks no character of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum GeneralName {
    /// otherName: its type and value (tag and contents).
    Other {
        /// The type-id.
        oid: Oid,
        /// The tag of the value.
        tag: u32,
        /// The contents of the value.
        value: Vec<u8>,
    },
    /// rfc822Name.
    Email(Vec<u8>),
    /// dNSName.
    Dns(Vec<u8>),
    /// x400Address, undecoded.
    X400(Vec<u8>),
    /// directoryName.
    Directory(Name),
    /// ediPartyName, undecoded.
    EdiParty(Vec<u8>),
    /// uniformResourceIdentifier.
    Uri(Vec<u8>),
    /// iPAddress, of any length.
    Ip(Vec<u8>),
    /// registeredID.
    RegisteredId(Oid),
}

impl GeneralName {
    /// Reads the next element as a GeneralName.
    pub(crate) fn read(reader: &mut Reader<'_>) -> DerResult<Self> {
        let element = reader.element()?;
        if element.class != CONTEXT {
            return Err(DerError("no matching choice type"));
        }
        Ok(match element.tag {
            0 => {
                let mut other = element.sequence()?;
                let oid = Oid::from_content(other.object_identifier()?);
                let mut inside = other.expect(CONTEXT, 0)?.explicit()?;
                let value = inside.element()?;
                inside.finish()?;
                other.finish()?;
                Self::Other {
                    oid,
                    tag: value.tag,
                    value: value.any()?.into_owned(),
                }
            }
            1 => Self::Email(element.string()?.into_owned()),
            2 => Self::Dns(element.string()?.into_owned()),
            3 => {
                element.sequence()?;
                Self::X400(element.raw.to_vec())
            }
            4 => {
                let mut inside = element.explicit()?;
                let name = Name::read(&mut inside)?;
                inside.finish()?;
                Self::Directory(name)
            }
            5 => {
                check_edi_party(&element)?;
                Self::EdiParty(element.raw.to_vec())
            }
            6 => Self::Uri(element.string()?.into_owned()),
            7 => Self::Ip(element.string()?.into_owned()),
            8 => Self::RegisteredId(Oid::from_content(element.object_identifier()?)),
            _ => return Err(DerError("no matching choice type")),
        })
    }

    /// Reads GeneralNames that `reader` is over the contents of.
    pub(crate) fn read_all(mut reader: Reader<'_>) -> DerResult<Vec<Self>> {
        let mut names = Vec::new();
        while !reader.is_empty() {
            names.push(Self::read(&mut reader)?);
        }
        Ok(names)
    }

    /// Reads GeneralNames as an extension's value; what follows the SEQUENCE is ignored.
    pub(crate) fn read_sequence(value: &[u8]) -> DerResult<Vec<Self>> {
        Self::read_all(Reader::new(value).expect(UNIVERSAL, SEQUENCE)?.elements())
    }

    /// The first directoryName of a list, the one that OpenSSL looks at.
    pub(crate) fn first_directory(names: &[Self]) -> Option<&Name> {
        names.iter().find_map(|name| match name {
            Self::Directory(name) => Some(name),
            _ => None,
        })
    }

    /// Mirrors `GENERAL_NAME_cmp` being zero.
    pub(crate) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Directory(a), Self::Directory(b)) => a.matches(b),
            _ => self == other,
        }
    }
}

fn check_edi_party(element: &Element<'_>) -> DerResult<()> {
    let mut party = element.sequence()?;
    if let Some(assigner) = party.optional(CONTEXT, 0)? {
        assigner.explicit()?.element()?;
    }
    party.expect(CONTEXT, 1)?.explicit()?.element()?;
    party.finish()
}
