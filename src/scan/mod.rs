//! A scan: many targets, one record each, as fast as it may and nothing lost.

pub mod block;
pub mod checkpoint;
pub mod input;
pub mod pace;
pub mod prober;
pub mod queue;
pub mod runner;
pub mod source;
pub mod stop;
pub mod tally;
pub mod target;
