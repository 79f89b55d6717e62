//! From a host's verdicts to what its reader should understand and do: why a mode fails or proves
//! less than it seems, and the line that mends it.
//!
//! Pure, and nothing but consequences: a rule speaks only where the verdicts and the evidence say
//! so. Where a fix can be tried without a server (another root, another name), it is, and is
//! given only if it does.

mod access;
mod anchors;
mod authentication;
mod chain;
mod client_certificate;
mod direct_tls;
mod front_end;
mod gss;
mod handshake;
mod host_name;
mod other_clients;
mod parameters;
pub(crate) mod paste;
pub(crate) mod pooler;
mod protection;
mod provider;
mod purpose;
mod reachability;
mod revocation;
mod root_file;
mod server_name;
mod strength;
pub(crate) mod target;
mod tls_off;
mod validity;

pub(crate) use front_end::OR_OLDER;

use crate::client::Client;
use crate::emulates::Emulates;
use crate::libpq::error::{ErrorCode, LibpqError};
use crate::libpq::parameters::{HostSpec, Parameters, RootCertificates, SslMode};
use crate::pki::{Certificate, TrustStore};
use crate::report::{
    Advice, AdviceKind, Anchors, ChainReport, Fix, FixPlace, HostReport, OtherClient, Outcome,
    StartupKind, TlsReport, Verdict,
};

/// What a rule may look at.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The host as reported, without advice yet.
    pub host: &'a HostReport,
    /// The host as libpq was told it.
    pub spec: &'a HostSpec,
    /// The connection parameters.
    pub parameters: &'a Parameters,
    /// The client's files.
    pub client: &'a Client,
    /// The client that is emulated.
    pub emulates: Emulates,
    /// The chain as sent.
    pub chain: &'a [Certificate],
    /// The set of anchors that libpq verifies with; `None` where it has none.
    pub anchors: Option<Anchors>,
    /// What libpq's root file loads to, where there is one.
    pub root_store: Option<&'a TrustStore>,
    /// The time of the judgement, in seconds since 1970 (UTC).
    pub now: i64,
}

/// A kind of situation: nothing where it is not there.
type Rule = fn(&Situation<'_>) -> Vec<Advice>;

/// All of them, the most urgent first.
const RULES: [Rule; 21] = [
    protection::plaintext_fallback,
    parameters::advise,
    reachability::advise,
    tls_off::advise,
    direct_tls::advise,
    handshake::advise,
    server_name::advise,
    client_certificate::advise,
    root_file::advise,
    chain::advise,
    validity::advise,
    revocation::advise,
    strength::advise,
    purpose::advise,
    host_name::advise,
    access::advise,
    authentication::advise,
    protection::advise,
    root_file::verifies_all,
    gss::advise,
    front_end::advise,
];

/// The advice for a host, the most urgent first.
pub fn advise(situation: &Situation<'_>) -> Vec<Advice> {
    let mut all: Vec<Advice> = RULES.iter().flat_map(|rule| rule(situation)).collect();
    // Whom pg_hba.conf lets in is said there, whatever ends TLS: `access` has its own words.
    let by_hba = [AdviceKind::HbaRefuses, AdviceKind::TlsRefused];
    for advice in all.iter_mut().filter(|one| !by_hba.contains(&one.about)) {
        let fixes = std::mem::take(&mut advice.fixes);
        advice.fixes = pooler::fixes(fixes, situation.host);
    }
    all
}

/// What clients other than libpq would refuse in the certificate of a host, though libpq takes it.
pub fn other_clients(situation: &Situation<'_>) -> Vec<OtherClient> {
    other_clients::of(situation)
}

impl<'a> Situation<'a> {
    fn verdict(&self, mode: SslMode) -> Option<&'a Verdict> {
        self.host
            .sslmodes
            .iter()
            .find(|verdict| verdict.mode == mode)
    }

    /// The modes that fail for this reason, in libpq's order.
    fn failing(&self, code: ErrorCode) -> Vec<SslMode> {
        self.failing_where(|error| error.code == code)
    }

    fn failing_where(&self, is: impl Fn(&LibpqError) -> bool) -> Vec<SslMode> {
        self.modes(|verdict| {
            verdict.outcome == Outcome::Fails && verdict.error.as_ref().is_some_and(&is)
        })
    }

    fn modes(&self, is: impl Fn(&Verdict) -> bool) -> Vec<SslMode> {
        let verdicts = self.host.sslmodes.iter().filter(|verdict| is(verdict));
        verdicts.map(|verdict| verdict.mode).collect()
    }

    /// libpq's message for the first of these modes.
    fn message(&self, modes: &[SslMode]) -> String {
        let verdict = modes.first().and_then(|mode| self.verdict(*mode));
        verdict
            .and_then(|verdict| verdict.error.as_ref())
            .map(|error| error.message.clone())
            .unwrap_or_default()
    }

    fn connects(&self, mode: SslMode) -> bool {
        self.verdict(mode)
            .is_some_and(|verdict| verdict.outcome == Outcome::Connects)
    }

    fn connects_by_tls(&self, mode: SslMode) -> bool {
        self.verdict(mode).is_some_and(|verdict| {
            verdict.outcome == Outcome::Connects && verdict.encrypted == Some(true)
        })
    }

    fn tls(&self) -> Option<&'a TlsReport> {
        self.host.tls.as_deref()
    }

    fn leaf(&self) -> Option<&'a Certificate> {
        self.chain.first()
    }

    fn chain_report(&self, anchors: Anchors) -> Option<&'a ChainReport> {
        let reports = &self.tls()?.chain;
        reports.iter().find(|report| report.anchors == anchors)
    }

    /// The chain against the anchors that libpq has.
    fn libpq_chain(&self) -> Option<&'a ChainReport> {
        self.chain_report(self.anchors?)
    }

    /// Whether the certificate is for the host; `None` if that was not seen.
    fn name_matches(&self) -> Option<bool> {
        Some(self.tls()?.host_name.as_ref()?.matches)
    }

    /// The file that libpq reads roots from, or would.
    fn root_path(&self) -> Option<String> {
        match self.parameters.sslrootcert() {
            RootCertificates::File(path) => Some(path),
            RootCertificates::System { .. } | RootCertificates::None => None,
        }
    }

    /// What the user calls the host.
    fn host_text(&self) -> &'a str {
        self.spec
            .host
            .as_deref()
            .or(self.spec.hostaddr.as_deref())
            .unwrap_or_default()
    }

    /// The strongest sslmode that connects by TLS, if any does.
    fn strongest(&self) -> Option<SslMode> {
        let modes = SslMode::ALL.into_iter().rev();
        modes
            .filter(|mode| *mode >= SslMode::Require)
            .find(|mode| self.connects_by_tls(*mode))
    }
}

fn advice(about: AdviceKind, modes: Vec<SslMode>, why: String, fixes: Vec<Fix>) -> Advice {
    Advice {
        about,
        modes,
        why,
        fixes,
    }
}

fn fix(place: FixPlace, text: impl Into<String>, paste: impl IntoIterator<Item = String>) -> Fix {
    Fix {
        text: text.into(),
        place,
        paste: paste.into_iter().collect(),
    }
}

/// Whether an answer to a StartupMessage lets the client in or asks it for credentials.
pub(crate) fn lets_in(answer: Option<&crate::report::StartupAnswer>) -> bool {
    answer.is_some_and(|answer| matches!(answer.answer, StartupKind::Accepted | StartupKind::Asked))
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half & 15)]);
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(*byte));
    }
    text
}
