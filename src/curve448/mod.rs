//! The curves of RFC 7748 and RFC 8032 over 2^448 - 2^224 - 1, which aws-lc does not have.
//!
//! Not in constant time: a probe's key lives for one handshake and protects no secret, and a
//! signature that is verified is public.

pub mod ed448;
pub mod x448;

use std::sync::LazyLock;

use num_bigint_dig::BigUint;

/// 2^448 - 2^224 - 1.
static PRIME: LazyLock<BigUint> = LazyLock::new(|| {
    let one = BigUint::from(1_u8);
    (&one << 448) - (&one << 224) - one
});
