//! The client certificate and its key: whether libpq can use them, from what `stat` says.

use x509_parser::error::PEMError;
use x509_parser::pem::Pem;

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
    /// It has one, and whether it can use it is not known here.
    Unknown,
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
        FileFact::NotRead { .. } => return Ok(ClientCertificate::Unknown),
        FileFact::Unreadable { error, .. } => Some(error.as_str()),
        FileFact::Directory { .. } => Some("no start line"),
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
        // Wherever OpenSSL has engines; one of any other name is sought as a shared library.
        return fail(format!(
            "could not load SSL engine \"{engine}\": could not load the shared library"
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
        | FileFact::NotRead { stat, .. }
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
            load: KeyLoad::Fails(message),
            ..
        } => fail(message.clone()),
        FileFact::Unreadable { error, .. } => fail(format!(
            "could not load private key file \"{path}\": {error}"
        )),
        _ => Ok(ClientCertificate::Unknown),
    }
}

/// OpenSSL's reason why the certificate and its chain in `bytes` do not load.
///
/// Mirrors `SSL_CTX_use_certificate_chain_file`: blocks of other kinds are passed over, and after
/// the first certificate every further one must load as well.
fn unreadable_certificate(bytes: &[u8]) -> Option<&'static str> {
    let mut certificates = 0;
    for pem in Pem::iter_from_buffer(bytes) {
        let pem = match pem {
            Ok(pem) => pem,
            Err(PEMError::Base64DecodeError) => return Some("bad base64 decode"),
            Err(_) => return Some("bad end line"),
        };
        if ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"].contains(&&*pem.label) {
            if pem.parse_x509().is_err() {
                return Some("wrong tag");
            }
            certificates += 1;
        }
    }
    (certificates == 0).then_some("no start line")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Bytes, Stat};
    use crate::emulates::Libpq;
    use crate::libpq::parameters::resolve;

    fn answer(target: &str, certificate: FileFact, key: FileFact) -> String {
        let target = format!("host=h user=u sslcert=C {target}");
        let mut client = Client::new(Some(&target), &[]);
        client.files.insert("C".to_owned(), certificate);
        client.private_keys.insert("K".to_owned(), key);
        let parameters = resolve(&client, Libpq::V18).unwrap();
        match client_certificate(&client, &parameters) {
            Ok(answer) => format!("{answer:?}"),
            Err(error) => {
                assert_eq!(error.code, ErrorCode::ClientCertUnusable);
                error.message
            }
        }
    }

    fn absent(errno: StatError, error: &str) -> FileFact {
        FileFact::Absent {
            errno,
            error: error.to_owned(),
        }
    }

    fn certificate() -> FileFact {
        let key = rcgen::KeyPair::generate().unwrap();
        let parameters = rcgen::CertificateParams::new(vec!["client".to_owned()]).unwrap();
        let pem = parameters.self_signed(&key).unwrap().pem();
        FileFact::Present {
            stat: Stat::default(),
            bytes: Bytes(pem.into_bytes()),
        }
    }

    fn key(mode: u32, uid: u32, load: KeyLoad) -> FileFact {
        FileFact::PrivateKey {
            stat: Stat {
                mode,
                uid,
                regular: true,
            },
            load,
        }
    }

    #[test]
    fn a_certificate_that_is_not_there_is_none() {
        let missing = || absent(StatError::NotFound, "No such file or directory");
        assert_eq!(answer("", missing(), missing()), "None");
        let error = absent(StatError::NotADirectory, "Not a directory");
        assert_eq!(answer("", error, missing()), "None");
        assert_eq!(
            answer("", absent(StatError::Other, "Permission denied"), missing()),
            "could not open certificate file \"C\": Permission denied"
        );
        let unreadable = || FileFact::Unreadable {
            stat: Stat::default(),
            error: "Permission denied".to_owned(),
        };
        assert_eq!(
            answer("", unreadable(), missing()),
            "could not read certificate file \"C\": Permission denied"
        );
        assert_eq!(
            answer("sslcertmode=disable", unreadable(), missing()),
            "None"
        );
    }

    #[test]
    fn a_key_must_be_there_be_private_and_load() {
        let load = || KeyLoad::Loads;
        for (fact, text) in [
            (key(0o600, 7, load()), "Usable"),
            (key(0o640, 0, load()), "Usable"),
            (key(0o640, 7, load()), "has group or world access"),
            (key(0o660, 0, load()), "has group or world access"),
            (key(0o604, 0, load()), "has group or world access"),
            (
                absent(StatError::NotFound, ""),
                "certificate present, but not private key file \"K\"",
            ),
            (
                absent(StatError::NotADirectory, "Not a directory"),
                "could not stat private key file \"K\": Not a directory",
            ),
            (
                FileFact::Directory {
                    stat: Stat::default(),
                    entries: [].into(),
                },
                "private key file \"K\" is not a regular file",
            ),
            (
                key(0o600, 0, KeyLoad::Fails("as the loader says".to_owned())),
                "as the loader says",
            ),
        ] {
            let said = answer("sslkey=K", certificate(), fact);
            assert!(said.contains(text), "{said:?} lacks {text:?}");
        }
    }

    #[test]
    fn a_certificate_without_any_key_file_does_not_match_it() {
        assert_eq!(
            answer("", certificate(), absent(StatError::NotFound, "")),
            "certificate does not match private key file \"\": no private key assigned"
        );
    }
}
