//! What TLS a PostgreSQL server really gives its clients, and what libpq would do with it.

#[cfg(feature = "cli")]
pub mod demo;
pub mod emulates;
pub mod private_key;
