//! The connection parameters as libpq has them after precedence, and what each of them means.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::conninfo::{Keyword, ServiceFileError};
use crate::emulates::Libpq;
use crate::libpq::error::LibpqError;
use crate::memo::Memo;

mod files;
mod hosts;
mod integer;
mod meaning;
mod require_auth;
mod resolution;
mod validation;
mod values;

pub use files::{FileKind, FileNeed, RootCertificates, tls_attempt_files};
pub use hosts::{DEFAULT_SOCKET_DIRECTORY, HostKind, HostSpec, PortError};
use meaning::Meaning;
pub use require_auth::{AuthMethod, RequireAuth};
pub use resolution::{ParameterError, resolve, service_files};
use values::Values;

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
    /// The number in a StartupMessage.
    pub const fn code(self) -> u32 {
        match self {
            Self::V3_0 => 0x0003_0000,
            Self::V3_2 => 0x0003_0002,
        }
    }

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
    common: Arc<Common>,
    /// What stands before the values in common: of many targets only this differs.
    own: Vec<(&'static str, String)>,
    hosts: Vec<HostSpec>,
}

/// What the parameters of many targets have in common.
#[derive(Debug, PartialEq)]
struct Common {
    libpq: Libpq,
    values: Values,
    meaning: Meaning,
    /// What libpq refuses of the values in each mode, if there is a user.
    refusals: Memo<[Option<LibpqError>; 6]>,
    home: Option<String>,
    system_store: (String, Vec<String>),
    os_user: Option<String>,
    effective_uid: u32,
}

impl Parameters {
    /// The libpq whose parameters these are.
    pub fn libpq(&self) -> Libpq {
        self.common.libpq
    }

    fn find(&self, keyword: &str) -> Option<(&str, Origin)> {
        if let Some((_, value)) = self.own.iter().find(|(own, _)| *own == keyword) {
            return Some((value, Origin::Target));
        }
        self.common.values.get(keyword)
    }

    /// The value of a keyword, and `None` where libpq has a null pointer.
    pub fn value(&self, keyword: &str) -> Option<&str> {
        self.find(keyword).map(|(value, _)| value)
    }

    /// Where the value of a keyword comes from.
    pub fn origin(&self, keyword: &str) -> Option<Origin> {
        self.find(keyword).map(|(_, origin)| origin)
    }

    /// Every value with its origin, by keyword; secrets are `***`.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str, Origin)> {
        let mut all: BTreeMap<_, _> = self.common.values.iter().collect();
        let own = self.own.iter();
        all.extend(own.map(|(keyword, value)| (*keyword, (value.as_str(), Origin::Target))));
        all.into_iter()
            .map(|(keyword, (value, origin))| (keyword, value, origin))
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
        let found = self.find("sslmode")?;
        (found.1 != Origin::Default).then_some(found)
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
        self.common.meaning.sslnegotiation
    }

    /// The lowest TLS version offered; `None` leaves it to OpenSSL and its configuration.
    pub fn ssl_min_protocol_version(&self) -> Option<TlsVersion> {
        self.common.meaning.ssl_min_protocol_version
    }

    /// The highest TLS version offered; `None` leaves it to OpenSSL and its configuration.
    pub fn ssl_max_protocol_version(&self) -> Option<TlsVersion> {
        self.common.meaning.ssl_max_protocol_version
    }

    /// The server name libpq sends for `host`, verbatim. Mirrors the SNI part of
    /// `initialize_SSL`: not for what looks like an address.
    pub fn sni<'h>(&self, host: &'h HostSpec) -> Option<&'h str> {
        let name = host.host.as_deref().filter(|name| !name.is_empty())?;
        let like_v4 = name
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
        (self.common.meaning.sslsni && !like_v4 && !name.contains(':')).then_some(name)
    }

    /// Whether the ClientHello offers ALPN `postgresql`: since libpq 17, always.
    pub fn offers_alpn(&self) -> bool {
        self.common.libpq >= Libpq::V17
    }

    /// What to do with a client certificate.
    pub fn sslcertmode(&self) -> SslCertMode {
        self.common.meaning.sslcertmode
    }

    /// Whether authentication must be bound to the TLS connection.
    pub fn channel_binding(&self) -> ChannelBinding {
        self.common.meaning.channel_binding
    }

    /// Which authentication methods are acceptable; `None` if all are.
    pub fn require_auth(&self) -> Option<RequireAuth> {
        RequireAuth::parse(self.non_empty("require_auth")?, self.common.libpq).ok()
    }

    /// Whether GSSAPI encryption comes before TLS.
    pub fn gssencmode(&self) -> GssEncMode {
        self.common.meaning.gssencmode
    }

    /// Which servers of the list will do.
    pub fn target_session_attrs(&self) -> TargetSessionAttrs {
        self.common.meaning.target_session_attrs
    }

    /// Whether the order of hosts is shuffled.
    pub fn load_balance_hosts(&self) -> LoadBalanceHosts {
        self.common.meaning.load_balance_hosts
    }

    /// The oldest protocol version accepted.
    pub fn min_protocol_version(&self) -> ProtocolVersion {
        self.common.meaning.min_protocol_version
    }

    /// The protocol version asked for: by default 3.0, or the latest if 3.0 is not accepted.
    pub fn max_protocol_version(&self) -> ProtocolVersion {
        self.common.meaning.max_protocol_version
    }

    /// The operating system user that the server of a Unix socket must run as.
    pub fn requirepeer(&self) -> Option<&str> {
        self.non_empty("requirepeer")
    }

    /// The database user: by default the operating system's.
    pub fn user(&self) -> Option<&str> {
        self.non_empty("user").or(self.common.os_user.as_deref())
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

    /// What pgprobe's StartupMessage says: what libpq's would as far as the server's answer depends
    /// on it (`build_startup_packet`), in pgprobe's name.
    pub fn startup_parameters(&self) -> Vec<(String, String)> {
        [
            ("user", self.user()),
            ("database", self.dbname()),
            ("replication", self.replication()),
            ("options", self.options()),
            ("application_name", Some("pgprobe")),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect()
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
        self.connect_timeout_of(self.common.libpq)
    }

    /// The same for another libpq.
    pub(crate) fn connect_timeout_of(&self, libpq: Libpq) -> Result<Option<u32>, LibpqError> {
        let seconds = match &self.common.meaning.connect_timeout {
            Ok(Some(seconds)) => *seconds,
            Ok(None) => return Ok(None),
            Err(error) => return Err(error.clone()),
        };
        let least = if libpq <= Libpq::V16 { 2 } else { 1 };
        Ok(u32::try_from(seconds)
            .ok()
            .filter(|&seconds| seconds > 0)
            .map(|it| it.max(least)))
    }

    /// libpq's refusal of a keepalive or user-timeout value, which strikes when a TCP socket has
    /// been made and moves on to the next address. Mirrors the socket options in `PQconnectPoll`.
    pub fn socket_options(&self) -> Result<(), LibpqError> {
        self.common.meaning.socket_options.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{FileFact, StatError};

    fn with(target: &str, environment: &[(&str, &str)], libpq: Libpq) -> Parameters {
        let mut client = Client::new(Some(target), &[]);
        client.os_user = Some("me".to_owned());
        client.home_of_user = Some("/home/me".to_owned());
        for (name, value) in environment {
            client.set_environment(name, value);
        }
        resolve(&client, libpq).unwrap()
    }

    fn parameters(target: &str) -> Parameters {
        with(target, &[], Libpq::V18)
    }

    #[test]
    fn each_value_knows_where_it_comes_from() {
        let options = [
            ("sslmode".to_owned(), "verify-ca".to_owned()),
            ("port".to_owned(), String::new()),
        ];
        let mut client = Client::new(Some("host=h port=1 port=2 sslmode=allow"), &options);
        client.set_environment("PGSSLMODE", "disable");
        client.set_environment("PGDATABASE", "d");
        let parameters = resolve(&client, Libpq::V18).unwrap();
        for (keyword, value, origin) in [
            ("sslmode", "verify-ca", Origin::Option),
            ("port", "2", Origin::Target),
            ("dbname", "d", Origin::Environment),
            ("sslsni", "1", Origin::Default),
        ] {
            assert_eq!(parameters.value(keyword), Some(value));
            assert_eq!(parameters.origin(keyword), Some(origin));
        }
        assert_eq!(parameters.origin("sslcert"), None);
        let options = [("sslcertmode".to_owned(), "allow".to_owned())];
        assert_eq!(
            resolve(&Client::new(None, &options), Libpq::V15)
                .unwrap_err()
                .to_string(),
            "invalid connection option \"sslcertmode\""
        );
    }

    #[test]
    fn a_mode_is_demanded_by_whoever_names_it() {
        use SslMode::{Prefer, Require, VerifyFull};
        for (target, environment, libpq, given, demanded, used) in [
            ("", None, Libpq::V18, None, None, Some(Prefer)),
            (
                "sslmode=prefer",
                None,
                Libpq::V18,
                Some("prefer"),
                Some(Prefer),
                Some(Prefer),
            ),
            ("sslmode=bogus", None, Libpq::V18, Some("bogus"), None, None),
            (
                "",
                Some(("PGSSLMODE", "")),
                Libpq::V18,
                Some(""),
                None,
                None,
            ),
            (
                "",
                Some(("PGREQUIRESSL", "1")),
                Libpq::V18,
                Some("require"),
                Some(Require),
                Some(Require),
            ),
            (
                "sslrootcert=system",
                None,
                Libpq::V16,
                None,
                Some(VerifyFull),
                Some(VerifyFull),
            ),
            (
                "sslrootcert=system",
                None,
                Libpq::V15,
                None,
                None,
                Some(Prefer),
            ),
            (
                "sslrootcert=system",
                Some(("PGREQUIRESSL", "1")),
                Libpq::V18,
                Some("require"),
                Some(Require),
                Some(Require),
            ),
        ] {
            let environment: Vec<_> = environment.into_iter().collect();
            let parameters = with(target, &environment, libpq);
            assert_eq!(
                parameters.given_sslmode().map(|(name, _)| name),
                given,
                "{target}"
            );
            assert_eq!(parameters.demanded_sslmode(), demanded, "{target}");
            assert_eq!(parameters.sslmode(), used, "{target}");
        }
        let error = parameters("sslmode=bogus").sslmode_error().unwrap();
        assert_eq!(error.message, "invalid sslmode value: \"bogus\"");
    }

    #[test]
    fn all_six_modes_are_judged_whatever_mode_is_given() {
        let weak = |text: &str| -> Vec<SslMode> {
            let parameters = parameters(text);
            SslMode::ALL
                .into_iter()
                .filter(|mode| parameters.validate(*mode).is_err())
                .collect()
        };
        use SslMode::{Allow, Disable, Prefer, Require, VerifyCa};
        assert!(weak("sslmode=bogus").is_empty());
        assert_eq!(weak("sslnegotiation=direct"), [Disable, Allow, Prefer]);
        assert_eq!(
            weak("sslrootcert=system"),
            [Disable, Allow, Prefer, Require, VerifyCa]
        );
        assert_eq!(weak("gssencmode=x sslmode=bogus").len(), 6);
        assert_eq!(
            parameters("sslrootcert=system sslmode=verify-full")
                .validate(VerifyCa)
                .unwrap_err(),
            LibpqError::bad_parameter(
                "weak sslmode \"verify-ca\" may not be used with sslrootcert=system (use \
                 \"verify-full\")"
            )
        );
    }

    #[test]
    fn a_server_name_is_sent_for_what_does_not_look_like_an_address() {
        for (target, name) in [
            ("host=DB.test.", Some("DB.test.")),
            ("host=a_b", Some("a_b")),
            ("host=é.test", Some("é.test")),
            ("host=0x7f000001", Some("0x7f000001")),
            ("host=127.0.0.1", None),
            ("host=127.1", None),
            ("host=.", None),
            ("host=1.2.3.4.5", None),
            ("host=::1", None),
            ("host=a:b", None),
            ("host=h hostaddr=127.0.0.1", Some("h")),
            ("hostaddr=127.0.0.1", None),
            ("host=h sslsni=0", None),
            ("host=h sslsni=''", None),
            ("host=h sslsni=1x", Some("h")),
            ("host=h sslsni=2", None),
        ] {
            let parameters = parameters(target);
            assert_eq!(parameters.sni(&parameters.hosts()[0]), name, "{target}");
        }
        assert!(!with("", &[], Libpq::V16).offers_alpn());
        assert!(with("", &[], Libpq::V17).offers_alpn());
    }

    #[test]
    fn the_files_of_tls_have_defaults_under_the_home_directory() {
        let defaults = parameters("host=h");
        assert_eq!(
            defaults.sslrootcert(),
            RootCertificates::File("/home/me/.postgresql/root.crt".to_owned())
        );
        assert_eq!(
            defaults.sslcrl().as_deref(),
            Some("/home/me/.postgresql/root.crl")
        );
        assert_eq!(
            defaults.sslcert().as_deref(),
            Some("/home/me/.postgresql/postgresql.crt")
        );
        assert_eq!(
            defaults.sslkey().as_deref(),
            Some("/home/me/.postgresql/postgresql.key")
        );
        assert_eq!(parameters("sslcrldir=d").sslcrl(), None);
        assert_eq!(
            parameters("sslcrldir=d sslcrl=f").sslcrl().as_deref(),
            Some("f")
        );
        assert_eq!(parameters("sslcert=''").sslcert(), defaults.sslcert());
        let home = with("", &[("HOME", "/h")], Libpq::V18);
        assert_eq!(
            home.sslrootcert(),
            RootCertificates::File("/h/.postgresql/root.crt".to_owned())
        );
        let empty = with("", &[("HOME", "")], Libpq::V18);
        assert_eq!(empty.sslrootcert(), defaults.sslrootcert());
        let nobody = resolve(&Client::new(Some("user=u"), &[]), Libpq::V18).unwrap();
        assert_eq!(nobody.sslrootcert(), RootCertificates::None);
        assert!(tls_attempt_files(&nobody).is_empty());
        let long = parameters(&format!("sslcert={}", "é".repeat(600)));
        assert_eq!(long.sslcert().unwrap().len(), 1022);
    }

    #[test]
    fn system_names_openssls_own_store_since_16() {
        let store = |libpq, environment: &[(&str, &str)]| {
            with("sslrootcert=system", environment, libpq).sslrootcert()
        };
        assert_eq!(
            store(Libpq::V15, &[]),
            RootCertificates::File("system".to_owned())
        );
        assert_eq!(
            store(Libpq::V16, &[]),
            RootCertificates::System {
                file: "/usr/lib/ssl/cert.pem".to_owned(),
                directories: vec!["/usr/lib/ssl/certs".to_owned()],
            }
        );
        assert_eq!(
            store(
                Libpq::V18,
                &[("SSL_CERT_FILE", "f"), ("SSL_CERT_DIR", "a:b")]
            ),
            RootCertificates::System {
                file: "f".to_owned(),
                directories: vec!["a".to_owned(), "b".to_owned()],
            }
        );
        // No revocation lists beside the system's store.
        let needs = tls_attempt_files(&parameters("sslrootcert=system sslcrl=f sslcrldir=d"));
        assert!(
            needs
                .iter()
                .all(|need| need.kind != FileKind::RevocationLists)
        );
        assert_eq!(
            parameters("sslrootcert=./system").sslrootcert(),
            RootCertificates::File("./system".to_owned())
        );
    }

    #[test]
    fn hosts_are_an_address_a_name_or_a_socket() {
        let kinds = |target: &str| -> String {
            let parameters = parameters(target);
            let kinds = parameters
                .hosts()
                .iter()
                .map(|host| format!("{:?}", host.kind()));
            kinds.collect::<Vec<_>>().join(" ")
        };
        for (target, expected) in [
            ("", "UnixSocket(\"/var/run/postgresql\")"),
            ("host=a", "Name(\"a\")"),
            (
                "host=a,/b,@c,",
                "Name(\"a\") UnixSocket(\"/b\") UnixSocket(\"@c\") UnixSocket(\"/var/run/postgresql\")",
            ),
            ("host=a hostaddr=1.2.3.4", "Address(\"1.2.3.4\")"),
            (
                "host=a,b hostaddr=1.2.3.4,",
                "Address(\"1.2.3.4\") Name(\"b\")",
            ),
        ] {
            assert_eq!(kinds(target), expected, "{target}");
        }
        let hosts = parameters("host=a,b,c port=1,,x");
        let ports: Vec<_> = hosts.hosts().iter().map(HostSpec::port).collect();
        assert_eq!(ports[..2], [Ok(1), Ok(5432)]);
        assert!(matches!(ports[2], Err(PortError::NotAnInteger(_))));
        assert!(matches!(
            parameters("port=65536").hosts()[0].port(),
            Err(PortError::OutOfRange(error)) if error.message == "invalid port number: \"65536\""
        ));
    }

    #[test]
    fn a_second_to_connect_was_two_up_to_16() {
        for (value, before_17, since_17) in [
            ("0", None, None),
            ("-5", None, None),
            ("1", Some(2), Some(1)),
            ("2", Some(2), Some(2)),
            (" 30 ", Some(30), Some(30)),
        ] {
            for libpq in Libpq::ALL {
                let parameters = with(&format!("connect_timeout='{value}'"), &[], libpq);
                let seconds = if libpq <= Libpq::V16 {
                    before_17
                } else {
                    since_17
                };
                assert_eq!(
                    parameters.connect_timeout(),
                    Ok(seconds),
                    "{value} {libpq:?}"
                );
            }
        }
        assert_eq!(parameters("").connect_timeout(), Ok(None));
        assert!(parameters("connect_timeout=''").connect_timeout().is_err());
    }

    #[test]
    fn user_and_database_default_to_the_operating_systems_user() {
        let defaults = parameters("");
        assert_eq!(
            (defaults.user(), defaults.dbname()),
            (Some("me"), Some("me"))
        );
        assert!(!defaults.user_given());
        let empty = parameters("user='' dbname=''");
        assert_eq!((empty.user(), empty.dbname()), (Some("me"), Some("me")));
        assert!(!empty.user_given());
        let given = parameters("user=u");
        assert_eq!((given.user(), given.dbname()), (Some("u"), Some("u")));
        assert!(given.user_given());
        let nobody = resolve(&Client::new(Some("host=h"), &[]), Libpq::V18).unwrap();
        assert_eq!(
            nobody.validate(SslMode::Prefer).unwrap_err().message,
            "local user with ID 0 does not exist"
        );
    }

    #[test]
    fn tls_and_protocol_versions_have_their_defaults() {
        let versions = |target: &str| {
            let parameters = parameters(target);
            (
                parameters.ssl_min_protocol_version(),
                parameters.ssl_max_protocol_version(),
            )
        };
        assert_eq!(versions(""), (Some(TlsVersion::V1_2), None));
        assert_eq!(versions("ssl_min_protocol_version=''"), (None, None));
        assert_eq!(
            versions("ssl_min_protocol_version=tlsv1 ssl_max_protocol_version=TLSV1.3"),
            (Some(TlsVersion::V1_0), Some(TlsVersion::V1_3))
        );
        use ProtocolVersion::{V3_0, V3_2};
        for (target, min, max) in [
            ("", V3_0, V3_0),
            ("max_protocol_version=latest", V3_0, V3_2),
            ("min_protocol_version=3.2", V3_2, V3_2),
        ] {
            let parameters = parameters(target);
            let range = (
                parameters.min_protocol_version(),
                parameters.max_protocol_version(),
            );
            assert_eq!(range, (min, max), "{target}");
        }
    }

    #[test]
    fn a_service_that_asks_ldap_is_beyond_us() {
        let mut client = Client::new(Some("service=s"), &[]);
        client.set_environment("PGSERVICEFILE", "F");
        let absent = FileFact::Absent {
            errno: StatError::NotFound,
            error: String::new(),
        };
        client.files.insert("F".to_owned(), absent);
        let error = resolve(&client, Libpq::V18).unwrap_err();
        assert_eq!(error.to_string(), "service file \"F\" not found");
        let bytes = crate::client::Bytes(b"[s]\nldap://h\n".to_vec());
        let stat = crate::client::Stat::default();
        client
            .files
            .insert("F".to_owned(), FileFact::Present { stat, bytes });
        assert!(matches!(
            resolve(&client, Libpq::V18),
            Err(ParameterError::Unsupported(_))
        ));
    }

    #[test]
    fn what_psql_takes_for_a_database_is_not_libpqs_error() {
        let client = Client::new(Some("h/db"), &[]);
        assert!(matches!(
            resolve(&client, Libpq::V18),
            Err(ParameterError::Target(_))
        ));
        let client = Client::new(Some("host"), &[]);
        assert!(resolve(&client, Libpq::V18).is_ok());
    }
}
