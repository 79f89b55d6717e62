//! Certificates out of their time: expired, not yet valid, or renewed and not served yet.

use super::{Situation, advice, fix};
use crate::libpq::error::ErrorCode;
use crate::libpq::parameters::SslMode;
use crate::pki::verify_error;
use crate::report::{Advice, AdviceKind, FixPlace};

pub(super) fn advise(situation: &Situation<'_>) -> Vec<Advice> {
    let modes = situation.failing(ErrorCode::CertUntrusted);
    let refused = situation
        .libpq_chain()
        .and_then(|report| Some((report.error?, report.depth?, report.path.clone())));
    let mut all = Vec::new();
    for (place, certificate) in situation.chain.iter().enumerate() {
        let ended = certificate
            .not_after_unix()
            .is_some_and(|end| end < situation.now);
        let early = certificate
            .not_before_unix()
            .is_some_and(|begin| begin > situation.now);
        // A sent certificate above the leaf need not be on the path: then it stops nobody.
        let decides = place == 0
            || refused.as_ref().is_some_and(|(code, depth, path)| {
                let about = path.get(*depth);
                [
                    verify_error::CERT_HAS_EXPIRED,
                    verify_error::CERT_NOT_YET_VALID,
                ]
                .contains(code)
                    && about == Some(&certificate.subject.to_string())
            });
        if !decides || !(ended || early) {
            continue;
        }
        all.push(one(situation, place, ended, explained(situation, &modes)));
    }
    // An anchor of the root file is not among those sent.
    if all.is_empty()
        && let Some((code, depth, path)) = refused
        && !modes.is_empty()
        && [
            verify_error::CERT_HAS_EXPIRED,
            verify_error::CERT_NOT_YET_VALID,
        ]
        .contains(&code)
    {
        let subject = path.get(depth).cloned().unwrap_or_default();
        let ended = code == verify_error::CERT_HAS_EXPIRED;
        let (kind, words) = words(ended);
        all.push(advice(
            kind,
            modes,
            format!("the CA \"{subject}\" of the root file {words}"),
            vec![fix(
                FixPlace::ClientShell,
                format!(
                    "replace it in \"{}\" by its successor, if the server's chain ends there",
                    situation.root_path().unwrap_or_default()
                ),
                [],
            )],
        ));
    }
    all
}

/// The modes that the certificate's time makes fail, or would as soon as there are roots.
fn explained(situation: &Situation<'_>, untrusted: &[SslMode]) -> Vec<SslMode> {
    if untrusted.is_empty() {
        situation.failing(ErrorCode::RootCertMissing)
    } else {
        untrusted.to_vec()
    }
}

fn words(ended: bool) -> (AdviceKind, &'static str) {
    if ended {
        (AdviceKind::CertificateExpired, "has expired")
    } else {
        (AdviceKind::CertificateNotYetValid, "is not valid yet")
    }
}

fn one(situation: &Situation<'_>, place: usize, ended: bool, modes: Vec<SslMode>) -> Advice {
    let (kind, words) = words(ended);
    let report = situation.host.certificates.get(place);
    let time = report.and_then(|report| {
        if ended {
            report.not_after.clone()
        } else {
            report.not_before.clone()
        }
    });
    let time = time.unwrap_or_default();
    let what = if place == 0 {
        "the server's certificate".to_owned()
    } else {
        let subject = report.map(|report| report.subject.clone());
        format!("the CA certificate \"{}\"", subject.unwrap_or_default())
    };
    let mut why = if ended {
        format!("{what} {words}: it was valid until {time}")
    } else {
        format!("{what} {words}: it begins at {time}; or this machine's clock is behind")
    };
    let verifying = modes.is_empty() || modes.contains(&SslMode::VerifyCa);
    if verifying && situation.connects_by_tls(SslMode::Require) {
        why += "; require does not look at that";
    }
    let mut fixes = Vec::new();
    if ended {
        fixes.push(fix(
            FixPlace::ServerShell,
            "if the file of ssl_cert_file was renewed already, the server still serves the old \
             one: reload it",
            ["psql -c 'SELECT pg_reload_conf()'".to_owned()],
        ));
        fixes.push(fix(
            FixPlace::ServerShell,
            "else renew it, put it into the file of ssl_cert_file, and reload",
            [],
        ));
    } else {
        fixes.push(fix(
            FixPlace::Elsewhere,
            "compare the clocks of this machine and of the one that issued it, or wait",
            [],
        ));
    }
    advice(kind, modes, why, fixes)
}
