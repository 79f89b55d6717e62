//! Runs the pgprobe command that cargo has built, with nothing of our own environment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// libpq's sslmodes, in its order.
pub(crate) const MODES: [&str; 6] = [
    "disable",
    "allow",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
];

/// A run that takes longer than this hangs, in seconds.
const LIMIT: &str = "60";

/// Who asks: a connection string, an environment, and a home directory of its own.
pub(crate) struct Client {
    /// Keywords and values, without sslmode.
    pub(crate) conninfo: String,
    env: Vec<(String, String)>,
    home: TempDir,
    folder: PathBuf,
}

impl Client {
    pub(crate) fn new(conninfo: impl Into<String>) -> Self {
        let home = TempDir::new().unwrap();
        let folder = home.path().to_owned();
        Self {
            conninfo: conninfo.into(),
            env: Vec::new(),
            home,
            folder,
        }
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Runs in this folder, so that relative file names are meant there.
    pub(crate) fn in_folder(mut self, folder: &Path) -> Self {
        folder.clone_into(&mut self.folder);
        self
    }

    /// Puts a file under the home directory.
    pub(crate) fn home_file(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let place = self.home.path().join(name);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, bytes).unwrap();
        self
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Gives a command this client's environment, and nothing else.
    pub(crate) fn prepare(&self, command: &mut Command) {
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LC_ALL", "C")
            .env("TZ", "UTC");
        command
            .env("HOME", self.home.path())
            .current_dir(&self.folder);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
    }

    /// `pgprobe OPTIONS CONNINFO`.
    pub(crate) fn probe(&self, options: &[&str]) -> Run {
        let mut arguments = options.to_vec();
        arguments.push(&self.conninfo);
        self.run(&arguments)
    }

    /// `pgprobe --format json OPTIONS CONNINFO`.
    pub(crate) fn json(&self, options: &[&str]) -> Run {
        self.probe(&[&["--format", "json"], options].concat())
    }

    /// `pgprobe ARGUMENTS`.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let mut command = Command::new("timeout");
        self.prepare(&mut command);
        command
            .args(["--signal", "KILL", LIMIT])
            .arg(program())
            .args(arguments);
        let output = command.stdin(Stdio::null()).output().unwrap();
        Run {
            arguments: arguments.join(" "),
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }
}

/// What a run of pgprobe has left.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) arguments: String,
    /// `None`: it was killed, for it hung.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// The only JSON object on stdout.
    pub(crate) fn object(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// Something of the JSON object, by JSON pointer; it must be there.
    pub(crate) fn at(&self, pointer: &str) -> Value {
        let object = self.object();
        object
            .pointer(pointer)
            .unwrap_or_else(|| panic!("no {pointer} in {self:#?}"))
            .clone()
    }

    /// The verdict of each sslmode in a word: `plain`, `tls`, `undetermined`, or the error code.
    pub(crate) fn verdicts(&self) -> [String; 6] {
        let modes = self.at("/sslmodes");
        let modes = modes.as_array().unwrap();
        let names: Vec<&str> = modes
            .iter()
            .filter_map(|mode| mode["mode"].as_str())
            .collect();
        assert_eq!(names, MODES, "{self:#?}");
        std::array::from_fn(|index| word(&modes[index]))
    }

    /// libpq's words for the failure of a mode.
    pub(crate) fn message(&self, mode: &str) -> String {
        let index = MODES.iter().position(|name| *name == mode).unwrap();
        let error = self.at(&format!("/sslmodes/{index}/error"));
        error["message"]
            .as_str()
            .unwrap_or_else(|| panic!("no error: {self:#?}"))
            .to_owned()
    }
}

/// A verdict of the JSON in a word.
fn word(verdict: &Value) -> String {
    let outcome = verdict["outcome"].as_str().unwrap();
    match (outcome, verdict["encrypted"].as_bool()) {
        ("connects", Some(true)) => "tls".to_owned(),
        ("connects", Some(false)) => "plain".to_owned(),
        ("fails", _) => verdict["error"]["code"]
            .as_str()
            .expect("a failure has a code")
            .to_owned(),
        ("undetermined", _) => outcome.to_owned(),
        _ => panic!("a verdict must say what connects and whether encrypted: {verdict}"),
    }
}

/// The command under test.
pub(crate) fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_pgprobe"))
}
