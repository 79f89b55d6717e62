//! From evidence to opinion: the report that follows from an observation. Pure and total: it
//! cannot fail and cannot wait, and the time is an argument.

mod certificate;
mod enumeration;
mod expected;
mod host;
mod issuers;
mod trust;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::advice;
use crate::client::Client;
use crate::emulates::Emulates;
use crate::libpq::client_certificate::{ClientCertificate, client_certificate};
use crate::libpq::error::LibpqError;
use crate::libpq::host_name;
use crate::libpq::parameters::{HostSpec, ParameterError, Parameters, SslMode, resolve};
use crate::libpq::verdict::{AddressFacts, Facts, HostFacts, JudgedChain, Possession};
use crate::observation::{Connection, Handshake, HostObservation, Observation, Purpose};
use crate::pki::Certificate;
use crate::pki::extensions::KeyUsage;
use crate::pki::signature::{SignatureError, verify_handshake_signature};
use crate::report::{
    Outcome, Report, SCHEMA_VERSION, Status, TargetReport, TlsAnswer, Verdict, Verifies,
};
use trust::Trust;

pub use trust::{issuers_of, revocation_not_checked};

/// Judges an observation as the emulated client at a time, in seconds since 1970 (UTC).
pub fn assess(observation: &Observation, emulates: Emulates, now: i64) -> Report {
    let client = &observation.client;
    let parameters = match resolve(client, emulates.libpq) {
        Ok(parameters) => parameters,
        Err(error) => {
            let error = match error {
                ParameterError::Libpq(error) => error,
                ParameterError::Target(error) => LibpqError::bad_parameter(error.message),
                ParameterError::Unsupported(why) => LibpqError::bad_parameter(why),
            };
            let mut report = empty(observation, emulates, now);
            let verdicts = SslMode::ALL.map(|mode| refused(mode, &error));
            report.sslmodes = verdicts.to_vec().into();
            let hint = advice::target::hint(&report.target.input, &error.message);
            report.target.hint = Some(hint.to_owned());
            report.target.error = Some(error);
            return report;
        }
    };
    Judge::new(client, &parameters, emulates).report(observation, &parameters, now)
}

/// What judges observations of a client: its trust anchors and its certificate, loaded once.
///
/// For many targets that differ in host, port, database and user only.
pub struct Judge {
    emulates: Emulates,
    trust: Trust,
    client_certificate: Result<ClientCertificate, LibpqError>,
}

impl Judge {
    /// Loads what the parameters name, from the files of `client`.
    pub fn new(client: &Client, parameters: &Parameters, emulates: Emulates) -> Self {
        Self {
            emulates,
            trust: Trust::new(client, parameters, emulates.openssl),
            client_certificate: client_certificate(client, parameters),
        }
    }

    /// Judges an observation at a time, in seconds since 1970 (UTC); `parameters` are those of its
    /// client.
    pub fn report(&self, observation: &Observation, parameters: &Parameters, now: i64) -> Report {
        let emulates = self.emulates;
        let mut report = empty(observation, emulates, now);
        report.target.user = parameters.user().map(str::to_owned);
        report.target.dbname = parameters.dbname().map(str::to_owned);
        report.target.sslmode = parameters.demanded_sslmode();
        report.target.error = parameters.sslmode_error();

        let mut certificate = self.client_certificate.clone();
        if emulates.openssl != observation.emulates.openssl
            && certificate != Ok(ClientCertificate::None)
        {
            // Whether the key loads was tried by the rules of another TLS library.
            certificate = Ok(ClientCertificate::Unknown);
        }
        let facts = Facts {
            parameters,
            refusals: parameters.refusals(),
            openssl: emulates.openssl,
            roots: self.trust.roots.clone(),
            client_certificate: certificate,
            depth: observation.depth,
            same_startup: parameters.startup_parameters() == observation.startup_parameters
                && parameters.max_protocol_version().code() == observation.protocol_version,
            struck_after: parameters
                .connect_timeout_of(observation.emulates.libpq)
                .unwrap_or_default(),
            hosts: host_facts(observation, parameters, &self.trust, now),
        };
        let verdicts = SslMode::ALL.map(|mode| facts.verdict(mode));
        report.sslmodes = Vec::from(verdicts).into();
        let alone = facts.hosts.len() == 1;
        report.hosts = facts
            .hosts
            .iter()
            .enumerate()
            .map(|(number, host)| {
                let verdicts = match alone {
                    true => report.sslmodes.clone(),
                    false => {
                        let verdicts = SslMode::ALL.map(|mode| facts.verdict_of_host(mode, number));
                        Vec::from(verdicts).into()
                    }
                };
                let client = &observation.client;
                host::report(host, &facts, &self.trust, client, verdicts, now)
            })
            .collect();
        let shown = report
            .hosts
            .iter()
            .position(|host| host.tls.is_some())
            .or_else(|| {
                report
                    .hosts
                    .iter()
                    .position(|host| host.status != Status::NothingSent)
            });
        if let Some(host) = shown.and_then(|index| report.hosts.get(index)) {
            report.host_index = shown;
            report.status = host.status;
            report.tls = host.tls.clone();
            report.certificates = host.certificates.clone();
            report.expected_certificate = host.expected_certificate.clone();
        }
        report.notes = host::notes(&report, &facts);
        report
            .notes
            .extend(revocation_not_checked(&observation.client, parameters));
        report
    }
}

/// A report of which nothing is known yet.
fn empty(observation: &Observation, emulates: Emulates, now: i64) -> Report {
    Report {
        schema: SCHEMA_VERSION,
        target: TargetReport {
            input: observation.client.input.clone(),
            user: None,
            dbname: None,
            sslmode: None,
            error: None,
            hint: None,
        },
        probed_at: rfc3339(observation.observed_at).unwrap_or_default(),
        judged_at: rfc3339(now).unwrap_or_default(),
        emulates,
        depth: observation.depth,
        status: Status::NothingSent,
        connections: host::connections(observation),
        host_index: None,
        sslmodes: Vec::new().into(),
        tls: None,
        certificates: Vec::new(),
        expected_certificate: None,
        hosts: Vec::new(),
        notes: Vec::new(),
        scan: None,
    }
}

/// The verdict when libpq refuses the parameters whatever the mode.
fn refused(mode: SslMode, error: &LibpqError) -> Verdict {
    Verdict {
        mode,
        outcome: Outcome::Fails,
        encrypted: None,
        tls: TlsAnswer::NotUsed,
        verifies: Verifies::Nothing,
        host_index: None,
        auth: None,
        settled_by: None,
        reason: None,
        attempts: Vec::new(),
        error: Some(error.clone()),
    }
}

fn host_facts<'a>(
    observation: &'a Observation,
    parameters: &'a Parameters,
    trust: &Trust,
    now: i64,
) -> Vec<HostFacts<'a>> {
    let hosts = parameters.hosts().iter();
    hosts
        .map(|spec| {
            let seen = observation
                .hosts
                .iter()
                .find(|host| host.index == spec.index && same_endpoint(host, spec));
            let host = spec.host.as_deref().unwrap_or_default();
            let addresses = seen
                .map(|seen| seen.addresses.as_slice())
                .unwrap_or_default();
            let addresses = addresses
                .iter()
                .map(|address| AddressFacts {
                    spec,
                    text: address.address.to_string(),
                    observation: address,
                    chains: address
                        .connections
                        .iter()
                        .map(|connection| judge_connection(connection, host, trust, now))
                        .collect(),
                })
                .collect();
            HostFacts {
                spec,
                observation: seen,
                addresses,
            }
        })
        .collect()
}

/// Whether what was seen is of the endpoint that the parameters now name.
fn same_endpoint(seen: &HostObservation, spec: &HostSpec) -> bool {
    let same_host = seen.host == spec.host || (spec.hostaddr.is_some() && seen.hostaddr.is_some());
    same_host && seen.hostaddr == spec.hostaddr && Ok(seen.port) == spec.port()
}

/// Whether OpenSSL refuses the leaf for ECDSA in TLS 1.2 (`ssl_check_srvr_ecc_cert_and_alg`).
fn not_for_signing(leaf: &Certificate) -> bool {
    leaf.key_usage()
        .is_some_and(|usage| !usage.allows(KeyUsage::DIGITAL_SIGNATURE))
}

/// Judges the chain of a connection that a verdict can rest on.
fn judge_connection(
    connection: &Connection,
    host: &str,
    trust: &Trust,
    now: i64,
) -> Option<JudgedChain> {
    let relevant = matches!(connection.purpose, Purpose::Negotiated | Purpose::Direct);
    let tls = connection.tls.as_ref().filter(|_| relevant)?;
    let chain = certificates(tls);
    let leaf = chain.first()?;
    let reports = trust.reports(&chain, now);
    Some(JudgedChain {
        undecodable: chain
            .iter()
            .find_map(|certificate| certificate.unparsed.clone()),
        not_for_signing: not_for_signing(leaf),
        short_time: chain.iter().any(Certificate::has_short_time),
        chain: trust.libpq_answer(&reports, &chain, now),
        host_name: check_name(host, leaf),
        possession: possession(tls, leaf),
        reports,
        sent: chain,
    })
}

/// The chain as sent, parsed.
pub(crate) fn certificates(tls: &Handshake) -> Vec<Certificate> {
    let all = tls.certificates.iter().enumerate();
    all.map(|(place, der)| match place {
        0 => tls
            .leaf
            .get()
            .cloned()
            .unwrap_or_else(|| Certificate::parse(der)),
        _ => issuers::parse(der),
    })
    .collect()
}

fn check_name(host: &str, leaf: &Certificate) -> Result<host_name::Match, host_name::Mismatch> {
    let common_name = leaf.common_names().next();
    host_name::verify(
        host,
        &host_name::presented(leaf),
        common_name.map(|name| name.value.as_slice()),
    )
}

fn possession(tls: &Handshake, leaf: &Certificate) -> Possession {
    let Some(proof) = &tls.signature else {
        if tls.finished_proves_key {
            return Possession::Proved;
        }
        return Possession::NotSeen;
    };
    if proof.signature.is_empty() {
        return Possession::NotSeen;
    }
    let Some(key) = &leaf.public_key else {
        return Possession::Unchecked("the certificate's public key cannot be read".into());
    };
    match verify_handshake_signature(key, proof.scheme, &proof.message, &proof.signature) {
        Ok(()) => Possession::Proved,
        Err(error @ SignatureError::Unsupported(_)) => Possession::Unchecked(error.to_string()),
        Err(error) => Possession::Refuted(error.to_string()),
    }
}

/// A time in seconds since 1970 as RFC 3339; `None` beyond the year 9999.
pub(crate) fn rfc3339(seconds: i64) -> Option<String> {
    let time = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
    time.format(&Rfc3339).ok()
}
