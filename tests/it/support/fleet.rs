//! The servers of `pgprobe demo`, and the command run against them.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use pgprobe::demo::{self, DemoServer, Fleet};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::pgprobe::{Run, program};

/// Runs `pgprobe` with `arguments` in `folder`, which is also its home, and these variables alone.
pub(crate) fn pgprobe(folder: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Run {
    let output = Command::new(program())
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("TMPDIR", folder)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Run {
        arguments: arguments.join(" "),
        status: output.status.code(),
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
        for (name, text) in [
            ("root.crt", &fleet.root_pem),
            ("client.crt", &fleet.client_certificate_pem),
            ("client.key", &fleet.client_key_pem),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        }
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
    pub(crate) fn pgprobe(&self, arguments: &[&str]) -> Run {
        pgprobe(self.folder.path(), &[], arguments)
    }
}

/// A port of the loopback interface that nobody listens on.
pub(crate) fn closed_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

fn now() -> i64 {
    let now = SystemTime::now();
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}
