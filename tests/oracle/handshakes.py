"""A TLS server by hand, for handshakes that no library makes.

SCENARIOS maps a name to what is odd. The server takes the scenario from the first label of
server_name: host=NAME.example.test with the address of the server. `lower` ones are TLS 1.2.
After the handshake it answers the StartupMessage as one that asks for no password.

Messages are RFC 8446's and RFC 5246's; only TLS_AES_128_GCM_SHA256 and
TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, with the certificate "good" of the PKI lab.
"""

import functools
import hashlib
import hmac
import os
import struct

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from common import load_pki

CCS, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23
SERVER_NAME, GROUPS, POINTS, SCHEMES, EARLY, VERSIONS, COOKIE, NAMES, SHARE, RENEGOTIATION = (
    0, 10, 11, 13, 42, 43, 44, 47, 51, 0xFF01)
SRP = 12                           # an extension that no libpq asks for
UNKNOWN = 0x1234                   # an extension that nobody knows
STATUS, TICKET, MASTER_SECRET, CERTIFICATES = 5, 35, 23, 11
X25519, P256, P521, FFDHE2048, FFDHE4096, HYBRID = 0x1D, 0x17, 0x19, 0x100, 0x102, 0x11EC
# Certificate types and compressed certificates, which OpenSSL knows since 3.2.
CLIENT_TYPE, SERVER_TYPE, COMPRESS = 19, 20, 27
CURVES = {P256: ec.SECP256R1(), P521: ec.SECP521R1()}
RSA_PSS, ECDSA = b"\x08\x04", b"\x04\x03"
HANDSHAKE_FAILURE, INSUFFICIENT_SECURITY, INTERNAL_ERROR = 40, 71, 80
RETRY = hashlib.sha256(b"HelloRetryRequest").digest()
SCENARIOS = {}


def sha256(data):
    return hashlib.sha256(data).digest()


def mac(key, data):
    return hmac.new(key, data, "sha256").digest()


def vector(octets, data):
    return len(data).to_bytes(octets, "big") + data


def extension(kind, data=b""):
    return struct.pack("!H", kind) + vector(2, data)


def message(kind, body=b""):
    return bytes([kind]) + vector(3, body)


def record(kind, content, version=0x0303):
    return struct.pack("!BH", kind, version) + vector(2, content)


def records(kind, content, version=0x0303, size=16384):
    return b"".join(record(kind, content[start:start + size], version)
                    for start in range(0, max(len(content), 1), size))


def request(extensions, context=b"", tail=b""):
    """A CertificateRequest of TLS 1.3."""
    return message(13, vector(1, context) + vector(2, extensions) + tail)


def old_request(types=b"\x01\x40", schemes=RSA_PSS, names=b"", tail=b""):
    """A CertificateRequest of TLS 1.2."""
    return message(13, vector(1, types) + vector(2, schemes) + vector(2, names) + tail)


def ticket(value=b"ticket", extensions=b"", lifetime=7200, nonce=b"n", tail=b""):
    return message(4, struct.pack("!I", lifetime) + b"abcd" + vector(1, nonce) + vector(2, value)
                   + vector(2, extensions) + tail)


def compressed(public):
    return bytes([2 + (public[-1] & 1)]) + public[1:1 + (len(public) - 1) // 2]


def hybrid(public):
    return bytes([6 + (public[-1] & 1)]) + public[1:]


def subject_public_key_info(curve):
    def wrap(public):
        key = ec.EllipticCurvePublicKey.from_encoded_point(CURVES[curve], public)
        return key.public_bytes(serialization.Encoding.DER,
                                serialization.PublicFormat.SubjectPublicKeyInfo)
    return wrap


# ---- the scenarios ---------------------------------------------------------------------------

def tls13(name, **how):
    """before: records before the ServerHello; hello_version, more, random, session: of the
    ServerHello; versions_tail, share_tail: after the content of these extensions; group; shape:
    what becomes of the public key; retry: extensions of a HelloRetryRequest;
    hello_pieces, pieces: octets of a record; record_version, sealed: version of records; change: how often ChangeCipherSpec;
    extensions: EncryptedExtensions; early: sealed records before them, between: after them;
    asks: a CertificateRequest; more_certificates, certificate_tail, certificate_extensions,
    list_context; pad: zeros in the first sealed record; scheme; finish: the verify_data; late:
    sealed records after the Finished, UPDATE stands for a KeyUpdate; clear: records after them;
    amid: sealed records around the answer; needs: a group that must be offered, and otherwise
    refused: the alert."""
    SCENARIOS[name] = (serve_1_3, how)


def tls12(name, **how):
    """more: extensions of the ServerHello; renegotiation; asks; group; shape; between: records
    after the ServerHello, each: after each message; ticket: a NewSessionTicket; late: sealed
    records before the answer; finish; pieces; leaves: closes after the answer; cert: which of the
    PKI lab, of an elliptic key if it is not "good"."""
    SCENARIOS[name] = (serve_1_2, how)


UPDATE = object()
OLD_SCHEMES = extension(SCHEMES, vector(2, RSA_PSS + b"\x04\x03"))
WARNING = {"cancelled": b"\x01\x5a", "no_renegotiation": b"\x01\x64", "unrecognized": b"\x01\x70"}


def declare():
    hello_request = record(HANDSHAKE, message(0))
    tls13("modern")
    for name, warning in WARNING.items():
        tls13(f"{name}-first", before=record(ALERT, warning))
        tls13(f"{name}-sealed", early=[(ALERT, warning)])
        tls13(f"{name}-late", late=[(ALERT, warning)])
        tls12(f"lower-{name}", between=record(ALERT, warning))
        tls12(f"lower-{name}-late", late=[(ALERT, warning)])
    for count in (4, 5):
        tls13(f"{count}-warnings", before=record(ALERT, WARNING["unrecognized"]) * count)
        tls12(f"lower-{count}-warnings", between=record(ALERT, WARNING["unrecognized"]) * count)
        tls13(f"{count}-cancelled", early=[(ALERT, WARNING["cancelled"])] * count)
    tls12("lower-warnings-apart", each=record(ALERT, WARNING["unrecognized"]) * 2)
    tls13("cancelled-apart", early=[(ALERT, WARNING["cancelled"])] * 3,
          between=[(ALERT, WARNING["cancelled"])] * 3)
    tls13("cancelled-fatally", early=[(ALERT, b"\x02\x5a")])
    tls13("close-notify-first", before=record(ALERT, b"\x01\x00"))
    tls13("close-notify-sealed", early=[(ALERT, b"\x01\x00")])
    tls13("alert-of-three", early=[(ALERT, b"\x01\x5a\x00")])
    tls13("alert-of-one", early=[(ALERT, b"\x01")])
    tls13("hello-request-first", before=hello_request)
    tls13("hello-request-sealed", early=[(HANDSHAKE, message(0))])
    tls13("hello-request-late", late=[(HANDSHAKE, message(0))])
    tls12("lower-hello-request", between=hello_request)
    # PQfinish turns in circles until such a server leaves.
    tls12("lower-hello-request-late", late=[(HANDSHAKE, message(0))], leaves=True)
    tls13("empty-first", before=record(HANDSHAKE, b"") * 3)
    tls13("empty-sealed", early=[(HANDSHAKE, b"")])
    tls13("empty-data-sealed", early=[(DATA, b"")])
    tls13("empty-alert-sealed", early=[(ALERT, b"")])
    for count in (20, 40):
        tls13(f"{count}-empty-late", late=[(DATA, b"")] * count)
        tls13(f"{count}-updates", late=[UPDATE] * count)
        tls13(f"{count}-tickets", late=[(HANDSHAKE, ticket(b"t%d" % n)) for n in range(count)])
        tls13(f"{count}-changes", change=count)
        tls12(f"lower-{count}-empty-late", late=[(DATA, b"")] * count)
    for count in (0, 3, 31, 33):
        tls13(f"{count}-changes", change=count)
    tls13("change-late", clear=record(CCS, b"\x01"))
    tls13("change-empty-first", before=record(CCS, b""))
    tls12("lower-change-empty", between=record(CCS, b""))
    tls13("change-first", before=record(CCS, b"\x01"))
    tls13("change-of-two", before=record(CCS, b"\x01\x01"))
    tls13("change-wrong", before=record(CCS, b"\x02"))
    # The ServerHello.
    tls13("hello-unknown", more=extension(UNKNOWN, b"a"))
    tls13("hello-renegotiation", more=extension(RENEGOTIATION, b"\0"))
    tls13("hello-of-30000", more=extension(UNKNOWN, bytes(30000)))
    tls13("hello-srp", more=extension(SRP))
    tls12("lower-of-30000", more=extension(UNKNOWN, bytes(30000)))
    tls12("lower-share", more=extension(SHARE, b"\0\x1d" + vector(2, bytes(32))))
    tls12("lower-names", more=extension(NAMES))
    tls12("lower-srp", more=extension(SRP))
    tls13("extensions-srp", extensions=extension(SRP))
    tls13("asks-srp", asks=request(OLD_SCHEMES + extension(SRP)))
    tls13("asks-how-signed", asks=request(OLD_SCHEMES + extension(50, vector(2, RSA_PSS))))
    tls13("asks-how-signed-empty", asks=request(OLD_SCHEMES + extension(50, vector(2, b""))))
    tls13("asks-how-signed-tail",
          asks=request(OLD_SCHEMES + extension(50, vector(2, RSA_PSS) + b"\0")))
    tls13("hello-twice", more=extension(UNKNOWN) * 2)
    tls13("hello-alpn", more=extension(16, vector(2, vector(1, b"postgresql"))))
    tls13("hello-1-0", hello_version=0x0301)
    tls13("hello-1-3", hello_version=0x0304)
    tls13("versions-tail", versions_tail=b"\0")
    tls13("share-tail", share_tail=b"\0")
    tls13("share-empty", shape=lambda public: b"")
    tls13("share-short", shape=lambda public: public[:-1])
    tls13("share-long", shape=lambda public: public + b"\0")
    tls13("share-zero", shape=lambda public: bytes(32))
    tls13("session-other", session=b"x" * 32)
    tls13("session-none", session=b"")
    tls13("pieces-of-one", hello_pieces=1)
    tls13("pieces-of-seven", pieces=7)
    tls13("record-1-0", record_version=0x0301)
    tls13("record-0-0", record_version=0x0300)
    cookie = extension(COOKIE, vector(2, b"cookie"))
    version = extension(VERSIONS, b"\x03\x04")
    for name, group in (("p256", P256), ("p521", P521), ("ffdhe2048", FFDHE2048)):
        tls13(f"retry-{name}", group=group, retry=cookie)
    tls13("retry-plain", group=P256, retry=b"")
    for name, shape in (("compressed", compressed), ("hybrid", hybrid)):
        tls13(f"retry-p256-{name}", group=P256, retry=cookie, shape=shape)
        tls13(f"retry-p521-{name}", group=P521, retry=cookie, shape=shape)
        tls12(f"lower-p256-{name}", group=P256, shape=shape)
    tls13("retry-p521-info", group=P521, retry=cookie, shape=subject_public_key_info(P521))
    tls13("retry-p256-info", group=P256, retry=cookie, shape=subject_public_key_info(P256))
    tls13("retry-ffdhe2048-long", group=FFDHE2048, retry=cookie, shape=lambda key: b"\0" + key)
    tls13("retry-ffdhe2048-one", group=FFDHE2048, retry=cookie,
          shape=lambda key: bytes(255) + b"\1")
    tls13("retry-cookie-only", retry=cookie)
    tls13("retry-cookie-empty", retry=extension(COOKIE, vector(2, b"")))
    tls13("retry-cookie-tail", retry=extension(COOKIE, vector(2, b"cookie") + b"\0"))
    tls13("retry-nothing", retry=b"")
    tls13("retry-unknown", retry=cookie + extension(UNKNOWN))
    tls13("retry-same-group", retry=extension(SHARE, b"\0\x1d"))
    tls13("retry-not-offered", retry=extension(SHARE, b"\0\x15"))
    tls13("retry-no-version", retry=cookie, retry_version=b"")
    tls13("retry-1-0", retry=cookie, retry_hello_version=0x0301)
    tls13("retry-then-record-1-0", group=P256, retry=cookie, record_version=0x0301, sealed=0x0303)
    tls13("retry-twice", group=P256, retry=cookie, retries=2)
    tls13("retry-40-changes", retry=cookie, retry_changes=40)
    tls13("retry-record-1-0", group=P256, retry=cookie, record_version=0x0301)
    # So much that the second ClientHello is more than a record.
    for octets in (12000, 15000, 16200, 19900, 60000):
        tls13(f"retry-cookie-of-{octets}", retry=extension(COOKIE, vector(2, bytes(octets))))
    tls13("retry-ffdhe4096", group=FFDHE4096, retry=cookie, needs=FFDHE4096)
    # What only a client that offers ML-KEM gets, and what no other does.
    tls13("hybrid-only", needs=HYBRID)
    tls13("hybrid-only-insecure", needs=HYBRID, refused=INSUFFICIENT_SECURITY)
    tls13("hybrid-only-internal", needs=HYBRID, refused=INTERNAL_ERROR)
    tls13("nothing-in-common", needs=0x7777)
    newer = (("client-type", CLIENT_TYPE, b"\0"), ("server-type", SERVER_TYPE, b"\0"),
             ("compress", COMPRESS, b"\2\0\1"))
    for name, kind, content in newer:
        odd = extension(kind, content)
        tls13(f"hello-{name}", more=odd)
        tls13(f"retry-{name}", retry=cookie + odd)
        tls13(f"extensions-{name}", extensions=odd)
        tls13(f"certificate-{name}", certificate_extensions=odd)
        tls13(f"asks-{name}", asks=request(OLD_SCHEMES + odd))
        tls13(f"ticket-{name}", late=[(HANDSHAKE, ticket(extensions=odd))])
        tls12(f"lower-{name}", more=odd)
        # Every release refuses what comes later.
        tls13(f"extensions-{name}-finish-wrong", extensions=odd, finish=bytes(32))
        tls12(f"lower-{name}-finish-wrong", more=odd, finish=bytes(12))
    tls13("asks-compress-twice", asks=request(OLD_SCHEMES + extension(COMPRESS, b"\2\0\1") * 2))
    tls13("asks-compress-empty", asks=request(OLD_SCHEMES + extension(COMPRESS, b"\0")))
    tls13("asks-compress-tail", asks=request(OLD_SCHEMES + extension(COMPRESS, b"\2\0\1\0")))
    tls13("asks-compress-odd", asks=request(OLD_SCHEMES + extension(COMPRESS, b"\3\0\1\0")))
    # What is sealed.
    tls13("extensions-unknown", extensions=extension(UNKNOWN, b"a"))
    tls13("extensions-name", extensions=extension(SERVER_NAME))
    tls13("extensions-name-body", extensions=extension(SERVER_NAME, b"\1"))
    tls13("extensions-groups", extensions=extension(GROUPS, vector(2, b"\0\x1d")))
    tls13("extensions-groups-wrong", extensions=extension(GROUPS, b"\0"))
    tls13("extensions-points", extensions=extension(POINTS, vector(1, b"\0")))
    tls13("extensions-share", extensions=extension(SHARE, b"\0\x1d"))
    tls13("extensions-twice", extensions=extension(UNKNOWN) * 2)
    tls13("extensions-early", extensions=extension(EARLY))
    alpn = vector(1, b"postgresql")
    for name, body in (("", vector(2, alpn)), ("-tail", vector(2, alpn) + b"\0"),
                       ("-two", vector(2, alpn * 2)), ("-none", vector(2, b"")),
                       ("-empty", vector(2, vector(1, b""))),
                       ("-other", vector(2, vector(1, b"h2")))):
        tls13(f"alpn{name}", extensions=extension(16, body))
        tls12(f"lower-alpn{name}", more=extension(16, body))
    tls13("asks", asks=request(OLD_SCHEMES))
    tls13("asks-in-context", asks=request(OLD_SCHEMES, context=b"context"))
    tls13("asks-tail", asks=request(OLD_SCHEMES, tail=b"\0"))
    tls13("asks-twice", asks=request(OLD_SCHEMES * 2))
    tls13("asks-no-schemes", asks=request(b""))
    tls13("asks-schemes-empty", asks=request(extension(SCHEMES, vector(2, b""))))
    tls13("asks-schemes-odd", asks=request(extension(SCHEMES, vector(2, b"\x08\x04\x08"))))
    tls13("asks-schemes-tail", asks=request(extension(SCHEMES, vector(2, RSA_PSS) + b"\0")))
    tls13("asks-schemes-none-shared", asks=request(extension(SCHEMES, vector(2, b"\x01\x01"))))
    tls13("asks-share", asks=request(OLD_SCHEMES + extension(SHARE, b"\0\x1d")))
    tls13("asks-unknown", asks=request(OLD_SCHEMES + extension(UNKNOWN)))
    tls13("asks-status", asks=request(OLD_SCHEMES + extension(STATUS)))
    tls13("asks-name", asks=request(OLD_SCHEMES + extension(NAMES, vector(2, vector(
        2, x509.Name([]).public_bytes())))))
    tls13("asks-name-undecodable", asks=request(OLD_SCHEMES + extension(NAMES, vector(
        2, vector(2, b"garbage")))))
    tls13("asks-name-tail", asks=request(OLD_SCHEMES + extension(NAMES, vector(2, vector(
        2, x509.Name([]).public_bytes() + b"\0")))))
    tls13("asks-names-empty", asks=request(OLD_SCHEMES + extension(NAMES, vector(2, b""))))
    tls13("asks-names-tail", asks=request(OLD_SCHEMES + extension(NAMES, vector(2, b"") + b"\0")))
    tls13("certificate-tail", certificate_tail=b"x")
    tls13("certificate-unknown", certificate_extensions=extension(UNKNOWN, b"a"))
    tls13("certificate-name", certificate_extensions=extension(SERVER_NAME))
    tls13("certificate-context", list_context=b"c")
    tls13("second-empty", more_certificates=vector(3, b"") + vector(2, b""))
    tls13("second-junk", more_certificates=vector(3, b"junk") + vector(2, b""))
    tls13("second-cut-short", more_certificates=b"\0\0\x09junk")
    tls13("scheme-sha1", scheme=b"\x02\x01")
    tls13("scheme-pkcs1", scheme=b"\x04\x01")
    tls13("scheme-ecdsa", scheme=b"\x04\x03")
    tls13("scheme-unknown", scheme=b"\x99\x99")
    tls13("finish-wrong", finish=bytes(32))
    tls13("finish-short", finish=bytes(12))
    for name, pad in (("most", 16384), ("more", 16385), ("much", 16640), ("too-much", 16641)):
        tls13(f"padding-{name}", pad=pad)
    # After the handshake.
    tls13("ticket", late=[(HANDSHAKE, ticket())])
    tls13("ticket-of-16000", late=[(HANDSHAKE, ticket(b"t" * 16000))])
    tls13("ticket-of-20000", late=[(HANDSHAKE, ticket(b"t" * 20000))])
    tls13("ticket-of-65000", late=[(HANDSHAKE, ticket(b"t" * 65000))])
    tls13("ticket-empty", late=[(HANDSHAKE, ticket(b""))])
    tls13("ticket-tail", late=[(HANDSHAKE, ticket(tail=b"\0"))])
    tls13("ticket-share", late=[(HANDSHAKE, ticket(extensions=extension(SHARE, b"\0\x1d")))])
    tls13("ticket-early", late=[(HANDSHAKE, ticket(extensions=extension(EARLY, bytes(4))))])
    tls13("ticket-early-wrong", late=[(HANDSHAKE, ticket(extensions=extension(EARLY, b"\0")))])
    tls13("ticket-unknown", late=[(HANDSHAKE, ticket(extensions=extension(UNKNOWN)))])
    tls13("ticket-unknown-twice", late=[(HANDSHAKE, ticket(extensions=extension(UNKNOWN) * 2))])
    tls13("ticket-early-twice",
          late=[(HANDSHAKE, ticket(extensions=extension(EARLY, bytes(4)) * 2))])
    tls13("ticket-forever", late=[(HANDSHAKE, ticket(lifetime=0xFFFFFFFF, nonce=b""))])
    tls13("ticket-in-two", late=[(HANDSHAKE, ticket()[:6]), (HANDSHAKE, ticket()[6:])])
    tls13("ticket-around-data", amid=ticket())
    tls13("update-of-two", late=[(HANDSHAKE, message(24, b"\0\0"))])
    tls13("update-of-none", late=[(HANDSHAKE, message(24, b""))])
    tls13("update-wrong", late=[(HANDSHAKE, message(24, b"\2"))])
    tls13("asks-late", late=[(HANDSHAKE, request(OLD_SCHEMES, context=b"late"))])
    tls13("certificate-late", late=[(HANDSHAKE, message(CERTIFICATES, b""))])
    # TLS 1.2.
    tls12("lower")
    tls12("lower-unknown", more=extension(UNKNOWN))
    tls12("lower-name", more=extension(SERVER_NAME))
    tls12("lower-name-body", more=extension(SERVER_NAME, b"\1"))
    tls12("lower-renegotiation-tail", renegotiation=b"\0\0")
    tls12("lower-renegotiation-other", renegotiation=b"\1x")
    tls12("lower-no-renegotiation-info", renegotiation=None)
    tls12("lower-points", more=extension(POINTS, vector(1, b"\0")))
    tls12("lower-points-compressed", more=extension(POINTS, vector(1, b"\1")))
    tls12("lower-points-empty", more=extension(POINTS, vector(1, b"")))
    tls12("lower-points-tail", more=extension(POINTS, vector(1, b"\0") + b"\0"))
    for name, points in (("none", None), ("all", b"\0\1\2"), ("compressed", b"\1"),
                         ("uncompressed", b"\0"), ("other", b"\2")):
        more = extension(POINTS, vector(1, points)) if points else b""
        for cert in ("ec_p256", "ec_compressed_point"):
            tls12(f"lower-{cert.replace('_', '-')}-points-{name}", more=more, cert=cert)
    tls12("lower-ec-p256-points-compressed-finish-wrong", cert="ec_p256", finish=bytes(12),
          more=extension(POINTS, vector(1, b"\1")))
    tls12("lower-groups", more=extension(GROUPS, vector(2, b"\0\x1d")))
    tls12("lower-ticket", more=extension(TICKET), ticket=b"t" * 50)
    tls12("lower-ticket-body", more=extension(TICKET, b"\1"), ticket=b"t" * 50)
    tls12("lower-ticket-of-40000", more=extension(TICKET), ticket=b"t" * 40000)
    tls12("lower-ticket-empty", more=extension(TICKET), ticket=b"")
    tls12("lower-ticket-missing", more=extension(TICKET))
    tls12("lower-ticket-unannounced", ticket=b"t" * 50)
    tls12("lower-status-body", more=extension(STATUS, b"\0"))
    tls12("lower-master-secret-body", more=extension(MASTER_SECRET, b"\0"))
    tls12("lower-asks", asks=old_request())
    tls12("lower-asks-name-undecodable", asks=old_request(names=vector(2, b"garbage")))
    tls12("lower-asks-name-empty", asks=old_request(names=vector(2, b"")))
    tls12("lower-asks-no-types", asks=old_request(types=b""))
    tls12("lower-asks-schemes-empty", asks=old_request(schemes=b""))
    tls12("lower-asks-schemes-odd", asks=old_request(schemes=b"\x08\x04\x08"))
    tls12("lower-asks-tail", asks=old_request(tail=b"\0"))
    tls12("lower-finish-wrong", finish=bytes(12))
    tls12("lower-change-early", between=record(CCS, b"\x01"))
    tls12("lower-pieces", pieces=3)


# ---- the server ------------------------------------------------------------------------------

@functools.cache
def identity(name="good"):
    """The certificates and the key of one of the PKI lab's."""
    entry = load_pki()["certs"][name]
    with open(entry["chain"], "rb") as file:
        chain = [certificate.public_bytes(serialization.Encoding.DER)
                 for certificate in x509.load_pem_x509_certificates(file.read())]
    with open(entry["key"], "rb") as file:
        return chain, serialization.load_pem_private_key(file.read(), None)


def sign(content, name="good"):
    digest, key = hashes.SHA256(), identity(name)[1]
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(content, ec.ECDSA(digest))
    return key.sign(content, padding.PSS(padding.MGF1(digest), 32), digest)


def expand(secret, label, context, length):
    """HKDF-Expand-Label of one block."""
    info = struct.pack("!H", length) + vector(1, b"tls13 " + label) + vector(1, context)
    return mac(secret, info + b"\x01")[:length]


class Sealed:
    """One direction in TLS 1.3."""

    def __init__(self, secret):
        self.secret, self.sequence = secret, 0
        self.key, self.iv = AESGCM(expand(secret, b"key", b"", 16)), expand(secret, b"iv", b"", 12)

    def nonce(self):
        number = int.from_bytes(self.iv, "big") ^ self.sequence
        self.sequence += 1
        return number.to_bytes(12, "big")

    def seal(self, kind, content, pad=0, version=0x0303):
        plain = content + bytes([kind])
        plain += bytes(max(0, pad - len(plain)))
        header = struct.pack("!BHH", DATA, version, len(plain) + 16)
        # The version that counts for the seal is what the record shows.
        return header + self.key.encrypt(self.nonce(), plain, header)

    def open(self, header, content):
        plain = self.key.decrypt(self.nonce(), content, header).rstrip(b"\0")
        return plain[-1], plain[:-1]

    def next(self):
        return Sealed(expand(self.secret, b"traffic upd", b"", 32))


class SealedBelow:
    """One direction in TLS 1.2 (AES-128-GCM)."""

    def __init__(self, key, salt):
        self.key, self.salt, self.sequence = AESGCM(key), salt, 0

    def associated(self, kind, length):
        number = struct.pack("!Q", self.sequence)
        self.sequence += 1
        return number, number + struct.pack("!BHH", kind, 0x0303, length)

    def seal(self, kind, content):
        number, data = self.associated(kind, len(content))
        return record(kind, number + self.key.encrypt(self.salt + number, content, data))

    def open(self, kind, content):
        _, data = self.associated(kind, len(content) - 24)
        return self.key.decrypt(self.salt + content[:8], content[8:], data)


class ClientHello:
    def __init__(self, whole):
        body = whole[4:]
        self.whole, self.random = whole, body[2:34]
        self.session, rest = cut(body[34:], 1)
        _, rest = cut(rest, 2)
        _, rest = cut(rest, 1)
        listed, _ = cut(rest, 2)
        self.extensions = {}
        while listed:
            value, rest = cut(listed[2:], 2)
            self.extensions[int.from_bytes(listed[:2], "big")] = value
            listed = rest

    def offers(self, group):
        groups = self.extensions[GROUPS][2:]
        return struct.pack("!H", group) in [groups[at:at + 2] for at in range(0, len(groups), 2)]

    def server_name(self):
        names = self.extensions.get(SERVER_NAME)
        return names[5:].decode("ascii", "replace") if names else ""

    def share(self, group):
        shares, _ = cut(self.extensions[SHARE], 2)
        while shares:
            value, rest = cut(shares[2:], 2)
            if int.from_bytes(shares[:2], "big") == group:
                return value
            shares = rest
        raise EOFError("no share of this group")


def cut(data, octets):
    """A vector at the beginning, and the rest."""
    end = octets + int.from_bytes(data[:octets], "big")
    return data[octets:end], data[end:]


async def read_record(reader):
    header = await reader.readexactly(5)
    return header, await reader.readexactly(int.from_bytes(header[3:], "big"))


async def read_hello(reader):
    whole = b""
    while len(whole) < 4 or len(whole) < 4 + int.from_bytes(whole[1:4], "big"):
        header, content = await read_record(reader)
        if header[0] == ALERT:
            raise EOFError("alert")
        whole += content if header[0] == HANDSHAKE else b""
    return ClientHello(whole)


@functools.cache
def finite_field(group):
    """A prime of RFC 7919: the top and bottom 64 bits set, digits of e between."""
    bits, more = {FFDHE2048: (2048, 560316), FFDHE4096: (4096, 5736041)}[group]
    return 2**bits - 2**(bits - 64) + (e_times(bits - 130) + more) * 2**64 - 1


def e_times(bits):
    """floor(e * 2^bits)."""
    scale, total, factorial = 1 << (bits + 64), 0, 1
    for number in range(1, 800):
        total += scale // factorial
        factorial *= number
    return total >> 64


def agree(group, theirs):
    """Our public key and the shared secret."""
    if group == X25519:
        private = x25519.X25519PrivateKey.generate()
        peer = x25519.X25519PublicKey.from_public_bytes(theirs)
        return private.public_key().public_bytes_raw(), private.exchange(peer)
    if group in (FFDHE2048, FFDHE4096):
        prime, exponent = finite_field(group), int.from_bytes(os.urandom(32), "big")
        secret = pow(int.from_bytes(theirs, "big"), exponent, prime)
        octets = prime.bit_length() // 8
        return pow(2, exponent, prime).to_bytes(octets, "big"), secret.to_bytes(octets, "big")
    private = ec.generate_private_key(CURVES[group])
    peer = ec.EllipticCurvePublicKey.from_encoded_point(CURVES[group], theirs)
    return point(private), private.exchange(ec.ECDH(), peer)


def point(private):
    return private.public_key().public_bytes(serialization.Encoding.X962,
                                             serialization.PublicFormat.UncompressedPoint)


async def serve_1_3(reader, writer, hello, answer, how):
    transcript = hello.whole
    if "needs" in how and not hello.offers(how["needs"]):
        writer.write(record(ALERT, bytes([2, how.get("refused", HANDSHAKE_FAILURE)])))
        return
    writer.write(how.get("before", b""))
    group, version = how.get("group", X25519), how.get("record_version", 0x0303)
    if "retry" in how:
        listed = how["retry"] + (extension(SHARE, struct.pack("!H", group))
                                 if group != X25519 else b"")
        listed = how.get("retry_version", extension(VERSIONS, b"\x03\x04")) + listed
        again = message(2, struct.pack("!H", how.get("retry_hello_version", 0x0303)) + RETRY + vector(1, hello.session) + b"\x13\x01\0"
                        + vector(2, listed))
        for _ in range(how.get("retries", 1)):
            writer.write(record(HANDSHAKE, again) + record(CCS, b"\1") * how.get("retry_changes", 0))
            first, hello = hello, await read_hello(reader)
            transcript = message(254, sha256(first.whole)) + again + hello.whole
    public, secret = agree(group, hello.share(group))
    public = how.get("shape", lambda key: key)(public)
    listed = (extension(VERSIONS, b"\x03\x04" + how.get("versions_tail", b""))
              + extension(SHARE, struct.pack("!H", group) + vector(2, public)
                          + how.get("share_tail", b"")) + how.get("more", b""))
    ours = message(2, struct.pack("!H", how.get("hello_version", 0x0303)) + os.urandom(32)
                   + vector(1, how.get("session", hello.session)) + b"\x13\x01\0"
                   + vector(2, listed))
    transcript += ours
    writer.write(records(HANDSHAKE, ours, version, how.get("hello_pieces", 16384)))
    writer.write(record(CCS, b"\1") * how.get("change", 1))

    extracted = mac(expand(mac(bytes(32), bytes(32)), b"derived", sha256(b""), 32), secret)
    main_secret = mac(expand(extracted, b"derived", sha256(b""), 32), bytes(32))
    out = Sealed(expand(extracted, b"s hs traffic", sha256(transcript), 32))
    into = Sealed(expand(extracted, b"c hs traffic", sha256(transcript), 32))
    chain, _ = identity()
    listed = b"".join(vector(3, der + (how.get("certificate_tail", b"") if not number else b""))
                      + vector(2, how.get("certificate_extensions", b"") if not number else b"")
                      for number, der in enumerate(chain)) + how.get("more_certificates", b"")
    flight = [message(8, vector(2, how.get("extensions", b"")))]
    flight += [how["asks"]] if "asks" in how else []
    flight += [message(CERTIFICATES, vector(1, how.get("list_context", b"")) + vector(3, listed))]
    for kind, content in how.get("early", []):
        writer.write(out.seal(kind, content))

    def say(part, pad=0):
        size, version = how.get("pieces", 16384), how.get("sealed", how.get("record_version", 0x0303))
        for start in range(0, len(part), size):
            writer.write(out.seal(HANDSHAKE, part[start:start + size], pad, version))
        return part
    for number, part in enumerate(flight):
        transcript += say(part, how.get("pad", 0) if number == 0 else 0)
        if number == 0:
            for kind, content in how.get("between", []):
                writer.write(out.seal(kind, content))
    signature = sign(b" " * 64 + b"TLS 1.3, server CertificateVerify\0" + sha256(transcript))
    transcript += say(message(15, how.get("scheme", RSA_PSS) + vector(2, signature)))
    proof = mac(expand(out.secret, b"finished", b"", 32), sha256(transcript))
    transcript += say(message(20, how.get("finish", proof)))
    out = Sealed(expand(main_secret, b"s ap traffic", sha256(transcript), 32))
    theirs, finished = b"", False
    while not finished:
        header, content = await read_record(reader)
        if header[0] == CCS:
            continue
        kind, content = into.open(header, content) if header[0] == DATA else (header[0], content)
        if kind != HANDSHAKE:
            return
        theirs += content
        while len(theirs) >= 4 and len(theirs) >= 4 + int.from_bytes(theirs[1:4], "big"):
            finished |= theirs[0] == 20
            theirs = theirs[4 + int.from_bytes(theirs[1:4], "big"):]
    into = Sealed(expand(main_secret, b"c ap traffic", sha256(transcript), 32))
    for late in how.get("late", []):
        if late is UPDATE:
            writer.write(out.seal(HANDSHAKE, message(24, b"\0")))
            out = out.next()
        else:
            kind, content = late
            for start in range(0, max(len(content), 1), 16384):
                writer.write(out.seal(kind, content[start:start + 16384]))
    writer.write(how.get("clear", b""))
    while True:
        kind, content = into.open(*await read_record(reader))
        if kind == ALERT or content[:1] == b"X":
            writer.write(out.seal(ALERT, b"\1\0"))
            return
        if kind == DATA:
            around = how.get("amid", b"")
            writer.write(out.seal(HANDSHAKE, around[:6]) if around else b"")
            writer.write(out.seal(DATA, answer))
            writer.write(out.seal(HANDSHAKE, around[6:]) if around else b"")


def prf(secret, label, seed, length):
    made, link = b"", label + seed
    while len(made) < length:
        link = mac(secret, link)
        made += mac(secret, link + label + seed)
    return made[:length]


async def serve_1_2(reader, writer, hello, answer, how):
    ours, group = os.urandom(24) + b"DOWNGRAD", how.get("group", X25519)
    renegotiation = how.get("renegotiation", b"\0")
    listed = extension(RENEGOTIATION, renegotiation) if renegotiation is not None else b""
    listed += how.get("more", b"")
    private = (x25519.X25519PrivateKey.generate() if group == X25519
               else ec.generate_private_key(CURVES[group]))
    public = private.public_key().public_bytes_raw() if group == X25519 else point(private)
    public = how.get("shape", lambda key: key)(public)
    parameters = b"\3" + struct.pack("!H", group) + vector(1, public)
    cert = how.get("cert", "good")
    suite, scheme = (b"\xc0\x2f", RSA_PSS) if cert == "good" else (b"\xc0\x2b", ECDSA)
    signature = sign(hello.random + ours + parameters, cert)
    chain = b"".join(vector(3, der) for der in identity(cert)[0])
    flight = [message(2, b"\x03\x03" + ours + vector(1, b"") + suite + b"\0" + vector(2, listed)),
              message(CERTIFICATES, vector(3, chain)),
              message(12, parameters + scheme + vector(2, signature))]
    flight += [how["asks"]] if "asks" in how else []
    flight += [message(14)]
    transcript = hello.whole
    for number, part in enumerate(flight):
        transcript += part
        writer.write(records(HANDSHAKE, part, size=how.get("pieces", 16384)))
        writer.write(how.get("between", b"") if number == 0 else b"")
        writer.write(how.get("each", b""))
    theirs, into, finished = b"", None, False
    while not finished:
        header, content = await read_record(reader)
        if header[0] == ALERT:
            return
        if header[0] == CCS:
            block = prf(main_secret, b"key expansion", ours + hello.random, 40)
            into = SealedBelow(block[:16], block[32:36])
            out = SealedBelow(block[16:32], block[36:40])
            continue
        theirs += into.open(header[0], content) if into else content
        while len(theirs) >= 4 and len(theirs) >= 4 + int.from_bytes(theirs[1:4], "big"):
            part = theirs[:4 + int.from_bytes(theirs[1:4], "big")]
            theirs = theirs[len(part):]
            transcript += part
            finished |= part[0] == 20
            if part[0] == 16:
                key = part[5:]
                secret = (private.exchange(x25519.X25519PublicKey.from_public_bytes(key))
                          if group == X25519 else private.exchange(
                              ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(
                                  CURVES[group], key)))
                main_secret = prf(secret, b"master secret", hello.random + ours, 48)
    if "ticket" in how:
        part = message(4, struct.pack("!I", 256) + vector(2, how["ticket"]))
        transcript += part
        writer.write(records(HANDSHAKE, part))
    proof = prf(main_secret, b"server finished", sha256(transcript), 12)
    writer.write(record(CCS, b"\1") + out.seal(HANDSHAKE, message(20, how.get("finish", proof))))
    while True:
        header, content = await read_record(reader)
        content = into.open(header[0], content)
        if header[0] == ALERT or content[:1] == b"X":
            writer.write(out.seal(ALERT, b"\1\0"))
            return
        for kind, late in how.get("late", []):
            writer.write(out.seal(kind, late))
        writer.write(out.seal(DATA, answer))
        if how.get("leaves"):
            return


async def handshake(reader, writer, answer):
    """Does what server_name says."""
    hello = await read_hello(reader)
    serve, how = SCENARIOS.get(hello.server_name().split(".")[0], (serve_1_3, {}))
    await serve(reader, writer, hello, answer, how)
    await writer.drain()


declare()
