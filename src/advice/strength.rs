//! Keys and digests below the TLS library's security level.

use super::{Situation, advice, fix};
use crate::emulates::OpenSsl;
use crate::libpq::error::ErrorCode;
use crate::pki::verify_error as error;
use crate::report::{Advice, AdviceKind, CertificateReport, FixPlace};

pub(super) fn advise(situation: &Situation<'_>) -> Vec<Advice> {
    one(situation).into_iter().collect()
}

fn one(situation: &Situation<'_>) -> Option<Advice> {
    let modes = situation.failing(ErrorCode::CertUntrusted);
    let report = situation.libpq_chain()?;
    let code = report.error.filter(|_| !modes.is_empty())?;
    let (openssl, level) = (
        situation.emulates.openssl,
        situation.emulates.openssl.security_level(),
    );
    let depth = report.depth?;
    let subject = report.path.get(depth).cloned().unwrap_or_default();
    let sent = situation.host.certificates.iter();
    let certificate = sent
        .clone()
        .find(|certificate| certificate.subject == subject);
    let key = |certificate: &CertificateReport| {
        let bits = certificate.key_bits.map(|bits| format!(" {bits}"));
        format!("{}{}", certificate.key_type, bits.unwrap_or_default())
    };
    let said = report.message.as_deref().unwrap_or_default();
    let elsewhere = match openssl {
        OpenSsl::V3Level2 => "; a libpq whose OpenSSL is at level 1 may take it",
        OpenSsl::V3Level1 | OpenSsl::V111 => "",
    };
    let name = openssl.name();
    match code {
        error::EE_KEY_TOO_SMALL | error::CA_KEY_TOO_SMALL => Some(advice(
            AdviceKind::KeyTooWeak,
            modes,
            format!(
                "{said}: \"{subject}\" has {}; OpenSSL {name} (security level {level}) wants RSA \
                 of {} bits or more{elsewhere}",
                certificate.map_or_else(|| "a small key".to_owned(), |one| key(one)),
                if level >= 2 { 2048 } else { 1024 },
            ),
            vec![fix(
                FixPlace::ServerShell,
                "make a new key beside the one in use and have a certificate issued for it; then put \
                 both in their places together, and reload",
                (depth == 0).then(|| {
                    "openssl req -new -newkey rsa:3072 -nodes -keyout server-new.key -out \
                     server-new.csr"
                        .to_owned()
                }),
            )],
        )),
        error::CA_MD_TOO_WEAK => Some(advice(
            AdviceKind::DigestTooWeak,
            modes,
            format!(
                "{said}: \"{subject}\" is signed with {}; OpenSSL {name} (security level {level}) \
                 wants SHA-256 or better",
                certificate.map_or("a weak digest", |one| one.signature_algorithm.as_str()),
            ),
            vec![fix(
                FixPlace::Elsewhere,
                "have the certificate signed again, with SHA-256 (openssl x509 -req -sha256 ...)",
                [],
            )],
        )),
        _ => None,
    }
}
