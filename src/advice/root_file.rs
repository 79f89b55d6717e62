//! The root certificate file: missing, unusable, or there without being meant.

use super::{Situation, advice, anchors, fix, paste};
use crate::client::FileFact;
use crate::emulates::Libpq;
use crate::libpq::error::ErrorCode;
use crate::libpq::parameters::{Origin, RootCertificates, SslMode};
use crate::report::{Advice, AdviceKind, Anchors, ChainStatus, FixPlace, TlsAnswer, Verifies};

pub(super) fn advise(situation: &Situation<'_>) -> Vec<Advice> {
    [missing(situation), unreadable(situation), system(situation)]
        .into_iter()
        .flatten()
        .collect()
}

fn missing(situation: &Situation<'_>) -> Option<Advice> {
    let modes = situation.failing(ErrorCode::RootCertMissing);
    if modes.is_empty() {
        return None;
    }
    let mut why = match situation.parameters.sslrootcert() {
        RootCertificates::File(path) => {
            if path == "system" && situation.emulates.libpq < Libpq::V16 {
                "sslrootcert=system is a file name for libpq 15, and there is no such file; only \
                 libpq 16 and newer take it for the system's store"
                    .to_owned()
            } else {
                format!("root certificate file \"{path}\" does not exist")
            }
        }
        _ if situation.client.shared.is_some() => {
            "no sslrootcert was given, and for many targets no home directory is looked into for \
             .postgresql/root.crt"
                .to_owned()
        }
        _ => "there is no home directory to look for .postgresql/root.crt in".to_owned(),
    };
    if let Some(leaf) = situation.leaf()
        && leaf.is_self_issued()
    {
        why += "; the server's certificate signed itself";
    } else if let Some(ca) = anchors::missing_ca(situation) {
        why += &format!("; the server's certificate leads to the CA {}", ca.text());
    }
    let fixes = anchors::fixes(situation);
    Some(advice(AdviceKind::RootFileMissing, modes, why, fixes))
}

fn unreadable(situation: &Situation<'_>) -> Option<Advice> {
    let modes = situation.failing(ErrorCode::RootCertUnreadable);
    let path = situation.root_path()?;
    if modes.is_empty() {
        return None;
    }
    let why = format!(
        "{}; a root file that exists and cannot be used stops TLS in every mode, and prefer goes \
         on in plaintext",
        situation.message(&modes)
    );
    let quoted = paste::shell(&path);
    let fixes = match situation.client.file(&path) {
        FileFact::Unreadable { .. } => vec![fix(
            FixPlace::ClientShell,
            "let your user read it (certificates are no secret)",
            quoted.map(|path| format!("chmod a+r {path}")),
        )],
        FileFact::Present { bytes, .. } if bytes.0.first() == Some(&0x30) => vec![fix(
            FixPlace::ClientShell,
            "it looks like DER; libpq reads PEM",
            quoted.map(|path| {
                format!(
                    "openssl x509 -inform DER -in {path} -out {path}.pem && mv {path}.pem {path}"
                )
            }),
        )],
        _ => vec![fix(
            FixPlace::ClientShell,
            format!("put the CA's certificate in PEM (BEGIN CERTIFICATE) into \"{path}\""),
            [],
        )],
    };
    Some(advice(AdviceKind::RootFileUnreadable, modes, why, fixes))
}

/// sslrootcert=system where the system's store does not have the root.
fn system(situation: &Situation<'_>) -> Option<Advice> {
    if situation.anchors != Some(Anchors::System) {
        return None;
    }
    let report = situation.chain_report(Anchors::System);
    let modes = situation.failing(ErrorCode::CertUntrusted);
    let store = |status| report.is_some_and(|report| report.status == status);
    let (file, directories) = situation.parameters.system_store();
    let places = [file]
        .into_iter()
        .chain(directories.iter().map(String::as_str))
        .filter(|place| !place.is_empty())
        .collect::<Vec<_>>()
        .join(", ");
    let (why, fixes) = if store(ChainStatus::Absent) {
        let ca = anchors::missing_ca(situation).map_or_else(String::new, |ca| {
            format!("; the server's certificate leads to the CA {}", ca.text())
        });
        (
            format!(
                "sslrootcert=system: there is no store where this libpq's OpenSSL looks \
                 ({places}); with other builds it is elsewhere{ca}"
            ),
            anchors::fixes(situation),
        )
    } else if store(ChainStatus::Failed) && !modes.is_empty() {
        // What is wrong with the chain, another rule tells.
        (
            format!(
                "sslrootcert=system: the store ({places}) does not verify this chain; other \
                 builds of libpq may look elsewhere, SSL_CERT_FILE and SSL_CERT_DIR decide"
            ),
            Vec::new(),
        )
    } else {
        return None;
    };
    Some(advice(AdviceKind::SystemRoots, modes, why, fixes))
}

/// A root file that makes weaker modes verify, most often without anybody's having meant it.
pub(super) fn verifies_all(situation: &Situation<'_>) -> Vec<Advice> {
    let path = situation.root_path();
    let Some(path) = path.filter(|_| situation.anchors == Some(Anchors::RootFile)) else {
        return Vec::new();
    };
    let origin = situation.parameters.origin("sslrootcert");
    let by_default = origin.is_none_or(|origin| origin == Origin::Default);
    let modes = situation.modes(|verdict| {
        verdict.verifies == Verifies::Chain
            && (SslMode::Allow..SslMode::VerifyCa).contains(&verdict.mode)
            && verdict.tls != TlsAnswer::NotUsed
    });
    let stops = situation
        .failing(ErrorCode::CertUntrusted)
        .contains(&SslMode::Require);
    if modes.is_empty() || !(by_default || stops) {
        return Vec::new();
    }
    let because = if by_default {
        format!("\"{path}\" exists, and is read without being asked for")
    } else {
        format!("sslrootcert names \"{path}\"")
    };
    let fixes = situation
        .strongest()
        .filter(|mode| *mode > SslMode::Require);
    vec![advice(
        AdviceKind::RequireVerifiesChain,
        modes,
        format!(
            "{because}: require behaves as verify-ca here, and allow and prefer verify too \
             whenever they use TLS; where that file is missing, none of them verifies anything"
        ),
        fixes
            .map(|mode| {
                fix(
                    FixPlace::ConnectionString,
                    "say what is meant, so that it does not depend on a file",
                    paste::connection(
                        situation,
                        &[("sslmode", mode.name()), ("sslrootcert", &path)],
                    ),
                )
            })
            .into_iter()
            .collect(),
    )]
}
