//! What TLS a PostgreSQL server really gives its clients, and what libpq would do with it.
//!
//! [`observe`] collects evidence over the network, [`assess`](assess::assess) judges it without
//! one, [`render`] shows the [`Report`](report::Report):
//!
//! ```text
//! Client + Plan ──observe──▶ Observation ──assess──▶ Report ──render──▶ text | json
//! ```
//!
//! Without a network: what libpq reads in a target, and what it would do with a server that was
//! recorded earlier.
//!
//! ```
//! use pgprobe::assess::assess;
//! use pgprobe::conninfo;
//! use pgprobe::emulates::{Emulates, Libpq};
//! use pgprobe::libpq::error::ErrorCode;
//! use pgprobe::libpq::parameters::SslMode;
//! use pgprobe::observation::Observation;
//! use pgprobe::report::Outcome;
//!
//! let settings = conninfo::parse("postgresql://ann@db1,db2/app?sslmode=require", Libpq::V18)?;
//! assert!(settings.contains(&("host".into(), "db1,db2".into())));
//!
//! let saved = std::fs::read_to_string("tests/data/observations/wrong-name.json")?;
//! let observation: Observation = serde_json::from_str(&saved)?;
//! let report = assess(&observation, Emulates::default(), observation.observed_at);
//! for verdict in &report.sslmodes {
//!     let expected = match verdict.mode {
//!         SslMode::VerifyFull => Outcome::Fails,
//!         _ => Outcome::Connects,
//!     };
//!     assert_eq!(verdict.outcome, expected);
//! }
//! let error = report.sslmodes.last().and_then(|verdict| verdict.error.as_ref());
//! assert_eq!(error.map(|error| error.code), Some(ErrorCode::HostnameMismatch));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod advice;
pub mod assess;
pub mod check;
pub mod client;
pub mod conninfo;
pub mod curve448;
pub mod emulates;
pub mod inventory;
pub mod libpq;
pub mod lints;
pub mod memo;
pub mod net;
pub mod observation;
pub mod observe;
pub mod pki;
pub mod private_key;
pub mod render;
pub mod report;
pub mod scan;
pub mod tls;
pub mod wire;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod demo;
#[cfg(feature = "cli")]
pub mod exporter;
#[cfg(feature = "cli")]
pub mod profiles;

/// The examples of the README are compiled and run like those of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
