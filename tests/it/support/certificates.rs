//! Certificates made by the openssl program, with the commands that the guides give.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

use tempfile::TempDir;

use super::installation::{own, succeed};

/// The files of a folder: name, content, permissions.
type Files = Vec<(String, Vec<u8>, fs::Permissions)>;

/// A folder in which shell commands leave keys and certificates.
pub(crate) struct Workshop {
    folder: TempDir,
}

impl Workshop {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("pgprobe-it-")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir_in("/tmp")
            .unwrap();
        Self { folder }
    }

    /// A folder in which `commands` have run; each must succeed.
    pub(crate) fn after(commands: &str) -> Self {
        let workshop = Self::new();
        workshop.run(commands);
        workshop
    }

    /// The same, for commands that need not make new keys for every test: they run once.
    pub(crate) fn like(commands: &'static str) -> Self {
        static MADE: OnceLock<Mutex<BTreeMap<&str, Files>>> = OnceLock::new();
        let mut made = MADE.get_or_init(Mutex::default).lock().unwrap();
        let files = made
            .entry(commands)
            .or_insert_with(|| Self::after(commands).files());
        let workshop = Self::new();
        for (name, bytes, permissions) in files {
            let place = workshop.path().join(name);
            fs::write(&place, bytes).unwrap();
            fs::set_permissions(&place, permissions.clone()).unwrap();
        }
        workshop
    }

    fn files(&self) -> Files {
        let entries = fs::read_dir(self.path()).unwrap().map(Result::unwrap);
        entries
            .map(|entry| {
                let path = entry.path();
                let permissions = entry.metadata().unwrap().permissions();
                (
                    entry.file_name().into_string().unwrap(),
                    fs::read(path).unwrap(),
                    permissions,
                )
            })
            .collect()
    }

    /// Runs shell commands here; what they print.
    pub(crate) fn run(&self, commands: &str) -> String {
        let mut shell = Command::new("sh");
        shell
            .args(["-euc", commands])
            .current_dir(self.path())
            .env_clear();
        shell
            .env("PATH", "/usr/bin:/bin")
            .env("LC_ALL", "C")
            .env("TZ", "UTC");
        // `sudo` and `systemctl` of the guides are the test's own business.
        succeed(shell.env("HOME", self.path()))
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The path of a file, as text for a connection string.
    pub(crate) fn file(&self, name: &str) -> String {
        self.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    /// Gives files to the server's account, as the guides' `chown postgres:postgres`.
    pub(crate) fn chown(&self, names: &[&str]) {
        for name in names {
            own(&self.path().join(name));
        }
    }

    /// The SHA-256 fingerprint of a certificate, as lower-case hexadecimal digits.
    pub(crate) fn fingerprint(&self, name: &str) -> String {
        let line = self.run(&format!(
            "openssl x509 -in '{name}' -noout -fingerprint -sha256"
        ));
        let (_, digits) = line.trim().split_once('=').unwrap();
        digits.replace(':', "").to_lowercase()
    }
}

/// A self-signed certificate for `common_name`, quickly: `server.crt` and `server.key`.
pub(crate) fn self_signed(common_name: &str) -> Workshop {
    Workshop::after(&format!(
        "openssl req -new -x509 -days 365 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
         -out server.crt -keyout server.key -subj '/CN={common_name}'"
    ))
}

/// A CA and a certificate for `names` (subjectAltName entries) that it has signed.
///
/// Leaves `ca.crt`, `ca.key`, `server.crt` and `server.key`.
pub(crate) fn signed(common_name: &str, names: &[&str]) -> Workshop {
    let workshop = Workshop::new();
    workshop.write(
        "extensions",
        &format!("subjectAltName = {}", names.join(",")),
    );
    workshop.run(&format!(
        "openssl req -new -x509 -days 3650 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
             -out ca.crt -keyout ca.key -subj '/CN=Test CA'
         openssl req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
             -out server.csr -keyout server.key -subj '/CN={common_name}'
         openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial \
             -out server.crt -days 365 -extfile extensions"
    ));
    workshop
}

/// Adds a client's `NAME.crt` and `NAME.key`, signed by the workshop's CA, for `common_name`.
pub(crate) fn client(workshop: &Workshop, name: &str, common_name: &str) {
    workshop.run(&format!(
        "openssl req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
             -out {name}.csr -keyout {name}.key -subj '/CN={common_name}'
         openssl x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial \
             -out {name}.crt -days 365
         chmod 600 {name}.key"
    ));
}
