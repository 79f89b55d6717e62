"""Paths, ports and small helpers that every part of the rig shares."""

import json
import os
import pathlib
import sys

RIG = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("RIG_CACHE", "/var/tmp/pgprobe-oracle/cache"))
PKI = CACHE / "pki"          # made by pki.py
# The rig listens on FIRST_PORT to FIRST_PORT + 99. Two rigs with different ports (RIG_PORTS) can
# run side by side on one cache: each has its own folder for what its servers write.
FIRST_PORT = int(os.environ.get("RIG_PORTS", "7100"))
RUN = CACHE / ("run" if FIRST_PORT == 7100 else f"run-{FIRST_PORT}")
PG = CACHE / "pg"            # PG/18/bin/postgres ..., unpacked by setup
LIBPQ = CACHE / "libpq"      # LIBPQ/18/libpq.so ..., unpacked by setup
VENV_PYTHON = CACHE / "venv/bin/python"

SERVER_USER = "postgres"     # the unprivileged account the servers run under
SSLMODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
LIBPQ_VERSIONS = ["15", "16", "17", "18"]
# The same libpq releases on OpenSSL 1.1.1: only to tell a libpq change from an OpenSSL change.
EXTRA_LIBPQ = ["16e", "17e", "18e"]

PORTS = {f"pg{major}": FIRST_PORT + major for major in (10, 12, 13, 14, 15, 16, 17, 18)}
PORTS |= {"pg15b": FIRST_PORT + 25, "pg18b": FIRST_PORT + 28, "closed": FIRST_PORT}
PORTS |= {f"pgb{i}": FIRST_PORT + 30 + i for i in range(10)}
PORTS |= {f"hap{i}": FIRST_PORT + 40 + i for i in range(8)}
FAKE_BASE = FIRST_PORT + 48  # fake servers take the next ports in the order of fakes.FAKES

SUPERUSER = "postgres"
USER, PASSWORD, DATABASE = "rig", "secret", "rig"


def die(text):
    sys.exit(f"{os.path.basename(sys.argv[0])}: {text}")


def use_venv():
    """Re-run this script under the rig's virtual environment (it has `cryptography`)."""
    if pathlib.Path(sys.prefix) == CACHE / "venv":
        return
    if not VENV_PYTHON.exists():
        die(f"{VENV_PYTHON} is missing: run setup first")
    os.execv(VENV_PYTHON, [str(VENV_PYTHON), *sys.argv])


def load_pki():
    manifest = PKI / "manifest.json"
    if not manifest.exists():
        die(f"{manifest} is missing: run setup first")
    return json.loads(manifest.read_text())
