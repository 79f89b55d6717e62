//! Building the path from the leaf to an anchor (`build_chain`), trusted certificates first.

use super::certificate::Certificate;
use super::issuance::{is_likely_issued, is_self_signed, same};
use super::path::{MAX_DEPTH, Origin, PathCertificate, Step, Stop, Verifier};
use super::release::Release;
use super::time::Asn1Time;
use super::trust_store::Trust;
use super::verify_error::{
    CERT_CHAIN_TOO_LONG, CERT_REJECTED, DEPTH_ZERO_SELF_SIGNED_CERT, SELF_SIGNED_CERT_IN_CHAIN,
    UNABLE_TO_GET_ISSUER_CERT, UNABLE_TO_GET_ISSUER_CERT_LOCALLY, UNSPECIFIED,
};

/// A path one longer than allowed is built, so that the error can tell.
const MAX_LENGTH: usize = MAX_DEPTH + 1;

impl<'a> Verifier<'a> {
    /// Mirrors `build_chain`.
    pub(super) fn build_path(&mut self) -> Step {
        // The whole chain as sent, the leaf among it, as libssl hands it over.
        let mut available: Vec<usize> = (0..self.sent.len()).collect();
        let mut search_sent = true;
        let mut search_store = true;
        while search_sent || search_store {
            let current = self.last();
            if search_store {
                let issuer = if self.path.len() > MAX_LENGTH {
                    None
                } else {
                    self.trusted_issuer(current)
                };
                if let Some(issuer) = issuer {
                    let at = self.path.len() - 1;
                    let mut self_signed = self.self_signed(current, at)?;
                    let mut fits = true;
                    let mut new_from = self.path.len();
                    if !self_signed {
                        self.path.push(issuer);
                        self_signed = self.self_signed(issuer.certificate, at)?;
                    } else if same(current, issuer.certificate) {
                        // The store's copy takes the place of the one that was sent.
                        new_from -= 1;
                        self.untrusted = new_from;
                        self.path[new_from] = issuer;
                    } else {
                        fits = false;
                    }
                    if fits {
                        search_sent = false;
                        if self.is_trusted_from(new_from)? {
                            return Ok(());
                        }
                        if !self_signed {
                            continue;
                        }
                    }
                }
                if !search_sent {
                    break;
                }
            }
            let issuer = if self.is_self_signed(current) || self.path.len() > MAX_LENGTH {
                None
            } else {
                self.sent_issuer(&available, current)
            };
            if let Some(place) = issuer {
                available.retain(|index| *index != place);
                self.path.push(PathCertificate {
                    certificate: &self.sent[place],
                    origin: Origin::Sent(place),
                    trusted: None,
                });
                self.untrusted += 1;
            } else {
                search_sent = false;
                search_store = true;
            }
        }
        Err(self.why_not())
    }

    /// The error for want of an anchor, at the end of the path.
    fn why_not(&self) -> Stop {
        let length = self.path.len();
        let code = if length > MAX_LENGTH {
            CERT_CHAIN_TOO_LONG
        } else if self.is_self_signed(self.last()) {
            if length == 1 {
                DEPTH_ZERO_SELF_SIGNED_CERT
            } else {
                SELF_SIGNED_CERT_IN_CHAIN
            }
        } else if self.untrusted < length {
            UNABLE_TO_GET_ISSUER_CERT
        } else {
            UNABLE_TO_GET_ISSUER_CERT_LOCALLY
        };
        Stop {
            code,
            depth: length - 1,
        }
    }

    fn last(&self) -> &'a Certificate {
        self.path[self.path.len() - 1].certificate
    }

    /// Mirrors `check_trust` over the certificates from a place on.
    fn is_trusted_from(&self, from: usize) -> Result<bool, Stop> {
        for (depth, entry) in self.path.iter().enumerate().skip(from) {
            let trust = entry.trusted.map_or(Trust::Undecided, |trusted| {
                trusted.trust(true, self.rules.release)
            });
            match trust {
                Trust::Trusted => return Ok(true),
                Trust::Rejected => {
                    return Err(Stop {
                        code: CERT_REJECTED,
                        depth,
                    });
                }
                Trust::Undecided => {}
            }
        }
        Ok(false)
    }

    /// Mirrors `X509_self_signed(x, 0) > 0`.
    fn is_self_signed(&self, certificate: &Certificate) -> bool {
        !certificate.extensions.is_invalid(self.rules.release)
            && is_self_signed(certificate, self.rules.release)
    }

    /// Mirrors `X509_self_signed(x, 0)` where its failure ends everything, as in OpenSSL 3.
    fn self_signed(&self, certificate: &Certificate, depth: usize) -> Result<bool, Stop> {
        let readable = certificate
            .public_key
            .as_ref()
            .is_some_and(|key| key.usable);
        if self.rules.release.is_v3() && !readable {
            return Err(Stop {
                code: UNSPECIFIED,
                depth,
            });
        }
        Ok(self.is_self_signed(certificate))
    }

    /// Mirrors `X509_STORE_CTX_get1_issuer`.
    fn trusted_issuer(&self, subject: &'a Certificate) -> Option<PathCertificate<'a>> {
        let candidates = self
            .store
            .by_subject(&subject.issuer)
            .filter(|(_, trusted)| {
                is_likely_issued(&trusted.certificate, subject, self.rules.release)
                    && !self.loops_back(subject, &trusted.certificate)
            })
            .map(|(place, trusted)| PathCertificate {
                certificate: &trusted.certificate,
                origin: Origin::Store(place),
                trusted: Some(trusted),
            });
        self.best(candidates, |entry| entry.certificate)
    }

    /// Whether 1.1.1 as first released sees a loop, which it looks for in the store too.
    fn loops_back(&self, subject: &Certificate, issuer: &Certificate) -> bool {
        let alone = self.path.len() == 1 && self.is_self_signed(subject);
        self.rules.release == Release::First111 && !alone && self.is_in_path(issuer)
    }

    fn is_in_path(&self, certificate: &Certificate) -> bool {
        self.path
            .iter()
            .any(|entry| same(entry.certificate, certificate))
    }

    /// Mirrors `find_issuer` over the certificates sent.
    fn sent_issuer(&self, available: &[usize], subject: &Certificate) -> Option<usize> {
        let may_repeat = self.path.len() == 1
            && match self.rules.release {
                Release::First111 => self.is_self_signed(subject),
                Release::Last111 | Release::V3 => subject.is_self_issued(),
            };
        let candidates = available.iter().copied().filter(|index| {
            let issuer = &self.sent[*index];
            is_likely_issued(issuer, subject, self.rules.release)
                && (may_repeat || !self.is_in_path(issuer))
        });
        self.best(candidates, |index| &self.sent[*index])
    }

    /// The first that is valid now; if none is, OpenSSL 3 takes the one that expired last and
    /// 1.1.1 the last of all.
    fn best<T>(
        &self,
        candidates: impl Iterator<Item = T>,
        certificate: impl Fn(&T) -> &'a Certificate,
    ) -> Option<T> {
        let mut best: Option<T> = None;
        for candidate in candidates {
            if self.is_in_time(certificate(&candidate)) {
                return Some(candidate);
            }
            let end = |of: &T| {
                certificate(of)
                    .not_after
                    .as_ref()
                    .and_then(Asn1Time::readable)
            };
            let better = !self.rules.release.is_v3()
                || best.as_ref().is_none_or(|best| {
                    matches!((end(&candidate), end(best)), (Some(new), Some(old)) if new > old)
                });
            if better {
                best = Some(candidate);
            }
        }
        best
    }
}
