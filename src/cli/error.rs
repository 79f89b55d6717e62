//! What stops pgprobe itself: its own options and files, never a server.

use std::io::{self, Write as _};

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
    /// A file of certificates could not be used.
    #[error("cannot use \"{path}\" as a certificate: {why}")]
    Certificate {
        /// Which.
        path: String,
        /// Why.
        why: String,
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
            Self::Certificate { .. } => Some(
                "--expect-cert takes a certificate in PEM or DER, such as the file that the \
                 server's ssl_cert_file names",
            ),
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
