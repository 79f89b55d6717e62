//! The sets of trust anchors that a chain is judged against, made from the client's files.

use std::collections::BTreeMap;

use crate::client::{Bytes, Client, FileFact};
use crate::emulates::OpenSsl;
use crate::libpq::error::{ErrorCode, LibpqError};
use crate::libpq::parameters::{Origin, Parameters, SslMode};
use crate::libpq::root_certificates::{TrustSource, trust_source};
use crate::libpq::verdict::{ChainAnswer, Roots};
use crate::pki::own_chain;
use crate::pki::path::{CrlPolicy, PathCertificate, PathResult};
use crate::pki::release::Release;
use crate::pki::{Certificate, TrustStore, path};
use crate::report::{Anchors, ChainReport, ChainStatus};

/// The sets of anchors of one client.
pub(super) struct Trust {
    /// What libpq loads.
    pub(super) roots: Roots,
    root_file: Option<(String, Result<Loaded, LibpqError>)>,
    system: Loaded,
    system_source: Option<String>,
    uses_system: bool,
    uses_mozilla: bool,
    openssl: OpenSsl,
}

/// The certificates in DER that OpenSSL takes from libpq's roots to send them with a client
/// certificate, `leaf` in DER, that stands alone in its file; and why it does not send them.
pub fn issuers_of(
    leaf: &[u8],
    client: &Client,
    parameters: &Parameters,
    openssl: OpenSsl,
) -> (Vec<Vec<u8>>, Option<&'static str>) {
    let trust = Trust::new(client, parameters, openssl);
    let leaf = Certificate::parse(leaf);
    let release = Release::of(openssl).first().copied();
    let (Some(store), Some(release)) = (trust.store(), release) else {
        return (Vec::new(), None);
    };
    let issuers = store.issuers(&leaf, release);
    let chain: Vec<_> = [&leaf].into_iter().chain(issuers.iter().copied()).collect();
    let refused = own_chain::refused(&chain, release, openssl.security_level());
    let issuers = issuers.into_iter().map(|issuer| issuer.der.clone());
    (issuers.collect(), refused)
}

struct Loaded {
    store: TrustStore,
    check_crls: bool,
}

impl Trust {
    pub(super) fn new(client: &Client, parameters: &Parameters, openssl: OpenSsl) -> Self {
        // Only as an option: in a connection string it is a file name, as for libpq.
        let uses_mozilla = parameters.origin("sslrootcert") == Some(Origin::Option)
            && parameters.value("sslrootcert") == Some("mozilla");
        // What verify-full would verify with: the weaker modes take the same or nothing.
        let source = trust_source(client, parameters, SslMode::VerifyFull);
        let root_file = match &source {
            Ok(TrustSource::File(path)) if !uses_mozilla => {
                Some((path.clone(), root_file(client, parameters, path)))
            }
            _ => None,
        };
        let uses_system = matches!(source, Ok(TrustSource::System { .. }));
        let not_read = match &source {
            Ok(TrustSource::File(path)) => match client.file(path) {
                FileFact::NotRead { why, .. } => Some(format!("\"{path}\" was not read: {why}")),
                _ => None,
            },
            _ => None,
        };
        let roots = match (&root_file, source) {
            (Some(_), _) if not_read.is_some() => Roots::Unknown(not_read.unwrap_or_default()),
            _ if uses_mozilla => Roots::Loaded,
            (Some((_, Err(error))), _) => Roots::Unreadable(error.clone()),
            (_, Err(error)) => Roots::Missing(error),
            (_, Ok(_)) => Roots::Loaded,
        };
        let (system, system_source) = system_store(client, parameters);
        Self {
            roots,
            root_file,
            system,
            system_source,
            uses_system,
            uses_mozilla,
            openssl,
        }
    }

    /// The answer of libpq's own anchors, given those of all sets; `None` where it has none.
    pub(super) fn libpq_answer(
        &self,
        reports: &[ChainReport],
        chain: &[Certificate],
        now: i64,
    ) -> Option<ChainAnswer> {
        let anchors = self.anchors()?;
        let report = reports.iter().find(|report| report.anchors == anchors)?;
        let words = || report.message.clone().unwrap_or_default();
        Some(match report.status {
            ChainStatus::Ok => ChainAnswer::Verified,
            ChainStatus::Failed => ChainAnswer::Refused(words()),
            ChainStatus::Undetermined => ChainAnswer::Unknown(words()),
            // OpenSSL has a store of its own where there is no file of it, too: an empty one.
            ChainStatus::Absent | ChainStatus::Unreadable => {
                match self.verify(&self.system, chain, now) {
                    PathResult::Trusted { .. } => ChainAnswer::Verified,
                    PathResult::Refused(error) => ChainAnswer::Refused(error.name.to_owned()),
                    PathResult::Undetermined { reason, .. } => ChainAnswer::Unknown(reason),
                }
            }
        })
    }

    /// The set that libpq verifies with, if it has one that loads.
    pub(super) fn anchors(&self) -> Option<Anchors> {
        match &self.root_file {
            Some((_, Ok(_))) => Some(Anchors::RootFile),
            Some((_, Err(_))) => None,
            None if self.uses_mozilla => Some(Anchors::Mozilla),
            None => self.uses_system.then_some(Anchors::System),
        }
    }

    /// What the root file loads to.
    pub(super) fn root_store(&self) -> Option<&TrustStore> {
        match &self.root_file {
            Some((_, Ok(loaded))) => Some(&loaded.store),
            _ => None,
        }
    }

    /// What libpq's TLS library has as its store.
    fn store(&self) -> Option<&TrustStore> {
        match &self.root_file {
            Some((_, loaded)) => loaded.as_ref().ok().map(|loaded| &loaded.store),
            None => self.uses_system.then_some(&self.system.store),
        }
    }

    /// The chain against each set.
    pub(super) fn reports(&self, chain: &[Certificate], now: i64) -> Vec<ChainReport> {
        let root_file = match &self.root_file {
            Some((path, Ok(loaded))) => {
                self.report(Anchors::RootFile, Some(path), loaded, chain, now)
            }
            Some((path, Err(error))) => ChainReport {
                status: ChainStatus::Unreadable,
                message: Some(error.message.clone()),
                ..absent(Anchors::RootFile, Some(path))
            },
            None => absent(Anchors::RootFile, None),
        };
        let system = match &self.system_source {
            Some(source) => self.report(Anchors::System, Some(source), &self.system, chain, now),
            None => absent(Anchors::System, None),
        };
        let mozilla = TrustStore::mozilla(chain);
        let mozilla = report_of(
            Anchors::Mozilla,
            Some("webpki-roots"),
            self.verify_with(&mozilla, false, chain, now),
        );
        vec![root_file, system, mozilla]
    }

    fn verify<'a>(&self, loaded: &'a Loaded, chain: &'a [Certificate], now: i64) -> PathResult<'a> {
        self.verify_with(&loaded.store, loaded.check_crls, chain, now)
    }

    fn verify_with<'a>(
        &self,
        store: &'a TrustStore,
        crls: bool,
        chain: &'a [Certificate],
        now: i64,
    ) -> PathResult<'a> {
        let crls = if crls {
            CrlPolicy::CheckAll
        } else {
            CrlPolicy::Off
        };
        path::verify(chain, store, crls, self.openssl, now)
    }

    fn report(
        &self,
        anchors: Anchors,
        source: Option<&str>,
        loaded: &Loaded,
        chain: &[Certificate],
        now: i64,
    ) -> ChainReport {
        report_of(anchors, source, self.verify(loaded, chain, now))
    }
}

fn report_of(anchors: Anchors, source: Option<&str>, result: PathResult<'_>) -> ChainReport {
    let subjects = |path: &[PathCertificate<'_>]| {
        path.iter()
            .map(|element| element.certificate.subject.to_string())
            .collect()
    };
    let base = absent(anchors, source);
    match result {
        PathResult::Trusted { path } => ChainReport {
            status: ChainStatus::Ok,
            path: subjects(&path),
            not_after: path
                .iter()
                .filter_map(|element| element.certificate.not_after_unix())
                .min()
                .and_then(super::rfc3339),
            ..base
        },
        PathResult::Refused(error) => ChainReport {
            status: ChainStatus::Failed,
            error: Some(error.code),
            depth: Some(error.depth),
            message: Some(error.name.to_owned()),
            path: subjects(&error.path),
            ..base
        },
        PathResult::Undetermined { reason, path } => ChainReport {
            status: ChainStatus::Undetermined,
            message: Some(reason),
            path: subjects(&path),
            ..base
        },
    }
}

fn absent(anchors: Anchors, source: Option<&str>) -> ChainReport {
    ChainReport {
        anchors,
        source: source.map(str::to_owned),
        status: ChainStatus::Absent,
        error: None,
        depth: None,
        message: None,
        path: Vec::new(),
        not_after: None,
    }
}

/// The root file with the CRLs beside it, as `initialize_SSL` loads them.
fn root_file(client: &Client, parameters: &Parameters, path: &str) -> Result<Loaded, LibpqError> {
    let unreadable = |reason: &str| {
        LibpqError::new(
            ErrorCode::RootCertUnreadable,
            format!("could not read root certificate file \"{path}\": {reason}"),
        )
    };
    let mut store = match client.file(path) {
        FileFact::Present { bytes, .. } => {
            TrustStore::from_pem(&bytes.0).map_err(|error| unreadable(&error.to_string()))?
        }
        FileFact::Unreadable { error, .. } | FileFact::NotRead { why: error, .. } => {
            return Err(unreadable(error));
        }
        FileFact::Directory { .. } => return Err(unreadable("no certificate or crl found")),
        FileFact::PrivateKey { .. } => return Err(unreadable("no certificate or crl found")),
        FileFact::Absent { error, .. } => return Err(unreadable(error)),
    };
    let check_crls = load_crls(client, parameters, &mut store);
    Ok(Loaded { store, check_crls })
}

/// Mirrors `X509_STORE_load_locations` on sslcrl and sslcrldir: whether CRLs are checked.
fn load_crls(client: &Client, parameters: &Parameters, store: &mut TrustStore) -> bool {
    let (file, directory) = (parameters.sslcrl(), parameters.sslcrldir());
    if let Some(path) = &file {
        let FileFact::Present { bytes, .. } = client.file(path) else {
            return false;
        };
        if store.add_pem(&bytes.0).is_err() {
            return false;
        }
    }
    if let Some(FileFact::Directory { entries, .. }) =
        directory.as_ref().map(|path| client.file(path))
    {
        // A bad file in the directory is found when it is looked up, and passed over.
        for bytes in numbered(entries, ".") {
            let _ = store.add_directory_entry(&bytes.0);
        }
        for bytes in numbered(entries, ".r") {
            let _ = store.add_directory_crl(&bytes.0);
        }
    }
    file.is_some() || directory.is_some()
}

/// Why libpq checks no revocation although it has a root file and lists are given, if so: it says
/// nothing about a list that it cannot load.
pub fn revocation_not_checked(client: &Client, parameters: &Parameters) -> Option<String> {
    let given = |keyword: &str| {
        let value = parameters.value(keyword).filter(|value| !value.is_empty());
        value.filter(|_| parameters.origin(keyword) != Some(Origin::Default))
    };
    let one_given = given("sslcrl").or_else(|| given("sslcrldir"));
    let mozilla = parameters.origin("sslrootcert") == Some(Origin::Option)
        && parameters.value("sslrootcert") == Some("mozilla");
    match trust_source(client, parameters, SslMode::VerifyFull) {
        Ok(TrustSource::File(_)) if !mozilla => {}
        source if mozilla || matches!(source, Ok(TrustSource::System { .. })) => {
            let name = one_given?;
            return Some(format!(
                "no revocation is checked: \"{name}\" counts beside a root file only"
            ));
        }
        _ => return None,
    }
    let path = parameters.sslcrl()?;
    let why = match client.file(&path) {
        FileFact::Present { bytes, .. } => TrustStore::empty().add_pem(&bytes.0).err()?.to_string(),
        FileFact::Absent { .. } if given("sslcrl").is_none() => return None,
        FileFact::Absent { error, .. } | FileFact::Unreadable { error, .. } => error.clone(),
        FileFact::NotRead { why, .. } => {
            return Some(format!(
                "no revocation was checked, and libpq may: \"{path}\" was not read: {why}"
            ));
        }
        FileFact::Directory { .. } | FileFact::PrivateKey { .. } => {
            "no certificate or crl found".into()
        }
    };
    Some(format!(
        "no revocation is checked: libpq passes over \"{path}\", which it cannot load: {why}"
    ))
}

/// The files of a hashed directory that OpenSSL finds: it counts from 0 and stops at the first
/// number that is missing (`get_cert_by_subject_ex` in by_dir.c).
fn numbered<'a>(
    entries: &'a BTreeMap<String, Bytes>,
    separator: &'a str,
) -> impl Iterator<Item = &'a Bytes> {
    let firsts = entries.keys().filter_map(move |name| {
        let hash = name.strip_suffix('0')?.strip_suffix(separator)?;
        (!hash.contains('.')).then_some(hash)
    });
    firsts.flat_map(move |hash| {
        (0_u32..).map_while(move |number| entries.get(&format!("{hash}{separator}{number}")))
    })
}

/// OpenSSL's default store; where it came from, if there is one.
fn system_store(client: &Client, parameters: &Parameters) -> (Loaded, Option<String>) {
    let (file, directories) = parameters.system_store();
    let mut store = TrustStore::empty();
    let mut sources = Vec::new();
    if let FileFact::Present { bytes, .. } = client.file(file) {
        // Nothing of it may be of use to this chain, and then nothing of it was kept.
        let _ = store.add_pem(&bytes.0);
        sources.push(file.to_owned());
    }
    for directory in directories {
        if let FileFact::Directory { entries, .. } = client.file(directory) {
            sources.push(directory.clone());
            for bytes in numbered(entries, ".") {
                let _ = store.add_directory_entry(&bytes.0);
            }
        }
    }
    let source = (!sources.is_empty()).then(|| sources.join(", "));
    let loaded = Loaded {
        store,
        check_crls: false,
    };
    (loaded, source)
}
