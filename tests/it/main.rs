//! Against real clients and servers.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod command;
mod contract;
mod demo;
mod hostile;
mod parameters;
mod replay;
