#!/usr/bin/env python3
"""Make the PKI lab: server certificate situations, CRLs, client certificates, HOME folders.

Everything goes to $RIG_CACHE/pki, described by manifest.json:
  certs.<id>   group, chain, key, root, wrong roots, hosts (the first is the main one) ...
  clients.<id> cert, key
  homes.<id>   a folder to use as HOME
  shared.<id>  further files for sslrootcert
Dates are fixed and keys are seeded; only the `openssl` recipes (365 days from now) vary.
"""

import grp
import json
import os
import shutil
import subprocess

from common import PKI, SERVER_USER, USER, use_venv

use_venv()

from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402

from der import (BMP, FROM, IA5, PRINTABLE, T61, TO, Ec, Ed, Rsa, authority_key_id,  # noqa: E402
                 basic_constraints, bits, boolean, certificate, crl, eku, extension,
                 generalized_time, integer, key_usage, name, name_constraints, octets, oid, pem,
                 pkcs8, san, seq, serial_of, subject_key_id, tlv, utc_time)

DB, OTHER = "db.example.test", "other.example.test"
CA_USAGE = key_usage("keyCertSign", "cRLSign")
LEAF_USAGE = key_usage("digitalSignature", "keyEncipherment")


class Authority:
    """A CA: subject name, key and certificate."""

    def __init__(self, common_name, key, issuer=None, *, pathlen=None, extensions=None,
                 extra=(), aki=True, **options):
        issuer = issuer or self
        self.name = name(("O", "Rig"), ("CN", common_name))
        self.key = key
        if extensions is None:
            extensions = [basic_constraints(True, pathlen), CA_USAGE, subject_key_id(key), *extra]
            if issuer is not self and aki:
                extensions.append(authority_key_id(issuer.key.identifier))
        self.serial = serial_of(f"{common_name} by {issuer.name!r}")
        self.der = certificate(self.name, key.spki, issuer.name, issuer.key, serial=self.serial,
                               extensions=extensions, **options)


class Lab:
    def __init__(self):
        self.certs, self.clients, self.homes, self.shared = {}, {}, {}, {}
        self.keys = {}

    def key(self, label, maker=Rsa, *arguments, **options):
        if label not in self.keys:
            arguments = arguments or ((2048,) if maker is Rsa else ())
            self.keys[label] = maker(label, *arguments, **options)
        return self.keys[label]

    def leaf(self, ident, issuer, *, cn=DB, subject=None, names=None, key=None, usage=LEAF_USAGE,
             purposes=("server",), ca=False, extra=(), extensions=None, aki=True, serial=None,
             **options):
        """An ordinary leaf unless told otherwise; names=() leaves the SAN out."""
        key = key or self.key("leaf")
        names = [DB] if names is None else names
        if extensions is None:
            extensions = [basic_constraints(ca), usage or b"", eku(*purposes) if purposes else b"",
                          san(*names) if names else b"",
                          authority_key_id(issuer.key.identifier) if aki else b"", *extra]
        subject = subject if subject is not None else name(("CN", cn))
        return certificate(subject, key.spki, issuer.name, issuer.key,
                           serial=serial_of(ident) if serial is None else serial,
                           extensions=extensions, **options)

    def add(self, ident, group, chain, root, *, hosts=(DB,), key=None, inter=None, crls=None,
            bundle=None, settings=None, tls=None):
        """chain: what the server sends (DER, leaf first); root: the right root.crt (DER list)."""
        folder = PKI / "certs" / ident
        folder.mkdir(parents=True)
        write_pem(folder / "chain.pem", chain)
        write_pem(folder / "leaf.crt", chain[:1])
        write_pem(folder / "root.crt", root)
        write_key(folder / "key.pem", (key or self.key("leaf")).pem)
        entry = {"group": group, "hosts": list(hosts), "chain": str(folder / "chain.pem"),
                 "key": str(folder / "key.pem"),
                 "roots": {"right": str(folder / "root.crt"), "leaf": str(folder / "leaf.crt")},
                 "crls": {}, "crldirs": {}, "settings": settings or {}}
        if inter:
            write_pem(folder / "inter.crt", inter)
            write_pem(folder / "bundle.crt", inter + root)
            entry["roots"] |= {"inter": str(folder / "inter.crt"),
                               "bundle": str(folder / "bundle.crt")}
        for label, lists in (crls or {}).items():
            self.add_crl(entry, folder, label, lists)
        self.certs[ident] = entry

    @staticmethod
    def add_crl(entry, folder, label, lists):
        path, hashed = folder / f"crl_{label}.pem", folder / f"crldir_{label}"
        hashed.mkdir()
        write_pem(path, lists, "X509 CRL")
        for number, der in enumerate(lists):
            digest = openssl("crl", "-hash", "-noout", "-inform", "DER", data=der).split()[0]
            write_pem(hashed / f"{digest.decode()}.r{number}", [der], "X509 CRL")
        entry["crls"][label], entry["crldirs"][label] = str(path), str(hashed)

    def add_files(self, ident, folder, hosts):
        """A situation whose chain.pem, key.pem and root.crt an openssl recipe has left in folder."""
        os.chmod(folder / "key.pem", 0o640)
        leaf = folder / "leaf.crt"
        leaf.write_bytes(openssl("x509", "-in", folder / "chain.pem"))
        self.certs[ident] = {
            "group": "seed", "hosts": hosts, "chain": str(folder / "chain.pem"),
            "key": str(folder / "key.pem"), "crls": {}, "crldirs": {}, "settings": {},
            "roots": {"right": str(folder / "root.crt"), "leaf": str(leaf)}}


def write_pem(path, ders, label="CERTIFICATE"):
    path.write_text("".join(pem(label, der) for der in ders))


def write_key(path, text, mode=0o640):
    path.write_text(text)
    os.chmod(path, mode)


def openssl(*arguments, data=None, cwd=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=data, cwd=cwd, check=True,
                          capture_output=True).stdout


# ---- the situations, group by group ------------------------------------------------------

def seeds(lab):
    """The recipes of the guides people follow and of the PostgreSQL manual, with the openssl program."""
    def folder(ident):
        path = PKI / "certs" / ident
        path.mkdir(parents=True)
        return path

    def self_signed(ident, subject, hosts, *options):
        path = folder(ident)
        openssl("req", "-new", "-x509", *options, "-nodes", "-text", "-newkey", "rsa:2048",
                "-out", "chain.pem", "-keyout", "key.pem", "-subj", subject, cwd=path)
        shutil.copy(path / "chain.pem", path / "root.crt")
        lab.add_files(ident, path, hosts)

    self_signed("seed_selfsigned", f"/CN={DB}", [DB, OTHER, "127.0.0.1"], "-days", "365")
    self_signed("seed_selfsigned_cn", "/CN=postgresql-server",
                ["postgresql-server", DB, "localhost"], "-days", "365")
    self_signed("seed_selfsigned_dn", "/CN=postgres.example.com/O=MyOrg/C=US",
                ["postgres.example.com", DB], "-days", "365", "-sha256")
    self_signed("seed_selfsigned_default_dn", "/C=AU/ST=Some-State/O=Internet Widgits Pty Ltd",
                [DB, "localhost"], "-days", "365")

    path = folder("seed_selfsigned_from_req")       # no -days: 30 days
    openssl("req", "-new", "-text", "-out", "server.req", "-passout", "pass:abcd", "-newkey",
            "rsa:2048", "-keyout", "privkey.pem", "-subj", f"/CN={DB}", cwd=path)
    openssl("rsa", "-in", "privkey.pem", "-passin", "pass:abcd", "-out", "key.pem", cwd=path)
    openssl("req", "-x509", "-in", "server.req", "-text", "-key", "key.pem", "-out", "chain.pem",
            cwd=path)
    shutil.copy(path / "chain.pem", path / "root.crt")
    lab.add_files("seed_selfsigned_from_req", path, [DB, OTHER])

    def signed(ident, hosts, extfile=None, subject="/CN=postgres.example.com/O=MyOrg/C=US"):
        path = folder(ident)
        openssl("genrsa", "-out", "ca.key", "2048", cwd=path)
        openssl("req", "-new", "-x509", "-days", "3650", "-key", "ca.key", "-out", "root.crt",
                "-subj", "/CN=PostgreSQL CA/O=MyOrg/C=US", cwd=path)
        openssl("genrsa", "-out", "key.pem", "2048", cwd=path)
        options = []
        if extfile:
            (path / "san.cnf").write_text(extfile)
            openssl("req", "-new", "-key", "key.pem", "-out", "server.csr", "-config", "san.cnf",
                    cwd=path)
            options = ["-extfile", "san.cnf", "-extensions", "v3_req"]
        else:
            openssl("req", "-new", "-key", "key.pem", "-out", "server.csr", "-subj", subject,
                    cwd=path)
        openssl("x509", "-req", "-in", "server.csr", "-CA", "root.crt", "-CAkey", "ca.key",
                "-CAcreateserial", "-out", "chain.pem", "-days", "365", "-sha256", *options,
                cwd=path)
        lab.add_files(ident, path, hosts)

    signed("seed_ca_leaf_v1", ["postgres.example.com", "localhost"])
    signed("seed_ca_leaf_v1_cn_last", [DB], subject=f"/C=US/O=MyOrg/CN={DB}")
    signed("seed_ca_leaf_san", ["postgres.example.com", "postgres-primary.example.com", "localhost",
                                "127.0.0.1", "::1", "postgres.example.org"], extfile="""
[req]
distinguished_name = req_distinguished_name
req_extensions = v3_req
prompt = no
[req_distinguished_name]
CN = postgres.example.com
[v3_req]
basicConstraints = CA:FALSE
keyUsage = digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth
subjectAltName = @alt_names
[alt_names]
DNS.1 = postgres.example.com
DNS.2 = postgres-primary.example.com
DNS.3 = localhost
IP.1 = 10.0.0.1
IP.2 = 127.0.0.1
""")

    def manual(ident, intermediate):
        """PostgreSQL manual, "Creating Certificates"."""
        path = folder(ident)
        ext = ["-extfile", "/etc/ssl/openssl.cnf", "-extensions", "v3_ca"]

        def request(who):
            openssl("req", "-new", "-nodes", "-text", "-newkey", "rsa:2048", "-out", f"{who}.csr",
                    "-keyout", f"{who}.key", "-subj", f"/CN={DB if who == 'server' else who}",
                    cwd=path)

        def issue(who, issuer, days, *options):
            signer = ["-signkey", f"{who}.key"] if issuer is None else [
                "-CA", f"{issuer}.crt", "-CAkey", f"{issuer}.key", "-CAcreateserial"]
            openssl("x509", "-req", "-in", f"{who}.csr", "-text", "-days", days, *options, *signer,
                    "-out", f"{who}.crt", cwd=path)

        request("root")
        issue("root", None, 3650, *ext)
        request("server")
        if intermediate:
            request("intermediate")
            issue("intermediate", "root", 1825, *ext)
        issue("server", "intermediate" if intermediate else "root", 365)
        chain = ["server.crt"] + (["intermediate.crt"] if intermediate else [])
        (path / "chain.pem").write_text("".join((path / part).read_text() for part in chain))
        os.rename(path / "server.key", path / "key.pem")
        lab.add_files(ident, path, [DB, OTHER])

    manual("manual_root_leaf", False)
    manual("manual_intermediate", True)


def validity(lab, root, other):
    old = {"start": "20200101000000Z", "end": "20250101000000Z"}
    late = {"start": "20400101000000Z", "end": TO}
    add = lab.add
    add("expired_leaf", "validity", [lab.leaf("expired_leaf", root, **old)], [root.der])
    add("notyet_leaf", "validity", [lab.leaf("notyet_leaf", root, **late)], [root.der])
    for label, dates in (("expired", old), ("notyet", late)):
        ca = Authority(f"Rig {label} Root", lab.key(f"root_{label}"), **dates)
        add(f"{label}_root", "validity", [lab.leaf(f"{label}_root", ca)], [ca.der])
        inter = Authority(f"Rig {label} Intermediate", lab.key("inter"), root, **dates)
        add(f"{label}_intermediate", "validity",
            [lab.leaf(f"{label}_intermediate", inter), inter.der], [root.der], inter=[inter.der])
    both = Authority("Rig expired Intermediate", lab.key("inter"), root, **old)
    add("expired_leaf_and_intermediate", "validity",
        [lab.leaf("expired_both", both, **old), both.der], [root.der])
    add("expired_leaf_unknown_ca", "validity", [lab.leaf("expired_unknown", other, **old)],
        [root.der])
    add("expired_leaf_wrong_name", "validity",
        [lab.leaf("expired_wrong", root, cn=OTHER, names=[OTHER], **old)], [root.der])

    odd = {
        "far_future_9999": {"end": "99991231235959Z"},
        "ancient_start_1950": {"start": utc_time("500101000000Z")},
        "generalized_time_before_2050": {"start": generalized_time(FROM),
                                         "end": generalized_time(TO)},
        "utc_time_no_seconds": {"end": utc_time("4401010000Z")},
        "utc_time_offset": {"end": utc_time("440101000000+0000")},
        "generalized_time_fraction": {"end": generalized_time("20440101000000.5Z")},
        "inverted_validity": {"start": TO, "end": FROM},
    }
    for ident, dates in odd.items():
        add(ident, "validity", [lab.leaf(ident, root, **dates)], [root.der])


def chains(lab, root, other):
    add, leaf = lab.add, lab.leaf
    inter = Authority("Rig Issuing CA", lab.key("inter"), root)
    second = Authority("Rig Second CA", lab.key("second"), inter)
    direct = leaf("chain_direct", root)
    below = leaf("chain_leaf", inter)
    deep = leaf("chain_deep", second)
    trust, under = [root.der], [inter.der]
    add("good", "chain", [direct], trust, hosts=[DB, OTHER])
    add("good_intermediate", "chain", [below, inter.der], trust, inter=under)
    add("two_intermediates", "chain", [deep, second.der, inter.der], trust, inter=under)
    add("missing_intermediate", "chain", [below], trust, inter=under)
    add("missing_upper_intermediate", "chain", [deep, second.der], trust, inter=under)
    add("wrong_order", "chain", [deep, inter.der, second.der], trust)
    add("extra_certs", "chain", [below, other.der, inter.der, direct], trust)
    add("root_included", "chain", [below, inter.der, root.der], trust, inter=under)
    add("leaf_twice", "chain", [below, below, inter.der], trust)
    add("unknown_ca", "chain", [leaf("unknown_ca", other)], trust)
    add("unknown_ca_root_included", "chain", [leaf("unknown_ca2", other), other.der], trust)
    add("server_sends_from_ssl_ca_file", "chain", [below], trust,
        settings={"ssl_ca_file": "bundle"}, inter=under)

    partner = Authority("Rig Partner Root", lab.key("partner"))
    crossed = Authority("Rig Issuing CA", lab.key("inter"), partner)
    add("cross_signed_both", "chain", [below, inter.der, crossed.der], [partner.der])
    add("cross_signed_reversed", "chain", [below, crossed.der, inter.der], [partner.der])
    add("cross_signed_other_only", "chain", [below, inter.der], [partner.der])

    # As Let's Encrypt in 2021: the old root is expired, the new one is also signed by it.
    aged = Authority("Rig Aged Root", lab.key("aged"), start="20100101000000Z",
                     end="20250101000000Z")
    fresh_as_root = Authority("Rig Fresh Root", lab.key("fresh"))
    fresh_by_aged = Authority("Rig Fresh Root", lab.key("fresh"), aged)
    issuing = Authority("Rig Fresh Issuing", lab.key("inter"), fresh_as_root)
    sent = [leaf("fresh", issuing), issuing.der, fresh_by_aged.der]
    add("expired_cross_sign_new_root", "chain", sent, [fresh_as_root.der])
    add("expired_cross_sign_both_roots", "chain", sent, [aged.der, fresh_as_root.der])
    add("expired_cross_sign_old_root", "chain", sent, [aged.der])

    twin = Authority("Rig Root CA", lab.key("twin"))
    add("same_name_other_key", "chain", [leaf("same_name", root, aki=False)], [twin.der])
    add("same_name_both_keys", "chain", [leaf("same_names", root, aki=False)],
        [twin.der, root.der])
    add("aki_mismatch", "chain",
        [leaf("aki", root, aki=False, extra=[authority_key_id(b"x" * 20)])], trust)
    add("no_aki", "chain", [leaf("no_aki", root, aki=False)], trust)

    def tower(height):
        top, built = root, []
        for level in range(height):
            top = Authority(f"Rig Tower {level}", lab.key(f"tower{level % 3}", Ec), top)
            built.insert(0, top.der)
        return top, built
    for ident, height in (("chain_of_30", 29), ("chain_of_120", 119)):
        top, built = tower(height)
        add(ident, "chain", [leaf(ident, top), *built], trust)

    def alone(ident, *, start=FROM, end=TO, extensions=(), version=3):
        key = lab.key("alone")
        subject = name(("CN", DB))
        der = certificate(subject, key.spki, subject, key, serial=serial_of(ident),
                          extensions=extensions, start=start, end=end, version=version)
        add(ident, "chain", [der], [der], key=key, hosts=[DB, OTHER])
    alone("self_signed_v1", version=1)
    alone("self_signed_no_extensions", extensions=[san(DB)])
    alone("self_signed_ca_false", extensions=[basic_constraints(False), san(DB)])
    alone("self_signed_no_cert_sign", extensions=[LEAF_USAGE, san(DB)])
    alone("self_signed_expired", extensions=[basic_constraints(True), san(DB)],
          start="20200101000000Z", end="20250101000000Z")
    alone("self_signed_client_eku", extensions=[eku("client"), san(DB)])


def names(lab, root):
    def add(ident, hosts, sans, *, cn="unrelated.example.net", subject=None, extra=()):
        der = lab.leaf(ident, root, cn=cn, subject=subject, names=sans, extra=extra)
        lab.add(ident, "name", [der], [root.der], hosts=hosts)

    add("cn_only", [DB, OTHER, "DB.EXAMPLE.TEST", DB + ".", "127.0.0.1"], (), cn=DB)
    add("cn_match_san_mismatch", [DB, OTHER], [OTHER], cn=DB)
    add("san_match_cn_mismatch", [DB, OTHER], [DB], cn=OTHER)
    add("san_second", [DB, "x.example.test"], ["a.example.test", DB])
    add("wildcard", [DB, "a.b.example.test", "example.test", "DB.EXAMPLE.TEST", ".example.test",
                     "*.example.test", DB + "."], ["*.example.test"])
    add("wildcard_cn", [DB, "a.b.example.test", "example.test"], (), cn="*.example.test")
    add("wildcard_nested", ["a.b.example.test", DB], ["*.*.example.test"])
    add("wildcard_partial_front", ["writer.example.test", DB, "w.example.test"],
        ["w*.example.test"])
    add("wildcard_partial_back", [DB, "b.example.test"], ["*b.example.test"])
    add("wildcard_bare", ["localhost", DB, "127.0.0.1"], ["*"])
    add("wildcard_top_level", ["example.test", DB, "localhost"], ["*.test"])
    add("wildcard_middle", ["db.example.test", "db.other.test"], ["db.*.test"])
    add("wildcard_ip", ["127.0.0.1"], ["*.0.0.1"])
    add("wildcard_idn", ["xn--bcher-kva.example.test"], ["xn--*.example.test"])
    add("wildcard_dot_start", [DB, "example.test"], [".example.test"])
    add("ip_in_dns_name", ["127.0.0.1", "localhost"], ["127.0.0.1"])
    add("ip6_in_dns_name", ["::1"], ["::1"])
    add("san_ipv4", ["127.0.0.1", "::1", "localhost", "127.1", "127.000.000.001"],
        [("ip", "127.0.0.1")])
    add("san_ipv6", ["::1", "0:0:0:0:0:0:0:1", "127.0.0.1"], [("ip", "::1")])
    add("san_ipv4_mapped", ["127.0.0.1", "::ffff:127.0.0.1"], [("ip", "::ffff:127.0.0.1")])
    add("san_ip_bad_length", ["127.0.0.1", DB], [("ip", b"\x7f\0\0\1\0"), DB])
    add("ip_as_cn_only", ["127.0.0.1", "::1", "localhost"], (), cn="127.0.0.1")
    add("ip6_as_cn_only", ["::1"], (), cn="::1")
    add("ip_cn_dns_san", ["127.0.0.1", DB], [DB], cn="127.0.0.1")
    add("dns_cn_ip_san", [DB, "127.0.0.1"], [("ip", "127.0.0.1")], cn=DB)
    add("ip_cn_other_ip_san", ["127.0.0.1"], [("ip", "10.0.0.1")], cn="127.0.0.1")
    add("localhost_all", ["localhost", "127.0.0.1", "::1", "LOCALHOST", "localhost."],
        ["localhost", ("ip", "127.0.0.1"), ("ip", "::1")], cn="localhost")
    add("mixed_case", [DB, "DB.Example.TEST"], ["Db.ExAmPlE.TeSt"])
    add("trailing_dot_san", [DB, DB + "."], [DB + "."])
    add("idn_a_label", ["xn--bcher-kva.example.test", "bücher.example.test"],
        ["xn--bcher-kva.example.test"])
    add("idn_u_label_cn", ["bücher.example.test", "xn--bcher-kva.example.test"], (),
        cn="bücher.example.test")
    add("idn_utf8_san", ["bücher.example.test"], ["bücher.example.test"])
    add("nul_in_cn", [DB], (), cn=b"db.example.test\0.evil.test")
    add("nul_in_san", [DB], [b"db.example.test\0.evil.test"])
    add("nul_in_second_san", [DB], [DB, b"x\0y"])
    add("empty_subject_san", [DB, OTHER], [DB], subject=seq())
    add("empty_subject_no_san", [DB], (), subject=seq())
    add("no_cn_in_subject", [DB], (), subject=name(("O", "Rig")))
    add("empty_cn", [DB], (), cn="")
    add("many_sans", ["h999.example.test", "h1000.example.test"],
        [f"h{number}.example.test" for number in range(1000)])
    add("many_san_certs_dn", [DB], [("dirname", name(("CN", DB))), OTHER], cn=DB)
    add("multi_cn_first", [DB, OTHER], (), subject=name(("CN", DB), ("CN", OTHER)))
    add("multi_cn_last", [DB, OTHER], (), subject=name(("CN", OTHER), ("CN", DB)))
    add("san_email_only", [DB], [("email", "root@example.test")], cn=DB)
    add("san_uri_only", [DB], [("uri", "https://db.example.test/")], cn=DB)
    add("san_other_name_only", [DB], [("other", "db@example.test")], cn=DB)
    add("san_directory_only", [DB], [("dirname", name(("CN", DB)))], cn=DB)
    add("san_empty_sequence", [DB], (), cn=DB, extra=[extension("2.5.29.17", seq())])
    add("san_empty_dns", [DB], [""], cn=DB)
    add("san_critical", [DB], (), cn=DB, extra=[san(DB, critical=True)])
    add("cn_bmp_string", [DB], (), subject=name(("CN", DB.encode("utf-16-be"), BMP)))
    add("cn_t61_string", [DB], (), subject=name(("CN", DB, T61)))
    add("cn_printable_string", [DB], (), subject=name(("CN", DB, PRINTABLE)))
    add("cn_ia5_string", [DB], (), subject=name(("CN", DB, IA5)))
    add("cn_space_before", [DB, " " + DB], (), cn=" " + DB)
    add("underscore", ["db_1.example.test"], ["db_1.example.test"])
    add("san_with_port", [DB], [DB + ":5432"])
    add("single_label", ["db", DB], ["db"])
    add("long_label", ["a" * 70 + ".example.test"], ["a" * 70 + ".example.test"])
    add("san_space_padded", [DB], [DB + " "])
    add("san_two_wildcards", [DB, "x.other.test"], ["*.example.test", "*.other.test"])


def usage(lab, root):
    def add(ident, der, chain=(), trust=None, **options):
        lab.add(ident, "usage", [der, *chain], trust or [root.der], **options)

    leaf = lab.leaf
    add("no_key_usage", leaf("no_key_usage", root, usage=None, purposes=()))
    add("no_extensions_v3", leaf("no_ext", root, extensions=[san(DB)]))
    add("eku_client_only", leaf("eku_client", root, purposes=["client"]))
    add("eku_code_signing", leaf("eku_code", root, purposes=["code"]))
    add("eku_any", leaf("eku_any", root, purposes=["any"]))
    add("eku_server_and_client", leaf("eku_both", root, purposes=["server", "client"]))
    add("eku_critical", leaf("eku_critical", root, purposes=(),
                             extra=[eku("server", critical=True)]))
    add("eku_critical_unknown", leaf("eku_unknown", root, purposes=(),
                                     extra=[eku("unknown", critical=True)]))
    add("netscape_client_only", leaf("nscert", root, purposes=(), extra=[
        extension("2.16.840.1.113730.1.1", bits(b"\x80", 7))]))
    add("ca_true_leaf", leaf("ca_true_leaf", root, ca=True))
    add("ca_true_leaf_cert_sign", leaf("ca_true_sign", root, ca=True, usage=CA_USAGE))
    add("usage_encipherment_only", leaf("ku_enc", root, usage=key_usage("keyEncipherment")))
    add("usage_signature_only", leaf("ku_sig", root, usage=key_usage("digitalSignature")))
    add("usage_cert_sign_only", leaf("ku_cert", root, usage=key_usage("keyCertSign")))
    add("usage_agreement_only", leaf("ku_agree", root, usage=key_usage("keyAgreement")))
    add("usage_empty", leaf("ku_empty", root, usage=key_usage()))
    add("must_staple", leaf("must_staple", root, extra=[
        extension("1.3.6.1.5.5.7.1.24", seq(integer(5)))]))
    add("critical_policies", leaf("policies", root, extra=[
        extension("2.5.29.32", seq(seq(oid("2.23.140.1.2.1"))), True)]))
    add("critical_unknown_extension", leaf("critical", root, extra=[
        extension("1.3.6.1.4.1.55555.1", octets(b"x"), True)]))
    add("unknown_extension", leaf("unknown_ext", root, extra=[
        extension("1.3.6.1.4.1.55555.1", octets(b"x"))]))
    add("duplicate_san", leaf("dup_san", root, extra=[san(OTHER)]), hosts=[DB, OTHER])
    add("duplicate_basic_constraints", leaf("dup_bc", root, extra=[basic_constraints(False)]))
    add("boolean_not_der", leaf("bool", root, extensions=[
        seq(oid("2.5.29.19"), tlv(1, b"\x01"), octets(seq())), san(DB)]))
    add("basic_constraints_explicit_false", leaf("bc_false", root, extensions=[
        extension("2.5.29.19", seq(boolean(False)), True), san(DB)]))
    add("negative_serial", leaf("negative", root, serial=-5))
    add("zero_serial", leaf("zero", root, serial=0))
    add("huge_serial", leaf("huge", root, serial=1 << 400))
    add("version_1_with_extensions", leaf("v1ext", root, version=1))
    add("version_2", leaf("v2", root, version=2))
    add("version_4", leaf("v4", root, version=4))
    add("bad_signature", leaf("bad_signature", root, break_signature=True))
    add("signature_algorithm_mismatch", leaf("sig_mismatch", root, outer_algorithm=seq(
        oid("1.2.840.113549.1.1.5"), tlv(5))))

    def intermediate(ident, *, below=None, leaf_options=None, top=root, **options):
        ca = Authority(f"Rig {ident}", lab.key("inter"), top, **options)
        lab.add(ident, "usage", [leaf(ident, ca, **(leaf_options or {})), ca.der, *(below or ())],
                [root.der], inter=[ca.der])

    plain = [subject_key_id(lab.key("inter")), authority_key_id(root.key.identifier)]
    intermediate("issuer_not_a_ca", extensions=[basic_constraints(False), CA_USAGE, *plain])
    intermediate("issuer_ordinary_leaf", extensions=[basic_constraints(False), LEAF_USAGE, *plain])
    intermediate("issuer_no_basic_constraints", extensions=[CA_USAGE, *plain])
    intermediate("issuer_no_extensions", extensions=plain)
    intermediate("issuer_v1", extensions=(), version=1)
    intermediate("issuer_no_cert_sign", extensions=[
        basic_constraints(True), key_usage("cRLSign"), *plain])
    intermediate("issuer_no_key_usage", extensions=[basic_constraints(True), *plain])
    intermediate("issuer_basic_constraints_not_critical", extensions=[
        basic_constraints(True, critical=False), CA_USAGE, *plain])
    intermediate("issuer_client_eku", extra=[eku("client")])
    intermediate("issuer_server_eku", extra=[eku("server")])
    intermediate("issuer_critical_unknown", extra=[
        extension("1.3.6.1.4.1.55555.1", octets(b"x"), True)])
    limited = Authority("Rig Limited", lab.key("limited"), root, pathlen=0)
    intermediate("path_length_exceeded", top=limited, below=[limited.der])
    one = Authority("Rig One Below", lab.key("limited"), root, pathlen=1)
    intermediate("path_length_kept", top=one, below=[one.der])
    policy = [extension("2.5.29.36", seq(tlv(0x80, b"\0")), True)]
    intermediate("issuer_policy_constraints", extra=policy)

    def constrained(ident, constraints, **leaf_options):
        intermediate(ident, extra=[constraints], leaf_options=leaf_options)
    constrained("constraint_permitted_kept", name_constraints(["example.test"]))
    constrained("constraint_permitted_broken", name_constraints(["other.test"]))
    constrained("constraint_excluded_broken", name_constraints((), ["example.test"]))
    constrained("constraint_excluded_kept", name_constraints((), ["other.test"]))
    constrained("constraint_cn_broken", name_constraints(["other.test"]), names=())
    constrained("constraint_cn_kept", name_constraints(["example.test"]), names=())
    constrained("constraint_cn_unused", name_constraints(["example.test"]), cn="db.other.test")
    constrained("constraint_leading_dot", name_constraints([".example.test"]))
    constrained("constraint_ip_broken", name_constraints([("ip", b"\x0a\0\0\0\xff\0\0\0")]),
                names=[DB, ("ip", "127.0.0.1")])
    constrained("constraint_ip_only", name_constraints([("ip", b"\x0a\0\0\0\xff\0\0\0")]))
    constrained("constraint_dirname_broken", name_constraints(
        [("dirname", name(("O", "Elsewhere")))]))

    def anchor(ident, *, extensions, version=3, chain_issuer=None):
        ca = Authority(f"Rig {ident}", lab.key("anchor"), extensions=extensions, version=version)
        lab.add(ident, "usage", [leaf(ident, ca)], [ca.der])
    anchor("root_v1", extensions=(), version=1)
    anchor("root_no_extensions", extensions=[subject_key_id(lab.key("anchor"))])
    anchor("root_not_a_ca", extensions=[basic_constraints(False),
                                        subject_key_id(lab.key("anchor"))])
    anchor("root_no_cert_sign", extensions=[basic_constraints(True), key_usage("cRLSign"),
                                            subject_key_id(lab.key("anchor"))])
    anchor("root_client_eku", extensions=[basic_constraints(True), CA_USAGE, eku("client"),
                                          subject_key_id(lab.key("anchor"))])
    anchor("root_name_constraint_broken", extensions=[
        basic_constraints(True), CA_USAGE, name_constraints(["other.test"]),
        subject_key_id(lab.key("anchor"))])
    anchor("root_critical_unknown", extensions=[
        basic_constraints(True), CA_USAGE, subject_key_id(lab.key("anchor")),
        extension("1.3.6.1.4.1.55555.1", octets(b"x"), True)])


def cryptography(lab, root):
    def add(ident, key=None, how=None, **options):
        key = key or lab.key("leaf")
        lab.add(ident, "crypto", [lab.leaf(ident, root, key=key, how=how, **options)], [root.der],
                key=key)

    add("sha1_leaf", how="sha1")
    add("md5_leaf", how="md5")
    add("sha512_leaf", how="sha512")
    add("rsa_pss_signature", how="pss")
    for size in (512, 1024, 2047, 3072, 4096):
        add(f"rsa_{size}", lab.key(f"rsa_{size}", Rsa, size))
    add("rsa_exponent_3", lab.key("rsa_e3", Rsa, 2048, e=3))
    add("rsa_pss_key", lab.key("rsa_pss_key", Rsa, 2048, pss=True))
    for label, curve in (("p224", ec.SECP224R1), ("p256", ec.SECP256R1), ("p384", ec.SECP384R1),
                         ("p521", ec.SECP521R1), ("secp256k1", ec.SECP256K1),
                         ("brainpool_p256r1", ec.BrainpoolP256R1)):
        add(f"ec_{label}", lab.key(f"ec_{label}", Ec, curve))
    add("ec_compressed_point", lab.key("ec_compressed", Ec, ec.SECP256R1, compressed=True))
    add("ed25519", lab.key("ed25519", Ed))
    add("ed448", lab.key("ed448", Ed, 448))

    def authority(ident, key, how=None):
        ca = Authority(f"Rig {ident}", key)
        lab.add(ident, "crypto", [lab.leaf(ident, ca, how=how)], [ca.der])
    authority("ca_ec_p256", lab.key("ca_p256", Ec))
    authority("ca_ec_p384", lab.key("ca_p384", Ec, ec.SECP384R1), "sha384")
    authority("ca_ec_p521_sha512", lab.key("ca_p521", Ec, ec.SECP521R1), "sha512")
    authority("ca_ec_p256_sha512", lab.key("ca_p256", Ec), "sha512")
    authority("ca_ec_p256_sha1", lab.key("ca_p256", Ec), "sha1")
    authority("ca_ec_secp256k1", lab.key("ca_k1", Ec, ec.SECP256K1))
    authority("ca_ed25519", lab.key("ca_ed25519", Ed))
    authority("ca_rsa_1024", lab.key("ca_1024", Rsa, 1024))
    for how in ("sha1", "md5"):
        inter = Authority(f"Rig {how} Intermediate", lab.key("inter"), root, how=how)
        lab.add(f"{how}_intermediate", "crypto",
                [lab.leaf(f"{how}_inter", inter), inter.der], [root.der], inter=[inter.der])
        anchor = Authority(f"Rig {how} Root", lab.key("anchor"), how=how)
        lab.add(f"{how}_root", "crypto", [lab.leaf(f"{how}_root", anchor)], [anchor.der])


def revocation(lab, root, other):
    add, leaf = lab.add, lab.leaf
    twin = lab.key("twin")
    mine = serial_of("crl_direct")
    past = {"this": "20240101000000Z", "following": "20250101000000Z"}
    future = {"this": "20400101000000Z"}
    scope = extension("2.5.29.28", seq(tlv(0x82, b"\xff")), True)       # only CA certificates
    here = (root.name, root.key)
    add("crl_direct", "crl", [leaf("crl_direct", root)], [root.der], hosts=[DB, OTHER], crls={
        "clean": [crl(*here)],
        "revoked": [crl(*here, [mine])],
        "revoked_other_serial": [crl(*here, [mine + 2])],
        "revoked_in_future": [crl(*here, [(mine, "20430101000000Z")])],
        "expired": [crl(*here, **past)],
        "expired_revoked": [crl(*here, [mine], **past)],
        "not_yet": [crl(*here, **future)],
        "other_ca": [crl(other.name, other.key)],
        "forged": [crl(root.name, twin, [mine])],
        "critical_extension": [crl(*here, extensions=[
            extension("1.3.6.1.4.1.55555.2", octets(b"x"), True)])],
        "ca_scope_only": [crl(*here, [mine], extensions=[scope])],
        "version_1": [crl(*here, [mine], version=1)],
        "no_next_update": [crl(*here, following=None)],
        "clean_and_revoked": [crl(*here), crl(*here, [mine])],
    })
    inter = Authority("Rig Issuing CA", lab.key("inter"), root)
    below = leaf("crl_below", inter)
    serial = serial_of("crl_below")
    there = (inter.name, inter.key)
    add("crl_chain", "crl", [below, inter.der], [root.der], inter=[inter.der], crls={
        "both_clean": [crl(*there), crl(*here)],
        "leaf_revoked": [crl(*there, [serial]), crl(*here)],
        "intermediate_revoked": [crl(*there), crl(*here, [inter.serial])],
        "root_only": [crl(*here)],
        "intermediate_only": [crl(*there)],
        "intermediate_only_revoked": [crl(*there, [serial])],
        "root_expired": [crl(*there), crl(*here, **past)],
        "intermediate_expired": [crl(*there, **past), crl(*here)],
    })
    alone = lab.key("alone")
    subject = name(("CN", DB))
    der = certificate(subject, alone.spki, subject, alone, serial=77, extensions=[san(DB)])
    add("crl_self_signed", "crl", [der], [der], key=alone, crls={
        "clean": [crl(subject, alone)], "revoked": [crl(subject, alone, [77])],
        "other_ca": [crl(other.name, other.key)]})
    signer = Authority("Rig No CRL Sign", lab.key("anchor"), extensions=[
        basic_constraints(True), key_usage("keyCertSign"), subject_key_id(lab.key("anchor"))])
    add("crl_issuer_no_crl_sign", "crl", [leaf("no_crl_sign", signer)], [signer.der],
        crls={"clean": [crl(signer.name, signer.key)]})


def clients(lab, root, other):
    """Client certificates, the server's CA file for them, and one CRL."""
    folder = PKI / "clients"
    folder.mkdir()
    client_ca = Authority("Rig Client CA", lab.key("client_ca"))
    inter = Authority("Rig Client Issuing CA", lab.key("inter"), client_ca)
    write_pem(folder / "ca.crt", [client_ca.der])
    write_pem(folder / "ca.crl", [crl(client_ca.name, client_ca.key, [serial_of("client_revoked")])],
              "X509 CRL")
    lab.shared |= {"client_ca": str(folder / "ca.crt"), "client_crl": str(folder / "ca.crl")}

    def add(ident, issuer=client_ca, *, cn=USER, key=None, chain=(), mode=0o600, purposes=("client",),
            cert_text=None, key_text=None, der_only=False, **options):
        key = key or lab.key("client", Ec)
        leaf = lab.leaf(f"client_{ident}", issuer, cn=cn, names=(), key=key, purposes=purposes,
                        **options)
        write_pem(folder / f"{ident}.crt", [leaf, *chain])
        if cert_text is not None:
            (folder / f"{ident}.crt").write_text(cert_text)
        write_key(folder / f"{ident}.key", key.pem if key_text is None else key_text, mode)
        lab.clients[ident] = {"cert": str(folder / f"{ident}.crt"),
                              "key": str(folder / f"{ident}.key")}

    old = {"start": "20200101000000Z", "end": "20250101000000Z"}
    add("good")
    add("rsa", key=lab.key("client_rsa"))
    add("ed25519", key=lab.key("client_ed", Ed))
    add("p384", key=lab.key("client_p384", Ec, ec.SECP384R1))
    add("chained", inter, chain=[inter.der])
    add("missing_intermediate", inter)
    add("other_user", cn="bob")
    add("mapped_user", cn="rig.client.example")
    add("no_cn", subject=name(("O", "Rig")))
    add("wrong_ca", other)
    add("expired", **old)
    add("revoked")
    add("server_eku", purposes=["server"])
    add("key_mismatch", key_text=lab.key("alone").pem)
    add("key_world_readable", mode=0o644)
    add("key_group_readable", mode=0o640)
    add("key_group_writable", mode=0o660)
    add("key_garbage", key_text="not a key\n")
    add("cert_garbage", cert_text="not a certificate\n")
    add("key_encrypted", key_text=pkcs8(lab.key("client", Ec).private, b"letmein"))
    add("key_and_cert_empty", cert_text="", key_text="")
    (folder / "der.key").write_bytes(lab.key("client_rsa").pkcs1)
    os.chmod(folder / "der.key", 0o600)
    lab.clients["key_der"] = {"cert": str(folder / "rsa.crt"), "key": str(folder / "der.key")}
    good = lab.clients["good"]
    lab.clients |= {
        "cert_missing": {"cert": str(folder / "nowhere.crt"), "key": good["key"]},
        "key_missing": {"cert": good["cert"], "key": str(folder / "nowhere.key")},
        "cert_only": {"cert": good["cert"]}, "key_only": {"key": good["key"]}}


def files_for_clients(lab, root, other):
    """Odd sslrootcert files, and HOME folders with ~/.postgresql in them."""
    folder = PKI / "shared"
    (folder / "empty_dir").mkdir(parents=True)
    text = pem("CERTIFICATE", root.der)
    files = {
        "root": text, "other_root": pem("CERTIFICATE", other.der), "empty": "",
        "garbage": "this is no certificate\n",
        "root_with_text": "Rig Root CA\n===========\n" + text + "\ntrailing words\n",
        "root_crlf": text.replace("\n", "\r\n"),
        "root_old_label": text.replace("CERTIFICATE", "X509 CERTIFICATE"),
        "root_trusted_label": openssl("x509", "-trustout", "-addtrust", "serverAuth",
                                      data=text.encode()).decode(),
        "root_trusted_reject": openssl("x509", "-trustout", "-addreject", "serverAuth",
                                       data=text.encode()).decode(),
        "root_truncated": text[:400],
        "root_after_bad_block": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
                                + text,
        "root_then_bad_block": text + "-----BEGIN CERTIFICATE-----\nAAAA\n"
                                      "-----END CERTIFICATE-----\n",
        "root_twice": text * 2, "many_roots": None, "key_instead": lab.key("leaf").pem,
        "crl_instead": pem("X509 CRL", crl(root.name, root.key)),
        "root_and_crl": text + pem("X509 CRL", crl(root.name, root.key, [serial_of("chain_direct")])),
    }
    crowd = [Authority(f"Rig Crowd {number}", lab.key(f"tower{number % 3}", Ec)).der
             for number in range(150)]
    files["many_roots"] = "".join(pem("CERTIFICATE", der) for der in [*crowd, root.der])
    for ident, content in files.items():
        (folder / f"{ident}.pem").write_text(content)
        lab.shared[ident] = str(folder / f"{ident}.pem")
    (folder / "root.der").write_bytes(root.der)
    openssl("dhparam", "-dsaparam", "-out", folder / "dh1024.pem", "1024")
    openssl("dhparam", "-dsaparam", "-out", folder / "dh2048.pem", "2048")
    lab.shared |= {"root_der": str(folder / "root.der"), "dh1024": str(folder / "dh1024.pem"),
                   "dh2048": str(folder / "dh2048.pem"), "empty_dir": str(folder / "empty_dir"),
                   "missing": str(folder / "nowhere.crt"), "directory": str(folder)}

    def home(ident, **contents):
        path = PKI / "homes" / ident
        (path / ".postgresql").mkdir(parents=True)
        for target, content in contents.items():
            file = path / ".postgresql" / target.replace("_", ".")
            file.write_text(content)
            os.chmod(file, 0o600)
        lab.homes[ident] = str(path)

    good = lab.clients["good"]
    wrong = lab.clients["wrong_ca"]
    home("empty")
    home("root_right", root_crt=text)
    home("root_wrong", root_crt=files["other_root"])
    home("root_garbage", root_crt=files["garbage"])
    home("root_and_crl", root_crt=text,
         root_crl=pem("X509 CRL", crl(root.name, root.key, [serial_of("chain_direct")])))
    home("client_good", postgresql_crt=open(good["cert"]).read(),
         postgresql_key=open(good["key"]).read())
    home("client_wrong", postgresql_crt=open(wrong["cert"]).read(),
         postgresql_key=open(wrong["key"]).read())
    home("client_no_key", postgresql_crt=open(good["cert"]).read())


def main():
    shutil.rmtree(PKI, ignore_errors=True)
    PKI.mkdir(parents=True)
    lab = Lab()
    root = Authority("Rig Root CA", lab.key("root"))
    other = Authority("Rig Other Root", lab.key("other"))
    seeds(lab)
    validity(lab, root, other)
    chains(lab, root, other)
    names(lab, root)
    usage(lab, root)
    cryptography(lab, root)
    revocation(lab, root, other)
    clients(lab, root, other)
    files_for_clients(lab, root, other)
    group = grp.getgrnam(SERVER_USER).gr_gid
    for path in (PKI / "certs").rglob("key.pem"):
        os.chown(path, 0, group)            # PostgreSQL accepts root-owned keys of mode 0640
    (PKI / "manifest.json").write_text(json.dumps(
        {"certs": lab.certs, "clients": lab.clients, "homes": lab.homes, "shared": lab.shared},
        indent=1))
    print(f"{len(lab.certs)} server certificate situations, {len(lab.clients)} client ones")


if __name__ == "__main__":
    main()
