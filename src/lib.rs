//! What TLS a PostgreSQL server really gives its clients, and what libpq would do with it.

pub mod client;
pub mod conninfo;
pub mod emulates;
pub mod libpq;
pub mod net;
pub mod observation;
pub mod observe;
pub mod report;
pub mod wire;

#[cfg(feature = "cli")]
pub mod cli;
