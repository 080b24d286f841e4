//! How many calls the runs of each kind of agent took until they had completed: what a running one is measured against.
//!
//! Kept between polls, and read from the whole record where it is not known: rows that were rolled up tell it no more.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::diff::calls;
use super::follow::Rows;
use super::kind::Kind;
use super::row::{RecordRow, each_row};
use crate::base::disk::Disk;
use crate::base::hash::stable_hash;
use crate::model::{Health, Progress, ProgressSource, TaskReport};

/// Fewer runs say nothing of the next one.
const FEWEST: usize = 5;
/// Of more, the newest are kept.
const MOST: usize = 20;
const MOST_KINDS: usize = 64;
/// If those in the middle differ by more than this factor, the runs are not alike.
const SPREAD: u32 = 3;
/// More is never said of a run that goes on.
const NEARLY: u64 = 95;

/// By client and agent type, the sessions that completed last, each with its calls until it did so first: what they did
/// when they were asked again is another matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Usual {
    /// Whether the record was gone through.
    read: bool,
    kinds: BTreeMap<u64, Vec<(u64, u32)>>,
}

impl Usual {
    /// Goes through the record, the first time, and says whether this was it. What cannot be read tells nothing.
    pub(crate) fn learn(&mut self, record: &Path) -> bool {
        let is_first = !std::mem::replace(&mut self.read, true);
        if is_first {
            drop(Rows::of(record.to_owned()).read(&Disk::default(), |row| self.hear(row.bytes)));
        }
        is_first
    }

    /// One more line of the record.
    pub(crate) fn hear(&mut self, line: &[u8]) {
        each_row(line, |row, _| self.take(row));
    }

    fn take(&mut self, row: &RecordRow<'_>) {
        if row.kind != Some(Kind::Finished) || row.parent().is_some() || row.outcome() != Some(Health::Completed) {
            return;
        }
        let calls = row.tools().and_then(|tools| u32::try_from(tools.calls).ok()).filter(|calls| *calls > 0);
        let (Some(calls), Some(client), Some(session)) = (calls, row.client(), row.session_name()) else { return };
        self.add(key(&client, row.agent_type().as_deref()), stable_hash([&*session]), calls);
    }

    fn add(&mut self, kind: u64, session: u64, calls: u32) {
        if self.kinds.len() >= MOST_KINDS && !self.kinds.contains_key(&kind) {
            return;
        }
        let runs = self.kinds.entry(kind).or_default();
        if runs.iter().all(|run| run.0 != session) {
            if runs.len() == MOST {
                runs.remove(0);
            }
            runs.push((session, calls));
        }
    }

    /// How far a task has come that runs and that nothing else tells it of.
    pub(crate) fn estimate(&self, task: &TaskReport) -> Option<Progress> {
        let session = task.sessions.first().filter(|_| task.progress.is_none() && task.activity.is_some())?;
        let kind = key(session.client, session.agent_type.as_deref());
        let percent = self.percent(kind, stable_hash([&*session.id]), calls(task))?;
        Some(Progress { percent: Some(percent), source: Some(ProgressSource::Estimate), ..Progress::default() })
    }

    /// In percent; nothing where its like tell too little, or it takes longer than all of them.
    fn percent(&self, kind: u64, session: u64, calls: u64) -> Option<u8> {
        let runs = self.kinds.get(&kind).filter(|runs| runs.len() >= FEWEST)?;
        let mut all: Vec<u32> = runs.iter().map(|run| run.1).collect();
        all.sort_unstable();
        let at = |quarters: usize| all[(all.len() - 1) * quarters / 4];
        let is_first = runs.iter().all(|run| run.0 != session);
        let alike = at(3) <= at(1).saturating_mul(SPREAD) && calls <= u64::from(at(4));
        let share = calls.saturating_mul(100) / u64::from(at(2)).max(1);
        u8::try_from(share.min(NEARLY)).ok().filter(|_| is_first && alike)
    }
}

fn key(client: &str, agent_type: Option<&str>) -> u64 {
    stable_hash([client, agent_type.unwrap_or_default()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Reason, ToolCounts};
    use crate::record::entry::Event;
    use crate::record::state::RecordState;
    use crate::record::tests::samples::{at, task, tell};

    #[test]
    fn only_enough_runs_of_its_like_tell() {
        let cases: [(&[u32], u64, Option<u8>); 8] = [
            (&[40, 50, 60, 50], 20, None),
            (&[40, 50, 60, 50, 50], 20, Some(40)),
            (&[40, 50, 60, 50, 50], 0, Some(0)),
            (&[40, 50, 60, 50, 50], 58, Some(95)),
            (&[40, 50, 60, 50, 50], 61, None),
            (&[5, 10, 50, 90, 400], 20, None),
            (&[1, 1, 1, 1, 1], 1, Some(95)),
            (&[], 1, None),
        ];
        for (runs, calls, wanted) in cases {
            let mut usual = Usual::default();
            for (calls, session) in runs.iter().zip(1..) {
                usual.add(7, session, *calls);
            }
            assert_eq!(usual.percent(7, 99, calls), wanted, "{runs:?} {calls}");
            assert_eq!(usual.percent(8, 99, calls), None, "of another kind");
            assert_eq!(usual.percent(7, 1, calls), None, "asked again");
        }
        let mut many = Usual::default();
        for session in 0..100 {
            many.add(7, session, 50);
        }
        assert_eq!(many.kinds[&7].len(), MOST);
    }

    #[test]
    fn the_record_tells_what_is_usual() {
        let run = |number: i64, health, calls| {
            let mut task = task(&format!("t{number}"), health, Reason::TurnEnded);
            task.sessions[0].id = format!("s{number}");
            task.sessions[0].tools.all = ToolCounts { calls, failed: 0 };
            (task.started, task.ended) = (Some(at(0)), Some(at(number)));
            task
        };
        let lines = |number, health, calls| -> Vec<Event> {
            tell(at(number), &[run(number, health, calls)], &RecordState::default())
        };
        let mut usual = Usual::default();
        let hear = |usual: &mut Usual, events: Vec<Event>| {
            for event in events {
                usual.hear(event.line.as_bytes());
            }
        };
        for number in 1..=4 {
            hear(&mut usual, lines(number, Health::Completed, 50));
        }
        // One that failed, and one that is told twice.
        hear(&mut usual, lines(5, Health::Failed, 50));
        hear(&mut usual, lines(4, Health::Completed, 50));
        let mut running = TaskReport { activity: Some("thinking".into()), ..run(9, Health::Healthy, 20) };
        assert_eq!(usual.estimate(&running), None);
        hear(&mut usual, lines(6, Health::Completed, 50));
        let progress = usual.estimate(&running).unwrap();
        assert_eq!((progress.percent, progress.source), (Some(40), Some(ProgressSource::Estimate)));
        running.progress = Some(Progress { done: 1, total: 5, ..Progress::default() });
        assert_eq!(usual.estimate(&running), None, "something better is known");
        running = TaskReport { progress: None, activity: None, ..running };
        assert_eq!(usual.estimate(&running), None, "it does not run");
    }
}
