//! The exporter's configuration file: TOML, every key of which is known here.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

use super::allow::Allow;
use crate::emulates::{Emulates, Libpq, OpenSsl};
use crate::libpq::parameters::SslMode;
use crate::observation::Depth;

/// The module that a scrape without `module` means.
pub const DEFAULT_MODULE: &str = "default";

/// Who connects where a module does not say: at depth `handshake` no server hears the name.
const DEFAULT_USER: &str = "postgres";

/// Where to listen if nobody says.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 10432);

/// The longest configuration that is read.
pub const CONFIG_LIMIT: usize = 1024 * 1024;

/// Why a configuration is none.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{message}")]
pub struct ConfigError {
    /// The line it is about, from 1.
    pub line: Option<usize>,
    /// What is wrong there; nothing of a value that may be a secret.
    pub message: String,
}

/// The whole configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where to listen.
    pub listen: Listen,
    /// How many probes run at the same time.
    pub max_probes: MaxProbes,
    /// What is taken off the scrape's timeout, so that the answer still arrives.
    pub timeout_offset: Seconds,
    /// Where scrapes may lead; anywhere if absent.
    pub allow: Option<Allow>,
    /// The modules by name.
    pub modules: BTreeMap<String, Module>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: Listen(DEFAULT_LISTEN),
            max_probes: MaxProbes(200),
            timeout_offset: Seconds(Duration::from_millis(500)),
            allow: None,
            modules: BTreeMap::new(),
        }
    }
}

impl Config {
    /// Reads a configuration; relative file names in it are meant from `folder`.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, ConfigError> {
        let mut config: Self = toml::from_str(text).map_err(|error| {
            let start = error.span().map(|span| span.start);
            let before = start.and_then(|start| text.get(..start));
            ConfigError {
                line: before.map(|before| before.matches('\n').count() + 1),
                message: error.message().lines().collect::<Vec<_>>().join(" "),
            }
        })?;
        for name in config.modules.keys() {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
            if name.is_empty() || name.len() > 64 || !name.bytes().all(allowed) {
                return Err(ConfigError {
                    line: None,
                    message: format!(
                        "module name \"{name}\": letters, digits, `_`, `.` and `-` are allowed"
                    ),
                });
            }
        }
        for module in config.modules.values_mut() {
            module.locate(folder);
        }
        if config.modules.is_empty() {
            config.modules = Self::default_module().modules;
        }
        Ok(config)
    }

    /// What holds without a file: the one module that any scrape means.
    pub fn default_module() -> Self {
        let module = Module::default();
        Self {
            modules: BTreeMap::from([(DEFAULT_MODULE.to_owned(), module)]),
            ..Self::default()
        }
    }

    /// The longest time that a module gives a probe.
    pub fn longest_timeout(&self) -> Duration {
        let timeouts = self.modules.values().map(|module| module.timeout);
        timeouts.max().unwrap_or_default()
    }
}

/// Where to listen: an address and a port; `:10432` is every address.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Listen(pub SocketAddr);

impl TryFrom<String> for Listen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl std::str::FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let any = || {
            let port = text.strip_prefix(':')?.parse().ok()?;
            Some(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)))
        };
        let local = || {
            let port = text.strip_prefix("localhost:")?.parse().ok()?;
            Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        };
        let address = text.parse().ok().or_else(any).or_else(local);
        address
            .map(Self)
            .ok_or_else(|| format!("\"{text}\" is no address and port, such as 127.0.0.1:10432"))
    }
}

/// How many probes run at the same time.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "u16")]
pub struct MaxProbes(pub u16);

impl TryFrom<u16> for MaxProbes {
    type Error = &'static str;

    fn try_from(count: u16) -> Result<Self, Self::Error> {
        match count {
            1..=10_000 => Ok(Self(count)),
            _ => Err("max_probes is a number from 1 to 10000"),
        }
    }
}

/// A span of time in seconds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "f64")]
pub struct Seconds(pub Duration);

impl TryFrom<f64> for Seconds {
    type Error = &'static str;

    fn try_from(seconds: f64) -> Result<Self, Self::Error> {
        match Duration::try_from_secs_f64(seconds) {
            Ok(span) if span <= Duration::from_secs(3600) => Ok(Self(span)),
            _ => Err("a time is a number of seconds from 0 to 3600"),
        }
    }
}

/// How a module's targets are probed, and as whom.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "ModuleKeys")]
pub struct Module {
    /// How much is asked of the server.
    pub depth: Depth,
    /// The time for all of it.
    pub timeout: Duration,
    /// The client whose behaviour is stated.
    pub emulates: Emulates,
    /// libpq's keywords and values, as options of a command line.
    pub settings: Vec<(String, String)>,
    /// The file with the password of the client's key.
    pub sslpassword_file: Option<String>,
}

impl Default for Module {
    fn default() -> Self {
        Self {
            depth: Depth::Handshake,
            timeout: Duration::from_secs(10),
            emulates: Emulates::default(),
            settings: vec![("user".into(), DEFAULT_USER.into())],
            sslpassword_file: None,
        }
    }
}

impl Module {
    /// Makes its relative file names those of `folder`.
    fn locate(&mut self, folder: &Path) {
        let locate = |path: &mut String| {
            *path = folder.join(&*path).to_string_lossy().into_owned();
        };
        for (keyword, value) in &mut self.settings {
            let word = keyword == "sslrootcert" && matches!(value.as_str(), "system" | "mozilla");
            if FILES.contains(&keyword.as_str()) && !word {
                locate(value);
            }
        }
        self.sslpassword_file.as_mut().map(locate);
    }

    /// The value of one of libpq's keywords.
    pub fn setting(&self, keyword: &str) -> Option<&str> {
        let found = self.settings.iter().find(|(name, _)| name == keyword);
        found.map(|(_, value)| value.as_str())
    }

    /// The files that it names: keyword and path.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        let named = self.settings.iter().filter(|(keyword, value)| {
            let word = keyword == "sslrootcert" && matches!(value.as_str(), "system" | "mozilla");
            FILES.contains(&keyword.as_str()) && !word
        });
        let password = self.sslpassword_file.as_deref();
        named
            .map(|(keyword, value)| (keyword.as_str(), value.as_str()))
            .chain(password.map(|path| ("sslpassword_file", path)))
    }
}

/// The keywords whose values are names of files.
const FILES: [&str; 5] = ["sslrootcert", "sslcrl", "sslcrldir", "sslcert", "sslkey"];

/// The keys of a module as they are written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModuleKeys {
    depth: Option<Depth>,
    timeout: Option<Seconds>,
    libpq: Option<LibpqKey>,
    openssl: Option<OpenSsl>,
    sslmode: Option<SslMode>,
    user: Option<String>,
    dbname: Option<String>,
    sslrootcert: Option<String>,
    sslcrl: Option<String>,
    sslcrldir: Option<String>,
    sslcert: Option<String>,
    sslkey: Option<String>,
    sslpassword_file: Option<String>,
    sslcertmode: Option<String>,
    sslnegotiation: Option<String>,
    sslsni: Option<String>,
    ssl_min_protocol_version: Option<String>,
    ssl_max_protocol_version: Option<String>,
    channel_binding: Option<String>,
    require_auth: Option<String>,
    gssencmode: Option<String>,
    connect_timeout: Option<String>,
}

/// A release of libpq, as a number or a word.
#[derive(Deserialize)]
#[serde(untagged, expecting = "libpq is one of 15, 16, 17, 18")]
enum LibpqKey {
    Number(u8),
    Word(String),
}

impl TryFrom<ModuleKeys> for Module {
    type Error = String;

    fn try_from(keys: ModuleKeys) -> Result<Self, Self::Error> {
        let default = Self::default();
        let libpq = match &keys.libpq {
            Some(key) => {
                let number = match key {
                    LibpqKey::Number(number) => number.to_string(),
                    LibpqKey::Word(word) => word.clone(),
                };
                let mut all = Libpq::ALL.into_iter();
                all.find(|libpq| libpq.major().to_string() == number)
                    .ok_or("libpq is one of 15, 16, 17, 18")?
            }
            None => Libpq::default(),
        };
        // What a demanded mode comes to depends on pg_hba.conf, which only a StartupMessage shows.
        let depth = match (keys.depth, keys.sslmode) {
            (Some(Depth::Handshake), Some(_)) => {
                return Err(
                    "sslmode demands depth startup: whether libpq connects is decided \
                            after the handshake; without sslmode, alert on pgprobe_sslmode_tls"
                        .into(),
                );
            }
            (Some(depth), _) => depth,
            (None, Some(_)) => Depth::Startup,
            (None, None) => default.depth,
        };
        if depth != Depth::Handshake && keys.user.is_none() {
            return Err(
                "depth startup names a user to the server: give user, and dbname unless \
                        it has the same name"
                    .into(),
            );
        }
        if keys.sslcert.is_some() != keys.sslkey.is_some() {
            return Err("sslcert and sslkey belong together".into());
        }
        if keys.timeout.is_some_and(|timeout| timeout.0.is_zero()) {
            return Err("timeout must be more than 0".into());
        }
        let user = keys.user.unwrap_or_else(|| DEFAULT_USER.to_owned());
        let settings = [
            ("user", Some(user)),
            ("dbname", keys.dbname),
            ("sslmode", keys.sslmode.map(|mode| mode.name().to_owned())),
            ("sslrootcert", keys.sslrootcert),
            ("sslcrl", keys.sslcrl),
            ("sslcrldir", keys.sslcrldir),
            ("sslcert", keys.sslcert),
            ("sslkey", keys.sslkey),
            ("sslcertmode", keys.sslcertmode),
            ("sslnegotiation", keys.sslnegotiation),
            ("sslsni", keys.sslsni),
            ("ssl_min_protocol_version", keys.ssl_min_protocol_version),
            ("ssl_max_protocol_version", keys.ssl_max_protocol_version),
            ("channel_binding", keys.channel_binding),
            ("require_auth", keys.require_auth),
            ("gssencmode", keys.gssencmode),
            ("connect_timeout", keys.connect_timeout),
        ];
        let given = settings.into_iter();
        Ok(Self {
            depth,
            timeout: keys.timeout.map_or(default.timeout, |timeout| timeout.0),
            emulates: Emulates {
                libpq,
                openssl: keys.openssl.unwrap_or_default(),
            },
            settings: given
                .filter_map(|(keyword, value)| Some((keyword.to_owned(), value?)))
                .collect(),
            sslpassword_file: keys.sslpassword_file,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("/etc/pgprobe"))
    }

    #[test]
    fn nothing_is_a_configuration_too() {
        let config = parse("").unwrap();
        assert_eq!(config.listen.0, DEFAULT_LISTEN);
        assert!(config.allow.is_none());
        assert_eq!(config.modules[DEFAULT_MODULE].depth, Depth::Handshake);
    }

    #[test]
    fn a_demand_raises_the_depth_and_files_are_those_of_the_folder() {
        let config = parse(
            "listen = ':9000'\nmax_probes = 5\ntimeout_offset = 1\n[modules.app]\n\
             sslmode = 'verify-full'\nuser = 'app'\nsslrootcert = 'ca.crt'\nlibpq = 17\n\
             openssl = '1.1.1'\ntimeout = 2.5\n[modules.web]\nsslrootcert = 'system'\n\
             libpq = '16'\nsslcert = '/a.crt'\nsslkey = 'k/a.key'\nsslpassword_file = 'pw'",
        )
        .unwrap();
        let app = &config.modules["app"];
        assert_eq!(app.depth, Depth::Startup);
        assert_eq!(app.setting("sslrootcert"), Some("/etc/pgprobe/ca.crt"));
        assert_eq!(app.timeout, Duration::from_millis(2500));
        assert_eq!(app.emulates.libpq, Libpq::V17);
        assert_eq!(app.emulates.openssl, OpenSsl::V111);
        let web = &config.modules["web"];
        assert_eq!(web.setting("sslrootcert"), Some("system"));
        let files: Vec<_> = web.files().collect();
        assert_eq!(
            files,
            [
                ("sslcert", "/a.crt"),
                ("sslkey", "/etc/pgprobe/k/a.key"),
                ("sslpassword_file", "/etc/pgprobe/pw")
            ]
        );
        assert_eq!(config.listen.0.to_string(), "[::]:9000");
        assert_eq!(config.longest_timeout(), Duration::from_secs(10));
    }

    #[test]
    fn each_mistake_is_named_with_its_line() {
        for (text, line, words) in [
            (
                "lisen = ':1'",
                Some(1),
                "unknown field `lisen`, expected one of",
            ),
            ("\n\nlisten = 'x'", Some(3), "\"x\" is no address and port"),
            ("max_probes = 0", Some(1), "from 1 to 10000"),
            ("timeout_offset = -1", Some(1), "from 0 to 3600"),
            ("timeout_offset = nan", Some(1), "from 0 to 3600"),
            ("x", Some(1), ""),
            (
                "[modules.a]\ndepht = 'full'",
                Some(2),
                "unknown field `depht`",
            ),
            (
                "[modules.a]\ndepth = 'deep'",
                Some(2),
                "unknown variant `deep`",
            ),
            ("[modules.a]\n\nlibpq = 14", None, "one of 15, 16, 17, 18"),
            (
                "[modules.a]\nsslmode = 'on'\nuser = 'u'",
                Some(2),
                "unknown variant `on`",
            ),
            ("[modules.a]\nsslmode = 'require'", Some(1), "give user"),
            (
                "\n[modules.a]\nsslmode = 'require'\ndepth = 'handshake'\nuser = 'u'",
                Some(2),
                "sslmode demands depth startup",
            ),
            ("[modules.a]\nsslcert = 'x'", Some(1), "belong together"),
            ("[modules.a]\ntimeout = 0", Some(1), "more than 0"),
            ("[modules.'a b']", None, "module name \"a b\""),
            ("[modules.a]\nhost = 'db'", Some(2), "unknown field `host`"),
            (
                "[modules.a]\nservice = 'db'",
                Some(2),
                "unknown field `service`",
            ),
            ("[allow]\nports = ['a']", Some(2), "a port or a range is"),
            (
                "[allow]\nnetworks = ['10.1.0.0/8']",
                Some(2),
                "10.0.0.0/8 is meant",
            ),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.message.contains(words), "{text}: {error:?}");
            assert!(line.is_none() || error.line == line, "{text}: {error:?}");
            assert!(!error.message.contains('\n'), "{text}: {error:?}");
        }
    }
}
