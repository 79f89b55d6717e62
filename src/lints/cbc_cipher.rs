//! A suite in CBC mode is taken.

use super::remedy::STRONG_SUITES;
use super::{Context, Lint};
use crate::report::Severity;

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "cbc-cipher",
    severity: Severity::Info,
    summary: "a suite in CBC mode is taken",
    citation: "RFC 9325 section 4.2: suites with authenticated encryption are recommended; Lucky \
               Thirteen, CVE-2013-0169",
    explanation: "CBC suites authenticate before they encrypt, and every library has to hide the \
                  time that takes. OpenSSL does; there is no need of them since TLS 1.2. \
                  PostgreSQL takes them by default in TLS 1.2.",
    remedies: &[STRONG_SUITES],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let mut versions = context.enumeration()?.versions.iter();
    versions.find_map(|version| {
        let mut suites = version.cipher_suites.iter();
        let cbc = suites.find(|suite| suite.encryption.contains("CBC"))?;
        let name = cbc.openssl.as_deref().unwrap_or(&cbc.name);
        Some(format!("{}: {name}, for one", version.protocol_version))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{enumerate, fires, passes};
    use super::*;
    use crate::report::enumeration::SuiteReport;

    #[test]
    fn fires_on_cbc_and_not_on_gcm() {
        let suite = |encryption: &str| SuiteReport {
            code: "0xc027".into(),
            name: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256".into(),
            openssl: None,
            key_exchange: "ECDHE".into(),
            authentication: "RSA".into(),
            encryption: encryption.into(),
            bits: 128,
            group: None,
            dh_bits: None,
        };
        fires(&LINT, |host| {
            let version = &mut enumerate(host).versions[3];
            version.cipher_suites.push(suite("AES_128_CBC"));
        });
        passes(&LINT, |host| {
            let version = &mut enumerate(host).versions[3];
            version.cipher_suites.push(suite("AES_128_GCM"));
        });
    }
}
