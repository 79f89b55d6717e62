//! The client certificate and its key: whether libpq can use them, from what `stat` says.

use crate::client::{Client, FileFact, KeyLoad, StatError};
use crate::libpq::error::{ErrorCode, LibpqError};
use crate::libpq::parameters::{Parameters, SslCertMode};

/// What libpq would answer to a server's request for a certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClientCertificate {
    /// It has none.
    None,
    /// It has one, with its key.
    Usable,
}

/// Loads the client certificate, or says why libpq's TLS start fails at it.
///
/// Mirrors the second half of `initialize_SSL` in fe-secure-openssl.c. The root certificate file
/// comes first there: where that fails, its message is the one libpq gives.
pub fn client_certificate(
    client: &Client,
    parameters: &Parameters,
) -> Result<ClientCertificate, LibpqError> {
    let fail = |text: String| Err(LibpqError::new(ErrorCode::ClientCertUnusable, text));
    if parameters.sslcertmode() == SslCertMode::Disable {
        return Ok(ClientCertificate::None);
    }
    let Some(path) = parameters.sslcert() else {
        return Ok(ClientCertificate::None);
    };
    let reason = match client.file(&path) {
        FileFact::Absent {
            errno: StatError::NotFound | StatError::NotADirectory,
            ..
        } => {
            return Ok(ClientCertificate::None);
        }
        FileFact::Absent {
            errno: StatError::Other,
            error,
        } => {
            return fail(format!(
                "could not open certificate file \"{path}\": {error}"
            ));
        }
        FileFact::Unreadable { error, .. } => Some(error.as_str()),
        FileFact::Directory { .. } => Some("Is a directory"),
        FileFact::Present { bytes, .. } => unreadable_certificate(&bytes.0),
        FileFact::PrivateKey { .. } => None,
    };
    if let Some(reason) = reason {
        return fail(format!(
            "could not read certificate file \"{path}\": {reason}"
        ));
    }

    if let Some((engine, _)) = parameters
        .value("sslkey")
        .and_then(|key| key.split_once(':'))
    {
        // Engines are compiled in wherever OpenSSL has them, and none is installed by default.
        return fail(format!(
            "could not load SSL engine \"{engine}\": no such engine"
        ));
    }
    let Some(path) = parameters.sslkey() else {
        return fail(
            "certificate does not match private key file \"\": no private key assigned".to_owned(),
        );
    };
    let fact = client.private_key(&path);
    let stat = match fact {
        FileFact::Absent {
            errno: StatError::NotFound,
            ..
        } => {
            return fail(format!(
                "certificate present, but not private key file \"{path}\""
            ));
        }
        FileFact::Absent { error, .. } => {
            return fail(format!(
                "could not stat private key file \"{path}\": {error}"
            ));
        }
        FileFact::Unreadable { stat, .. }
        | FileFact::Directory { stat, .. }
        | FileFact::Present { stat, .. }
        | FileFact::PrivateKey { stat, .. } => stat,
    };
    if !stat.regular {
        return fail(format!("private key file \"{path}\" is not a regular file"));
    }
    let forbidden = if stat.uid == 0 { 0o037 } else { 0o077 };
    if stat.mode & forbidden != 0 {
        return fail(format!(
            "private key file \"{path}\" has group or world access; file must have permissions \
             u=rw (0600) or less if owned by the current user, or permissions u=rw,g=r (0640) or \
             less if owned by root"
        ));
    }
    match fact {
        FileFact::PrivateKey {
            load: KeyLoad::Loads,
            ..
        } => Ok(ClientCertificate::Usable),
        FileFact::PrivateKey {
            load: KeyLoad::Fails(reason),
            ..
        } => fail(format!(
            "could not load private key file \"{path}\": {reason}"
        )),
        FileFact::Unreadable { error, .. } => fail(format!(
            "could not load private key file \"{path}\": {error}"
        )),
        // Nobody looked into it: gathering always does.
        _ => fail(format!(
            "could not load private key file \"{path}\": no start line"
        )),
    }
}

/// OpenSSL's reason why the first certificate of `bytes` does not load.
fn unreadable_certificate(bytes: &[u8]) -> Option<&'static str> {
    for pem in x509_parser::pem::Pem::iter_from_buffer(bytes) {
        let Ok(pem) = pem else {
            return Some("bad base64 decode");
        };
        if ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"].contains(&&*pem.label) {
            return pem.parse_x509().is_err().then_some("wrong tag");
        }
    }
    Some("no start line")
}
