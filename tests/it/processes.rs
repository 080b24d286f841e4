//! The verdicts on real processes: real `/proc`, real repository, real clock but for the time that is asked about.
//!
//! What an agent wrote is recorded, and the agents are copies of bash; that they live, compute, hold files and
//! locks, and die, is as real as it gets.

mod alerts;
mod judged;
mod launched;
mod lives;
mod machine;
mod places;
mod unseen;
mod waiting;
