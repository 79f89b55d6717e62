//! The chain does not end among the roots: which CA is missing, from where it comes, and whether
//! the server or the client is to have it.

use super::{Situation, advice, anchors, fix};
use crate::libpq::error::ErrorCode;
use crate::libpq::parameters::SslMode;
use crate::pki::{Certificate, path, verify_error};
use crate::report::{Advice, AdviceKind, ChainStatus, FixPlace};

pub(super) fn advise(situation: &Situation<'_>) -> Vec<Advice> {
    let found = [unknown_issuer(situation), not_sent(situation)];
    found.into_iter().flatten().collect()
}

fn unknown_issuer(situation: &Situation<'_>) -> Option<Advice> {
    let report = situation.libpq_chain()?;
    let modes = situation.failing(ErrorCode::CertUntrusted);
    if report.status != ChainStatus::Failed {
        return None;
    }
    let roots = report.source.as_deref().unwrap_or("the roots");
    let code = report.error.unwrap_or_default();
    let ca = anchors::missing_ca(situation)?;
    let said = report.message.as_deref().unwrap_or_default();
    let found = match code {
        verify_error::DEPTH_ZERO_SELF_SIGNED_CERT => advice(
            AdviceKind::SelfSigned,
            modes,
            format!(
                "{said}: the server's certificate {} signed itself and is not in \"{roots}\"",
                ca.text()
            ),
            anchors::fixes(situation),
        ),
        verify_error::SELF_SIGNED_CERT_IN_CHAIN => advice(
            AdviceKind::IssuerUnknown,
            modes,
            format!(
                "{said}: the server sends its root CA {}, which is not in \"{roots}\"",
                ca.text()
            ),
            anchors::fixes(situation),
        ),
        verify_error::UNABLE_TO_GET_ISSUER_CERT
        | verify_error::UNABLE_TO_GET_ISSUER_CERT_LOCALLY
        | verify_error::UNABLE_TO_VERIFY_LEAF_SIGNATURE
        | verify_error::CERT_SIGNATURE_FAILURE => {
            if let Some(namesake) = namesake(situation) {
                return Some(other_key(situation, modes, namesake, roots));
            }
            if code == verify_error::CERT_SIGNATURE_FAILURE {
                return None;
            }
            issuer_missing(situation, modes, &ca, roots, said)
        }
        _ => return None,
    };
    Some(found)
}

/// A certificate of the chain and the root of its issuer's name that has another key.
fn namesake<'a>(situation: &Situation<'a>) -> Option<(&'a Certificate, &'a Certificate)> {
    let store = situation.root_store?;
    let roots = || store.certificates().iter().map(|root| &root.certificate);
    situation.chain.iter().find_map(|sent| {
        let named = |root: &&Certificate| sent.issuer.matches(&root.subject);
        let fits = roots().any(|root| anchors::issued_by(sent, root));
        let namesake = roots().find(named)?;
        (!fits && anchors::other_key(sent, namesake)).then_some((sent, namesake))
    })
}

fn other_key(
    situation: &Situation<'_>,
    modes: Vec<SslMode>,
    (sent, root): (&Certificate, &Certificate),
    roots: &str,
) -> Advice {
    let wanted = sent.extensions.authority_key_identifier.value();
    let wanted = wanted
        .and_then(|identifier| identifier.key_identifier.as_deref())
        .map(super::hex)
        .unwrap_or_default();
    let has = root.extensions.subject_key_identifier.value();
    let has = has.map(|bytes| super::hex(bytes)).unwrap_or_default();
    advice(
        AdviceKind::CaKeyDiffers,
        modes,
        format!(
            "\"{roots}\" has a CA \"{}\", but with another key: {has}, where the server's \
             certificate was signed with {wanted}; the CA was made anew, or is another of that name",
            root.subject
        ),
        anchors::fixes(situation),
    )
}

fn issuer_missing(
    situation: &Situation<'_>,
    modes: Vec<SslMode>,
    ca: &anchors::MissingCa,
    roots: &str,
    said: &str,
) -> Advice {
    // The path went on into the root file and ended at a CA there that is no root.
    let from_file = situation.root_store.and_then(|store| {
        let mut certificates = store.certificates().iter().map(|root| &root.certificate);
        certificates.find(|root| {
            root.issuer.to_string() == ca.subject
                && !root.is_self_issued()
                && !situation.chain.is_empty()
                && situation
                    .chain
                    .iter()
                    .any(|sent| anchors::issued_by(sent, root) || sent.der == root.der)
        })
    });
    if let Some(intermediate) = from_file {
        let leaf = situation
            .leaf()
            .is_some_and(|leaf| leaf.der == intermediate.der);
        let what = if leaf {
            "the server's own certificate"
        } else {
            "the intermediate CA"
        };
        return advice(
            AdviceKind::IntermediateAsRoot,
            modes,
            format!(
                "\"{roots}\" has {what} \"{}\" without the CA above it; OpenSSL wants the path up \
                 to a self-signed root, {}",
                intermediate.subject,
                ca.text()
            ),
            vec![fix(
                FixPlace::ClientShell,
                format!("add the certificate of {} to \"{roots}\"", ca.text()),
                [],
            )],
        );
    }
    let count = situation.chain.len();
    let sends = if count == 1 {
        "the server sends its own certificate alone".to_owned()
    } else {
        format!("the server sends {count} certificates")
    };
    let mut fixes = anchors::fixes(situation);
    fixes.push(fix(
        FixPlace::ServerShell,
        format!(
            "if \"{}\" is an intermediate CA, the server is to send it: append its certificate to \
             the file of ssl_cert_file, after the server's own, and reload",
            ca.subject
        ),
        [],
    ));
    advice(
        AdviceKind::IssuerUnknown,
        modes,
        format!(
            "{said}: {sends}, and the issuer {} is neither sent nor in \"{roots}\"",
            ca.text()
        ),
        fixes,
    )
}

/// The chain verifies because the roots have an intermediate that the server should send.
fn not_sent(situation: &Situation<'_>) -> Option<Advice> {
    let store = situation.root_store?;
    let report = situation.libpq_chain()?;
    if report.status != ChainStatus::Ok {
        return None;
    }
    let mut missing: Vec<&Certificate> = Vec::new();
    let mut top = situation.leaf()?;
    for _ in 0..path::MAX_DEPTH {
        if top.is_self_issued() {
            break;
        }
        let mut sent = situation.chain.iter().skip(1);
        if let Some(next) = sent.find(|sent| anchors::issued_by(top, sent)) {
            top = next;
            continue;
        }
        let mut roots = store.certificates().iter().map(|root| &root.certificate);
        let Some(next) = roots.find(|root| anchors::issued_by(top, root)) else {
            break;
        };
        if !next.is_self_issued() {
            missing.push(next);
        }
        top = next;
    }
    let first = missing.first()?;
    let count = situation.chain.len();
    let names: Vec<String> = missing
        .iter()
        .map(|one| format!("\"{}\"", one.subject))
        .collect();
    Some(advice(
        AdviceKind::ChainIncomplete,
        Vec::new(),
        format!(
            "the server sends {count} of {} certificates below the root; this verifies only \
             because \"{}\" has {}, and fails where the client has the root alone",
            count + missing.len(),
            report.source.as_deref().unwrap_or_default(),
            names.join(" and ")
        ),
        vec![fix(
            FixPlace::ServerShell,
            format!(
                "append the certificate of \"{}\" to the file of ssl_cert_file, after the \
                 server's own, and reload",
                first.subject
            ),
            [],
        )],
    ))
}
