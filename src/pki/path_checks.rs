//! The checks of a complete path: extensions, strength, signatures, times, name constraints.

use super::certificate::Certificate;
use super::extensions::{Decoded, KeyUsage};
use super::general_name::GeneralName;
use super::issuance::{is_likely_issued, is_self_signed};
use super::name_constraints::Comparison;
use super::path::{Step, Stop, Verifier};
use super::public_key::{KeyKind, PublicKey};
use super::purpose::{Ca, check_ca, may_be_tls_server, usage_forbids};
use super::release::Release;
use super::signature::{self, SignatureError};
use super::time::Asn1Time;
use super::trust_store::Trust;
use super::verify_error::{
    CA_KEY_TOO_SMALL, CA_MD_TOO_WEAK, CERT_HAS_EXPIRED, CERT_NOT_YET_VALID, CERT_SIGNATURE_FAILURE,
    EC_KEY_EXPLICIT_PARAMS, ERROR_IN_CERT_NOT_AFTER_FIELD, ERROR_IN_CERT_NOT_BEFORE_FIELD,
    INVALID_CA, INVALID_CA_111, INVALID_PURPOSE, KEYUSAGE_NO_CERTSIGN, PATH_LENGTH_EXCEEDED,
    PROXY_CERTIFICATES_NOT_ALLOWED, UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY,
    UNABLE_TO_VERIFY_LEAF_SIGNATURE, UNHANDLED_CRITICAL_EXTENSION, UNSPECIFIED,
};

/// The bits that a security level asks for (`minbits_table`).
pub(super) const fn minimum_bits(level: u8) -> usize {
    match level {
        0 => 0,
        1 => 80,
        2 => 112,
        3 => 128,
        4 => 192,
        _ => 256,
    }
}

const fn stop(code: i32, depth: usize) -> Stop {
    Stop { code, depth }
}

impl Verifier<'_> {
    fn certificate(&self, depth: usize) -> &Certificate {
        self.path[depth].certificate
    }

    fn usable_key(&self, depth: usize) -> Option<&PublicKey> {
        self.certificate(depth)
            .public_key
            .as_ref()
            .filter(|key| key.usable)
    }

    /// Mirrors `check_key_level`.
    pub(super) fn key_is_strong(&self, depth: usize) -> bool {
        let needed = minimum_bits(self.rules.level);
        self.rules.level == 0
            || self
                .usable_key(depth)
                .is_some_and(|key| key.security_bits(self.rules.release.is_v3()) >= needed)
    }

    /// Mirrors `check_extensions` (1.1.1: `check_chain_extensions`).
    pub(super) fn check_extensions(&self) -> Step {
        let release = self.rules.release;
        let modern = release.is_v3();
        let length = self.path.len();
        let mut below = 0;
        for (depth, entry) in self.path.iter().enumerate() {
            let certificate = entry.certificate;
            let extensions = &certificate.extensions;
            if extensions.unhandled_critical(modern).next().is_some() {
                return Err(stop(UNHANDLED_CRITICAL_EXTENSION, depth));
            }
            if !matches!(
                extensions.proxy_cert_info,
                Decoded::Absent | Decoded::Undecodable
            ) {
                return Err(stop(PROXY_CERTIFICATES_NOT_ALLOWED, depth));
            }
            let must_be_ca = depth > 0;
            if must_be_ca {
                let ca = check_ca(certificate, release);
                // Only the anchor may be a CA by other means than basicConstraints.
                if ca == Ca::No || depth + 1 < length && ca != Ca::Yes {
                    let code = if modern { INVALID_CA } else { INVALID_CA_111 };
                    return Err(stop(code, depth));
                }
            }
            if modern && length > 1 {
                match self.usable_key(depth).map(|key| &key.kind) {
                    None => return Err(stop(UNSPECIFIED, depth)),
                    Some(KeyKind::EcExplicit) => return Err(stop(EC_KEY_EXPLICIT_PARAMS, depth)),
                    Some(_) => {}
                }
            }
            let trust = entry
                .trusted
                .map_or(Trust::Undecided, |trusted| trusted.trust(false, release));
            let suits = match trust {
                Trust::Trusted => true,
                Trust::Rejected => false,
                Trust::Undecided => may_be_tls_server(certificate, must_be_ca, release),
            };
            if !suits {
                return Err(stop(INVALID_PURPOSE, depth));
            }
            // 1.1.1 at first exempted self-issued certificates, the anchor among them.
            let exempt = release == Release::First111 && certificate.is_self_issued();
            if depth > 1 && !exempt && path_length(certificate).is_some_and(|limit| below > limit) {
                return Err(stop(PATH_LENGTH_EXCEEDED, depth));
            }
            if depth > 0 && !certificate.is_self_issued() {
                below += 1;
            }
        }
        Ok(())
    }

    /// Mirrors `check_auth_level`: keys of the issuers, digests of all but the anchor.
    pub(super) fn check_security_level(&self) -> Step {
        let level = self.rules.level;
        if level == 0 {
            return Ok(());
        }
        for (depth, entry) in self.path.iter().enumerate() {
            if depth > 0 && !self.key_is_strong(depth) {
                return Err(stop(CA_KEY_TOO_SMALL, depth));
            }
            let strength = entry
                .certificate
                .signature_algorithm
                .as_ref()
                .and_then(|algorithm| {
                    algorithm
                        .signature()
                        .security_bits(self.rules.release.is_v3())
                });
            if depth + 1 < self.path.len() && strength.is_none_or(|bits| bits < minimum_bits(level))
            {
                return Err(stop(CA_MD_TOO_WEAK, depth));
            }
        }
        Ok(())
    }

    /// Mirrors `X509_get_pubkey_parameters` as OpenSSL 3 heeds it.
    pub(super) fn check_public_keys(&self) -> Step {
        if self.rules.release.is_v3() && self.usable_key(0).is_none() {
            return Err(stop(UNSPECIFIED, self.path.len() - 1));
        }
        Ok(())
    }

    /// Mirrors `internal_verify`: from the anchor down, signature and then time of each.
    pub(super) fn check_signatures_and_times(&mut self) -> Step {
        let last = self.path.len() - 1;
        let anchor = self.certificate(last);
        let mut depth = last;
        let self_issued = match self.rules.release {
            Release::First111 => is_self_signed(anchor, Release::First111),
            release => is_likely_issued(anchor, anchor, release),
        };
        if !self_issued {
            if last == 0 {
                return Err(stop(UNABLE_TO_VERIFY_LEAF_SIGNATURE, 0));
            }
            depth -= 1;
        }
        loop {
            // Nobody checks the signature of the anchor by itself.
            if depth < last {
                self.check_signature(depth)?;
            }
            self.check_time(depth)?;
            if depth == 0 {
                return Ok(());
            }
            depth -= 1;
        }
    }

    fn check_signature(&mut self, depth: usize) -> Step {
        let subject = self.certificate(depth);
        let issuer = self.certificate(depth + 1);
        if self.rules.release != Release::First111 && usage_forbids(issuer, KeyUsage::KEY_CERT_SIGN)
        {
            return Err(stop(KEYUSAGE_NO_CERTSIGN, depth + 1));
        }
        let Some(key) = self.usable_key(depth + 1) else {
            return Err(stop(UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, depth + 1));
        };
        // X509_verify compares the two algorithm fields.
        let algorithm = subject
            .signature_algorithm
            .as_ref()
            .filter(|algorithm| Some(*algorithm) == subject.tbs_signature_algorithm.as_ref());
        let result = match algorithm {
            Some(algorithm) => signature::verify(&subject.tbs, &subject.signature, algorithm, key),
            None => Err(SignatureError::Mismatch),
        };
        match result {
            Ok(()) => Ok(()),
            Err(error @ SignatureError::Unsupported(_)) => {
                self.undetermined.get_or_insert_with(|| error.to_string());
                Ok(())
            }
            Err(SignatureError::Mismatch | SignatureError::UnusableKey) => {
                Err(stop(CERT_SIGNATURE_FAILURE, depth))
            }
        }
    }

    /// Mirrors `ossl_x509_check_cert_time` with an error to tell.
    fn check_time(&self, depth: usize) -> Step {
        let certificate = self.certificate(depth);
        if certificate.bare_anchor {
            return Ok(());
        }
        match certificate.not_before_unix() {
            None => return Err(stop(ERROR_IN_CERT_NOT_BEFORE_FIELD, depth)),
            Some(from) if from > self.now => return Err(stop(CERT_NOT_YET_VALID, depth)),
            Some(_) => {}
        }
        match certificate.not_after_unix() {
            None => Err(stop(ERROR_IN_CERT_NOT_AFTER_FIELD, depth)),
            // The last second is already too late.
            Some(until) if until <= self.now => Err(stop(CERT_HAS_EXPIRED, depth)),
            Some(_) => Ok(()),
        }
    }

    /// Mirrors `ossl_x509_check_cert_time` without one.
    pub(super) fn is_in_time(&self, certificate: &Certificate) -> bool {
        let unix = |time: &Option<Asn1Time>| time.as_ref().and_then(Asn1Time::unix);
        certificate.bare_anchor
            || unix(&certificate.not_before).is_some_and(|from| from <= self.now)
                && unix(&certificate.not_after).is_some_and(|until| until > self.now)
    }

    /// Mirrors `check_name_constraints`: each certificate against all above it.
    pub(super) fn check_name_constraints(&self) -> Step {
        let how = Comparison {
            modern: self.rules.release.is_v3(),
        };
        for (depth, entry) in self.path.iter().enumerate().rev() {
            let certificate = entry.certificate;
            if depth > 0 && certificate.is_self_issued() {
                continue;
            }
            for above in self.path[depth + 1..].iter().rev() {
                let Some(constraints) = above.certificate.extensions.name_constraints.value()
                else {
                    continue;
                };
                let mut result = constraints.check(certificate, how);
                if result.is_ok() && depth == 0 && !has_dns_name(certificate) {
                    result = constraints.check_common_names(certificate, how);
                }
                result.map_err(|code| stop(code, depth))?;
            }
        }
        Ok(())
    }
}

fn has_dns_name(certificate: &Certificate) -> bool {
    certificate
        .subject_alt_names()
        .value()
        .is_some_and(|names| names.iter().any(|name| matches!(name, GeneralName::Dns(_))))
}

/// pathLenConstraint as `ex_pathlen` has it, where there is one.
fn path_length(certificate: &Certificate) -> Option<i64> {
    let constraints = certificate.extensions.basic_constraints.value()?;
    if constraints.negative_path_length {
        return Some(0);
    }
    constraints.path_length.filter(|limit| *limit != -1)
}
