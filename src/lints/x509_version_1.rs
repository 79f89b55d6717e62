//! The certificate is X.509 v1.

use super::{Context, Lint, Remedy};
use crate::report::{FixPlace, Severity};

/// The lint.
pub(crate) const LINT: Lint = Lint {
    name: "x509-version-1",
    severity: Severity::Medium,
    summary: "the certificate is of X.509 version 1",
    citation: "RFC 5280 section 4.1.2.1: version 3 where extensions are used; NIST SP 800-52r2 \
               section 3.2.1: version 3 certificates",
    explanation: "It cannot hold any extension, so no subjectAltName: the name stands in the CN \
                  alone. \"openssl x509 -req\" without -extfile makes such ones. rustls refuses \
                  every connection, sslmode=require too.",
    remedies: &[Remedy {
        text: "sign it with its names (openssl 3 copies them from the request), put what server.crt \
               holds below the old one below the new one, and only then move it there",
        place: FixPlace::ServerShell,
        lines: &[
            "openssl req -new -key server.key -subj '/CN={host}' -addext 'subjectAltName = {san}' \
                 -out server.csr",
            "openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -days 365 -copy_extensions \
                 copy -out server-new.crt",
        ],
    }],
    advice: &[],
    covers: &["subject-alt-name-missing"],
    check,
};

fn check(context: &Context<'_>) -> Option<String> {
    let leaf = context.leaf()?;
    (leaf.version < 3 && leaf.version > 0).then(|| format!("it is of version {}", leaf.version))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fires, leaf, passes};
    use super::*;

    #[test]
    fn fires_below_version_3() {
        fires(&LINT, |host| leaf(host).version = 1);
        fires(&LINT, |host| leaf(host).version = 2);
        passes(&LINT, |host| leaf(host).version = 0);
    }
}
