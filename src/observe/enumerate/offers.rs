//! What is offered, and in which order: strange things first, so that a server that goes by its own
//! order shows that at its second answer.

use std::sync::LazyLock;

use crate::wire::tls::registry::cipher_suites;

/// The suites for a version: all of them, the weakest first.
pub(super) fn suites(version: u16) -> Vec<u16> {
    static ALL: LazyLock<[Vec<u16>; 2]> = LazyLock::new(weakest_first);
    let [tls_1_3, below] = &*ALL;
    let suites = if version == 0x0304 { tls_1_3 } else { below };
    suites.clone()
}

/// The suites of TLS 1.3, and those of the versions below.
fn weakest_first() -> [Vec<u16>; 2] {
    let mut suites: Vec<_> = cipher_suites().iter().collect();
    suites.sort_by_cached_key(|suite| (suite.forward_secret(), suite.bits(), suite.code));
    [true, false].map(|wanted| {
        let suites = suites.iter().filter(|suite| suite.is_tls_1_3() == wanted);
        suites.map(|suite| suite.code).collect()
    })
}

/// Every group of IANA's "TLS Supported Groups" that is no GREASE, the rare ones first.
pub(super) const GROUPS: &[u16] = &[
    // Curves that are long gone (RFC 8422 deprecates them), the small ones first.
    0x000f, 0x0010, 0x0011, 0x0001, 0x0002, 0x0003, 0x0012, 0x0013, 0x0004, 0x0005, 0x0014, 0x0015,
    0x0006, 0x0007, 0x0008, 0x0016, 0x0009, 0x000a, 0x000b, 0x000c, 0x000d, 0x000e,
    // GOST, SM2.
    0x0022, 0x0023, 0x0024, 0x0025, 0x0026, 0x0027, 0x0028, 0x0029, // Finite fields.
    0x0104, 0x0103, 0x0102, 0x0101, 0x0100, // Brainpool, for TLS 1.2 and 1.3.
    0x001c, 0x001b, 0x001a, 0x0021, 0x0020, 0x001f,
    // ML-KEM alone, the hybrids, and their drafts.
    0x0202, 0x0201, 0x0200, 0x639a, 0x6399, 0x11ee, 0x11ed, 0x11eb, 0x11ec, 0x0019, 0x0018, 0x001e,
    0x0017, 0x001d,
];

/// Every scheme of IANA's "TLS SignatureScheme", the rare ones first; TLS 1.2 knows also pairs of a
/// hash and DSA (RFC 5246 section 7.4.1.4.1).
pub(super) const SIGNATURE_SCHEMES: &[u16] = &[
    0x0101, 0x0102, 0x0103, 0x0202, 0x0302, 0x0402, 0x0502, 0x0602, 0x0301, 0x0303,
    // GOST, SM2.
    0x0709, 0x070a, 0x070b, 0x070c, 0x070d, 0x070e, 0x070f, 0x0840, 0x0841, 0x0708,
    // ML-DSA, Brainpool.
    0x0904, 0x0905, 0x0906, 0x081a, 0x081b, 0x081c, 0x0201, 0x0203, 0x0808, 0x0807, 0x080b, 0x080a,
    0x0809, 0x0601, 0x0501, 0x0401, 0x0806, 0x0805, 0x0804, 0x0603, 0x0503, 0x0403,
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn nothing_is_offered_twice_and_every_suite_in_some_version() {
        for list in [GROUPS, SIGNATURE_SCHEMES] {
            assert_eq!(list.iter().collect::<BTreeSet<_>>().len(), list.len());
        }
        let both = [suites(0x0303), suites(0x0304)].concat();
        assert_eq!(both.len(), cipher_suites().len());
        assert_eq!(suites(0x0301), suites(0x0303));
    }
}
