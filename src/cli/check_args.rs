//! The arguments of `pgprobe check`, with the letters that monitoring plugins give them.

use std::time::Duration;

use clap::Args as ClapArgs;

use super::args::{LibpqArg, LibpqArgs, OpenSslArg, at, seconds};
use crate::check::policy::{Policy, Sha256, TlsVersion};
use crate::check::threshold::{Limits, Threshold};
use crate::libpq::parameters::SslMode;

/// What is said to wrong arguments: at most 23 lines of 80 columns.
pub(super) const USAGE: &str = "\
Usage: pgprobe check -H HOST [-p PORT] [-w RANGE] [-c RANGE] [-t SECONDS] [-v]
       pgprobe check -u URI, or TARGET          (a target as psql takes it)
  -H HOST        host, host:port or [v6]:port; may be repeated
  -p PORT        port                       -l USER  user    -d NAME  database
  -w, -c RANGE   warn, be critical unless so many days are left: 30: or 30;
                 25% of the lifetime; @10:20  (default 30: and 14:)
  -t SECONDS     for the whole run (10)     -v       more, up to -vvv
  --sslrootcert FILE        judge chain and host name, too
  --min-tls VERSION --issuer NAME --fingerprint SHA256 --spki SHA256
  --max-validity DAYS --expect-cert FILE --allow-self-signed
  --require-mode MODE --require-tls-only --require-client-cert
  --require-scram --require-channel-binding   (these make 2 or 3 connections)
  -h, --help     everything                 -V       version
";

const EXAMPLES: &str = "\
Examples:
  pgprobe check -H db.example.com
  pgprobe check -H db.example.com -w 30: -c 14: --sslrootcert corp-ca.crt
  pgprobe check -H db1 -H db2 -l app -d app --require-tls-only --require-scram
  pgprobe check -u postgresql://app@db/app --require-mode verify-full";

const EXIT: &str = "\
A target is what psql takes, and the same files and PG* variables count; with
~/.postgresql/root.crt, PGSSLROOTCERT or --sslrootcert the chain and the host
name are judged.

CRITICAL is: unreachable, timeout, any answer to SSLRequest but S, a handshake
or a proof of the key that fails, a certificate among those sent that is
expired, not yet valid or below -c, and every demand that is not met.

What it costs the server: one connection, and no line in a default log if the
handshake completes. The --require options ask what pg_hba.conf does: two
connections, a third with a client certificate; each refusal by pg_hba.conf
leaves a FATAL line.

Exit status:
  0  OK
  1  WARNING
  2  CRITICAL
  3  UNKNOWN, --help, --version, wrong arguments
";

/// What a check takes.
#[derive(ClapArgs, Debug)]
#[command(
    before_help = EXAMPLES,
    after_help = EXIT,
    version,
    max_term_width = 80
)]
pub(crate) struct CheckArgs {
    /// Server: host, host:port, `[v6]:port` or a socket directory; may be repeated.
    #[arg(short = 'H', long = "hostname", value_name = "HOST")]
    pub(crate) hostnames: Vec<String>,

    /// Target as a URI, postgresql://user@host/dbname; may be repeated.
    #[arg(short = 'u', long = "url", value_name = "URI")]
    pub(crate) urls: Vec<String>,

    /// Target instead of -H and -u: anything psql takes. Without any of them the PG* variables
    /// decide.
    #[arg(value_name = "TARGET", conflicts_with_all = ["hostnames", "urls"])]
    pub(crate) target: Option<String>,

    /// User, for pg_hba.conf.
    #[arg(short = 'l', long, value_name = "USER")]
    logname: Option<String>,

    /// Warn unless the time left is in this range: days `30:` or `30`, percent of the lifetime
    /// `25%`, `[@]start:end` [default: 30:, of lifetimes below 90 days 25%].
    // A core's command definition gives one, the service that uses it another: the last counts.
    #[arg(
        short,
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        overrides_with = "warning"
    )]
    warning: Option<Threshold>,

    /// The same for CRITICAL [default: 14:, of lifetimes below 90 days 10%].
    #[arg(
        short,
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        overrides_with = "critical"
    )]
    critical: Option<Threshold>,

    /// The time for the whole run, in seconds.
    #[arg(short, long, value_name = "SECONDS", default_value = "10", value_parser = seconds,
          overrides_with = "timeout")]
    pub(crate) timeout: Duration,

    /// Show more: the certificates, twice also addresses and times, three times the sslmodes.
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    #[command(flatten)]
    demands: Demands,

    #[command(flatten)]
    access: AccessDemands,

    /// The libpq to emulate [default: 18].
    #[arg(long = "libpq", value_enum, help_heading = "Emulated client")]
    pub(crate) libpq_version: Option<LibpqArg>,

    /// The TLS library under it [default: 3-level2].
    #[arg(long, value_enum, help_heading = "Emulated client")]
    pub(crate) openssl: Option<OpenSslArg>,

    /// Judge validity at this time (RFC 3339, or seconds since 1970) instead of now: what the
    /// check will say then.
    #[arg(long, value_name = "TIME", value_parser = at, help_heading = "Emulated client")]
    pub(crate) at: Option<i64>,

    #[command(flatten)]
    libpq: LibpqArgs,
}

/// What is demanded of the certificate and the version.
#[derive(ClapArgs, Debug)]
#[command(next_help_heading = "Demands (CRITICAL where not met)")]
struct Demands {
    /// Lowest TLS version that may be negotiated: 1.2 or 1.3. One connection sees one version:
    /// whether the server would take an older one, too, is not asked.
    #[arg(long, value_name = "VERSION")]
    min_tls: Option<TlsVersion>,

    /// Issuer of the certificate: its CN, its O, or its whole name as -v shows it; may be
    /// repeated, and one must fit.
    #[arg(long, value_name = "NAME")]
    issuer: Vec<String>,

    /// SHA-256 of the certificate; may be repeated, and one must fit.
    #[arg(long, value_name = "SHA256")]
    fingerprint: Vec<Sha256>,

    /// SHA-256 of its SubjectPublicKeyInfo, hexadecimal or base64; may be repeated.
    #[arg(long, value_name = "SHA256")]
    spki: Vec<Sha256>,

    /// Longest lifetime that the certificate may have been issued for.
    #[arg(long, value_name = "DAYS")]
    max_validity: Option<u32>,

    /// The certificate in FILE (PEM or DER) must be the one served: shows a renewal after which
    /// nobody reloaded the server.
    #[arg(long, value_name = "FILE")]
    expect_cert: Option<String>,

    /// Take a certificate that signed itself, where the chain is judged.
    #[arg(long)]
    allow_self_signed: bool,
}

/// What is demanded of the answers to a StartupMessage.
#[derive(ClapArgs, Debug)]
#[command(next_help_heading = "Demands that ask pg_hba.conf, for this user, database and address")]
struct AccessDemands {
    /// libpq must get in with this sslmode, as far as a password that it would have to know (2
    /// connections; UNKNOWN if undetermined).
    #[arg(long, value_name = "MODE", value_parser = mode)]
    require_mode: Option<SslMode>,

    /// Plaintext must be refused (2 connections, one FATAL line where it is).
    #[arg(long)]
    require_tls_only: bool,

    /// Nobody may get in without a client certificate, over TLS or in plaintext (2 connections, 3
    /// with --sslcert; one FATAL line for each that is refused).
    #[arg(long)]
    require_client_cert: bool,

    /// The server must ask for SCRAM and nothing less, in plaintext, too, unless it refuses that
    /// (2 connections).
    #[arg(long)]
    require_scram: bool,

    /// The server must offer SCRAM-SHA-256-PLUS, with a certificate that libpq can bind it to (2
    /// connections).
    #[arg(long)]
    require_channel_binding: bool,
}

impl CheckArgs {
    /// libpq's keywords and values, those that were given.
    pub(super) fn settings(&self) -> Vec<(String, String)> {
        let mut settings = self.libpq.settings();
        if let Some(user) = &self.logname {
            settings.push(("user".into(), user.clone()));
        }
        settings
    }

    /// The file of `--expect-cert`.
    pub(super) fn expected_certificate(&self) -> Option<&str> {
        self.demands.expect_cert.as_deref()
    }

    /// What is demanded of the servers.
    pub(super) fn policy(&self) -> Policy {
        let (demands, access) = (&self.demands, &self.access);
        Policy {
            limits: Limits {
                warning: self.warning,
                critical: self.critical,
            },
            // As an option, sslmode is "the one that must work".
            mode: access.require_mode.or_else(|| self.libpq.sslmode()),
            tls_only: access.require_tls_only,
            client_certificate: access.require_client_cert,
            scram: access.require_scram,
            channel_binding: access.require_channel_binding,
            min_tls: demands.min_tls,
            issuers: demands.issuer.clone(),
            fingerprints: demands.fingerprint.clone(),
            keys: demands.spki.clone(),
            max_validity: demands.max_validity,
            allow_self_signed: demands.allow_self_signed,
            expected_unreadable: None,
        }
    }
}

fn mode(text: &str) -> Result<SslMode, String> {
    SslMode::from_name(text).ok_or_else(|| {
        "not an sslmode: disable, allow, prefer, require, verify-ca or verify-full".into()
    })
}
