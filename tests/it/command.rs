//! Runs the real command where nothing of this machine but loopback can be seen.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pgprobe::demo::{self, DemoServer, Fleet};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// What the command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `pgprobe` with `arguments` in `folder`, which is also its home, and these variables alone.
pub(crate) fn pgprobe(folder: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_pgprobe"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("TMPDIR", folder)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ran {
        status: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The demo fleet, running on a thread of its own, and a folder with its root certificate.
pub(crate) struct Servers {
    pub(crate) folder: TempDir,
    fleet: Fleet,
    _runtime: Runtime,
}

impl Servers {
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let fleet = runtime.block_on(demo::start(now())).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("root.crt"), &fleet.root_pem).unwrap();
        Self {
            folder,
            fleet,
            _runtime: runtime,
        }
    }

    pub(crate) fn named(&self, name: &str) -> &DemoServer {
        let mut servers = self.fleet.servers.iter();
        servers.find(|server| server.name == name).unwrap()
    }

    /// Runs `pgprobe` in the folder.
    pub(crate) fn pgprobe(&self, arguments: &[&str]) -> Ran {
        pgprobe(self.folder.path(), &[], arguments)
    }
}

/// A port of the loopback interface that nobody listens on.
pub(crate) fn closed_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// A file of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares a file of the repository with what it should be; `UPDATE_DOCS=1` writes it instead.
pub(crate) fn assert_file(path: &str, expected: &str) {
    let file = repository(path);
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    if found == expected {
        return;
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "how a developer asks for the rewriting"
    )]
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    if update {
        std::fs::write(&file, expected).unwrap();
        return;
    }
    let mut differences = String::new();
    let (mut old, mut new) = (found.lines(), expected.lines());
    for number in 1.. {
        match (old.next(), new.next()) {
            (None, None) => break,
            (old, new) if old == new => {}
            (old, new) => {
                let (old, new) = (old.unwrap_or("(end)"), new.unwrap_or("(end)"));
                differences += &format!("line {number}\n  has    {old}\n  wanted {new}\n");
                break;
            }
        }
    }
    panic!(
        "{path} is not what the code makes of it; `UPDATE_DOCS=1 cargo test --test integration` \
         rewrites it. The first difference:\n{differences}"
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "the fleet's certificates are valid around now"
)]
fn now() -> i64 {
    let now = std::time::SystemTime::now();
    let since = now
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    i64::try_from(since.as_secs()).unwrap()
}
