//! libpq's decisions, each function naming the one of libpq that it mirrors. Pure.

pub mod client_certificate;
pub mod error;
pub mod parameters;
pub mod root_certificates;
