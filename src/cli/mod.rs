//! The command: the only place with arguments, environment, files, terminal.

pub mod gather;
