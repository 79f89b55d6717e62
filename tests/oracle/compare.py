#!/usr/bin/env python3
"""Rerun the situations of an oracle file with pgprobe and compare verdict by verdict.

    compare.py --pgprobe PATH [--only TEXT] [--modern] [--limit M] [--slice N]
               [--divergences FILE [--loose]] [--report FILE] oracle-18.ndjson

Contract: `pgprobe --format json --libpq VERSION --openssl PROFILE CONNINFO`, CONNINFO without
sslmode, prints one JSON object with .sslmodes = [{"mode", "outcome": "connects"|"fails"|
"undetermined", "encrypted": true|false|null, "error": {"code", "message"}|null}, ...]. Oracle
cases that differ only by sslmode are one run. "undetermined" never agrees. The exit status is 0
only if something was compared, nothing was skipped, and outcome, encryption and class agree in
every case that --divergences does not list, and disagree in every case that it lists.
"""

import argparse
import collections
import concurrent.futures
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib

import matrix
from oracle import LANES, lanes_of
from servers import Lab, Problem

# pgprobe's error codes that are not the name of an oracle class, and the class each stands for.
CODES = {}

# The TLS library of each libpq of the rig, in the words of pgprobe's --openssl.
PROFILES = {"e": "1.1.1", "": "3-level2"}

# libpq 16.3 predates the fix of CVE-2024-10977: it shows the text of an `E` that answers
# SSLRequest. pgprobe emulates the newest minor release, which hides it (16e shows that).
OLDER_MINOR = {"16": {"server_error": "protocol_error"}}


def modern(situation):
    """Whether the server allows TLS 1.3, or TLS 1.2 with an ECDHE-AEAD suite."""
    settings = situation.get("settings") or {}
    if settings.get("ssl_max_protocol_version") in ("TLSv1", "TLSv1.1"):
        return False
    if settings.get("ssl_max_protocol_version") == "TLSv1.2" and "ssl_ciphers" in settings:
        suites = settings["ssl_ciphers"].split(":")
        return any(suite in ("HIGH", "ALL") or suite.startswith("ECDHE-")
                   and ("GCM" in suite or "CHACHA20" in suite) for suite in suites)
    return True


def quoted(conninfo):
    """A conninfo string in keyword/value form."""
    def value(text):
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    # The worker gives libpq arrays, where an empty value counts as not given.
    return " ".join(f"{key}={value(text)}" for key, text in conninfo.items() if text != "")


def load(path, options):
    """The groups of an oracle file: the group's situation and its cases by sslmode."""
    groups = {}
    for line in open(path):
        case = json.loads(line)
        if options.only and options.only not in case["group"]:
            continue
        if options.modern and not modern(case["situation"]):
            continue
        conninfo = {key: value for key, value in case["conninfo"].items()
                    if key not in ("port", "sslmode")}
        group = groups.setdefault(case["group"], {
            "id": case["group"], "conninfo": conninfo, "env": case["env"], "cases": {},
            "libpq": case["libpq"], "part": case["part"],
            "situation": {key: value for key, value in case["situation"].items()
                          if key != "server_major"}})
        result = case["result"]
        if result["outcome"] == "fails" and case["situation"]["server"].startswith("error_reply"):
            newer = OLDER_MINOR.get(case["libpq"], {})
            result["error_classes"] = [newer.get(label, label) for label in result["error_classes"]]
        group["cases"][case["sslmode"]] = result
    groups = list(groups.values())
    if options.slice:
        groups = matrix.sliced(groups, options.slice)
    return groups[:options.limit]


class Divergences:
    """The known disagreements: a file of [[divergence]] tables.

    libpq    the versions it happens with, a list of strings
    id       the case, or pattern: a regular expression for the whole of the id
    outcome  what pgprobe says instead of libpq (optional: then any disagreement is meant)
    cause    why, for the reader
    only     "class": outcome and encryption must agree all the same (optional)
    loose    true: the entry counts with --loose only

    With --loose, for matrices whose cases cannot be listed one by one (random ones, and the old
    OpenSSL), the entries only sort out disagreements: they may fit cases that agree, or none.
    """

    KEYS = {"libpq", "id", "pattern", "outcome", "only", "cause", "loose"}

    def __init__(self, path, loose):
        self.entries, self.loose = [], loose
        if path:
            with open(path, "rb") as file:
                self.entries = tomllib.load(file).get("divergence", [])
        for number, entry in enumerate(self.entries, 1):
            unknown = entry.keys() - self.KEYS
            if unknown or ("id" in entry) == ("pattern" in entry) or not entry.get("cause") \
                    or not entry.get("libpq"):
                sys.exit(f"{path}: entry {number} needs libpq, cause, and id or pattern, nothing "
                         f"else but outcome: {entry}")
            entry["met"] = 0
            entry["regex"] = re.compile(entry.get("pattern") or re.escape(entry["id"]))

    def check(self, group, ident, agrees, same, outcome):
        """Whether a case is listed; what is wrong with the entries that list it.

        agrees: in everything; same: in outcome and encryption.
        """
        def fits(entry):
            return (entry.get("outcome", outcome) == outcome
                    and (same or entry.get("only") != "class"))
        found = [entry for entry in self.entries
                 if group["libpq"] in entry["libpq"] and entry.get("loose", False) <= self.loose
                 and entry["regex"].fullmatch(ident)]
        if self.loose:
            return any(fits(entry) for entry in found), []
        wrong = []
        for entry in found:
            entry["met"] += 1
            name = entry.get("id") or entry["pattern"]
            if agrees:
                wrong.append(f"listed, but no longer happens: {ident} (entry {name!r})")
            elif not fits(entry):
                wrong.append(f"listed as {entry.get('outcome', 'of another class')}, but is "
                             f"{outcome}: {ident}")
        return bool(found), wrong

    def unmet(self, libpq):
        """The entries of this libpq that name no compared case at all."""
        return [f"listed, but there is no such case: {entry.get('id') or entry['pattern']}"
                for entry in self.entries
                if libpq in entry["libpq"] and not entry["met"] and not entry.get("loose")]


def probe(options, group, port, empty_dir):
    """{mode: verdict} from one pgprobe run, or a text that says why there is none."""
    libpq = group["libpq"]
    command = [options.pgprobe, "--format", "json", "--libpq", libpq.rstrip("e"),
               "--openssl", PROFILES[libpq[2:]], quoted(group["conninfo"] | {"port": str(port)})]
    env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", **group["env"]}
    try:
        done = subprocess.run(command, env=env, cwd=empty_dir, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=120)
        return {verdict["mode"]: verdict for verdict in json.loads(done.stdout)["sslmodes"]}
    except subprocess.TimeoutExpired:
        return "pgprobe ran past 120 s"
    except (ValueError, KeyError, TypeError) as error:
        return (f"no verdict ({type(error).__name__}), exit status {done.returncode}: "
                f"{done.stderr.decode(errors='replace').strip()[:200]}")


def compare(expected, verdict):
    """(outcome and encryption agree, error class agrees or None where there is no error)."""
    same = expected["outcome"] == verdict.get("outcome")
    # With connect_timeout the rig does not see whether the connection that ended at a request for
    # credentials was encrypted.
    if same and expected["encrypted"] is not None:
        same = expected["encrypted"] == verdict.get("encrypted")
    if expected["outcome"] == "connects":
        return same, None
    code = (verdict.get("error") or {}).get("code") or ""
    label = CODES.get(code, code).replace(":", ".").split(".")[0]
    # With two attempts (prefer, allow) the class of either one will do.
    return same, label in expected["error_classes"]


def run_lane(options, lab, lane):
    found = []
    for _, same in itertools.groupby(lane, key=lambda group: group["situation"]):
        for group in same:
            try:
                port = lab.activate(group["situation"])
            except Problem as problem:
                found.append((group, f"skipped: {problem}"))
                continue
            found.append((group, probe(options, group, port, lab.pki["shared"]["empty_dir"])))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("oracle", help="an NDJSON file that oracle.py has written")
    parser.add_argument("--pgprobe", required=True)
    parser.add_argument("--only", help="only the groups whose id contains this text")
    parser.add_argument("--modern", action="store_true",
                        help="only servers that allow TLS 1.3 or TLS 1.2 with ECDHE-AEAD")
    parser.add_argument("--limit", type=int, help="at most so many groups")
    parser.add_argument("--slice", type=int, metavar="N",
                        help="about N groups that still touch every part and every server")
    parser.add_argument("--divergences", metavar="FILE", help="the disagreements that are known")
    parser.add_argument("--loose", action="store_true",
                        help="the entries with loose = true too; none of them need happen")
    parser.add_argument("--report", help="write every disagreement to this file, as NDJSON")
    options = parser.parse_args()
    options.pgprobe = shutil.which(options.pgprobe) or parser.error(f"no {options.pgprobe}")
    options.pgprobe = os.path.abspath(options.pgprobe)

    divergences = Divergences(options.divergences, options.loose)
    groups = load(options.oracle, options)
    if not groups:
        parser.error("no group is left to compare")
    with Lab({group["situation"]["server"] for group in groups} - {"closed"}) as lab:
        with concurrent.futures.ThreadPoolExecutor(LANES) as executor:
            results = [item for found in executor.map(
                lambda lane: run_lane(options, lab, lane), lanes_of(groups)) for item in found]

    tally = collections.Counter()
    per_class, per_part = (collections.defaultdict(collections.Counter) for _ in range(2))
    disagreements, wrong = [], []
    for group, verdicts in results:
        for mode, expected in group["cases"].items():
            if isinstance(verdicts, str) and verdicts.startswith("skipped"):
                tally["skipped"] += 1
                wrong.append(f"{verdicts}: {group['id']}|{mode}")
                continue
            verdict = ({"error": {"code": "none", "message": verdicts}}
                       if isinstance(verdicts, str) else verdicts.get(mode, {}))
            same, same_class = compare(expected, verdict)
            for counts in (tally, per_class[expected["error_class"]], per_part[group["part"]]):
                counts["cases"] += 1
                counts["outcome"] += same
                counts["undetermined"] += verdict.get("outcome") == "undetermined"
                counts["both"] += same and same_class is not False
                if same_class is not None:
                    counts["errors"] += 1
                    counts["class"] += same_class
            agrees, ident = same and same_class is not False, f"{group['id']}|{mode}"
            listed, complaints = divergences.check(group, ident, agrees, same,
                                                   verdict.get("outcome"))
            wrong += complaints
            tally["listed"] += listed and not agrees
            if not agrees and not listed:
                disagreements.append({
                    "id": ident, "libpq": group["libpq"],
                    "outcome_agrees": same, "expected": expected, "pgprobe": verdict,
                    "conninfo": group["conninfo"]})
    disagreements.sort(key=lambda item: (item["outcome_agrees"], item["id"]))
    if not options.loose and {group["id"] for group in groups} >= {group["id"] for group in matrix.build(lab.pki)}:
        wrong += divergences.unmet(groups[0]["libpq"])
    report(tally, per_class, per_part, disagreements)
    for complaint in wrong:
        print(complaint)
    if options.report:
        with open(options.report, "w") as file:
            file.writelines(json.dumps(item) + "\n" for item in disagreements)
    return 0 if tally["cases"] and not disagreements and not wrong else 1


def report(tally, per_class, per_part, disagreements):
    def share(part, whole):
        return f"{part} of {whole}" + (f" ({100 * part / whole:.2f} %)" if whole else "")
    for item in disagreements:
        kind = "class  " if item["outcome_agrees"] else "OUTCOME"
        expected, got = item["expected"], item["pgprobe"]
        error = got.get("error") or {}
        print(f"{kind} {item['id']}\n"
              f"    libpq:   {expected['outcome']} encrypted={expected['encrypted']} "
              f"{expected['error_class']}/{expected['error_sub']} "
              f"{expected['error_message'].strip()[:200]!r}\n"
              f"    pgprobe: {got.get('outcome')} encrypted={got.get('encrypted')} "
              f"{error.get('code')} {(error.get('message') or got.get('reason') or '')[:200]!r}")
    for title, table in (("oracle class", per_class), ("part of the matrix", per_part)):
        print(f"{title:28}{'cases':>7}{'outcome':>9}{'class':>7}{'both':>9}{'undetermined':>14}")
        for label, counts in sorted(table.items(), key=lambda item: -item[1]["cases"]):
            both = f"{100 * counts['both'] / counts['cases']:.1f} %"
            print(f"{label:28}{counts['cases']:7}{counts['outcome']:9}{counts['class']:7}{both:>9}"
                  f"{counts['undetermined']:14}")
    print("outcome and encryption agree in", share(tally["outcome"], tally["cases"]))
    print("error class agrees in", share(tally["class"], tally["errors"]))
    print("both agree in", share(tally["both"], tally["cases"]))
    if tally["listed"]:
        print("known disagreements:", tally["listed"])
    if tally["skipped"]:
        print("skipped cases:", tally["skipped"])


if __name__ == "__main__":
    sys.exit(main())
