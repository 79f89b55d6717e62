//! What libpq says when it gives up, and the class of the reason.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why libpq does not connect: a closed vocabulary, part of the report's contract.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// No TCP (or Unix socket) connection, or no address for the host.
    ConnectFailed,
    /// `connect_timeout` struck.
    Timeout,
    /// The server closed the connection.
    ConnectionClosed,
    /// A connection parameter is unknown, malformed or contradicts another.
    BadParameter,
    /// verify-ca or verify-full without a root certificate file.
    RootCertMissing,
    /// The root certificate file exists, but cannot be used.
    RootCertUnreadable,
    /// The client certificate or its key cannot be used.
    ClientCertUnusable,
    /// The server does not speak TLS and the mode demands it.
    ServerRefusedSsl,
    /// Bytes came between the server's `S` and the TLS handshake.
    UnencryptedDataInjected,
    /// The server's bytes are not the protocol.
    ProtocolError,
    /// Direct TLS without (the right) ALPN.
    AlpnMissing,
    /// No TLS version in common.
    TlsVersionUnsupported,
    /// The TLS handshake failed otherwise.
    TlsHandshakeFailed,
    /// The server's certificate chain is not trusted.
    CertUntrusted,
    /// The server's certificate is for another name.
    HostnameMismatch,
    /// The server wants a client certificate.
    ClientCertRequired,
    /// The server refuses the client certificate.
    ClientCertRejected,
    /// pg_hba.conf refuses.
    HbaRejected,
    /// The server's authentication request breaks require_auth, channel_binding or sslcertmode.
    AuthRequirementFailed,
    /// Any other error of the server.
    ServerError,
}

impl ErrorCode {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::ConnectFailed,
        Self::Timeout,
        Self::ConnectionClosed,
        Self::BadParameter,
        Self::RootCertMissing,
        Self::RootCertUnreadable,
        Self::ClientCertUnusable,
        Self::ServerRefusedSsl,
        Self::UnencryptedDataInjected,
        Self::ProtocolError,
        Self::AlpnMissing,
        Self::TlsVersionUnsupported,
        Self::TlsHandshakeFailed,
        Self::CertUntrusted,
        Self::HostnameMismatch,
        Self::ClientCertRequired,
        Self::ClientCertRejected,
        Self::HbaRejected,
        Self::AuthRequirementFailed,
        Self::ServerError,
    ];
}

/// libpq's error: its class and its text without the final newline.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct LibpqError {
    /// The class.
    pub code: ErrorCode,
    /// libpq's text, with nothing secret in it.
    pub message: String,
}

impl LibpqError {
    /// An error of class `code`.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// The refusal of a parameter, before anything is sent.
    pub fn bad_parameter(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadParameter, message)
    }
}
