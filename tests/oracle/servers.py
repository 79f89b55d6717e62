#!/usr/bin/env python3
"""The servers of the rig, on a hundred loopback ports, under an unprivileged account.

PostgreSQL servers are started once; activate() rewrites rig.conf, pg_hba.conf and
pg_ident.conf of one and sends SIGHUP, which takes some milliseconds. PgBouncer, HAProxy and
the fake servers have fixed configurations.

As a program: `servers.py run` starts all of them and waits for Ctrl-C; `servers.py stop` ends
what an interrupted run has left behind (by the recorded process ids).
"""

import fcntl
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

from common import (CACHE, DATABASE, FIRST_PORT, PASSWORD, PG, PORTS, RIG, RUN, SERVER_USER,
                    SUPERUSER, USER, load_pki)
from fakes import FAKES, FAKE_BASE

SOCKETS = RUN / "sockets"
PG15_DEBIAN = pathlib.Path("/usr/lib/postgresql/15")
AS_SERVER_USER = ["setpriv", f"--reuid={SERVER_USER}", f"--regid={SERVER_USER}", "--clear-groups"]

# Let the servers offer what the TLS library can do at all; each situation narrows it.
OPENSSL_CONF = """openssl_conf = init
[init]
ssl_conf = ssl
[ssl]
system_default = tls
[tls]
MinProtocol = TLSv1
CipherString = ALL:COMPLEMENTOFALL:@SECLEVEL=0
"""

POSTGRESQL_CONF = f"""
listen_addresses = '127.0.0.1,::1'
unix_socket_directories = '{SOCKETS}'
max_connections = 40
shared_buffers = 4MB
fsync = off
max_wal_senders = 0
wal_level = minimal
autovacuum = off
include 'rig.conf'
"""

# What a pg_hba.conf says for TCP connections; {{ca}} and {{full}} are clientcert settings.
HBA = {
    "trust": ["host all all all trust"],
    "hostssl": ["hostssl all all all trust"],
    "hostnossl": ["hostnossl all all all trust"],
    "hostssl_else_reject": ["hostssl all all all trust", "hostnossl all all all reject"],
    "hostnossl_else_reject": ["hostnossl all all all trust", "hostssl all all all reject"],
    "reject": ["host all all all reject"],
    "nothing": [],
    "other_user": ["host all somebody all trust"],
    "other_address": ["host all all 10.9.8.7/32 trust"],
    "scram": ["host all all all scram-sha-256"],
    "md5": ["host all all all md5"],
    "password": ["host all all all password"],
    "hostssl_scram": ["hostssl all all all scram-sha-256"],
    "hostssl_scram_nossl_trust": ["hostssl all all all scram-sha-256",
                                  "hostnossl all all all trust"],
    "hostssl_md5": ["hostssl all all 0.0.0.0/0 md5"],
    "cert": ["hostssl all all all cert"],
    "cert_nossl_trust": ["hostssl all all all cert", "hostnossl all all all trust"],
    "cert_map": ["hostssl all all all cert map=rigmap"],
    "clientcert_ca": ["hostssl all all all trust {ca}"],
    "clientcert_full": ["hostssl all all all trust {full}"],
    "clientcert_ca_scram": ["hostssl all all all scram-sha-256 {ca}"],
    "clientcert_ca_nossl_trust": ["hostssl all all all trust {ca}", "hostnossl all all all trust"],
}
IDENT = f"rigmap rig.client.example {USER}\n"

NEWER_SETTINGS = {"ssl_min_protocol_version": 12, "ssl_max_protocol_version": 12,
                  "ssl_crl_dir": 14, "ssl_tls13_ciphers": 18}


class Problem(Exception):
    """A situation that a server cannot be put into."""


def wait_for(port, host="127.0.0.1", limit=15):
    deadline = time.monotonic() + limit
    while True:
        try:
            socket.create_connection((host, port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise Problem(f"nothing listens on port {port}") from None
            time.sleep(0.05)


class Server:
    """A child process with a log; its id is kept in RUN/pids for `servers.py stop`."""

    def __init__(self, name):
        self.name, self.port, self.process = name, PORTS.get(name), None
        self.log = RUN / "logs" / f"{name}.log"

    def spawn(self, command, **environment):
        clean = {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC", **environment}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(part) for part in command], env=clean,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=RUN, start_new_session=True)
        (RUN / "pids" / self.name).write_text(str(self.process.pid))

    def stop(self, how=signal.SIGTERM):
        if self.process:
            self.process.send_signal(how)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            (RUN / "pids" / self.name).unlink(missing_ok=True)
            self.process = None

    def activate(self, situation, pki):
        """Fixed servers have one situation only."""


class Postgres(Server):
    def __init__(self, name):
        super().__init__(name)
        self.major = int(name.removeprefix("pg").rstrip("b"))
        self.home = PG15_DEBIAN if self.major == 15 else PG / str(self.major)
        self.data = RUN / "data" / name
        self.generation = 0
        self.current = None

    def start(self):
        if not (self.data / "PG_VERSION").exists():
            self.initialise()
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        self.configure({}, "trust")
        self.spawn([*AS_SERVER_USER, self.home / "bin/postgres", "-D", self.data,
                    "-p", self.port], OPENSSL_CONF=str(RUN / "openssl.cnf"))
        self.wait_for_generation(20)
        if not (self.data / "rig_roles").exists():
            self.make_roles()

    def stop(self, how=signal.SIGINT):
        super().stop(how)

    def initialise(self):
        shutil.rmtree(self.data, ignore_errors=True)
        subprocess.run([*AS_SERVER_USER, self.home / "bin/initdb", "-D", self.data, "-N",
                        "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C"],
                       check=True, stdout=subprocess.DEVNULL, cwd=RUN)
        with open(self.data / "postgresql.conf", "a") as conf:
            conf.write(POSTGRESQL_CONF)

    def make_roles(self):
        commands = f"""
            SET password_encryption = 'scram-sha-256';
            CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}';
            SET password_encryption = 'md5';
            CREATE ROLE {USER}_md5 LOGIN PASSWORD '{PASSWORD}';
            CREATE ROLE {USER}_none LOGIN;
            CREATE DATABASE {DATABASE};"""
        subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", str(SOCKETS), "-p",
                        str(self.port), "-U", SUPERUSER, "-d", "postgres"], input=commands,
                       text=True, check=True, stderr=subprocess.DEVNULL)
        (self.data / "rig_roles").touch()

    def configure(self, settings, hba):
        self.generation += 1
        lines = [f"{key} = '{value}'" for key, value in settings.items()]
        lines.append(f"application_name = 'generation{self.generation}'")
        new_style = self.major >= 12
        ca = "clientcert=verify-ca" if new_style else "clientcert=1"
        full = "clientcert=verify-full" if new_style else "clientcert=1"
        rules = ["local all all trust", *(rule.format(ca=ca, full=full) for rule in HBA[hba])]
        (self.data / "rig.conf").write_text("\n".join(lines) + "\n")
        (self.data / "pg_hba.conf").write_text("\n".join(rules) + "\n")
        (self.data / "pg_ident.conf").write_text(IDENT)

    def seen_generation(self):
        """The application_name that a new backend reports: it is our configuration's number."""
        parameters = f"user\0{SUPERUSER}\0database\0postgres\0\0".encode()
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(SOCKETS / f".s.PGSQL.{self.port}"))
            connection.sendall(struct.pack("!ii", len(parameters) + 8, 196608) + parameters)
            data = b""
            while b"application_name\0" not in data or not data.endswith(b"I"):
                chunk = connection.recv(4096)
                if not chunk:
                    return None
                data += chunk
            connection.sendall(b"X\0\0\0\4")
        return data.partition(b"application_name\0")[2].partition(b"\0")[0].decode()

    def wait_for_generation(self, limit=5):
        deadline = time.monotonic() + limit
        while True:
            try:
                if self.seen_generation() == f"generation{self.generation}":
                    return
            except OSError:
                pass
            if self.process.poll() is not None:
                raise Problem(f"{self.name} has ended, see {self.log}")
            if time.monotonic() > deadline:
                raise Problem(f"{self.name} does not take the new configuration")
            time.sleep(0.002)

    def settings_of(self, situation, pki):
        """The ssl_* settings of a situation; symbolic file names become paths."""
        settings = {"ssl": "off"}
        if cert := situation.get("cert"):
            entry = pki["certs"][cert]
            settings = {"ssl": "on", "ssl_cert_file": entry["chain"], "ssl_key_file": entry["key"]}
            settings |= {key: entry["roots"][value] for key, value in entry["settings"].items()}
        for key, value in situation.get("settings", {}).items():
            if self.major < NEWER_SETTINGS.get(key, 0):
                raise Problem(f"{self.name} has no {key}")
            settings[key] = pki["shared"].get(value, value) if key.endswith("_file") else value
        return settings

    def activate(self, situation, pki):
        wanted = json.dumps(situation, sort_keys=True)
        if wanted == self.current:
            return
        self.current = None
        start = self.log.stat().st_size
        self.configure(self.settings_of(situation, pki), situation["hba"])
        self.process.send_signal(signal.SIGHUP)
        self.wait_for_generation()
        with open(self.log, "rb") as log:
            log.seek(start)
            news = log.read().decode(errors="replace")
        complaints = [line for line in news.splitlines()
                      if "not reloaded" in line or "could not load" in line
                      or "contains errors" in line]
        if complaints:
            raise Problem(f"{self.name}: " + " / ".join(complaints))
        self.current = wanted


class Fakes(Server):
    def start(self):
        self.spawn([sys.executable, RIG / "fakes.py"], RIG_CACHE=str(CACHE),
                   RIG_PORTS=str(FIRST_PORT))
        wait_for(FAKE_BASE + len(FAKES) - 1)


PGBOUNCER_INI = """[databases]
* = host={sockets} port={backend} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_file = {run}/pgbouncer/users.txt
admin_users =
ignore_startup_parameters = extra_float_digits
{settings}
"""
# The situation of each PgBouncer: its settings; cert= stands for both certificate files.
PGBOUNCERS = {
    "pgb0": {"client_tls_sslmode": "disable", "auth_type": "trust"},
    "pgb1": {"client_tls_sslmode": "allow", "cert": "good", "auth_type": "trust"},
    "pgb2": {"client_tls_sslmode": "require", "cert": "good_intermediate", "auth_type": "trust"},
    "pgb3": {"client_tls_sslmode": "verify-full", "cert": "good", "auth_type": "trust",
             "client_tls_ca_file": "client_ca"},
    "pgb4": {"client_tls_sslmode": "require", "cert": "good", "auth_type": "scram-sha-256"},
    "pgb5": {"client_tls_sslmode": "verify-full", "cert": "good", "auth_type": "cert",
             "client_tls_ca_file": "client_ca"},
    "pgb6": {"client_tls_sslmode": "require", "cert": "good", "auth_type": "trust",
             "client_tls_protocols": "tlsv1.3"},
    "pgb7": {"client_tls_sslmode": "prefer", "cert": "expired_leaf", "auth_type": "md5"},
    "pgb8": {"client_tls_sslmode": "verify-ca", "cert": "good", "auth_type": "trust",
             "client_tls_ca_file": "client_ca"},
    "pgb9": {"client_tls_sslmode": "require", "cert": "good", "auth_type": "trust",
             "client_tls_protocols": "tlsv1.0"},
}


class PgBouncer(Server):
    def start(self):
        pki, settings = load_pki(), dict(PGBOUNCERS[self.name])
        if cert := settings.pop("cert", None):
            settings["client_tls_cert_file"] = pki["certs"][cert]["chain"]
            settings["client_tls_key_file"] = pki["certs"][cert]["key"]
        if "client_tls_ca_file" in settings:
            settings["client_tls_ca_file"] = pki["shared"][settings["client_tls_ca_file"]]
        folder = RUN / "pgbouncer"
        folder.mkdir(exist_ok=True)
        (folder / "users.txt").write_text(f'"{USER}" "{PASSWORD}"\n')
        path = folder / f"{self.name}.ini"
        path.write_text(PGBOUNCER_INI.format(
            sockets=SOCKETS, backend=PORTS["pg16"], user=USER, port=self.port, run=RUN,
            settings="\n".join(f"{key} = {value}" for key, value in settings.items())))
        self.spawn([*AS_SERVER_USER, "pgbouncer", "-q", path],
                   OPENSSL_CONF=str(RUN / "openssl.cnf"))
        wait_for(self.port)


# HAProxy ends TLS at the first byte (no SSLRequest) and passes on to a plain fake server.
HAPROXY = {
    "hap0": "ssl crt {good} alpn postgresql",
    "hap1": "ssl crt {good}",
    "hap2": "ssl crt {good} alpn h2,http/1.1",
    "hap3": "ssl crt {good} alpn postgresql strict-sni",
    "hap4": "ssl crt {good} alpn postgresql ca-file {client_ca} verify required",
    "hap5": "ssl crt {cn_only} crt {good} alpn postgresql",
    "hap6": "ssl crt {good} alpn postgresql ssl-min-ver TLSv1.3",
    "hap7": "ssl crt {expired_leaf} alpn postgresql",
}


class HAProxy(Server):
    """One process for all of HAPROXY."""

    def start(self):
        pki = load_pki()
        folder = RUN / "haproxy"
        folder.mkdir(exist_ok=True)
        files = {"client_ca": pki["shared"]["client_ca"]}
        for cert in ("good", "cn_only", "expired_leaf"):
            files[cert] = folder / f"{cert}.pem"
            files[cert].write_text(pathlib.Path(pki["certs"][cert]["chain"]).read_text()
                                   + pathlib.Path(pki["certs"][cert]["key"]).read_text())
        plain = FAKE_BASE + list(FAKES).index("n_ok")
        lines = ["global", "  maxconn 200", "  nbthread 1", "defaults", "  mode tcp",
                 "  timeout connect 5s", "  timeout client 30s", "  timeout server 30s"]
        for name, bind in HAPROXY.items():
            lines += [f"listen {name}", f"  bind 127.0.0.1:{PORTS[name]} {bind.format(**files)}",
                      f"  server plain 127.0.0.1:{plain}"]
        (folder / "haproxy.cfg").write_text("\n".join(lines) + "\n")
        self.spawn([*AS_SERVER_USER, "haproxy", "-db", "-f", folder / "haproxy.cfg"])
        wait_for(PORTS["hap0"])


class Lab:
    """All servers, or those named; use it in a `with` statement."""

    def __init__(self, wanted=None):
        self.pki = load_pki()
        self.servers = {}
        wanted = set(wanted) if wanted is not None else {
            *(name for name in PORTS if name != "closed"), *FAKES}
        if any(name.startswith("pgb") for name in wanted):
            wanted.add("pg16")                       # PgBouncer's backend, by Unix socket
        if any(name.startswith("hap") for name in wanted):
            wanted.add("n_ok")
        for name in sorted(wanted):
            if name.startswith("pgb"):
                self.servers[name] = PgBouncer(name)
            elif name.startswith("pg"):
                self.servers[name] = Postgres(name)
            elif name.startswith("hap"):
                self.servers.setdefault("haproxy", HAProxy("haproxy"))
            elif name in FAKES:
                self.servers.setdefault("fakes", Fakes("fakes"))

    def __enter__(self):
        RUN.mkdir(parents=True, exist_ok=True)
        self.lock = open(RUN / "lock", "w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another run of the rig in {RUN} (RIG_PORTS gives a second one)",
                  file=sys.stderr, flush=True)
            fcntl.flock(self.lock, fcntl.LOCK_EX)
        stop_leftovers()
        user = pwd.getpwnam(SERVER_USER)
        for folder in (RUN / "logs", RUN / "pids", RUN / "data", SOCKETS, RUN / "pgbouncer",
                       RUN / "haproxy"):
            folder.mkdir(parents=True, exist_ok=True)
        for folder in (RUN / "data", SOCKETS):
            os.chown(folder, user.pw_uid, user.pw_gid)
        for log in (RUN / "logs").iterdir():
            log.unlink()
        (RUN / "openssl.cnf").write_text(OPENSSL_CONF)
        try:
            rank = {Postgres: 0, Fakes: 1}
            for server in sorted(self.servers.values(), key=lambda s: rank.get(type(s), 2)):
                server.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        for server in self.servers.values():
            server.stop()
        self.lock.close()

    def activate(self, situation):
        """Put the server into the situation, or raise Problem; the port to connect to."""
        name = situation["server"]
        if name in FAKES:
            return FAKE_BASE + list(FAKES).index(name)
        if name in self.servers:
            self.servers[name].activate(situation, self.pki)
        return PORTS[name]


def stop_leftovers():
    """End the servers that the pid files of an interrupted run name."""
    for file in (RUN / "pids").glob("*"):
        pid = int(file.read_text())
        try:
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode()
            if str(RUN) in command or str(RIG) in command:
                os.kill(pid, signal.SIGINT if "/postgres\0" in command else signal.SIGTERM)
                while pathlib.Path(f"/proc/{pid}").exists():
                    time.sleep(0.05)
        except (ProcessLookupError, FileNotFoundError):
            pass
        file.unlink(missing_ok=True)


def main():
    if sys.argv[1:] == ["stop"]:
        return stop_leftovers()
    if sys.argv[1:] != ["run"]:
        sys.exit(__doc__)
    with Lab() as lab:
        print("running:", ", ".join(lab.servers), flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
