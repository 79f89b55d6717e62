//! What TLS a PostgreSQL server really gives its clients, and what libpq would do with it.

#[cfg(feature = "cli")]
pub mod cli;
pub mod client;
pub mod conninfo;
pub mod emulates;
pub mod libpq;
