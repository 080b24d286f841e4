//! The fold of rows into stretches: one row after the other, in the order of the record. What it remembers grows
//! with tasks and days, not with rows.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::hash_map::Entry;

use super::super::kind::Kind;
use super::super::note::Note;
use super::super::row::{Carried, RecordRow, key};
use super::accumulator::{Accumulator, Day, PollTimes, Rows, Task, day};
use super::counters::Session;
use super::load::LoadHour;
use super::observed_time::goes_on;
use super::{AgentRun, Period, Resolved, Rollup, Run, Selection, StuckTime};
use crate::base::hash::{hash, mix, stable_hash};
use crate::base::time::Time;
use crate::model::{ErrorSeen, Health, add};

/// The most changes that are kept of a day.
const CHANGES: usize = 1000;

/// The most notes that are kept.
const NOTES: usize = 1000;

/// Of one task; there are five kinds.
const MOST_ALERTS: usize = 16;

impl Accumulator {
    pub(super) fn new(within: Selection) -> Self {
        Self { within, poll_times: PollTimes::new(), ..Self::default() }
    }

    /// One that tells apart what was before `border`.
    pub(super) fn split(within: Selection, border: Time) -> Self {
        Self { border: Some(whole(border)), ..Self::new(within) }
    }

    /// What is asked for: all, or before the border and after it.
    pub(super) fn parts(&self) -> Vec<Selection> {
        let Some(border) = self.border.map(|border| Some(Time(border * 1000))) else { return vec![self.within] };
        vec![Selection { to: border, ..self.within }, Selection { from: border, ..self.within }]
    }

    fn day(&self, seconds: i64) -> Day {
        (day(seconds), self.border.is_some_and(|border| border <= seconds))
    }

    /// Takes in the row at `offset`.
    pub(super) fn hear(&mut self, row: &RecordRow<'_>, offset: u64) {
        let Some(kind) = row.kind else { return };
        let take: fn(&mut Self, usize, &RecordRow<'_>, u64) = match kind {
            Kind::Summary => return self.summary(row),
            Kind::Resolved => {
                let (pattern, task) = (row.pattern().map(Into::into), row.task().map(Into::into));
                return self.resolved.push(Resolved { at: row.at, pattern, task, all: row.all() });
            }
            Kind::Note => return self.note(row),
            Kind::Alert => return self.alert(row, offset),
            Kind::Debounced => return self.debounced(row, offset),
            Kind::Attempt => return self.attempt(row),
            // Each attempt tells of itself at its end; whatever was taken over stands in rows of its own.
            Kind::Started | Kind::Waiting | Kind::Collected => return,
            Kind::Poll => {
                self.look(row);
                self.polled = Some(offset);
                if let Some(machine) = row.machine().filter(|_| row.carried.is_none() && self.within.holds(row.at)) {
                    self.load.poll(row.at, machine.load_1m, machine.memory_used_bytes);
                }
                if row.carried.is_none() {
                    self.reconcile(row);
                }
                return;
            }
            Kind::Transition => Self::transition,
            Kind::Error => Self::error,
            Kind::Finished if row.parent().is_some() => Self::agent_run,
            Kind::Progress | Kind::Finished => Self::counted,
        };
        self.look(row);
        let Some(task) = self.task(row) else { return };
        if self.tasks[task].spoken <= Some(row.at) {
            self.tasks[task].spoken = Some(row.at);
            self.tasks[task].rows.last = offset;
        }
        if row.parent().is_none() {
            self.agent(task, row);
        }
        take(self, task, row, offset);
        if row.carried != Some(Carried::Gone) {
            self.set_present(task, true);
        }
        if row.carried.is_none() && self.within.holds(row.at) {
            self.stretch(task, row.at, row.at);
        }
    }

    /// What the rows amount to, by day, before the border and after it; the state stays for further ones.
    pub(super) fn days(&mut self) -> [Vec<Rollup>; 2] {
        self.flush();
        self.by_day.clear();
        self.tasks.iter_mut().for_each(|task| task.here = None);
        std::mem::take(&mut self.days)
    }

    /// The rows that tell how things stand, by their offsets: without them, those that follow would tell too much.
    /// Of tasks and sessions that were last spoken of before `since` nothing more is expected.
    pub(super) fn standing(&self, since: Time) -> BTreeMap<u64, Carried> {
        let mut rows: BTreeMap<u64, Carried> = self.polled.iter().map(|row| (*row, Carried::Present)).collect();
        for task in &self.tasks {
            let goes_on = task.present && task.health.is_some_and(goes_on);
            if !goes_on && task.spoken < Some(since) {
                continue;
            }
            let carried = if task.present { Carried::Present } else { Carried::Gone };
            let Rows { came, transition, noticed, progress, finished, last } = task.rows;
            rows.extend(task.alerts.iter().map(|(_, row)| (*row, carried)));
            rows.extend(
                [came, transition, noticed, progress, finished, Some(last)]
                    .into_iter()
                    .flatten()
                    .map(|row| (row, carried)),
            );
            for session in task.sessions.iter().filter(|session| session.heard >= Some(since)) {
                let errors = session.errors.iter().map(|(.., row)| *row);
                let told = session.counted.into_iter().chain(session.finished.map(|(row, _)| row));
                rows.extend(told.chain(errors).map(|row| (row, carried)));
            }
        }
        rows
    }

    fn task(&mut self, row: &RecordRow<'_>) -> Option<usize> {
        // Most are written as they were the last time.
        let subject = row.subject();
        if let Some(task) = self.by_text.get(&subject) {
            return Some(*task);
        }
        let key = row.key()?;
        let task = *self.by_key.entry(key).or_insert_with(|| {
            let (name, worktree) = (row.task().unwrap_or_default().into(), row.worktree().map(Into::into));
            self.tasks.push(Task { key, name, worktree, ..Task::default() });
            self.tasks.len() - 1
        });
        self.by_text.insert(subject, task);
        Some(task)
    }

    /// Takes in who works at the task. Its time so far is another's.
    fn agent(&mut self, task: usize, row: &RecordRow<'_>) {
        let known = &mut self.tasks[task];
        if std::mem::replace(&mut known.worker, row.worker()) == row.worker() {
            return;
        }
        if known.repository.is_none() {
            known.repository = row.repository().map(Into::into);
        }
        let (client, model) = (row.client(), row.model());
        // An error may be a sub-agent's.
        let agent_type = row.agent_type().filter(|_| matches!(row.kind, Some(Kind::Progress | Kind::Finished)));
        let same =
            |new: &Option<Cow<'_, str>>, known: &Option<String>| new.is_none() || new.as_deref() == known.as_deref();
        let same_client = same(&client, &known.client);
        let (same_model, same_type) = (same(&model, &known.model), same(&agent_type, &known.agent_type));
        if same_client && same_model && same_type && known.agent != 0 {
            return;
        }
        let fits = (same_model || known.model.is_none()) && (same_type || known.agent_type.is_none());
        let learnt = known.client.is_none() || (same_client && fits);
        if !learnt && row.carried.is_none() {
            self.settle(task);
        }
        let known = &mut self.tasks[task];
        if !same_client {
            (known.model, known.agent_type) = (None, None);
        }
        known.client = client.map(Into::into).or(known.client.take());
        known.model = model.map(Into::into).or(known.model.take());
        known.agent_type = agent_type.map(Into::into).or(known.agent_type.take());
        let now = agent([&known.client, &known.model, &known.agent_type]);
        let before = std::mem::replace(&mut known.agent, now);
        if learnt && row.carried.is_none() {
            self.rename(task, before, row.at);
        }
    }

    /// The day's stretch of an agent that was not known until now.
    fn rename(&mut self, task: usize, agent: u64, at: Time) {
        let known = &self.tasks[task];
        for day in [false, true].map(|after| (day(whole(at)), after)) {
            let Some(at) = self.by_day.remove(&(known.key, agent, day)) else { continue };
            let stretch = &mut self.days[usize::from(day.1)][at];
            (stretch.client, stretch.model) = (known.client.clone(), known.model.clone());
            stretch.agent_type.clone_from(&known.agent_type);
            // Where there is one already, they are two of the same.
            self.by_day.entry((known.key, known.agent, day)).or_insert(at);
        }
    }

    /// Like an alert, it is kept while it says how things stand, and is in no report.
    fn debounced(&mut self, row: &RecordRow<'_>, offset: u64) {
        if let Some(task) = self.task(row) {
            self.tasks[task].rows.noticed = Some(offset);
        }
    }

    fn alert(&mut self, row: &RecordRow<'_>, offset: u64) {
        let Some(task) = self.task(row) else { return };
        let code = row.alert().map_or(0, |code| hash(code.as_bytes()));
        let known = &mut self.tasks[task];
        let is_new = row.carried.is_none() && row.begins() && self.within.holds(row.at);
        known.alerts.retain(|(alert, _)| *alert != code);
        if known.alerts.len() < MOST_ALERTS {
            known.alerts.push((code, offset));
        }
        if let Some(alert) = row.alert().filter(|_| is_new) {
            self.stretch(task, row.at, row.at).alert(row.at, &alert);
        }
    }

    /// The newest are kept, however many a hook may write.
    fn note(&mut self, row: &RecordRow<'_>) {
        if let Some(note) = Note::of(row).filter(|note| self.within.holds(note.at)) {
            self.notes.push_back(note);
            if self.notes.len() > NOTES {
                self.notes.pop_front();
            }
        }
    }

    /// An attempt after the first is a retry.
    fn attempt(&mut self, row: &RecordRow<'_>) {
        let number = row.attempt().filter(|number| *number > 1);
        if number.is_none() || row.carried.is_some() || !self.within.holds(row.at) {
            return;
        }
        if let Some(task) = self.task(row) {
            self.agent(task, row);
            let stretch = self.stretch(task, row.at, row.at);
            add(&mut stretch.retries, 1);
            add(&mut stretch.held, row.held());
        }
    }

    fn transition(&mut self, task: usize, row: &RecordRow<'_>, offset: u64) {
        self.tasks[task].rows.transition = Some(offset);
        if !row.is_held() {
            self.tasks[task].rows.noticed = Some(offset);
        }
        let Some(health) = row.health() else { return };
        let before = self.tasks[task].health;
        if before == Some(health) {
            return;
        }
        if row.carried.is_none() {
            self.settle(task);
        }
        self.set_present(task, false);
        let known = &mut self.tasks[task];
        if let Some(before) = before {
            self.gone[before as usize] -= 1;
        }
        self.gone[health as usize] += 1;
        known.health = Some(health);
        known.rows.came = Some(offset);
        let since = known.since.replace(row.at);
        let reason =
            if health == Health::Stuck { row.reason().unwrap_or_default().into_owned() } else { String::new() };
        let reason_before = std::mem::replace(&mut known.reason, reason.clone());
        if row.carried.is_some() || !self.within.holds(row.at) {
            return;
        }
        let stretch = self.stretch(task, row.at, row.at);
        if stretch.changes.last().is_none_or(|(_, last)| *last != health) && stretch.changes.len() < CHANGES {
            stretch.changes.push((row.at, health));
        }
        if health == Health::Stuck {
            stretch.wait(&reason, StuckTime { begun: 1, ..StuckTime::default() });
        } else if before == Some(Health::Stuck) {
            let seconds = since.map_or(0, |since| whole(row.at) - whole(since)).max(0).unsigned_abs();
            stretch.wait(&reason_before, StuckTime { ended: 1, seconds, ..StuckTime::default() });
        }
    }

    /// A row with counters, and perhaps the end of a run.
    fn counted(&mut self, task: usize, row: &RecordRow<'_>, offset: u64) {
        let session = self.session(task, row);
        session.counted = Some(offset);
        let (used, by_type) = session.count(row);
        let known = &mut self.tasks[task];
        let mut run = None;
        if row.kind == Some(Kind::Finished) {
            known.rows.finished = Some(offset);
            let id = hash(row.id);
            if std::mem::replace(&mut known.finished, id) != id {
                run = row.outcome();
            }
        } else {
            known.rows.progress = Some(offset);
        }
        if row.carried.is_some() {
            return;
        }
        if self.within.holds(row.at) {
            let stretch = self.stretch(task, row.at, row.at);
            stretch.used.add(&used);
            for (name, used) in &by_type {
                stretch.of_type(name).used.add(used);
            }
            if let Some((cpu_share, memory_bytes)) = row.processes() {
                stretch.load.poll(row.at, cpu_share, memory_bytes);
            }
        }
        let ended = row.ended().map_or(row.at, |ended| ended.min(row.at));
        if let Some(outcome) = run.filter(|_| self.within.holds(ended)) {
            let reason = row.reason().unwrap_or_default().into_owned();
            let has_open = row.progress().and_then(|progress| progress.steps()).is_some_and(|(done, all)| done < all);
            let partial = has_open && outcome == Health::Completed;
            let (class, seconds, session) = (row.class(), row.duration(), number(row.session_name().as_deref()));
            self.stretch(task, ended, ended).runs.push(Run {
                ended,
                outcome,
                reason,
                class,
                seconds,
                partial,
                session,
            });
        }
    }

    /// The end of a sub-agent's run.
    fn agent_run(&mut self, task: usize, row: &RecordRow<'_>, offset: u64) {
        let id = hash(row.id);
        let before = self.session(task, row).finished.replace((offset, id));
        let is_new = before.is_none_or(|(_, before)| before != id) && row.carried.is_none();
        let ended = row.ended().map_or(row.at, |ended| ended.min(row.at));
        let Some(outcome) = row.outcome().filter(|_| is_new && self.within.holds(ended)) else { return };
        let run = AgentRun {
            agent_type: row.agent_type().map(Into::into),
            ended,
            outcome,
            reason: row.reason().unwrap_or_default().into_owned(),
            seconds: row.duration(),
            session: number(row.session_name().as_deref()),
            parent: number(row.parent().as_deref()),
        };
        self.stretch(task, ended, ended).agent_runs.push(run);
    }

    fn error(&mut self, task: usize, row: &RecordRow<'_>, offset: u64) {
        let (Some(pattern), Some(count)) = (row.pattern(), row.count()) else { return };
        let tool = row.tool();
        let part = |text: &str| hash(text.as_bytes());
        let kind = mix(part(&pattern), tool.as_deref().map_or(0, part));
        let more = self.session(task, row).error(kind, count, offset);
        if more == 0 || row.carried.is_some() || !self.within.holds(row.at) {
            return;
        }
        let last = row.last().map_or(row.at, |last| last.min(row.at));
        let first = row.first().filter(|_| more == count).unwrap_or(last).min(last);
        let seen = ErrorSeen {
            pattern: pattern.into_owned(),
            tool: tool.map(Into::into),
            class: row.class(),
            count: more,
            example: row.example().unwrap_or_default().into_owned(),
            first,
            last,
        };
        // A row that names no type is of a version that told none.
        let of_type = row.agent_type();
        let stretch = self.stretch(task, row.at, row.at);
        if let Some(name) = of_type.filter(|name| stretch.agent_type.as_deref() != Some(name)) {
            stretch.of_type(&name).see(&seen.pattern, seen.count);
        }
        stretch.see(seen);
    }

    fn session(&mut self, task: usize, row: &RecordRow<'_>) -> &mut Session {
        let (key, task) = (row.session(), &mut self.tasks[task]);
        let sessions = &mut task.sessions;
        let at = *task.by_session.entry(key).or_insert_with(|| {
            sessions.push(Session::new(key));
            sessions.len() - 1
        });
        sessions[at].heard = sessions[at].heard.max(Some(row.at));
        &mut sessions[at]
    }

    fn summary(&mut self, row: &RecordRow<'_>) {
        if let Some(hours) = row.load().and_then(|text| serde_json::from_slice::<Vec<LoadHour>>(text).ok()) {
            return hours.iter().filter(|hour| self.within.holds(hour.at)).for_each(|hour| self.load.hour(hour));
        }
        let Some(period) = Period::ALL.into_iter().find(|period| period.code().as_bytes() == row.period()) else {
            return;
        };
        let stretch = row.stretch().and_then(|text| serde_json::from_slice::<Rollup>(text).ok());
        let Some(stretch) = stretch.filter(|stretch| self.within.touches(stretch.from, stretch.to)) else { return };
        if period != Period::Day {
            return self.summaries.push((period, stretch));
        }
        // Of its last minutes the first rows after it may tell.
        let task = key(&stretch.task, stretch.worktree.as_deref());
        let agent = agent([&stretch.client, &stretch.model, &stretch.agent_type]);
        for (part, after) in self.parts().into_iter().zip([false, true]) {
            if !part.touches(stretch.from, stretch.to) {
                continue;
            }
            let days = &mut self.days[usize::from(after)];
            match self.by_day.entry((task, agent, (day(whole(stretch.from)), after))) {
                Entry::Occupied(known) => days[*known.get()].add(stretch.clone()),
                Entry::Vacant(place) => {
                    place.insert(days.len());
                    days.push(stretch.clone());
                }
            }
        }
    }

    /// The day's stretch of a task, which now reaches at least from `from` to `to`.
    pub(crate) fn stretch(&mut self, task: usize, from: Time, to: Time) -> &mut Rollup {
        let day = self.day(whole(from));
        let known = &mut self.tasks[task];
        let at = match known.here {
            Some((agent, same, at)) if (agent, same) == (known.agent, day) => at,
            before => *self.by_day.entry((known.key, known.agent, day)).or_insert_with(|| {
                if let Some((_, (_, after), at)) = before {
                    self.days[usize::from(after)][at].shrink();
                }
                let days = &mut self.days[usize::from(day.1)];
                days.push(Rollup {
                    task: known.name.clone(),
                    worktree: known.worktree.clone(),
                    repository: known.repository.clone(),
                    client: known.client.clone(),
                    model: known.model.clone(),
                    agent_type: known.agent_type.clone(),
                    changes: known.health.map(|health| (from, health)).into_iter().collect(),
                    ..Rollup::new(from, to)
                });
                days.len() - 1
            }),
        };
        known.here = Some((known.agent, day, at));
        let stretch = &mut self.days[usize::from(day.1)][at];
        stretch.from = stretch.from.min(from);
        stretch.to = stretch.to.max(to);
        stretch
    }
}

/// Never zero, which is no agent yet.
pub(super) fn agent(who: [&Option<String>; 3]) -> u64 {
    let [client, model, agent_type] = who.map(|text| text.as_ref().map_or(0, |text| hash(text.as_bytes())));
    mix(mix(client, model), agent_type) | 1
}

/// What a session is known by in a run.
fn number(session: Option<&str>) -> u32 {
    session.map_or(0, |session| (stable_hash([session]) >> 32) as u32 | 1)
}

fn whole(time: Time) -> i64 {
    time.0.div_euclid(1000)
}
