//! The ServerKeyExchange and what a client answers to it (RFC 5246 sections 7.4.3 and 7.4.7,
//! RFC 8422 sections 5.4 and 5.7).

use aws_lc_rs::agreement::{
    ECDH_P256, ECDH_P384, ECDH_P521, EphemeralPrivateKey, UnparsedPublicKey, X25519,
    agree_ephemeral,
};
use num_bigint_dig::BigUint;

use crate::curve448::x448;
use crate::observation::HandshakeSignature;
use crate::pki::public_key::{KeyKind, PublicKey};
use crate::wire::Reader;

use super::messages::vector16;
use super::offered::Offered;
use super::suite::KeyExchange;
use super::{DECODE_ERROR, Fault, ILLEGAL_PARAMETER, INTERNAL_ERROR, TLS_1_2, fault};

/// What OpenSSL takes of a prime (`DH_MIN_MODULUS_BITS`, `OPENSSL_DH_MAX_MODULUS_BITS`).
const DH_BITS: std::ops::RangeInclusive<usize> = 512..=10_000;
/// Octets of our exponent: twice the strength of the largest group, as RFC 7919 section 5.2 has it.
const EXPONENT: usize = 64;
/// `OPENSSL_RSA_MAX_MODULUS_BITS`.
const MAX_RSA_BITS: usize = 16_384;
/// Beyond so many bits (`OPENSSL_RSA_SMALL_MODULUS_BITS`) the exponent may have only 64
/// (`OPENSSL_RSA_MAX_PUBEXP_BITS`): a long one is hours of work.
const SMALL_RSA_BITS: usize = 3_072;
const MAX_EXPONENT_BITS: usize = 64;
/// The signature of TLS 1.0 and 1.1 by RSA: MD5 and SHA-1 side by side, for which no scheme has a
/// code. RFC 5246's pair of "no hash" and RSA stands for it.
const RSA_MD5_SHA1: u16 = 0x0001;
const ECDSA_SHA1: u16 = 0x0203;

/// The server's part of an ephemeral key exchange.
#[derive(Clone, Debug)]
pub(super) enum ServerParameters {
    FiniteField {
        prime: BigUint,
        generator: BigUint,
        public: BigUint,
    },
    Elliptic {
        group: u16,
        point: Vec<u8>,
    },
}

/// A ServerKeyExchange.
#[derive(Clone, Debug)]
pub(super) struct ServerKeyExchange {
    pub(super) parameters: ServerParameters,
    pub(super) signature: HandshakeSignature,
}

impl ServerKeyExchange {
    /// Reads and checks it as `tls_process_key_exchange` does, up to the signature's value.
    pub(super) fn read(
        body: &[u8],
        key_exchange: KeyExchange,
        version: u16,
        offered: &Offered,
        server_random: &[u8; 32],
        key: &PublicKey,
    ) -> Result<Self, Fault> {
        let mut reader = Reader::new(body);
        let parameters = match key_exchange {
            KeyExchange::Dhe => finite_field(&mut reader)?,
            KeyExchange::Ecdhe | KeyExchange::Rsa => elliptic(&mut reader, offered)?,
        };
        let signed = body
            .get(..body.len().saturating_sub(reader.rest().len()))
            .unwrap_or_default();
        let scheme = if version >= TLS_1_2 {
            reader.u16("signature scheme")?
        } else if key.is_elliptic() {
            ECDSA_SHA1
        } else {
            RSA_MD5_SHA1
        };
        if version >= TLS_1_2 && !fits(scheme, key, offered) {
            return Err(fault(ILLEGAL_PARAMETER, "wrong signature type"));
        }
        let signature = reader.vector16("signature")?.rest().to_vec();
        if !reader.is_empty() {
            return Err(fault(DECODE_ERROR, "length mismatch"));
        }
        let message = [&offered.random, server_random.as_slice(), signed].concat();
        Ok(Self {
            parameters,
            signature: HandshakeSignature {
                scheme,
                message,
                signature,
            },
        })
    }
}

fn finite_field(reader: &mut Reader<'_>) -> Result<ServerParameters, Fault> {
    let mut number = |what| -> Result<BigUint, Fault> {
        Ok(BigUint::from_bytes_be(reader.vector16(what)?.rest()))
    };
    let (prime, generator, public) = (number("p")?, number("g")?, number("Ys")?);
    let one = BigUint::from(1_u8);
    let odd = prime.to_bytes_le().first().is_some_and(|low| low & 1 == 1);
    // Mirrors `DH_check_params` and `DH_check_pub_key`.
    if !odd || !DH_BITS.contains(&prime.bits()) {
        return Err(fault(ILLEGAL_PARAMETER, "bad dh value"));
    }
    let last = &prime - &one;
    let inside = |number: &BigUint| *number > one && *number < last;
    if !inside(&generator) || !inside(&public) {
        return Err(fault(ILLEGAL_PARAMETER, "bad dh value"));
    }
    Ok(ServerParameters::FiniteField {
        prime,
        generator,
        public,
    })
}

fn elliptic(reader: &mut Reader<'_>, offered: &Offered) -> Result<ServerParameters, Fault> {
    /// named_curve; OpenSSL knows no other form.
    const NAMED_CURVE: u8 = 3;
    let curve_type = reader.u8("curve type")?;
    let group = reader.u16("named curve")?;
    if curve_type != NAMED_CURVE || !offered.groups.contains(&group) {
        return Err(fault(ILLEGAL_PARAMETER, "wrong curve"));
    }
    let point = reader.vector8("public key")?.rest().to_vec();
    Ok(ServerParameters::Elliptic { group, point })
}

/// Whether a scheme was offered and belongs to the key (`tls12_check_peer_sigalg`).
fn fits(scheme: u16, key: &PublicKey, offered: &Offered) -> bool {
    let right_key = match (scheme, &key.kind) {
        (0x0804..=0x0806, KeyKind::Rsa)
        | (0x0809..=0x080b, KeyKind::RsaPss(_))
        | (0x0807, KeyKind::Ed25519)
        | (0x0808, KeyKind::Ed448) => true,
        (0x0800..=0x08ff, _) => false,
        (_, KeyKind::Rsa) => scheme & 0xff == 1,
        (_, KeyKind::Ec(_) | KeyKind::EcExplicit) => scheme & 0xff == 3,
        _ => false,
    };
    right_key && offered.signature_schemes.contains(&scheme)
}

/// What OpenSSL holds against the scheme of a server's CertificateVerify in TLS 1.3
/// (`tls12_check_peer_sigalg`).
pub(super) fn check_scheme_1_3(
    scheme: u16,
    key: &PublicKey,
    offered: &Offered,
) -> Result<(), Fault> {
    // Neither PKCS #1 v1.5 nor SHA-1 or SHA-224 (RFC 8446 section 4.2.3).
    let exists = matches!(scheme, 0x0403 | 0x0503 | 0x0603 | 0x0804..=0x080b);
    if !exists || !fits(scheme, key, offered) {
        return Err(fault(ILLEGAL_PARAMETER, "wrong signature type"));
    }
    let curve = match scheme {
        0x0403 => Some(0x0017),
        0x0503 => Some(0x0018),
        0x0603 => Some(0x0019),
        _ => return Ok(()),
    };
    if curve_of(key) != curve {
        return Err(fault(ILLEGAL_PARAMETER, "wrong curve"));
    }
    Ok(())
}

/// The code point of a certificate's curve, and its size in octets.
fn curve_of(key: &PublicKey) -> Option<u16> {
    match &key.kind {
        KeyKind::Ec(Some(name)) => match *name {
            "prime256v1" => Some(0x0017),
            "secp384r1" => Some(0x0018),
            "secp521r1" => Some(0x0019),
            _ => None,
        },
        _ => None,
    }
}

/// Whether the server said that it knows the format of its certificate's point, or said nothing of
/// formats (`tls1_check_pkey_comp`).
pub(super) fn has_point_format(key: &PublicKey, point_formats: Option<&[u8]>) -> bool {
    /// uncompressed, ansiX962_compressed_prime (RFC 8422 section 5.1.2).
    const UNCOMPRESSED: u8 = 0;
    const COMPRESSED_PRIME: u8 = 1;
    let format = match key.key.octets.first() {
        // Compressed and hybrid ones (SEC 1 section 2.3.3).
        Some(2 | 3 | 6 | 7) => COMPRESSED_PRIME,
        _ => UNCOMPRESSED,
    };
    !key.is_elliptic() || point_formats.is_none_or(|formats| formats.contains(&format))
}

/// Whether the curve of an elliptic certificate key is a group that was offered, which OpenSSL wants
/// in TLS 1.2 beside the scheme.
pub(super) fn check_curve(key: &PublicKey, offered: &Offered) -> Result<(), Fault> {
    if !key.is_elliptic() {
        return Ok(());
    }
    if curve_of(key).is_none_or(|group| !offered.groups.contains(&group)) {
        return Err(fault(ILLEGAL_PARAMETER, "wrong curve"));
    }
    Ok(())
}

/// The body of the ClientKeyExchange, and the premaster secret.
pub(super) struct Exchanged {
    pub(super) message: Vec<u8>,
    pub(super) premaster_secret: Vec<u8>,
}

/// Answers the server's part of an ephemeral exchange.
pub(super) fn answer(parameters: &ServerParameters) -> Result<Exchanged, Fault> {
    match parameters {
        ServerParameters::FiniteField {
            prime,
            generator,
            public,
        } => {
            let mut exponent = [0; EXPONENT];
            random(&mut exponent)?;
            let exponent = BigUint::from_bytes_be(&exponent);
            let ours = generator.modpow(&exponent, prime).to_bytes_be();
            // Leading zeros are left out (RFC 5246 section 8.1.2).
            let premaster_secret = public.modpow(&exponent, prime).to_bytes_be();
            Ok(Exchanged {
                message: vector16(&ours),
                premaster_secret,
            })
        }
        ServerParameters::Elliptic { group, point } => {
            let (ours, premaster_secret) = agree(*group, point)?;
            let length = u8::try_from(ours.len()).unwrap_or(u8::MAX);
            Ok(Exchanged {
                message: [&[length], ours.as_slice()].concat(),
                premaster_secret,
            })
        }
    }
}

fn agree(group: u16, point: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Fault> {
    let bad_point = fault(ILLEGAL_PARAMETER, "bad ecpoint");
    let algorithm = match group {
        0x0017 => &ECDH_P256,
        0x0018 => &ECDH_P384,
        0x0019 => &ECDH_P521,
        0x001d => &X25519,
        0x001e => {
            let mut private = [0; x448::LENGTH];
            random(&mut private)?;
            let theirs = point.try_into().map_err(|_| bad_point)?;
            let secret = x448::x448(private, &theirs);
            if secret == [0; x448::LENGTH] {
                return Err(fault(INTERNAL_ERROR, "internal error"));
            }
            return Ok((x448::public_key(private).to_vec(), secret.to_vec()));
        }
        _ => return Err(fault(ILLEGAL_PARAMETER, "wrong curve")),
    };
    // aws-lc would also read a SubjectPublicKeyInfo here.
    let longest = 1 + 2 * 66;
    if point.len() > longest || point.first() == Some(&0x30) && group != 0x001d {
        return Err(bad_point);
    }
    if group == 0x001d && point.len() != 32 {
        return Err(bad_point);
    }
    let failed = fault(INTERNAL_ERROR, "internal error");
    let system = aws_lc_rs::rand::SystemRandom::new();
    let private = EphemeralPrivateKey::generate(algorithm, &system).map_err(|_| failed)?;
    let ours = private.compute_public_key().map_err(|_| failed)?;
    let theirs = UnparsedPublicKey::new(algorithm, point);
    let secret = agree_ephemeral(private, theirs, bad_point, |secret| Ok(secret.to_vec()))?;
    Ok((ours.as_ref().to_vec(), secret))
}

/// Encrypts a new premaster secret to the server's RSA key (RFC 5246 section 7.4.7.1).
pub(super) fn encrypt_to(key: &PublicKey, legacy_version: u16) -> Result<Exchanged, Fault> {
    let mut premaster_secret = [0; 48];
    random(&mut premaster_secret)?;
    let version = legacy_version.to_be_bytes();
    for (octet, version) in premaster_secret.iter_mut().zip(version) {
        *octet = version;
    }
    let bad_key = fault(INTERNAL_ERROR, "bad rsa encrypt");
    let (modulus, exponent) =
        crate::pki::public_key::rsa_components(&key.key.octets).ok_or(bad_key)?;
    let (modulus, exponent) = (
        BigUint::from_bytes_be(modulus),
        BigUint::from_bytes_be(exponent),
    );
    let bits = modulus.bits();
    let length = bits.div_ceil(8);
    let odd = modulus
        .to_bytes_le()
        .first()
        .is_some_and(|low| low & 1 == 1);
    // Two octets, at least eight of padding, a zero (RFC 8017 section 7.2.1).
    let padding = length.checked_sub(premaster_secret.len() + 3);
    let padding = padding.filter(|padding| *padding >= 8).ok_or(bad_key)?;
    // In the order of `rsa_ossl_public_encrypt`.
    if bits > MAX_RSA_BITS {
        return Err(fault(INTERNAL_ERROR, "modulus too large"));
    }
    if exponent >= modulus || bits > SMALL_RSA_BITS && exponent.bits() > MAX_EXPONENT_BITS {
        return Err(fault(INTERNAL_ERROR, "bad e value"));
    }
    if !odd {
        return Err(bad_key);
    }
    let mut block = vec![0; padding];
    random(&mut block)?;
    for octet in &mut block {
        *octet = (*octet).max(1); // no zero before the end of the padding
    }
    let block = [&[0, 2], block.as_slice(), &[0], &premaster_secret].concat();
    let sealed = BigUint::from_bytes_be(&block)
        .modpow(&exponent, &modulus)
        .to_bytes_be();
    let mut padded = vec![0; length.saturating_sub(sealed.len())];
    padded.extend(sealed);
    Ok(Exchanged {
        message: vector16(&padded),
        premaster_secret: premaster_secret.to_vec(),
    })
}

fn random(octets: &mut [u8]) -> Result<(), Fault> {
    aws_lc_rs::rand::fill(octets).map_err(|_| fault(INTERNAL_ERROR, "internal error"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82], length.as_slice(), content].concat()
    }

    /// A key with a modulus and an exponent of so many octets.
    fn key(modulus: usize, exponent: usize) -> PublicKey {
        let number = |octets: usize, first: u8| {
            let mut number = vec![0xff; octets];
            number[0] = first;
            der(2, &number)
        };
        let pair = [number(modulus, 0x7f), number(exponent, 0x3f)].concat();
        let bits = [vec![0], der(0x30, &pair)].concat();
        let rsa = [
            0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0,
        ];
        let info = [rsa.to_vec(), der(3, &bits)].concat();
        PublicKey::from_der(&der(0x30, &info)).unwrap()
    }

    #[test]
    fn a_key_that_would_take_hours_is_refused_as_openssl_refuses_it() {
        for (modulus, exponent, reason) in [
            (256, 256, None),
            (512, 8, None),
            (512, 9, Some("bad e value")),
            (2048, 2048, Some("bad e value")),
            (256, 257, Some("bad e value")),
            (2049, 3, Some("modulus too large")),
        ] {
            let refused = encrypt_to(&key(modulus, exponent), 0x0303).err();
            let refused = refused.map(|fault| fault.reason);
            assert_eq!(refused, reason, "{modulus} {exponent}");
        }
    }
}
