"""The test matrix: which client options meet which server situations.

A group is one situation and one client configuration; it becomes six cases, one for each
sslmode. Groups are plain dictionaries:
  id         "<situation id>|<client label>"
  part       the part of the curated matrix it comes from, or "sample"
  situation  {"server", "cert", "hba", "settings"}: what servers.Lab.activate() takes
  conninfo   libpq keywords without port and sslmode
  env        HOME and others for the client process
"""

import hashlib
import random

from common import DATABASE, PASSWORD, RUN, SSLMODES, USER
from fakes import FAKES, REPLIES
from handshakes import SCENARIOS
from servers import HAPROXY, HBA, NEWER_SETTINGS, PGBOUNCERS

ALL_PG = ["pg10", "pg12", "pg14", "pg15", "pg16", "pg17", "pg18"]
DB, OTHER = "db.example.test", "other.example.test"
IP_HOSTS = {"127.0.0.1": "127.0.0.1", "::1": "::1"}
CA = {"ssl_ca_file": "client_ca"}
CA_AND_CRL = {"ssl_ca_file": "client_ca", "ssl_crl_file": "client_crl"}
V1, V11, V12, V13 = "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"


def tls_range(low, high):
    return {"ssl_min_protocol_version": low, "ssl_max_protocol_version": high}


class Matrix:
    def __init__(self, pki):
        self.pki, self.groups, self.seen, self.part = pki, [], set(), "sample"

    def group(self, server, cert=None, hba="trust", settings=None, env=None, **client):
        """Client options are symbolic: root="right", crl="revoked", cert_="good", home=...;
        others are libpq keywords as they are."""
        situation = {"server": server}
        if server.startswith("pg") and not server.startswith("pgb"):
            situation |= {"cert": cert, "hba": hba, "settings": settings or {}}
        label = [server, cert or "ssl_off", hba] if "hba" in situation else [server]
        label += [f"{key}={value}" for key, value in (settings or {}).items()]
        client.setdefault("host", DB)
        shown = [f"{key.rstrip('_')}={value}" for key, value in client.items()]
        ident = "/".join(label) + "|" + ",".join(shown)
        if ident in self.seen:
            return
        self.seen.add(ident)
        conninfo, environment = self.client(cert or PGBOUNCERS.get(server, {}).get("cert", "good"),
                                            **client)
        self.groups.append({"id": ident, "part": self.part, "situation": situation,
                            "conninfo": conninfo, "env": environment | (env or {})})

    def client(self, cert, *, host, root=None, crl=None, crldir=None, cert_=None, home="empty",
               system=None, **keywords):
        pki, entry = self.pki, self.pki["certs"][cert]
        env = {"HOME": pki["homes"][home]}
        if host == "/sockets":        # the folder of the Unix sockets
            host = str(RUN / "sockets")
        conninfo = {"host": host} if host is not None else {}
        if host not in IP_HOSTS and not (host or "").startswith("/"):
            conninfo["hostaddr"] = "::1" if ":" in (host or "") else "127.0.0.1"
        conninfo |= {"user": USER, "dbname": DATABASE, "gssencmode": "disable"}

        def file(symbol, table):
            return table.get(symbol) or pki["shared"].get(symbol) or symbol
        if root == "wrong":
            root = "other_root"
        if root:
            conninfo["sslrootcert"] = file(root, entry["roots"])
        if system:                    # what the "system" store of the TLS library is
            env["SSL_CERT_FILE"] = file(system, entry["roots"])
            env["SSL_CERT_DIR"] = pki["shared"]["empty_dir"]
        if crl:
            conninfo["sslcrl"] = file(crl, entry["crls"])
        if crldir:
            conninfo["sslcrldir"] = file(crldir, entry["crldirs"])
        if cert_:
            pair = pki["clients"][cert_]
            conninfo |= {f"ssl{part}": path for part, path in pair.items()}
        return conninfo | keywords, env

    # ---- the curated matrix -----------------------------------------------------------

    def curated(self):
        for part in (self.certificates, self.revocation, self.root_files, self.homes, self.hba,
                     self.client_certificates, self.tls_versions, self.ciphers, self.direct,
                     self.fakes, self.replies, self.handshakes, self.poolers,
                     self.parameters):
            self.part = part.__name__
            part()
        return self.groups

    def certificates(self):
        others = ["pg10", "pg12", "pg14", "pg16", "pg17"]
        for number, (cert, entry) in enumerate(self.pki["certs"].items()):
            main, *more = entry["hosts"]
            server = ("pg18", "pg18b")[number % 2]
            for host in (main, *more):
                self.group(server, cert, "hostssl", host=host, root="right")
            if entry["group"] in ("chain", "seed", "validity") or number % 5 == 0:
                self.group(server, cert, "trust", host=main, root="right")
            if entry["group"] == "seed" or number % 5 == 1:
                self.group(server, cert, "trust", host=main)
                self.group(server, cert, "hostssl", host=main, root="leaf")
            if entry["group"] in ("chain", "seed"):
                self.group(server, cert, "hostssl", host=main, root="wrong")
            if "inter" in entry["roots"] and (entry["group"] == "chain" or number % 5 == 0):
                self.group(server, cert, "hostssl", host=main, root="inter")
                self.group(server, cert, "hostssl", host=main, root="bundle")
            if entry["group"] == "crypto" or cert in ("good", "seed_selfsigned"):
                self.group("pg15", cert, "hostssl", host=main, root="right")
                self.group(server, cert, "hostssl", host=main, root="right",
                           ssl_max_protocol_version=V12)
            if number % 5 == 0:
                self.group(server, cert, "hostssl", host=main, root="system", system="right")
                self.group(others[number // 5 % len(others)], cert, "hostssl_else_reject",
                           host=main, root="right")

    def revocation(self):
        for cert, entry in self.pki["certs"].items():
            for label in entry["crls"]:
                self.group("pg18", cert, "hostssl", root="right", crl=label)
                self.group("pg18", cert, "trust", root="right", crldir=label)
                if label in ("revoked", "leaf_revoked", "clean", "both_clean"):
                    self.group("pg18", cert, "trust", root="right", crl=label)
                    self.group("pg18", cert, "hostssl", crl=label)
                    self.group("pg18", cert, "hostssl", root="system", system="right", crl=label)
                    self.group("pg18", cert, "hostssl", root="right", crl=label,
                               crldir="empty_dir")
                    if "inter" in entry["roots"]:
                        self.group("pg18", cert, "hostssl", root="inter", crl=label)
        for crl in ("missing", "garbage", "empty", "root", "directory"):
            self.group("pg18", "crl_direct", "hostssl", root="right", crl=crl)
        for crldir in ("missing", "empty_dir", "garbage"):
            self.group("pg18", "crl_direct", "hostssl", root="right", crldir=crldir)
        self.group("pg18", "crl_direct", "hostssl", root="right", crl="clean", crldir="revoked")
        self.group("pg18", "crl_direct", "hostssl", root="right", crl="revoked", crldir="clean")

    def root_files(self):
        forms = ["missing", "directory", "empty", "garbage", "root_with_text", "root_crlf",
                 "root_old_label", "root_trusted_label", "root_trusted_reject", "root_truncated",
                 "root_after_bad_block", "root_then_bad_block", "root_twice", "many_roots",
                 "key_instead", "crl_instead", "root_and_crl", "root_der", "system", "/dev/null"]
        for form in forms:
            self.group("pg18", "good", "hostssl", root=form)
        for form in forms[::2]:
            self.group("pg18b", "good", "trust", root=form)
        for cert in ("good", "good_intermediate", "unknown_ca", "seed_selfsigned", "cn_only"):
            for system in ("right", "other_root", "missing", "empty"):
                self.group("pg18", cert, "hostssl", root="system", system=system)
            self.group("pg18", cert, "trust", root="system", system="right")
            self.group("pg18", cert, "trust", system="right")
            self.group("pg18", cert, "hostssl", root="system", host=OTHER, system="right")

    def homes(self):
        for home in self.pki["homes"]:
            for cert in ("good", "unknown_ca"):
                for hba in ("hostssl", "trust"):
                    self.group("pg18b", cert, hba, home=home)
            self.group("pg18b", "good", "hostssl", home=home, host=OTHER)
            self.group("pg18b", "good", "hostssl", home=home, root="right")
            self.group("pg18b", "good", "hostssl", home=home, root="missing")
            self.group("pg18b", "good", "cert", CA, home=home, root="right")
            self.group("pg18b", "good", "trust", CA, home=home)
            self.group("pg18b", "good", "cert", CA, home=home, cert_="good")

    def hba(self):
        for server in ("pg10", "pg12", "pg15", "pg17", "pg18"):
            for hba in HBA:
                settings = CA if "cert" in hba else None
                self.group(server, "good", hba, settings, root="right")
                if server == "pg18":
                    self.group(server, "good", hba, settings)
                if "cert" not in hba and server in ("pg10", "pg18"):
                    self.group(server, None, hba, root="right")
        for hba in HBA:
            settings = CA if "cert" in hba else None
            if hba not in ("nothing", "other_user", "other_address", "reject"):
                self.group("pg18", "good", hba, settings, root="right", password=PASSWORD)
            self.group("pg15", "expired_leaf", hba, settings, root="right")
            if hba in ("scram", "md5", "password", "hostssl_scram_nossl_trust"):
                for more in ({"password": "wrong"}, {"user": "rig_md5", "password": PASSWORD},
                             {"user": "rig_none", "password": PASSWORD},
                             {"user": "nobody_here", "password": PASSWORD}):
                    self.group("pg18", "good", hba, settings, root="right", **more)
                for server in ("pg10", "pg15"):
                    self.group(server, "good", hba, settings, root="right", password=PASSWORD)
        for more in ({"dbname": "no_such_db"}, {"user": "no_such_user"}):
            self.group("pg18", "good", "trust", root="right", **more)
            self.group("pg18", "good", "hostssl_else_reject", root="right", **more)
        # SCRAM binds to the certificate's hash: not every signature has one
        for cert in ("ed25519", "ca_ed25519", "rsa_pss_signature", "md5_leaf", "sha1_leaf",
                     "ca_ec_p256_sha512", "good", "unknown_ca"):
            for binding in ("prefer", "require", "disable"):
                self.group("pg18b", cert, "scram", password=PASSWORD, channel_binding=binding)
        for method in ("scram-sha-256", "md5", "password", "none", "!password", "gss"):
            for hba in ("scram", "trust"):
                self.group("pg18b", "good", hba, root="right", password=PASSWORD,
                           require_auth=method)

    def client_certificates(self):
        names = [*self.pki["clients"], None]
        for hba in ("cert", "trust", "clientcert_ca_nossl_trust"):
            for client in names:
                self.group("pg18", "good", hba, CA, root="right", cert_=client)
        for server, maximum in (("pg10", None), ("pg15", None), ("pg18b", V12)):
            for client in names:
                more = {"ssl_max_protocol_version": maximum} if maximum else {}
                self.group(server, "good", "cert", CA, root="right", cert_=client, **more)
        for client in names[::2]:                    # the server has no CA file: it does not ask
            self.group("pg18b", "good", "trust", root="right", cert_=client)
        for client in ("good", "revoked", "other_user", "mapped_user", None):
            for hba in ("cert", "cert_map", "trust", "cert_nossl_trust", "clientcert_ca_scram"):
                self.group("pg18", "good", hba, CA_AND_CRL, root="right", cert_=client)
            for server in ("pg12", "pg14", "pg16", "pg17"):
                self.group(server, "good", "clientcert_full", CA, root="right", cert_=client)
        for password in ("letmein", "wrong", ""):
            self.group("pg18", "good", "cert", CA, root="right", cert_="key_encrypted",
                       sslpassword=password)
        for mode in ("disable", "allow", "require", "bogus"):
            for client in ("good", None):
                for hba, settings in (("cert", CA), ("trust", CA), ("trust", None)):
                    self.group("pg18b", "good", hba, settings, root="right", cert_=client,
                               sslcertmode=mode)

    def tls_versions(self):
        ranges = [(V1, V1), (V11, V11), (V12, V12), (V13, V13), (V1, V12), (V12, V13), (V1, V13)]
        wanted = [(None, None), (V1, None), (V11, V11), (V13, None), (None, V12), (V1, V1),
                  (V12, V12), (V13, V13), (V1, V13), (None, V11), (V13, V12), ("TLSv9", None),
                  ("", ""), (None, "bogus"), ("tlsv1.3", None)]

        def client(low, high):
            pairs = {"ssl_min_protocol_version": low, "ssl_max_protocol_version": high}
            return {key: value for key, value in pairs.items() if value is not None}
        for pair in ranges:
            for want in wanted[:11] if pair != (V1, V13) else wanted:
                self.group("pg18", "good", "hostssl", tls_range(*pair), root="right",
                           **client(*want))
            for want in wanted[:4]:
                self.group("pg15", "good", "trust", tls_range(*pair), root="right",
                           **client(*want))
            self.group("pg12", "good", "trust", tls_range(*pair))
            self.group("pg16", "ec_p256", "hostssl", tls_range(*pair), root="right")
        for want in wanted:
            self.group("pg10", "good", "hostssl", root="right", **client(*want))
        # OpenSSL 3.0 goes on where the certificate's key encrypts, and only there.
        for suite in ("AES128-SHA", "ECDHE-RSA-AES128-SHA", "DHE-RSA-AES128-SHA"):
            old = {"ssl_ciphers": f"{suite}:@SECLEVEL=0"}
            for version in (V1, V11):
                for want in ((V1, None), (V1, V12), (V1, V11), (V11, V11), (None, None)):
                    self.group("pg15", "good", "hostssl", old | tls_range(V1, version),
                               root="right", **client(*want))
                for hba in ("trust", "hostnossl"):
                    self.group("pg18", "good", hba, old | tls_range(V1, version), root="right",
                               **client(V1, None))
        old = {"ssl_ciphers": "AES128-SHA:@SECLEVEL=0", **tls_range(V1, V11)}
        for client_cert in ("good", "rsa", None):
            for hba in ("cert", "trust"):
                self.group("pg15", "good", hba, old | CA, root="right", cert_=client_cert,
                           ssl_min_protocol_version=V1)
        self.group("pg15", "good", "hostssl", old, root="wrong", ssl_min_protocol_version=V1)

    def ciphers(self):
        old = tls_range(V1, V12)
        cases = [
            ("good", {"ssl_ciphers": suite, **old}) for suite in (
                "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-SHA", "AES128-GCM-SHA256",
                "AES256-SHA", "DHE-RSA-AES256-GCM-SHA384", "DHE-RSA-AES128-SHA",
                "ECDHE-RSA-CHACHA20-POLY1305", "DHE-RSA-CHACHA20-POLY1305", "ECDHE-RSA-CAMELLIA256-SHA384",
                "NULL-SHA256", "ECDHE-RSA-NULL-SHA", "ADH-AES256-GCM-SHA384",
                "AECDH-AES256-SHA", "ECDHE-ECDSA-AES128-GCM-SHA256", "AES128-CCM", "ARIA128-GCM-SHA256",
                "HIGH:MEDIUM:+3DES:!aNULL", "ALL:!ADH:!LOW:!EXP:!MD5:@STRENGTH", "ECDHE-RSA-AES128-SHA256")]
        cases += [("ec_p256", {"ssl_ciphers": suite, **old}) for suite in (
            "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-SHA", "ECDHE-RSA-AES128-GCM-SHA256")]
        cases += [("good", {"ssl_dh_params_file": size, "ssl_ciphers": "DHE-RSA-AES128-GCM-SHA256",
                            **old}) for size in ("dh1024", "dh2048")]
        for curve in ("prime256v1", "secp384r1", "secp521r1", "X25519", "X448", "secp256k1",
                      "brainpoolP256r1", "secp224r1"):
            cases += [("good", {"ssl_ecdh_curve": curve}),
                      ("good", {"ssl_ecdh_curve": curve, **tls_range(V12, V12)})]
        cases += [("good", {"ssl_tls13_ciphers": suite, **tls_range(V13, V13)}) for suite in (
            "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_8_SHA256")]
        cases += [("good", {"ssl_prefer_server_ciphers": "off"})]
        for cert, settings in cases:
            self.group("pg18", cert, "hostssl", settings, root="right")
            if "ssl_ecdh_curve" in settings:
                self.group("pg18", cert, "trust", settings, root="right")
            if not {"ssl_tls13_ciphers", "ssl_ecdh_curve"} & set(settings):
                self.group("pg15", cert, "hostssl", settings, root="right")

    def direct(self):
        for server in ALL_PG:
            for hba in ("hostssl", "trust"):
                self.group(server, "good", hba, root="right", sslnegotiation="direct")
            self.group(server, None, "trust", root="right", sslnegotiation="direct")
            self.group(server, "good", "hostssl", root="right", sslnegotiation="postgres")
        for cert in ("seed_selfsigned", "expired_leaf", "missing_intermediate", "cn_only"):
            self.group("pg18", cert, "hostssl", root="right", sslnegotiation="direct")
            self.group("pg18", cert, "hostssl", sslnegotiation="direct")
        self.group("pg18", "good", "cert", CA, root="right", sslnegotiation="direct",
                   cert_="good")
        self.group("pg18", "good", "hostssl", root="system", system="right",
                   sslnegotiation="direct")
        self.group("pg18", "good", "hostssl", root="right", sslnegotiation="bogus")
        self.group("pg18", "good", "scram", root="right", sslnegotiation="direct")
        self.group("pg18", "good", "hostssl", tls_range(V12, V12), root="right",
                   sslnegotiation="direct")
        for sni in ("0", "1", "2", ""):
            self.group("pg18", "good", "hostssl", root="right", sslsni=sni)
            self.group("tls_by_sni", root="right", sslsni=sni)
        self.group("tls_by_sni", root="right", host="127.0.0.1")
        self.group("tls_by_sni", root="right", host=OTHER)
        self.group("tls_by_sni", root="right", host="DB.EXAMPLE.TEST")

    def fakes(self):
        for name in FAKES:
            more = {"connect_timeout": "2"} if name in ("hang", "s_hang") else {}
            self.group(name, root="right", **more)
            if name.startswith("direct"):
                self.group(name, root="right", sslnegotiation="direct")
                self.group(name, sslnegotiation="direct")
                self.group(name, root="right", sslnegotiation="direct", host=OTHER)
            elif not more:
                if name.startswith("tls"):
                    self.group(name, host="127.0.0.1")
                    self.group(name, root="wrong")
                if name in ("n_ok", "tls_ok", "ssh_banner", "mysql_greeting", "http_reply",
                            "close_at_once", "reset_at_once"):
                    self.group(name, root="right", sslnegotiation="direct", connect_timeout="2")

    def replies(self):
        """Each answer to a StartupMessage, in TLS 1.3 and 1.2."""
        for name in REPLIES:
            self.group("by_database", root="right", dbname=name, connect_timeout="2")
            self.group("by_database", root="right", dbname=name, connect_timeout="2",
                       ssl_max_protocol_version=V12)
            if name.startswith("v_"):
                self.group("by_database", root="right", dbname=name, connect_timeout="2",
                           max_protocol_version="3.2")

    def handshakes(self):
        """Each odd handshake; rustls sends no name with a dot at its end, our own client does."""
        for name in SCENARIOS:
            for host in (f"{name}.example.test", f"{name}.example.test."):
                self.group("by_server_name", root="right", host=host, connect_timeout="2")

    def poolers(self):
        for name in PGBOUNCERS:
            self.group(name, root="right")
            self.group(name)
            self.group(name, root="wrong")
            self.group(name, root="right", password="wrong")
            self.group(name, root="right", user="stranger")
            if "client_tls_ca_file" in PGBOUNCERS[name]:
                for client in ("good", "wrong_ca", "expired", "other_user", "server_eku"):
                    self.group(name, root="right", cert_=client)
            self.group(name, root="right", ssl_max_protocol_version=V12)
            self.group(name, root="right", sslnegotiation="direct")
        for name in HAPROXY:
            self.group(name, root="right")
            self.group(name, sslnegotiation="direct")
            for more in ({}, {"sslsni": "0"}, {"host": OTHER}, {"host": "127.0.0.1"},
                         {"cert_": "good"}, {"cert_": "wrong_ca"},
                         {"ssl_max_protocol_version": V12}):
                if name in ("hap0", "hap3", "hap4", "hap5") or not more:
                    self.group(name, root="right", sslnegotiation="direct", **more)

    def parameters(self):
        good = ("pg18", "good", "hostssl")
        self.group("closed", root="right")
        self.group("closed", host="::1")
        self.group("closed", root="missing")
        self.group(*good, host=None, root="right")            # hostaddr only
        self.group(*good, host="", root="right")
        self.group(*good, host="/sockets", root="right")
        self.group(*good, host="/sockets", root="missing")
        self.group("pg18", "seed_selfsigned", "reject", host="/sockets")
        for keyword, values in {
                "sslcompression": ("0", "1"), "sslkey": ("/nowhere.key",), "sslcert": ("",),
                "requirepeer": ("postgres",), "channel_binding": (
                    "require", "bogus"), "gssencmode": ("prefer", "bogus"), "sslsni": ("x",),
                "no_such_option": ("1",), "ssl_min_protocol_version": ("SSLv3",),
                "min_protocol_version": ("3.0", "3.2"), "max_protocol_version": ("latest",),
                "application_name": ("rig",), "options": ("-c geqo=off",), "replication": ("1",),
                "sslkeylogfile": ("/dev/null",), "connect_timeout": ("x", "5"),
                "target_session_attrs": ("read-write", "standby")}.items():
            for value in values:
                self.group(*good, root="right", **{keyword: value})
        for host in ("localhost", "LOCALHOST", "db.example.test.", "127.0.0.1", "::1",
                     "bücher.example.test", "a b", "-", "db..example.test", "x" * 300):
            self.group(*good, host=host, root="right")

    # ---- random samples ------------------------------------------------------------------

    def sample(self, seed, limit):
        """A random matrix of about `limit` cases, drawn from the same ingredients."""
        rng = random.Random(seed)
        certs = list(self.pki["certs"])
        while len(self.groups) * len(SSLMODES) < limit:
            dice = rng.random()
            if dice < 0.06:
                server, cert, hba, settings = rng.choice(list(FAKES)), None, "trust", None
            elif dice < 0.12:
                server = rng.choice([*PGBOUNCERS, *HAPROXY])
                cert, hba, settings = None, "trust", None
            else:
                server = rng.choice([*ALL_PG, "pg18b", "pg15b"])
                cert = rng.choice(certs) if rng.random() < 0.93 else None
                hba = rng.choice(["hostssl", "trust"] if rng.random() < 0.6 else list(HBA))
                if cert is None and "cert" in hba:
                    hba = "trust"
                settings = self.random_settings(rng, server, hba) if cert else {}
            entry = self.pki["certs"][cert or "good"]
            roots = ["right"] * 6 + [None] * 2 + ["wrong", "leaf", "missing", "system"]
            client = {"host": rng.choice(entry["hosts"] * 3 + [OTHER, "localhost", "127.0.0.1"]),
                      "root": rng.choice(roots + [key for key in ("inter", "bundle")
                                                  if key in entry["roots"]])}
            if client["root"] == "system":
                client["system"] = rng.choice(["right", "other_root"])
            if client["root"] is None:
                del client["root"]
            if entry["crls"] and rng.random() < 0.6:
                client[rng.choice(["crl", "crldir"])] = rng.choice(list(entry["crls"]))
            if rng.random() < (0.6 if settings and "ssl_ca_file" in settings else 0.05):
                client["cert_"] = rng.choice(list(self.pki["clients"]))
            for keyword in ("ssl_min_protocol_version", "ssl_max_protocol_version"):
                if rng.random() < 0.12:
                    client[keyword] = rng.choice([V1, V11, V12, V13])
            for keyword, values, chance in (("sslnegotiation", ["direct"], 0.1),
                                            ("sslsni", ["0"], 0.05),
                                            ("password", [PASSWORD, "wrong"], 0.15)):
                if rng.random() < chance:
                    client[keyword] = rng.choice(values)
            if rng.random() < 0.08:
                client["home"] = rng.choice(list(self.pki["homes"]))
            if server in FAKES:
                client["connect_timeout"] = "2"
            self.group(server, cert, hba, settings, **client)
        return self.groups

    @staticmethod
    def random_settings(rng, server, hba):
        settings = dict(CA) if "cert" in hba or rng.random() < 0.05 else {}
        if rng.random() < 0.2:
            settings |= tls_range(*rng.choice([(V1, V11), (V12, V12), (V13, V13), (V1, V12)]))
        elif rng.random() < 0.1:
            settings["ssl_ciphers"] = rng.choice(["ECDHE-RSA-AES128-GCM-SHA256", "AES256-SHA",
                                                  "ECDHE-ECDSA-AES128-GCM-SHA256"])
        elif rng.random() < 0.1:
            settings["ssl_ecdh_curve"] = rng.choice(["secp384r1", "secp521r1", "secp256k1"])
        major = int(server.removeprefix("pg").rstrip("b"))
        return {key: value for key, value in settings.items()
                if NEWER_SETTINGS.get(key, 0) <= major}


def build(pki, seed=None, limit=None):
    """The curated matrix; with a seed, a random one of about `limit` cases."""
    matrix = Matrix(pki)
    return matrix.curated() if seed is None else matrix.sample(seed, limit or 1200)


# ---- slices --------------------------------------------------------------------------------

def facets(group):
    """What a group touches: its part on its server, and each single choice that it is made of."""
    situation, client = group["situation"], group["id"].rpartition("|")[2]
    server = situation["server"]
    yield "part", group["part"], server
    for key in ("cert", "hba"):
        yield key, situation.get(key)
    for setting in (situation.get("settings") or {}).items():
        yield "setting", *setting
    for choice in client.split(","):
        yield "client", choice


def sliced(groups, count):
    """About `count` of the groups, always the same ones, in their order.

    They touch every part of the matrix on every server that the part uses (these come first, so
    a very small `count` is exceeded), then as many different certificates, settings and client
    options as possible.
    """
    shuffled = sorted(groups, key=lambda group: hashlib.sha256(group["id"].encode()).digest())
    chosen, seen = set(), set()
    for wanted in (lambda facet: facet[0] == "part", lambda facet: True):
        for group in shuffled:
            news = {facet for facet in facets(group) if wanted(facet)} - seen
            if news and (len(chosen) < count or any(facet[0] == "part" for facet in news)):
                chosen.add(group["id"])
                seen.update(facets(group))
    for group in shuffled:
        if len(chosen) < count:
            chosen.add(group["id"])
    return [group for group in groups if group["id"] in chosen]
