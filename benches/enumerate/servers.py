"""The servers of the comparison: PostgreSQL with its own settings, with everything switched on, on
OpenSSL 1.1.1, limited to single suites; and a scripted one for what no OpenSSL here still has."""

import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile
import time

CACHE = pathlib.Path(os.environ.get("RIG_CACHE", "/var/tmp/pgprobe-oracle/cache"))

EVERYTHING = """openssl_conf = init
[init]
ssl_conf = ssl
[ssl]
system_default = tls
[tls]
MinProtocol = None
CipherString = ALL:COMPLEMENTOFALL:@SECLEVEL=0
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def binary(major, program):
    home = pathlib.Path("/usr/lib/postgresql/15") if major == 15 else CACHE / "pg" / str(major)
    return str(home / "bin" / program)


def as_server():
    """A prefix that drops root, which PostgreSQL refuses to run as."""
    if os.geteuid():
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


class Postgres:
    """A running server; `key` is what openssl genpkey is told."""

    def __init__(self, major, settings="", everything=False, key="rsa:2048", extra=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pgprobe-enumerate-"))
        self.port = free_port()
        if not os.geteuid():
            account = pwd.getpwnam("postgres")
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        data = self.folder / "data"
        self.env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
        subprocess.run([*as_server(), binary(major, "initdb"), "-D", data, "-N", "-A", "trust",
                        "-U", "postgres", "--locale=C"], check=True, capture_output=True,
                       env=self.env, cwd="/")
        options = ["-newkey", key] if ":" in key else ["-newkey", *key.split()]
        subprocess.run(["openssl", "req", "-new", "-x509", "-days", "30", "-nodes", *options,
                        "-out", data / "server.crt", "-keyout", data / "server.key",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
                       check=True, capture_output=True)
        if extra:
            extra(data)
        if not os.geteuid():
            for path in data.glob("server.*"):
                os.chown(path, account.pw_uid, account.pw_gid)
        os.chmod(data / "server.key", 0o600)
        (data / "postgresql.auto.conf").write_text(
            f"ssl = on\nlisten_addresses = '127.0.0.1'\nport = {self.port}\nfsync = off\n"
            f"unix_socket_directories = '{self.folder}'\nmax_connections = 100\n"
            f"shared_buffers = 16MB\nlog_connections = on\n{settings}\n")
        if everything:
            (self.folder / "openssl.cnf").write_text(EVERYTHING)
            self.env["OPENSSL_CONF"] = str(self.folder / "openssl.cnf")
        self.log = self.folder / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([*as_server(), binary(major, "postgres"), "-D", data],
                                            stdout=log, stderr=log, env=self.env, cwd="/")
        for _ in range(200):
            if b"ready to accept connections" in self.log.read_bytes():
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(self.log.read_text())

    def connections(self):
        return self.log.read_bytes().count(b"connection received")

    def stop(self):
        self.process.terminate()
        self.process.send_signal(3)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
