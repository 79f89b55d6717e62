//! Precedence: option, connection string, service file, environment, default.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{
    Client, Common, Keyword, Libpq, LibpqError, Meaning, Memo, Origin, Parameters,
    ServiceFileError, Values, hosts,
};
use crate::client::{FileFact, Given};
use crate::conninfo::{ConninfoError, KEYWORDS, Setting, parse_service_file};

/// Why there are no parameters.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ParameterError {
    /// libpq refuses, in every mode.
    #[error("{0}")]
    Libpq(LibpqError),
    /// The target is nothing that pgprobe understands; psql would take it for a database name.
    #[error("{0}")]
    Target(ConninfoError),
    /// pgprobe does not do what libpq would.
    #[error("{0}")]
    Unsupported(String),
}

impl From<LibpqError> for ParameterError {
    fn from(error: LibpqError) -> Self {
        Self::Libpq(error)
    }
}

/// The directory of the system's `pg_service.conf`, as Debian compiles it.
const SYSTEM_CONFIGURATION_DIRECTORY: &str = "/etc/postgresql-common";

/// OpenSSL's own store, as Debian compiles it.
const OPENSSL_CERT_FILE: &str = "/usr/lib/ssl/cert.pem";
const OPENSSL_CERT_DIRECTORY: &str = "/usr/lib/ssl/certs";

/// `MAXPGPATH` less the NUL: libpq cuts longer paths.
const PATH_LIMIT: usize = 1023;

/// The parameters `libpq` would have. Mirrors `conninfo_array_parse`, `conninfo_add_defaults` and
/// the list matching of `pqConnectOptions2`.
pub fn resolve(client: &Client, libpq: Libpq) -> Result<Parameters, ParameterError> {
    let mut values = BTreeMap::new();
    match client.given.get(&libpq) {
        Some(Given::Settings(settings)) => {
            for setting in settings {
                set(
                    &mut values,
                    &setting.keyword,
                    &setting.value,
                    Origin::Target,
                );
            }
        }
        Some(Given::Refused(error)) if error.by_libpq => {
            return Err(LibpqError::bad_parameter(error.message.clone()).into());
        }
        Some(Given::Refused(error)) => return Err(ParameterError::Target(error.clone())),
        None => {}
    }
    for (keyword, value) in client.options.iter().filter(|(_, value)| !value.is_empty()) {
        if Keyword::known(keyword, libpq).is_none() {
            let text = format!("invalid connection option \"{keyword}\"");
            return Err(LibpqError::bad_parameter(text).into());
        }
        set(&mut values, keyword, value, Origin::Option);
    }

    let variable = |name: &str| client.environment.get(name);
    let service = match values.get("service") {
        Some((service, _)) => Some(String::clone(service)),
        None => variable("PGSERVICE").cloned(),
    };
    if let Some(service) = service {
        for (keyword, value) in service_settings(client, &service, libpq)? {
            if Keyword::find(&keyword).is_some_and(|row| !values.contains_key(row.name)) {
                set(&mut values, &keyword, &value, Origin::ServiceFile);
            }
        }
    }
    for row in KEYWORDS.iter().filter(|row| row.since <= libpq) {
        if values.contains_key(row.name) {
            continue;
        }
        if let Some(value) = row.environment.and_then(variable) {
            set(&mut values, row.name, value, Origin::Environment);
        } else if row.name == "sslmode"
            && variable("PGREQUIRESSL").is_some_and(|value| value.starts_with('1'))
        {
            set(&mut values, row.name, "require", Origin::Environment);
        } else if let Some(value) = row.default {
            set(&mut values, row.name, value, Origin::Default);
        } else if row.name == "user"
            && let Some(user) = &client.os_user
        {
            set(&mut values, row.name, user, Origin::Default);
        }
    }
    let is = |keyword: &str| {
        values
            .get(keyword)
            .map(|(value, origin)| (value.as_str(), *origin))
    };
    if libpq >= Libpq::V16
        && is("sslrootcert").is_some_and(|(value, _)| value == "system")
        && is("sslmode").is_some_and(|(_, origin)| origin == Origin::Default)
    {
        set(&mut values, "sslmode", "verify-full", Origin::Default);
    }

    let value = |keyword: &str| values.get(keyword).map_or("", |(value, _)| value.as_str());
    let hosts = hosts::match_lists(value("host"), value("hostaddr"), value("port"))?;
    let cert_file = variable("SSL_CERT_FILE").map_or(OPENSSL_CERT_FILE, String::as_str);
    let cert_dir = variable("SSL_CERT_DIR").map_or(OPENSSL_CERT_DIRECTORY, String::as_str);
    let values = Values::from(values);
    let common = Common {
        libpq,
        meaning: Meaning::from(&values),
        refusals: Memo::default(),
        home: client.home().map(str::to_owned),
        system_store: (
            cert_file.to_owned(),
            cert_dir.split(':').map(str::to_owned).collect(),
        ),
        os_user: client.os_user.clone(),
        effective_uid: client.effective_uid,
        values,
    };
    Ok(Parameters {
        common: Arc::new(common),
        own: Vec::new(),
        hosts,
    })
}

impl Parameters {
    /// What [`resolve`] makes of the same client with this target; these parameters must be of a
    /// client that has none. `None` where that takes more than to put one value before another.
    pub(crate) fn with_target(&self, target: &[Setting]) -> Option<Self> {
        const PLAIN: [&str; 5] = ["host", "hostaddr", "port", "dbname", "user"];
        let mut own: Vec<(&'static str, String)> = Vec::with_capacity(target.len());
        for setting in target {
            let keyword = PLAIN.into_iter().find(|name| *name == setting.keyword)?;
            if self.origin(keyword) != Some(Origin::Option) {
                own.retain(|(other, _)| *other != keyword);
                own.push((keyword, setting.value.clone()));
            }
        }
        let mut parameters = Self {
            common: Arc::clone(&self.common),
            own,
            hosts: Vec::new(),
        };
        let value = |keyword: &str| parameters.value(keyword).unwrap_or_default();
        let hosts = hosts::match_lists(value("host"), value("hostaddr"), value("port"));
        parameters.hosts = hosts.ok()?;
        Some(parameters)
    }
}

fn set(
    values: &mut BTreeMap<&'static str, (String, Origin)>,
    keyword: &str,
    value: &str,
    origin: Origin,
) {
    if let Some(row) = Keyword::find(keyword) {
        values.insert(row.name, (value.to_owned(), origin));
    }
}

/// The service and the files that may define it, in libpq's order; `None` if none is named.
///
/// Mirrors `parseServiceInfo`: `$PGSERVICEFILE`, else the one in the home directory, then the
/// system's.
pub fn service_files(client: &Client) -> Option<(String, Vec<String>)> {
    let named = |given: &Given| match given {
        Given::Settings(settings) => {
            let service = settings
                .iter()
                .rev()
                .find(|setting| setting.keyword == "service")?;
            Some(service.value.clone())
        }
        Given::Refused(_) => None,
    };
    let option = client.options.iter().rev();
    let service = option
        .filter(|(keyword, value)| keyword == "service" && !value.is_empty())
        .map(|(_, value)| value.clone())
        .next()
        .or_else(|| client.given.values().find_map(named))
        .or_else(|| client.environment.get("PGSERVICE").cloned())?;
    Some((service, service_file_paths(client)))
}

fn service_file_paths(client: &Client) -> Vec<String> {
    let user_file = match client.environment.get("PGSERVICEFILE") {
        Some(path) => Some(path.clone()),
        None => client
            .home()
            .map(|home| format!("{}/.pg_service.conf", cut(home))),
    };
    let directory = client.environment.get("PGSYSCONFDIR");
    let directory = directory.map_or(SYSTEM_CONFIGURATION_DIRECTORY, String::as_str);
    let system_file = format!("{directory}/pg_service.conf");
    user_file
        .into_iter()
        .chain([system_file])
        .map(|path| cut(&path).to_owned())
        .collect()
}

/// Mirrors `parseServiceInfo`.
fn service_settings(
    client: &Client,
    service: &str,
    libpq: Libpq,
) -> Result<Vec<(String, String)>, ParameterError> {
    let named = client.environment.contains_key("PGSERVICEFILE");
    for (index, path) in service_file_paths(client).iter().enumerate() {
        let must_exist = named && index == 0;
        let content: &[u8] = match client.file(path) {
            FileFact::Absent { .. } if !must_exist => continue,
            FileFact::Absent { .. } | FileFact::Unreadable { .. } => {
                let text = format!("service file \"{path}\" not found");
                return Err(LibpqError::bad_parameter(text).into());
            }
            // Opening a directory succeeds; reading it yields no line.
            FileFact::NotRead { why, .. } => {
                return Err(ParameterError::Unsupported(format!(
                    "service file \"{path}\" was not read: {why}"
                )));
            }
            FileFact::Directory { .. } | FileFact::PrivateKey { .. } => &[],
            FileFact::Present { bytes, .. } => &bytes.0,
        };
        match parse_service_file(content, path, service, libpq) {
            Ok(Some(settings)) => return Ok(settings),
            Ok(None) => {}
            Err(ServiceFileError::Refused(text)) => {
                return Err(LibpqError::bad_parameter(text).into());
            }
            Err(error @ ServiceFileError::Ldap { .. }) => {
                return Err(ParameterError::Unsupported(error.to_string()));
            }
        }
    }
    let text = format!("definition of service \"{service}\" not found");
    Err(LibpqError::bad_parameter(text).into())
}

/// A path as long as libpq's buffer lets it be.
pub(super) fn cut(path: &str) -> &str {
    let mut end = path.len().min(PATH_LIMIT);
    while !path.is_char_boundary(end) {
        end -= 1;
    }
    path.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_target_before_common_ones_are_what_resolving_all_of_them_gives() {
        let options = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            let pairs = pairs.iter();
            pairs
                .map(|(keyword, value)| (String::from(*keyword), String::from(*value)))
                .collect()
        };
        let mut compared = 0;
        for options in [
            options(&[]),
            options(&[("user", "ann"), ("sslrootcert", "system")]),
            options(&[("dbname", "app"), ("port", "7"), ("user", "")]),
            options(&[("host", "a,b")]),
        ] {
            let mut client = Client::new(None, &options);
            client.os_user = Some("root".into());
            client.set_environment("PGDATABASE", "other");
            client.set_environment("PGHOSTADDR", "192.0.2.9");
            for target in [
                "host=db port=5433",
                "host=db hostaddr=192.0.2.1 port=5433 dbname=x user=eve",
                "host=db host=db2 port=''",
                "host=a,b,c port=1,2",
                "host=db sslmode=require",
                "user=''",
            ] {
                for libpq in Libpq::ALL {
                    let Ok(alone) = resolve(&client, libpq) else {
                        continue;
                    };
                    let given = crate::conninfo::parse_settings(target, libpq).unwrap();
                    let mut whole = client.clone();
                    whole.given = BTreeMap::from([(libpq, Given::Settings(given.clone()))]);
                    let Some(quick) = alone.with_target(&given) else {
                        continue;
                    };
                    let slow = resolve(&whole, libpq).unwrap();
                    assert!(quick.iter().eq(slow.iter()), "{target} {options:?}");
                    assert_eq!(quick.hosts(), slow.hosts(), "{target} {options:?}");
                    compared += 1;
                }
            }
        }
        assert!(compared > 30, "{compared}");
    }
}
