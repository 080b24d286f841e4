//! What the finished runs of each kind of agent took, in calls and in time: what a running one is measured against.
//!
//! Kept between polls, and read from the whole record where it is not known: rows that were rolled up tell it no more.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::follow::Rows;
use super::kind::Kind;
use super::row::{RecordRow, each_row};
use super::sanitize::name;
use crate::base::disk::Disk;
use crate::base::hash::{hash, stable_hash};
use crate::base::time::Time;
use crate::model::{ExpectedEnd, Health, Progress, ProgressSource, SessionReport, TaskReport};

/// Fewer runs say nothing of the next one.
const FEWEST: usize = 5;
/// Of more, the newest are kept.
const MOST: usize = 64;
const MOST_KINDS: usize = 64;
/// If those in the middle differ by more than this factor, the runs are not alike.
const SPREAD: u32 = 3;
/// More is never said of a run that goes on.
const NEARLY: u64 = 95;

/// By client and agent type, the runs that completed last, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Usual {
    /// Whether the record was gone through.
    read: bool,
    kinds: BTreeMap<u64, Vec<Run>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    /// The row that tells of it.
    id: u64,
    session: Option<u64>,
    calls: Option<u32>,
    seconds: Option<u32>,
}

impl Usual {
    /// Goes through the record, the first time. What cannot be read tells nothing.
    pub(crate) fn learn(&mut self, record: &Path) {
        if !self.read {
            let mut all = Self { read: true, ..Self::default() };
            drop(Rows::of(record.to_owned()).read(&Disk::default(), |row| all.hear(row.bytes)));
            *self = all;
        }
    }

    fn hear(&mut self, line: &[u8]) {
        each_row(line, |row, _| self.take(row));
    }

    pub(super) fn take(&mut self, row: &RecordRow<'_>) {
        if row.kind != Some(Kind::Finished) || row.parent().is_some() || row.outcome() != Some(Health::Completed) {
            return;
        }
        let Some(client) = row.client() else { return };
        let run = Run {
            id: hash(row.id),
            session: row.session_name().map(|session| stable_hash([&*session])),
            calls: row.tools().and_then(|tools| u32::try_from(tools.calls).ok()).filter(|calls| *calls > 0),
            seconds: row.duration().map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX)),
        };
        self.add(key(&client, row.agent_type().as_deref()), run);
    }

    fn add(&mut self, kind: u64, run: Run) {
        if self.kinds.len() >= MOST_KINDS && !self.kinds.contains_key(&kind) {
            return;
        }
        let runs = self.kinds.entry(kind).or_default();
        if runs.iter().all(|known| known.id != run.id) {
            if runs.len() == MOST {
                runs.remove(0);
            }
            runs.push(run);
        }
    }

    /// The runs of its like.
    fn like(&self, session: &SessionReport) -> &[Run] {
        let kind = key(session.client, session.agent_type.as_deref().map(name).as_deref());
        self.kinds.get(&kind).map_or(&[], Vec::as_slice)
    }

    /// How far a task has come that runs and that nothing else tells it of.
    pub(crate) fn estimate(&self, task: &TaskReport) -> Option<Progress> {
        let session = task.sessions.first().filter(|_| task.progress.is_none() && task.activity.is_some())?;
        let calls = task.at_work().iter().fold(0, |sum: u64, session| sum.saturating_add(session.tools.all.calls));
        let percent = percent(self.like(session), stable_hash([&*session.id]), calls)?;
        Some(Progress { percent: Some(percent), source: Some(ProgressSource::Estimate), ..Progress::default() })
    }

    /// When a task may end that runs, if enough runs of its like took longer than it has so far.
    pub(crate) fn expected_end(&self, task: &TaskReport, now: Time) -> Option<ExpectedEnd> {
        let runs = matches!(task.health, Health::Healthy | Health::Struggling);
        let session = task.sessions.first().filter(|_| runs)?;
        let started = task.started?;
        let age = now.since(started).as_secs();
        let all = self.like(session).iter().filter_map(|run| run.seconds.map(u64::from));
        let mut longer: Vec<u64> = all.filter(|seconds| *seconds > age).collect();
        if longer.len() < FEWEST {
            return None;
        }
        longer.sort_unstable();
        let after = |at: usize| longer.get(at).map(|seconds| started.plus(Duration::from_secs(*seconds)));
        // Of the upper quarter, rounded away from the middle, as the lower one is.
        let (from, to) = ((longer.len() - 1) / 4, (longer.len() * 3).div_ceil(4) - 1);
        Some(ExpectedEnd { from: after(from)?, to: after(to)?, runs: u32::try_from(longer.len()).ok()? })
    }
}

/// How far a session has come with so many calls; nothing where its like tell too little, or it takes more than all of them.
///
/// Of each session its first run counts: what it did when it was asked again is another matter.
fn percent(runs: &[Run], session: u64, calls: u64) -> Option<u8> {
    let mut seen = HashSet::new();
    let firsts = runs.iter().filter_map(|run| Some((run.session?, run.calls?)));
    let mut all: Vec<u32> = firsts.filter(|run| seen.insert(run.0)).map(|run| run.1).collect();
    if all.len() < FEWEST || seen.contains(&session) {
        return None;
    }
    all.sort_unstable();
    let at = |quarters: usize| all[(all.len() - 1) * quarters / 4];
    if at(3) > at(1).saturating_mul(SPREAD) || calls > u64::from(at(4)) {
        return None;
    }
    let share = calls.saturating_mul(100) / u64::from(at(2)).max(1);
    u8::try_from(share.min(NEARLY)).ok()
}

/// What runs are alike by.
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

    fn run(session: u64, calls: u32) -> Run {
        Run { id: session, session: Some(session), calls: Some(calls), seconds: None }
    }

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
            let mut all: Vec<_> = runs.iter().zip(1..).map(|(calls, session)| run(session, *calls)).collect();
            assert_eq!(percent(&all, 99, calls), wanted, "{runs:?} {calls}");
            assert_eq!(percent(&all, 1, calls), None, "asked again");
            // A second run of a session is none of its own.
            all.extend(runs.first().map(|_| run(1, 1000)));
            assert_eq!(percent(&all, 99, calls), wanted, "{runs:?} {calls}");
        }
        let mut many = Usual::default();
        for id in 0..100 {
            many.add(7, Run { id, ..run(id, 50) });
            many.add(7, Run { id, ..run(id, 50) });
            many.add(id, run(id, 50));
        }
        assert_eq!((many.kinds[&7].len(), many.kinds[&7].last().unwrap().id), (MOST, 99));
        assert_eq!(many.kinds.len(), MOST_KINDS);
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

    #[test]
    fn an_end_is_expected_of_enough_runs_of_its_like() {
        let mut usual = Usual::default();
        let row = |number: i64, client: &str, seconds: i64, more: &str| {
            format!(
                r#"{{"v":1,"event":"finished","ts":"2026-11-20T23:11:05Z","id":"{client}{number}","task":"t{number}","client":"{client}","agent_type":"main","outcome":"completed","duration_s":{seconds}{more}}}"#
            )
        };
        let mut running = task("parser", Health::Healthy, Reason::Working);
        let expected = |usual: &Usual, running: &TaskReport, age: i64| {
            let end =
                usual.expected_end(running, running.started.unwrap().plus(Duration::from_secs(age.unsigned_abs())))?;
            let after = |time: Time| time.since(running.started.unwrap()).as_secs();
            Some((after(end.from), after(end.to), end.runs))
        };
        for number in 1..=4 {
            usual.hear(row(number, "claude-code", number * 100, "").as_bytes());
        }
        // The same row again, a sub-agent's run, and another client's are none of its like.
        usual.hear(row(4, "claude-code", 400, "").as_bytes());
        usual.hear(row(9, "claude-code", 900, r#","parent":"s""#).as_bytes());
        usual.hear(row(9, "codex", 900, "").as_bytes());
        assert_eq!(expected(&usual, &running, 0), None);
        (5..=8).for_each(|number| usual.hear(row(number, "claude-code", number * 100, "").as_bytes()));
        assert_eq!(expected(&usual, &running, 0), Some((200, 600, 8)));
        assert_eq!(expected(&usual, &running, 300), Some((500, 700, 5)), "only longer ones count");
        assert_eq!(expected(&usual, &running, 400), None);
        running.sessions[0].agent_type = Some("planner".into());
        assert_eq!(expected(&usual, &running, 0), None);
        running.sessions[0].agent_type = Some("main".into());
        running.health = Health::Completed;
        assert_eq!(expected(&usual, &running, 0), None);
    }
}
