//! What a client trusts: certificates with their trust settings, and revocation lists
//! (`X509_STORE`).

use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;

use super::certificate::Certificate;
use super::crl::Crl;
use super::issuance::{is_likely_issued, is_self_signed, same};
use super::name::Name;
use super::oid;
use super::pem::{self, PemError, PemItem, TrustSettings};
use super::release::Release;
use super::subject_key::SubjectKey;

/// One certificate of the store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TrustedCertificate {
    /// The certificate.
    pub certificate: Certificate,
    /// The trust settings of a `TRUSTED CERTIFICATE` block.
    pub settings: Option<TrustSettings>,
    /// Whether it comes from a hashed directory, which is searched only where the files had no
    /// certificate of that subject.
    pub from_directory: bool,
}

/// What the trust settings of a certificate say (`X509_check_trust` for TLS servers).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Trust {
    Trusted,
    Rejected,
    Undecided,
}

impl TrustedCertificate {
    /// Mirrors `obj_trust` for serverAuth; `self_signed_suffices` is the default for want of
    /// settings.
    pub(crate) fn trust(&self, self_signed_suffices: bool, release: Release) -> Trust {
        let concerns = |oids: &Option<Vec<oid::Oid>>| {
            oids.iter()
                .flatten()
                .any(|oid| oid.is(oid::SERVER_AUTH) || oid.is(oid::ANY_EXTENDED_KEY_USAGE))
        };
        if let Some(settings) = &self.settings {
            if concerns(&settings.rejected) {
                return Trust::Rejected;
            }
            if settings.trusted.is_some() {
                return if concerns(&settings.trusted) {
                    Trust::Trusted
                } else {
                    Trust::Rejected
                };
            }
        }
        let valid = !self.certificate.extensions.is_invalid(release);
        if self_signed_suffices && valid && is_self_signed(&self.certificate, release) {
            Trust::Trusted
        } else {
            Trust::Undecided
        }
    }
}

/// A set of trusted certificates and CRLs, in the order they were added.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TrustStore {
    certificates: Vec<TrustedCertificate>,
    /// Of each certificate a number that follows from its subject: many are passed over for one.
    subjects: Vec<u64>,
    crls: Vec<Crl>,
}

/// A number that is the same for names that match.
fn number_of(name: &Name) -> u64 {
    // FNV-1a, eight bytes at a time.
    let mix = |sum: u64, word: u64| {
        (sum ^ word)
            .wrapping_mul(0x0000_0100_0000_01b3)
            .rotate_left(23)
    };
    let (words, rest) = name.canonical().as_chunks::<8>();
    let sum = words
        .iter()
        .fold(0, |sum, word| mix(sum, u64::from_le_bytes(*word)));
    rest.iter().fold(sum, |sum, byte| mix(sum, (*byte).into()))
}

/// Where in Mozilla's list the roots of a key are.
struct Mozillas {
    by_key: HashMap<u64, Vec<usize>>,
    /// Those that may be any.
    of_no_key: Vec<usize>,
}

/// The list never changes: many chains fold its names once.
fn mozillas() -> &'static Mozillas {
    static KEYS: OnceLock<Mozillas> = OnceLock::new();
    KEYS.get_or_init(|| {
        let mut all = Mozillas {
            by_key: HashMap::new(),
            of_no_key: Vec::new(),
        };
        for (place, anchor) in webpki_roots::TLS_SERVER_ROOTS.iter().enumerate() {
            match SubjectKey::of_rdns(anchor.subject.as_ref()).number() {
                Some(key) => all.by_key.entry(key).or_default().push(place),
                None => all.of_no_key.push(place),
            }
        }
        all
    })
}

impl TrustStore {
    /// A store with nothing in it: no chain ends there.
    pub fn empty() -> Self {
        Self::default()
    }

    /// What a root certificate file loads to.
    pub fn from_pem(bytes: &[u8]) -> Result<Self, PemError> {
        let mut store = Self::default();
        store.add_pem(bytes)?;
        Ok(store)
    }

    /// Adds a file of certificates and CRLs, mirroring `X509_load_cert_crl_file`: a root file, an
    /// `SSL_CERT_FILE`, or the file of `sslcrl` (in which a certificate becomes trusted too).
    /// Nothing is added if any of it is bad.
    pub fn add_pem(&mut self, bytes: &[u8]) -> Result<(), PemError> {
        let items = pem::read(bytes)?;
        if items.is_empty() {
            return Err(PemError::NothingFound);
        }
        for item in items {
            match item {
                PemItem::Certificate(certificate, settings) => {
                    self.add(*certificate, settings, false);
                }
                PemItem::Crl(crl) => self.add_crl(*crl),
            }
        }
        Ok(())
    }

    /// Adds a file `HASH.N` of a hashed directory, where `HASH` is [`Name::hash`] of an issuer
    /// wanted: its certificates only. Nothing is added if any of it is bad.
    pub fn add_directory_entry(&mut self, bytes: &[u8]) -> Result<(), PemError> {
        for item in pem::read(bytes)? {
            if let PemItem::Certificate(certificate, settings) = item {
                self.add(*certificate, settings, true);
            }
        }
        Ok(())
    }

    /// Adds a file `HASH.rN` of a hashed directory, mirroring `X509_load_crl_file`.
    pub fn add_directory_crl(&mut self, bytes: &[u8]) -> Result<(), PemError> {
        for item in pem::read(bytes)? {
            if let PemItem::Crl(crl) = item {
                self.add_crl(*crl);
            }
        }
        Ok(())
    }

    /// Mozilla's list of TLS server roots, as the crate webpki-roots has it: names, keys and name
    /// constraints without dates, so that none of them is ever expired.
    ///
    /// Only those of the list that `chain` could end in are read: no other changes the answer.
    pub fn mozilla(chain: &[Certificate]) -> Self {
        let names = chain
            .iter()
            .flat_map(|certificate| [&certificate.issuer, &certificate.subject]);
        let mut wanted = Some(mozillas().of_no_key.clone());
        for name in names {
            match (SubjectKey::of_name(&name.der).number(), &mut wanted) {
                (Some(key), Some(wanted)) => {
                    wanted.extend(mozillas().by_key.get(&key).into_iter().flatten());
                }
                // It may be any.
                (None, wanted) => *wanted = None,
                (Some(_), None) => {}
            }
        }
        let all = webpki_roots::TLS_SERVER_ROOTS;
        let wanted: BTreeSet<usize> = match wanted {
            Some(some) => some.into_iter().collect(),
            None => (0..all.len()).collect(),
        };
        let mut store = Self::default();
        for anchor in wanted.into_iter().filter_map(|place| all.get(place)) {
            let constraints = anchor.name_constraints.as_ref().map(AsRef::as_ref);
            if let Ok(certificate) = Certificate::bare(
                anchor.subject.as_ref(),
                anchor.subject_public_key_info.as_ref(),
                constraints,
            ) {
                store.push(TrustedCertificate {
                    certificate,
                    settings: None,
                    from_directory: false,
                });
            }
        }
        store
    }

    /// Adds one certificate unless it is there already.
    pub fn add(
        &mut self,
        certificate: Certificate,
        settings: Option<TrustSettings>,
        from_directory: bool,
    ) {
        let known = self
            .certificates
            .iter()
            .any(|trusted| same(&trusted.certificate, &certificate));
        if !known {
            self.push(TrustedCertificate {
                certificate,
                settings,
                from_directory,
            });
        }
    }

    fn push(&mut self, trusted: TrustedCertificate) {
        self.subjects.push(number_of(&trusted.certificate.subject));
        self.certificates.push(trusted);
    }

    /// Adds one CRL unless it is there already.
    pub fn add_crl(&mut self, crl: Crl) {
        if !self.crls.iter().any(|known| known.der == crl.der) {
            self.crls.push(crl);
        }
    }

    /// The certificates in order.
    pub fn certificates(&self) -> &[TrustedCertificate] {
        &self.certificates
    }

    /// The revocation lists in order.
    pub fn crls(&self) -> &[Crl] {
        &self.crls
    }

    /// The certificates above one, up to a self-signed one or as far as they are here: OpenSSL sends
    /// them with a client certificate that stands alone in its file (`ssl_add_cert_chain`).
    pub fn issuers(&self, leaf: &Certificate, release: Release) -> Vec<&Certificate> {
        /// No chain of OpenSSL's is longer (`X509_VERIFY_PARAM`, depth 100).
        const LONGEST: usize = 100;
        let mut found: Vec<&Certificate> = Vec::new();
        loop {
            let last = found.last().copied().unwrap_or(leaf);
            let mut all = self.certificates.iter().map(|trusted| &trusted.certificate);
            let issuer = all.find(|issuer| is_likely_issued(issuer, last, release));
            match issuer {
                Some(issuer)
                    if !is_self_signed(last, release)
                        && !issuer.bare_anchor
                        && found.len() < LONGEST =>
                {
                    found.push(issuer);
                }
                _ => return found,
            }
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty() && self.crls.is_empty()
    }

    /// The certificates of a subject in the order OpenSSL tries them.
    pub(crate) fn by_subject<'a>(
        &'a self,
        subject: &'a Name,
    ) -> impl Iterator<Item = (usize, &'a TrustedCertificate)> {
        let number = number_of(subject);
        let found = move |lazy: bool| {
            let numbers = self.subjects.iter().enumerate();
            numbers
                .filter(move |(_, other)| **other == number)
                .filter_map(|(place, _)| Some((place, self.certificates.get(place)?)))
                .filter(move |(_, trusted)| {
                    trusted.from_directory == lazy && trusted.certificate.subject.matches(subject)
                })
        };
        let in_files = found(false).next().is_some();
        found(!in_files)
    }

    /// The CRLs of an issuer in the order OpenSSL scores them.
    pub(crate) fn crls_of<'a>(&'a self, issuer: &'a Name) -> impl Iterator<Item = &'a Crl> {
        self.crls
            .iter()
            .filter(move |crl| crl.issuer.matches(issuer))
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn pem() -> String {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(vec!["db.example.test".to_owned()]).unwrap();
        parameters.self_signed(&key).unwrap().pem()
    }

    #[test]
    fn a_file_without_certificates_is_an_error() {
        for text in ["", "words\n", &KeyPair::generate().unwrap().serialize_pem()] {
            let error = TrustStore::from_pem(text.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), "no certificate or crl found");
        }
    }

    #[test]
    fn nothing_is_added_from_a_bad_file() {
        let mut store = TrustStore::empty();
        let text = format!("{}-----BEGIN CERTIFICATE-----\n", pem());
        assert_eq!(store.add_pem(text.as_bytes()), Err(PemError::BadEndLine));
        assert!(store.is_empty());
    }

    #[test]
    fn the_same_certificate_counts_once() {
        let pem = pem();
        let store = TrustStore::from_pem(format!("{pem}{pem}").as_bytes()).unwrap();
        assert_eq!(store.certificates().len(), 1);
    }

    #[test]
    fn a_directory_is_searched_only_for_subjects_the_files_have_not() {
        // Both have rcgen's default subject.
        let (in_file, in_directory) = (pem(), pem());
        let mut store = TrustStore::empty();
        store.add_directory_entry(in_directory.as_bytes()).unwrap();
        let subject = store.certificates()[0].certificate.subject.clone();
        assert_eq!(store.by_subject(&subject).count(), 1);
        store.add_pem(in_file.as_bytes()).unwrap();
        let found: Vec<usize> = store.by_subject(&subject).map(|(place, _)| place).collect();
        assert_eq!(found, [1]);
    }

    #[test]
    fn mozillas_roots_are_all_there_and_usable() {
        let all: Vec<_> = webpki_roots::TLS_SERVER_ROOTS
            .iter()
            .map(|anchor| {
                let key = anchor.subject_public_key_info.as_ref();
                Certificate::bare(anchor.subject.as_ref(), key, None).unwrap()
            })
            .collect();
        assert!(TrustStore::mozilla(&[]).is_empty());
        let one = TrustStore::mozilla(&all[..1]);
        assert!((1..4).contains(&one.certificates().len()));
        let store = TrustStore::mozilla(&all);
        assert_eq!(
            store.certificates().len(),
            webpki_roots::TLS_SERVER_ROOTS.len()
        );
        for trusted in store.certificates() {
            let key = trusted.certificate.public_key.as_ref().unwrap();
            assert!(key.usable, "{}", trusted.certificate.subject);
            assert!(!trusted.certificate.subject.is_empty());
            assert_eq!(trusted.trust(true, Release::V3), Trust::Trusted);
        }
    }
}
