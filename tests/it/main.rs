//! The integration tests: the real command against real and scripted servers.
//!
//! They need what `tests/setup` installs; where something is missing they fail, they never skip.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests live in the real world, and a panic is how one fails"
)]

mod support;

mod answers;
mod check;
mod check_docs;
mod check_expected;
mod check_hostile;
mod check_quiet;
mod ciphers;
mod client_chains;
mod client_hellos;
mod command;
mod connections;
mod contract;
mod demo;
mod exporter;
mod findings;
mod fuzz_corpora;
mod gallery;
mod host_lists;
mod host_names;
mod hostile;
mod hostile_servers;
mod inventory;
mod layering;
mod legacy;
mod manners;
mod negotiation_table;
mod packaging;
mod pains;
mod parameters;
mod path_validation;
mod people;
mod random_chains;
mod readme;
mod recipes;
mod recorded;
mod replay;
mod scan;
mod secrets;
mod session;
mod ssl_table;
mod undetermined;
mod versions;
