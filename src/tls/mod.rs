//! TLS 1.0 to 1.3 as OpenSSL's default client speaks them. A library for everyday use would be
//! stricter here and more lenient there, and then the verdict would not be libpq's.
//!
//! It finishes the handshake, carries a StartupMessage and its answer, and **never a secret**: no
//! password is ever sent, a client's private key only signs. That is why it can do without what a
//! library for everyday use needs: it does not run in constant time, resumes nothing, renegotiates
//! nothing.
//!
//! What it refuses is what every OpenSSL that pgprobe emulates refuses, by OpenSSL's reason. Where
//! releases or security levels differ (RFC 5746, the size of Diffie-Hellman groups, what a
//! certificate is worth) it goes on and records; so does it with the signature of the
//! ServerKeyExchange, which whoever judges the evidence must verify. Only the Finished message is
//! verified here, because nobody else could: with RSA key exchange it is the proof of possession.
//!
//! There is no socket here: bytes in, bytes out. Whatever the server sends, memory stays below one
//! [`MAX_TRANSCRIPT`], one message and one record, and nothing panics.

mod client;
mod digest;
mod key_exchange;
mod messages;
mod offered;
mod record;
mod suite;

use std::sync::Arc;

use rustls::sign::{CertifiedKey, Signer};

pub use client::{Client, MAX_TRANSCRIPT, Progress};
pub use suite::exists_below_tls_1_2;

/// A client certificate, and what signs with its key.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The chain, and what signs in TLS 1.2 and 1.3.
    pub key: Arc<CertifiedKey>,
    /// What signs in TLS 1.0 and 1.1; `None` for keys with which OpenSSL shows no certificate there.
    pub below_tls_1_2: Option<Arc<dyn Signer>>,
    /// Why OpenSSL ends the handshake instead of sending the chain: its security level is above it.
    pub refused: Option<&'static str>,
}

/// A rule that the server breaks: the alert that says so, and OpenSSL's reason.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Fault {
    alert: u8,
    reason: &'static str,
}

/// Alerts (RFC 5246 section 7.2).
const UNEXPECTED_MESSAGE: u8 = 10;
const BAD_RECORD_MAC: u8 = 20;
const RECORD_OVERFLOW: u8 = 22;
const HANDSHAKE_FAILURE: u8 = 40;
const BAD_CERTIFICATE: u8 = 42;
const ILLEGAL_PARAMETER: u8 = 47;
const DECODE_ERROR: u8 = 50;
const DECRYPT_ERROR: u8 = 51;
const PROTOCOL_VERSION: u8 = 70;
const INTERNAL_ERROR: u8 = 80;
const MISSING_EXTENSION: u8 = 109;
const UNSUPPORTED_EXTENSION: u8 = 110;

const TLS_1_0: u16 = 0x0301;
const TLS_1_1: u16 = 0x0302;
const TLS_1_2: u16 = 0x0303;
const TLS_1_3: u16 = 0x0304;

const fn fault(alert: u8, reason: &'static str) -> Fault {
    Fault { alert, reason }
}

impl From<crate::wire::DecodeError> for Fault {
    /// A message that ends too early or too late.
    fn from(_: crate::wire::DecodeError) -> Self {
        fault(DECODE_ERROR, "length mismatch")
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
