//! Verifies Ed448 signatures (RFC 8032 section 5.2), as OpenSSL does: with the cofactor.
//!
//! No released crate does it; aws-lc has none of curve448.

use std::sync::LazyLock;

use num_bigint_dig::BigUint;
use sha3::Shake256;
use sha3::digest::{ExtendableOutput as _, Update as _, XofReader as _};

use super::PRIME;

/// Octets of a point and of a scalar.
const LENGTH: usize = 57;
/// The hash is twice as long.
const HASH: usize = 2 * LENGTH;
/// `dom4` for a message that is not hashed before and has no context.
const DOMAIN: &[u8] = b"SigEd448\0\0";

/// The curve's d, which is -39081.
static D: LazyLock<BigUint> = LazyLock::new(|| &*PRIME - 39_081_u32);

/// The order of the base point.
static ORDER: LazyLock<BigUint> = LazyLock::new(|| {
    number(
        b"3fffffffffffffffffffffffffffffffffffffffffffffffffffffff\
          7cca23e9c44edb49aed63690216cc2728dc58f552378c292ab5844f3",
    )
});

static BASE: LazyLock<Point> = LazyLock::new(|| Point {
    x: number(
        b"4f1970c66bed0ded221d15a622bf36da9e146570470f1767ea6de324\
          a3d3a46412ae1af72ab66511433b80e18b00938e2626a82bc70cc05e",
    ),
    y: number(
        b"693f46716eb6bc248876203756c9c7624bea73736ca3984087789c1e\
          05a0c2d73ad3ff1ce67c39c4fdbd132c4ed7c8ad9808795bf230fa14",
    ),
    z: BigUint::from(1_u8),
});

fn number(hex: &[u8]) -> BigUint {
    BigUint::parse_bytes(hex, 16).unwrap_or_default()
}

/// Whether these are 114 octets by the owner of this public key over this message.
pub fn verify(public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let Some((r, s)) = signature.split_at_checked(LENGTH) else {
        return false;
    };
    let s_number = BigUint::from_bytes_le(s);
    if s.len() != LENGTH || s_number >= *ORDER {
        return false;
    }
    let (Some(key), Some(commitment)) = (Point::decode(public_key), Point::decode(r)) else {
        return false;
    };
    let mut hash = Shake256::default();
    for part in [DOMAIN, r, public_key, message] {
        hash.update(part);
    }
    let mut digest = [0; HASH];
    hash.finalize_xof().read(&mut digest);
    let challenge = BigUint::from_bytes_le(&digest) % &*ORDER;
    // S B = R + k A, up to points of small order.
    let left = BASE.multiply(&s_number);
    let right = commitment.add(&key.multiply(&challenge));
    left.times_cofactor().equals(&right.times_cofactor())
}

/// A point of edwards448, projective.
#[derive(Clone, Debug)]
struct Point {
    x: BigUint,
    y: BigUint,
    z: BigUint,
}

impl Point {
    /// Section 5.2.3.
    fn decode(octets: &[u8]) -> Option<Self> {
        let octets: [u8; LENGTH] = octets.try_into().ok()?;
        let (last, rest) = octets.split_last()?;
        let y = BigUint::from_bytes_le(rest);
        if last & 0x7f != 0 || y >= *PRIME {
            return None;
        }
        let one = BigUint::from(1_u8);
        let yy = multiply(&y, &y);
        let u = subtract(&yy, &one);
        let v = subtract(&multiply(&D, &yy), &one);
        // x = u^3 v (u^5 v^3)^((p-3)/4)
        let uv = multiply(&u, &v);
        let u3v = multiply(&multiply(&u, &u), &uv);
        let u5v3 = multiply(&u3v, &multiply(&uv, &uv));
        let exponent = (&*PRIME - 3_u8) >> 2;
        let x = multiply(&u3v, &u5v3.modpow(&exponent, &PRIME));
        if multiply(&v, &multiply(&x, &x)) != u {
            return None;
        }
        let wants_odd = last & 0x80 != 0;
        let zero = BigUint::default();
        if x == zero && wants_odd {
            return None;
        }
        let is_odd = x.to_bytes_le().first().is_some_and(|low| low & 1 == 1);
        let x = if is_odd == wants_odd { x } else { &*PRIME - x };
        Some(Self { x, y, z: one })
    }

    /// Section 5.2.4; it holds for any two points.
    fn add(&self, other: &Self) -> Self {
        let a = multiply(&self.z, &other.z);
        let b = multiply(&a, &a);
        let c = multiply(&self.x, &other.x);
        let d = multiply(&self.y, &other.y);
        let e = multiply(&D, &multiply(&c, &d));
        let (f, g) = (subtract(&b, &e), add(&b, &e));
        let h = multiply(&add(&self.x, &self.y), &add(&other.x, &other.y));
        let cross = subtract(&subtract(&h, &c), &d);
        Self {
            x: multiply(&multiply(&a, &f), &cross),
            y: multiply(&multiply(&a, &g), &subtract(&d, &c)),
            z: multiply(&f, &g),
        }
    }

    fn multiply(&self, scalar: &BigUint) -> Self {
        let mut sum = Self {
            x: BigUint::default(),
            y: BigUint::from(1_u8),
            z: BigUint::from(1_u8),
        };
        for octet in scalar.to_bytes_be() {
            for bit in (0..8).rev() {
                sum = sum.add(&sum);
                if octet >> bit & 1 == 1 {
                    sum = sum.add(self);
                }
            }
        }
        sum
    }

    fn times_cofactor(&self) -> Self {
        let double = self.add(self);
        double.add(&double)
    }

    fn equals(&self, other: &Self) -> bool {
        multiply(&self.x, &other.z) == multiply(&other.x, &self.z)
            && multiply(&self.y, &other.z) == multiply(&other.y, &self.z)
    }
}

fn add(a: &BigUint, b: &BigUint) -> BigUint {
    (a + b) % &*PRIME
}

fn subtract(a: &BigUint, b: &BigUint) -> BigUint {
    (a + &*PRIME - b) % &*PRIME
}

fn multiply(a: &BigUint, b: &BigUint) -> BigUint {
    (a * b) % &*PRIME
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    }

    #[test]
    fn the_base_point_lies_on_the_curve_and_has_its_order() {
        let base = &*BASE;
        let one = BigUint::from(1_u8);
        let (xx, yy) = (multiply(&base.x, &base.x), multiply(&base.y, &base.y));
        let right = add(&one, &multiply(&D, &multiply(&xx, &yy)));
        assert_eq!(add(&xx, &yy), right);
        let neutral = base.multiply(&ORDER);
        assert!(neutral.x == BigUint::default() && neutral.y == neutral.z);
    }

    #[test]
    fn rfc_8032_section_7_4_holds_and_nothing_near_it() {
        for (public_key, message, signature) in [
            (
                "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778\
                 edf124769b46c7061bd6783df1e50f6cd1fa1abeafe8256180",
                "",
                "533a37f6bbe457251f023c0d88f976ae2dfb504a843e34d2074fd823d41a591f\
                 2b233f034f628281f2fd7a22ddd47d7828c59bd0a21bfd3980ff0d2028d4b18a\
                 9df63e006c5d1c2d345b925d8dc00b4104852db99ac5c7cdda8530a113a0f4db\
                 b61149f05a7363268c71d95808ff2e652600",
            ),
            (
                "43ba28f430cdff456ae531545f7ecd0ac834a55d9358c0372bfa0c6c6798c086\
                 6aea01eb00742802b8438ea4cb82169c235160627b4c3a9480",
                "03",
                "26b8f91727bd62897af15e41eb43c377efb9c610d48f2335cb0bd0087810f435\
                 2541b143c4b981b7e18f62de8ccdf633fc1bf037ab7cd779805e0dbcc0aae1cb\
                 cee1afb2e027df36bc04dcecbf154336c19f0af7e0a6472905e799f1953d2a0f\
                 f3348ab21aa4adafd1d234441cf807c03a00",
            ),
        ] {
            let (public_key, message) = (hex(public_key), hex(message));
            let signature = hex(signature);
            assert!(verify(&public_key, &message, &signature));
            assert!(!verify(&public_key, b"another", &signature));
            for at in [0, 56, 57, 80, 112, 113] {
                let mut changed = signature.clone();
                changed[at] ^= 1;
                assert!(!verify(&public_key, &message, &changed), "octet {at}");
            }
            assert!(!verify(&public_key, &message, &signature[..113]));
            assert!(!verify(&public_key[..56], &message, &signature));
            // The same S beyond the order is another encoding, which is refused.
            let s = BigUint::from_bytes_le(&signature[57..]) + &*ORDER;
            let mut beyond = s.to_bytes_le();
            beyond.resize(LENGTH, 0);
            let malleable = [&signature[..57], &beyond].concat();
            assert!(!verify(&public_key, &message, &malleable));
        }
    }
}
