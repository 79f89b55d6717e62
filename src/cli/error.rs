//! What stops pgprobe itself: its own options and files, never a server.

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
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
    /// No target, and no PG* variable names a host or service.
    #[error("no target")]
    NoTarget,
    /// The target is nothing that psql would take for a server.
    #[error("{message}")]
    Target {
        /// What is wrong.
        message: String,
    },
    /// A file could not be read.
    #[error("cannot read \"{path}\": {error}")]
    Read {
        /// Which.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write \"{path}\": {error}")]
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
    /// Options that do not go together.
    #[error("{0}")]
    Options(&'static str),
    /// The runtime did not start.
    #[error("cannot start: {0}")]
    Runtime(io::Error),
}

impl Error {
    fn hint(&self) -> Option<&'static str> {
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
            _ => None,
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
