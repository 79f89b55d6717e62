#!/usr/bin/env python3
"""Run the matrix with real libpq clients against the servers and record what happens.

    oracle.py [--libpq 15,16,17,18] [--out DIR] [--seed N --limit M] [--slice N] [--only TEXT]

Writes DIR/oracle-<libpq>.ndjson, a case a line (see README.md), with --seed
DIR/oracle-<libpq>-seed<N>.ndjson. All versions run side by side in one pass. The exit status is 0
only if every message was understood and, but for a random matrix, no group had to be skipped.
"""

import argparse
import collections
import concurrent.futures
import itertools
import json
import pathlib
import queue
import subprocess
import sys
import time

import classify
import matrix
from common import CACHE, EXTRA_LIBPQ, LIBPQ, LIBPQ_VERSIONS, RIG, SSLMODES, die, load_pki
from servers import Lab, Problem

LANES = 4       # servers that are worked on at the same time


class Worker:
    """A libpq_worker process, which loads one libpq."""

    def __init__(self, version, empty_dir):
        self.version, self.empty_dir = version, empty_dir
        self.start()

    def start(self):
        # Nothing of the caller's environment or HOME may reach libpq or OpenSSL.
        self.process = subprocess.Popen(
            [sys.executable, str(RIG / "libpq_worker.py"), str(LIBPQ / self.version)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            start_new_session=True, cwd=self.empty_dir,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"})
        self.about = json.loads(self.process.stdout.readline())

    def send(self, conninfo, env):
        self.process.stdin.write(json.dumps({"conninfo": conninfo, "env": env}) + "\n")
        self.process.stdin.flush()

    def receive(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.start()
            return {"ok": False, "error_message": "rig: libpq crashed", "ssl_in_use": None,
                    "protocol": None, "cipher": None, "key_bits": None, "alpn": None,
                    "verify_code": 0, "verify_text": None, "awaiting_ssl": []}
        return json.loads(line)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)


def server_of(group):
    """Groups with the same key must not run at the same time."""
    name = group["situation"]["server"]
    return name if name.startswith("pg") else "fakes and haproxy " + name


def lanes_of(groups):
    """The groups of each server, those of one situation side by side; the longest list first."""
    lanes = collections.defaultdict(list)
    for group in groups:
        lanes[server_of(group)].append(group)
    for lane in lanes.values():
        lane.sort(key=lambda group: json.dumps(group["situation"], sort_keys=True))
    return sorted(lanes.values(), key=len, reverse=True)


def run_lane(lab, lane, pool, skipped):
    """The raw results of all cases of one server: (group, mode, worker, conninfo, raw)."""
    workers = pool.get()
    found = []
    try:
        for _, same in itertools.groupby(lane, key=lambda group: group["situation"]):
            same = list(same)
            try:
                port = lab.activate(same[0]["situation"])
            except Problem as problem:
                skipped.append((same[0]["id"].split("|")[0], str(problem), len(same)))
                continue
            for group, mode in itertools.product(same, SSLMODES):
                conninfo = group["conninfo"] | {"port": str(port), "sslmode": mode}
                for worker in workers:
                    worker.send(conninfo, group["env"])
                for worker in workers:
                    raw = worker.receive()
                    found.append((group, mode, worker, conninfo, raw))
    finally:
        pool.put(workers)
    return found


def record(lab, group, mode, worker, conninfo, raw):
    server = lab.servers.get(group["situation"]["server"])
    situation = group["situation"] | {"server_major": getattr(server, "major", None)}
    return {"id": f"{group['id']}|{mode}", "group": group["id"], "part": group["part"],
            "sslmode": mode,
            "situation": situation, "conninfo": conninfo, "env": group["env"],
            "libpq": worker.version, "libpq_version": worker.about["libpq"],
            "openssl": worker.about["openssl"], "result": classify.judge(mode, raw)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--libpq", default=",".join(LIBPQ_VERSIONS),
                        help=f"comma-separated; also {','.join(EXTRA_LIBPQ)} (on OpenSSL 1.1.1)")
    parser.add_argument("--out", type=pathlib.Path, default=CACHE.parent)
    parser.add_argument("--seed", type=int, help="a random matrix instead of the curated one")
    parser.add_argument("--limit", type=int, help="about how many cases (with --seed)")
    parser.add_argument("--only", help="only the groups whose id contains this text")
    parser.add_argument("--slice", type=int, metavar="N",
                        help="about N groups that still touch every part and every server")
    options = parser.parse_args()
    versions = options.libpq.split(",")

    began = time.monotonic()
    groups = matrix.build(load_pki(), options.seed, options.limit)
    groups = [group for group in groups if (options.only or "") in group["id"]]
    if options.slice:
        groups = matrix.sliced(groups, options.slice)
    if not groups:
        die("no group is left")
    options.out.mkdir(parents=True, exist_ok=True)
    with Lab({group["situation"]["server"] for group in groups} - {"closed"}) as lab:
        place = {group["id"]: number for number, group in enumerate(groups)}
        skipped, pool, crews = [], queue.Queue(), []
        for _ in range(LANES):
            crews.append([Worker(version, lab.pki["shared"]["empty_dir"]) for version in versions])
            pool.put(crews[-1])
        started = time.monotonic() - began
        with concurrent.futures.ThreadPoolExecutor(LANES) as executor:
            results = [item for found in executor.map(
                lambda lane: run_lane(lab, lane, pool, skipped), lanes_of(groups))
                for item in found]
        results.sort(key=lambda item: (place[item[0]["id"]], SSLMODES.index(item[1])))
        suffix = "" if options.seed is None else f"-seed{options.seed}"
        unmapped, counts = collections.Counter(), collections.defaultdict(collections.Counter)
        files = {version: open(options.out / f"oracle-{version}{suffix}.ndjson", "w")
                 for version in versions}
        for item in results:
            line = record(lab, *item)
            files[line["libpq"]].write(json.dumps(line, ensure_ascii=False) + "\n")
            counts[line["libpq"]][line["result"]["error_class"]] += 1
            for error in line["result"]["errors"]:
                if error["class"] == "unmapped":
                    unmapped[error["message"]] += 1
        for file in files.values():
            file.close()
        for crew in crews:
            for worker in crew:
                worker.stop()
    for version in versions:
        print(f"libpq {version}: {sum(counts[version].values())} cases,",
              ", ".join(f"{label} {count}" for label, count in counts[version].most_common()))
    print(f"{len(groups)} groups in {time.monotonic() - began:.0f} s "
          f"({started:.0f} s to start the servers)")
    for ident, problem, count in skipped:
        print(f"skipped {count} group(s) of {ident}: {problem}")
    for message, count in unmapped.most_common():
        print(f"unmapped {count}x: {message!r}")
    return 1 if unmapped or skipped and options.seed is None else 0


if __name__ == "__main__":
    sys.exit(main())
