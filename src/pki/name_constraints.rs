//! Name constraints as OpenSSL applies them (`v3_ncons.c`): criticality does not matter, and the
//! common name counts where there is no dNSName and it looks like one.

use super::certificate::Certificate;
use super::der::{IA5_STRING, UTF8_STRING};
use super::extensions::{NameConstraints, Subtree};
use super::general_name::GeneralName;
use super::name::{Name, string_text};
use super::oid;
use super::verify_error::{
    EXCLUDED_VIOLATION, PERMITTED_VIOLATION, SUBTREE_MINMAX, UNSPECIFIED,
    UNSUPPORTED_CONSTRAINT_TYPE, UNSUPPORTED_NAME_SYNTAX,
};

/// OpenSSL gives up on more comparisons than this (`NAME_CHECK_MAX`).
const MAX_COMPARISONS: usize = 1 << 20;

/// The error, an `X509_V_ERR` number.
type Checked = Result<(), i32>;

/// How the comparisons of OpenSSL's releases differ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comparison {
    /// OpenSSL 3: a minimum of zero is as good as none, and otherName is told apart by type.
    pub(crate) modern: bool,
}

impl NameConstraints {
    /// Mirrors `NAME_CONSTRAINTS_check`.
    pub(crate) fn check(&self, certificate: &Certificate, how: Comparison) -> Checked {
        let alternatives = certificate
            .extensions
            .subject_alt_name
            .value()
            .map_or(&[][..], Vec::as_slice);
        let names = certificate.subject.attributes.len() + alternatives.len();
        let constraints = self.permitted.len() + self.excluded.len();
        if names > 0 && constraints > MAX_COMPARISONS / names {
            return Err(UNSPECIFIED);
        }
        if !certificate.subject.is_empty() {
            self.check_name(&Presented::Directory(&certificate.subject), how)?;
            for email in certificate.subject.attributes_of(oid::EMAIL_ADDRESS) {
                if email.tag != IA5_STRING {
                    return Err(UNSUPPORTED_NAME_SYNTAX);
                }
                self.check_name(&Presented::Email(&email.value), how)?;
            }
        }
        alternatives
            .iter()
            .try_for_each(|name| self.check_name(&Presented::from(name), how))
    }

    /// Mirrors `NAME_CONSTRAINTS_check_CN`.
    pub(crate) fn check_common_names(&self, certificate: &Certificate, how: Comparison) -> Checked {
        for common_name in certificate.common_names() {
            // Types that ASN1_STRING_to_UTF8 does not know are taken byte for byte.
            let text = string_text(common_name.tag, &common_name.value);
            let octets = text
                .as_deref()
                .map_or(common_name.value.as_slice(), str::as_bytes);
            if let Some(host) = as_dns_name(octets)? {
                self.check_name(&Presented::Dns(host), how)?;
            }
        }
        Ok(())
    }

    /// Mirrors `nc_match`.
    fn check_name(&self, name: &Presented<'_>, how: Comparison) -> Checked {
        let mut permitted = None;
        for subtree in &self.permitted {
            if !name.is_of_kind(&subtree.base, how) {
                continue;
            }
            check_bounds(subtree, how)?;
            if permitted != Some(true) {
                permitted = Some(name.within(&subtree.base)?);
            }
        }
        if permitted == Some(false) {
            return Err(PERMITTED_VIOLATION);
        }
        for subtree in &self.excluded {
            if !name.is_of_kind(&subtree.base, how) {
                continue;
            }
            check_bounds(subtree, how)?;
            if name.within(&subtree.base)? {
                return Err(EXCLUDED_VIOLATION);
            }
        }
        Ok(())
    }
}

fn check_bounds(subtree: &Subtree, how: Comparison) -> Checked {
    let minimum_fits = match &subtree.minimum {
        None => true,
        Some(content) => how.modern && content.iter().all(|octet| *octet == 0),
    };
    if minimum_fits && !subtree.maximum {
        Ok(())
    } else {
        Err(SUBTREE_MINMAX)
    }
}

/// A name of the certificate, from whichever place.
enum Presented<'a> {
    Dns(&'a [u8]),
    Email(&'a [u8]),
    Uri(&'a [u8]),
    Ip(&'a [u8]),
    Directory(&'a Name),
    Other(&'a GeneralName),
}

impl<'a> From<&'a GeneralName> for Presented<'a> {
    fn from(name: &'a GeneralName) -> Self {
        match name {
            GeneralName::Dns(value) => Self::Dns(value),
            GeneralName::Email(value) => Self::Email(value),
            GeneralName::Uri(value) => Self::Uri(value),
            GeneralName::Ip(value) => Self::Ip(value),
            GeneralName::Directory(name) => Self::Directory(name),
            GeneralName::Other { .. }
            | GeneralName::X400(_)
            | GeneralName::EdiParty(_)
            | GeneralName::RegisteredId(_) => Self::Other(name),
        }
    }
}

impl Presented<'_> {
    /// Whether the subtree speaks about this kind of name.
    fn is_of_kind(&self, base: &GeneralName, how: Comparison) -> bool {
        match (self, base) {
            (Self::Dns(_), GeneralName::Dns(_))
            | (Self::Email(_), GeneralName::Email(_))
            | (Self::Uri(_), GeneralName::Uri(_))
            | (Self::Ip(_), GeneralName::Ip(_))
            | (Self::Directory(_), GeneralName::Directory(_)) => true,
            (Self::Other(GeneralName::Other { oid, .. }), base) if how.modern => {
                if oid.is(oid::SMTP_UTF8_MAILBOX) {
                    matches!(base, GeneralName::Email(_))
                } else {
                    matches!(base, GeneralName::Other { oid: other, .. } if oid == other)
                }
            }
            (Self::Other(name), base) => {
                std::mem::discriminant(*name) == std::mem::discriminant(base)
            }
            _ => false,
        }
    }

    /// Mirrors `nc_match_single`: in the subtree or not, or an error.
    fn within(&self, base: &GeneralName) -> Result<bool, i32> {
        match (self, base) {
            (Self::Dns(name), GeneralName::Dns(base)) => Ok(dns_within(name, base)),
            (Self::Email(name), GeneralName::Email(base)) => email_within(name, base),
            (Self::Uri(name), GeneralName::Uri(base)) => uri_within(name, base),
            (Self::Ip(name), GeneralName::Ip(base)) => ip_within(name, base),
            (Self::Directory(name), GeneralName::Directory(base)) => {
                Ok(name.canonical().starts_with(base.canonical()))
            }
            (Self::Other(GeneralName::Other { tag, value, .. }), GeneralName::Email(base)) => {
                mailbox_within(*tag, value, base)
            }
            _ => Err(UNSUPPORTED_CONSTRAINT_TYPE),
        }
    }
}

/// Whether `name` ends in `tail`, letters of ASCII folded.
fn ends_with_folded(name: &[u8], tail: &[u8]) -> bool {
    name.len() >= tail.len() && name[name.len() - tail.len()..].eq_ignore_ascii_case(tail)
}

/// Mirrors `nc_dns`.
fn dns_within(name: &[u8], base: &[u8]) -> bool {
    let Some(first) = base.first() else {
        return true;
    };
    if name.len() < base.len() {
        return false;
    }
    if name.len() > base.len() && *first != b'.' && name[name.len() - base.len() - 1] != b'.' {
        return false;
    }
    ends_with_folded(name, base)
}

fn last_at(address: &[u8]) -> Option<usize> {
    address.iter().rposition(|octet| *octet == b'@')
}

/// Mirrors `nc_email`.
fn email_within(name: &[u8], base: &[u8]) -> Result<bool, i32> {
    let at = last_at(name).ok_or(UNSUPPORTED_NAME_SYNTAX)?;
    let base_at = last_at(base);
    if base_at.is_none() && base.first() == Some(&b'.') {
        return Ok(name.len() > base.len() && ends_with_folded(name, base));
    }
    let mut host = base;
    if let Some(base_at) = base_at {
        if base_at != 0 {
            if base_at != at {
                return Ok(false);
            }
            let (mine, theirs) = (&name[..at], &base[..base_at]);
            if mine.contains(&0) || theirs.contains(&0) {
                return Err(UNSUPPORTED_NAME_SYNTAX);
            }
            if mine != theirs {
                return Ok(false);
            }
        }
        host = &base[base_at + 1..];
    }
    Ok(name[at + 1..].eq_ignore_ascii_case(host))
}

/// Mirrors `nc_email_eai` for hosts without international labels; with them (RFC 8398) the error
/// stands for a decoder that is not rebuilt here.
fn mailbox_within(tag: u32, value: &[u8], base: &[u8]) -> Result<bool, i32> {
    if base.contains(&0) || tag != UTF8_STRING {
        return Err(UNSUPPORTED_NAME_SYNTAX);
    }
    let at = last_at(value).ok_or(UNSUPPORTED_NAME_SYNTAX)?;
    if base.first() == Some(&b'.') {
        return Ok(value.len() > base.len() && ends_with_folded(value, base));
    }
    Ok(value[at + 1..].eq_ignore_ascii_case(base))
}

/// Mirrors `nc_uri`.
fn uri_within(name: &[u8], base: &[u8]) -> Result<bool, i32> {
    let scheme = name
        .iter()
        .position(|octet| *octet == b':')
        .ok_or(UNSUPPORTED_NAME_SYNTAX)?;
    let rest = name[scheme..]
        .strip_prefix(b"://")
        .ok_or(UNSUPPORTED_NAME_SYNTAX)?;
    let end = rest
        .iter()
        .position(|octet| *octet == b':')
        .or_else(|| rest.iter().position(|octet| *octet == b'/'))
        .unwrap_or(rest.len());
    let host = &rest[..end];
    if host.is_empty() {
        return Err(UNSUPPORTED_NAME_SYNTAX);
    }
    if base.first() == Some(&b'.') {
        return Ok(host.len() > base.len() && ends_with_folded(host, base));
    }
    Ok(host.eq_ignore_ascii_case(base))
}

/// Mirrors `nc_ip`.
fn ip_within(name: &[u8], base: &[u8]) -> Result<bool, i32> {
    if !matches!(name.len(), 4 | 16) || !matches!(base.len(), 8 | 32) {
        return Err(UNSUPPORTED_NAME_SYNTAX);
    }
    if name.len() * 2 != base.len() {
        return Ok(false);
    }
    let (network, mask) = base.split_at(name.len());
    Ok(name
        .iter()
        .zip(network)
        .zip(mask)
        .all(|((name, network), mask)| name & mask == network & mask))
}

/// Mirrors `cn2dnsid`: the common name, if it could be a host name of two labels or more.
fn as_dns_name(octets: &[u8]) -> Result<Option<&[u8]>, i32> {
    let end = octets
        .iter()
        .rposition(|octet| *octet != 0)
        .map_or(0, |last| last + 1);
    let name = &octets[..end];
    if name.contains(&0) {
        return Err(UNSUPPORTED_NAME_SYNTAX);
    }
    let mut dotted = false;
    for (index, octet) in name.iter().enumerate() {
        if octet.is_ascii_alphanumeric() || *octet == b'_' {
            continue;
        }
        if index == 0 || index + 1 >= name.len() {
            return Ok(None);
        }
        let (before, after) = (name[index - 1], name[index + 1]);
        match octet {
            b'-' => {}
            b'.' if after != b'.' && before != b'-' && after != b'-' => dotted = true,
            _ => return Ok(None),
        }
    }
    Ok(dotted.then_some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dns_names_are_within_by_labels() {
        for (name, base, within) in [
            ("db.example.test", "example.test", true),
            ("DB.EXAMPLE.TEST", "example.test", true),
            ("example.test", "example.test", true),
            ("badexample.test", "example.test", false),
            ("db.example.test", ".example.test", true),
            ("example.test", ".example.test", false),
            ("*.example.test", "example.test", true),
            ("anything", "", true),
            ("test", "example.test", false),
        ] {
            let found = dns_within(name.as_bytes(), base.as_bytes());
            assert_eq!(found, within, "{name} in {base}");
        }
    }

    #[test]
    fn addresses_are_within_by_mask() {
        let inside = ip_within(&[10, 1, 2, 3], &[10, 0, 0, 0, 255, 0, 0, 0]);
        assert_eq!(inside, Ok(true));
        assert_eq!(
            ip_within(&[11, 1, 2, 3], &[10, 0, 0, 0, 255, 0, 0, 0]),
            Ok(false)
        );
        assert_eq!(ip_within(&[0; 16], &[0; 8]), Ok(false));
        assert_eq!(ip_within(&[0; 5], &[0; 8]), Err(UNSUPPORTED_NAME_SYNTAX));
    }

    #[test]
    fn mail_and_uri_constraints_follow_rfc_5280() {
        for (name, base, within) in [
            ("a@example.test", "example.test", Ok(true)),
            ("a@db.example.test", "example.test", Ok(false)),
            ("a@db.example.test", ".example.test", Ok(true)),
            ("a@example.test", "a@EXAMPLE.test", Ok(true)),
            ("A@example.test", "a@example.test", Ok(false)),
            ("a@example.test", "@example.test", Ok(true)),
            ("nobody", "example.test", Err(UNSUPPORTED_NAME_SYNTAX)),
        ] {
            assert_eq!(
                email_within(name.as_bytes(), base.as_bytes()),
                within,
                "{name}"
            );
        }
        for (name, base, within) in [
            ("https://example.test/x", "example.test", Ok(true)),
            ("https://example.test:443/", "example.test", Ok(true)),
            ("https://db.example.test", ".example.test", Ok(true)),
            ("https://example.test", ".example.test", Ok(false)),
            ("https:///x", "example.test", Err(UNSUPPORTED_NAME_SYNTAX)),
            ("mailto:x", "example.test", Err(UNSUPPORTED_NAME_SYNTAX)),
            ("", "", Err(UNSUPPORTED_NAME_SYNTAX)),
        ] {
            assert_eq!(
                uri_within(name.as_bytes(), base.as_bytes()),
                within,
                "{name}"
            );
        }
    }

    #[test]
    fn a_common_name_is_a_host_from_two_labels_on() {
        for (text, host) in [
            ("db.example.test", true),
            ("db_1.test", true),
            ("localhost", false),
            ("db..test", false),
            ("-db.test", false),
            ("db.test-", false),
            ("db-.test", false),
            ("db.test.", false),
            ("data base.test", false),
            ("", false),
        ] {
            assert_eq!(
                as_dns_name(text.as_bytes()).unwrap().is_some(),
                host,
                "{text}"
            );
        }
        assert_eq!(as_dns_name(b"a.b\0\0"), Ok(Some(&b"a.b"[..])));
        assert_eq!(as_dns_name(b"a.b\0c"), Err(UNSUPPORTED_NAME_SYNTAX));
    }
}
