//! What TLS a PostgreSQL server really gives its clients, and what libpq would do with it.

pub mod emulates;
pub mod pki;
