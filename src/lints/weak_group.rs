//! A curve of less than 112 bits of security is taken.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "weak-group",
    severity: Severity::Medium,
    summary: "an elliptic curve below 224 bits is taken",
    citation: "RFC 9325 section 4.5: curves of at least 224 bits; NIST SP 800-52r2 section 3.3.1: \
               at least 112 bits of security",
    explanation: "The old curves of 160 to 193 bits are weaker than any cipher beside them.",
    remedies: &[
        Remedy {
            text: "leave a strong curve, and reload (PostgreSQL 18 takes this name, too)",
            place: FixPlace::PostgresqlConf,
            lines: &["ssl_ecdh_curve = 'prime256v1'"],
        },
        Remedy {
            text: "or several, from PostgreSQL 18 on, and reload",
            place: FixPlace::PostgresqlConf,
            lines: &["ssl_groups = 'X25519:prime256v1'"],
        },
    ],
    advice: &[],
    // No curve of TLS 1.3 is as weak, OpenSSL offers none, and before 18 PostgreSQL has one.
    covers: &[
        "handshake-fails",
        "tls-1-3-missing",
        "post-quantum-group-missing",
    ],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    /// IANA's code points of curves below 224 bits (RFC 8422 section 5.1.1).
    const WEAK: std::ops::RangeInclusive<u16> = 0x0001..=0x0005;
    let weak = |name: &String| {
        let code = name.strip_prefix("0x");
        let code = code.and_then(|code| u16::from_str_radix(code, 16).ok());
        code.is_some_and(|code| WEAK.contains(&code) || (0x000f..=0x0013).contains(&code))
    };
    let versions = &context.enumeration()?.versions;
    let mut groups = versions.iter().flat_map(|version| &version.groups);
    let group = groups.find(|group| weak(group))?;
    Some(format!("the group {group} is taken"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{enumerate, fires, passes};
    use super::*;

    #[test]
    fn fires_below_224_bits_and_not_at_it() {
        fires(&LINT, |host| {
            enumerate(host).versions[3].groups.push("0x0013".into());
        });
        fires(&LINT, |host| {
            enumerate(host).versions[3].groups.push("0x0001".into());
        });
        passes(&LINT, |host| {
            enumerate(host).versions[3].groups.push("0x0014".into());
        });
        passes(&LINT, |host| {
            enumerate(host).versions[3].groups.push("secp224r1".into());
        });
    }
}
