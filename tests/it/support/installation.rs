//! What `tests/setup` has installed: PostgreSQL's programs, their account, and data to clone.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};

/// The account that the servers run under where the tests run as root, as servers refuse to.
const ACCOUNT: &str = "postgres";

/// What a template holds beside what initdb makes; a change makes new templates.
///
/// Single-user mode takes one command a line.
const ROLES: &str = "\
SET password_encryption = 'scram-sha-256'; \
CREATE ROLE myuser LOGIN PASSWORD 'a-password-of-the-tests'; \
CREATE ROLE admin LOGIN PASSWORD 'a-password-of-the-tests'; \
CREATE ROLE alice LOGIN PASSWORD 'a-password-of-the-tests'; \
SET password_encryption = 'md5'; \
CREATE ROLE md5user LOGIN PASSWORD 'a-password-of-the-tests';
CREATE DATABASE myapp;
";

/// The settings that make a server small and quick, before those of the test.
const SMALL: &str = "\
listen_addresses = '127.0.0.1,::1'
max_connections = 30
shared_buffers = 4MB
fsync = off
max_wal_senders = 0
wal_level = minimal
autovacuum = off
include 'test.conf'
";

/// A program of a major version.
pub(crate) fn bin(major: u32, program: &str) -> PathBuf {
    let home = match major {
        15 => PathBuf::from("/usr/lib/postgresql/15"),
        _ => cache().join("pg").join(major.to_string()),
    };
    let path = home.join("bin").join(program);
    assert!(
        path.exists(),
        "{} is missing: run tests/setup",
        path.display()
    );
    path
}

/// Where `tests/setup` keeps what it has downloaded.
pub(crate) fn cache() -> PathBuf {
    std::env::var_os("RIG_CACHE").map_or_else(
        || PathBuf::from("/var/tmp/pgprobe-oracle/cache"),
        PathBuf::from,
    )
}

/// Runs a command that must succeed; its output.
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{text}\n{complaints}",
        output.status
    );
    text
}

/// Gives a file to the server's account, where that is not our own.
pub(crate) fn own(path: &Path) {
    if let Some((user, group)) = account() {
        chown(path, Some(user), Some(group)).unwrap();
    }
}

/// The user and group id of the server's account, if the tests run as root.
fn account() -> Option<(u32, u32)> {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let accounts = fs::read_to_string("/etc/passwd").unwrap();
    let line = accounts
        .lines()
        .find(|line| line.starts_with(&format!("{ACCOUNT}:")));
    let fields: Vec<&str> = line
        .expect("no account postgres: run tests/setup")
        .split(':')
        .collect();
    Some((fields[2].parse().unwrap(), fields[3].parse().unwrap()))
}

/// A program run under the server's account, with a clean environment, that dies with its test.
pub(crate) fn as_account(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "QUIT"]);
    if account().is_some() {
        command.args(["--reuid", ACCOUNT, "--regid", ACCOUNT, "--clear-groups"]);
    }
    command.arg(program).env_clear().current_dir("/");
    command
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C")
        .env("TZ", "UTC");
    command
}

/// The data directory to clone for a major version; made once and kept in the cache.
pub(crate) fn template(major: u32) -> PathBuf {
    static MADE: OnceLock<Mutex<BTreeMap<u32, Arc<OnceLock<PathBuf>>>>> = OnceLock::new();
    let cell = Arc::clone(
        MADE.get_or_init(Mutex::default)
            .lock()
            .unwrap()
            .entry(major)
            .or_default(),
    );
    cell.get_or_init(|| make_template(major)).clone()
}

fn make_template(major: u32) -> PathBuf {
    let version = succeed(Command::new(bin(major, "postgres")).arg("--version"));
    let name = version.split_whitespace().nth(2).unwrap();
    let templates = cache().join("templates");
    let place = templates.join(format!(
        "{name}-{:08x}",
        checksum(&format!("{ROLES}{SMALL}"))
    ));
    if place.exists() {
        return place;
    }
    fs::create_dir_all(&templates).unwrap();
    let scratch = tempfile::Builder::new()
        .prefix("new-")
        .tempdir_in(&templates)
        .unwrap();
    own(scratch.path());
    let data = scratch.path().join("data");
    let mut initdb = as_account(&bin(major, "initdb"));
    initdb
        .arg("-D")
        .arg(&data)
        .args(["-N", "-U", "postgres", "-A", "trust", "-E", "UTF8"]);
    succeed(initdb.arg("--locale=C"));
    let mut conf = File::options()
        .append(true)
        .open(data.join("postgresql.conf"))
        .unwrap();
    conf.write_all(SMALL.as_bytes()).unwrap();
    fs::write(data.join("test.conf"), "").unwrap();
    fs::write(data.join("situation.conf"), "").unwrap();
    own(&data.join("test.conf"));
    own(&data.join("situation.conf"));

    let mut single = as_account(&bin(major, "postgres"));
    single.args(["--single", "-D"]).arg(&data).arg("postgres");
    single
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut process = single.spawn().unwrap();
    process
        .stdin
        .take()
        .unwrap()
        .write_all(ROLES.as_bytes())
        .unwrap();
    assert!(
        process.wait().unwrap().success(),
        "the roles of PostgreSQL {major}"
    );
    // Another process may have been quicker; then its template is as good.
    if let Err(error) = fs::rename(&data, &place) {
        assert!(place.exists(), "{}: {error}", place.display());
    }
    place
}

/// FNV-1a, to tell two versions of a text apart.
fn checksum(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |sum, byte| {
        (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}
