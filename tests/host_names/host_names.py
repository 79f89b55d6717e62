#!/usr/bin/env python3
"""Random pairs of a host and a certificate's names, and what real libpqs say of each at verify-full.

    host_names.py --seed 7 --count 300 [--libpq 15,16,17,18]

A pair to a line of JSON: "host", "certificate" (base64 of DER), "said" (libpq's message by version, null
where the name was taken). A server in this process answers SSLRequest and speaks TLS with the certificate
of the pair; after the handshake it ends with an error, so that nothing but the name decides.
"""

import argparse
import base64
import ipaddress
import itertools
import json
import os
import pathlib
import random
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

ORACLE = pathlib.Path(__file__).resolve().parent.parent / "oracle"
sys.path.insert(0, str(ORACLE))

from common import LIBPQ  # noqa: E402
from der import (BMP, IA5, PRINTABLE, T61, UTF8, Ec, authority_key_id, basic_constraints,  # noqa: E402
                 certificate, extension, general_name, key_usage, name, pem, seq, subject_key_id, tlv)

TAKEN = "the name was taken"
UNIVERSAL, NUMERIC, VISIBLE = 0x1C, 0x12, 0x1A

# ---- hosts and names ------------------------------------------------------------------------

LABELS = ["db", "a", "b", "example", "test", "DB", "Example", "xn--bcher-kva", "bücher", "x_y", "-a", "1",
          "127", "*", "", "a*", "日本", "com", "0x7f", "ﬀ", "a b", "é"]


def random_host(chance):
    kind = chance.random()
    if kind < 0.5:
        return ".".join(chance.choice(LABELS) for _ in range(chance.randrange(1, 5)))
    if kind < 0.7:
        return v4_spelling(chance, chance.choice([0x7F000001, 0x0A010203, 0, 0xFFFFFFFF, 0xC0A80101]))
    if kind < 0.85:
        return v6_spelling(chance)
    return chance.choice([
        "db.example.test", "db.example.test.", "DB.EXAMPLE.TEST", ".db.example.test", "db..example.test",
        "*.example.test", "a" * 63 + ".test", "a" * 300 + ".test", "localhost", " db.example.test",
        "db.example.test ", "127.0.0.1 x", "127.0.0.1\t", "1.2.3.4.", "256.1.1.1", "1.2.3", "::1%lo",
        "[::1]", "0x", "08", "09.1.1.1", "1e1", "", "x" * 2000, "db\\example", "%", "'", "\"db\"",
        "4294967296", "4294967295", "0x100000000", "037777777777", "1.16777216", "1.16777215", "1.2.65536",
        "::ffff:1.2.3.4", "1.2.3.4:5", "0000000000000000000000001"])


def v4_spelling(chance, number):
    def digits(value):
        return chance.choice([str(value)] * 3 + [f"0x{value:x}", f"0X{value:X}", f"0{value:o}",
                                                 f"00{value:o}", f"0x0{value:x}"])
    octets = [number >> shift & 255 for shift in (24, 16, 8, 0)]
    form = chance.choice([1, 2, 3, 4, 4, 4])
    head = octets[:form - 1]
    tail = number & (1 << (8 * (5 - form))) - 1
    text = ".".join([*map(digits, head), digits(tail)])
    return text + chance.choice([""] * 8 + [" ", "\t", " x", ".", "\n", "x"])


V6 = ["::1", "::", "2001:db8::7", "fe80::1", "::ffff:127.0.0.1", "::127.0.0.1", "::1:0", "1:2:3:4:5:6:7:8",
      "1:0:0:2::3", "0:1::", "1::8", "64:ff9b::1.2.3.4", "::ffff:0:1.2.3.4", "0:0:1::2", "1:2:3:4:5:6:7::"]


def v6_spelling(chance):
    address = ipaddress.IPv6Address(chance.choice(V6))
    return chance.choice([
        str(address), address.exploded, str(address).upper(), chance.choice(V6),
        address.exploded.replace("0000", "0"), str(address) + chance.choice(["%1", " ", "/128", ":", ""]),
        "0" + str(address), "::" + address.exploded[-9:]])


def variation(chance, host):
    """A name that has to do with the host, and may or may not match it."""
    labels = host.split(".")
    choice = chance.randrange(14)
    if choice < 3:
        return host
    if choice == 3:
        return host.upper()
    if choice == 4:
        return ".".join(["*", *labels[1:]])
    if choice == 5:
        return ".".join(["*", "*", *labels[2:]])
    if choice == 6:
        return ".".join([labels[0][:1] + "*", *labels[1:]])
    if choice == 7:
        return "*." + host
    if choice == 8:
        return "*" + host
    if choice == 9:
        return host + "."
    if choice == 10:
        return host + "\0" + chance.choice(["", ".evil.test"])
    if choice == 11:
        return host[1:]
    if choice == 12:
        return chance.choice(["*", "*.", "*.*", "", "*.test", ".", "**", "*.x"])
    return random_host(chance)


def address_of(chance, host):
    """The bytes of an iPAddress, seldom of a wrong length."""
    candidates = [b"\x7f\0\0\1", b"\x0a\1\2\3", bytes(4), b"\xff" * 4]
    candidates += [ipaddress.IPv6Address(text).packed for text in chance.sample(V6, 3)]
    try:
        candidates += 6 * [ipaddress.ip_address(host).packed]
    except ValueError:
        pass
    try:
        candidates += 6 * [socket.inet_aton(host)]
    except (OSError, UnicodeError, ValueError):
        pass
    if chance.random() < 0.06:
        return chance.choice([b"", b"\1", bytes(5), bytes(15), bytes(17), bytes(8), bytes(32)])
    return chance.choice(candidates)


def alternative_name(chance, host):
    kind = chance.choice(["dns"] * 6 + ["ip"] * 4 + ["email", "uri", "dirname", "other", "rid"])
    if kind == "dns":
        text = variation(chance, host)
        try:
            raw = text.encode("ascii")
        except UnicodeEncodeError:
            raw = text.encode("utf-8" if chance.random() < 0.7 else "idna" if is_idna(text) else "utf-8")
        return general_name("dns", raw)
    if kind == "ip":
        return general_name("ip", address_of(chance, host))
    if kind == "email":
        return general_name("email", b"ann@" + ascii_only(host))
    if kind == "uri":
        return general_name("uri", b"https://" + ascii_only(host))
    if kind == "dirname":
        return general_name("dirname", name(("CN", host or "x")))
    if kind == "rid":
        return tlv(0x88, b"\x2a\x03")
    return general_name("other", host)


def is_idna(text):
    try:
        text.encode("idna")
        return True
    except UnicodeError:
        return False


def ascii_only(text):
    return text.encode("ascii", "ignore")


def common_name(chance, host):
    text = variation(chance, host)
    tag = chance.choice([UTF8] * 4 + [PRINTABLE, PRINTABLE, T61, IA5, BMP, UNIVERSAL, NUMERIC, VISIBLE])
    encodings = {BMP: "utf-16-be", UNIVERSAL: "utf-32-be", T61: "latin-1", UTF8: "utf-8"}
    raw = text.encode(encodings.get(tag, "utf-8"), "replace")
    if tag == BMP and len(raw) % 2 or tag == BMP and any(ord(one) > 0xFFFF for one in text):
        tag, raw = UTF8, text.encode()
    return "CN", raw, tag


def subject(chance, host):
    attributes = []
    if chance.random() < 0.3:
        attributes.append(("O", "Example"))
    for _ in range(chance.choice([0, 1, 1, 1, 1, 2, 3])):
        attributes.append(common_name(chance, host))
    if chance.random() < 0.2:
        attributes.append(("OU", "x"))
    return name(*attributes)


# ---- the pairs ------------------------------------------------------------------------------

CA, KEY = Ec("host names ca"), Ec("host names leaf")
CA_NAME = name(("CN", "host names"))


def pair(seed, number):
    chance = random.Random(f"{seed}:{number}")
    host = random_host(chance)
    # libpq would see two hosts, and a C string ends at a NUL.
    host = host.replace(",", "").replace("\0", "")
    extensions = [authority_key_id(CA.identifier)]
    if chance.random() < 0.75:
        count = chance.choice([0, 1, 1, 1, 2, 2, 3, 5, 12])
        names = [alternative_name(chance, host) for _ in range(count)]
        extensions.append(extension("2.5.29.17", seq(*names)))
    der = certificate(subject(chance, host), KEY.spki, CA_NAME, CA, serial=number + 1,
                      extensions=extensions)
    return host, der


def root():
    return certificate(CA_NAME, CA.spki, CA_NAME, CA, serial=1, extensions=[
        basic_constraints(True), key_usage("keyCertSign"), subject_key_id(CA)])


# ---- the server -----------------------------------------------------------------------------

FATAL = f"SFATAL\0VFATAL\0C28000\0M{TAKEN}\0\0".encode()
ANSWER = b"E" + (len(FATAL) + 4).to_bytes(4, "big") + FATAL


class Server:
    """Serves the certificate of the moment to whoever connects."""

    def __init__(self):
        self.context = None
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            with client:
                client.settimeout(20)
                client.recv(8, socket.MSG_WAITALL)
                client.sendall(b"S")
                with self.context.wrap_socket(client, server_side=True) as tls:
                    if tls.recv(4096):
                        tls.sendall(ANSWER)
                        tls.recv(4096)
        except OSError:
            pass    # a client that does not like the name hangs up


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--seed", default="1")
    options.add_argument("--count", type=int, default=300)
    options.add_argument("--libpq", default="15,16,17,18")
    chosen = options.parse_args()
    versions = chosen.libpq.split(",")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="host-names-"))
    (folder / "root.crt").write_text(pem("CERTIFICATE", root()))
    server = Server()
    workers = {}
    for version in versions:
        workers[version] = subprocess.Popen(
            [sys.executable, str(ORACLE / "libpq_worker.py"), str(LIBPQ / version)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            cwd=folder, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"})
        workers[version].stdout.readline()
    try:
        done = 0
        for number in itertools.count():
            if done == chosen.count:
                break
            host, der = pair(chosen.seed, number)
            both = folder / "server.pem"
            both.write_text(pem("CERTIFICATE", der) + KEY.pem)
            server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            try:
                server.context.load_cert_chain(both)
            except ssl.SSLError:
                continue    # no server of OpenSSL can have it
            done += 1
            conninfo = {"host": host, "hostaddr": "127.0.0.1", "port": server.port, "user": "u",
                        "dbname": "d", "sslmode": "verify-full", "sslsni": "0", "sslcert": "/nowhere",
                        "sslrootcert": str(folder / "root.crt"), "gssencmode": "disable"}
            line = json.dumps({"conninfo": conninfo, "env": {"HOME": str(folder)}}) + "\n"
            for worker in workers.values():
                worker.stdin.write(line)
                worker.stdin.flush()
            said = {}
            for version, worker in workers.items():
                text = json.loads(worker.stdout.readline())["error_message"]
                text = text.split(" failed: ", 1)[-1].removesuffix("\n")
                said[version] = None if TAKEN in text else text
            print(json.dumps({"host": host, "certificate": base64.b64encode(der).decode(),
                              "said": said}), flush=True)
    finally:
        for worker in workers.values():
            worker.kill()
            worker.wait()
        for entry in folder.iterdir():
            entry.unlink()
        os.rmdir(folder)


if __name__ == "__main__":
    main()
