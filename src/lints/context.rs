//! What a lint may look at, and the questions that several of them ask.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::libpq::authentication::Auth;
use crate::report::enumeration::{CheckState, EnumerationReport};
use crate::report::{
    Advice, AdviceKind, CertificateReport, HostReport, Shared, StartupAnswer, StartupKind, Status,
    TlsReport,
};

/// A day, in seconds.
pub(super) const DAY: i64 = 86_400;

/// What a lint may look at.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The host as reported, with its advice and without findings.
    pub host: &'a HostReport,
    /// The time of the judgement, in seconds since 1970 (UTC).
    pub now: i64,
}

impl<'a> Context<'a> {
    /// The server's TLS, if a handshake was completed.
    pub(super) fn completed(&self) -> Option<&'a TlsReport> {
        self.host.tls.as_deref().filter(|tls| tls.completed)
    }

    /// The server's certificate.
    pub(super) fn leaf(&self) -> Option<&'a Shared<CertificateReport>> {
        self.host.certificates.first()
    }

    /// The certificates from the leaf upwards that issued each other, of those that were sent; of
    /// several with one name the one that a client would take.
    pub(super) fn path(&self) -> Vec<&'a Shared<CertificateReport>> {
        /// No path is longer; a server may send thousands of certificates.
        const LONGEST: usize = 16;
        let mut path: Vec<_> = self.leaf().into_iter().collect();
        while let Some(top) = path.last().filter(|_| path.len() < LONGEST) {
            let sent = self.host.certificates.iter();
            let issuers = sent.filter(|one| {
                issued(one, top) && !path.iter().any(|known| std::ptr::eq(*known, *one))
            });
            // The first of the best, as OpenSSL takes them: by the right key, and of those one that
            // is valid. One by another key verifies nothing, however valid it is.
            let best = issuers
                .rev()
                .max_by_key(|one| (keyed(one, top), self.is_valid(one)));
            match best {
                Some(issuer) => path.push(issuer),
                None => break,
            }
        }
        path
    }

    /// Whether a certificate is valid by its times.
    fn is_valid(&self, one: &CertificateReport) -> bool {
        let (begin, end) = (
            seconds(one.not_before.as_ref()),
            seconds(one.not_after.as_ref()),
        );
        begin.is_none_or(|begin| begin <= self.now) && end.is_none_or(|end| self.now <= end)
    }

    /// Whether the chain verifies with any set of roots that there is here.
    pub(super) fn verifies(&self) -> bool {
        use crate::report::ChainStatus;
        self.host.tls.as_ref().is_some_and(|tls| {
            let mut sets = tls.chain.iter();
            sets.any(|set| set.status == ChainStatus::Ok)
        })
    }

    /// What was enumerated.
    pub(super) fn enumeration(&self) -> Option<&'a EnumerationReport> {
        self.host.enumeration.as_ref()
    }

    /// What shows that the enumeration found the weakness of this name.
    pub(super) fn enumerated(&self, name: &str) -> Option<String> {
        let mut checks = self.enumeration()?.checks.iter();
        let check = checks.find(|check| check.name == name)?;
        (check.state == CheckState::Present).then(|| check.evidence.clone())
    }

    /// The suite of the handshake, where its IANA name is one of these.
    pub(super) fn negotiated(&self, is: impl Fn(&str) -> bool) -> Option<String> {
        let tls = self.completed()?;
        let suite = tls.cipher_suite.as_deref().filter(|suite| is(suite))?;
        let name = tls.cipher_suite_openssl.as_deref().unwrap_or(suite);
        Some(format!("the handshake came about with {name}"))
    }

    /// The first advice of one of these kinds.
    pub(super) fn advised(&self, kinds: &[AdviceKind]) -> Option<&'a Advice> {
        let mut advice = self.host.advice.iter();
        advice.find(|one| kinds.contains(&one.about))
    }

    /// The answer to a StartupMessage in plaintext over TCP, where it lets the client go on.
    pub(super) fn plaintext(&self) -> Option<&'a StartupAnswer> {
        let over_tcp = self.host.status != Status::UnixSocket;
        let answer = self.host.startup.plaintext.as_ref();
        answer.filter(|answer| over_tcp && goes_on(answer))
    }

    /// The answer to a StartupMessage over TLS, where it lets the client go on; where its
    /// certificate keeps it from that, the answer without one.
    pub(super) fn over_tls(&self) -> Option<&'a StartupAnswer> {
        let startup = &self.host.startup;
        let answers = [&startup.tls, &startup.tls_without_client_certificate];
        answers.into_iter().flatten().find(|answer| goes_on(answer))
    }

    /// What shows that suites of a kind are taken: the enumeration by the check of this name, or
    /// the handshake by the IANA name of its suite.
    pub(super) fn takes(&self, check: &str, is: impl Fn(&str) -> bool) -> Option<String> {
        self.enumerated(check).or_else(|| self.negotiated(is))
    }

    /// For whom `pg_hba.conf` answered.
    pub(super) fn whom(&self) -> String {
        let startup = &self.host.startup;
        let mut text = format!(
            "user \"{}\", database \"{}\"",
            startup.user.as_deref().unwrap_or_default(),
            startup.dbname.as_deref().unwrap_or_default()
        );
        if let Some(address) = &startup.client_address {
            text += &format!(", from {address}");
        }
        text
    }
}

/// Whether a certificate has the name of another's issuer (RFC 5280 section 7.1), and is not it.
fn issued(issuer: &CertificateReport, one: &CertificateReport) -> bool {
    let named = &one.compared.issuer;
    !named.is_empty() && *named != one.compared.subject && issuer.compared.subject == *named
}

/// Whether key identifiers say nothing against that.
fn keyed(issuer: &CertificateReport, one: &CertificateReport) -> bool {
    let wanted = one.authority_key_identifier.as_ref();
    let has = issuer.subject_key_identifier.as_ref();
    wanted.zip(has).is_none_or(|(wanted, has)| wanted == has)
}

fn goes_on(answer: &StartupAnswer) -> bool {
    matches!(answer.answer, StartupKind::Accepted | StartupKind::Asked)
}

/// What a server asks for, in words.
pub(super) fn asks_for(answer: &StartupAnswer) -> &'static str {
    match answer.auth {
        Some(Auth::None) => "nothing",
        None => "something that is not known",
        Some(Auth::Password) => "the password as it is",
        Some(Auth::Md5) => "md5",
        Some(Auth::ScramSha256 | Auth::ScramSha256Plus) => "scram-sha-256",
        Some(Auth::Gss) => "a Kerberos ticket",
        Some(Auth::Sspi) => "SSPI",
        Some(Auth::Oauthbearer) => "an OAuth token",
        Some(Auth::Unsupported) => "something that libpq does not have",
    }
}

/// The seconds since 1970 of a time of the report.
pub(super) fn seconds(time: Option<&String>) -> Option<i64> {
    let time = OffsetDateTime::parse(time?, &Rfc3339).ok()?;
    Some(time.unix_timestamp())
}

/// The values of subjectAltName entries of a kind, such as `DNS:`.
pub(super) fn alt_names<'c>(
    certificate: &'c CertificateReport,
    kind: &'static str,
) -> impl Iterator<Item = &'c str> {
    let names = certificate.subject_alt_names.iter();
    names.filter_map(move |name| name.strip_prefix(kind))
}

/// The names that a client may compare with a host: dNSName, or the CN where there is none.
pub(super) fn dns_names(certificate: &CertificateReport) -> Vec<&str> {
    let names: Vec<_> = alt_names(certificate, "DNS:").collect();
    if !names.is_empty() {
        return names;
    }
    let common_name = certificate.common_names.first();
    common_name.map(String::as_str).into_iter().collect()
}
