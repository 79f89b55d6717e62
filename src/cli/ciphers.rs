//! `pgprobe ciphers`: one handshake, then every version, suite and group.

use std::io::Write as _;
use std::time::Duration;

use super::args::{CiphersArgs, DepthArg, ProbeArgs};
use super::error::Error;
use super::{output, probe};
use crate::observe::plan::{EnumeratePlan, MAX_CONNECTIONS};

/// The time for enumerating unless `--timeout` says otherwise.
const DEADLINE: Duration = Duration::from_secs(60);

pub(super) fn run(args: CiphersArgs) -> Result<u8, Error> {
    let args = ProbeArgs {
        targets: args.targets,
        depth: DepthArg::Handshake,
        all_addresses: args.all_addresses,
        compare_sni: false,
        timeout: args.timeout,
        enumerate: true,
        max_connections_per_second: args.max_connections_per_second,
        expect_cert: None,
        save_observation: args.save_observation,
        save_chain: None,
        textfile: None,
        judge: args.judge,
        libpq: args.libpq,
    };
    probe::run_showing(&args, output::Shown::ciphers(&args.judge)?)
}

/// How to enumerate, if that was asked for.
pub(super) fn plan(args: &ProbeArgs) -> Option<EnumeratePlan> {
    args.enumerate.then(|| EnumeratePlan {
        connections_per_second: args.max_connections_per_second,
        deadline: args.timeout.unwrap_or(DEADLINE),
    })
}

/// Says before the first connection what it can come to.
pub(super) fn announce(args: &ProbeArgs) {
    if args.enumerate && !args.judge.quiet {
        let _ = writeln!(
            std::io::stderr(),
            "enumerating takes at most {MAX_CONNECTIONS} connections for each address, 4 at a time, after\n\
             those of the probe; a PostgreSQL with default settings takes about 65, and logs a\n\
             line for each"
        );
        let time = args.timeout.unwrap_or(DEADLINE).as_secs_f64();
        let enough = args
            .max_connections_per_second
            .is_none_or(|rate| rate * time >= 70.0);
        if !enough {
            let _ = writeln!(
                std::io::stderr(),
                "hint: at that rate it cannot be finished in {time} s; see --timeout"
            );
        }
    }
}
