//! The client's certificate: wanted, refused, or of no use as it is.

use super::{Situation, advice, fix, paste};
use crate::client::FileFact;
use crate::emulates::Libpq;
use crate::libpq::error::ErrorCode;
use crate::libpq::parameters::SslCertMode;
use crate::report::{Advice, AdviceKind, Fix, FixPlace};

pub(super) fn advise(situation: &Situation<'_>) -> Vec<Advice> {
    [required(situation), refused(situation), unusable(situation)]
        .into_iter()
        .flatten()
        .collect()
}

/// What the server says of the CAs that it takes certificates from.
fn authorities(situation: &Situation<'_>) -> String {
    let names = situation
        .tls()
        .map(|tls| tls.client_certificate.authorities.as_slice())
        .unwrap_or_default();
    if names.is_empty() {
        return String::new();
    }
    let names: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
    format!(" of {}", names.join(" or "))
}

fn required(situation: &Situation<'_>) -> Option<Advice> {
    let modes = situation.failing(ErrorCode::ClientCertRequired);
    if modes.is_empty() {
        return None;
    }
    let why = format!(
        "the server lets this user in only with a client certificate{}, and none was sent",
        authorities(situation)
    );
    let fixes = if situation.parameters.sslcertmode() == SslCertMode::Disable {
        vec![fix(
            FixPlace::ConnectionString,
            "sslcertmode=disable keeps the certificate back",
            paste::connection(situation, &[("sslcertmode", "allow")]),
        )]
    } else {
        let (certificate, key) = (
            situation.parameters.sslcert().unwrap_or_default(),
            situation.parameters.sslkey().unwrap_or_default(),
        );
        vec![fix(
            FixPlace::ClientShell,
            format!(
                "put a certificate{} and its key where libpq looks, \"{certificate}\" and \
                 \"{key}\", or name them with sslcert and sslkey; only you may read the key",
                authorities(situation)
            ),
            paste::shell(&key).map(|key| format!("chmod 600 {key}")),
        )]
    };
    Some(advice(
        AdviceKind::ClientCertificateRequired,
        modes,
        why,
        fixes,
    ))
}

fn refused(situation: &Situation<'_>) -> Option<Advice> {
    let modes = situation.failing(ErrorCode::ClientCertRejected);
    if modes.is_empty() {
        return None;
    }
    let message = situation.message(&modes);
    let user = situation.host.startup.user.as_deref().unwrap_or_default();
    let own = situation.parameters.sslcert().unwrap_or_default();
    let (why, fixes): (String, Vec<Fix>) = if message.contains("authentication failed") {
        (
            format!(
                "{message}: the certificate \"{own}\" is of a CA that the server takes, but its name \
                 (the CN; the whole DN with clientname=DN) does not stand for the user \"{user}\""
            ),
            vec![
                fix(
                    FixPlace::ConnectionString,
                    "connect as the user that the certificate names (user=), or have one issued \
                     for this user",
                    [],
                ),
                fix(
                    FixPlace::Elsewhere,
                    "or map the name in pg_ident.conf (map= on the line of pg_hba.conf)",
                    [],
                ),
            ],
        )
    } else if message.contains("certificate expired") || message.contains("certificate revoked") {
        (
            format!("{message}: that is said of your certificate \"{own}\", not of the server's"),
            vec![fix(
                FixPlace::ClientShell,
                "have a new certificate issued for this user by the same CA",
                [],
            )],
        )
    } else {
        (
            format!(
                "{message}: the server does not take the certificate \"{own}\"; it wants one{}",
                authorities(situation)
            ),
            vec![
                fix(
                    FixPlace::ClientShell,
                    "have a certificate issued by a CA that the server takes, and put it there with \
                     the intermediate CAs after it",
                    [],
                ),
                fix(
                    FixPlace::PostgresqlConf,
                    "or let the server take this CA: add its certificate to the file of \
                     ssl_ca_file and reload",
                    [],
                ),
            ],
        )
    };
    Some(advice(
        AdviceKind::ClientCertificateRefused,
        modes,
        why,
        fixes,
    ))
}

fn unusable(situation: &Situation<'_>) -> Option<Advice> {
    let modes = situation.failing(ErrorCode::ClientCertUnusable);
    if modes.is_empty() {
        return None;
    }
    let message = situation.message(&modes);
    let key = situation.parameters.sslkey().unwrap_or_default();
    let without = (situation.emulates.libpq >= Libpq::V16).then(|| {
        fix(
            FixPlace::ConnectionString,
            "or send no certificate, if the server lets you in without (libpq 16 and newer)",
            paste::connection(situation, &[("sslcertmode", "disable")]),
        )
    });
    if message.contains("has group or world access") {
        let stat = match situation.client.private_key(&key) {
            FileFact::Absent { .. } => None,
            fact => fact.stat(),
        };
        let mode = if stat.is_some_and(|stat| stat.uid == 0) {
            "640"
        } else {
            "600"
        };
        return Some(advice(
            AdviceKind::ClientKeyPermissions,
            modes,
            format!(
                "others may read or change the private key \"{key}\", so libpq does not use it; \
                 prefer goes on in plaintext"
            ),
            vec![fix(
                FixPlace::ClientShell,
                "close it to all but its owner",
                paste::shell(&key).map(|key| format!("chmod {mode} {key}")),
            )],
        ));
    }
    Some(advice(
        AdviceKind::ClientCertificateUnusable,
        modes,
        format!("{message}; TLS does not even begin, and prefer goes on in plaintext"),
        [fix(
            FixPlace::ClientShell,
            "put the certificate and the key that belongs to it where sslcert and sslkey say",
            [],
        )]
        .into_iter()
        .chain(without)
        .collect(),
    ))
}
