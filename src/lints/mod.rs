//! Lints: what a DBA would act on, one a file. Each says how bad it is, where that is written, why
//! it matters, what mends it, and when it is there.
//!
//! Pure, over what the report of a host says already; what was not observed is never a finding.

pub(crate) mod address_in_dns_name;
pub(crate) mod anonymous_cipher;
pub(crate) mod bytes_after_s;
pub(crate) mod ca_certificate_as_server_certificate;
pub(crate) mod cbc_cipher;
pub(crate) mod certificate_breaks_channel_binding;
pub(crate) mod certificate_expired;
pub(crate) mod certificate_expires_soon;
pub(crate) mod certificate_lifetime_too_long;
pub(crate) mod certificate_malformed;
pub(crate) mod certificate_not_the_expected;
pub(crate) mod certificate_not_yet_valid;
pub(crate) mod certificate_renewed_not_reloaded;
pub(crate) mod certificate_revoked;
pub(crate) mod certificate_unsuitable;
pub(crate) mod chain_in_wrong_order;
pub(crate) mod chain_incomplete;
pub(crate) mod cipher_with_64_bit_blocks;
pub(crate) mod cleartext_password_authentication;
pub(crate) mod cleartext_password_in_plaintext;
pub(crate) mod client_certificate_not_demanded;
pub(crate) mod compression;
mod context;
pub(crate) mod direct_tls_alpn_missing;
pub(crate) mod direct_tls_other_certificate;
pub(crate) mod direct_tls_without_alpn;
pub(crate) mod export_cipher;
pub(crate) mod extended_master_secret_missing;
pub(crate) mod fallback_scsv_ignored;
pub(crate) mod front_end_terminates_tls;
pub(crate) mod handshake_fails;
pub(crate) mod heartbeat_offered;
pub(crate) mod host_address_not_in_certificate;
pub(crate) mod host_name_mismatch;
pub(crate) mod issuer_unknown;
pub(crate) mod key_not_proved;
pub(crate) mod key_usage_unsuitable;
pub(crate) mod md5_authentication;
pub(crate) mod name_only_libpq_accepts;
pub(crate) mod no_forward_secrecy;
pub(crate) mod no_tls;
pub(crate) mod null_cipher;
pub(crate) mod plaintext_accepted;
pub(crate) mod plaintext_accepted_after_ssl_request;
pub(crate) mod post_quantum_group_missing;
pub(crate) mod prefer_falls_back_to_plaintext;
pub(crate) mod rc4_cipher;
mod remedy;
pub(crate) mod renegotiation_info_missing;
pub(crate) mod revocation_list_unusable;
pub(crate) mod root_certificate_sent;
pub(crate) mod scram_without_channel_binding;
pub(crate) mod self_signed_certificate;
pub(crate) mod server_auth_missing;
pub(crate) mod server_name_changes_certificate;
pub(crate) mod server_name_required;
pub(crate) mod ssl_3_0;
pub(crate) mod subject_alt_name_missing;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod tls_1_0_or_1_1;
pub(crate) mod tls_1_2_missing;
pub(crate) mod tls_1_3_missing;
pub(crate) mod tls_refused;
pub(crate) mod trust_authentication;
pub(crate) mod unrelated_certificate_sent;
pub(crate) mod weak_certificate_digest;
pub(crate) mod weak_dh;
pub(crate) mod weak_group;
pub(crate) mod weak_key;
pub(crate) mod weak_signature_scheme;
pub(crate) mod wildcard_certificate;
pub(crate) mod wildcard_never_matches;
pub(crate) mod wildcard_too_wide;
pub(crate) mod x509_version_1;

use sha2::{Digest as _, Sha256};

use crate::advice::hex;
use crate::report::{AdviceKind, Finding, HostReport, Severity, Suggestion};
pub use context::Context;
pub use remedy::Remedy;

/// One thing that can be wrong with a server.
#[derive(Debug)]
pub struct Lint {
    /// What is bad, in kebab-case: the name of its file.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it is, in a line.
    pub summary: &'static str,
    /// Where it is written that it is bad.
    pub citation: &'static str,
    /// Why it matters, and to whom.
    pub explanation: &'static str,
    /// What mends it, the best first; filled in for a server.
    pub remedies: &'static [Remedy],
    /// Advice on the same: where a host has it, its fixes are given, for they know more.
    pub advice: &'static [AdviceKind],
    /// Lints that would say the same of the same cause: they are silent beside this one, which then
    /// is as bad as they are.
    pub covers: &'static [&'static str],
    /// Whether it is there, and what shows it, in a sentence without a full stop.
    pub check: fn(&Context<'_>) -> Option<String>,
}

/// All lints, those of a kind together.
pub const LINTS: &[&Lint] = &[
    &no_tls::LINT,
    &plaintext_accepted::LINT,
    &cleartext_password_in_plaintext::LINT,
    &trust_authentication::LINT,
    &cleartext_password_authentication::LINT,
    &md5_authentication::LINT,
    &scram_without_channel_binding::LINT,
    &certificate_breaks_channel_binding::LINT,
    &prefer_falls_back_to_plaintext::LINT,
    &tls_refused::LINT,
    &tls_1_2_missing::LINT,
    &ssl_3_0::LINT,
    &tls_1_0_or_1_1::LINT,
    &tls_1_3_missing::LINT,
    &null_cipher::LINT,
    &anonymous_cipher::LINT,
    &export_cipher::LINT,
    &rc4_cipher::LINT,
    &cipher_with_64_bit_blocks::LINT,
    &cbc_cipher::LINT,
    &no_forward_secrecy::LINT,
    &weak_dh::LINT,
    &weak_group::LINT,
    &weak_signature_scheme::LINT,
    &post_quantum_group_missing::LINT,
    &renegotiation_info_missing::LINT,
    &extended_master_secret_missing::LINT,
    &compression::LINT,
    &fallback_scsv_ignored::LINT,
    &heartbeat_offered::LINT,
    &plaintext_accepted_after_ssl_request::LINT,
    &bytes_after_s::LINT,
    &direct_tls_without_alpn::LINT,
    &direct_tls_alpn_missing::LINT,
    &direct_tls_other_certificate::LINT,
    &handshake_fails::LINT,
    &front_end_terminates_tls::LINT,
    &server_name_required::LINT,
    &server_name_changes_certificate::LINT,
    &client_certificate_not_demanded::LINT,
    &certificate_expired::LINT,
    &certificate_expires_soon::LINT,
    &certificate_not_yet_valid::LINT,
    &certificate_lifetime_too_long::LINT,
    &certificate_renewed_not_reloaded::LINT,
    &certificate_not_the_expected::LINT,
    &self_signed_certificate::LINT,
    &ca_certificate_as_server_certificate::LINT,
    &x509_version_1::LINT,
    &subject_alt_name_missing::LINT,
    &address_in_dns_name::LINT,
    &name_only_libpq_accepts::LINT,
    &wildcard_too_wide::LINT,
    &wildcard_certificate::LINT,
    &wildcard_never_matches::LINT,
    &host_name_mismatch::LINT,
    &host_address_not_in_certificate::LINT,
    &chain_incomplete::LINT,
    &issuer_unknown::LINT,
    &root_certificate_sent::LINT,
    &chain_in_wrong_order::LINT,
    &unrelated_certificate_sent::LINT,
    &key_usage_unsuitable::LINT,
    &server_auth_missing::LINT,
    &certificate_unsuitable::LINT,
    &certificate_malformed::LINT,
    &certificate_revoked::LINT,
    &revocation_list_unusable::LINT,
    &weak_key::LINT,
    &weak_certificate_digest::LINT,
    &key_not_proved::LINT,
];

/// The lint of a name.
pub fn find(name: &str) -> Option<&'static Lint> {
    LINTS.iter().copied().find(|lint| lint.name == name)
}

/// The findings on a host at a time, in seconds since 1970 (UTC); the worst first.
pub fn findings(host: &HostReport, now: i64) -> Vec<Finding> {
    let context = Context { host, now };
    let there: Vec<(&Lint, String)> = LINTS
        .iter()
        .filter_map(|lint| Some((*lint, (lint.check)(&context)?)))
        .collect();
    let covered = |name: &str| there.iter().any(|(lint, _)| lint.covers.contains(&name));
    let mut found: Vec<Finding> = there
        .iter()
        .filter(|(lint, _)| !covered(lint.name))
        .map(|(lint, message)| {
            let mut finding = finding(lint, message.clone(), &context);
            // What it causes may be worse than it is by itself.
            let caused = there
                .iter()
                .filter(|(one, _)| lint.covers.contains(&one.name));
            let worst = caused.map(|(one, _)| one.severity).max();
            finding.severity = finding.severity.max(worst.unwrap_or(lint.severity));
            finding
        })
        .collect();
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    found
}

fn finding(lint: &Lint, message: String, context: &Context<'_>) -> Finding {
    // One that mends nothing says no more than the finding.
    let advice = context
        .advised(lint.advice)
        .filter(|advice| !advice.fixes.is_empty());
    let fixes = match advice {
        Some(advice) => advice.fixes.clone(),
        None => remedy::fixes(lint.remedies, context),
    };
    let certificate = certificate(lint.name, context);
    Finding {
        lint: lint.name,
        severity: lint.severity,
        message,
        fixes,
        advice: advice.map(|advice| advice.about),
        fingerprint: fingerprint(lint.name, certificate.as_deref(), context.host),
        certificate,
        known: None,
    }
}

/// What a host is called in findings and baselines: `host:port`.
pub fn endpoint(host: &HostReport) -> String {
    match name_and_port(host) {
        (name, port) if name.contains(':') => format!("[{name}]:{port}"),
        (name, port) => format!("{name}:{port}"),
    }
}

/// The host as it was named, or its address, and its port.
pub fn name_and_port(host: &HostReport) -> (&str, &str) {
    let name = host.host.as_deref().or(host.hostaddr.as_deref());
    let port = match host.port.as_str() {
        "" => "5432",
        port => port,
    };
    (name.unwrap_or_default(), port)
}

/// What else tells a finding on a host from the same on another.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Scope {
    /// The address, where the host was named beside it.
    pub hostaddr: Option<String>,
    /// The user, where `pg_hba.conf` had a say.
    pub user: Option<String>,
    /// The database, where `pg_hba.conf` had a say.
    pub database: Option<String>,
    /// SHA-256 of the certificate, where the times or the names of one are wrong: what is known of
    /// one is not known of the next.
    pub certificate: Option<String>,
}

/// The certificate that a finding is about, by its SHA-256.
fn certificate(lint: &str, context: &Context<'_>) -> Option<String> {
    let certificate = match lint {
        "certificate-expired" => certificate_expired::which(context),
        "certificate-expires-soon" => certificate_expires_soon::which(context),
        "certificate-not-yet-valid" | "host-name-mismatch" => context.leaf(),
        _ => None,
    };
    certificate.map(|one| one.sha256.clone())
}

/// What a finding is true of, beside host and port.
pub fn scope(lint: &str, certificate: Option<&str>, host: &HostReport) -> Scope {
    /// Lints that look at what `pg_hba.conf` answered, which is for one user and database.
    const OF_LOGIN: [&str; 10] = [
        "plaintext-accepted",
        "cleartext-password-in-plaintext",
        "trust-authentication",
        "cleartext-password-authentication",
        "md5-authentication",
        "scram-without-channel-binding",
        "certificate-breaks-channel-binding",
        "prefer-falls-back-to-plaintext",
        "tls-refused",
        "client-certificate-not-demanded",
    ];
    let startup = Some(&host.startup).filter(|_| OF_LOGIN.contains(&lint));
    Scope {
        hostaddr: host.hostaddr.clone().filter(|_| host.host.is_some()),
        user: startup.and_then(|startup| startup.user.clone()),
        database: startup.and_then(|startup| startup.dbname.clone()),
        certificate: certificate.map(str::to_owned),
    }
}

/// SHA-256 over lint, endpoint and what else it is true of, hexadecimal.
fn fingerprint(lint: &str, certificate: Option<&str>, host: &HostReport) -> String {
    let mut text = [lint, "\0", &endpoint(host)].concat();
    let scope = scope(lint, certificate, host);
    for (what, value) in [
        ("hostaddr", scope.hostaddr),
        ("user", scope.user),
        ("database", scope.database),
        ("certificate", scope.certificate),
    ] {
        if let Some(value) = value {
            text.extend(["\0", what, "=", &value]);
        }
    }
    hex(&Sha256::digest(text))
}

/// The lines that would clear findings, place by place; of two values for one setting the worse
/// finding's counts.
pub fn suggestions(findings: &[Finding]) -> Vec<Suggestion> {
    let mut all: Vec<Suggestion> = Vec::new();
    for finding in findings.iter().filter(|one| one.severity > Severity::Info) {
        // The best fix mends it by itself; where that is no setting, settings alone do not.
        let Some(fix) = finding.fixes.first().filter(|fix| remedy::is_setting(fix)) else {
            continue;
        };
        let place = match all.iter().position(|one| one.place == fix.place) {
            Some(place) => place,
            None => {
                all.push(Suggestion {
                    place: fix.place,
                    lines: Vec::new(),
                    clears: Vec::new(),
                });
                all.len() - 1
            }
        };
        let Some(suggestion) = all.get_mut(place) else {
            continue;
        };
        for line in &fix.paste {
            let known = |other: &String| {
                other == line
                    || remedy::setting(line)
                        .is_some_and(|setting| remedy::setting(other) == Some(setting))
            };
            if !suggestion.lines.iter().any(known) {
                suggestion.lines.push(line.clone());
            }
        }
        suggestion.clears.push(finding.lint);
    }
    all
}
