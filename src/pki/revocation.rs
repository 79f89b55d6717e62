//! Revocation lists: which one OpenSSL picks for a certificate, and what it then says.

use super::certificate::Certificate;
use super::crl::{Crl, Listed};
use super::distribution_point::ALL_REASONS;
use super::extensions::KeyUsage;
use super::general_name::GeneralName;
use super::issuance::matches_key_identifier;
use super::path::{Step, Stop, Verifier};
use super::purpose::usage_forbids;
use super::signature::{self, SignatureError};
use super::time::Asn1Time;
use super::verify_error::{
    CERT_REVOKED, CRL_HAS_EXPIRED, CRL_NOT_YET_VALID, CRL_SIGNATURE_FAILURE, DIFFERENT_CRL_SCOPE,
    ERROR_IN_CRL_LAST_UPDATE_FIELD, ERROR_IN_CRL_NEXT_UPDATE_FIELD, KEYUSAGE_NO_CRL_SIGN,
    UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, UNABLE_TO_GET_CRL, UNHANDLED_CRITICAL_CRL_EXTENSION,
};

/// How well a CRL suits a certificate (`CRL_SCORE_*`).
const NO_CRITICAL: u16 = 0x100;
const SCOPE: u16 = 0x080;
const TIME: u16 = 0x040;
const ISSUER_NAME: u16 = 0x020;
const ISSUER_CERTIFICATE: u16 = 0x018;
const SAME_PATH: u16 = 0x008;
const KEY_IDENTIFIER: u16 = 0x004;

#[derive(Clone, Copy)]
struct Choice<'a> {
    crl: &'a Crl,
    score: u16,
    reasons: u16,
    /// The depth of the certificate that signed it.
    issuer: usize,
}

impl<'a> Verifier<'a> {
    /// Mirrors `check_revocation` with `X509_V_FLAG_CRL_CHECK_ALL`.
    pub(super) fn check_revocation(&mut self) -> Step {
        for depth in 0..self.path.len() {
            self.check_one(depth).map_err(|code| Stop { code, depth })?;
        }
        Ok(())
    }

    /// Mirrors `check_cert`.
    fn check_one(&mut self, depth: usize) -> Result<(), i32> {
        let mut reasons = 0;
        while reasons != ALL_REASONS {
            let choice = self.choose(depth, reasons).ok_or(UNABLE_TO_GET_CRL)?;
            self.check_crl(&choice)?;
            self.check_listed(depth, &choice)?;
            if choice.reasons == reasons {
                return Err(UNABLE_TO_GET_CRL);
            }
            reasons = choice.reasons;
        }
        Ok(())
    }

    /// Mirrors `get_crl_sk`: the best score; among equals the newest, else the first.
    fn choose(&self, depth: usize, reasons: u16) -> Option<Choice<'a>> {
        let certificate = self.path[depth].certificate;
        let mut best: Option<Choice<'a>> = None;
        for crl in self.store.crls_of(&certificate.issuer) {
            let Some(candidate) = self.score(depth, crl, reasons) else {
                continue;
            };
            let better = best.is_none_or(|best| {
                candidate.score > best.score
                    || candidate.score == best.score
                        && matches!(
                            (crl.this_update.readable(), best.crl.this_update.readable()),
                            (Some(new), Some(old)) if new > old
                        )
            });
            if better {
                best = Some(candidate);
            }
        }
        best
    }

    /// Mirrors `get_crl_score`, where extended CRL support is off.
    fn score(&self, depth: usize, crl: &'a Crl, reasons: u16) -> Option<Choice<'a>> {
        let certificate = self.path[depth].certificate;
        if let Some(point) = &crl.issuing_distribution_point
            && (point.is_invalid() || point.indirect || point.some_reasons)
        {
            return None;
        }
        let mut score = ISSUER_NAME;
        if !crl.critical {
            score |= NO_CRITICAL;
        }
        if self.crl_time(crl).is_ok() {
            score |= TIME;
        }
        let (issuer, bits) = self.crl_issuer(depth, crl)?;
        score |= bits;
        let mut covered = reasons;
        if let Some(added) = in_scope(certificate, crl) {
            if added & !reasons == 0 {
                return None;
            }
            covered |= added;
            score |= SCOPE;
        }
        Some(Choice {
            crl,
            score,
            reasons: covered,
            issuer,
        })
    }

    /// Mirrors `crl_akid_check`: the certificate above, or one further up the path.
    fn crl_issuer(&self, depth: usize, crl: &Crl) -> Option<(usize, u16)> {
        let first = (depth + 1).min(self.path.len() - 1);
        let identifier = crl.authority_key_identifier.as_ref();
        if matches_key_identifier(self.path[first].certificate, identifier) {
            return Some((first, KEY_IDENTIFIER | ISSUER_CERTIFICATE));
        }
        (first + 1..self.path.len())
            .find(|above| {
                let certificate = self.path[*above].certificate;
                certificate.subject.matches(&crl.issuer)
                    && matches_key_identifier(certificate, identifier)
            })
            .map(|above| (above, KEY_IDENTIFIER | SAME_PATH))
    }

    /// Mirrors `check_crl_time`.
    fn crl_time(&self, crl: &Crl) -> Result<(), i32> {
        match crl.this_update.unix() {
            None => return Err(ERROR_IN_CRL_LAST_UPDATE_FIELD),
            Some(from) if from > self.now => return Err(CRL_NOT_YET_VALID),
            Some(_) => {}
        }
        match crl.next_update.as_ref().map(Asn1Time::unix) {
            None => Ok(()),
            Some(None) => Err(ERROR_IN_CRL_NEXT_UPDATE_FIELD),
            Some(Some(until)) if until <= self.now => Err(CRL_HAS_EXPIRED),
            Some(Some(_)) => Ok(()),
        }
    }

    /// Mirrors `check_crl`.
    fn check_crl(&mut self, choice: &Choice<'_>) -> Result<(), i32> {
        let issuer = self.path[choice.issuer].certificate;
        if !choice.crl.delta {
            if usage_forbids(issuer, KeyUsage::CRL_SIGN) {
                return Err(KEYUSAGE_NO_CRL_SIGN);
            }
            if choice.score & SCOPE == 0 {
                return Err(DIFFERENT_CRL_SCOPE);
            }
        }
        self.crl_time(choice.crl)?;
        let key = issuer
            .public_key
            .as_ref()
            .filter(|key| key.usable)
            .ok_or(UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY)?;
        let crl = choice.crl;
        match signature::verify(&crl.tbs, &crl.signature, &crl.signature_algorithm, key) {
            Ok(()) => Ok(()),
            Err(error @ SignatureError::Unsupported(_)) => {
                self.undetermined
                    .get_or_insert_with(|| format!("{error} (of a CRL)"));
                Ok(())
            }
            Err(SignatureError::Mismatch | SignatureError::UnusableKey) => {
                Err(CRL_SIGNATURE_FAILURE)
            }
        }
    }

    /// Mirrors `cert_crl`.
    fn check_listed(&self, depth: usize, choice: &Choice<'_>) -> Result<(), i32> {
        if choice.crl.critical {
            return Err(UNHANDLED_CRITICAL_CRL_EXTENSION);
        }
        let certificate = self.path[depth].certificate;
        match choice.crl.lists(&certificate.issuer, &certificate.serial) {
            Listed::Revoked => Err(CERT_REVOKED),
            Listed::Removed | Listed::No => Ok(()),
        }
    }
}

/// The reasons a CRL covers for a certificate; `None`: it is outside the scope. Mirrors
/// `crl_crldp_check`.
fn in_scope(certificate: &Certificate, crl: &Crl) -> Option<u16> {
    let point = crl.issuing_distribution_point.as_ref();
    if point.is_some_and(|point| {
        point.only_attribute
            || if certificate.is_ca() {
                point.only_user
            } else {
                point.only_ca
            }
    }) {
        return None;
    }
    let published = certificate
        .extensions
        .crl_distribution_points
        .value()
        .map_or(&[][..], Vec::as_slice);
    for candidate in published {
        let issued = candidate.crl_issuer.as_ref().is_none_or(|names| {
            names.iter().any(
                |name| matches!(name, GeneralName::Directory(name) if name.matches(&crl.issuer)),
            )
        });
        let meets = match (&candidate.name, point.map(|point| &point.name)) {
            (Some(name), Some(Some(other))) => name.overlaps(other),
            _ => true,
        };
        if issued && meets {
            return Some(crl.reasons() & candidate.reasons);
        }
    }
    point
        .is_none_or(|point| point.name.is_none())
        .then(|| crl.reasons())
}
