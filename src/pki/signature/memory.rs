//! The last signatures that were checked on this thread, and what came of it.
//!
//! An answer depends on nothing but what is hashed here, so that remembering it changes no answer.

use std::cell::RefCell;
use std::collections::VecDeque;

use aws_lc_rs::digest::{Context, SHA256};

use super::{AlgorithmIdentifier, BitString, PublicKey, Verified};

/// How many: a chain and the issuers of a few others.
const MANY: usize = 32;

type Name = [u8; 32];

thread_local! {
    static LAST: RefCell<VecDeque<(Name, Verified)>> = const { RefCell::new(VecDeque::new()) };
}

/// The answer to the same question if it is remembered, else a new one.
pub(super) fn remembered(
    message: &[u8],
    signature: &BitString,
    algorithm: &AlgorithmIdentifier,
    key: &PublicKey,
    compute: impl FnOnce() -> Verified,
) -> Verified {
    let Some(name) = name(message, signature, algorithm, key) else {
        return compute();
    };
    let known = LAST.with_borrow(|last| {
        let found = last.iter().find(|(other, _)| *other == name);
        found.map(|(_, answer)| answer.clone())
    });
    known.unwrap_or_else(|| {
        let answer = compute();
        LAST.with_borrow_mut(|last| {
            if last.len() >= MANY {
                last.pop_front();
            }
            last.push_back((name, answer.clone()));
        });
        answer
    })
}

/// A hash of all that the answer depends on, each part with its length.
fn name(
    message: &[u8],
    signature: &BitString,
    algorithm: &AlgorithmIdentifier,
    key: &PublicKey,
) -> Option<Name> {
    let (tag, parameters) = match &algorithm.parameters {
        Some((tag, bytes)) => (u64::from(*tag) + 1, bytes.as_slice()),
        None => (0, [].as_slice()),
    };
    let mut context = Context::new(&SHA256);
    let numbers = [tag, u64::from(signature.unused)];
    for number in numbers {
        context.update(&number.to_be_bytes());
    }
    for part in [
        algorithm.oid.content(),
        parameters,
        &signature.octets,
        &key.der,
        message,
    ] {
        context.update(&u64::try_from(part.len()).ok()?.to_be_bytes());
        context.update(part);
    }
    context.finish().as_ref().try_into().ok()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::super::SignatureError;
    use super::*;
    use crate::pki::Certificate;

    #[test]
    fn the_same_question_is_computed_once_and_another_anew() {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(vec!["db".to_owned()]).unwrap();
        let certificate = Certificate::parse(parameters.self_signed(&key).unwrap().der());
        let algorithm = certificate.signature_algorithm.clone().unwrap();
        let public = certificate.public_key.clone().unwrap();
        let signature = certificate.signature.clone();
        let mut computed = 0;
        let mut ask = |message: &[u8], signature: &BitString, answer: Verified| {
            remembered(message, signature, &algorithm, &public, || {
                computed += 1;
                answer
            })
        };
        let mismatch = Err(SignatureError::Mismatch);
        assert_eq!(ask(b"a", &signature, Ok(())), Ok(()));
        assert_eq!(ask(b"a", &signature, mismatch.clone()), Ok(()));
        assert_eq!(ask(b"b", &signature, mismatch.clone()), mismatch);
        let mut other = signature.clone();
        other.octets[0] ^= 1;
        assert_eq!(ask(b"a", &other, mismatch.clone()), mismatch);
        let mut other = signature.clone();
        other.unused = 1;
        assert_eq!(ask(b"a", &other, mismatch.clone()), mismatch);
        for number in 0..MANY {
            let _ = ask(&number.to_be_bytes(), &signature, Ok(()));
        }
        assert_eq!(ask(b"a", &signature, mismatch.clone()), mismatch);
        assert_eq!(computed, 4 + MANY + 1);
    }
}
