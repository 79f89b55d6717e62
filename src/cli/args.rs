//! The command line.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::check_args::CheckArgs;
use super::demands::FindingsArgs;
use super::exporter::{self, ExporterArgs};
use super::libpq_words::LibpqWords;
use super::scan_args::ScanArgs;
use super::usage::BadValue;
use crate::emulates::{Emulates, Libpq, OpenSsl};
use crate::libpq::parameters::SslMode;
use crate::observation::Depth;

const EXAMPLES: &str = "\
Examples:
  pgprobe db.example.com
  pgprobe db.example.com:5433 --sslrootcert corp-ca.crt
  pgprobe \"host=db.example.com dbname=app user=ann sslmode=verify-full\"
  pgprobe postgresql://ann@db1,db2/app --format json
  pgprobe demo                   a tour that needs no server";

const ASSESS_EXAMPLES: &str = "\
Examples:
  pgprobe db.example.com --save-observation seen.json
  pgprobe assess seen.json --libpq 15 --openssl 1.1.1
  pgprobe assess seen.json --at 2027-06-01 -q
  pgprobe assess seen.json --sslrootcert corp-ca.crt --sslmode verify-full";

const CIPHERS_EXAMPLES: &str = "\
Examples:
  pgprobe ciphers db.example.com
  pgprobe ciphers db.example.com --max-connections-per-second 10
  pgprobe ciphers db.example.com --format json";

const DEMO_EXAMPLES: &str = "\
Examples:
  pgprobe demo
  pgprobe demo -q
  pgprobe demo --libpq 15 --format json";

const HELP_EXAMPLES: &str = "\
Examples:
  pgprobe help
  pgprobe help sslmode
  pgprobe help assess";

const EXIT_STATUS: &str = "\
Exit status:
  0  a report was made; with a demanded sslmode: libpq connects as that promises
  1  libpq would not connect with the demanded sslmode, or --fail-on found one
  2  no connection was possible, or what the demand comes to is undetermined

`pgprobe help` lists the topics: sslmode, depth, exit-codes, findings,
profiles, files, environment.";

/// Says what TLS a PostgreSQL server really gives, and what libpq would do at each sslmode.
#[derive(Debug, Parser)]
#[command(
    name = "pgprobe",
    version,
    about = "What TLS a PostgreSQL server really gives its clients, and what libpq would do at \
             each sslmode. No login, a handful of connections.",
    before_help = EXAMPLES,
    after_help = "More: --help for every option and libpq parameter, `pgprobe help` for the \
                  topics.",
    after_long_help = EXIT_STATUS,
    args_conflicts_with_subcommands = true,
    max_term_width = 80,
    disable_help_subcommand = true
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) probe: ProbeArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Judge a saved observation again, with other options or at another time.
    #[command(before_help = ASSESS_EXAMPLES)]
    Assess(Box<AssessArgs>),
    /// Check servers as a Nagios or Icinga plugin: exit status 0, 1, 2, 3.
    Check(Box<CheckArgs>),
    /// Find every TLS version, suite and group that a server takes.
    Ciphers(Box<CiphersArgs>),
    /// Start a small fleet of servers inside this process and probe them: a tour without a server.
    #[command(before_help = DEMO_EXAMPLES)]
    Demo(Box<DemoArgs>),
    /// Explain a finding: why it matters, where that is written, what mends it.
    #[command(before_help = super::explain::EXAMPLES)]
    Explain(super::explain::ExplainArgs),
    /// Answer Prometheus: probe the target that a scrape names, and give metrics.
    #[command(before_help = exporter::EXAMPLES)]
    Exporter(Box<ExporterArgs>),
    /// Probe lists and networks, a record for each target.
    #[command(before_help = super::scan_args::EXAMPLES)]
    Scan(Box<ScanArgs>),
    /// Say what changed between two scans: new, gone, renewed, weaker, expired.
    #[command(before_help = super::diff::EXAMPLES)]
    Diff(super::diff::DiffArgs),
    /// Make one HTML page of the records of scans, to be opened without a network.
    #[command(before_help = super::report::EXAMPLES)]
    Report(super::report::ReportArgs),
    /// Explain a topic or a command.
    #[command(before_help = HELP_EXAMPLES)]
    Help(HelpArgs),
}

/// What a command line asks for.
#[derive(Debug)]
pub(crate) enum Meant {
    /// A probe, which has no name.
    Probe(Box<ProbeArgs>),
    /// A command.
    Command(Command),
}

impl From<Args> for Meant {
    fn from(args: Args) -> Self {
        match args.command {
            Some(command) => Self::Command(command),
            None => Self::Probe(Box::new(args.probe)),
        }
    }
}

impl Meant {
    /// The commands' names.
    const COMMANDS: [&str; 10] = [
        "assess", "check", "ciphers", "demo", "explain", "exporter", "scan", "diff", "report",
        "help",
    ];

    /// Reads the arguments by the definition of what they ask for alone: to build those of all the
    /// commands takes longer than all else that a probe computes. `None` where they are wrong or ask
    /// for help, which is the whole definition's business.
    pub(crate) fn quickly(arguments: &[OsString]) -> Option<Self> {
        let after_program = arguments.get(1..).unwrap_or_default();
        Some(match after_program.first().and_then(|name| name.to_str()) {
            Some("check") => Self::Command(Command::Check(read(after_program)?)),
            Some("ciphers") => Self::Command(Command::Ciphers(read(after_program)?)),
            Some("scan") => Self::Command(Command::Scan(read(after_program)?)),
            _ => {
                let named =
                    |argument: &OsString| Self::COMMANDS.iter().any(|name| argument == name);
                if after_program.iter().any(named) {
                    return None;
                }
                Self::Probe(read(arguments)?)
            }
        })
    }
}

/// The arguments of a command, whose name comes first.
fn read<T: ClapArgs>(arguments: &[OsString]) -> Option<T> {
    let command = T::augment_args(clap::Command::new("pgprobe"));
    T::from_arg_matches(&command.try_get_matches_from(arguments).ok()?).ok()
}

/// Said of a target in the help.
const TARGET: &str = "Where to: host, host:port, [v6]:port, a postgresql:// URI or \"key=value \
                      ...\", as for psql. Without one the PG* variables decide";

/// What a probe takes.
#[derive(ClapArgs, Debug)]
pub(crate) struct ProbeArgs {
    /// Where to, as for psql; without one the PG* variables decide.
    #[arg(value_name = "TARGET", help = TARGET)]
    pub(crate) targets: Vec<String>,

    /// How much to ask: `handshake` (1 connection), `startup` (2 or 3), `full` (up to 6).
    ///
    /// `handshake` leaves no line in a default server log where it completes. At `startup` and
    /// `full` each refusal, each handshake that fails, and each user or database that does not
    /// exist leaves one; direct TLS leaves one where the server is older than 17 or wants ALPN.
    #[arg(long, value_enum, default_value = "startup", help_heading = "Probe")]
    pub(crate) depth: DepthArg,

    /// Probe every address of a name, not only the first that accepts TCP.
    #[arg(long, help_heading = "Probe")]
    pub(crate) all_addresses: bool,

    /// Do the handshake also without server name (SNI): one connection more.
    ///
    /// libpq does so with sslsni=0, and for a host that is an address. A pooler or proxy may serve
    /// another certificate then, or none. Where libpq sends no name anyway, nothing is added.
    #[arg(long, help_heading = "Probe")]
    pub(crate) compare_sni: bool,

    /// The time for everything, in seconds [default: 10].
    ///
    /// To enumerate takes its own time after that: as much, or 60 seconds by default.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = "Probe")]
    pub(crate) timeout: Option<Duration>,

    /// Also find every TLS version, suite and group.
    ///
    /// The cost is that of `pgprobe ciphers`, whose help states it.
    #[arg(long, help_heading = "Probe")]
    pub(crate) enumerate: bool,

    /// Open at most so many connections a second to enumerate [default: as many as are answered].
    #[arg(long, value_name = "NUMBER", value_parser = rate, requires = "enumerate",
          hide_short_help = true, help_heading = "Probe")]
    pub(crate) max_connections_per_second: Option<f64>,

    /// Compare the served certificate with that of FILE, as on the server's disk.
    ///
    /// FILE is PEM or DER. It shows a renewal after which nobody reloaded the server.
    #[arg(long, value_name = "FILE", help_heading = "Probe")]
    pub(crate) expect_cert: Option<String>,

    /// Write what was seen to FILE, for `pgprobe assess` (no password or key is in it).
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) save_observation: Option<String>,

    /// Write the server's certificates to FILE, in PEM.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) save_chain: Option<String>,

    /// Write the metrics to FILE for node_exporter's textfile collector, whole or not at all.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) textfile: Option<String>,

    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
    #[command(flatten)]
    pub(crate) libpq: LibpqArgs,
}

/// What an enumeration takes.
#[derive(ClapArgs, Debug)]
#[command(before_help = CIPHERS_EXAMPLES, after_help = "\
It takes at most 1000 connections for each address, at most 4 at a time; a PostgreSQL with default
settings takes about 65. Hardly any is a whole handshake, so the server logs a line for each. Where
it says that it has too many clients, pgprobe waits and goes on one by one. What could not be
finished is called unfinished, never absent.

Exit status:
  0  every question was answered
  2  no connection was possible, or it could not be finished")]
pub(crate) struct CiphersArgs {
    /// Where to, as for the probe.
    #[arg(value_name = "TARGET", help = TARGET)]
    pub(crate) targets: Vec<String>,

    /// Enumerate every address of a name, not only the first that accepts TCP.
    #[arg(long, help_heading = "Probe")]
    pub(crate) all_addresses: bool,

    /// The time for everything, in seconds [default: 10 for the first handshake, then 60].
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = "Probe")]
    pub(crate) timeout: Option<Duration>,

    /// Open at most so many connections a second after the first handshake [default: as many as are
    /// answered].
    #[arg(long, value_name = "NUMBER", value_parser = rate, help_heading = "Probe")]
    pub(crate) max_connections_per_second: Option<f64>,

    /// Write what was seen to FILE, for `pgprobe assess` (no password or key is in it).
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) save_observation: Option<String>,

    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
    #[command(flatten)]
    pub(crate) libpq: LibpqArgs,
}

/// What judging and showing take.
#[derive(ClapArgs, Debug)]
pub(crate) struct JudgeArgs {
    /// The libpq to emulate [default: 18; of `assess`: the one probed for].
    #[arg(
        long = "libpq",
        value_name = "VERSION",
        value_enum,
        help_heading = "Emulated client"
    )]
    pub(crate) libpq_version: Option<LibpqArg>,

    /// The TLS library under it [default: 3-level2; of `assess`: the one probed for].
    #[arg(
        long,
        value_name = "LIBRARY",
        value_enum,
        help_heading = "Emulated client"
    )]
    pub(crate) openssl: Option<OpenSslArg>,

    /// Judge validity at this time (RFC 3339, or seconds since 1970) instead of now.
    #[arg(long, value_name = "TIME", value_parser = at, help_heading = "Emulated client")]
    pub(crate) at: Option<i64>,

    /// How to show it; `json` is an object a line, described in docs/json.md, `openmetrics` are
    /// the metrics of docs/monitoring/prometheus.md.
    #[arg(long, value_enum, default_value = "text", help_heading = "Output")]
    pub(crate) format: FormatArg,

    /// One line for each target.
    #[arg(short, long, help_heading = "Output")]
    pub(crate) quiet: bool,

    /// Show more: details of the certificates and times; twice: what libpq would try, in order, and
    /// the bytes of the answers.
    #[arg(short, long, action = clap::ArgAction::Count, help_heading = "Output")]
    pub(crate) verbose: u8,

    /// When to use colours; NO_COLOR is kept.
    #[arg(long, value_enum, default_value = "auto", help_heading = "Output")]
    pub(crate) color: ColorArg,

    #[command(flatten)]
    pub(crate) findings: FindingsArgs,
}

const SSLMODES: &[&str] = &[
    "disable",
    "allow",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
];
const TLS_VERSIONS: &[&str] = &["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
const PREFERENCES: &[&str] = &["disable", "prefer", "require"];

/// libpq's keywords as options; they win over the target.
#[derive(ClapArgs, Debug, Default)]
#[command(next_help_heading = "libpq's parameters (they win over the target)")]
pub(crate) struct LibpqArgs {
    /// Server name, address or socket directory.
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Address to connect to; the name is still that of `host`.
    #[arg(long, value_name = "ADDRESS", hide_short_help = true)]
    hostaddr: Option<String>,
    /// Port.
    #[arg(short, long, value_name = "PORT")]
    port: Option<String>,
    /// Database, for pg_hba.conf.
    #[arg(short, long, value_name = "NAME")]
    dbname: Option<String>,
    /// User, for pg_hba.conf.
    #[arg(short = 'U', long, value_name = "NAME")]
    user: Option<String>,
    /// The sslmode that must work: it decides the exit status.
    #[arg(
        long,
        value_name = "MODE",
        hide_possible_values = true,
        value_parser = LibpqWords(SSLMODES)
    )]
    sslmode: Option<String>,
    /// File of trusted root certificates; `system`; or `mozilla` for the bundled ones.
    #[arg(long, value_name = "FILE")]
    sslrootcert: Option<String>,
    /// File of revocation lists.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    sslcrl: Option<String>,
    /// Directory of revocation lists.
    #[arg(long, value_name = "DIR", hide_short_help = true)]
    sslcrldir: Option<String>,
    /// Client certificate.
    #[arg(long, value_name = "FILE")]
    sslcert: Option<String>,
    /// Its private key.
    #[arg(long, value_name = "FILE")]
    sslkey: Option<String>,
    /// The key's password; better in the target, a service file or not at all.
    #[arg(long, value_name = "PASSWORD", hide = true)]
    sslpassword: Option<String>,
    /// disable, allow or require (libpq 16).
    #[arg(
        long,
        value_name = "MODE",
        hide_short_help = true,
        hide_possible_values = true,
        value_parser = LibpqWords(&["disable", "allow", "require"])
    )]
    sslcertmode: Option<String>,
    /// postgres or direct (libpq 17).
    #[arg(
        long,
        value_name = "HOW",
        hide_short_help = true,
        hide_possible_values = true,
        value_parser = LibpqWords(&["postgres", "direct"])
    )]
    sslnegotiation: Option<String>,
    /// 1 to send the server name, 0 not to.
    #[arg(
        long,
        value_name = "0|1",
        hide_short_help = true,
        hide_possible_values = true,
        value_parser = LibpqWords(&["0", "1"])
    )]
    sslsni: Option<String>,
    /// Lowest TLS version: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3.
    #[arg(
        long,
        value_name = "VERSION",
        alias = "ssl_min_protocol_version",
        hide_short_help = true,
        hide_possible_values = true,
        value_parser = LibpqWords(TLS_VERSIONS)
    )]
    ssl_min_protocol_version: Option<String>,
    /// Highest TLS version: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3.
    #[arg(
        long,
        value_name = "VERSION",
        alias = "ssl_max_protocol_version",
        hide_short_help = true,
        hide_possible_values = true,
        value_parser = LibpqWords(TLS_VERSIONS)
    )]
    ssl_max_protocol_version: Option<String>,
    /// disable, prefer or require.
    #[arg(
        long,
        value_name = "MODE",
        alias = "channel_binding",
        hide_short_help = true,
        hide_possible_values = true,
        value_parser = LibpqWords(PREFERENCES)
    )]
    channel_binding: Option<String>,
    /// Acceptable authentication methods (libpq 16).
    #[arg(
        long,
        value_name = "METHODS",
        alias = "require_auth",
        hide_short_help = true
    )]
    require_auth: Option<String>,
    /// disable, prefer or require.
    #[arg(
        long,
        value_name = "MODE",
        hide_short_help = true,
        hide_possible_values = true,
        value_parser = LibpqWords(PREFERENCES)
    )]
    gssencmode: Option<String>,
    /// libpq's own time limit for an address, in seconds.
    #[arg(
        long,
        value_name = "SECONDS",
        alias = "connect_timeout",
        hide_short_help = true
    )]
    connect_timeout: Option<String>,
    /// Section of the service file.
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    service: Option<String>,
}

impl LibpqArgs {
    /// `--sslmode`, if it is one that there is.
    pub(crate) fn sslmode(&self) -> Option<SslMode> {
        SslMode::from_name(self.sslmode.as_deref()?)
    }

    /// Keywords and values, those that were given.
    pub(crate) fn settings(&self) -> Vec<(String, String)> {
        let all = [
            ("host", &self.host),
            ("hostaddr", &self.hostaddr),
            ("port", &self.port),
            ("dbname", &self.dbname),
            ("user", &self.user),
            ("sslmode", &self.sslmode),
            ("sslrootcert", &self.sslrootcert),
            ("sslcrl", &self.sslcrl),
            ("sslcrldir", &self.sslcrldir),
            ("sslcert", &self.sslcert),
            ("sslkey", &self.sslkey),
            ("sslpassword", &self.sslpassword),
            ("sslcertmode", &self.sslcertmode),
            ("sslnegotiation", &self.sslnegotiation),
            ("sslsni", &self.sslsni),
            ("ssl_min_protocol_version", &self.ssl_min_protocol_version),
            ("ssl_max_protocol_version", &self.ssl_max_protocol_version),
            ("channel_binding", &self.channel_binding),
            ("require_auth", &self.require_auth),
            ("gssencmode", &self.gssencmode),
            ("connect_timeout", &self.connect_timeout),
            ("service", &self.service),
        ];
        all.into_iter()
            .filter_map(|(keyword, value)| Some((keyword.to_owned(), value.clone()?)))
            .collect()
    }
}

/// What a replay takes.
#[derive(ClapArgs, Debug)]
pub(crate) struct AssessArgs {
    /// A file that `--save-observation` wrote; `-` for standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: String,
    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
    #[command(flatten)]
    pub(crate) libpq: LibpqArgs,
}

/// What the tour takes.
#[derive(ClapArgs, Debug)]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
}

/// What help takes.
#[derive(ClapArgs, Debug)]
pub(crate) struct HelpArgs {
    /// A topic or a command; without one, what there is.
    // Which there are is added in `cli::command`.
    #[arg(value_name = "TOPIC")]
    pub(crate) topic: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum DepthArg {
    /// One connection: SSLRequest, the TLS handshake, an orderly close.
    Handshake,
    /// Also what pg_hba.conf does over TLS and in plaintext.
    Startup,
    /// Also GSSENCRequest and direct TLS.
    Full,
}

impl From<DepthArg> for Depth {
    fn from(depth: DepthArg) -> Self {
        match depth {
            DepthArg::Handshake => Self::Handshake,
            DepthArg::Startup => Self::Startup,
            DepthArg::Full => Self::Full,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LibpqArg {
    #[value(name = "15")]
    V15,
    #[value(name = "16")]
    V16,
    #[value(name = "17")]
    V17,
    #[value(name = "18")]
    V18,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum OpenSslArg {
    /// OpenSSL 3 at security level 2 (Debian, Ubuntu, upstream since 3.2).
    #[value(name = "3-level2")]
    V3Level2,
    /// OpenSSL 3 at security level 1 (upstream 3.0 and 3.1).
    #[value(name = "3-level1")]
    V3Level1,
    /// OpenSSL 1.1.1 at its default level 1.
    #[value(name = "1.1.1")]
    V111,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum FormatArg {
    /// For people.
    Text,
    /// An object a line.
    Json,
    /// Metrics.
    Openmetrics,
    /// Findings as SARIF 2.1.0.
    Sarif,
    /// Findings as CSV, a line each.
    FindingsCsv,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ColorArg {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl JudgeArgs {
    /// The emulated client; what no option says is as in `default`.
    pub(crate) fn emulates(&self, default: Emulates) -> Emulates {
        emulates(self.libpq_version, self.openssl, default)
    }
}

/// The emulated client; what no option says is as in `default`.
pub(crate) fn emulates(
    libpq: Option<LibpqArg>,
    openssl: Option<OpenSslArg>,
    default: Emulates,
) -> Emulates {
    Emulates {
        libpq: match libpq {
            Some(LibpqArg::V15) => Libpq::V15,
            Some(LibpqArg::V16) => Libpq::V16,
            Some(LibpqArg::V17) => Libpq::V17,
            Some(LibpqArg::V18) => Libpq::V18,
            None => default.libpq,
        },
        openssl: match openssl {
            Some(OpenSslArg::V3Level2) => OpenSsl::V3Level2,
            Some(OpenSslArg::V3Level1) => OpenSsl::V3Level1,
            Some(OpenSslArg::V111) => OpenSsl::V111,
            None => default.openssl,
        },
    }
}

/// A span of time as `--timeout` takes it: at most a day.
pub(super) fn seconds(text: &str) -> Result<Duration, BadValue> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= 86_400.0 => Ok(Duration::from_secs_f64(seconds)),
        Ok(_) => Err("out of range"),
        Err(_) => Err("not a number"),
    }
    .map_err(|why| BadValue {
        why: why.into(),
        takes: "seconds, more than 0 and at most 86400: 2.5",
    })
}

/// A number of connections a second.
fn rate(text: &str) -> Result<f64, BadValue> {
    match text.parse::<f64>() {
        Ok(rate) if (0.01..=100_000.0).contains(&rate) => Ok(rate),
        Ok(_) => Err("out of range"),
        Err(_) => Err("not a number"),
    }
    .map_err(|why| BadValue {
        why: why.into(),
        takes: "connections a second, 0.01 to 100000: 20",
    })
}

/// A point in time as `--at` takes it.
pub(super) fn at(text: &str) -> Result<i64, BadValue> {
    if let Ok(seconds) = text.parse() {
        // Milliseconds, most likely, if no calendar has it.
        let years = OffsetDateTime::from_unix_timestamp(seconds).map(OffsetDateTime::year);
        if years.is_ok_and(|year| (0..=9999).contains(&year)) {
            return Ok(seconds);
        }
    }
    let day = format!("{text}T00:00:00Z");
    [text, &day]
        .iter()
        .find_map(|text| OffsetDateTime::parse(text, &Rfc3339).ok())
        .map(OffsetDateTime::unix_timestamp)
        .ok_or_else(|| BadValue {
            why: "not a point in time".into(),
            takes: "2027-01-31, 2027-01-31T12:00:00Z, or seconds since 1970",
        })
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches as _;

    use super::*;

    /// Words, of which `''` is the empty one.
    fn arguments(line: &str) -> Vec<OsString> {
        let words = line.split_whitespace();
        words.map(|word| word.replace("''", "").into()).collect()
    }

    fn whole(arguments: &[OsString]) -> Option<Meant> {
        let matches = crate::cli::command().try_get_matches_from(arguments).ok()?;
        Args::from_arg_matches(&matches).map(Meant::from).ok()
    }

    #[test]
    fn read_quickly_is_read_alike() {
        let mut lines: Vec<_> = [
            "pgprobe",
            "pgprobe db",
            "pgprobe ''",
            "pgprobe db --depth full --format json -q",
            "pgprobe --sslrootcert ca.crt --timeout 3 host=db user=ann",
            "pgprobe -- db",
            "pgprobe -- -q",
            "pgprobe ciphers db --max-connections-per-second 10",
            "pgprobe ciphers ciphers",
            "pgprobe ciphers help",
            "pgprobe check -H db -w 30: -c 14: -vv --require-mode verify-full",
            "pgprobe check",
            "pgprobe check --host check",
            "pgprobe scan 10.0.0.0/24 --port 5432,5433 --concurrency 9 --yes",
            "pgprobe scan ''",
        ]
        .map(arguments)
        .into();
        #[cfg(unix)]
        for command in [
            &["pgprobe"][..],
            &["pgprobe", "scan"],
            &["pgprobe", "ciphers"],
        ] {
            use std::os::unix::ffi::OsStringExt as _;
            let mut line: Vec<_> = command.iter().map(OsString::from).collect();
            line.push(OsString::from_vec(b"db\xff".to_vec()));
            lines.push(line);
        }
        for line in lines {
            assert_eq!(
                format!("{:?}", Meant::quickly(&line).or_else(|| whole(&line))),
                format!("{:?}", whole(&line)),
                "{line:?}"
            );
        }
        for line in [
            "pgprobe",
            "pgprobe -- db",
            "pgprobe check",
            "pgprobe scan db",
        ] {
            assert!(Meant::quickly(&arguments(line)).is_some(), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_or_asks_for_help_is_left_to_the_whole() {
        for line in [
            "pgprobe --help",
            "pgprobe -V",
            "pgprobe --nonsense",
            "pgprobe ciphers -h",
            "pgprobe check -V",
            "pgprobe check -w --help",
            "pgprobe check --nonsense",
            "pgprobe help",
            "pgprobe -q ciphers db",
            "pgprobe db check",
            "pgprobe -- check",
            "pgprobe --sslrootcert check",
        ] {
            assert!(Meant::quickly(&arguments(line)).is_none(), "{line}");
        }
    }

    #[test]
    fn a_command_has_one_name() {
        let command = crate::cli::command();
        for command in command.get_subcommands() {
            assert_eq!(command.get_all_aliases().count(), 0, "{command}");
            assert_eq!(command.get_short_flag(), None, "{command}");
            assert_eq!(command.get_long_flag(), None, "{command}");
        }
        let names: Vec<_> = command
            .get_subcommands()
            .map(clap::Command::get_name)
            .collect();
        assert_eq!(names, Meant::COMMANDS);
    }
}
