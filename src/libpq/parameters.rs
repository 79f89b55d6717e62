//! The connection parameters as libpq has them after precedence, and what each of them means.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::conninfo::{Keyword, ServiceFileError};
use crate::emulates::Libpq;
use crate::libpq::error::LibpqError;

mod files;
mod hosts;
mod integer;
mod require_auth;
mod resolution;
mod validation;

pub use files::{FileKind, FileNeed, RootCertificates, tls_attempt_files};
pub use hosts::{DEFAULT_SOCKET_DIRECTORY, HostKind, HostSpec, PortError};
pub use require_auth::{AuthMethod, RequireAuth};
pub use resolution::{ParameterError, resolve, service_files};

/// Where a value came from, strongest first.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A command line option.
    Option,
    /// The connection string.
    Target,
    /// The section of the service file.
    ServiceFile,
    /// An environment variable.
    Environment,
    /// Compiled into libpq.
    Default,
}

/// libpq's six `sslmode`s, weakest first.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum SslMode {
    /// Never TLS.
    Disable,
    /// TLS only if plaintext is refused.
    Allow,
    /// TLS if there is any, else plaintext.
    Prefer,
    /// TLS, whoever the server is.
    Require,
    /// TLS with a trusted certificate.
    VerifyCa,
    /// TLS with a trusted certificate for this host.
    VerifyFull,
}

impl SslMode {
    /// All six, in libpq's order.
    pub const ALL: [Self; 6] = [
        Self::Disable,
        Self::Allow,
        Self::Prefer,
        Self::Require,
        Self::VerifyCa,
        Self::VerifyFull,
    ];

    /// The word as written after `sslmode=`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }

    /// The mode of that name; libpq compares exactly.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// `sslnegotiation` (libpq 17): who speaks first.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SslNegotiation {
    /// SSLRequest first.
    Postgres,
    /// The ClientHello first.
    Direct,
}

/// A TLS version as `ssl_min_protocol_version` names it.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
pub enum TlsVersion {
    /// TLS 1.0.
    #[serde(rename = "TLSv1")]
    V1_0,
    /// TLS 1.1.
    #[serde(rename = "TLSv1.1")]
    V1_1,
    /// TLS 1.2.
    #[serde(rename = "TLSv1.2")]
    V1_2,
    /// TLS 1.3.
    #[serde(rename = "TLSv1.3")]
    V1_3,
}

impl TlsVersion {
    const ALL: [Self; 4] = [Self::V1_0, Self::V1_1, Self::V1_2, Self::V1_3];

    /// libpq's name of it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1_0 => "TLSv1",
            Self::V1_1 => "TLSv1.1",
            Self::V1_2 => "TLSv1.2",
            Self::V1_3 => "TLSv1.3",
        }
    }

    /// The version of that name in any case. Mirrors `sslVerifyProtocolVersion`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|version| version.name().eq_ignore_ascii_case(name))
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// The value written as `word`; libpq compares exactly.
            pub fn from_name(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

words! {
    /// `channel_binding`.
    ChannelBinding {
        /// Never.
        Disable = "disable",
        /// Where the server offers it over TLS.
        Prefer = "prefer",
        /// Only with it.
        Require = "require",
    }
}

words! {
    /// `sslcertmode` (libpq 16).
    SslCertMode {
        /// Send no client certificate.
        Disable = "disable",
        /// Send it if there is one and the server asks.
        Allow = "allow",
        /// Fail unless the server asked and got one.
        Require = "require",
    }
}

words! {
    /// `gssencmode`.
    GssEncMode {
        /// No GSSAPI encryption.
        Disable = "disable",
        /// GSSAPI encryption where there is a credential.
        Prefer = "prefer",
        /// GSSAPI encryption or nothing.
        Require = "require",
    }
}

words! {
    /// `target_session_attrs`.
    TargetSessionAttrs {
        /// The first server that accepts.
        Any = "any",
        /// One that takes writes.
        ReadWrite = "read-write",
        /// One that does not.
        ReadOnly = "read-only",
        /// One not in hot standby.
        Primary = "primary",
        /// One in hot standby.
        Standby = "standby",
        /// A standby, else any.
        PreferStandby = "prefer-standby",
    }
}

words! {
    /// `load_balance_hosts` (libpq 16).
    LoadBalanceHosts {
        /// In the order given.
        Disable = "disable",
        /// In random order.
        Random = "random",
    }
}

/// A version of the protocol between client and server (libpq 18 lets one choose).
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
pub enum ProtocolVersion {
    /// 3.0.
    #[serde(rename = "3.0")]
    V3_0,
    /// 3.2.
    #[serde(rename = "3.2")]
    V3_2,
}

impl ProtocolVersion {
    /// Mirrors `pqParseProtocolVersion`: there was no 3.1, and `latest` is 3.2.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "3.0" => Some(Self::V3_0),
            "3.2" | "latest" => Some(Self::V3_2),
            _ => None,
        }
    }
}

/// The parameters of a connection after precedence, with what they mean to one libpq.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    libpq: Libpq,
    values: BTreeMap<&'static str, (String, Origin)>,
    hosts: Vec<HostSpec>,
    home: Option<String>,
    system_store: (String, Vec<String>),
    os_user: Option<String>,
    effective_uid: u32,
}

impl Parameters {
    /// The libpq whose parameters these are.
    pub fn libpq(&self) -> Libpq {
        self.libpq
    }

    /// The value of a keyword, and `None` where libpq has a null pointer.
    pub fn value(&self, keyword: &str) -> Option<&str> {
        self.values.get(keyword).map(|(value, _)| value.as_str())
    }

    /// Where the value of a keyword comes from.
    pub fn origin(&self, keyword: &str) -> Option<Origin> {
        self.values.get(keyword).map(|(_, origin)| *origin)
    }

    /// Every value with its origin, by keyword; secrets are `***`.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str, Origin)> {
        self.values
            .iter()
            .map(|(keyword, (value, origin))| (*keyword, value.as_str(), *origin))
    }

    /// The value unless it is empty, which for many parameters counts as none.
    fn non_empty(&self, keyword: &str) -> Option<&str> {
        self.value(keyword).filter(|value| !value.is_empty())
    }

    /// The hosts in the order libpq tries them (load balancing aside); at least one.
    pub fn hosts(&self) -> &[HostSpec] {
        &self.hosts
    }

    /// The `sslmode` somebody asked for, as written, and where.
    pub fn given_sslmode(&self) -> Option<(&str, Origin)> {
        let (value, origin) = self.values.get("sslmode")?;
        (*origin != Origin::Default).then_some((value.as_str(), *origin))
    }

    /// The mode that is asked for: by name, or by `sslrootcert=system` alone (libpq 16).
    ///
    /// `None` if nobody asked, or asked for something that is no mode.
    pub fn demanded_sslmode(&self) -> Option<SslMode> {
        match self.given_sslmode() {
            Some((name, _)) => SslMode::from_name(name),
            None => Some(self.sslmode()?).filter(|mode| *mode != SslMode::Prefer),
        }
    }

    /// The mode libpq would use; `None` if it refuses the one given.
    pub fn sslmode(&self) -> Option<SslMode> {
        SslMode::from_name(self.value("sslmode")?)
    }

    /// libpq's refusal of the mode given, if it is none.
    pub fn sslmode_error(&self) -> Option<LibpqError> {
        let (name, _) = self.given_sslmode()?;
        SslMode::from_name(name)
            .is_none()
            .then(|| LibpqError::bad_parameter(format!("invalid sslmode value: \"{name}\"")))
    }

    /// Who speaks first; before libpq 17 always the PostgreSQL protocol.
    pub fn sslnegotiation(&self) -> SslNegotiation {
        match self.value("sslnegotiation") {
            Some("direct") => SslNegotiation::Direct,
            _ => SslNegotiation::Postgres,
        }
    }

    /// The lowest TLS version offered; `None` leaves it to OpenSSL and its configuration.
    pub fn ssl_min_protocol_version(&self) -> Option<TlsVersion> {
        TlsVersion::from_name(self.value("ssl_min_protocol_version")?)
    }

    /// The highest TLS version offered; `None` leaves it to OpenSSL and its configuration.
    pub fn ssl_max_protocol_version(&self) -> Option<TlsVersion> {
        TlsVersion::from_name(self.value("ssl_max_protocol_version")?)
    }

    /// The server name libpq sends for `host`, verbatim. Mirrors the SNI part of
    /// `initialize_SSL`: not for what looks like an address.
    pub fn sni(&self, host: &HostSpec) -> Option<String> {
        let wanted = self
            .value("sslsni")
            .is_some_and(|value| value.starts_with('1'));
        let name = host.host.as_deref().filter(|name| !name.is_empty())?;
        let like_v4 = name
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
        (wanted && !like_v4 && !name.contains(':')).then(|| name.to_owned())
    }

    /// Whether the ClientHello offers ALPN `postgresql`: since libpq 17, always.
    pub fn offers_alpn(&self) -> bool {
        self.libpq >= Libpq::V17
    }

    /// What to do with a client certificate.
    pub fn sslcertmode(&self) -> SslCertMode {
        self.value("sslcertmode")
            .and_then(SslCertMode::from_name)
            .unwrap_or(SslCertMode::Allow)
    }

    /// Whether authentication must be bound to the TLS connection.
    pub fn channel_binding(&self) -> ChannelBinding {
        let word = self.value("channel_binding");
        word.and_then(ChannelBinding::from_name)
            .unwrap_or(ChannelBinding::Prefer)
    }

    /// Which authentication methods are acceptable; `None` if all are.
    pub fn require_auth(&self) -> Option<RequireAuth> {
        RequireAuth::parse(self.non_empty("require_auth")?, self.libpq).ok()
    }

    /// Whether GSSAPI encryption comes before TLS.
    pub fn gssencmode(&self) -> GssEncMode {
        self.value("gssencmode")
            .and_then(GssEncMode::from_name)
            .unwrap_or(GssEncMode::Prefer)
    }

    /// Which servers of the list will do.
    pub fn target_session_attrs(&self) -> TargetSessionAttrs {
        let word = self.value("target_session_attrs");
        word.and_then(TargetSessionAttrs::from_name)
            .unwrap_or(TargetSessionAttrs::Any)
    }

    /// Whether the order of hosts is shuffled.
    pub fn load_balance_hosts(&self) -> LoadBalanceHosts {
        let word = self.value("load_balance_hosts");
        word.and_then(LoadBalanceHosts::from_name)
            .unwrap_or(LoadBalanceHosts::Disable)
    }

    /// The oldest protocol version accepted.
    pub fn min_protocol_version(&self) -> ProtocolVersion {
        let name = self.value("min_protocol_version");
        name.and_then(ProtocolVersion::from_name)
            .unwrap_or(ProtocolVersion::V3_0)
    }

    /// The protocol version asked for: by default 3.0, or the latest if 3.0 is not accepted.
    pub fn max_protocol_version(&self) -> ProtocolVersion {
        let name = self.value("max_protocol_version");
        name.and_then(ProtocolVersion::from_name)
            .unwrap_or(self.min_protocol_version())
    }

    /// The operating system user that the server of a Unix socket must run as.
    pub fn requirepeer(&self) -> Option<&str> {
        self.non_empty("requirepeer")
    }

    /// The database user: by default the operating system's.
    pub fn user(&self) -> Option<&str> {
        self.non_empty("user").or(self.os_user.as_deref())
    }

    /// Whether somebody named the user.
    pub fn user_given(&self) -> bool {
        self.non_empty("user").is_some()
            && self
                .origin("user")
                .is_some_and(|origin| origin != Origin::Default)
    }

    /// The database: by default the user's name.
    pub fn dbname(&self) -> Option<&str> {
        self.non_empty("dbname").or_else(|| self.user())
    }

    /// The `replication` entry of the startup packet.
    pub fn replication(&self) -> Option<&str> {
        self.non_empty("replication")
    }

    /// The `options` entry of the startup packet.
    pub fn options(&self) -> Option<&str> {
        self.non_empty("options")
    }

    /// Seconds to wait for each address; `None` is for ever.
    ///
    /// An error strikes after libpq has begun to connect to the first address, and ends all.
    /// Mirrors the start of `pqConnectDBComplete`; up to libpq 16 less than two seconds are two.
    pub fn connect_timeout(&self) -> Result<Option<u32>, LibpqError> {
        let Some(value) = self.value("connect_timeout") else {
            return Ok(None);
        };
        let seconds = integer::parse(value, "connect_timeout")?;
        let least = if self.libpq <= Libpq::V16 { 2 } else { 1 };
        Ok(u32::try_from(seconds)
            .ok()
            .filter(|&seconds| seconds > 0)
            .map(|it| it.max(least)))
    }

    /// libpq's refusal of a keepalive or user-timeout value, which strikes when a TCP socket has
    /// been made and moves on to the next address. Mirrors the socket options in `PQconnectPoll`.
    pub fn socket_options(&self) -> Result<(), LibpqError> {
        let keepalives = match self.value("keepalives") {
            Some(value) => integer::parse(value, "keepalives")? != 0,
            None => true,
        };
        // Without keepalives libpq looks at none of these, not even at the last.
        for keyword in [
            "keepalives_idle",
            "keepalives_interval",
            "keepalives_count",
            "tcp_user_timeout",
        ] {
            if let Some(value) = self.value(keyword)
                && keepalives
            {
                integer::parse(value, keyword)?;
            }
        }
        Ok(())
    }
}
