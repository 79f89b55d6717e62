//! Parameters that libpq refuses in some modes, before it sends anything.

use super::{Situation, advice, fix, paste};
use crate::libpq::error::ErrorCode;
use crate::report::{Advice, AdviceKind, FixPlace};

pub(super) fn advise(situation: &Situation<'_>) -> Vec<Advice> {
    let weak = situation.failing_where(|error| {
        error.code == ErrorCode::BadParameter && error.message.starts_with("weak sslmode")
    });
    let nameless = "host name must be specified";
    let other = situation.failing_where(|error| {
        error.code == ErrorCode::BadParameter
            && !error.message.starts_with("weak sslmode")
            && !error.message.starts_with(nameless)
    });
    let mut all = Vec::new();
    if !weak.is_empty() {
        let system = situation.message(&weak).contains("sslrootcert=system");
        let (kind, why, mode) = if system {
            (
                AdviceKind::SystemRoots,
                "sslrootcert=system goes with verify-full alone, as anybody can have a certificate \
                 of a public CA; without sslmode it is the default then",
                "verify-full",
            )
        } else {
            (
                AdviceKind::ParameterRefused,
                "sslnegotiation=direct goes with require and better alone, as there is no way back \
                 from it to plaintext; sslmode is prefer where it is not given",
                "require",
            )
        };
        let (mode, text) = match situation.strongest() {
            Some(strongest) => (strongest.name(), "use the strongest mode that connects"),
            None => (
                mode,
                "use a mode that goes with it; here that fails, too, for another reason",
            ),
        };
        all.push(advice(
            kind,
            weak,
            why.into(),
            vec![fix(
                FixPlace::ConnectionString,
                text,
                paste::connection(situation, &[("sslmode", mode)]),
            )],
        ));
    }
    if !other.is_empty() {
        let message = situation.message(&other);
        all.push(advice(
            AdviceKind::ParameterRefused,
            other,
            format!("libpq sends nothing: {message}"),
            vec![fix(
                FixPlace::ConnectionString,
                "correct the parameter that the message names",
                [],
            )],
        ));
    }
    all
}
