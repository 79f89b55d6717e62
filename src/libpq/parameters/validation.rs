//! What libpq refuses before it sends anything. Mirrors `pqConnectOptions2` in fe-connect.c.

use super::{
    ChannelBinding, GssEncMode, LoadBalanceHosts, Parameters, ProtocolVersion, RequireAuth,
    SslMode, SslNegotiation, TargetSessionAttrs, TlsVersion,
};
use crate::conninfo::{SCRAM_KEY_LENGTH, scram_key_length_of_hidden};
use crate::emulates::Libpq;
use crate::libpq::error::LibpqError;
use crate::libpq::parameters::SslCertMode;

impl Parameters {
    /// What libpq would say to these parameters if `sslmode` were `mode`: its first complaint.
    ///
    /// The matching of host, hostaddr and port lists, which comes first, is done by
    /// [`resolve`](super::resolve). What comes later, host by host, is [`HostSpec::port`],
    /// [`Parameters::socket_options`] and [`Parameters::connect_timeout`].
    ///
    /// [`HostSpec::port`]: super::HostSpec::port
    pub fn validate(&self, mode: SslMode) -> Result<(), LibpqError> {
        self.has_user()?;
        self.before_sslmode()?;
        self.weak(mode)?;
        self.after_sslmode()
    }

    /// The same for each mode, in libpq's order.
    pub fn refusals(&self) -> [Option<LibpqError>; 6] {
        if let Err(error) = self.has_user() {
            return SslMode::ALL.map(|_| Some(error.clone()));
        }
        // Nothing else hangs on a target.
        let of_values = || {
            let before = self.before_sslmode().err();
            if before.is_some() {
                return SslMode::ALL.map(|_| before.clone());
            }
            let after = self.after_sslmode().err();
            SslMode::ALL.map(|mode| self.weak(mode).err().or_else(|| after.clone()))
        };
        self.common.refusals.get_or(of_values).clone()
    }

    /// What libpq says with the `sslmode` it was given.
    pub fn validate_as_given(&self) -> Result<(), LibpqError> {
        match self.sslmode() {
            Some(mode) => self.validate(mode),
            None => {
                self.has_user()?;
                self.before_sslmode()?;
                self.sslmode_error().map_or(Ok(()), Err)
            }
        }
    }

    fn has_user(&self) -> Result<(), LibpqError> {
        if self.user().is_none() {
            let text = format!(
                "local user with ID {} does not exist",
                self.common.effective_uid
            );
            return Err(LibpqError::bad_parameter(text));
        }
        Ok(())
    }

    fn before_sslmode(&self) -> Result<(), LibpqError> {
        if let Some(value) = self.non_empty("require_auth") {
            RequireAuth::parse(value, self.common.libpq)?;
        }
        self.word("channel_binding", |word| {
            ChannelBinding::from_name(word).is_some()
        })
    }

    /// What depends on the mode.
    fn weak(&self, mode: SslMode) -> Result<(), LibpqError> {
        let refuse = |text: String| Err(LibpqError::bad_parameter(text));
        self.word("sslnegotiation", |word| {
            matches!(word, "postgres" | "direct")
        })?;
        let name = mode.name();
        if self.sslnegotiation() == SslNegotiation::Direct && mode < SslMode::Require {
            return refuse(format!(
                "weak sslmode \"{name}\" may not be used with sslnegotiation=direct (use \
                 \"require\", \"verify-ca\", or \"verify-full\")"
            ));
        }
        if self.common.libpq >= Libpq::V16
            && self.value("sslrootcert") == Some("system")
            && mode != SslMode::VerifyFull
        {
            return refuse(format!(
                "weak sslmode \"{name}\" may not be used with sslrootcert=system (use \
                 \"verify-full\")"
            ));
        }
        Ok(())
    }

    fn after_sslmode(&self) -> Result<(), LibpqError> {
        self.tls_versions()?;
        self.word("sslcertmode", |word| SslCertMode::from_name(word).is_some())?;
        self.word("gssencmode", |word| GssEncMode::from_name(word).is_some())?;
        self.word("target_session_attrs", |word| {
            TargetSessionAttrs::from_name(word).is_some()
        })?;
        self.scram_key("scram_client_key", "client")?;
        self.scram_key("scram_server_key", "server")?;
        self.word("load_balance_hosts", |word| {
            LoadBalanceHosts::from_name(word).is_some()
        })?;
        self.word("min_protocol_version", |word| {
            ProtocolVersion::from_name(word).is_some()
        })?;
        self.word("max_protocol_version", |word| {
            ProtocolVersion::from_name(word).is_some()
        })?;
        if self.min_protocol_version() > self.max_protocol_version() {
            return Err(LibpqError::bad_parameter(
                "\"min_protocol_version\" is greater than \"max_protocol_version\"",
            ));
        }
        Ok(())
    }

    /// A value that must be one of a few words; empty is none of them.
    fn word(&self, keyword: &str, known: impl Fn(&str) -> bool) -> Result<(), LibpqError> {
        match self.value(keyword) {
            Some(value) if !known(value) => Err(LibpqError::bad_parameter(format!(
                "invalid {keyword} value: \"{value}\""
            ))),
            _ => Ok(()),
        }
    }

    /// Mirrors `sslVerifyProtocolVersion` and `sslVerifyProtocolRange`.
    fn tls_versions(&self) -> Result<(), LibpqError> {
        for keyword in ["ssl_min_protocol_version", "ssl_max_protocol_version"] {
            if let Some(value) = self.non_empty(keyword)
                && TlsVersion::from_name(value).is_none()
            {
                return Err(LibpqError::bad_parameter(
                    if self.common.libpq >= Libpq::V17 {
                        format!("invalid \"{keyword}\" value: \"{value}\"")
                    } else {
                        format!("invalid {keyword} value: \"{value}\"")
                    },
                ));
            }
        }
        match (
            self.ssl_min_protocol_version(),
            self.ssl_max_protocol_version(),
        ) {
            (Some(min), Some(max)) if min > max => Err(LibpqError::bad_parameter(
                "invalid SSL protocol version range",
            )),
            _ => Ok(()),
        }
    }

    fn scram_key(&self, keyword: &str, side: &str) -> Result<(), LibpqError> {
        let Some(value) = self.value(keyword) else {
            return Ok(());
        };
        match scram_key_length_of_hidden(value) {
            Some(SCRAM_KEY_LENGTH) => Ok(()),
            Some(length) => Err(LibpqError::bad_parameter(format!(
                "invalid SCRAM {side} key length: {length}"
            ))),
            None => Err(LibpqError::bad_parameter(format!(
                "invalid SCRAM {side} key"
            ))),
        }
    }
}
