//! A batch: a scheduler that starts supervisors, waits for them, and sums up. It supervises nothing itself: when it dies,
//! every task that runs is supervised still, and `--continue` takes it up again.

pub(crate) mod aggregate;
pub(crate) mod check;
pub(crate) mod file;
mod gate;
mod pool;
mod progress;
mod result;
mod schedule;

pub(crate) use schedule::{Batch, Ended};

use super::room;

/// What an agent takes in memory, in bytes.
const AGENT: u64 = 3 << 29;
/// More at once are seldom worth it: a server refuses them.
const MOST: usize = 4;

/// How many tasks run at once where nobody says.
pub(crate) fn default_jobs() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let fit = room::memory_available().and_then(|memory| usize::try_from(memory / AGENT).ok()).unwrap_or(MOST);
    MOST.min(cores).min(fit).max(1)
}
