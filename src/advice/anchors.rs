//! Which roots would make a chain verify, tried with the chain itself, and which CA is missing.

use super::provider::{self, Roots};
use super::{Situation, fix, hex, paste};

use crate::client::FileFact;
use crate::emulates::Libpq;
use crate::libpq::parameters::SslMode;
use crate::pki::path::{self, CrlPolicy, PathResult};
use crate::pki::{Certificate, TrustStore};
use crate::report::{Anchors, ChainStatus, Fix, FixPlace};

/// How many certificates of a chain are tried as its root: a server can send a hundred.
const MOST_TRIED: usize = 10;

/// A CA by what is known of it.
pub(super) struct MissingCa {
    pub(super) subject: String,
    /// Its key identifier, in hexadecimal.
    pub(super) key_identifier: Option<String>,
}

impl MissingCa {
    pub(super) fn text(&self) -> String {
        let subject = if self.subject.is_empty() {
            "(empty subject)"
        } else {
            &self.subject
        };
        match &self.key_identifier {
            Some(identifier) => format!("\"{subject}\" (key identifier {identifier})"),
            None => format!("\"{subject}\""),
        }
    }
}

/// The CA at which the chain as sent ends.
pub(super) fn missing_ca(situation: &Situation<'_>) -> Option<MissingCa> {
    let empty = TrustStore::empty();
    let store = situation.root_store.unwrap_or(&empty);
    let mut top = situation.chain.first()?;
    for _ in 0..path::MAX_DEPTH {
        if top.is_self_issued() {
            let identifier = top.extensions.subject_key_identifier.value();
            return Some(MissingCa {
                subject: top.subject.to_string(),
                key_identifier: identifier.map(|bytes| hex(bytes)),
            });
        }
        let trusted = store
            .certificates()
            .iter()
            .map(|trusted| &trusted.certificate);
        let mut known = situation.chain.iter().skip(1).chain(trusted);
        let Some(next) = known.find(|candidate| issued_by(top, candidate)) else {
            break;
        };
        top = next;
    }
    let identifier = top.extensions.authority_key_identifier.value();
    Some(MissingCa {
        subject: top.issuer.to_string(),
        key_identifier: identifier
            .and_then(|identifier| identifier.key_identifier.as_deref())
            .map(hex),
    })
}

/// Whether the names, and the key identifiers where both are there, fit.
pub(super) fn issued_by(certificate: &Certificate, issuer: &Certificate) -> bool {
    certificate.issuer.matches(&issuer.subject) && !other_key(certificate, issuer)
}

/// Whether the key identifiers say that it was another key.
pub(super) fn other_key(certificate: &Certificate, issuer: &Certificate) -> bool {
    let wanted = certificate.extensions.authority_key_identifier.value();
    let wanted = wanted.and_then(|identifier| identifier.key_identifier.as_deref());
    let has = issuer.extensions.subject_key_identifier.value();
    wanted
        .zip(has)
        .is_some_and(|(wanted, has)| wanted != has.as_slice())
}

/// Whether the chain as sent would verify with these certificates as the root file, without CRLs.
pub(super) fn would_verify(situation: &Situation<'_>, roots: &[&Certificate]) -> bool {
    let mut store = TrustStore::empty();
    for root in roots {
        store.add((*root).clone(), None, false);
    }
    let openssl = situation.emulates.openssl;
    let result = path::verify(
        situation.chain,
        &store,
        CrlPolicy::Off,
        openssl,
        situation.now,
    );
    matches!(result, PathResult::Trusted { .. })
}

/// Whether the chain verifies against one of the sets.
pub(super) fn verifies(situation: &Situation<'_>, anchors: Anchors) -> bool {
    situation
        .chain_report(anchors)
        .is_some_and(|report| report.status == ChainStatus::Ok)
}

/// What would make verify-ca and verify-full pass: the best first.
pub(super) fn fixes(situation: &Situation<'_>) -> Vec<Fix> {
    let mut fixes: Vec<Fix> = system_store(situation).into_iter().collect();
    if fixes.is_empty() {
        let provider = provider::of(situation).map(|provider| (provider, provider.roots));
        fixes.extend(
            provider
                .filter(|(_, roots)| *roots != Roots::Public)
                .map(|(provider, _)| providers_roots(situation, provider)),
        );
        fixes.extend(sent_root(situation).into_iter().flatten());
        if let (true, Some((provider, _))) = (fixes.is_empty(), provider) {
            fixes.push(providers_roots(situation, provider));
        }
    }
    if fixes.is_empty() {
        let path = situation.root_path().unwrap_or_else(|| "root.crt".into());
        // What is above this line has said which CA it is.
        let what = match missing_ca(situation) {
            Some(_) => "that CA, up to its self-signed root,",
            None => "the server's CA",
        };
        fixes.push(fix(
            FixPlace::ClientShell,
            format!(
                "ask whoever runs the server for the certificate of {what} and add it to \
                 \"{path}\""
            ),
            [],
        ));
    }
    fixes
}

/// The settings that use a root file for the strongest mode that can pass.
fn with_root_file(situation: &Situation<'_>, path: &str) -> Vec<String> {
    let mode = if situation.name_matches() == Some(true) {
        SslMode::VerifyFull
    } else {
        SslMode::VerifyCa
    };
    paste::connection(
        situation,
        &[("sslmode", mode.name()), ("sslrootcert", path)],
    )
}

/// The system's store, where the chain was verified with it.
fn system_store(situation: &Situation<'_>) -> Option<Fix> {
    if !verifies(situation, Anchors::System) {
        return (verifies(situation, Anchors::Mozilla)
            && situation.anchors != Some(Anchors::Mozilla))
        .then(|| {
            fix(
                FixPlace::Elsewhere,
                "the chain ends in a public CA: install or update this machine's list of them \
                 (the package ca-certificates)",
                [],
            )
        });
    }
    if situation.anchors == Some(Anchors::System) {
        return None;
    }
    let full = situation.name_matches() == Some(true);
    if full && situation.emulates.libpq >= Libpq::V16 {
        return Some(fix(
            FixPlace::ConnectionString,
            "the system's store verifies this chain (libpq 16 and newer; it demands verify-full)",
            paste::connection(
                situation,
                &[("sslmode", "verify-full"), ("sslrootcert", "system")],
            ),
        ));
    }
    let (file, _) = situation.parameters.system_store();
    let FileFact::Present { bytes, .. } = situation.client.file(file) else {
        return None;
    };
    let store = TrustStore::from_pem(&bytes.0).ok()?;
    let result = path::verify(
        situation.chain,
        &store,
        CrlPolicy::Off,
        situation.emulates.openssl,
        situation.now,
    );
    matches!(result, PathResult::Trusted { .. }).then(|| {
        fix(
            FixPlace::ConnectionString,
            "the system's store verifies this chain; as a file it serves verify-ca too, and every \
             libpq",
            with_root_file(situation, file),
        )
    })
}

/// A self-signed certificate that the server sent, if the chain verifies with it.
fn sent_root(situation: &Situation<'_>) -> Option<Vec<Fix>> {
    let (place, root) = situation
        .chain
        .iter()
        .enumerate()
        .take(MOST_TRIED)
        .find(|(_, sent)| sent.is_self_issued() && would_verify(situation, &[sent]))?;
    let path = situation.root_path().unwrap_or_else(|| "root.crt".into());
    let instead = if situation.anchors == Some(Anchors::System) {
        " (sslrootcert=root.crt instead of system)"
    } else {
        ""
    };
    let what = if place == 0 {
        "the server's certificate is its own root"
    } else {
        "the server sends its root too"
    };
    // Two pastes: nobody compares between the lines of one.
    let paste = fetch(situation, place, &path);
    let (fetch, add) = paste.map_or((Vec::new(), None), |(fetch, add)| (fetch, Some(add)));
    Some(vec![
        fix(
            FixPlace::ClientShell,
            format!(
                "{what}: fetch it, and compare the SHA-256 that is printed with that on the server \
                 (seen here: {})",
                hex(&root.sha256())
            ),
            fetch,
        ),
        fix(
            FixPlace::ClientShell,
            format!("only if they are the same, add it to \"{path}\"{instead}"),
            add,
        ),
    ])
}

/// The commands that save a certificate that the server sends beside the root file and show its
/// SHA-256, and the one that adds it to the root file.
fn fetch(situation: &Situation<'_>, place: usize, path: &str) -> Option<(Vec<String>, String)> {
    let port = situation.spec.port().ok()?;
    let address = situation.host.addresses.iter();
    let connected = address
        .clone()
        .find(|address| address.connected == Some(true))?;
    let target = match situation.spec.hostaddr {
        Some(_) => connected.address.clone(),
        None => {
            let host = situation.spec.host.as_deref()?;
            if host.contains(':') {
                format!("[{host}]:{port}")
            } else {
                format!("{host}:{port}")
            }
        }
    };
    let mut command = format!(
        "openssl s_client -starttls postgres -showcerts -connect {}",
        paste::shell(&target)?
    );
    // s_client names the host of -connect by itself, and there it is an address.
    if situation.spec.hostaddr.is_some()
        && let Some(name) = situation.parameters.sni(situation.spec)
    {
        command += &format!(" -servername {}", paste::shell(name)?);
    }
    let fetched = paste::shell(&format!("{path}.new"))?;
    let path = paste::shell(path)?;
    let folder = path.rsplit_once('/').filter(|(folder, _)| {
        // Where the quotes would be cut in two, the folder is the reader's business.
        !folder.is_empty() && !folder.contains('\'')
    });
    let folder = folder.map_or_else(String::new, |(folder, _)| format!("mkdir -p {folder} && "));
    let number = place + 1;
    Some((
        vec![
            format!(
                "{folder}{command} </dev/null 2>/dev/null | awk '/BEGIN CERT/ {{n++}} \
                 n=={number}' | openssl x509 -out {fetched}"
            ),
            format!("openssl x509 -noout -fingerprint -sha256 -in {fetched}"),
        ],
        append(&fetched, &path),
    ))
}

/// The command that adds a PEM file to another: one that ends without a newline would swallow the
/// first line of what follows, and OpenSSL then refuses all of it.
fn append(from: &str, to: &str) -> String {
    format!("{{ echo; cat {from}; }} >> {to}")
}

fn providers_roots(situation: &Situation<'_>, provider: &provider::Provider) -> Fix {
    let looks = format!("this looks like {}", provider.name);
    let path = situation.root_path().unwrap_or_else(|| "root.crt".into());
    match provider.roots {
        Roots::Bundle(address) => fix(
            FixPlace::ClientShell,
            format!(
                "{looks}: its roots are at {address} ({})",
                provider.documentation
            ),
            paste::shell(&path)
                .zip(paste::shell(&format!("{path}.new")))
                .map(|(path, fetched)| {
                    format!(
                        "curl --fail --create-dirs --output {fetched} {address} && {}",
                        append(&fetched, &path)
                    )
                }),
        ),
        Roots::Own(command) => fix(
            FixPlace::ClientShell,
            format!(
                "{looks}, which has a CA for each customer: get its certificate there and save it \
                 as \"{path}\" ({})",
                provider.documentation
            ),
            Some(command.to_owned()).filter(|command| !command.is_empty()),
        ),
        Roots::Public => fix(
            FixPlace::Elsewhere,
            format!(
                "{looks}, which has certificates of public CAs: this one ends in none that is \
                 known here ({})",
                provider.documentation
            ),
            [],
        ),
    }
}
