//! The releases of OpenSSL whose verification differs.

use crate::emulates::OpenSsl;

/// A release of OpenSSL, as far as it judges chains in its own way.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Release {
    /// 1.1.1 as first released (2018), also that of the libpq in npm's embedded-postgres: keyUsage
    /// decides who is an issuer, and most broken extensions count as absent.
    First111,
    /// The last patch releases of 1.1.1.
    Last111,
    /// 3.0 and later.
    V3,
}

impl Release {
    /// Whether it is OpenSSL 3.
    pub const fn is_v3(self) -> bool {
        matches!(self, Self::V3)
    }

    /// The releases that a profile stands for; where their answers differ, so does the answer.
    pub const fn of(openssl: OpenSsl) -> &'static [Self] {
        match openssl {
            OpenSsl::V3Level2 | OpenSsl::V3Level1 => &[Self::V3],
            OpenSsl::V111 => &[Self::Last111, Self::First111],
        }
    }
}
