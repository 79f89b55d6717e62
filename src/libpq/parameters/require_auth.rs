//! `require_auth`: the authentication methods a client accepts (libpq 16).

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::emulates::Libpq;
use crate::libpq::error::LibpqError;

/// A method `require_auth` can name.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum AuthMethod {
    /// A cleartext password.
    Password,
    /// An MD5-hashed password.
    Md5,
    /// GSSAPI.
    Gss,
    /// SSPI.
    Sspi,
    /// SCRAM-SHA-256, with or without channel binding.
    #[serde(rename = "scram-sha-256")]
    ScramSha256,
    /// OAuth (libpq 18).
    Oauth,
    /// No authentication request at all, as with `trust` and `cert`.
    None,
}

impl AuthMethod {
    fn from_name(name: &str, libpq: Libpq) -> Option<Self> {
        match name {
            "password" => Some(Self::Password),
            "md5" => Some(Self::Md5),
            "gss" => Some(Self::Gss),
            "sspi" => Some(Self::Sspi),
            "scram-sha-256" => Some(Self::ScramSha256),
            "oauth" if libpq >= Libpq::V18 => Some(Self::Oauth),
            "none" => Some(Self::None),
            _ => None,
        }
    }
}

/// A parsed `require_auth`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RequireAuth {
    negated: bool,
    methods: BTreeSet<AuthMethod>,
}

impl RequireAuth {
    /// Whether `method` is acceptable.
    pub fn allows(&self, method: AuthMethod) -> bool {
        self.methods.contains(&method) != self.negated
    }

    /// Mirrors the `require_auth` part of `pqConnectOptions2`.
    pub(in crate::libpq) fn parse(value: &str, libpq: Libpq) -> Result<Self, LibpqError> {
        let mut negated = false;
        let mut methods = BTreeSet::new();
        let refuse = |text: String| Err(LibpqError::bad_parameter(text));
        for (index, part) in value.split(',').enumerate() {
            let name = match part.strip_prefix('!') {
                Some(_) if index > 0 && !negated => {
                    return refuse(format!(
                        "negative require_auth method \"{part}\" cannot be mixed with \
                         non-negative methods"
                    ));
                }
                Some(name) => {
                    negated = true;
                    name
                }
                None if negated => {
                    return refuse(format!(
                        "require_auth method \"{part}\" cannot be mixed with negative methods"
                    ));
                }
                None => part,
            };
            let Some(method) = AuthMethod::from_name(name, libpq) else {
                return refuse(format!("invalid require_auth value: \"{name}\""));
            };
            if !methods.insert(method) {
                return refuse(format!(
                    "require_auth method \"{part}\" is specified more than once"
                ));
            }
        }
        Ok(Self { negated, methods })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_allows_what_it_names_and_a_negated_list_all_else() {
        let parse = |value| RequireAuth::parse(value, Libpq::V18).unwrap();
        let list = parse("md5,scram-sha-256");
        assert!(list.allows(AuthMethod::Md5) && list.allows(AuthMethod::ScramSha256));
        assert!(!list.allows(AuthMethod::Password) && !list.allows(AuthMethod::None));
        let negated = parse("!password,!none");
        assert!(!negated.allows(AuthMethod::Password) && !negated.allows(AuthMethod::None));
        assert!(negated.allows(AuthMethod::Oauth));
        assert!(parse("none").allows(AuthMethod::None));
    }
}
