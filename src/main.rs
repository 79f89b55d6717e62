//! The `pgprobe` command; everything is in the library.
fn main() {}
