//! What the values mean that do not depend on the target, worked out once: a verdict asks for each
//! of them in every mode, and a scan for each of its targets.

use super::values::Values;
use super::{
    ChannelBinding, GssEncMode, LoadBalanceHosts, ProtocolVersion, SslCertMode, SslNegotiation,
    TargetSessionAttrs, TlsVersion, integer,
};
use crate::libpq::error::LibpqError;

/// The values, read as libpq reads them. A word that it refuses stands for the default, and is none
/// of a TLS version: [`Parameters::validate`](super::Parameters::validate) has the error.
#[derive(Debug, PartialEq)]
pub(super) struct Meaning {
    pub(super) sslnegotiation: SslNegotiation,
    pub(super) ssl_min_protocol_version: Option<TlsVersion>,
    pub(super) ssl_max_protocol_version: Option<TlsVersion>,
    pub(super) sslsni: bool,
    pub(super) sslcertmode: SslCertMode,
    pub(super) channel_binding: ChannelBinding,
    pub(super) gssencmode: GssEncMode,
    pub(super) target_session_attrs: TargetSessionAttrs,
    pub(super) load_balance_hosts: LoadBalanceHosts,
    pub(super) min_protocol_version: ProtocolVersion,
    pub(super) max_protocol_version: ProtocolVersion,
    /// In seconds, as written; the error comes when libpq connects, as that of the next.
    pub(super) connect_timeout: Result<Option<i32>, LibpqError>,
    pub(super) socket_options: Result<(), LibpqError>,
}

impl From<&Values> for Meaning {
    fn from(values: &Values) -> Self {
        let value = |keyword: &str| values.get(keyword).map(|(value, _)| value);
        let min_protocol_version = value("min_protocol_version")
            .and_then(ProtocolVersion::from_name)
            .unwrap_or(ProtocolVersion::V3_0);
        Self {
            sslnegotiation: match value("sslnegotiation") {
                Some("direct") => SslNegotiation::Direct,
                _ => SslNegotiation::Postgres,
            },
            ssl_min_protocol_version: value("ssl_min_protocol_version")
                .and_then(TlsVersion::from_name),
            ssl_max_protocol_version: value("ssl_max_protocol_version")
                .and_then(TlsVersion::from_name),
            sslsni: value("sslsni").is_some_and(|value| value.starts_with('1')),
            sslcertmode: value("sslcertmode")
                .and_then(SslCertMode::from_name)
                .unwrap_or(SslCertMode::Allow),
            channel_binding: value("channel_binding")
                .and_then(ChannelBinding::from_name)
                .unwrap_or(ChannelBinding::Prefer),
            gssencmode: value("gssencmode")
                .and_then(GssEncMode::from_name)
                .unwrap_or(GssEncMode::Prefer),
            target_session_attrs: value("target_session_attrs")
                .and_then(TargetSessionAttrs::from_name)
                .unwrap_or(TargetSessionAttrs::Any),
            load_balance_hosts: value("load_balance_hosts")
                .and_then(LoadBalanceHosts::from_name)
                .unwrap_or(LoadBalanceHosts::Disable),
            min_protocol_version,
            max_protocol_version: value("max_protocol_version")
                .and_then(ProtocolVersion::from_name)
                .unwrap_or(min_protocol_version),
            connect_timeout: value("connect_timeout")
                .map(|value| integer::parse(value, "connect_timeout"))
                .transpose(),
            socket_options: socket_options(value),
        }
    }
}

/// Mirrors the socket options in `PQconnectPoll`.
fn socket_options<'v>(value: impl Fn(&str) -> Option<&'v str>) -> Result<(), LibpqError> {
    let keepalives = match value("keepalives") {
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
        if let Some(value) = value(keyword)
            && keepalives
        {
            integer::parse(value, keyword)?;
        }
    }
    Ok(())
}
