//! TLS bytes (RFC 8446, RFC 5246): what a ClientHello offers and what the first flight answers.

pub mod client_hello;
pub mod names;
pub mod openssl;
pub mod registry;
pub mod server_flight;
