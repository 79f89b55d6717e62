//! Tests against other programs; they need the `openssl` command.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod path_validation;
