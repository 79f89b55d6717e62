//! ECDSA over the named curves and with the digests that aws-lc does not have, as OpenSSL verifies it
//! (SEC 1 section 4.1.4).
//!
//! Not in constant time: what is verified is public.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use num_bigint_dig::{BigUint, ModInverse as _};

use super::super::der::{INTEGER, Reader, UNIVERSAL};

/// A curve y² = x³ + ax + b over a prime field, of prime order.
pub(in super::super) struct Curve {
    p: BigUint,
    a: BigUint,
    b: BigUint,
    generator: Affine,
    n: BigUint,
}

/// A point that is not at infinity.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Affine {
    x: BigUint,
    y: BigUint,
}

/// A point (X/Z², Y/Z³); Z is zero at infinity.
#[derive(Clone)]
struct Jacobian {
    x: BigUint,
    y: BigUint,
    z: BigUint,
}

static CURVES: LazyLock<BTreeMap<&str, Curve>> = LazyLock::new(|| {
    let lines = include_str!("curves.txt").lines();
    lines.filter_map(Curve::from_line).collect()
});

impl Curve {
    /// The curve of OpenSSL's short name, if it is one of them.
    pub(in super::super) fn named(name: &str) -> Option<&'static Self> {
        CURVES.get(name)
    }

    fn from_line(line: &'static str) -> Option<(&'static str, Self)> {
        let (name, numbers) = line.split_once(' ')?;
        let mut numbers = numbers
            .split(' ')
            .map_while(|digits| BigUint::parse_bytes(digits.as_bytes(), 16));
        let mut next = || numbers.next();
        let curve = Self {
            p: next()?,
            a: next()?,
            b: next()?,
            generator: Affine {
                x: next()?,
                y: next()?,
            },
            n: next()?,
        };
        Some((name, curve))
    }

    /// A point in any of the forms that OpenSSL reads, if it lies on the curve
    /// (`EC_POINT_oct2point`).
    pub(in super::super) fn point(&self, octets: &[u8]) -> Option<Affine> {
        let (form, rest) = octets.split_first()?;
        let length = self.p.bits().div_ceil(8);
        let point = match form {
            2 | 3 if rest.len() == length => self.decompressed(rest, form & 1)?,
            4 | 6 | 7 if rest.len() == 2 * length => {
                let (x, y) = rest.split_at_checked(length)?;
                // The hybrid form tells the parity of y once more.
                let parity = y.last()? & 1;
                if *form != 4 && parity != form & 1 {
                    return None;
                }
                Affine {
                    x: BigUint::from_bytes_be(x),
                    y: BigUint::from_bytes_be(y),
                }
            }
            _ => return None,
        };
        let inside = point.x < self.p && point.y < self.p;
        (inside && &point.y * &point.y % &self.p == self.right_side(&point.x)).then_some(point)
    }

    fn right_side(&self, x: &BigUint) -> BigUint {
        ((x * x + &self.a) * x + &self.b) % &self.p
    }

    fn decompressed(&self, x: &[u8], parity: u8) -> Option<Affine> {
        let x = BigUint::from_bytes_be(x);
        let root = square_root(&self.right_side(&x), &self.p)?;
        let odd = root.to_bytes_le().first().is_some_and(|low| low & 1 == 1);
        let y = match odd == (parity == 1) {
            true => root,
            false => (&self.p - root) % &self.p,
        };
        Some(Affine { x, y })
    }

    /// Whether it is a signature of the digest by the key (`ossl_ecdsa_simple_verify_sig`).
    pub(super) fn verifies(&self, digest: &[u8], signature: &[u8], key: &Affine) -> bool {
        let verified = || -> Option<bool> {
            let (r, s) = signature_values(signature)?;
            let zero = BigUint::default();
            if r == zero || s == zero || r >= self.n || s >= self.n {
                return None;
            }
            let inverse = (&s).mod_inverse(&self.n)?.to_biguint()?;
            let u1 = self.integer_of(digest) * &inverse % &self.n;
            let u2 = &r * inverse % &self.n;
            let sum = self.sum_of_multiples(&u1, &u2, key);
            let x = self.affine_x(&sum)?;
            Some(x % &self.n == r)
        };
        verified().unwrap_or(false)
    }

    /// The leftmost bits of a digest, as many as the order has.
    fn integer_of(&self, digest: &[u8]) -> BigUint {
        let excess = (8 * digest.len()).saturating_sub(self.n.bits());
        BigUint::from_bytes_be(digest) >> excess
    }

    /// u1 times the generator plus u2 times a point, bit by bit for both at once.
    fn sum_of_multiples(&self, u1: &BigUint, u2: &BigUint, point: &Affine) -> Jacobian {
        let generator = Jacobian::from(&self.generator);
        let point = Jacobian::from(point);
        let both = self.add(&generator, &point);
        let mut sum = Jacobian::infinity();
        let (bits1, bits2) = (bits_of(u1), bits_of(u2));
        let length = bits1.len().max(bits2.len());
        let at = |bits: &[bool], place: usize| bits.get(place).copied().unwrap_or(false);
        for place in (0..length).rev() {
            sum = self.double(&sum);
            match (at(&bits1, place), at(&bits2, place)) {
                (true, true) => sum = self.add(&sum, &both),
                (true, false) => sum = self.add(&sum, &generator),
                (false, true) => sum = self.add(&sum, &point),
                (false, false) => {}
            }
        }
        sum
    }

    fn affine_x(&self, point: &Jacobian) -> Option<BigUint> {
        let inverse = (&point.z).mod_inverse(&self.p)?.to_biguint()?;
        Some(&point.x * (&inverse * &inverse % &self.p) % &self.p)
    }

    fn minus(&self, from: &BigUint, what: &BigUint) -> BigUint {
        (from + &self.p - what % &self.p) % &self.p
    }

    fn double(&self, point: &Jacobian) -> Jacobian {
        let p = &self.p;
        let zero = BigUint::default();
        if point.z == zero || point.y == zero {
            return Jacobian::infinity();
        }
        let y2 = &point.y * &point.y % p;
        let s = ((&point.x * &y2) << 2) % p;
        let z2 = &point.z * &point.z % p;
        let m = (&point.x * &point.x * 3_u8 + &self.a * (&z2 * &z2 % p)) % p;
        let x = self.minus(&(&m * &m % p), &(&s << 1));
        let y = self.minus(&(&m * self.minus(&s, &x) % p), &(((&y2 * &y2) << 3) % p));
        let z = ((&point.y * &point.z) << 1) % p;
        Jacobian { x, y, z }
    }

    fn add(&self, one: &Jacobian, other: &Jacobian) -> Jacobian {
        let p = &self.p;
        let zero = BigUint::default();
        if one.z == zero {
            return other.clone();
        }
        if other.z == zero {
            return one.clone();
        }
        let (z1, z2) = (&one.z * &one.z % p, &other.z * &other.z % p);
        let (u1, u2) = (&one.x * &z2 % p, &other.x * &z1 % p);
        let s1 = &one.y * (&z2 * &other.z % p) % p;
        let s2 = &other.y * (&z1 * &one.z % p) % p;
        let (h, r) = (self.minus(&u2, &u1), self.minus(&s2, &s1));
        if h == zero {
            return match r == zero {
                true => self.double(one),
                false => Jacobian::infinity(),
            };
        }
        let h2 = &h * &h % p;
        let h3 = &h2 * &h % p;
        let v = u1 * h2 % p;
        let x = self.minus(&(&r * &r % p), &(&h3 + (&v << 1)));
        let y = self.minus(&(r * self.minus(&v, &x) % p), &(s1 * h3 % p));
        let z = h * &one.z % p * &other.z % p;
        Jacobian { x, y, z }
    }
}

impl Jacobian {
    fn infinity() -> Self {
        Self {
            x: BigUint::from(1_u8),
            y: BigUint::from(1_u8),
            z: BigUint::default(),
        }
    }
}

impl From<&Affine> for Jacobian {
    fn from(point: &Affine) -> Self {
        Self {
            x: point.x.clone(),
            y: point.y.clone(),
            z: BigUint::from(1_u8),
        }
    }
}

/// The bits of a number, the lowest first.
fn bits_of(number: &BigUint) -> Vec<bool> {
    let octets = number.to_bytes_le();
    octets
        .iter()
        .flat_map(|octet| (0..8).map(move |bit| octet >> bit & 1 == 1))
        .collect()
}

/// Ecdsa-Sig-Value, which OpenSSL takes in DER only, with nothing after it.
fn signature_values(signature: &[u8]) -> Option<(BigUint, BigUint)> {
    let mut inside = Reader::new(signature).sequence().ok()?;
    let mut value = || {
        let content = inside.expect(UNIVERSAL, INTEGER).ok()?.integer().ok()?;
        let positive = content.first().is_some_and(|first| first & 0x80 == 0);
        positive.then(|| (BigUint::from_bytes_be(content), content.to_vec()))
    };
    let ((r, r_octets), (s, s_octets)) = (value()?, value()?);
    inside.finish().ok()?;
    // Encoded again it must be the same.
    let integer = |octets: &[u8]| super::super::der::encode(0x02, octets);
    let again = [integer(&r_octets), integer(&s_octets)].concat();
    (super::super::der::encode(0x30, &again) == signature).then_some((r, s))
}

/// A square root modulo a prime (Tonelli and Shanks), if there is one.
fn square_root(square: &BigUint, p: &BigUint) -> Option<BigUint> {
    let one = BigUint::from(1_u8);
    let half = (p - &one) >> 1;
    if *square == BigUint::default() {
        return Some(BigUint::default());
    }
    if square.modpow(&half, p) != one {
        return None;
    }
    let twos = bits_of(&(p - &one)).iter().take_while(|bit| !**bit).count();
    let odd = (p - &one) >> twos;
    let mut nonresidue = BigUint::from(2_u8);
    while nonresidue.modpow(&half, p) == one {
        nonresidue += 1_u8;
    }
    let mut generator = nonresidue.modpow(&odd, p);
    let mut root = square.modpow(&((&odd + &one) >> 1), p);
    let mut left = square.modpow(&odd, p);
    let mut order = twos;
    while left != one {
        let mut power = left.clone();
        let mut exponent = 0;
        while power != one {
            power = &power * &power % p;
            exponent += 1;
        }
        let mut factor = generator;
        for _ in 0..order.checked_sub(exponent + 1)? {
            factor = &factor * &factor % p;
        }
        root = root * &factor % p;
        generator = &factor * &factor % p;
        left = left * &generator % p;
        order = exponent;
    }
    Some(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_curve_is_read_and_its_generator_has_its_order() {
        assert_eq!(CURVES.len(), 14);
        for (name, curve) in CURVES.iter() {
            let length = curve.p.bits().div_ceil(8);
            let padded = |number: &BigUint| {
                let octets = number.to_bytes_be();
                [vec![0; length - octets.len()], octets].concat()
            };
            let Affine { x, y } = &curve.generator;
            let whole = [vec![4], padded(x), padded(y)].concat();
            let point = curve.point(&whole);
            assert_eq!(point.as_ref(), Some(&curve.generator), "{name}");
            let odd = u8::from(y.to_bytes_le()[0] & 1 == 1);
            let short = [vec![2 + odd], padded(x)].concat();
            assert_eq!(
                curve.point(&short).as_ref(),
                Some(&curve.generator),
                "{name}"
            );
            let mut off = whole;
            *off.last_mut().unwrap() ^= 1;
            assert_eq!(curve.point(&off), None, "{name}");
            // (n - 1)G + G is the point at infinity, (n - 1)G + 2G is G.
            let one = BigUint::from(1_u8);
            let most = &curve.n - &one;
            let zero = curve.sum_of_multiples(&most, &one, &curve.generator);
            assert_eq!(zero.z, BigUint::default(), "{name}");
            let two = BigUint::from(2_u8);
            let again = curve.sum_of_multiples(&most, &two, &curve.generator);
            assert_eq!(curve.affine_x(&again).as_ref(), Some(x), "{name}");
        }
    }

    #[test]
    fn a_signature_is_read_in_der_only() {
        for (signature, read) in [
            (&[0x30, 6, 2, 1, 5, 2, 1, 7][..], true),
            (&[0x30, 6, 2, 1, 5, 2, 1, 7, 0], false),
            (&[0x30, 0x81, 6, 2, 1, 5, 2, 1, 7], false),
            (&[0x30, 6, 2, 1, 0x85, 2, 1, 7], false),
            (&[0x30, 7, 2, 2, 0, 5, 2, 1, 7], false),
            (&[0x30, 3, 2, 1, 5], false),
            (&[], false),
        ] {
            assert_eq!(signature_values(signature).is_some(), read, "{signature:?}");
        }
    }
}
