//! X448 (RFC 7748 section 5) for the key exchange with servers that allow no other group.

use num_bigint_dig::BigUint;

use super::PRIME;

/// Octets of a scalar and of a u-coordinate.
pub const LENGTH: usize = 56;
const BASE_POINT: u8 = 5;
/// (A - 2) / 4 of the curve.
const A24: u32 = 39_081;

/// The public key of a private one.
pub fn public_key(private: [u8; LENGTH]) -> [u8; LENGTH] {
    let mut base = [0; LENGTH];
    if let Some(first) = base.first_mut() {
        *first = BASE_POINT;
    }
    x448(private, &base)
}

/// The function X448 of RFC 7748: scalar and u-coordinate, both little-endian.
pub fn x448(mut scalar: [u8; LENGTH], u: &[u8; LENGTH]) -> [u8; LENGTH] {
    if let Some(first) = scalar.first_mut() {
        *first &= 252;
    }
    if let Some(last) = scalar.last_mut() {
        *last |= 128;
    }
    let prime = &*PRIME;
    let add = |a: &BigUint, b: &BigUint| (a + b) % prime;
    let subtract = |a: &BigUint, b: &BigUint| (a + prime - b) % prime;
    let multiply = |a: &BigUint, b: &BigUint| (a * b) % prime;
    let x1 = BigUint::from_bytes_le(u) % prime;
    let (mut x2, mut z2) = (BigUint::from(1_u8), BigUint::from(0_u8));
    let (mut x3, mut z3) = (x1.clone(), BigUint::from(1_u8));
    let a24 = BigUint::from(A24);
    let mut swapped = false;
    for bit in (0..448).rev() {
        let byte = scalar.get(bit / 8).copied().unwrap_or_default();
        let set = byte >> (bit % 8) & 1 == 1;
        if set != swapped {
            std::mem::swap(&mut x2, &mut x3);
            std::mem::swap(&mut z2, &mut z3);
        }
        swapped = set;
        let (a, b) = (add(&x2, &z2), subtract(&x2, &z2));
        let (aa, bb) = (multiply(&a, &a), multiply(&b, &b));
        let e = subtract(&aa, &bb);
        let (c, d) = (add(&x3, &z3), subtract(&x3, &z3));
        let (da, cb) = (multiply(&d, &a), multiply(&c, &b));
        let (sum, difference) = (add(&da, &cb), subtract(&da, &cb));
        x3 = multiply(&sum, &sum);
        z3 = multiply(&x1, &multiply(&difference, &difference));
        x2 = multiply(&aa, &bb);
        z2 = multiply(&e, &add(&aa, &multiply(&a24, &e)));
    }
    if swapped {
        std::mem::swap(&mut x2, &mut x3);
        std::mem::swap(&mut z2, &mut z3);
    }
    let inverse = z2.modpow(&(prime - 2_u8), prime);
    let mut bytes = multiply(&x2, &inverse).to_bytes_le();
    bytes.resize(LENGTH, 0);
    bytes.try_into().unwrap_or([0; LENGTH])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> [u8; LENGTH] {
        let digits: Vec<u8> = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect();
        digits.try_into().unwrap()
    }

    #[test]
    fn rfc_7748_section_5_2_holds() {
        let scalar = "3d262fddf9ec8e88495266fea19a34d28882acef045104d0d1aae121\
                      700a779c984c24f8cdd78fbff44943eba368f54b29259a4f1c600ad3";
        let u = "06fce640fa3487bfda5f6cf2d5263f8aad88334cbd07437f020f08f9\
                 814dc031ddbdc38c19c6da2583fa5429db94ada18aa7a7fb4ef8a086";
        let result = "ce3e4ff95a60dc6697da1db1d85e6afbdf79b50a2412d7546d5f239f\
                      e14fbaadeb445fc66a01b0779d98223961111e21766282f73dd96b6f";
        assert_eq!(x448(bytes(scalar), &bytes(u)), bytes(result));
    }
}
