//! Whether OpenSSL, as libpq's TLS client calls it, takes a chain (`X509_verify_cert`).
//!
//! Purpose and trust are "SSL server", trusted first, no partial chain, depth 100, no policies.
//! The first error in OpenSSL's order of checks is the answer, as libpq's callback never lets one
//! pass.

use crate::emulates::OpenSsl;

use super::certificate::Certificate;
use super::release::Release;
use super::trust_store::{TrustStore, TrustedCertificate};
use super::verify_error;

/// How many intermediate certificates a path may have (`X509_VERIFY_PARAM_set_depth`).
pub(crate) const MAX_DEPTH: usize = 100;

/// Which revocation lists decide.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum CrlPolicy {
    /// None, even if the store holds some.
    #[default]
    Off,
    /// Those of the store, for each certificate of the path
    /// (`X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL`).
    CheckAll,
}

/// The release and the level whose rules hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rules {
    /// The release of OpenSSL.
    pub release: Release,
    /// The security level (`X509_VERIFY_PARAM_set_auth_level`).
    pub level: u8,
}

/// Where a certificate of a path comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// The server sent it: its place in the chain as sent.
    Sent(usize),
    /// The trust store: its place there.
    Store(usize),
}

/// One certificate of a path.
#[derive(Clone, Copy, Debug)]
pub struct PathCertificate<'a> {
    /// The certificate.
    pub certificate: &'a Certificate,
    /// Where it comes from.
    pub origin: Origin,
    pub(crate) trusted: Option<&'a TrustedCertificate>,
}

/// The error OpenSSL stops at.
#[derive(Clone, Debug)]
pub struct PathError<'a> {
    /// `X509_V_ERR_*`.
    pub code: i32,
    /// Which certificate of the path it is about: 0 is the leaf.
    pub depth: usize,
    /// `X509_verify_cert_error_string`.
    pub name: &'static str,
    /// The path as far as it was built, leaf first.
    pub path: Vec<PathCertificate<'a>>,
}

/// What OpenSSL says of a chain.
#[derive(Clone, Debug)]
pub enum PathResult<'a> {
    /// It takes it; the path from leaf to anchor.
    Trusted {
        /// The certificates used, leaf first.
        path: Vec<PathCertificate<'a>>,
    },
    /// It refuses it.
    Refused(PathError<'a>),
    /// It depends on something that is not computed here.
    Undetermined {
        /// What that is.
        reason: String,
        /// The path it would use.
        path: Vec<PathCertificate<'a>>,
    },
}

/// Why a step of verification stops.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Stop {
    pub(crate) code: i32,
    pub(crate) depth: usize,
}

pub(crate) type Step = Result<(), Stop>;

/// `X509_STORE_CTX`.
pub(crate) struct Verifier<'a> {
    pub(crate) sent: &'a [Certificate],
    pub(crate) store: &'a TrustStore,
    pub(crate) rules: Rules,
    pub(crate) now: i64,
    pub(crate) path: Vec<PathCertificate<'a>>,
    /// How many certificates at the beginning of the path are not from the store.
    pub(crate) untrusted: usize,
    /// The first thing that could not be computed.
    pub(crate) undetermined: Option<String>,
}

/// Verifies a chain as sent, leaf first, at `now` in Unix seconds.
///
/// Where a signature cannot be computed and a later check fails, that later error is the answer:
/// OpenSSL would fail too, if perhaps with another number. Where patch releases of one profile
/// differ, the answer is undetermined. A certificate that does not decode (`unparsed`)
/// ends TLS in every sslmode before it comes to this; here the answer is then undetermined.
pub fn verify<'a>(
    sent: &'a [Certificate],
    store: &'a TrustStore,
    crls: CrlPolicy,
    openssl: OpenSsl,
    now: i64,
) -> PathResult<'a> {
    let level = openssl.security_level();
    let mut results = Release::of(openssl)
        .iter()
        .map(|&release| verify_with(sent, store, crls, Rules { release, level }, now));
    let Some(first) = results.next() else {
        return PathResult::Undetermined {
            reason: "no release to emulate".to_owned(),
            path: Vec::new(),
        };
    };
    let trusted = matches!(first, PathResult::Trusted { .. });
    let refused = matches!(first, PathResult::Refused(_));
    for other in results {
        let differs = match other {
            PathResult::Trusted { .. } => refused,
            PathResult::Refused(_) => trusted,
            PathResult::Undetermined { .. } => false,
        };
        if differs {
            return PathResult::Undetermined {
                reason: format!("patch releases of OpenSSL {} differ on it", openssl.name()),
                path: first.into_path(),
            };
        }
    }
    first
}

/// The same under the rules of one release at one level.
pub fn verify_with<'a>(
    sent: &'a [Certificate],
    store: &'a TrustStore,
    crls: CrlPolicy,
    rules: Rules,
    now: i64,
) -> PathResult<'a> {
    let Some(leaf) = sent.first() else {
        return PathResult::Undetermined {
            reason: "the server sent no certificate".to_owned(),
            path: Vec::new(),
        };
    };
    // libssl decodes the whole Certificate message before it verifies anything.
    let undecodable = sent
        .iter()
        .enumerate()
        .find_map(|(place, certificate)| Some((place, certificate.unparsed.as_deref()?)));
    if let Some((place, why)) = undecodable {
        return PathResult::Undetermined {
            reason: format!("certificate {place} as sent does not decode: {why}"),
            path: Vec::new(),
        };
    }
    let mut verifier = Verifier {
        sent,
        store,
        rules,
        now,
        path: vec![PathCertificate {
            certificate: leaf,
            origin: Origin::Sent(0),
            trusted: None,
        }],
        untrusted: 1,
        undetermined: None,
    };
    let result = verifier.run(crls);
    let path = verifier.path;
    match (result, verifier.undetermined) {
        (Err(Stop { code, depth }), _) => PathResult::Refused(PathError {
            code,
            depth,
            name: verify_error::text(code),
            path,
        }),
        (Ok(()), Some(reason)) => PathResult::Undetermined { reason, path },
        (Ok(()), None) => PathResult::Trusted { path },
    }
}

impl<'a> PathResult<'a> {
    /// The path, as far as it was built.
    pub fn path(&self) -> &[PathCertificate<'a>] {
        match self {
            Self::Trusted { path } | Self::Undetermined { path, .. } => path,
            Self::Refused(error) => &error.path,
        }
    }

    /// The path, as far as it was built.
    pub fn into_path(self) -> Vec<PathCertificate<'a>> {
        match self {
            Self::Trusted { path } | Self::Undetermined { path, .. } => path,
            Self::Refused(error) => error.path,
        }
    }

    /// Whether OpenSSL takes the chain; `None`: undetermined.
    pub const fn is_trusted(&self) -> Option<bool> {
        match self {
            Self::Trusted { .. } => Some(true),
            Self::Refused(_) => Some(false),
            Self::Undetermined { .. } => None,
        }
    }
}

impl Verifier<'_> {
    /// Mirrors `X509_verify_cert` and `verify_chain`.
    fn run(&mut self, crls: CrlPolicy) -> Step {
        if !self.key_is_strong(0) {
            return Err(Stop {
                code: verify_error::EE_KEY_TOO_SMALL,
                depth: 0,
            });
        }
        self.build_path()?;
        self.check_extensions()?;
        self.check_security_level()?;
        self.check_public_keys()?;
        if crls == CrlPolicy::CheckAll {
            self.check_revocation()?;
        }
        self.check_signatures_and_times()?;
        self.check_name_constraints()?;
        if self
            .path
            .iter()
            .any(|entry| entry.certificate.extensions.resources)
        {
            self.undetermined
                .get_or_insert_with(|| "RFC 3779 resources are not checked".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};

    use super::super::verify_error::{CERT_HAS_EXPIRED, CERT_NOT_YET_VALID, UNABLE_TO_GET_CRL};
    use super::*;

    fn parameters(name: &str) -> CertificateParams {
        let mut parameters = CertificateParams::new(vec![format!("{name}.example.test")]).unwrap();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        parameters.not_before = rcgen::date_time_ymd(2024, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2034, 1, 1);
        parameters
    }

    const FROM: i64 = 1_704_067_200;
    const UNTIL: i64 = 2_019_686_400;

    /// A leaf and the store that holds its root.
    fn chain() -> (Vec<Certificate>, TrustStore) {
        let mut of_root = parameters("root");
        of_root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root_key = KeyPair::generate().unwrap();
        let root = of_root.self_signed(&root_key).unwrap();
        let issuer = Issuer::new(of_root, root_key);
        let key = KeyPair::generate().unwrap();
        let leaf = parameters("db").signed_by(&key, &issuer).unwrap();
        let mut store = TrustStore::empty();
        store.add(Certificate::parse(root.der()), None, false);
        (vec![Certificate::parse(leaf.der())], store)
    }

    fn alone(usages: Vec<KeyUsagePurpose>) -> (Vec<Certificate>, TrustStore) {
        let mut parameters = parameters("alone");
        parameters.key_usages = usages;
        let key = KeyPair::generate().unwrap();
        let certificate = Certificate::parse(parameters.self_signed(&key).unwrap().der());
        let mut store = TrustStore::empty();
        store.add(certificate.clone(), None, false);
        (vec![certificate], store)
    }

    #[test]
    fn the_seconds_at_both_ends_of_validity() {
        let (sent, store) = chain();
        for (now, code) in [
            (FROM - 1, Some(CERT_NOT_YET_VALID)),
            (FROM, None),
            (UNTIL - 1, None),
            (UNTIL, Some(CERT_HAS_EXPIRED)),
        ] {
            let result = verify(&sent, &store, CrlPolicy::Off, OpenSsl::V3Level2, now);
            match (result, code) {
                (PathResult::Trusted { path }, None) => {
                    assert_eq!(path.len(), 2);
                    assert_eq!(path[0].origin, Origin::Sent(0));
                    assert_eq!(path[1].origin, Origin::Store(0));
                }
                (PathResult::Refused(error), Some(code)) => {
                    assert_eq!((error.code, error.depth), (code, 1));
                    assert_eq!(error.name, verify_error::text(code));
                }
                (result, _) => panic!("{result:?} at {now}"),
            }
        }
    }

    #[test]
    fn without_a_list_every_check_of_revocation_fails() {
        let (sent, store) = chain();
        let result = verify(&sent, &store, CrlPolicy::CheckAll, OpenSsl::V3Level2, FROM);
        let PathResult::Refused(error) = result else {
            panic!("{result:?}");
        };
        assert_eq!((error.code, error.depth), (UNABLE_TO_GET_CRL, 0));
    }

    #[test]
    fn where_patch_releases_differ_the_answer_is_undetermined() {
        // The first 1.1.1 takes a key usage without keyCertSign for not self-signed.
        let (sent, store) = alone(vec![KeyUsagePurpose::DigitalSignature]);
        let ask = |openssl| verify(&sent, &store, CrlPolicy::Off, openssl, FROM).is_trusted();
        assert_eq!(ask(OpenSsl::V3Level2), Some(true));
        assert_eq!(ask(OpenSsl::V111), None);
        let (sent, store) = alone(Vec::new());
        let result = verify(&sent, &store, CrlPolicy::Off, OpenSsl::V111, FROM);
        assert_eq!(result.is_trusted(), Some(true));
    }

    #[test]
    fn a_certificate_that_does_not_decode_is_never_judged() {
        let (mut sent, store) = chain();
        sent.push(Certificate::parse(b"no certificate"));
        let result = verify(&sent, &store, CrlPolicy::Off, OpenSsl::V3Level2, FROM);
        let PathResult::Undetermined { reason, .. } = result else {
            panic!("{result:?}");
        };
        assert!(reason.starts_with("certificate 1 as sent"), "{reason}");
    }

    #[test]
    fn no_certificate_is_no_answer() {
        let store = TrustStore::empty();
        let result = verify(&[], &store, CrlPolicy::Off, OpenSsl::V3Level2, FROM);
        assert_eq!(result.is_trusted(), None);
        assert!(result.path().is_empty());
    }

    proptest! {
        #[test]
        fn no_change_of_a_certificate_makes_verification_panic(
            place in any::<prop::sample::Index>(),
            value in any::<u8>(),
            in_store in any::<bool>(),
        ) {
            let (mut sent, mut store) = chain();
            let changed = if in_store {
                &store.certificates()[0].certificate
            } else {
                &sent[0]
            };
            let mut der = changed.der.clone();
            let place = place.index(der.len());
            der[place] = value;
            let changed = Certificate::parse(&der);
            if in_store {
                store = TrustStore::empty();
                store.add(changed, None, false);
            } else {
                sent[0] = changed;
            }
            for openssl in [OpenSsl::V3Level2, OpenSsl::V111] {
                let _ = verify(&sent, &store, CrlPolicy::Off, openssl, FROM);
            }
        }
    }
}
