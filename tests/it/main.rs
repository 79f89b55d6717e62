//! Against real clients and servers.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod demo;
mod parameters;
