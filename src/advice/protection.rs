//! Modes that connect and protect less than they seem to.

use super::{Situation, advice, fix, lets_in, paste, provider};
use crate::libpq::error::ErrorCode;
use crate::libpq::parameters::SslMode;
use crate::report::{
    Advice, AdviceKind, Ending, Fix, FixPlace, Outcome, Status, Transport, Verdict, Verifies,
};

/// Modes that try TLS, give it up and connect in plaintext.
pub(super) fn plaintext_fallback(situation: &Situation<'_>) -> Vec<Advice> {
    let falls_back = |verdict: &Verdict| {
        let gave_up = verdict.attempts.iter().any(|attempt| {
            matches!(attempt.transport, Transport::Tls | Transport::DirectTls)
                && attempt.ended_in == Ending::NextMethod
        });
        verdict.mode == SslMode::Prefer
            && verdict.outcome == Outcome::Connects
            && verdict.encrypted == Some(false)
            && gave_up
    };
    let modes = situation.modes(falls_back);
    let Some(verdict) = modes.first().and_then(|mode| situation.verdict(*mode)) else {
        return Vec::new();
    };
    let mut errors = verdict
        .attempts
        .iter()
        .filter_map(|attempt| attempt.error.as_ref());
    let error = errors.next();
    let reason = error.and_then(|error| error.message.lines().next());
    let reason = reason.unwrap_or_default();
    // TLS can fail, or be refused, for a reason that has nothing to do with the chain.
    let untrusted = error.is_some_and(|error| error.code == ErrorCode::CertUntrusted);
    let because = if untrusted && verdict.verifies == Verifies::Chain {
        format!(
            "the root certificate file makes prefer verify the chain, TLS fails at it ({reason}), \
             and prefer then goes on in plaintext without a word"
        )
    } else {
        format!(
            "over TLS libpq does not get in ({reason}), and prefer then goes on in plaintext \
             without a word"
        )
    };
    vec![advice(
        AdviceKind::PlaintextFallback,
        modes,
        because,
        vec![fix(
            FixPlace::ConnectionString,
            "fail instead of falling back",
            paste::connection(situation, &[("sslmode", "require")]),
        )],
    )]
}

pub(super) fn advise(situation: &Situation<'_>) -> Vec<Advice> {
    let mut all = Vec::new();
    all.extend(plaintext_accepted(situation));
    all.extend(require(situation));
    all
}

/// The server speaks TLS and lets plaintext in too.
fn plaintext_accepted(situation: &Situation<'_>) -> Option<Advice> {
    let startup = &situation.host.startup;
    // The server may take TLS and not this client's certificate.
    let by_tls = [&startup.tls, &startup.tls_without_client_certificate];
    let by_tls = by_tls.into_iter().any(|answer| lets_in(answer.as_ref()));
    let over_tcp = situation.host.status != Status::UnixSocket;
    if !over_tcp || !by_tls || !lets_in(startup.plaintext.as_ref()) {
        return None;
    }
    let modes = situation.modes(|verdict| {
        verdict.mode <= SslMode::Prefer
            && verdict.outcome == Outcome::Connects
            && verdict.encrypted == Some(false)
    });
    Some(advice(
        AdviceKind::PlaintextAccepted,
        modes,
        "this user is let in without encryption too: a client that does not ask for TLS \
         sends everything in the clear, and nobody notices"
            .into(),
        refuse_plaintext(situation),
    ))
}

/// The lines that refuse plaintext, where they belong.
fn refuse_plaintext(situation: &Situation<'_>) -> Vec<Fix> {
    let switch = provider::of(situation).and_then(|found| Some((found, found.forces_tls?)));
    if let Some((provider, switch)) = switch {
        return vec![fix(
            FixPlace::Elsewhere,
            format!(
                "this looks like {}, which has a switch of its own for that",
                provider.name
            ),
            [switch.to_owned()],
        )];
    }
    vec![fix(
        FixPlace::PgHbaConf,
        "refuse all that is not TLS, to everybody: these as the first lines, and reload",
        [
            "hostnossl  all          all  all  reject".to_owned(),
            // The word all does not match replication.
            "hostnossl  replication  all  all  reject".to_owned(),
        ],
    )]
}

/// Modes that encrypt and verify nothing.
fn require(situation: &Situation<'_>) -> Option<Advice> {
    let modes = situation.modes(|verdict| {
        verdict.encrypted == Some(true)
            && verdict.verifies == Verifies::Nothing
            && verdict.outcome == Outcome::Connects
    });
    if !modes.contains(&SslMode::Require) {
        return None;
    }
    Some(advice(
        AdviceKind::RequireProvesNothing,
        modes,
        "require encrypts, but takes any certificate: whoever sits on the way can pose as the \
         server, read all of it and change it"
            .into(),
        vec![fix(
            FixPlace::ConnectionString,
            "mend what makes verify-full fail, and use it; in the connection string: \
             sslmode=verify-full",
            [],
        )],
    ))
}
