//! Object identifiers: the dotted text and the short names that OpenSSL prints.

use std::fmt;

use smallvec::SmallVec;

/// An OBJECT IDENTIFIER, kept as its contents octets.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Oid(SmallVec<[u8; 16]>);

impl Oid {
    /// From contents octets that a [`super::der::Reader`] has checked.
    pub fn from_content(content: &[u8]) -> Self {
        Self(SmallVec::from_slice(content))
    }

    /// The contents octets.
    pub fn content(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is the object identifier with these contents octets.
    pub fn is(&self, content: &[u8]) -> bool {
        self.0.as_slice() == content
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        let mut rest = self.0.as_slice();
        while !rest.is_empty() {
            let end = rest
                .iter()
                .position(|octet| octet & 0x80 == 0)
                .map_or(rest.len(), |position| position + 1);
            let (arc, after) = rest.split_at(end);
            rest = after;
            // An arc beyond 126 bits is hostile; its digits do not matter to anybody.
            let Some(value) = (arc.len() <= 18).then(|| {
                arc.iter().fold(0_u128, |value, octet| {
                    (value << 7) | u128::from(octet & 0x7f)
                })
            }) else {
                write!(formatter, "{}?", if first { "" } else { "." })?;
                first = false;
                continue;
            };
            if first {
                let top = (value / 40).min(2);
                write!(formatter, "{top}.{}", value - top * 40)?;
                first = false;
            } else {
                write!(formatter, ".{value}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Oid({self})")
    }
}

macro_rules! oids {
    ($($(#[$doc:meta])* $name:ident = $content:expr;)*) => {
        $($(#[$doc])* pub(crate) const $name: &[u8] = &$content;)*
    };
}

oids! {
    COMMON_NAME = [0x55, 4, 3];
    EMAIL_ADDRESS = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1];

    SUBJECT_KEY_IDENTIFIER = [0x55, 0x1d, 14];
    KEY_USAGE = [0x55, 0x1d, 15];
    SUBJECT_ALT_NAME = [0x55, 0x1d, 17];
    ISSUER_ALT_NAME = [0x55, 0x1d, 18];
    BASIC_CONSTRAINTS = [0x55, 0x1d, 19];
    CRL_REASON = [0x55, 0x1d, 21];
    DELTA_CRL_INDICATOR = [0x55, 0x1d, 27];
    ISSUING_DISTRIBUTION_POINT = [0x55, 0x1d, 28];
    CERTIFICATE_ISSUER = [0x55, 0x1d, 29];
    NAME_CONSTRAINTS = [0x55, 0x1d, 30];
    CRL_DISTRIBUTION_POINTS = [0x55, 0x1d, 31];
    CERTIFICATE_POLICIES = [0x55, 0x1d, 32];
    POLICY_MAPPINGS = [0x55, 0x1d, 33];
    AUTHORITY_KEY_IDENTIFIER = [0x55, 0x1d, 35];
    POLICY_CONSTRAINTS = [0x55, 0x1d, 36];
    EXTENDED_KEY_USAGE = [0x55, 0x1d, 37];
    INHIBIT_ANY_POLICY = [0x55, 0x1d, 54];
    NETSCAPE_CERT_TYPE = [0x60, 0x86, 0x48, 1, 0x86, 0xf8, 0x42, 1, 1];
    SBGP_IP_ADDRESS_BLOCK = [0x2b, 6, 1, 5, 5, 7, 1, 7];
    SBGP_AUTONOMOUS_SYSTEM = [0x2b, 6, 1, 5, 5, 7, 1, 8];
    PROXY_CERT_INFO = [0x2b, 6, 1, 5, 5, 7, 1, 14];
    OCSP_NO_CHECK = [0x2b, 6, 1, 5, 5, 7, 48, 1, 5];

    ANY_EXTENDED_KEY_USAGE = [0x55, 0x1d, 37, 0];
    SERVER_AUTH = [0x2b, 6, 1, 5, 5, 7, 3, 1];
    NETSCAPE_SGC = [0x60, 0x86, 0x48, 1, 0x86, 0xf8, 0x42, 4, 1];
    MICROSOFT_SGC = [0x2b, 6, 1, 4, 1, 0x82, 0x37, 10, 3, 3];
    SMTP_UTF8_MAILBOX = [0x2b, 6, 1, 5, 5, 7, 8, 9];

    RSA_ENCRYPTION = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    RSASSA_PSS = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
    MGF1 = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8];
    EC_PUBLIC_KEY = [0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    ED25519 = [0x2b, 101, 112];
    ED448 = [0x2b, 101, 113];
    DSA = [0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1];
    ML_DSA_44 = [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 17];
    ML_DSA_65 = [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 18];
    ML_DSA_87 = [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 19];
}

/// The short name of a name attribute (RFC 4514 table and what OpenSSL prints beyond it).
pub fn attribute_name(oid: &Oid) -> Option<&'static str> {
    Some(match oid.content() {
        [0x55, 4, arc] => match arc {
            3 => "CN",
            4 => "SN",
            5 => "serialNumber",
            6 => "C",
            7 => "L",
            8 => "ST",
            9 => "street",
            10 => "O",
            11 => "OU",
            12 => "title",
            13 => "description",
            15 => "businessCategory",
            17 => "postalCode",
            41 => "name",
            42 => "GN",
            43 => "initials",
            44 => "generationQualifier",
            46 => "dnQualifier",
            65 => "pseudonym",
            97 => "organizationIdentifier",
            _ => return None,
        },
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, arc] => match arc {
            1 => "UID",
            25 => "DC",
            _ => return None,
        },
        content if content == EMAIL_ADDRESS => "emailAddress",
        _ => return None,
    })
}

/// The name of an extended key usage, as OpenSSL's short names have it.
pub fn key_purpose_name(oid: &Oid) -> Option<&'static str> {
    Some(match oid.content() {
        [0x2b, 6, 1, 5, 5, 7, 3, arc] => match arc {
            1 => "serverAuth",
            2 => "clientAuth",
            3 => "codeSigning",
            4 => "emailProtection",
            5 => "ipsecEndSystem",
            6 => "ipsecTunnel",
            7 => "ipsecUser",
            8 => "timeStamping",
            9 => "OCSPSigning",
            10 => "DVCS",
            17 => "ipsecIKE",
            _ => return None,
        },
        content if content == ANY_EXTENDED_KEY_USAGE => "anyExtendedKeyUsage",
        content if content == NETSCAPE_SGC => "nsSGC",
        content if content == MICROSOFT_SGC => "msSGC",
        [0x2b, 6, 1, 5, 2, 3, 5] => "pkInitKDC",
        [0x2b, 6, 1, 4, 1, 0x82, 0x37, 20, 2, 2] => "msSmartcardLogin",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dotted_text_is_that_of_openssl() {
        for (content, text) in [
            (COMMON_NAME, "2.5.4.3"),
            (RSA_ENCRYPTION, "1.2.840.113549.1.1.1"),
            (NETSCAPE_SGC, "2.16.840.1.113730.4.1"),
            (&[0x88, 0x37], "2.999"),
            (&[0x27], "0.39"),
        ] {
            assert_eq!(Oid::from_content(content).to_string(), text);
        }
    }

    #[test]
    fn an_endless_arc_is_not_computed() {
        let mut content = vec![0x2a];
        content.extend([0xff; 40]);
        content.push(1);
        assert_eq!(Oid::from_content(&content).to_string(), "1.2.?");
    }

    #[test]
    fn purposes_have_names() {
        assert_eq!(
            key_purpose_name(&Oid::from_content(SERVER_AUTH)),
            Some("serverAuth")
        );
        assert_eq!(key_purpose_name(&Oid::from_content(COMMON_NAME)), None);
    }
}
