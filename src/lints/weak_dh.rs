//! The finite field of Diffie-Hellman is too small.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "weak-dh",
    severity: Severity::High,
    summary: "Diffie-Hellman with fewer than 2048 bits",
    citation: "RFC 9325 section 4.5: Diffie-Hellman parameters of at least 2048 bits (Logjam, \
               CVE-2015-4000)",
    explanation: "A prime of 1024 bits is within reach of a state, and many servers share the \
                  same few: once it is broken, all connections over it are.",
    remedies: &[
        Remedy {
            text: "take elliptic curves only, and reload",
            place: FixPlace::PostgresqlConf,
            lines: &["ssl_ciphers = 'ECDHE+AESGCM:ECDHE+CHACHA20'"],
        },
        Remedy {
            text: "or make a field of your own: without ssl_dh_params_file PostgreSQL brings one \
                   of 2048 bits",
            place: FixPlace::ServerShell,
            lines: &["openssl dhparam -out dhparams.pem 3072"],
        },
    ],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    context.enumerated(LINT.name).or_else(|| {
        let bits = context.completed()?.dh_bits.filter(|bits| *bits < 2048)?;
        Some(format!(
            "the handshake came about with a prime of {bits} bits"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, follows_the_enumeration, passes, tls};
    use super::*;

    #[test]
    fn fires_where_the_enumeration_found_it() {
        follows_the_enumeration(&LINT);
    }

    #[test]
    fn fires_below_2048_bits_and_not_at_it() {
        fires(&LINT, |host| tls(host).dh_bits = Some(2047));
        passes(&LINT, |host| tls(host).dh_bits = Some(2048));
    }
}
