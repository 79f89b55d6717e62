//! What became of the targets, in numbers.

use std::collections::BTreeMap;

use crate::libpq::parameters::SslMode;
use crate::report::{Report, ScanOutcome, Status, TlsAnswer};

/// Days in which a certificate counts as ending soon.
pub const SOON: i64 = 30;

/// Numbers of records by what they say.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// All.
    pub records: u64,
    /// By status.
    pub statuses: BTreeMap<&'static str, u64>,
    /// By the TLS version that was negotiated.
    pub versions: BTreeMap<String, u64>,
    /// Whether anything accepted a connection.
    pub reached: u64,
    /// Leaves that have expired.
    pub expired: u64,
    /// Leaves that will within [`SOON`] days.
    pub expiring: u64,
    /// Servers whose TLS libpq takes with verify-full.
    pub verify_full: u64,
    /// Targets that were given up for want of something on this machine, or by a fault of ours.
    pub unfinished: u64,
}

impl Tally {
    /// Counts a record.
    pub fn note(&mut self, report: &Report) {
        self.records += 1;
        *self.statuses.entry(report.status.name()).or_default() += 1;
        let mut addresses = report.hosts.iter().flat_map(|host| &host.addresses);
        if addresses.any(|address| address.connected == Some(true)) {
            self.reached += 1;
        }
        let version = report
            .tls
            .as_ref()
            .filter(|_| report.status == Status::Tls)
            .and_then(|tls| tls.protocol_version.as_deref());
        if let Some(version) = version {
            match self.versions.get_mut(version) {
                Some(count) => *count += 1,
                None => {
                    self.versions.insert(version.to_owned(), 1);
                }
            }
        }
        match report.certificates.first().and_then(|leaf| leaf.days_left) {
            Some(days) if days < 0 => self.expired += 1,
            Some(days) if days <= SOON => self.expiring += 1,
            _ => {}
        }
        let full = |mode: &&crate::report::Verdict| mode.mode == SslMode::VerifyFull;
        if report.sslmodes.iter().find(full).map(|verdict| verdict.tls) == Some(TlsAnswer::Accepted)
        {
            self.verify_full += 1;
        }
        let outcome = report.scan.as_ref().map(|scan| scan.outcome);
        if matches!(
            outcome,
            Some(ScanOutcome::LocalError | ScanOutcome::InternalError)
        ) {
            self.unfinished += 1;
        }
    }
}
