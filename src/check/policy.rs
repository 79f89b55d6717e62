//! What the user demands of a server beyond being there: each demand a line with its state.

use std::str::FromStr;

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::threshold::Limits;
use super::{Line, State};
use crate::libpq::authentication::Auth;
use crate::libpq::parameters::SslMode;
use crate::pki::Certificate;
use crate::report::{
    CertificateReport, ExpectedVerdict, HostReport, Outcome, StartupAnswer, StartupKind, Status,
    Verdict,
};

/// The attribute type organizationName (X.520).
const ORGANIZATION: &[u8] = &[0x55, 4, 10];

const DAY: i64 = 86_400;

/// All that can be demanded.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// `--warning` and `--critical`.
    pub limits: Limits,
    /// libpq must connect with this sslmode.
    pub mode: Option<SslMode>,
    /// Plaintext must be refused.
    pub tls_only: bool,
    /// Nobody may get in without a client certificate, over TLS or without.
    pub client_certificate: bool,
    /// Nothing but SCRAM may be asked for.
    pub scram: bool,
    /// SCRAM must be bound to the TLS channel.
    pub channel_binding: bool,
    /// The least TLS version.
    pub min_tls: Option<TlsVersion>,
    /// The issuer of the certificate: one of these.
    pub issuers: Vec<String>,
    /// SHA-256 of the certificate: one of these.
    pub fingerprints: Vec<Sha256>,
    /// SHA-256 of the public key: one of these.
    pub keys: Vec<Sha256>,
    /// The longest lifetime, in days.
    pub max_validity: Option<u32>,
    /// A chain that is nothing but its own root is taken.
    pub allow_self_signed: bool,
    /// The certificate that must be served cannot be read; why.
    pub expected_unreadable: Option<String>,
}

/// A TLS version as users write it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum TlsVersion {
    /// `1.0`.
    V10,
    /// `1.1`.
    V11,
    /// `1.2`.
    V12,
    /// `1.3`.
    V13,
}

impl FromStr for TlsVersion {
    type Err = String;

    /// `1.2`, or `TLSv1.2` as libpq writes it; `TLSv1` is 1.0.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.to_ascii_lowercase();
        let number = number.strip_prefix("tlsv").unwrap_or(&number);
        match number {
            "1" | "1.0" => Ok(Self::V10),
            "1.1" => Ok(Self::V11),
            "1.2" => Ok(Self::V12),
            "1.3" => Ok(Self::V13),
            _ => Err("not a TLS version: 1.0, 1.1, 1.2 or 1.3".into()),
        }
    }
}

/// A SHA-256 digest.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sha256([u8; 32]);

impl FromStr for Sha256 {
    type Err = String;

    /// 64 hexadecimal digits with or without colons, or base64, perhaps after `sha256//` as curl
    /// writes it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "not a SHA-256: 64 hexadecimal digits, or base64";
        let text = text.strip_prefix("sha256//").unwrap_or(text);
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
        let bytes = if digits.len() == 64 {
            let pairs = digits.chunks(2).map(|pair| {
                let pair = std::str::from_utf8(pair).ok()?;
                let plain = pair.bytes().all(|byte| byte.is_ascii_hexdigit());
                u8::from_str_radix(pair, 16).ok().filter(|_| plain)
            });
            pairs.collect::<Option<Vec<u8>>>()
        } else {
            BASE64_STANDARD.decode(text).ok()
        };
        let bytes = bytes.ok_or(wrong)?;
        Ok(Self(bytes.try_into().map_err(|_| wrong)?))
    }
}

impl Sha256 {
    fn is(self, hexadecimal: &str) -> bool {
        hexadecimal.parse() == Ok(self)
    }
}

impl Policy {
    /// Whether a demand needs the answer to a StartupMessage.
    pub fn needs_startup(&self) -> bool {
        self.mode.is_some()
            || self.tls_only
            || self.client_certificate
            || self.scram
            || self.channel_binding
    }

    /// A line for each demand.
    pub(super) fn judge(&self, host: &HostReport) -> Vec<Line> {
        let mut lines = Vec::new();
        if let Some(mode) = self.mode {
            lines.push(require_mode(mode, host));
        }
        if self.tls_only {
            lines.push(require_tls_only(host));
        }
        if self.client_certificate {
            lines.push(require_client_certificate(host));
        }
        if self.scram {
            lines.push(require_scram(host));
        }
        if self.channel_binding {
            lines.push(require_channel_binding(host));
        }
        if let Some(least) = self.min_tls {
            lines.push(min_tls(least, host));
        }
        let leaf = host.certificates.first();
        let mut of_leaf = |demanded: bool, what, judge: &dyn Fn(&CertificateReport) -> Line| {
            if demanded {
                lines.push(match leaf {
                    Some(leaf) => judge(leaf),
                    None => Line::new(State::Unknown, what, "no certificate was seen"),
                });
            }
        };
        of_leaf(!self.issuers.is_empty(), "issuer", &|leaf| {
            self.issuer(leaf)
        });
        of_leaf(!self.fingerprints.is_empty(), "fingerprint", &|leaf| {
            one_of("fingerprint", &self.fingerprints, &leaf.sha256)
        });
        of_leaf(!self.keys.is_empty(), "spki", &|leaf| {
            one_of("spki", &self.keys, &leaf.spki_sha256)
        });
        if let Some(days) = self.max_validity {
            of_leaf(true, "max-validity", &|leaf| max_validity(days, leaf));
        }
        if let Some(why) = &self.expected_unreadable {
            lines.push(Line::new(State::Unknown, "expect-cert", why));
        }
        if let Some(expected) = &host.expected_certificate {
            let until = |time: Option<&String>| time.map_or("?", String::as_str).to_owned();
            let wanted = until(expected.expected.not_after.as_ref());
            let served = expected.served.as_ref();
            let served = until(served.and_then(|served| served.not_after.as_ref()));
            let file = &expected.file;
            let (state, text) = match expected.verdict {
                ExpectedVerdict::Same => (State::Ok, format!("{file} is what is served")),
                ExpectedVerdict::OtherChain => (
                    State::Critical,
                    format!("{file} is served, but not every certificate beside it there"),
                ),
                ExpectedVerdict::RenewedNotReloaded => (
                    State::Critical,
                    format!(
                        "renewed but not reloaded: {file} ends {wanted}, the one served {served}"
                    ),
                ),
                ExpectedVerdict::FileIsOlder => (
                    State::Critical,
                    format!("{file} is older: it ends {wanted}, the one served {served}"),
                ),
                ExpectedVerdict::Other => (
                    State::Critical,
                    format!("another certificate is served than {file}"),
                ),
                ExpectedVerdict::NotSeen => (State::Unknown, "no certificate was seen".into()),
            };
            lines.push(Line::new(state, "expect-cert", text));
        }
        lines
    }

    fn issuer(&self, leaf: &CertificateReport) -> Line {
        let name = BASE64_STANDARD
            .decode(&leaf.der)
            .map(|der| Certificate::parse(&der).issuer.clone())
            .unwrap_or_default();
        let values: Vec<String> = name
            .common_names()
            .chain(name.attributes_of(ORGANIZATION))
            .filter_map(|value| Some(value.text()?.into_owned()))
            .collect();
        let wanted = |wanted: &String| *wanted == leaf.issuer || values.contains(wanted);
        let state = if self.issuers.iter().any(wanted) {
            State::Ok
        } else {
            State::Critical
        };
        Line::new(state, "issuer", format!("issued by {}", leaf.issuer))
    }
}

fn one_of(what: &'static str, wanted: &[Sha256], found: &str) -> Line {
    let state = if wanted.iter().any(|wanted| wanted.is(found)) {
        State::Ok
    } else {
        State::Critical
    };
    Line::new(state, what, format!("SHA-256 {found}"))
}

fn max_validity(days: u32, leaf: &CertificateReport) -> Line {
    let time = |text: &Option<String>| super::expiry::unix(text.as_deref()?);
    let lifetime = time(&leaf.not_after).zip(time(&leaf.not_before));
    let what = "max-validity";
    let Some(lifetime) = lifetime.map(|(end, begin)| end.saturating_sub(begin)) else {
        return Line::new(State::Unknown, what, "the dates cannot be read");
    };
    let text = format!(
        "issued for {} days, at most {days} are allowed",
        lifetime / DAY
    );
    let state = if lifetime <= i64::from(days).saturating_mul(DAY) {
        State::Ok
    } else {
        State::Critical
    };
    Line::new(state, what, text)
}

fn min_tls(least: TlsVersion, host: &HostReport) -> Line {
    let tls = host.tls.as_ref().filter(|tls| tls.completed);
    let version = tls.and_then(|tls| tls.protocol_version.as_deref());
    let what = "min-tls";
    match version.map(|version| (version, version.parse::<TlsVersion>())) {
        Some((said, Ok(version))) if version >= least => {
            Line::new(State::Ok, what, format!("{said} was negotiated"))
        }
        Some((said, _)) => Line::new(State::Critical, what, format!("{said} was negotiated")),
        None => Line::new(State::Unknown, what, "no version was negotiated"),
    }
}

/// Whose answer it is: what pg_hba.conf says depends on it.
fn for_whom(host: &HostReport) -> String {
    let startup = &host.startup;
    format!(
        "user {}, database {}",
        startup.user.as_deref().unwrap_or("?"),
        startup.dbname.as_deref().unwrap_or("?")
    )
}

fn require_mode(mode: SslMode, host: &HostReport) -> Line {
    let what = "require-mode";
    let found = host.sslmodes.iter().find(|verdict| verdict.mode == mode);
    let Some(verdict) = found else {
        return Line::new(State::Unknown, what, format!("{}: not judged", mode.name()));
    };
    let name = mode.name();
    match verdict.outcome {
        // libpq refuses before it has anything to do with the server.
        _ if host.status == Status::NothingSent => {
            Line::new(State::Unknown, what, format!("{name}: {}", why(verdict)))
        }
        Outcome::Connects if host.fails_at_scram(verdict) => {
            let text = format!("{name} gets to SCRAM, but {}", cannot_bind(host));
            Line::new(State::Critical, what, text)
        }
        Outcome::Connects => {
            let how = match verdict.encrypted {
                Some(true) => "over TLS",
                _ => "in plaintext",
            };
            Line::new(
                State::Ok,
                what,
                format!("{name} connects {how}, {}", for_whom(host)),
            )
        }
        Outcome::Fails => Line::new(
            State::Critical,
            what,
            format!("{name} fails: {}", why(verdict)),
        ),
        Outcome::Undetermined => Line::new(
            State::Unknown,
            what,
            format!("{name} is undetermined: {}", why(verdict)),
        ),
    }
}

/// libpq's words where it cannot bind the channel, which it says whatever the password is.
fn cannot_bind(host: &HostReport) -> String {
    let leaf = host.certificates.first();
    let algorithm = leaf.map_or("?", |leaf| &leaf.signature_algorithm);
    format!(
        "libpq cannot bind it to a certificate with an {algorithm} signature: could not find \
         digest for NID UNDEF"
    )
}

fn why(verdict: &Verdict) -> &str {
    let error = verdict.error.as_ref().map(|error| error.message.as_str());
    error
        .or(verdict.reason.as_deref())
        .unwrap_or("no reason is known")
}

/// What an answer comes to, in words.
fn words(answer: Option<&StartupAnswer>) -> String {
    let Some(answer) = answer else {
        return "was not asked".into();
    };
    let said = answer.message.as_deref().unwrap_or_default();
    match answer.answer {
        StartupKind::Accepted if said.is_empty() => "lets in without credentials".into(),
        StartupKind::Accepted => format!("asks for no credentials, then: {said}"),
        StartupKind::Asked => format!("asks for {}", auth(answer)),
        StartupKind::Refused => "refuses".into(),
        StartupKind::Timeout => "did not answer in time".into(),
        StartupKind::Error | StartupKind::Failed => format!("ended in: {said}"),
    }
}

fn auth(answer: &StartupAnswer) -> &'static str {
    match answer.auth {
        None => "something that libpq would not answer",
        Some(Auth::None) => "nothing",
        Some(Auth::Password) => "the password in clear text",
        Some(Auth::Md5) => "md5",
        Some(Auth::ScramSha256) => "scram-sha-256",
        Some(Auth::ScramSha256Plus) => "scram-sha-256-plus",
        Some(Auth::Gss) => "gss",
        Some(Auth::Sspi) => "sspi",
        Some(Auth::Oauthbearer) => "oauth",
        Some(Auth::Unsupported) => "something unknown",
    }
}

/// Whether the server has got as far as authentication: it asks, or it needs no asking.
fn lets_try(answer: Option<&StartupAnswer>) -> bool {
    answer.is_some_and(|answer| matches!(answer.answer, StartupKind::Accepted | StartupKind::Asked))
}

fn refuses(answer: Option<&StartupAnswer>) -> bool {
    answer.is_some_and(|answer| answer.answer == StartupKind::Refused)
}

fn demands_certificate(host: &HostReport) -> Option<bool> {
    let tls = host.tls.as_ref()?;
    match tls.client_certificate.requested {
        Some(false) => Some(false),
        _ => tls.client_certificate.demanded,
    }
}

fn require_tls_only(host: &HostReport) -> Line {
    let what = "require-tls-only";
    let (tls, plain) = (host.startup.tls.as_ref(), host.startup.plaintext.as_ref());
    if lets_try(plain) {
        let text = format!("plaintext {}, {}", words(plain), for_whom(host));
        return Line::new(State::Critical, what, text);
    }
    // A refusal says something of plaintext only if the same user would fare better over TLS.
    let better = lets_try(tls) || demands_certificate(host) == Some(true);
    if refuses(plain) && better {
        let text = format!("plaintext is refused, {}", for_whom(host));
        return Line::new(State::Ok, what, text);
    }
    let text = if refuses(plain) {
        format!(
            "plaintext is refused, but TLS {}: -l and -d name a user and database that get in",
            words(tls)
        )
    } else {
        format!("undetermined: plaintext {}", words(plain))
    };
    Line::new(State::Unknown, what, text)
}

fn require_client_certificate(host: &HostReport) -> Line {
    let what = "require-client-cert";
    let (tls, plain) = (host.startup.tls.as_ref(), host.startup.plaintext.as_ref());
    // Without TLS there is no certificate.
    if lets_try(plain) {
        let text = format!("plaintext {} without one, {}", words(plain), for_whom(host));
        return Line::new(State::Critical, what, text);
    }
    match demands_certificate(host) {
        Some(true) if refuses(plain) => Line::new(
            State::Ok,
            what,
            format!("nobody gets in without one, {}", for_whom(host)),
        ),
        Some(true) => Line::new(
            State::Unknown,
            what,
            format!(
                "undetermined: nobody gets in over TLS without one, but plaintext {}",
                words(plain)
            ),
        ),
        Some(false) => {
            let tls = host.tls.as_ref();
            let requested = tls.and_then(|tls| tls.client_certificate.requested);
            let text = if requested == Some(false) {
                "the server does not ask for one".to_owned()
            } else {
                format!("the server does without one, {}", for_whom(host))
            };
            Line::new(State::Critical, what, text)
        }
        None => Line::new(
            State::Unknown,
            what,
            format!("undetermined: TLS {}", words(tls)),
        ),
    }
}

/// SCRAM over TLS, and in plaintext too unless that is refused.
fn require_scram(host: &HostReport) -> Line {
    let what = "require-scram";
    let is_scram = |answer: &StartupAnswer| {
        let mut offered = answer.mechanisms.iter();
        answer.answer == StartupKind::Asked
            && offered.any(|mechanism| mechanism.starts_with("SCRAM-SHA-256"))
    };
    let both = [
        ("TLS", host.startup.tls.as_ref()),
        ("plaintext", host.startup.plaintext.as_ref()),
    ];
    for (transport, answer) in both {
        if lets_try(answer) && !answer.is_some_and(is_scram) {
            let text = format!("{transport} {}, {}", words(answer), for_whom(host));
            return Line::new(State::Critical, what, text);
        }
    }
    let [(_, tls), (_, plain)] = both;
    if tls.is_some_and(is_scram) && (refuses(plain) || plain.is_some_and(is_scram)) {
        let text = format!("TLS {}, {}", words(tls), for_whom(host));
        return Line::new(State::Ok, what, text);
    }
    let text = format!(
        "undetermined: TLS {}, plaintext {}",
        words(tls),
        words(plain)
    );
    Line::new(State::Unknown, what, text)
}

fn require_channel_binding(host: &HostReport) -> Line {
    let what = "require-channel-binding";
    let tls = host.startup.tls.as_ref();
    match tls.filter(|_| lets_try(tls)) {
        Some(answer)
            if answer
                .mechanisms
                .iter()
                .any(|name| name == "SCRAM-SHA-256-PLUS") =>
        {
            if !host.can_bind_channel() {
                let text = format!("SCRAM-SHA-256-PLUS is offered, but {}", cannot_bind(host));
                return Line::new(State::Critical, what, text);
            }
            let text = format!("SCRAM-SHA-256-PLUS is offered, {}", for_whom(host));
            Line::new(State::Ok, what, text)
        }
        Some(_) => Line::new(
            State::Critical,
            what,
            format!("not offered: TLS {}, {}", words(tls), for_whom(host)),
        ),
        None => Line::new(
            State::Unknown,
            what,
            format!("undetermined: TLS {}", words(tls)),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_read_in_every_form_that_tools_print() {
        let hex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        let colons = "9F:86:D0:81:88:4C:7D:65:9A:2F:EA:A0:C5:5A:D0:15:A3:BF:4F:1B:2B:0B:82:2C:D1:\
                      5D:6C:15:B0:F0:0A:08";
        let base64 = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=";
        let curl = format!("sha256//{base64}");
        let read = |text: &str| text.parse::<Sha256>();
        let wanted = read(hex).unwrap();
        for text in [colons, base64, &curl] {
            assert_eq!(read(text), Ok(wanted), "{text}");
        }
        for text in ["", "9f86", &hex[1..], &hex.replace('9', "g"), "sha256//"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(wanted.is(hex) && !wanted.is(&hex.replace('9', "8")));
    }

    #[test]
    fn versions_are_read_as_libpq_and_people_write_them() {
        for (text, version) in [
            ("1.2", Some(TlsVersion::V12)),
            ("TLSv1.3", Some(TlsVersion::V13)),
            ("tlsv1", Some(TlsVersion::V10)),
            ("1.4", None),
            ("SSLv3", None),
        ] {
            assert_eq!(text.parse().ok(), version, "{text}");
        }
    }
}
