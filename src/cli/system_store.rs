//! Gathers what OpenSSL's own store has for a chain: it looks certificates up by the hash of a
//! name, so only those of the chain's issuers are read.

use std::collections::BTreeMap;
use std::io::{BufReader, Read as _};

use super::gather::{file_fact, regular};
use crate::client::{Bytes, Client, FileFact};
use crate::libpq::parameters::Parameters;
use crate::observation::HostObservation;
use crate::pki::subject_key::SubjectKey;
use crate::pki::{Certificate, pem};

/// How many certificates of one hash are read; OpenSSL numbers them from 0 on.
const SAME_HASH: u32 = 16;

/// How much of a bundle is read, and how much at a time.
const LIMIT: u64 = 64 * 1024 * 1024;
const BUFFER: usize = 32 * 1024;

/// How many issuers are followed: a chain's, and those of what was found.
const ISSUERS: usize = 64;

/// Adds the files to the client's facts.
pub(super) fn gather(client: &mut Client, parameters: &Parameters, hosts: &[HostObservation]) {
    let (file, directories) = parameters.system_store();
    let chain = chain_certificates(hosts);
    if chain.is_empty() {
        return;
    }
    client
        .files
        .entry(file.to_owned())
        .or_insert_with_key(|path| of_the_chain(path, &chain));
    let mut wanted: Vec<u32> = chain.iter().flat_map(hashes).collect();
    let mut found: BTreeMap<&String, BTreeMap<String, Bytes>> = BTreeMap::new();
    let mut next = 0;
    while let Some(hash) = wanted.get(next).copied() {
        next += 1;
        if next > ISSUERS {
            break;
        }
        for directory in directories {
            let entries = found.entry(directory).or_default();
            for number in 0..SAME_HASH {
                let name = format!("{hash:08x}.{number}");
                if entries.contains_key(&name) {
                    break;
                }
                let FileFact::Present { bytes, .. } = file_fact(&format!("{directory}/{name}"))
                else {
                    break;
                };
                for issuer in pem::certificates(&bytes.0)
                    .unwrap_or_default()
                    .iter()
                    .flat_map(hashes)
                {
                    if !wanted.contains(&issuer) {
                        wanted.push(issuer);
                    }
                }
                entries.insert(name, bytes);
            }
        }
    }
    for directory in directories {
        let read = found.remove(directory).unwrap_or_default();
        let fact = match client.files.remove(directory) {
            Some(FileFact::Directory { stat, mut entries }) => {
                entries.extend(read);
                FileFact::Directory { stat, entries }
            }
            Some(other) => other,
            None => match file_fact(directory) {
                FileFact::Directory { stat, .. } => FileFact::Directory {
                    stat,
                    entries: read,
                },
                other => other,
            },
        };
        client.files.insert(directory.clone(), fact);
    }
}

fn chain_certificates(hosts: &[HostObservation]) -> Vec<Certificate> {
    let addresses = hosts.iter().flat_map(|host| &host.addresses);
    let connections = addresses.flat_map(|address| &address.connections);
    let seen = connections.filter_map(|connection| connection.tls.as_ref());
    let mut ders: Vec<&Vec<u8>> = seen.flat_map(|tls| &tls.certificates).collect();
    ders.sort_unstable();
    ders.dedup();
    ders.into_iter()
        .map(|der| Certificate::parse(der))
        .collect()
}

/// A bundle less the certificates that the chain cannot lead to. libpq does not use it (where it
/// does, the whole of it was read before): the report says what it would be worth.
fn of_the_chain(path: &str, chain: &[Certificate]) -> FileFact {
    let Some(stat) = regular(path) else {
        return file_fact(path);
    };
    let mut names: Vec<SubjectKey> = chain
        .iter()
        .flat_map(|certificate| [&certificate.issuer, &certificate.subject])
        .map(|name| SubjectKey::of_name(&name.der))
        .collect();
    let mut selected = Vec::new();
    for _ in 0..ISSUERS {
        let wanted = |subject: SubjectKey| names.iter().any(|name| name.may_be(subject));
        #[expect(
            clippy::disallowed_methods,
            reason = "this is where files are gathered"
        )]
        let file = std::fs::File::open(path);
        let Ok(found) = file.and_then(|file| {
            pem::select(BufReader::with_capacity(BUFFER, file.take(LIMIT)), &wanted)
        }) else {
            return file_fact(path);
        };
        selected = found;
        // What was found may have been issued by another of the bundle.
        let found = pem::certificates(&selected).unwrap_or_default();
        let more: Vec<_> = found
            .iter()
            .filter(|certificate| {
                let subject = SubjectKey::of_name(&certificate.subject.der);
                names.iter().any(|name| name.may_be(subject))
            })
            .map(|certificate| SubjectKey::of_name(&certificate.issuer.der))
            .filter(|key| !names.contains(key))
            .collect();
        if more.is_empty() {
            break;
        }
        names.extend(more);
    }
    FileFact::Present {
        stat,
        bytes: Bytes(selected),
    }
}

/// OpenSSL looks for the issuer of each certificate, and for a certificate like itself.
fn hashes(certificate: &Certificate) -> [u32; 2] {
    [certificate.issuer.hash(), certificate.subject.hash()]
}
