//! The certificates of issuers that were read last on this thread: many servers send the same.
//!
//! What is remembered depends on nothing but the bytes of the certificate.

use std::cell::RefCell;
use std::collections::VecDeque;

use crate::pki::Certificate;
use crate::report::{CertificateReport, Shared};

/// How many: the issuers of a few networks.
const MANY: usize = 16;

/// A longer one is not worth the room.
const LONGEST: usize = 8 * 1024;

struct Known {
    certificate: Certificate,
    report: Option<Shared<CertificateReport>>,
}

thread_local! {
    static LAST: RefCell<VecDeque<Known>> = const { RefCell::new(VecDeque::new()) };
}

/// The certificate with these bytes.
pub(super) fn parse(der: &[u8]) -> Certificate {
    let known = LAST.with_borrow(|last| {
        let found = last.iter().find(|known| known.certificate.der == der);
        found.map(|known| known.certificate.clone())
    });
    known.unwrap_or_else(|| {
        let certificate = Certificate::parse(der);
        // With bytes after it, it is another one that is parsed.
        if der.len() <= LONGEST && certificate.der == der {
            LAST.with_borrow_mut(|last| {
                if last.len() >= MANY {
                    last.pop_front();
                }
                last.push_back(Known {
                    certificate: certificate.clone(),
                    report: None,
                });
            });
        }
        certificate
    })
}

/// What a report says of a certificate that has so many days left.
pub(super) fn report(
    certificate: &Certificate,
    days_left: Option<i64>,
    compute: impl FnOnce() -> CertificateReport,
) -> Shared<CertificateReport> {
    LAST.with_borrow_mut(|last| {
        let found = last.iter_mut();
        match found
            .filter(|known| known.certificate.der == certificate.der)
            .find(|known| known.certificate.unparsed == certificate.unparsed)
        {
            Some(Known { report, .. }) => match report {
                Some(report) if report.days_left == days_left => report.clone(),
                _ => report.insert(compute().into()).clone(),
            },
            None => compute().into(),
        }
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::super::certificate;
    use super::*;

    #[test]
    fn what_is_remembered_is_what_is_parsed() {
        let der = || {
            let key = KeyPair::generate().unwrap();
            let parameters = CertificateParams::new(vec!["ca".to_owned()]).unwrap();
            parameters.self_signed(&key).unwrap().der().to_vec()
        };
        let ones: Vec<Vec<u8>> = (0..MANY + 2).map(|_| der()).collect();
        let mut longer = ones[0].clone();
        longer.push(0);
        for round in 0..2 {
            for der in ones.iter().chain([&longer]) {
                assert_eq!(parse(der), Certificate::parse(der), "{round}");
            }
        }
        // A day is another, all else the same.
        let known = parse(&ones[1]);
        let [first, second] = [0, 864_000].map(|now| (*certificate::report(&known, now)).clone());
        assert_ne!(first.days_left, second.days_left);
        let days_left = first.days_left;
        assert_eq!(
            first,
            CertificateReport {
                days_left,
                ..second
            }
        );
    }
}
