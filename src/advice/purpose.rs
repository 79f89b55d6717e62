//! Certificates that are not made for what they are used for, in OpenSSL's eyes.

use super::{Situation, advice, fix};
use crate::libpq::error::ErrorCode;
use crate::pki::verify_error as error;
use crate::report::{Advice, AdviceKind, ChainStatus, FixPlace};

pub(super) fn advise(situation: &Situation<'_>) -> Vec<Advice> {
    one(situation).into_iter().collect()
}

fn one(situation: &Situation<'_>) -> Option<Advice> {
    let modes = situation.failing(ErrorCode::CertUntrusted);
    let report = situation.libpq_chain()?;
    let code = report.error.filter(|_| !modes.is_empty())?;
    if report.status != ChainStatus::Failed {
        return None;
    }
    let depth = report.depth?;
    let (what, text) = match code {
        error::INVALID_PURPOSE if depth == 0 => (
            "its keyUsage or extendedKeyUsage does not allow a TLS server",
            "have it issued with keyUsage digitalSignature,keyEncipherment and extendedKeyUsage \
             serverAuth, or with neither",
        ),
        error::INVALID_PURPOSE
        | error::INVALID_CA
        | error::INVALID_CA_111
        | error::KEYUSAGE_NO_CERTSIGN => (
            "it stands as a CA in the chain and is none: basicConstraints CA:TRUE or keyUsage \
             keyCertSign is missing",
            "have the CA's certificate issued with basicConstraints critical,CA:TRUE and keyUsage \
             keyCertSign,cRLSign",
        ),
        error::PATH_LENGTH_EXCEEDED => (
            "there are more CAs below it than its pathLenConstraint allows",
            "have the certificate issued by a CA higher up, or that CA's with a greater pathlen",
        ),
        error::UNHANDLED_CRITICAL_EXTENSION => (
            "it has a critical extension that OpenSSL does not know",
            "have it issued without that extension",
        ),
        error::PERMITTED_VIOLATION | error::EXCLUDED_VIOLATION => (
            "a name of it lies outside of what its CA may sign",
            "have the certificate issued for a name that the CA's name constraints permit",
        ),
        // Told by the other rules.
        error::DEPTH_ZERO_SELF_SIGNED_CERT
        | error::SELF_SIGNED_CERT_IN_CHAIN
        | error::UNABLE_TO_GET_ISSUER_CERT
        | error::UNABLE_TO_GET_ISSUER_CERT_LOCALLY
        | error::UNABLE_TO_VERIFY_LEAF_SIGNATURE
        | error::CERT_HAS_EXPIRED
        | error::CERT_NOT_YET_VALID
        | error::EE_KEY_TOO_SMALL
        | error::CA_KEY_TOO_SMALL
        | error::CA_MD_TOO_WEAK
        | error::CERT_REVOKED
        | error::UNABLE_TO_GET_CRL
        | error::CRL_HAS_EXPIRED
        | error::CRL_NOT_YET_VALID
        | error::CRL_SIGNATURE_FAILURE
        | error::UNABLE_TO_GET_CRL_ISSUER
        | error::KEYUSAGE_NO_CRL_SIGN
        | error::UNHANDLED_CRITICAL_CRL_EXTENSION
        | error::DIFFERENT_CRL_SCOPE
        | error::CRL_PATH_VALIDATION_ERROR
        | error::ERROR_IN_CRL_LAST_UPDATE_FIELD
        | error::ERROR_IN_CRL_NEXT_UPDATE_FIELD => return None,
        error::CERT_SIGNATURE_FAILURE => (
            "the CA of its issuer's name has not signed it; the root file may have an older or \
             another CA of that name",
            "compare the CA's certificate in the root file with that of whoever issued it",
        ),
        _ => ("OpenSSL does not take it", "have it issued anew"),
    };
    let subject = report.path.get(depth).cloned().unwrap_or_default();
    let said = report.message.as_deref().unwrap_or_default();
    Some(advice(
        AdviceKind::CertificateUnsuitable,
        modes,
        format!("{said}: \"{subject}\" at depth {depth}: {what}"),
        vec![fix(FixPlace::Elsewhere, text, [])],
    ))
}
