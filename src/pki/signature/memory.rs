//! The last signatures that were checked on this thread, and what came of it.
//!
//! An answer depends on nothing but what is compared here, so that remembering it changes no answer.

use std::cell::RefCell;
use std::collections::VecDeque;

use super::{AlgorithmIdentifier, BitString, PublicKey, Verified};

/// How many: a chain and the issuers of a few others.
const MANY: usize = 32;

/// A longer message is not worth the room.
const LONGEST: usize = 8 * 1024;

struct Known {
    message: Vec<u8>,
    signature: BitString,
    algorithm: AlgorithmIdentifier,
    key: Vec<u8>,
    answer: Verified,
}

/// The last of them; a mark, which two seldom share, is found without a look at all the rest.
#[derive(Default)]
struct Last {
    marks: VecDeque<u64>,
    known: VecDeque<Known>,
}

thread_local! {
    static LAST: RefCell<Last> = const {
        RefCell::new(Last {
            marks: VecDeque::new(),
            known: VecDeque::new(),
        })
    };
}

/// The last octets of a signature.
fn mark(signature: &BitString) -> u64 {
    let last = signature.octets.last_chunk::<8>();
    last.map_or(0, |last| u64::from_le_bytes(*last))
}

/// The answer to the same question if it is remembered, else a new one.
pub(super) fn remembered(
    message: &[u8],
    signature: &BitString,
    algorithm: &AlgorithmIdentifier,
    key: &PublicKey,
    compute: impl FnOnce() -> Verified,
) -> Verified {
    let mark = mark(signature);
    let known = LAST.with_borrow(|last| {
        // The newest first: the sets of anchors ask about one chain after the other.
        let places = last.marks.iter().enumerate().rev();
        let marked = places.filter(|(_, other)| **other == mark);
        let mut known = marked.filter_map(|(place, _)| last.known.get(place));
        let found = known.find(|known| {
            known.signature == *signature
                && known.message == message
                && known.key == key.der
                && known.algorithm == *algorithm
        });
        found.map(|known| known.answer.clone())
    });
    known.unwrap_or_else(|| {
        let answer = compute();
        let parameters = algorithm.parameters.as_ref();
        let lengths = [
            message.len(),
            signature.octets.len(),
            key.der.len(),
            parameters.map_or(0, |(_, bytes)| bytes.len()),
        ];
        if lengths.into_iter().all(|length| length <= LONGEST) {
            LAST.with_borrow_mut(|last| {
                if last.known.len() >= MANY {
                    last.marks.pop_front();
                    last.known.pop_front();
                }
                last.marks.push_back(mark);
                last.known.push_back(Known {
                    message: message.to_vec(),
                    signature: signature.clone(),
                    algorithm: algorithm.clone(),
                    key: key.der.clone(),
                    answer: answer.clone(),
                });
            });
        }
        answer
    })
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
