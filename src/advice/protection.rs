//! Modes that connect and protect less than they seem to.

use super::{Situation, advice, fix, front_end, lets_in, paste, provider};
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
    let errors = verdict
        .attempts
        .iter()
        .filter_map(|attempt| attempt.error.as_ref());
    let reason = errors
        .map(|error| error.message.lines().next().unwrap_or_default())
        .next()
        .unwrap_or_default();
    let because = if verdict.verifies == Verifies::Chain {
        format!(
            "the root certificate file makes prefer verify the chain, TLS fails at it ({reason}), \
             and prefer then goes on in plaintext without a word"
        )
    } else {
        format!("TLS fails ({reason}), and prefer then goes on in plaintext without a word")
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
    let speaks_tls = situation.host.status == Status::Tls;
    if !speaks_tls || !lets_in(startup.plaintext.as_ref()) || !lets_in(startup.tls.as_ref()) {
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
        vec![refuse_plaintext(situation)],
    ))
}

/// The line that refuses plaintext, where it belongs.
fn refuse_plaintext(situation: &Situation<'_>) -> Fix {
    let switch = provider::of(situation).and_then(|found| Some((found, found.forces_tls?)));
    if let Some((provider, switch)) = switch {
        return fix(
            FixPlace::Elsewhere,
            format!(
                "this looks like {}, which has a switch of its own for that",
                provider.name
            ),
            [switch.to_owned()],
        );
    }
    if !front_end::signs(situation).is_empty() {
        return fix(
            FixPlace::Elsewhere,
            "a pooler or proxy ends TLS here, and its own setting decides; in pgbouncer.ini",
            ["client_tls_sslmode = require".to_owned()],
        );
    }
    fix(
        FixPlace::PgHbaConf,
        "refuse all that is not TLS, to everybody: this as the first line, and reload",
        ["hostnossl  all  all  all  reject".to_owned()],
    )
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
            "use verify-full, as soon as what makes it fail is mended",
            paste::connection(situation, &[("sslmode", "verify-full")]),
        )],
    ))
}
