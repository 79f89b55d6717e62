//! Replays saved observations.

use std::io::Read as _;

use super::args::AssessArgs;
use super::error::Error;
use super::{gather, output};
use crate::assess::assess;
use crate::observation::{OBSERVATION_VERSION, Observation};

/// A saved fleet of some ten thousand hosts; larger files are split.
const LIMIT: u64 = 1 << 30;

pub(super) fn run(args: &AssessArgs) -> Result<u8, Error> {
    let text = read(&args.file)?;
    let wrong = |why: String| Error::Observation {
        path: crate::conninfo::redact(&args.file),
        why,
    };
    let mut shown = output::Shown::new(&args.judge)?;
    let mut code = 0;
    let mut count = 0;
    for (number, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let place = format!("line {}", number + 1);
        let mut observation: Observation =
            serde_json::from_str(line).map_err(|error| wrong(format!("{place}: {error}")))?;
        if observation.observation != OBSERVATION_VERSION {
            let version = observation.observation;
            return Err(wrong(format!(
                "{place}: version {version}, not {OBSERVATION_VERSION}"
            )));
        }
        gather::add_options(&mut observation.client, &args.libpq.settings());
        let at = args.judge.at.unwrap_or(observation.observed_at);
        let report = assess(&observation, args.judge.emulates(observation.emulates), at);
        code = code.max(output::exit_code(&report));
        shown.add(report)?;
        count += 1;
    }
    if count == 0 {
        return Err(wrong("it is empty".into()));
    }
    Ok(code.max(shown.finish()?))
}

fn read(path: &str) -> Result<String, Error> {
    let failed = |error| Error::Read {
        path: crate::conninfo::redact(path),
        error,
    };
    let mut text = String::new();
    if path == "-" {
        std::io::stdin()
            .take(LIMIT)
            .read_to_string(&mut text)
            .map_err(failed)?;
    } else {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is where the saved file is read"
        )]
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(LIMIT).read_to_string(&mut text).map_err(failed)?;
    }
    Ok(text)
}
