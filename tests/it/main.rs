//! The tests that need more than one module: real libpqs, real servers, whole runs.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod parameters;
