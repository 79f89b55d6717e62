//! Which client is emulated: a libpq major release and the TLS library it was built with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A major release of libpq; the newest minor release of each is meant.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    Deserialize,
    Eq,
    Hash,
    JsonSchema,
    Ord,
    PartialEq,
    PartialOrd,
    Serialize,
)]
pub enum Libpq {
    /// libpq 15.
    #[serde(rename = "15")]
    V15,
    /// libpq 16.
    #[serde(rename = "16")]
    V16,
    /// libpq 17.
    #[serde(rename = "17")]
    V17,
    /// libpq 18.
    #[default]
    #[serde(rename = "18")]
    V18,
}

impl Libpq {
    /// All of them, oldest first.
    pub const ALL: [Self; 4] = [Self::V15, Self::V16, Self::V17, Self::V18];

    /// The number as users write it.
    pub const fn major(self) -> u8 {
        match self {
            Self::V15 => 15,
            Self::V16 => 16,
            Self::V17 => 17,
            Self::V18 => 18,
        }
    }
}

/// The TLS library under libpq, as far as its release and security level change an answer.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
pub enum OpenSsl {
    /// OpenSSL 3 at security level 2: Debian, Ubuntu, and upstream since 3.2.
    #[default]
    #[serde(rename = "3-level2")]
    V3Level2,
    /// OpenSSL 3 at security level 1: upstream 3.0 and 3.1.
    #[serde(rename = "3-level1")]
    V3Level1,
    /// OpenSSL 1.1.1 at its default security level 1.
    #[serde(rename = "1.1.1")]
    V111,
}

impl OpenSsl {
    /// The security level (`SSL_CTX_set_security_level`, `X509_VERIFY_PARAM_set_auth_level`).
    pub const fn security_level(self) -> u8 {
        match self {
            Self::V3Level2 => 2,
            Self::V3Level1 | Self::V111 => 1,
        }
    }

    /// The name as `--openssl` takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V3Level2 => "3-level2",
            Self::V3Level1 => "3-level1",
            Self::V111 => "1.1.1",
        }
    }
}

/// The client whose behaviour a report states.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
pub struct Emulates {
    /// The libpq release.
    pub libpq: Libpq,
    /// The TLS library.
    pub openssl: OpenSsl,
}
