//! What stops pgprobe itself: its own options and files, never a server.

use std::borrow::Cow;
use std::io::{self, Write as _};
use std::net::SocketAddr;

use thiserror::Error;

/// One line for stderr, and a hint where there is one.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// Nobody reads the output any more.
    #[error("broken pipe")]
    BrokenPipe,
    /// Writing to stdout failed otherwise.
    #[error("cannot write to standard output: {}", reason(.0))]
    Output(io::Error),
    /// No target, and no PG* variable names a host or service.
    #[error("no target")]
    NoTarget,
    /// A configuration of the exporter is none.
    #[error("\"{path}\"{}: {message}", line.map(|line| format!(" line {line}")).unwrap_or_default())]
    Config {
        /// Which file.
        path: String,
        /// Where in it.
        line: Option<usize>,
        /// What is wrong.
        message: String,
    },
    /// A module of the exporter cannot be used.
    #[error("{0}")]
    Module(String),
    /// libpq would refuse what a module sets.
    #[error("module {module}: libpq {libpq} refuses it: {message}")]
    ModuleValue {
        /// Which module.
        module: String,
        /// Whose words.
        libpq: u8,
        /// libpq's words.
        message: String,
        /// What it would take.
        hint: &'static str,
    },
    /// The exporter would listen to others, and let them connect anywhere.
    #[error(
        "--listen {0} without an allow list: whoever reaches it could connect anywhere from here"
    )]
    Unfenced(SocketAddr),
    /// Nobody can listen there.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        error: io::Error,
    },
    /// The target is nothing that psql would take for a server.
    #[error("{message}")]
    Target {
        /// What is wrong.
        message: String,
    },
    /// A file could not be read.
    #[error("cannot read \"{path}\": {}", reason(.error))]
    Read {
        /// Which.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write \"{path}\": {}", reason(.error))]
    Write {
        /// Which.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// A saved observation could not be understood.
    #[error("\"{path}\" is not a saved observation: {why}")]
    Observation {
        /// Which file.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// Something about a scan.
    #[error("{message}")]
    Scan {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: &'static str,
    },
    /// A file of records holds none.
    #[error("\"{path}\" is not what a scan writes: {why}")]
    Records {
        /// Which file.
        path: String,
        /// What is wrong.
        why: &'static str,
    },
    /// A file of certificates could not be used.
    #[error("cannot use \"{path}\" as a certificate: {why}")]
    Certificate {
        /// Which.
        path: String,
        /// Why.
        why: String,
    },
    /// No finding is called so.
    #[error("there is no finding \"{name}\"")]
    Lint {
        /// What was asked for.
        name: String,
        /// Names that are like it.
        near: Vec<&'static str>,
    },
    /// A baseline cannot be used.
    #[error("\"{path}\" is no baseline: {why}")]
    Baseline {
        /// Which.
        path: String,
        /// Why not.
        why: String,
    },
    /// A profile cannot be used.
    #[error("cannot use \"{path}\" as a profile: {why}")]
    Profile {
        /// Which.
        path: String,
        /// Why not.
        why: String,
    },
    /// Options that do not go together.
    #[error("{why}")]
    Options {
        /// Which, and why not.
        why: &'static str,
        /// What to do instead.
        hint: &'static str,
    },
    /// The runtime did not start.
    #[error("cannot start: {}", reason(.0))]
    Runtime(io::Error),
}

impl Error {
    fn hint(&self) -> Option<Cow<'static, str>> {
        if let Self::Lint { near, .. } = self {
            let like = match near.as_slice() {
                [] => String::new(),
                names => format!("there is {}; ", names.join(", ")),
            };
            return Some(Cow::Owned(format!(
                "{like}`pgprobe explain --list` has all"
            )));
        }
        self.fixed_hint().map(Cow::Borrowed)
    }

    fn fixed_hint(&self) -> Option<&'static str> {
        match self {
            Self::NoTarget => Some(
                "try `pgprobe db.example.com`, `pgprobe db.example.com:5433`, `pgprobe \
                 postgresql://db.example.com/app` or `pgprobe demo`; PGHOST and PGSERVICE count too",
            ),
            Self::Target { .. } => Some(
                "a target is host, host:port, [v6]:port, a postgresql:// URI or \"key=value ...\"",
            ),
            Self::Observation { .. } => {
                Some("`pgprobe TARGET --save-observation FILE` writes such a file")
            }
            Self::Config { .. } => {
                Some("docs/monitoring/prometheus.md lists every key of a configuration")
            }
            Self::Unfenced(_) => Some(
                "say in the configuration where scrapes may lead: [allow] with hosts, networks, \
                 ports; hosts = [\"*\"] is everywhere",
            ),
            Self::Listen { error, .. } if error.kind() == io::ErrorKind::AddrInUse => {
                Some("--listen ADDRESS:PORT chooses another port")
            }
            Self::Module(_) => Some("a module's files must be readable for the exporter's user"),
            Self::Listen { .. } => Some("--listen takes an address of this machine, and a port"),
            Self::Records { .. } => Some(
                "`pgprobe scan TARGETS --output FILE` writes records, and so does `pgprobe TARGET \
                 --format json`",
            ),
            Self::Options { hint, .. }
            | Self::Scan { hint, .. }
            | Self::ModuleValue { hint, .. } => Some(hint),
            Self::Read { error, .. } => Some(match error.kind() {
                io::ErrorKind::NotFound => {
                    "is the name right, seen from here? `-` is standard input"
                }
                io::ErrorKind::PermissionDenied => {
                    "the user that runs pgprobe must be able to read it"
                }
                io::ErrorKind::IsADirectory => "it is a directory; name a file in it",
                io::ErrorKind::InvalidData => "it is not text; a file that pgprobe wrote is wanted",
                _ => "can another program read it?",
            }),
            Self::Write { error, .. } => Some(match error.kind() {
                io::ErrorKind::NotFound => "the directory must exist; pgprobe makes none",
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    "the user that runs pgprobe must be able to write there"
                }
                io::ErrorKind::IsADirectory => "it is a directory; name a file in it",
                io::ErrorKind::AlreadyExists => {
                    "it is left as it is, for it may hold what somebody wrote; name another"
                }
                _ => "is there room on the disk?",
            }),
            Self::Output(_) => Some("is there room on the disk it goes to?"),
            Self::Runtime(_) => {
                Some("the system gives no more sockets, threads or files; see `ulimit -a`")
            }
            Self::BrokenPipe | Self::Lint { .. } => None,
            Self::Baseline { .. } => Some(
                "`pgprobe TARGET --write-baseline FILE` writes one; `pgprobe help findings` \
                 describes it",
            ),
            Self::Profile { .. } => {
                Some("`pgprobe help profiles` lists those there are, and says how to write one")
            }
            Self::Certificate { .. } => Some(
                "--expect-cert takes a certificate in PEM or DER, such as the file that the \
                 server's ssl_cert_file names",
            ),
        }
    }

    /// Says it on stderr.
    pub(crate) fn print(&self) {
        let mut out = io::stderr().lock();
        let text = self.to_string();
        let _ = writeln!(out, "error: {}", crate::render::escape::escape(&text));
        if let Some(hint) = self.hint() {
            let _ = writeln!(out, "hint: {hint}");
        }
    }
}

/// An error of writing to stdout.
pub(crate) fn output(error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        Error::BrokenPipe
    } else {
        Error::Output(error)
    }
}

/// The system's words for an error, without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error ").next();
    words.unwrap_or_default().to_owned()
}
