//! What a security level asks of the chain that OpenSSL sends with a certificate of its own.

use super::certificate::Certificate;
use super::issuance::is_self_signed;
use super::path_checks::minimum_bits;
use super::release::Release;

/// What OpenSSL says of a signature on a hash that falls short of the level. Of OpenSSL 3 the releases
/// up to 3.5.4 do, 3.5.9 does not.
pub const WEAK_DIGEST: &str = "ca md too weak";

/// Why OpenSSL does not send a chain, the client's own certificate first, at a security level; it
/// ends the handshake with that. [`WEAK_DIGEST`] only where nothing else is wrong, or it comes first
/// in 1.1.1. Mirrors `ssl_security_cert_chain`.
pub fn refused(chain: &[&Certificate], release: Release, level: u8) -> Option<&'static str> {
    let needed = minimum_bits(level);
    if needed == 0 {
        return None;
    }
    let reasons = chain.iter().enumerate().map(|(depth, certificate)| {
        let key = certificate.public_key.as_ref().filter(|key| key.usable);
        let bits = key.map(|key| key.security_bits(release.is_v3()));
        if bits.is_none_or(|bits| bits < needed) {
            return Some(match depth {
                0 => "ee key too small",
                _ => "ca key too small",
            });
        }
        let algorithm = certificate.signature_algorithm.as_ref();
        let bits =
            algorithm.and_then(|algorithm| algorithm.signature().security_bits(release.is_v3()));
        let weak = bits.is_none_or(|bits| bits < needed) && !is_self_signed(certificate, release);
        weak.then_some(WEAK_DIGEST)
    });
    let reasons: Vec<_> = reasons.flatten().collect();
    let certain = reasons.iter().find(|reason| **reason != WEAK_DIGEST);
    certain
        .filter(|_| release.is_v3())
        .or(reasons.first())
        .copied()
}
