//! The tour: a fleet inside this process, probed like any other.

use std::io::Write as _;

use super::args::{DemoArgs, FormatArg};
use super::error::{Error, output as output_error};
use super::probe::{Options, probe};
use super::{now, output};
use crate::assess::assess;
use crate::emulates::Emulates;
use crate::observation::Depth;

pub(super) fn run(args: &DemoArgs) -> Result<u8, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(Error::Runtime)?;
    let fleet = runtime
        .block_on(crate::demo::start(now()))
        .map_err(Error::Runtime)?;
    let folder = scratch()?;
    let root = folder.join("root.crt");
    write(&root, fleet.root_pem.as_bytes())?;
    let root = root.to_string_lossy().into_owned();
    let text = args.judge.format == FormatArg::Text;
    let options = Options {
        settings: vec![("sslrootcert".into(), root)],
        emulates: args.judge.emulates(Emulates::default()),
        depth: Depth::Startup,
        all_addresses: false,
        compare_sni: false,
        timeout: std::time::Duration::from_secs(10),
        enumerate: None,
        expected: None,
    };
    let mut done = Ok(());
    let together = matches!(
        args.judge.format,
        FormatArg::Openmetrics | FormatArg::Sarif | FormatArg::FindingsCsv
    );
    let mut all = output::Shown::new(&args.judge)?;
    let mut code = 0;
    for server in &fleet.servers {
        done = (|| {
            if text && !args.judge.quiet {
                let mut out = std::io::stdout().lock();
                let line = format!("== {}\n   {}", server.name, server.about);
                writeln!(out, "{line}\n").map_err(output_error)?;
            }
            let observation = probe(Some(&server.conninfo), &options)?;
            let at = args.judge.at.unwrap_or(observation.observed_at);
            let report = assess(&observation, options.emulates, at);
            if together {
                return all.add(report);
            }
            let mut shown = output::Shown::new(&args.judge)?;
            shown.add(report)?;
            code = code.max(shown.finish()?);
            if text && !args.judge.quiet {
                let mut out = std::io::stdout().lock();
                writeln!(out).map_err(output_error)?;
            }
            Ok(())
        })();
        if done.is_err() {
            break;
        }
    }
    let done = done.and_then(|()| all.finish());
    let _ = std::fs::remove_dir_all(&folder);
    drop(fleet);
    runtime.shutdown_background();
    done.map(|failed| failed.max(code))
}

/// A folder of our own for the root file, so that the tour reads nothing of the user's.
fn scratch() -> Result<std::path::PathBuf, Error> {
    use std::os::unix::fs::DirBuilderExt as _;
    let folder = std::env::temp_dir().join(format!("pgprobe-demo-{}", std::process::id()));
    let made = std::fs::DirBuilder::new().mode(0o700).create(&folder);
    made.map_err(|error| Error::Write {
        path: folder.to_string_lossy().into_owned(),
        error,
    })?;
    Ok(folder)
}

fn write(path: &std::path::Path, bytes: &[u8]) -> Result<(), Error> {
    std::fs::write(path, bytes).map_err(|error| Error::Write {
        path: path.to_string_lossy().into_owned(),
        error,
    })
}
