//! What a lint may look at, and the questions that several of them ask.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::libpq::authentication::Auth;
use crate::report::enumeration::{CheckState, EnumerationReport, FrontEnd};
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

    /// The certificates from the leaf upwards that issued each other, of those that were sent.
    pub(super) fn path(&self) -> Vec<&'a Shared<CertificateReport>> {
        /// No path is longer; a server may send thousands of certificates.
        const LONGEST: usize = 16;
        let mut path: Vec<_> = self.host.certificates.first().into_iter().collect();
        while let Some(top) = path
            .last()
            .filter(|top| top.subject != top.issuer && path.len() < LONGEST)
        {
            let issuer = self.host.certificates.iter().find(|one| {
                one.subject == top.issuer && !path.iter().any(|known| std::ptr::eq(*known, *one))
            });
            match issuer {
                Some(issuer) => path.push(issuer),
                None => break,
            }
        }
        path
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

    /// The answer to a StartupMessage over TLS, where it lets the client go on.
    pub(super) fn over_tls(&self) -> Option<&'a StartupAnswer> {
        let answer = self.host.startup.tls.as_ref();
        answer.filter(|answer| goes_on(answer))
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

    /// Whether something before PostgreSQL terminates its TLS.
    pub(super) fn front_end(&self) -> bool {
        let concluded = self
            .enumeration()
            .is_some_and(|seen| seen.front_end.conclusion == FrontEnd::Proxy);
        concluded || self.advised(&[AdviceKind::FrontEnd]).is_some()
    }
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
