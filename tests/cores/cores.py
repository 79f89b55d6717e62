"""Servers in every state, and what a monitoring core must say of each: for `nagios`, `icinga2` and
`prometheus`.

Run as root: the servers run as postgres, the cores as nagios, which Debian's packages create.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path("/usr/lib/postgresql/15/bin")
PACKAGES = ["nagios4-core", "icinga2-bin", "icinga2-common", "systemd"]
WORDS = ["OK", "WARNING", "CRITICAL", "UNKNOWN"]
HBA = """\
local all all trust
hostssl all app all scram-sha-256
host all other all md5
"""


def setup(packages=PACKAGES):
    """Installs what is missing; starts no service."""
    missing = [name for name in packages
               if subprocess.run(["dpkg", "-s", name], capture_output=True).returncode]
    if not missing:
        return
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    # Debian's own way to keep packages from starting what they install.
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        subprocess.run(["apt-get", "update", "-q"], check=True, env=environment)
        subprocess.run(["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing],
                       check=True, env=environment)
    finally:
        if ours:
            policy.unlink()


def program():
    """The command as cargo has built it."""
    target = os.environ.get("CARGO_TARGET_DIR") or ROOT / "target"
    return Path(target) / "debug" / "pgprobe"


def run_as(account, *command, **options):
    """A process under an account, with little environment, that dies with this one."""
    words = ["setpriv", "--pdeathsig", "TERM", "--reuid", account, "--regid", account,
             "--clear-groups", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
             *(str(word) for word in command)]
    return subprocess.Popen(words, cwd="/", **{"stdin": subprocess.DEVNULL} | options)


def must(process):
    out, _ = process.communicate()
    if process.returncode:
        sys.exit(f"{process.args}: {out.decode(errors='replace') if out else process.returncode}")
    return out.decode(errors="replace") if out else ""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, condition, seconds=40):
    """The first true value of a condition."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.2)
    sys.exit(f"no {what} within {seconds} s")


class Situation:
    """A check, and what a core must make of it."""

    def __init__(self, name, status, says, options, address="127.0.0.1", metrics=()):
        self.name, self.status, self.says = name, status, says
        self.options, self.address, self.metrics = options, address, metrics


class Servers:
    """PostgreSQL servers and what is no server, each on its port."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="pgprobe-cores-"))
        self.folder.chmod(0o755)
        self.clusters = []
        self.silent = socket.create_server(("127.0.0.1", 0))

    def __enter__(self):
        template = self.folder / "template"
        self.postgres(BIN / "initdb", "-D", template, "-A", "trust", "-N", "-U", "postgres",
                      prepare=template)
        roles = "SET password_encryption = 'md5'; CREATE ROLE other LOGIN PASSWORD 'nobody logs in';"
        single = run_as("postgres", BIN / "postgres", "--single", "-D", template, "postgres",
                        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        single.communicate(roles.encode() + b"\n")
        self.certificates()
        self.good = self.start("good")
        self.expired = self.start("expired")
        self.odd = self.start("odd")
        self.plain = self.start(None)
        return self

    def __exit__(self, *_):
        for process in self.clusters:
            process.send_signal(signal.SIGQUIT)
        for process in self.clusters:
            process.wait()
        self.silent.close()
        shutil.rmtree(self.folder)

    def postgres(self, *command, prepare=None):
        if prepare:
            prepare.mkdir()
            shutil.chown(prepare, "postgres", "postgres")
        must(run_as("postgres", *command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))

    def certificates(self):
        """A CA of ours, and three certificates of it."""
        script = r"""
            new='-nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256'
            openssl req -new -x509 -days 3650 $new -out ca.crt -keyout ca.key -subj '/CN=Test CA'
            echo 'subjectAltName = DNS:db.example.test,IP:127.0.0.1' > extensions
            touch index; echo 01 > serial
            printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\n' > ca.cnf
            printf 'default_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n' >> ca.cnf
            for name in good expired odd; do
                subject=db
                [ $name = odd ] && subject='x|evil=1;2;3'
                openssl req -new $new -out $name.csr -keyout $name.key -subj "/CN=$subject"
                days='-days 400'
                [ $name = expired ] && days='-startdate 20200101000000Z -enddate 20210101000000Z'
                openssl ca -batch -config ca.cnf -in $name.csr -cert ca.crt -keyfile ca.key \
                    -out $name.crt -notext $days -extfile extensions
            done
            chmod 644 *.key
        """
        done = subprocess.run(["sh", "-euc", script], cwd=self.folder, capture_output=True)
        if done.returncode:
            sys.exit(done.stderr.decode())

    def start(self, certificate):
        port = free_port()
        data = self.folder / f"data{port}"
        subprocess.run(["cp", "-a", self.folder / "template", data], check=True)
        (data / "pg_hba.conf").write_text(HBA)
        options = ["-c", f"port={port}", "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off",
                   "-c", f"unix_socket_directories={data}"]
        if certificate:
            for kind in ("crt", "key"):
                place = data / f"server.{kind}"
                shutil.copy(self.folder / f"{certificate}.{kind}", place)
                shutil.chown(place, "postgres", "postgres")
                place.chmod(0o600)
            options += ["-c", "ssl=on"]
        log = open(data / "log", "wb")
        self.clusters.append(run_as("postgres", BIN / "postgres", "-D", data, *options,
                                    stdout=log, stderr=log))
        wait_for(f"server on {port}", lambda: listens(port))
        return port

    def situations(self):
        """Every state, by way of every kind of server."""
        root = f"--sslrootcert {self.folder}/ca.crt"
        good = f"-p {self.good}"
        return [
            Situation("ok", 0, f"127.0.0.1:{self.good}: TLSv1.3, expires in 399 days",
                      f"{good} {root}", metrics=["expires", "connect", "tls"]),
            Situation("ok-demands", 0, "[OK] require-tls-only: plaintext is refused",
                      f"{good} -l app --require-tls-only --require-scram --min-tls 1.3"),
            Situation("ok-hostile-subject", 0, "certificate expires in 399 days",
                      f"-p {self.odd}", metrics=["expires", "connect", "tls"]),
            Situation("warning", 1, "certificate expires in 399 days", f"{good} -w 500: -c 14:",
                      metrics=["expires", "connect", "tls"]),
            Situation("critical-expired", 2, "certificate expired", f"-p {self.expired}",
                      metrics=["expires", "connect", "tls"]),
            Situation("critical-below", 2, "certificate expires in 399 days", f"{good} -c 500:",
                      metrics=["expires", "connect", "tls"]),
            Situation("critical-refused", 2, "Connection refused", f"-p {free_port()}"),
            Situation("critical-silent", 2, "timeout",
                      f"-t 2 -p {self.silent.getsockname()[1]}"),
            Situation("critical-no-tls", 2, "no TLS", f"-p {self.plain}", metrics=["connect"]),
            Situation("critical-chain", 2, "chain: ",
                      f"{good} --sslrootcert {self.folder}/good.crt",
                      metrics=["expires", "connect", "tls"]),
            Situation("critical-name", 2, "does not match host name",
                      f"{good} {root} --host other.example.test --hostaddr 127.0.0.1"),
            Situation("critical-demand", 2, "require-scram: ",
                      f"{good} -l other --require-scram"),
            Situation("unknown-demand", 3, "require-scram: undetermined",
                      f"{good} -l nobody --require-scram"),
            Situation("unknown-arguments", 3, "--warning", f"{good} -w soon"),
        ]


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def judge(found, situations):
    """Compares what a core holds, by name: (status, first line and long output, perfdata)."""
    wrong = 0
    for situation in situations:
        status, output, perfdata = found[situation.name]
        problems = []
        if status != situation.status:
            problems.append(f"status {status}, not {situation.status}")
        first = output.split("\n")[0]
        if not first.startswith(f"PGPROBE {WORDS[situation.status]}: "):
            problems.append(f"first line {first!r}")
        if situation.says not in output:
            problems.append(f"does not say {situation.says!r}: {output!r}")
        labels = [datum.split("=")[0].strip("'") for datum in perfdata.split()]
        if situation.metrics and labels != list(situation.metrics):
            problems.append(f"perfdata {perfdata!r}")
        if any(label not in ("expires", "connect", "tls") for label in labels):
            problems.append(f"perfdata of another's {perfdata!r}")
        wrong += bool(problems)
        print(f"{'FAILED' if problems else 'ok':<7}{situation.name:<20}{WORDS[status]:<9}"
              f"{first[:90]}  | {perfdata[:60]}")
        for problem in problems:
            print(f"       {problem}")
    # As cargo says it, for tests/run.
    word = "FAILED" if wrong else "ok"
    print(f"test result: {word}. {len(situations) - wrong} passed; {wrong} failed; 0 ignored")
    return wrong
