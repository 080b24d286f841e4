//! What a session launched and goes on after: when it ends, or is due, the client wakes the agent. A turn that ended
//! while such a job is pending is not the end of the work.

use std::time::Duration;

use super::Turn;
use super::call_summary::keep;
use super::command::{has_end, serves};
use super::state::Session;
use super::vocabulary::{Job, JobEnd, JobKind};

const MOST: usize = 64;
/// A wake-up may come so much before its time.
const EARLY: Duration = Duration::from_secs(30);

impl Session {
    /// It launched a job. One of the same id is launched anew; of wake-ups there is one.
    pub(crate) fn launched(&mut self, job: Job) {
        let (launched, place) = self.row;
        let is_wake_up = |job: &Job| matches!(job.kind, JobKind::WakeUp(_));
        self.jobs.retain(|known| known.id != job.id && !(is_wake_up(known) && is_wake_up(&job)));
        if self.jobs.len() == MOST {
            self.jobs.remove(0);
        }
        self.jobs.push(Job { id: keep(&job.id), about: keep(&job.about), launched, place, ..job });
    }

    /// It was told that a job has ended.
    pub(crate) fn job_ended(&mut self, id: &str, how: JobEnd, error: &str) {
        let ended = self.row.0;
        self.jobs.retain(|job| job.id != id || job.kind == JobKind::Task);
        if let Some(task) = self.jobs.iter_mut().find(|job| job.id == id) {
            (task.end, task.ended) = (Some(how), ended);
            task.error = Some(keep(error)).filter(|error| !error.is_empty());
        }
    }

    /// So many sub-agents are at work by the client's own count, which also has those whose launch it does not tell.
    pub(crate) fn agents_counted(&mut self, count: Option<u64>) {
        self.jobs.retain(|job| !job.id.is_empty() && (job.kind != JobKind::Agent || count != Some(0)));
        let known = self.jobs.iter().filter(|job| job.kind == JobKind::Agent).count();
        let told = usize::try_from(count.unwrap_or(0)).unwrap_or(MOST).min(MOST - self.jobs.len() + known);
        for _ in known..told {
            let (launched, place) = self.row;
            self.jobs.push(Job { kind: JobKind::Agent, launched, place, ..Job::default() });
        }
    }

    /// The agent is woken no more.
    pub(crate) fn no_wake_up(&mut self) {
        self.jobs.retain(|job| !matches!(job.kind, JobKind::WakeUp(_)));
    }

    /// A turn begins: it comes from the wake-up that is due by now, which need not be to the second.
    pub(super) fn woken_up(&mut self) {
        let Some(now) = self.row.0 else { return };
        self.jobs.retain(|job| !matches!(job.kind, JobKind::WakeUp(due) if due <= now.plus(EARLY)));
    }

    /// All that it launched ended with its process, or with the turn that was stopped.
    pub(crate) fn agents_dropped(&mut self) {
        self.jobs.retain(|job| job.kind != JobKind::Agent);
        self.runs_dropped();
    }

    /// What it still goes on after. A command that serves others has no end: the agent leaves it running.
    pub(crate) fn pending_jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(|job| job.end.is_none() && !(job.kind == JobKind::Command && serves(&job.about)))
    }

    /// Its turn ended with a command in the background that may be a server.
    pub(crate) fn may_serve(&self) -> bool {
        matches!(self.turn, Turn::Ended { .. }) && self.pending_jobs().any(Job::may_serve)
    }

    /// Whether a person, or whoever else gives it work, has asked for something since the job was launched. Then
    /// somebody has seen how it stands, and the agent went on without it; the client may even be another process.
    pub(crate) fn is_asked_since(&self, job: &Job) -> bool {
        job.launched.is_some() && job.launched < self.prompted
    }
}

impl Job {
    /// It may be a server: nothing in its command has an end.
    pub(crate) fn may_serve(&self) -> bool {
        self.kind == JobKind::Command && !has_end(&self.about)
    }
}
