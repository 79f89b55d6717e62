//! The command line of `pgprobe scan`.

use std::time::Duration;

use clap::{Args as ClapArgs, ValueEnum};

use super::args::{DepthArg, LibpqArg, OpenSslArg, at, seconds};
use super::demands::FindingsArgs;
use super::usage::BadValue;
use crate::scan::source::Shard;

/// Shown before the options.
pub(super) const EXAMPLES: &str = "\
Examples:
  pgprobe scan 192.0.2.0/24 db.example.com --sslrootcert ca.crt > scan.ndjson
  pgprobe scan --output scan.ndjson --resume targets.txt
  nmap -p 5432 --open -oG - 192.0.2.0/24 | pgprobe scan > scan.ndjson";

const CARE: &str = "\
Exit status:
  0    every target has its record
  1    the same, and --fail-on found something
  2    an input or the output failed, or no target answered
  130  ended by Ctrl-C; 143: by SIGTERM. Finished records are written

Scan only what you are allowed to. Records hold names of machines and people:
keep them as you keep an inventory.";

/// What a scan takes.
#[derive(ClapArgs, Debug)]
#[command(after_long_help = CARE)]
pub(crate) struct ScanArgs {
    /// Files of targets, networks (192.0.2.0/24, 2001:db8::/120), ranges (192.0.2.1-20), hosts with
    /// or without a port; `-` or nothing for standard input.
    ///
    /// A line of a file is any of these, a URI, "key=value ...", zgrab2's CSV (ip,domain,tag,port),
    /// a line of nmap -oG, or a JSON object with host, ip, port or target, which is passed through
    /// to the record. An argument that is the name of a file is that file.
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,

    /// A file of targets, whatever it is called.
    #[arg(short, long, value_name = "FILE", help_heading = "Targets")]
    pub(crate) input: Vec<String>,

    /// Ports, where a target names none.
    #[arg(short, long, value_name = "PORT", value_delimiter = ',', help_heading = "Targets",
          value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Vec<u16>,

    /// Never probe these: addresses, networks, ranges, names.
    #[arg(
        long,
        value_name = "WHAT",
        value_delimiter = ',',
        help_heading = "Targets"
    )]
    pub(crate) exclude: Vec<String>,

    /// Never probe what stands in FILE, one a line.
    #[arg(long, value_name = "FILE", help_heading = "Targets")]
    pub(crate) exclude_file: Vec<String>,

    /// Probe every address of a name, a record for each, not only the first that accepts TCP.
    #[arg(long, help_heading = "Targets")]
    pub(crate) all_addresses: bool,

    /// Probe the I-th of N parts (1/4 ... 4/4), the same on every machine.
    #[arg(long, value_name = "I/N", value_parser = shard, help_heading = "Targets")]
    pub(crate) shard: Option<Shard>,

    /// Stop at the first line that is no target, instead of passing over it.
    #[arg(long, help_heading = "Targets")]
    pub(crate) strict: bool,

    /// Do scan networks of more than 65,536 addresses on the command line.
    #[arg(long, help_heading = "Targets")]
    pub(crate) yes: bool,

    /// How many targets at once [default: 1000, or what the limit of open files allows].
    #[arg(short, long, value_name = "N", help_heading = "Pace",
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) concurrency: Option<u32>,

    /// How many targets are begun in a second, at most.
    #[arg(long, value_name = "N", value_parser = rate, help_heading = "Pace")]
    pub(crate) rate: Option<f64>,

    /// Wait a random time up to this, in seconds, before each target.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = "Pace")]
    pub(crate) jitter: Option<Duration>,

    /// The time for each target, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds,
          help_heading = "Pace")]
    pub(crate) timeout: Duration,

    /// How often to try again where a connection failed in passing (no route, reset while it was
    /// made, the resolver busy); not after a refusal or a timeout.
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Pace")]
    pub(crate) retries: u32,

    /// How much to ask: `handshake` (1 connection), `startup` (2 or 3), `full` (up to 6).
    #[arg(long, value_enum, default_value = "handshake", help_heading = "Pace")]
    pub(crate) depth: DepthArg,

    /// Write records to FILE, which must not hold any yet; its records are its checkpoint.
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub(crate) output: Option<String>,

    /// Go on with the file of --output: a torn last record is cut off, targets with one are passed
    /// over.
    #[arg(long, requires = "output", help_heading = "Output")]
    pub(crate) resume: bool,

    /// The form of a record.
    #[arg(long, value_enum, default_value = "json", help_heading = "Output")]
    pub(crate) format: ScanFormatArg,

    /// Say nothing on standard error but errors.
    #[arg(short, long, help_heading = "Output")]
    pub(crate) quiet: bool,

    /// Where standard error is no terminal: a line about the progress every so many seconds.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds,
          help_heading = "Output")]
    pub(crate) progress: Duration,

    /// The libpq to emulate [default: 18].
    #[arg(long = "libpq", value_enum, help_heading = "Emulated client")]
    pub(crate) libpq_version: Option<LibpqArg>,

    /// The TLS library under it [default: 3-level2].
    #[arg(long, value_enum, help_heading = "Emulated client")]
    pub(crate) openssl: Option<OpenSslArg>,

    /// Judge validity at this time (RFC 3339, or seconds since 1970) instead of now.
    #[arg(long, value_name = "TIME", value_parser = at, help_heading = "Emulated client")]
    pub(crate) at: Option<i64>,

    #[command(flatten)]
    pub(crate) findings: FindingsArgs,

    #[command(flatten)]
    pub(crate) libpq: ScanLibpqArgs,
}

/// The form of a scan's records.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ScanFormatArg {
    /// An object a line, described in docs/json.md.
    Json,
    /// A line for a spreadsheet, after one of headings.
    Csv,
    /// An object a line with the field names of tlsx.
    Tlsx,
    /// An object a line with the field names of zgrab2's module postgres.
    Zgrab2,
    /// Findings as one log of SARIF 2.1.0.
    Sarif,
    /// Findings as CSV, a line each.
    FindingsCsv,
}

/// libpq's keywords that are the same for all targets.
#[derive(ClapArgs, Debug, Default)]
#[command(next_help_heading = "libpq's parameters, for all targets")]
pub(crate) struct ScanLibpqArgs {
    /// Database, for pg_hba.conf.
    #[arg(short, long, value_name = "NAME")]
    dbname: Option<String>,
    /// User, for pg_hba.conf.
    #[arg(short = 'U', long, value_name = "NAME")]
    user: Option<String>,
    /// File of trusted root certificates; `system`; or `mozilla` for the bundled ones.
    #[arg(long, value_name = "FILE")]
    sslrootcert: Option<String>,
    /// File of revocation lists.
    #[arg(long, value_name = "FILE")]
    sslcrl: Option<String>,
    /// Directory of revocation lists.
    #[arg(long, value_name = "DIR")]
    sslcrldir: Option<String>,
    /// Client certificate, for every server that asks for one.
    #[arg(long, value_name = "FILE")]
    sslcert: Option<String>,
    /// Its private key.
    #[arg(long, value_name = "FILE")]
    sslkey: Option<String>,
    /// postgres or direct (libpq 17).
    #[arg(long, value_name = "HOW")]
    sslnegotiation: Option<String>,
    /// 1 to send the server name, 0 not to.
    #[arg(long, value_name = "0|1")]
    sslsni: Option<String>,
    /// Lowest TLS version.
    #[arg(long, value_name = "VERSION", alias = "ssl_min_protocol_version")]
    ssl_min_protocol_version: Option<String>,
    /// Highest TLS version.
    #[arg(long, value_name = "VERSION", alias = "ssl_max_protocol_version")]
    ssl_max_protocol_version: Option<String>,
}

impl ScanLibpqArgs {
    /// Keywords and values, those that were given.
    pub(crate) fn settings(&self) -> Vec<(String, String)> {
        let all = [
            ("dbname", &self.dbname),
            ("user", &self.user),
            ("sslrootcert", &self.sslrootcert),
            ("sslcrl", &self.sslcrl),
            ("sslcrldir", &self.sslcrldir),
            ("sslcert", &self.sslcert),
            ("sslkey", &self.sslkey),
            ("sslnegotiation", &self.sslnegotiation),
            ("sslsni", &self.sslsni),
            ("ssl_min_protocol_version", &self.ssl_min_protocol_version),
            ("ssl_max_protocol_version", &self.ssl_max_protocol_version),
        ];
        all.into_iter()
            .filter_map(|(keyword, value)| Some((keyword.to_owned(), value.clone()?)))
            .collect()
    }
}

fn shard(text: &str) -> Result<Shard, BadValue> {
    let read = || {
        let (number, of) = text.split_once('/')?;
        let (number, of) = (number.parse().ok()?, of.parse().ok()?);
        (1..=of).contains(&number).then_some(Shard { number, of })
    };
    read().ok_or_else(|| BadValue {
        why: "not a part".into(),
        takes: "1/4, 2/4, 3/4 or 4/4, and so on",
    })
}

fn rate(text: &str) -> Result<f64, BadValue> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate <= 1e6 => Ok(rate),
        _ => Err(BadValue {
            why: "out of range or not a number".into(),
            takes: "targets a second, more than 0 and at most 1000000: 50",
        }),
    }
}
