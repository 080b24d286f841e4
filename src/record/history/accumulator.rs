//! What is remembered of the rows so far, while they are added up.

use std::collections::{HashMap, VecDeque};

use super::super::note::Note;
use super::counters::Session;
use super::load::Load;
use super::rollup::{Period, Resolved, Rollup, Selection};
use crate::base::time::Time;
use crate::model::Health;

pub(super) const DAY: i64 = 24 * 60 * 60;

pub(super) fn day(seconds: i64) -> i64 {
    seconds.div_euclid(DAY)
}

/// Rows, folded so far.
#[derive(Debug, Default)]
pub(super) struct Accumulator {
    pub(super) within: Selection,
    /// In seconds: what was before is told apart from what came then.
    pub(super) border: Option<i64>,
    pub(super) tasks: Vec<Task>,
    pub(super) by_key: HashMap<u64, usize>,
    pub(super) by_text: HashMap<u64, usize>,
    /// Before the border, which is all where there is none; and after it.
    pub(super) days: [Vec<Rollup>; 2],
    /// Where among them one is of a task, an agent and a day.
    pub(super) by_day: HashMap<(u64, u64, Day), usize>,
    pub(super) summaries: Vec<(Period, Rollup)>,
    pub(super) resolved: Vec<Resolved>,
    pub(super) load: Load,
    pub(super) notes: VecDeque<Note>,
    pub(super) poll_times: PollTimes,
    /// How many tasks are in each health, and reported; and how many are not reported any more.
    pub(super) present: [usize; Health::ALL.len()],
    pub(super) gone: [usize; Health::ALL.len()],
    /// The last poll's row.
    pub(super) polled: Option<u64>,
}

/// What is known of a task after the rows so far.
#[derive(Debug, Default)]
pub(super) struct Task {
    pub(super) key: u64,
    pub(super) name: String,
    pub(super) worktree: Option<String>,
    pub(super) repository: Option<String>,
    pub(super) client: Option<String>,
    pub(super) model: Option<String>,
    pub(super) agent_type: Option<String>,
    /// Of the client, the model and the type.
    pub(super) agent: u64,
    /// The same, and the repository, as the last row has them.
    pub(super) worker: u64,
    /// Its day's stretch, by agent and day.
    pub(super) here: Option<(u64, Day, usize)>,
    pub(super) health: Option<Health>,
    /// When it came to it, and for what reason if it is stuck.
    pub(super) since: Option<Time>,
    pub(super) reason: String,
    /// Whether the last polls reported it.
    pub(super) present: bool,
    /// From when on its health is not counted yet, in seconds.
    pub(super) from: i64,
    pub(super) spoken: Option<Time>,
    /// Of the last run's id.
    pub(super) finished: u64,
    pub(super) sessions: Vec<Session>,
    /// Where among them each is, by its key.
    pub(super) by_session: HashMap<u64, usize>,
    pub(super) rows: Rows,
    /// The last row of each alert.
    pub(super) alerts: Vec<(u64, u64)>,
}

/// A day, and whether it is the part of it after the border.
pub(super) type Day = (i64, bool);

/// Where the rows lie that tell how things stand with a task.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Rows {
    /// The transition to its health, and one that told the same again.
    pub(super) came: Option<u64>,
    pub(super) transition: Option<u64>,
    /// The last change that somebody was told of.
    pub(super) noticed: Option<u64>,
    pub(super) progress: Option<u64>,
    pub(super) finished: Option<u64>,
    pub(super) last: u64,
}

/// When somebody looked; in seconds.
#[derive(Debug, Default)]
pub(super) struct PollTimes {
    pub(super) last: Option<i64>,
    /// The one before it, with nothing in between that had to be told apart.
    pub(super) before: i64,
    /// The time up to the last look, where it is not simply watched time of one day.
    pub(super) special: Option<Gap>,
    /// The rows so far are those that were carried over.
    pub(super) carried: bool,
}

impl PollTimes {
    /// Before the first row, those that were carried over come.
    pub(super) fn new() -> Self {
        Self { carried: true, ..Self::default() }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Gap {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) watched: bool,
}
