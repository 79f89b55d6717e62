//! Random public key infrastructures: the verdict on each chain, the first error and its depth, next
//! to those of `openssl verify`.
//!
//! `PGPROBE_CHAINS` says how many of them, `PGPROBE_CHAIN_HANDSHAKES` how many in a real handshake,
//! `PGPROBE_CHAINS_SEED` which.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pgprobe::pki::path::{CrlPolicy, PathResult, Rules, verify_with};
use pgprobe::pki::release::Release;
use pgprobe::pki::{Certificate, TrustStore};
use serde_json::Value;

use crate::support::installation::cache;
use crate::support::repository::repository;

/// How many chains each run of the tests looks at.
const SLICE: usize = 300;

/// How many are made at a time.
const AT_ONCE: usize = 2500;

/// How many of them in a handshake.
const HANDSHAKES: usize = 20;

/// One server and one client, as `tests/chains/generate.py` writes them.
struct Case {
    line: String,
    name: String,
    at: i64,
    sent: Vec<Vec<u8>>,
    /// The root file, with the revocation lists at its end.
    roots: String,
    check_crls: bool,
    /// The private key of the leaf, if a TLS server can use it.
    key: Option<String>,
}

#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Verdict {
    Trusted,
    Refused {
        code: i32,
        depth: usize,
    },
    /// Something does not load.
    Unreadable,
    /// Only pgprobe's.
    Undetermined(String),
}

/// `X509_V_ERR_UNSPECIFIED`.
const UNSPECIFIED: Verdict = Verdict::Refused { code: 1, depth: 0 };

impl Case {
    fn read(line: &str) -> Self {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| case[name].as_str().unwrap_or_default().to_owned();
        let sent = case["sent"].as_array().unwrap().iter();
        Self {
            line: line.to_owned(),
            name: text("name"),
            at: case["at"].as_i64().unwrap(),
            sent: sent
                .map(|der| BASE64_STANDARD.decode(der.as_str().unwrap()).unwrap())
                .collect(),
            roots: text("roots") + &text("crls"),
            check_crls: !case["crls"].is_null(),
            key: case["key"].as_str().map(str::to_owned),
        }
    }

    fn ours(&self, level: u8) -> Verdict {
        let Ok(store) = TrustStore::from_pem(self.roots.as_bytes()) else {
            return Verdict::Unreadable;
        };
        let sent: Vec<_> = self
            .sent
            .iter()
            .map(|der| Certificate::parse(der))
            .collect();
        if sent
            .iter()
            .any(|certificate| certificate.unparsed.is_some())
        {
            return Verdict::Unreadable;
        }
        let policy = match self.check_crls {
            true => CrlPolicy::CheckAll,
            false => CrlPolicy::Off,
        };
        let release = Release::V3;
        match verify_with(&sent, &store, policy, Rules { release, level }, self.at) {
            PathResult::Trusted { .. } => Verdict::Trusted,
            PathResult::Refused(error) if error.code == 1 => UNSPECIFIED,
            PathResult::Refused(error) => Verdict::Refused {
                code: error.code,
                depth: error.depth,
            },
            PathResult::Undetermined { reason, .. } => Verdict::Undetermined(reason),
        }
    }

    /// What the command says of the files of [`Case::write`].
    fn theirs(&self, level: u8, files: &Files) -> Verdict {
        let mut command = Command::new("openssl");
        command.args(["verify", "-purpose", "sslserver"]);
        self.conditions(&mut command, level, files);
        command.arg("-untrusted").arg(&files.sent);
        let output = command.arg(&files.leaf).output().unwrap();
        let said = [output.stderr, output.stdout].concat();
        let said = String::from_utf8_lossy(&said);
        // The command lets some errors pass; the first is the one that a client stops at.
        match said.lines().find_map(first_error) {
            Some((code, depth)) => Verdict::Refused { code, depth },
            None if output.status.success() => Verdict::Trusted,
            // An internal error, which has no number and no depth of its own.
            None if said.contains("verification failed") => UNSPECIFIED,
            None => Verdict::Unreadable,
        }
    }

    fn conditions(&self, command: &mut Command, level: u8, files: &Files) {
        command
            .args(["-auth_level", &level.to_string()])
            .args(["-attime", &self.at.to_string()])
            .args(["-no-CApath", "-no-CAstore", "-CAfile"])
            .arg(&files.roots);
        if self.check_crls {
            command.arg("-crl_check_all");
        }
    }

    /// What a TLS client of libssl says that is sent the chain; `None`: no server can send it.
    fn in_a_handshake(&self, level: u8, files: &Files) -> Option<Verdict> {
        let key = files.leaf.with_extension("key");
        fs::write(&key, self.key.as_ref()?).unwrap();
        let mut server = Command::new("openssl")
            .args([
                "s_server",
                "-accept",
                "127.0.0.1:0",
                "-naccept",
                "1",
                "-tls1_3",
            ])
            .args(["-cipher", "ALL:@SECLEVEL=0", "-cert"])
            .arg(&files.leaf)
            .arg("-key")
            .arg(&key)
            .arg("-cert_chain")
            .arg(&files.sent)
            // At the end of its input it would end, too.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.ok()?;
            Some(line.strip_prefix("ACCEPT 127.0.0.1:")?.trim().to_owned())
        });
        let verdict = port.map(|port| {
            let mut command = Command::new("openssl");
            command.args(["s_client", "-connect", &format!("127.0.0.1:{port}")]);
            command.args(["-cipher", "ALL:@SECLEVEL=0", "-verify_return_error"]);
            command.args(["-purpose", "sslserver"]);
            self.conditions(&mut command, level, files);
            let output = command.stdin(Stdio::null()).output().unwrap();
            let said = [output.stderr, output.stdout].concat();
            let said = String::from_utf8_lossy(&said);
            let mut depth = 0;
            for line in said.lines() {
                if let Some(rest) = line.strip_prefix("depth=") {
                    let (number, _) = rest.split_once(' ').unwrap();
                    depth = number.parse().unwrap();
                } else if let Some(rest) = line.strip_prefix("verify error:num=") {
                    let (code, _) = rest.split_once(':').unwrap();
                    let code = code.parse().unwrap();
                    return Verdict::Refused { code, depth };
                }
            }
            match (
                output.status.success(),
                said.contains("certificate verify failed"),
            ) {
                (true, _) => Verdict::Trusted,
                (false, true) => UNSPECIFIED,
                (false, false) => Verdict::Unreadable,
            }
        });
        let _ = server.kill();
        server.wait().unwrap();
        verdict
    }

    fn write(&self, folder: &Path, worker: usize) -> Files {
        let path = |name: &str| folder.join(format!("{worker}.{name}"));
        let files = Files {
            roots: path("roots"),
            sent: path("sent"),
            leaf: path("leaf"),
        };
        let sent: Vec<_> = self.sent.iter().map(|der| pem(der)).collect();
        fs::write(&files.roots, &self.roots).unwrap();
        fs::write(&files.sent, sent.concat()).unwrap();
        fs::write(&files.leaf, &sent[0]).unwrap();
        files
    }
}

/// The files that the command reads.
struct Files {
    roots: PathBuf,
    sent: PathBuf,
    leaf: PathBuf,
}

fn pem(der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    let body = lines.join("\n");
    format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
}

/// `error 20 at 0 depth lookup: unable to ...`
fn first_error(line: &str) -> Option<(i32, usize)> {
    let (code, rest) = line.strip_prefix("error ")?.split_once(" at ")?;
    let (depth, _) = rest.split_once(" depth lookup")?;
    Some((code.parse().ok()?, depth.parse().ok()?))
}

/// Holds every case against the command at levels 0, 1 and 2; what differs, and how often each
/// verdict came.
fn compare(cases: &[Case]) -> (Vec<String>, BTreeMap<String, usize>) {
    let folder = tempfile::tempdir().unwrap();
    let next = AtomicUsize::new(0);
    let found = Mutex::new((Vec::new(), BTreeMap::new()));
    thread::scope(|scope| {
        for worker in 0..thread::available_parallelism().map_or(2, usize::from) {
            let (next, found, folder) = (&next, &found, folder.path());
            scope.spawn(move || {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let files = case.write(folder, worker);
                    for level in 0..=2 {
                        let (ours, theirs) = (case.ours(level), case.theirs(level, &files));
                        let mut found = found.lock().unwrap();
                        let name = match &ours {
                            Verdict::Refused { code, .. } => format!("error {code:02}"),
                            other => format!("{other:?}"),
                        };
                        *found.1.entry(name).or_default() += 1;
                        if ours != theirs && !not_checked(&ours) {
                            let name = &case.name;
                            found.0.push(format!(
                                "{name} at level {level}: {ours:?}, openssl {theirs:?}\n{}",
                                case.line
                            ));
                        }
                    }
                }
            });
        }
    });
    found.into_inner().unwrap()
}

/// The one thing that may stay open: what is said not to be checked.
fn not_checked(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Undetermined(why) if why == "RFC 3779 resources are not checked")
}

/// The figures of `tests/run`.
#[expect(clippy::print_stdout, reason = "tests/run reads what a test prints")]
fn say(line: &str) {
    println!("{line}");
}

fn assert_agreement(cases: &[Case]) {
    let (mut differing, verdicts) = compare(cases);
    for (verdict, times) in &verdicts {
        say(&format!("{times:7}  {verdict}"));
    }
    let all = 3 * cases.len();
    say(&format!("both agree in {} of {all}", all - differing.len()));
    differing.sort();
    if !differing.is_empty() {
        // Whole, to be kept in tests/data/chains.ndjson once they are mended.
        let path = repository("target/tests/chains-differing.txt");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, differing.join("\n")).unwrap();
        let first: Vec<_> = differing
            .iter()
            .take(20)
            .filter_map(|one| one.lines().next())
            .collect();
        panic!(
            "{} differ, see {}:\n{}",
            differing.len(),
            path.display(),
            first.join("\n")
        );
    }
}

fn variable(name: &str) -> Option<usize> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

fn generated(seed: usize, first: usize, count: usize) -> Vec<Case> {
    let output = Command::new(cache().join("venv/bin/python"))
        .arg(repository("tests/chains/generate.py"))
        .args(["--seed", &seed.to_string()])
        .args(["--first", &first.to_string()])
        .args(["--count", &count.to_string()])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let cases: Vec<_> = lines.lines().map(Case::read).collect();
    assert_eq!(cases.len(), count);
    cases
}

#[test]
fn random_chains_are_judged_as_openssl_does() {
    let count = variable("PGPROBE_CHAINS").unwrap_or(SLICE);
    let seed = variable("PGPROBE_CHAINS_SEED").unwrap_or(1);
    // Not all in memory at once.
    for first in (0..count).step_by(AT_ONCE) {
        assert_agreement(&generated(seed, first, AT_ONCE.min(count - first)));
    }
}

#[test]
fn what_once_was_judged_otherwise_is_not_again() {
    let saved = fs::read_to_string(repository("tests/data/chains.ndjson")).unwrap();
    assert_agreement(&saved.lines().map(Case::read).collect::<Vec<_>>());
}

#[test]
fn libssl_says_the_same_in_a_handshake() {
    let wanted = variable("PGPROBE_CHAIN_HANDSHAKES").unwrap_or(HANDSHAKES);
    let seed = variable("PGPROBE_CHAINS_SEED").unwrap_or(2);
    let folder = tempfile::tempdir().unwrap();
    let (mut done, mut differing) = (0, Vec::new());
    for first in (0..).step_by(wanted) {
        for case in generated(seed, first, wanted) {
            if done == wanted {
                break;
            }
            let files = case.write(folder.path(), 0);
            let level = u8::try_from(done % 3).unwrap();
            let Some(theirs) = case.in_a_handshake(level, &files) else {
                continue;
            };
            let ours = case.ours(level);
            // Of what it cannot load libssl says nothing more.
            if matches!(theirs, Verdict::Unreadable) && !matches!(ours, Verdict::Trusted) {
                continue;
            }
            done += 1;
            if ours != theirs && !not_checked(&ours) {
                let name = &case.name;
                differing.push(format!(
                    "{name} at level {level}: {ours:?}, libssl {theirs:?}"
                ));
            }
        }
        if done == wanted {
            break;
        }
    }
    say(&format!(
        "both agree in {} of {done}",
        done - differing.len()
    ));
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}
