//! How libpq reports what went wrong inside TLS: mirrors `open_client_SSL` and `SSLerrmessage`.

use super::error::{ErrorCode, LibpqError};
use crate::observation::Failure;
use crate::wire::tls::names;

/// The error of a fatal alert from the server.
pub fn of_alert(alert: u8) -> LibpqError {
    let code = match alert {
        70 => ErrorCode::TlsVersionUnsupported,
        116 => ErrorCode::ClientCertRequired,
        42..=46 | 48 | 51 => ErrorCode::ClientCertRejected,
        _ => ErrorCode::TlsHandshakeFailed,
    };
    let name = names::alert(alert).replace('_', " ");
    LibpqError::new(code, format!("SSL error: alert {name}"))
}

/// The error of a handshake that failed, or why it cannot be told.
///
/// # Errors
/// The reason why libpq's answer does not follow from what was seen.
pub fn of_handshake(failure: &Failure) -> Result<LibpqError, String> {
    Ok(match failure {
        Failure::Alert(alert) => of_alert(*alert),
        Failure::Closed => LibpqError::new(
            ErrorCode::ConnectionClosed,
            "SSL SYSCALL error: EOF detected",
        ),
        Failure::Reset => LibpqError::new(
            ErrorCode::ConnectionClosed,
            "SSL SYSCALL error: Connection reset by peer",
        ),
        Failure::Protocol(_) => LibpqError::new(
            ErrorCode::TlsHandshakeFailed,
            "SSL error: wrong version number",
        ),
        Failure::TlsRule(reason) => LibpqError::new(
            match reason.as_str() {
                "unsupported protocol" => ErrorCode::TlsVersionUnsupported,
                _ => ErrorCode::TlsHandshakeFailed,
            },
            format!("SSL error: {reason}"),
        ),
        Failure::ConnectTimeout => LibpqError::new(ErrorCode::Timeout, "timeout expired"),
        Failure::Deadline => return Err("the TLS handshake did not end in time".into()),
        Failure::Unsupported(why) | Failure::Local(why) => return Err(why.clone()),
        Failure::UnofferedAlpn => {
            LibpqError::new(ErrorCode::TlsHandshakeFailed, "SSL error: bad extension")
        }
        Failure::Refused | Failure::Unreachable(_) | Failure::Unresolved(_) => LibpqError::new(
            ErrorCode::ConnectionClosed,
            "SSL SYSCALL error: EOF detected",
        ),
    })
}
