//! Without a server name (SNI) another certificate comes.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "server-name-changes-certificate",
    severity: Severity::Info,
    summary: "without SNI another certificate comes",
    citation: "RFC 6066 section 3: a server may choose its certificate by server_name",
    explanation: "What verifies for one client may fail for another that sends no name, and \
                  checks of the two see different expiry dates.",
    remedies: &[Remedy {
        text: "give the certificate for no name the same names, or have all clients send the \
                   name",
        place: FixPlace::Elsewhere,
        lines: &[],
    }],
    advice: &[],
    covers: &[],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let nameless = context.host.without_server_name.as_ref();
    let asked = nameless.and_then(|nameless| nameless.same_chain) == Some(false);
    let enumerated = context
        .enumeration()
        .and_then(|seen| seen.server_name_matters);
    (asked || enumerated == Some(true))
        .then(|| "another certificate or suite comes without server_name".into())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{enumerate, fires, passes};
    use super::*;

    #[test]
    fn fires_where_the_name_matters() {
        fires(&LINT, |host| {
            enumerate(host).server_name_matters = Some(true);
        });
        passes(&LINT, |host| enumerate(host).server_name_matters = None);
        passes(&LINT, |host| {
            enumerate(host).server_name_matters = Some(false);
        });
    }
}
