#!/usr/bin/env python3
"""Random public key infrastructures, a case to a line of JSON.

    generate.py --seed 7 --count 300 > cases.ndjson

A case: "name" (seed and number: the same ones make the same case), "at" (Unix seconds), "sent" (what
the server sends, leaf first, base64 of DER), "roots" (the root file, text), "crls" (the file of
revocation lists, or null), "key" (the leaf's, if a TLS server can use it).

Each starts from a chain that is in order; then a few things are made wrong or odd, so that most cases
have none, one or two faults, and the faults meet in all combinations.
"""

import argparse
import base64
import calendar
import hashlib
import json
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "oracle"))

from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519  # noqa: E402

from der import (ATTRIBUTES, BMP, IA5, NULL, PRINTABLE, PSS_OID, T61, UTF8,  # noqa: E402
                 bits, boolean, extension, general_name, generalized_time, integer, is_prime, name,
                 octets, oid, pem, pkcs8, seq, tlv, utc_time)

ATTRIBUTES.update({"L": "2.5.4.7", "DC": "0.9.2342.19200300.100.1.25", "E": "1.2.840.113549.1.9.1"})

# ---- keys ---------------------------------------------------------------------------------

HASHES = {"md5": "1.2.840.113549.2.5", "sha1": "1.3.14.3.2.26",
          "sha224": "2.16.840.1.101.3.4.2.4", "sha256": "2.16.840.1.101.3.4.2.1",
          "sha384": "2.16.840.1.101.3.4.2.2", "sha512": "2.16.840.1.101.3.4.2.3"}
RSA_OIDS = {"md5": 4, "sha1": 5, "sha224": 14, "sha256": 11, "sha384": 12, "sha512": 13}
EC_OIDS = {"sha1": "1.2.840.10045.4.1", "sha224": "1.2.840.10045.4.3.1",
           "sha256": "1.2.840.10045.4.3.2", "sha384": "1.2.840.10045.4.3.3",
           "sha512": "1.2.840.10045.4.3.4", "sha3_256": "2.16.840.1.101.3.4.3.10",
           "sha3_512": "2.16.840.1.101.3.4.3.12"}


class Rsa:
    """RSA of many primes where the modulus is long: those are found in no time."""

    kind = "rsa"

    def __init__(self, source, size, e=65537, pss=None):
        count = 2 if size <= 2048 else size // 512
        while True:
            primes, self.n = [], 1
            for place in range(count):
                width = size // count + (place < size % count)
                while True:
                    prime = source.getrandbits(width) | 1 | 255 << (width - 8)
                    if (prime - 1) % e and prime not in primes and is_prime(prime, source):
                        break
                primes.append(prime)
                self.n *= prime
            if self.n.bit_length() == size:
                break
        self.primes, self.e = primes, e
        self.exponents = [pow(e, -1, prime - 1) for prime in primes]
        self.length = (self.n.bit_length() + 7) // 8
        self.bits = size
        self.only_pss = pss
        algorithm = (seq(oid("1.2.840.113549.1.1.1"), NULL) if pss is None
                     else seq(PSS_OID, pss_parameters(*pss) if pss else b""))
        self.spki = seq(algorithm, bits(seq(integer(self.n), integer(e))))

    def private_pem(self):
        if len(self.primes) > 2 or self.only_pss is not None or self.bits < 1023:
            return None
        (p, q), (dp, dq) = self.primes, self.exponents
        d = pow(self.e, -1, (p - 1) * (q - 1))
        numbers = (0, self.n, self.e, d, p, q, dp, dq, pow(q, -1, p))
        return pem("RSA PRIVATE KEY", seq(*map(integer, numbers)))

    def power(self, number):
        value, modulus = 0, 1
        for prime, exponent in zip(self.primes, self.exponents):
            part = pow(number % prime, exponent, prime)
            value += modulus * ((part - value) * pow(modulus, -1, prime) % prime)
            modulus *= prime
        return value.to_bytes(self.length, "big")

    def ways(self):
        common = [("pkcs1", way) for way in ("sha256", "sha256", "sha384", "sha512", "sha224")]
        salted = [("pss", ("sha256", "sha256", 32)), ("pss", ("sha384", "sha384", 48))]
        odd = [("pss", ("sha256", "sha256", 0)), ("pss", ("sha256", "sha1", 20)),
               ("pss", ("sha1", "sha1", 20)), ("pss", ("sha224", "sha512", 7)),
               ("pkcs1", "sha1"), ("pkcs1", "md5")]
        salted.append(("pss", ("sha512", "sha512", 60)))
        salted, odd = ([way for way in some if self.holds(way)] for some in (salted, odd))
        if self.only_pss is not None:
            return salted, [way for way in odd if way[0] == "pss"]
        return common * 3 + salted, odd

    def holds(self, way):
        how, what = way
        return how == "pkcs1" or hashlib.new(what[0]).digest_size + what[2] + 2 < self.length

    def sign(self, tbs, way):
        how, what = way
        if how == "pkcs1":
            info = seq(seq(oid(HASHES[what]), NULL), octets(hashlib.new(what, tbs).digest()))
            block = b"\x00\x01" + b"\xff" * (self.length - len(info) - 3) + b"\x00" + info
            return self.power(int.from_bytes(block, "big"))
        digest, mask, salt_length = what
        salt = hashlib.sha512(tbs).digest()[:salt_length]
        hashed = hashlib.new(digest, bytes(8) + hashlib.new(digest, tbs).digest() + salt).digest()
        width = self.n.bit_length() - 1
        length = (width + 7) // 8
        block = bytes(length - len(hashed) - salt_length - 2) + b"\x01" + salt
        stream = b"".join(hashlib.new(mask, hashed + counter.to_bytes(4, "big")).digest()
                          for counter in range(len(block) // 16 + 1))
        block = bytearray(one ^ two for one, two in zip(block, stream))
        block[0] &= 0xFF >> (8 * length - width)
        return self.power(int.from_bytes(bytes(block) + hashed + b"\xbc", "big"))

    def algorithm(self, way):
        how, what = way
        if how == "pkcs1":
            return seq(oid(f"1.2.840.113549.1.1.{RSA_OIDS[what]}"), NULL)
        return seq(PSS_OID, pss_parameters(*what))


def pss_parameters(digest, mask, salt_length):
    def algorithm(which):
        return seq(oid(HASHES[which]), NULL)
    return seq(tlv(0xA0, algorithm(digest)) if digest != "sha1" else b"",
               tlv(0xA1, seq(oid("1.2.840.113549.1.1.8"), algorithm(mask)))
               if mask != "sha1" else b"",
               tlv(0xA2, integer(salt_length)) if salt_length != 20 else b"")


class Elliptic:
    kind = "ec"

    def __init__(self, source, curve, compressed=False):
        scalar = source.getrandbits(curve.key_size - 8) | 1
        self.private = ec.derive_private_key(scalar, curve())
        public = self.private.public_key()
        self.spki = public.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.bits = curve.key_size
        if compressed:
            point = public.public_bytes(
                serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
            self.spki = seq(self.spki[2:4 + self.spki[3]], bits(point))

    def private_pem(self):
        known = ("secp256r1", "secp384r1", "secp521r1")
        return pkcs8(self.private) if self.private.curve.name in known else None

    def ways(self):
        return ["sha256", "sha256", "sha384", "sha512"], ["sha1", "sha224", "sha3_256", "sha3_512"]

    def sign(self, tbs, way):
        digest = getattr(hashes, way.upper())()
        return self.private.sign(tbs, ec.ECDSA(digest, deterministic_signing=True))

    def algorithm(self, way):
        return seq(oid(EC_OIDS[way]))


class Edwards:
    kind = "ed"

    def __init__(self, source, size):
        maker = {32: ed25519.Ed25519PrivateKey, 57: ed448.Ed448PrivateKey}[size]
        self.private = maker.from_private_bytes(source.randbytes(size))
        self.spki = self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.oid = oid("1.3.101.112" if size == 32 else "1.3.101.113")
        self.bits = 8 * size

    def private_pem(self):
        return pkcs8(self.private)

    def ways(self):
        return [None], []

    def sign(self, tbs, way):
        return self.private.sign(tbs)

    def algorithm(self, way):
        return seq(self.oid)


class Broken:
    """A key that nobody can read; nothing is signed with it that could be checked."""

    kind = "ec"
    bits = 256

    def __init__(self, of, spki):
        self.of, self.spki = of, spki

    def private_pem(self):
        return None

    def ways(self):
        return self.of.ways()

    def sign(self, tbs, way):
        return self.of.sign(tbs, way)

    def algorithm(self, way):
        return self.of.algorithm(way)


def key_pool():
    """Good keys, and then those with something about them."""
    source = random.Random("keys of the random chains")
    good = [Elliptic(source, ec.SECP256R1) for _ in range(14)]
    good += [Elliptic(source, ec.SECP384R1) for _ in range(3)]
    good += [Edwards(source, 32) for _ in range(2)]
    good += [Rsa(source, 2048) for _ in range(3)] + [Rsa(source, 3072)]
    odd = [Elliptic(source, curve) for curve in (
        ec.SECP521R1, ec.SECP224R1, ec.SECP192R1, ec.SECP256K1, ec.BrainpoolP256R1,
        ec.BrainpoolP384R1, ec.BrainpoolP512R1)]
    odd += [Elliptic(source, ec.SECP224R1, True), Elliptic(source, ec.BrainpoolP256R1, True),
            Elliptic(source, ec.SECP256R1, True),
           Edwards(source, 57), Rsa(source, 1024), Rsa(source, 1024), Rsa(source, 1023),
           Rsa(source, 1536), Rsa(source, 2047), Rsa(source, 2048, 3), Rsa(source, 4096),
           Rsa(source, 8192), Rsa(source, 16384), Rsa(source, 2048, pss=()),
           Rsa(source, 2048, pss=("sha256", "sha256", 32)), Rsa(source, 1024, pss=()), Rsa(source, 768)]
    point = good[0].spki
    odd += [Broken(good[0], point[:-1] + bytes([point[-1] ^ 1])),
            Broken(good[1], seq(seq(oid("1.2.840.10045.2.1"), NULL), bits(b"\x04" + bytes(64)))),
            Broken(good[2], seq(seq(oid("1.3.6.1.4.1.55555.7")), bits(b"key")))]
    return good, odd


GOOD, ODD = key_pool()

# ---- times --------------------------------------------------------------------------------

NOW = calendar.timegm((2026, 3, 1, 12, 0, 0))
DAY = 86400


def stamp(seconds):
    year, month, day, hour, minute, second = __import__("time").gmtime(seconds)[:6]
    return f"{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z"


def time(seconds, form=None):
    text = stamp(seconds)
    if form == "generalized" or not "1950" <= text[:4] < "2050":
        return generalized_time(text)
    return utc_time(text[2:])


BAD_TIMES = [generalized_time("20240101000000.5Z"), utc_time("240101000000+0100"),
             utc_time("2401010000Z"), generalized_time("202401010000Z"), utc_time("241301000000Z"),
             utc_time("240230000000Z"), generalized_time("20240101000000"), utc_time("240101240000Z"),
             generalized_time("20240101000000+0000"), utc_time("240101000060Z")]

# ---- names --------------------------------------------------------------------------------


def spelled(chance, words):
    """A DN: the parts as (type, text), each spelled in one of the ways that are the same."""
    rdns = []
    for attribute, text in words:
        kind = chance.choice([UTF8] * 6 + [PRINTABLE] * 3 + [T61, IA5, BMP])
        if attribute == "C":
            kind = PRINTABLE
        if chance.random() < 0.08:
            text = chance.choice([text.upper(), text.lower(), f"  {text} ", text.replace(" ", "  ")])
        raw = text.encode("utf-16-be") if kind == BMP else text.encode("latin-1" if kind == T61
                                                                       else "utf-8")
        rdns.append(seq(oid(ATTRIBUTES[attribute]), tlv(kind, raw)))
    if len(rdns) > 1 and len(words) > 2 and words[0][0] == "O":
        return seq(tlv(0x31, *sorted(rdns[:2])), *(tlv(0x31, rdn) for rdn in rdns[2:]))
    return seq(*(tlv(0x31, rdn) for rdn in rdns))


# ---- extensions ---------------------------------------------------------------------------

USAGES = ["digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment",
          "keyAgreement", "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly"]


def key_usage(names, critical=True, padded=False):
    value = sum(1 << (15 - USAGES.index(usage)) for usage in names)
    if padded:
        return extension("2.5.29.15", bits(value.to_bytes(2, "big")), critical)
    raw = value.to_bytes(2, "big").rstrip(b"\x00")
    unused = (raw[-1] & -raw[-1]).bit_length() - 1 if raw else 0
    return extension("2.5.29.15", bits(raw, unused), critical)


PURPOSES = {"server": "1.3.6.1.5.5.7.3.1", "client": "1.3.6.1.5.5.7.3.2", "any": "2.5.29.37.0",
            "code": "1.3.6.1.5.5.7.3.3", "email": "1.3.6.1.5.5.7.3.4", "time": "1.3.6.1.5.5.7.3.8",
            "ocsp": "1.3.6.1.5.5.7.3.9", "nssgc": "2.16.840.1.113730.4.1",
            "mssgc": "1.3.6.1.4.1.311.10.3.3", "unknown": "1.3.6.1.4.1.55555.9"}


def purposes(names, critical=False):
    return extension("2.5.29.37", seq(*(oid(PURPOSES[one]) for one in names)), critical)


DNS_NAMES = ["db.example.test", "*.example.test", "example.test", "DB.Example.TEST", "other.test",
             "x.db.example.test", "a_b.example.test", "db.example.test.", ".example.test", "test",
             "notexample.test", "db", ""]
ADDRESSES = [b"\x7f\0\0\1", b"\x0a\1\2\3", b"\xc0\xa8\1\1", bytes(15) + b"\1",
             bytes.fromhex("20010db8") + bytes(11) + b"\7", b"\x0a\1\2", bytes(5)]
EMAILS = ["ann@example.test", "ann@Example.TEST", "bob@other.test", "@example.test", "nobody",
          "Ann@example.test", "\"a b\"@example.test", "x@y@example.test", ""]
URIS = ["https://db.example.test/x", "http://other.test", "https://example.test:8443/", "urn:x:y",
        "postgresql://db.example.test:5432/app", "https://127.0.0.1/", "//example.test", "https:///x",
        "https://[::1]/", ""]
DIRECTORIES = [[("O", "Example"), ("CN", "db")], [("O", "example"), ("OU", "x")],
               [("O", "Other")], [("O", "Example")], []]
BASES = {
    "dns": ["example.test", ".example.test", "test", "db.example.test", "other.test", "", "EXAMPLE.test",
            "xample.test", "*.example.test"],
    "ip": [b"\x7f\0\0\0\xff\0\0\0", b"\x0a\0\0\0\xff\0\0\0", bytes(8), bytes(32), b"\x0a\1\2\3" + b"\xff" * 4,
           bytes.fromhex("20010db8") + bytes(12) + b"\xff" * 4 + bytes(12), bytes(4),
           b"\x0a\1\2\3\xff\0\xff\0"],
    "email": ["example.test", ".example.test", "ann@example.test", "other.test", "ANN@example.test",
              "", "Example.Test", "@example.test"],
    "uri": ["example.test", ".example.test", "db.example.test", "other.test", "", ".test"],
}


def any_name(chance, kind=None):
    kind = kind or chance.choice(["dns"] * 6 + ["ip"] * 3 + ["email", "uri", "dirname", "other", "rid"])
    if kind == "dns":
        return general_name("dns", chance.choice(DNS_NAMES))
    if kind == "ip":
        return general_name("ip", chance.choice(ADDRESSES))
    if kind == "email":
        return general_name("email", chance.choice(EMAILS))
    if kind == "uri":
        return general_name("uri", chance.choice(URIS))
    if kind == "dirname":
        return general_name("dirname", spelled(chance, chance.choice(DIRECTORIES)))
    if kind == "rid":
        return tlv(0x88, b"\x2a\x03")
    if chance.random() < 0.4:            # id-on-SmtpUTF8Mailbox, which constraints on mail reach
        text = chance.choice(["ann@example.test", "änn@example.test", "x@other.test", "x"])
        return tlv(0xA0, oid("1.3.6.1.5.5.7.8.9"), tlv(0xA0, tlv(UTF8, text.encode())))
    return general_name("other", "ann")


def subject_alt_name(chance, critical=None):
    count = chance.choice([1, 1, 1, 2, 2, 3, 5, 0])
    names = [general_name("dns", "db.example.test")] * (chance.random() < 0.7)
    names += [any_name(chance) for _ in range(count)]
    critical = chance.random() < 0.1 if critical is None else critical
    return extension("2.5.29.17", seq(*names), critical)


def constraint(chance):
    kind = chance.choice(["dns"] * 6 + ["ip", "ip", "email", "email", "uri", "uri", "dirname",
                                        "dirname", "other", "rid"])
    if kind in BASES:
        base = general_name(kind, chance.choice(BASES[kind]))
    elif kind == "dirname":
        base = general_name("dirname", spelled(chance, chance.choice(DIRECTORIES)))
    else:
        base = any_name(chance, kind)
    odd = b""
    if chance.random() < 0.04:
        odd = chance.choice([tlv(0x80, b"\0"), tlv(0x80, b"\1"), tlv(0x81, b"\5"),
                             tlv(0x80, b"\0") + tlv(0x81, b"\3")])
    return seq(base, odd)


def name_constraints(chance):
    permitted = [constraint(chance) for _ in range(chance.choice([0, 1, 1, 1, 2, 3]))]
    excluded = [constraint(chance) for _ in range(chance.choice([0, 0, 0, 1, 1, 2]))]
    if chance.random() < 0.5 and permitted:
        permitted.append(seq(general_name("dns", "example.test")))
    body = (tlv(0xA0, *permitted) if permitted else b"",
            tlv(0xA1, *excluded) if excluded else b"")
    return extension("2.5.29.30", seq(*body), chance.random() < 0.6)


def distribution_point(chance, issuer=None):
    """The name of a DistributionPoint or IssuingDistributionPoint."""
    if chance.random() < 0.15:
        rdn = seq(oid("2.5.4.3"), tlv(UTF8, chance.choice([b"point", b"other"])))
        return tlv(0xA0, tlv(0xA1, rdn))
    uri = chance.choice(["http://crl.test/a", "http://crl.test/a", "http://crl.test/b"])
    names = [general_name("uri", uri)]
    if issuer and chance.random() < 0.2:
        names.append(general_name("dirname", issuer))
    return tlv(0xA0, tlv(0xA0, *names))


def crl_distribution_points(chance, issuer):
    points = []
    for _ in range(chance.choice([1, 1, 2])):
        body = distribution_point(chance, issuer) if chance.random() < 0.85 else b""
        if chance.random() < 0.2:
            body += tlv(0x81, *[chance.choice([b"\x01\x7e", b"\x05\x60", b"\x07\x80"])])
        if chance.random() < 0.15 or not body:
            body += tlv(0xA2, general_name("dirname", issuer if chance.random() < 0.6
                                           else spelled(chance, [("CN", "elsewhere")])))
        points.append(seq(body))
    return extension("2.5.29.31", seq(*points), chance.random() < 0.1)


def stray_extension(chance):
    """One that is in the way or is not."""
    return chance.choice([
        lambda: extension("1.3.6.1.4.1.55555.1", NULL, chance.random() < 0.5),
        lambda: extension("2.5.29.32", seq(seq(oid("2.5.29.32.0"))), chance.random() < 0.5),
        lambda: extension("2.5.29.32", seq(seq(oid("1.3.6.1.4.1.55555.2"))), chance.random() < 0.5),
        lambda: extension("2.5.29.36", seq(tlv(0x80, b"\0")), True),
        lambda: extension("2.5.29.54", integer(0), True),
        lambda: extension("2.5.29.33", seq(seq(oid("1.2.3"), oid("1.2.4"))), True),
        lambda: extension("1.3.6.1.5.5.7.1.24", seq(integer(5)), chance.random() < 0.5),
        lambda: extension("1.3.6.1.5.5.7.1.1", seq(seq(oid("1.3.6.1.5.5.7.48.1"), general_name(
            "uri", "http://ocsp.test"))), chance.random() < 0.3),
        lambda: extension("2.5.29.18", seq(general_name("email", "ca@example.test")),
                          chance.random() < 0.3),
        lambda: extension("2.16.840.1.113730.1.13", tlv(IA5, b"comment"), chance.random() < 0.3),
        lambda: extension("2.16.840.1.113730.1.1", bits(bytes([chance.choice(
            [0x40, 0x80, 0x04, 0x07, 0x01, 0x10, 0x44, 0x00])])), chance.random() < 0.4),
        lambda: extension("1.3.6.1.4.1.11129.2.4.3", NULL, True),
        lambda: extension("1.3.6.1.4.1.11129.2.4.2", octets(b"\0\0"), False),
        lambda: extension("2.5.29.46", seq(seq(distribution_point(chance))), False),
        lambda: extension("2.5.29.16", seq(tlv(0x80, b"20240101000000Z")), chance.random() < 0.5),
        lambda: extension("2.5.29.9", seq(seq(oid("2.5.4.3"), tlv(0x31, tlv(UTF8, b"x")))),
                          chance.random() < 0.3),
        lambda: extension("1.3.6.1.5.5.7.1.14", seq(seq(oid("1.3.6.1.5.5.7.21.1"))), True),
        lambda: extension("1.3.6.1.5.5.7.48.1.5", NULL, chance.random() < 0.3),
        lambda: extension("2.5.29.37", seq(oid("1.2.3")), chance.random() < 0.3),
        lambda: extension("1.3.6.1.4.1.311.20.2", tlv(BMP, "CA".encode("utf-16-be")), False),
    ])()


def malformed_extension(chance):
    dotted = chance.choice(["2.5.29.19", "2.5.29.15", "2.5.29.37", "2.5.29.17", "2.5.29.30",
                            "2.5.29.14", "2.5.29.35", "2.5.29.31", "2.16.840.1.113730.1.1",
                            "2.5.29.32", "2.5.29.36", "1.3.6.1.5.5.7.1.14", "2.5.29.18"])
    value = chance.choice([b"", NULL, seq(NULL), b"\x30\x05\x01", octets(b""), integer(1),
                           bits(b""), seq(integer(300)), seq(boolean(True), integer(-1)),
                           tlv(3, b"\x09\x80"), seq(tlv(0x87, b"")), seq(tlv(0x82)),
                           seq(boolean(True)) + b"\0\0"])
    return extension(dotted, value, chance.random() < 0.4)


# ---- certificates -------------------------------------------------------------------------


class Certificate:
    """What is known of a certificate before it is written."""

    def __init__(self, subject, key, issuer=None, ca=False):
        self.subject, self.key, self.ca = subject, key, ca
        self.issuer_name = issuer.subject if issuer else subject
        self.signer = issuer.key if issuer else key
        self.issuer = issuer or self
        self.way = None
        self.version = 3
        self.serial = None
        self.start, self.end = NOW - 200 * DAY, NOW + 400 * DAY
        self.start_raw = self.end_raw = None
        self.form = None
        self.extensions = []
        self.break_signature = None
        self.outer = None
        self.unique = False
        self.explicit_version = False
        self.der = None

    @property
    def identifier(self):
        return hashlib.sha1(self.key.spki).digest()

    def write(self):
        tbs_algorithm = self.signer.algorithm(self.way)
        version = b""
        if self.version > 1 or self.explicit_version:
            version = tlv(0xA0, integer(self.version - 1))
        unique = tlv(0x81, b"\0\5") + tlv(0x82, b"\0\6") if self.unique else b""
        tbs = seq(version, integer(self.serial), tbs_algorithm, self.issuer_name,
                  seq(self.start_raw or time(self.start, self.form),
                      self.end_raw or time(self.end, self.form)),
                  self.subject, self.key.spki, unique,
                  tlv(0xA3, seq(*self.extensions)) if self.extensions else b"")
        signature = self.signer.sign(tbs, self.way)
        if self.break_signature == "bit":
            place = len(signature) // 2
            signature = signature[:place] + bytes([signature[place] ^ 4]) + signature[place + 1:]
        elif self.break_signature == "short":
            signature = signature[:-1]
        elif self.break_signature == "empty":
            signature = b""
        elif self.break_signature == "zero":
            signature = b"\0" + signature
        elif self.break_signature == "unused":
            self.der = seq(tbs, self.outer or tbs_algorithm, bits(signature[:-1] + bytes(
                [signature[-1] & 0xF8]), 3))
            return self.der
        self.der = seq(tbs, self.outer or tbs_algorithm, bits(signature))
        return self.der


class World:
    """All of one case."""

    def __init__(self, label):
        self.chance = random.Random(label)
        self.number = 0
        self.keys = GOOD[:]
        self.chance.shuffle(self.keys)
        self.at = NOW

    def key(self):
        if self.chance.random() < 0.09:
            return self.chance.choice(ODD[:-3] if self.chance.random() < 0.93 else ODD)
        return self.keys.pop() if self.keys else self.chance.choice(GOOD)

    def authority_name(self, place):
        words = self.chance.choice([[("CN", f"Authority {place}")],
                                    [("C", "DE"), ("O", "Example"), ("CN", f"Authority {place}")],
                                    [("O", "Example"), ("OU", "x"), ("CN", f"Authority {place}")]])
        self.words = getattr(self, "words", {})
        self.words[place] = words
        return spelled(self.chance, words)

    def leaf_name(self):
        texts = ["db.example.test", "db.example.test", "db", "*.example.test", "Ann Example",
                 "127.0.0.1", "other.test", "a_b.example.test", "db..example.test", "-db.example.test"]
        words = [("CN", self.chance.choice(texts))]
        if self.chance.random() < 0.25:
            words.insert(0, ("O", self.chance.choice(["Example", "Other"])))
        if self.chance.random() < 0.08:
            words.append(("CN", self.chance.choice(texts)))
        if self.chance.random() < 0.06:
            words.append(("E", self.chance.choice(EMAILS[:6])))
        if self.chance.random() < 0.04:
            words = []
        return spelled(self.chance, words)

    def finish(self, certificate, odd=0.0):
        """Chooses what is not chosen yet, and writes it."""
        chance = self.chance
        self.number += 1
        if certificate.serial is None:
            certificate.serial = chance.choice([self.number + 100] * 8
                                               + [-self.number, self.number << 150, 0])
        if certificate.way is None:
            good, weak = certificate.signer.ways()
            certificate.way = chance.choice(weak if weak and chance.random() < 0.05 else good)
        for _ in range(3):
            if chance.random() < odd:
                self.spoil(certificate)
        return certificate.write()

    def usual(self, certificate, place):
        """The extensions of an ordinary certificate."""
        chance = self.chance
        if certificate.ca:
            depth = chance.choice([None, None, None, place, place + 1])
            body = [boolean(True)] + ([integer(depth)] if depth is not None else [])
            found = [extension("2.5.29.19", seq(*body), chance.random() < 0.85)]
            if chance.random() < 0.85:
                usages = ["keyCertSign", "cRLSign"] + ["digitalSignature"] * (chance.random() < 0.3)
                found.append(key_usage(usages, chance.random() < 0.8))
            if chance.random() < 0.07:
                found.append(purposes(["server", "client"]))
            if chance.random() < 0.12:
                found.append(name_constraints(chance))
        else:
            found = []
            if chance.random() < 0.7:
                found.append(extension("2.5.29.19", seq(), chance.random() < 0.5))
            if chance.random() < 0.7:
                found.append(key_usage(chance.choice([
                    ["digitalSignature"], ["digitalSignature", "keyEncipherment"], ["keyAgreement"],
                    ["keyEncipherment"]])))
            if chance.random() < 0.7:
                found.append(purposes(chance.choice([["server"], ["server", "client"],
                                                     ["client", "server", "unknown"], ["nssgc"]])))
            if chance.random() < 0.85:
                found.append(subject_alt_name(chance))
            if chance.random() < 0.2:
                found.append(crl_distribution_points(chance, certificate.issuer_name))
        if chance.random() < 0.7:
            found.append(extension("2.5.29.14", octets(certificate.identifier)))
        if chance.random() < 0.6:
            found.append(self.authority_key_identifier(certificate, 0.04))
        if chance.random() < 0.1:
            found.append(stray_extension(chance))
        chance.shuffle(found)
        return found

    def authority_key_identifier(self, certificate, wrong):
        chance = self.chance
        issuer = certificate.issuer
        body = b""
        if chance.random() < 0.9:
            body += tlv(0x80, issuer.identifier if chance.random() > wrong else b"another key")
        if chance.random() < 0.12:
            issued_by = issuer.issuer_name if chance.random() > 2 * wrong else self.leaf_name()
            serial = issuer.serial if issuer.serial is not None and chance.random() > wrong else 77
            body += tlv(0xA1, general_name("dirname", issued_by)) + tlv(
                0x82, integer(serial)[2:])
        elif chance.random() < 0.02:
            body += tlv(0x82, integer(4711)[2:])
        return extension("2.5.29.35", seq(body), chance.random() < 0.03)

    def drop(self, certificate, dotted):
        head = oid(dotted)
        certificate.extensions = [one for one in certificate.extensions
                                  if one[2:2 + len(head)] != head
                                  and one[3:3 + len(head)] != head
                                  and one[4:4 + len(head)] != head]

    def spoil(self, certificate):
        """Makes one thing of a certificate wrong, or odd but right."""
        chance = self.chance

        def validity():
            choice = chance.randrange(9)
            at = self.at
            if choice == 0:
                certificate.end = at
            elif choice == 1:
                certificate.end = at + 1
            elif choice == 2:
                certificate.start = at
            elif choice == 3:
                certificate.start = at + 1
            elif choice == 4:
                certificate.end = at - chance.randrange(1, 400) * DAY
            elif choice == 5:
                certificate.start = at + chance.randrange(1, 400) * DAY
            elif choice == 6:
                certificate.form = "generalized"
            elif choice == 7:
                certificate.end = calendar.timegm((2049 + chance.randrange(3), 12, 31, 23, 59, 59))
            elif chance.random() < 0.5:
                certificate.start_raw = chance.choice(BAD_TIMES)
            else:
                certificate.end_raw = chance.choice(BAD_TIMES)

        def basic():
            self.drop(certificate, "2.5.29.19")
            certificate.extensions += chance.choice([
                lambda: [], lambda: [extension("2.5.29.19", seq(), True)],
                lambda: [extension("2.5.29.19", seq(boolean(False)), True)],
                lambda: [extension("2.5.29.19", seq(tlv(1, b"\1")), True)],
                lambda: [extension("2.5.29.19", seq(boolean(True)), False)],
                lambda: [extension("2.5.29.19", seq(boolean(True), integer(0)), True)],
                lambda: [extension("2.5.29.19", seq(boolean(True), integer(1)), True)],
                lambda: [extension("2.5.29.19", seq(integer(0)), True)],
                lambda: [extension("2.5.29.19", seq(boolean(True), integer(-1)), True)],
                lambda: [extension("2.5.29.19", seq(boolean(True), integer(1 << 40)), True)],
                lambda: [extension("2.5.29.19", seq(boolean(True), integer(1 << 70)), True)],
                lambda: [extension("2.5.29.19", seq(boolean(True), tlv(2, b"\0\0\1")), True)],
            ])()

        def usage():
            self.drop(certificate, "2.5.29.15")
            if chance.random() < 0.85:
                names = [one for one in USAGES if chance.random() < 0.25]
                certificate.extensions.append(
                    key_usage(names, chance.random() < 0.5, chance.random() < 0.1))

        def purpose():
            self.drop(certificate, "2.5.29.37")
            if chance.random() < 0.9:
                names = chance.sample(sorted(PURPOSES), chance.choice([0, 1, 1, 1, 2, 3]))
                certificate.extensions.append(purposes(names, chance.random() < 0.3))

        def identifiers():
            which = chance.choice(["2.5.29.14", "2.5.29.35"])
            self.drop(certificate, which)
            if which == "2.5.29.14":
                if chance.random() < 0.6:
                    certificate.extensions.append(extension(which, octets(chance.choice(
                        [b"another key", b"", certificate.identifier + b"\0"]))))
            elif chance.random() < 0.8:
                certificate.extensions.append(self.authority_key_identifier(certificate, 0.5))

        def names():
            self.drop(certificate, "2.5.29.17")
            if chance.random() < 0.8:
                certificate.extensions.append(subject_alt_name(chance))

        def constraints():
            certificate.extensions.append(name_constraints(chance))

        def version():
            certificate.version = chance.choice([1, 1, 2, 2, 4])
            if chance.random() < 0.6 and certificate.version < 3:
                certificate.extensions = []
            certificate.unique = chance.random() < 0.3
            certificate.explicit_version = chance.random() < 0.2

        def signature():
            certificate.break_signature = chance.choice(
                ["bit", "bit", "short", "empty", "zero", "unused"])

        def algorithm():
            certificate.outer = chance.choice([
                seq(oid("1.2.840.113549.1.1.11"), NULL), seq(oid("1.2.840.10045.4.3.2")),
                seq(oid("1.2.840.10045.4.3.2"), NULL), seq(oid("1.2.840.113549.1.1.11")),
                seq(oid("1.3.6.1.4.1.55555.3"))])

        def signer():
            certificate.signer = chance.choice(GOOD)
            certificate.way = chance.choice(certificate.signer.ways()[0])

        def weak():
            good, bad = certificate.signer.ways()
            certificate.way = chance.choice(bad or good)

        def stray():
            certificate.extensions.append(stray_extension(chance))

        def malformed():
            broken = malformed_extension(chance)
            certificate.extensions.append(broken)
            if chance.random() < 0.7 and broken[0] == 0x30:
                # In the place of the good one, so that it is no duplicate.
                at = broken.find(b"\x06")
                self.drop(certificate, dotted_of(broken[at:at + 2 + broken[at + 1]]))
                certificate.extensions.append(broken)

        def duplicate():
            if certificate.extensions:
                certificate.extensions.append(chance.choice(certificate.extensions))

        def lone():
            certificate.extensions = []

        def issuer():
            certificate.issuer_name = chance.choice([
                certificate.subject, self.authority_name(chance.randrange(3)),
                spelled(chance, [("CN", "nobody")]), seq()])

        def serial():
            certificate.serial = chance.choice([0, -5, 1 << 200, 127, 128, certificate.serial])

        def critical():
            for place, one in enumerate(certificate.extensions):
                if chance.random() < 0.4:
                    certificate.extensions[place] = flip_critical(one)

        def odd_der():
            certificate.extensions = [odd_encoding(chance, one) if chance.random() < 0.4 else one
                                      for one in certificate.extensions]

        chance.choice([validity] * 5 + [basic] * 4 + [usage] * 4 + [purpose] * 3 + [identifiers] * 4
                      + [names, constraints, constraints, version, version, signature, algorithm,
                         signer, weak, stray, stray, malformed, malformed, duplicate, lone, issuer,
                         serial, critical, odd_der, odd_der])()


def dotted_of(encoded):
    body = encoded[2:]
    arcs, value = [body[0] // 40 if body[0] < 80 else 2], 0
    arcs.append(body[0] - 40 * arcs[0])
    for octet in body[1:]:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(value)
            value = 0
    return ".".join(map(str, arcs))


def parts(encoded):
    """The elements of a constructed value with a length that DER allows."""
    def header(at):
        length = encoded[at + 1]
        if length < 0x80:
            return 2, length
        count = length & 0x7F
        return 2 + count, int.from_bytes(encoded[at + 2:at + 2 + count], "big")
    start, length = header(0)
    at, found = start, []
    while at < start + length:
        head, size = header(at)
        found.append(encoded[at:at + head + size])
        at += head + size
    return found


def flip_critical(encoded):
    fields = parts(encoded)
    middle = fields[1:-1]
    return seq(fields[0], b"" if middle else boolean(True), fields[-1])


def odd_encoding(chance, encoded):
    """The same extension in an encoding that OpenSSL reads too."""
    fields = parts(encoded)
    choice = chance.randrange(4)
    if choice == 0 and len(fields) == 2:
        return seq(fields[0], boolean(False), fields[1])
    if choice == 1 and len(fields) == 3:
        return seq(fields[0], tlv(1, b"\1"), fields[2])
    if choice == 2:
        body = b"".join(fields)
        return b"\x30\x84" + len(body).to_bytes(4, "big") + body
    if choice == 3:
        value = fields[-1]
        inner = parts(value) if len(value) > 2 and value[1] < 0x80 else []
        if len(inner) == 1 and inner[0][0] == 0x30 and inner[0][1] < 0x80:
            loose = b"\x30\x80" + inner[0][2:] + b"\0\0"
            return seq(*fields[:-1], octets(loose))
    return encoded


# ---- revocation lists ---------------------------------------------------------------------


def revocation_list(world, authority, issued):
    """A list of an authority, for what it issued; usually in order."""
    chance = world.chance
    start, following = world.at - 20 * DAY, world.at + 20 * DAY
    this_raw = following_raw = None
    issuer, signer = authority.subject, authority.key
    broken, version, entries, extensions = False, 2, [], []
    for certificate in issued:
        if certificate.serial is not None and chance.random() < 0.12:
            entries.append((certificate.serial, b""))
    if chance.random() < 0.3:
        entries.append((99999, b""))
    if chance.random() < 0.6:
        extensions.append(extension("2.5.29.20", integer(7)))
    if chance.random() < 0.4:
        extensions.append(extension("2.5.29.35", seq(tlv(0x80, authority.identifier))))
    if chance.random() < 0.35:
        choice = chance.randrange(17)
        if choice == 0:
            following = chance.choice([world.at, world.at + 1, world.at - DAY])
        elif choice == 1:
            start = chance.choice([world.at, world.at + 1, world.at + DAY])
        elif choice == 2:
            following = None
        elif choice == 3:
            broken = True
        elif choice == 4:
            signer = chance.choice(GOOD)
        elif choice == 5:
            issuer = spelled(chance, [("CN", "nobody")])
        elif choice in (6, 7, 8):
            body = distribution_point(chance, issuer) if chance.random() < 0.6 else b""
            body += chance.choice([b"", b"", tlv(0x81, b"\xff"), tlv(0x82, b"\xff"),
                                   tlv(0x83, b"\x01\x7e"), tlv(0x84, b"\xff"), tlv(0x85, b"\xff"),
                                   tlv(0x81, b"\xff") + tlv(0x82, b"\xff")])
            extensions.append(extension("2.5.29.28", seq(body), chance.random() < 0.8))
        elif choice == 9:
            extensions.append(extension("2.5.29.27", integer(3), chance.random() < 0.8))
        elif choice == 10:
            extensions.append(extension("1.3.6.1.4.1.55555.4", NULL, chance.random() < 0.6))
        elif choice == 11:
            version, extensions = 1, []
        elif choice == 12:
            body = tlv(0x80, chance.choice([b"another key", authority.identifier]))
            if chance.random() < 0.5:
                body += tlv(0xA1, general_name("dirname", authority.issuer_name)) + tlv(
                    0x82, integer(chance.choice([authority.serial or 1, 4711]))[2:])
            extensions = [extension("2.5.29.35", seq(body))]
        elif choice == 13:
            odd = chance.choice([
                extension("2.5.29.21", tlv(10, bytes([chance.choice([0, 1, 6, 8, 10])]))),
                extension("2.5.29.29", seq(general_name("dirname", chance.choice(
                    [issuer, spelled(chance, [("CN", "nobody")])]))), True),
                extension("2.5.29.24", generalized_time("20240101000000Z")),
                extension("1.3.6.1.4.1.55555.5", NULL, chance.random() < 0.5),
                extension("2.5.29.21", NULL)])
            entries = [(serial, seq(odd)) for serial, _ in entries]
            entries += [(one.serial, seq(odd)) for one in issued[:1] if one.serial is not None]
        elif choice == 14:
            this_raw = chance.choice(BAD_TIMES)
        elif choice == 15:
            following_raw = chance.choice(BAD_TIMES)
        else:
            extensions.append(malformed_extension(chance))
    way = chance.choice(signer.ways()[0])
    if version == 1:
        entries = [(serial, b"") for serial, _ in entries]
    entries = [seq(integer(serial), time(start - DAY), odd) for serial, odd in entries]
    tbs = seq(integer(1) if version == 2 else b"", signer.algorithm(way), issuer,
              this_raw or time(start),
              following_raw or (time(following) if following is not None else b""),
              seq(*entries) if entries else b"",
              tlv(0xA0, seq(*extensions)) if extensions else b"")
    signature = signer.sign(tbs, way)
    if broken:
        signature = signature[:-1] + bytes([signature[-1] ^ 1])
    return seq(tbs, signer.algorithm(way), bits(signature))


# ---- cases --------------------------------------------------------------------------------


def case(seed, number):
    label = f"{seed}:{number}"
    world = World(label)
    chance = world.chance
    odd = chance.choice([0, 0.02, 0.06, 0.15])
    length = chance.choice([0] + [1] * 6 + [2] * 6 + [3] * 3 + [4, 5, 8])
    if chance.random() < 0.004:
        length = chance.choice([98, 99, 100, 101, 102, 103, 104, 140])
    if chance.random() < 0.04:
        world.at = chance.choice([calendar.timegm((2049, 12, 31, 23, 59, 59)),
                                  calendar.timegm((2050, 1, 1, 0, 0, 0)), 1, NOW + 7 * 365 * DAY])

    authorities = []
    for place in range(length):
        issuer = authorities[-1] if authorities else None
        key = world.key() if length < 20 else GOOD[place % 12]
        subject = world.authority_name(place)
        if chance.random() < 0.03 and authorities:
            subject = chance.choice(authorities).subject
        authority = Certificate(subject, key, issuer, ca=True)
        if issuer and chance.random() < 0.3:
            authority.issuer_name = respelled(world, issuer)
        authority.extensions = world.usual(authority, length - place)
        world.finish(authority, odd if length < 20 else 0)
        authorities.append(authority)

    leaf = Certificate(world.leaf_name(), world.key(), authorities[-1] if authorities else None)
    if not authorities and chance.random() < 0.5:
        leaf.ca = True
    elif authorities and chance.random() < 0.04:
        leaf.subject = chance.choice(authorities).subject
    elif chance.random() < 0.03:
        leaf.ca = True
    leaf.extensions = world.usual(leaf, 0)
    world.finish(leaf, 1.5 * odd)

    others = relatives(world, authorities, leaf, odd)
    sent = [leaf] + authorities[:0:-1]
    if authorities and chance.random() < 0.15:
        sent.append(authorities[0])
    roots = authorities[:1] or ([leaf] if chance.random() < 0.8 else [])
    for one in others:
        place = chance.random()
        if place < 0.45:
            sent.insert(chance.randrange(1, len(sent) + 1), one)
        elif place < 0.9:
            roots.insert(chance.randrange(len(roots) + 1), one)
        else:
            sent.insert(1, one)
            roots.append(one)
    disturb(world, sent, roots, authorities, leaf)
    crls = None
    if chance.random() < 0.2:
        crls = []
        for authority in authorities + others:
            if not authority.ca or chance.random() < 0.06:
                continue
            issued = [one for one in [leaf, *authorities, *others] if one.issuer is authority]
            for _ in range(chance.choice([1] * 8 + [2, 3])):
                crls.append(revocation_list(world, authority, issued))
        chance.shuffle(crls)
        crls = "".join(pem("X509 CRL", one) for one in crls) or pem("X509 CRL", revocation_list(
            world, leaf, [leaf]))
    return {"name": label, "at": world.at,
            "sent": [base64.b64encode(one.der).decode() for one in sent],
            "roots": root_file(world, roots, leaf), "crls": crls, "key": leaf.key.private_pem()}


def respelled(world, authority):
    """The name of an authority, in another spelling that is the same, and seldom is not."""
    for place, words in world.words.items():
        if spelled(random.Random(0), words) and f"Authority {place}".encode() in authority.subject:
            return spelled(world.chance, words)
    return authority.subject


def relatives(world, authorities, leaf, odd):
    """Certificates beside the chain: same names, same keys, cross-signed, unrelated, in a circle."""
    chance = world.chance
    found = []
    while authorities and chance.random() < 0.3:
        model = chance.choice(authorities)
        kind = chance.randrange(8)
        if kind == 0:      # the same name, another key, self-signed
            one = Certificate(model.subject, world.key(), None, ca=True)
        elif kind == 1:    # the same name and key, self-signed
            one = Certificate(model.subject, model.key, None, ca=True)
        elif kind == 2:    # cross-signed by another root, which may be anywhere
            other = Certificate(world.authority_name(50), world.key(), None, ca=True)
            other.extensions = world.usual(other, 5)
            world.finish(other, odd)
            found.append(other)
            one = Certificate(model.subject, model.key, other, ca=True)
        elif kind == 3:    # signed by what it signs
            one = Certificate(model.subject, model.key, authorities[-1], ca=True)
        elif kind == 4:    # unrelated
            one = Certificate(world.authority_name(60), world.key(), None, ca=True)
        elif kind == 5:    # the same again with another validity
            one = Certificate(model.subject, model.key,
                              None if model.issuer is model else model.issuer, ca=True)
            shift = chance.choice([-900, -300, 100, 300, 900]) * DAY
            one.start, one.end = one.start + shift, one.end + shift
        elif kind == 6:    # the same name and another key from the same issuer
            one = Certificate(model.subject, world.key(),
                              None if model.issuer is model else model.issuer, ca=True)
        else:              # the key of the leaf under another name
            one = Certificate(world.authority_name(70), leaf.key, model, ca=chance.random() < 0.5)
        one.extensions = world.usual(one, 5)
        world.finish(one, odd)
        found.append(one)
    return found


def disturb(world, sent, roots, authorities, leaf):
    """What servers send and people trust by mistake."""
    chance = world.chance
    if chance.random() < 0.08 and len(sent) > 1:
        sent.pop(chance.randrange(1, len(sent)))
    if chance.random() < 0.1:
        tail = sent[1:]
        chance.shuffle(tail)
        sent[1:] = tail
    if chance.random() < 0.05:
        sent.insert(chance.randrange(1, len(sent) + 1), chance.choice(sent))
    if chance.random() < 0.06 and authorities:
        roots.append(chance.choice(authorities))
    if chance.random() < 0.04:
        roots.append(leaf)
    if chance.random() < 0.04 and roots:
        roots.pop(0)
    if chance.random() < 0.05:
        chance.shuffle(roots)


TRUST = {"server": oid("1.3.6.1.5.5.7.3.1"), "client": oid("1.3.6.1.5.5.7.3.2"),
         "any": oid("2.5.29.37.0"), "email": oid("1.3.6.1.5.5.7.3.4")}


def root_file(world, roots, leaf):
    chance = world.chance
    blocks = []
    for one in roots:
        kind = chance.random()
        if kind < 0.88:
            blocks.append(pem("CERTIFICATE", one.der))
        elif kind < 0.91:
            blocks.append(pem("X509 CERTIFICATE", one.der))
        elif kind < 0.94:
            blocks.append(pem("TRUSTED CERTIFICATE", one.der))
        else:
            trust, reject = ([TRUST[name] for name in chance.sample(sorted(TRUST), count)]
                             for count in (chance.choice([0, 1, 1, 2]), chance.choice([0, 0, 1])))
            settings = seq(seq(*trust) if trust else b"", tlv(0xA0, *reject) if reject else b"",
                           tlv(UTF8, b"alias") if chance.random() < 0.3 else b"")
            blocks.append(pem("TRUSTED CERTIFICATE", one.der + settings))
    if chance.random() < 0.03:
        blocks.append(pem("PRIVATE KEY", octets(b"no key")))
    if chance.random() < 0.04:
        blocks.insert(chance.randrange(len(blocks) + 1), "some words\nand more\n\n")
    if chance.random() < 0.02 and roots:
        blocks.append(pem("X509 CRL", revocation_list(world, roots[0], [leaf])))
    if chance.random() < 0.02 and blocks:
        blocks.append(blocks[0])
    if chance.random() < 0.02:
        blocks.append(chance.choice([
            pem("CERTIFICATE", b"\x30\x03\x02\x01\x05"), "-----BEGIN CERTIFICATE-----\nMII\n",
            pem("CERTIFICATE", leaf.der).replace("-----END CERTIFICATE", "-----END X509 CRL"),
            pem("CERTIFICATE", leaf.der)[:200], pem("CERTIFICATE", leaf.der[:-3]),
            pem("CERTIFICATE", leaf.der + b"\0\0"), pem("CERTIFICATE REQUEST", leaf.der)]))
    text = "".join(blocks)
    if chance.random() < 0.03:
        text = text.replace("\n", "\r\n")
    if chance.random() < 0.02:
        text = text.replace("\n-----END", "   \n-----END")
    return text


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--seed", default="1")
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--count", type=int, default=300)
    chosen = options.parse_args()
    for number in range(chosen.first, chosen.first + chosen.count):
        print(json.dumps(case(chosen.seed, number)))


if __name__ == "__main__":
    main()
