//! Revocation lists: what they revoke, and what is wrong with them.

use super::{Situation, advice, fix, paste};
use crate::libpq::error::ErrorCode;
use crate::libpq::parameters::Origin;
use crate::pki::verify_error as error;
use crate::report::{Advice, AdviceKind, FixPlace};

pub(super) fn advise(situation: &Situation<'_>) -> Vec<Advice> {
    one(situation).into_iter().collect()
}

fn one(situation: &Situation<'_>) -> Option<Advice> {
    let modes = situation.failing(ErrorCode::CertUntrusted);
    let report = situation.libpq_chain()?;
    let code = report.error.filter(|_| !modes.is_empty())?;
    let subject = report.path.get(report.depth?).cloned().unwrap_or_default();
    let said = report.message.as_deref().unwrap_or_default();
    let (file, directory) = (
        situation.parameters.sslcrl(),
        situation.parameters.sslcrldir(),
    );
    let place = [file.as_deref(), directory.as_deref()]
        .into_iter()
        .flatten()
        .map(|path| format!("\"{path}\""))
        .collect::<Vec<_>>()
        .join(" and ");
    let by_default = !matches!(
        situation.parameters.origin("sslcrl"),
        Some(Origin::Option | Origin::Target | Origin::ServiceFile | Origin::Environment)
    ) && directory.is_none();
    let read = if by_default {
        format!("{place} exists, and is read without being asked for")
    } else {
        format!("the lists come from {place}")
    };
    if code == error::CERT_REVOKED {
        return Some(advice(
            AdviceKind::CertificateRevoked,
            modes,
            format!("{said}: a list revokes \"{subject}\"; {read}"),
            vec![fix(
                FixPlace::ServerShell,
                "give the server another key and certificate, and reload; its old key may be in \
                 other hands",
                [],
            )],
        ));
    }
    let what = match code {
        error::UNABLE_TO_GET_CRL => format!(
            "there is no list of the issuer of \"{subject}\"; once one list is loaded, OpenSSL \
             wants one of every CA in the chain"
        ),
        error::CRL_HAS_EXPIRED => "the list is past its nextUpdate".to_owned(),
        error::CRL_NOT_YET_VALID => "the list is not valid yet".to_owned(),
        error::CRL_SIGNATURE_FAILURE
        | error::UNABLE_TO_GET_CRL_ISSUER
        | error::KEYUSAGE_NO_CRL_SIGN
        | error::UNHANDLED_CRITICAL_CRL_EXTENSION
        | error::DIFFERENT_CRL_SCOPE
        | error::CRL_PATH_VALIDATION_ERROR
        | error::ERROR_IN_CRL_LAST_UPDATE_FIELD
        | error::ERROR_IN_CRL_NEXT_UPDATE_FIELD => "the list cannot be used".to_owned(),
        _ => return None,
    };
    // In a directory OpenSSL finds lists by the hash of their issuer alone.
    let rehash = directory.as_deref().and_then(paste::shell);
    let mut fixes = vec![fix(
        FixPlace::ClientShell,
        match &directory {
            Some(_) => {
                format!("put the current list of each CA of the chain into {place}, and name it")
            }
            None => format!("put the current list of each CA of the chain into {place}"),
        },
        rehash.map(|directory| format!("openssl rehash {directory}")),
    )];
    if let (true, Some(path)) = (by_default, &file) {
        fixes.push(fix(
            FixPlace::ClientShell,
            format!(
                "or do without lists, and take revoked certificates for valid: move \"{path}\" away"
            ),
            [],
        ));
    }
    Some(advice(
        AdviceKind::RevocationListUnusable,
        modes,
        format!("{said}: {what}; {read}"),
        fixes,
    ))
}
