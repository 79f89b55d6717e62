//! Authentication that TLS, or the user's own parameters, keep from coming about.

use super::{Situation, advice, fix, front_end, paste};
use crate::libpq::authentication::Auth;
use crate::libpq::error::ErrorCode;
use crate::libpq::parameters::{ChannelBinding, SslMode};
use crate::report::{Advice, AdviceKind, FixPlace};

pub(super) fn advise(situation: &Situation<'_>) -> Vec<Advice> {
    let mut all = Vec::new();
    all.extend(requirement(situation));
    all.extend(certificate_not_asked(situation));
    all.extend(binding_required(situation));
    all.extend(no_digest(situation));
    all.extend(not_offered(situation));
    all
}

fn failing(situation: &Situation<'_>, words: &str) -> Vec<SslMode> {
    situation.failing_where(|error| {
        error.code == ErrorCode::AuthRequirementFailed && error.message.contains(words)
    })
}

fn requirement(situation: &Situation<'_>) -> Option<Advice> {
    let modes = failing(situation, "authentication method requirement");
    if modes.is_empty() {
        return None;
    }
    let message = situation.message(&modes);
    // libpq's words for what the server asks for, and the word of require_auth.
    let asked = [
        ("did not complete authentication", "none"),
        ("a cleartext password", "password"),
        ("a hashed password", "md5"),
        ("GSSAPI", "gss"),
        ("SSPI", "sspi"),
        ("OAUTHBEARER", "oauth"),
        ("SCRAM-SHA-256", "scram-sha-256"),
        ("SASL", "scram-sha-256"),
    ];
    let asked = asked
        .into_iter()
        .find(|(words, _)| message.contains(words))
        .map(|(_, word)| word);
    let careful = match asked {
        Some("none") => " (it then lets anybody in, or is not the server that you think)",
        Some("password") => " (it then gets your password as it is, so only with verify-full)",
        _ => "",
    };
    Some(advice(
        AdviceKind::RequireAuthMismatch,
        modes,
        message,
        vec![fix(
            FixPlace::ConnectionString,
            format!("if what the server asks for is right{careful}"),
            asked
                .map(|word| paste::connection(situation, &[("require_auth", word)]))
                .unwrap_or_default(),
        )],
    ))
}

fn certificate_not_asked(situation: &Situation<'_>) -> Option<Advice> {
    let mut modes = failing(situation, "did not request an SSL certificate");
    modes.extend(failing(situation, "without a valid SSL certificate"));
    if modes.is_empty() {
        return None;
    }
    Some(advice(
        AdviceKind::ClientCertificateNotRequested,
        modes.clone(),
        format!("sslcertmode=require: {}", situation.message(&modes)),
        vec![
            fix(
                FixPlace::PostgresqlConf,
                "let the server ask for certificates, of the CAs in that file, and reload",
                ["ssl_ca_file = 'root.crt'".to_owned()],
            ),
            fix(
                FixPlace::ConnectionString,
                "or do without",
                paste::connection(situation, &[("sslcertmode", "allow")]),
            ),
        ],
    ))
}

fn binding_required(situation: &Situation<'_>) -> Option<Advice> {
    let modes = situation.failing_where(|error| {
        error.code == ErrorCode::AuthRequirementFailed
            && (error.message.starts_with("channel binding")
                || error.message.contains("SCRAM-SHA-256-PLUS"))
    });
    if modes.is_empty() {
        return None;
    }
    let message = situation.message(&modes);
    let (why, fixes) = if message.contains("SSL not in use") {
        (
            format!("{message}: there is nothing to bind to in plaintext"),
            vec![fix(
                FixPlace::ConnectionString,
                "demand TLS",
                paste::connection(situation, &[("sslmode", "require")]),
            )],
        )
    } else if message.contains("non-SSL connection") {
        (
            format!(
                "{message}: libpq takes that for an attack; a proxy that ends TLS and passes the \
                 server's offer on does it too"
            ),
            Vec::new(),
        )
    } else {
        (
            format!(
                "{message}: the role's password is not of SCRAM, pg_hba.conf asks for another \
                 method, or TLS ends in a pooler or proxy, which cannot bind the channel"
            ),
            vec![fix(
                FixPlace::ConnectionString,
                "do without the binding, and verify the server instead (verify-full, with its root)",
                paste::connection(situation, &[("channel_binding", "prefer")]),
            )],
        )
    };
    Some(advice(AdviceKind::ChannelBindingMissing, modes, why, fixes))
}

/// Modes in which the server's answer is SCRAM with channel binding.
fn bound(situation: &Situation<'_>) -> Vec<SslMode> {
    situation.modes(|verdict| verdict.auth == Some(Auth::ScramSha256Plus))
}

/// tls-server-end-point (RFC 5929) takes the digest of the certificate's signature; EdDSA has
/// none, and libpq then fails (`pgtls_get_peer_certificate_hash`).
fn no_digest(situation: &Situation<'_>) -> Option<Advice> {
    let modes = bound(situation);
    let leaf = situation.leaf()?;
    let name = leaf.signature_algorithm_name();
    let eddsa = ["ED25519", "ED448"]
        .iter()
        .any(|edwards| name.eq_ignore_ascii_case(edwards));
    if modes.is_empty() || !eddsa {
        return None;
    }
    Some(advice(
        AdviceKind::ChannelBindingMissing,
        modes,
        format!(
            "the certificate is signed with {name}, which has no digest for channel binding: libpq \
             gets as far as the server's question and then fails with \"could not find digest for \
             NID\""
        ),
        vec![
            fix(
                FixPlace::ConnectionString,
                "do without the binding",
                paste::connection(situation, &[("channel_binding", "disable")]),
            ),
            fix(
                FixPlace::Elsewhere,
                "or have the certificate signed with RSA or ECDSA",
                [],
            ),
        ],
    ))
}

/// SCRAM over TLS without -PLUS: PostgreSQL itself always offers both.
fn not_offered(situation: &Situation<'_>) -> Option<Advice> {
    let answer = situation.host.startup.tls.as_ref();
    if !answer.is_some_and(front_end::without_plus)
        || situation.parameters.channel_binding() == ChannelBinding::Require
    {
        return None;
    }
    Some(advice(
        AdviceKind::ChannelBindingMissing,
        Vec::new(),
        "the server offers SCRAM-SHA-256 without -PLUS over TLS: TLS ends in a pooler or proxy (or \
         in PostgreSQL 10), and channel_binding=require would fail"
            .into(),
        Vec::new(),
    ))
}
