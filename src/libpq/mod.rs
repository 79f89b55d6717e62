//! libpq's decisions. Pure: each function names the C function it mirrors.

pub mod authentication;
pub mod client_certificate;
pub mod error;
pub mod host_name;
pub mod parameters;
pub mod root_certificates;
pub mod tls_error;
pub mod verdict;
