//! What TLS a PostgreSQL server really gives its clients, and what libpq would do with it.
//!
//! [`observe`] collects evidence over the network, [`assess`](assess::assess) judges it without
//! one, [`render`] shows the [`Report`](report::Report):
//!
//! ```text
//! Client + Plan ──observe──▶ Observation ──assess──▶ Report ──render──▶ text | json
//! ```

pub mod assess;
pub mod client;
pub mod conninfo;
pub mod emulates;
pub mod libpq;
pub mod net;
pub mod observation;
pub mod observe;
pub mod pki;
pub mod private_key;
pub mod render;
pub mod report;
pub mod wire;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod demo;
