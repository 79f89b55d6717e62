//! X.509 as OpenSSL sees it: what a certificate says, and whether libpq's TLS library would take
//! a chain. Pure: bytes and the time in, facts out.
//!
//! Each rule mirrors OpenSSL, not RFC 5280: what OpenSSL tolerates is tolerated here, and what it
//! refuses is refused with its error number and depth.

pub mod algorithm;
pub mod certificate;
pub mod crl;
pub mod der;
pub mod distribution_point;
pub mod extensions;
pub mod general_name;
mod issuance;
pub mod name;
pub mod name_constraints;
pub mod oid;
pub mod own_chain;
pub mod path;
mod path_building;
mod path_checks;
pub mod pem;
pub mod public_key;
mod purpose;
pub mod release;
mod revocation;
pub mod signature;
pub mod subject_key;
pub mod time;
pub mod trust_store;
pub mod verify_error;

pub use self::certificate::Certificate;
pub use self::trust_store::TrustStore;
