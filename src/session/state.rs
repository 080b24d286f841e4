//! The state of a session, folded from its log.

use std::collections::BTreeMap;
use std::iter;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::hash::hash;
use crate::base::lazy::Lazy;
use crate::base::time::Time;
use crate::model::{ContextFill, DayTokens, ErrorSeen, Progress, Quota, TestRuns, Tokens, ToolCounts};
use crate::session::call_summary::{KEPT, keep};
use crate::session::transcript::{EntryKind, Transcript};
use crate::session::vocabulary::{
    AgentCall, ApiError, BackgroundCall, Call, CallKind, Consumed, Failure, Job, LastCall, Place, Recap, Step, Streak,
    SubAgent, Turn, Workdir,
};
use crate::text;

/// A conversation is seldom forked after more prompts.
const MOST_ASKED: usize = 64;

/// How many columns of it are shown.
pub(crate) const SHOWN: usize = 200;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) parent: Option<String>,
    /// Started by the client for itself; no work of anybody's.
    pub(crate) internal: bool,
    /// The latest one recorded.
    pub(crate) directory: Option<String>,
    /// Folders that tool calls named, with how often.
    pub(crate) workdirs: Vec<Workdir>,
    pub(crate) model: Option<String>,
    /// What its agent is for, in the client's word: `code-reviewer`, `build`.
    pub(crate) agent_type: Option<String>,
    /// The call of its parent that started it, where its own log tells.
    pub(crate) started_by: Option<String>,
    /// The newest sub-agents that it started, as its own log tells, oldest first.
    pub(crate) sub_agents: Vec<SubAgent>,
    /// Whether it runs without a person at its prompt, where the log tells.
    pub(crate) headless: Option<bool>,
    /// A person is asked before a call that wants more than it may.
    pub(crate) supervised: bool,
    /// It is to write a plan first, where the log tells.
    pub(crate) plans: Option<bool>,
    /// The beginning of the plan that its turn has come to, and that a person has to approve.
    pub(super) proposed: Option<String>,
    /// The log says when a turn ends, so that a text alone is no end.
    pub(crate) tells_ends: bool,
    pub(crate) started: Option<Time>,
    pub(crate) last_activity: Option<Time>,
    pub(crate) turn: Turn,
    /// Start of the newest turn.
    pub(crate) turn_since: Option<Time>,
    /// When somebody last asked for something; a turn that begins as a job has ended is nobody's asking.
    pub(crate) prompted: Option<Time>,
    /// Its first prompts, and what was used before each: by these a copy of its log is known.
    pub(super) asked: Vec<(Time, Tokens)>,
    /// The log has said of a turn that it ended.
    pub(crate) marks_ends: bool,
    /// Where the row lies that put the turn into its present state.
    pub(crate) turn_place: Place,
    /// When that was.
    pub(super) turn_at: Option<Time>,
    /// What the thread that this one was forked from had used, where totals go on from there.
    pub(crate) inherited: Option<Tokens>,
    /// The newest calls that ran another agent, oldest first.
    pub(crate) agent_calls: Vec<AgentCall>,
    /// Calls without result, oldest first.
    pub(crate) open: Vec<Call>,
    /// A call goes on in the background.
    pub(super) background_call: Option<BackgroundCall>,
    pub(crate) failures: Streak,
    pub(crate) last_failure: Option<Failure>,
    pub(crate) repeats: Streak,
    pub(crate) last_call: Option<LastCall>,
    pub(crate) retries: Streak,
    /// How far the plan has come.
    pub(crate) progress: Option<Progress>,
    /// How far a list has come that it keeps in plain text; no rule looks at it.
    pub(crate) task_list: Option<Progress>,
    /// In the checkpoint with the [`fold_state`](Self::fold_state).
    #[serde(skip)]
    pub(crate) plan: Vec<Step>,
    pub(crate) tokens: Tokens,
    /// How much of its model's context is filled, as of the newest reply.
    pub(crate) context: Option<ContextFill>,
    /// How much of its account's limits is used, as the client was last told.
    pub(crate) quota: Lazy<Vec<Quota>>,
    /// What it used on the newest day on which it used anything.
    pub(crate) day: DayTokens,
    /// In US dollars, where the client reckons it.
    pub(crate) cost: Option<f64>,
    pub(crate) tools: ToolCounts,
    /// What they were when the newest turn began.
    pub(crate) tools_before: ToolCounts,
    /// The tests that it ran.
    pub(crate) tests: TestRuns,
    /// How many files its calls wrote or edited.
    pub(crate) files_written: u32,
    /// The same by tool.
    pub(crate) by_tool: Lazy<BTreeMap<String, ToolCounts>>,
    /// Failed calls and API errors by what they have in common, the one seen last at the end.
    pub(crate) errors: Lazy<Vec<ErrorSeen>>,
    /// How many there were in all.
    pub(crate) errors_seen: u64,
    /// What it launched to go on after, oldest first.
    pub(crate) jobs: Vec<Job>,
    /// What it was asked, and what it said and did last.
    pub(crate) recap: Lazy<Recap>,
    /// What the client last told its user, which may be why a turn ends.
    pub(crate) notice: Option<Box<str>>,
    /// The reply whose rows come, as a hash of its id.
    pub(super) reply: u64,
    /// The last row of a log that is a tree, as a hash of its id.
    pub(super) leaf: u64,
    /// Those files, as hashes of their paths.
    #[serde(skip)]
    pub(super) files: Vec<u64>,
    #[serde(skip)]
    pub(crate) usages: Vec<(u64, Tokens)>,
    /// What was taken of the newest messages, where a log may tell a message again; by hashes of their ids.
    #[serde(skip)]
    pub(crate) consumed: Vec<(u64, Consumed)>,
    /// What happens is told here, too, where somebody asks to see it.
    #[serde(skip)]
    pub(crate) transcript: Option<Box<Transcript>>,
    /// The row being read: its time and place.
    #[serde(skip)]
    pub(crate) row: (Option<Time>, Place),
}

impl Session {
    /// A row begins. `active` says whether it shows the agent at work; metadata and queued input do not.
    pub(crate) fn row(&mut self, at: Option<Time>, place: Place, active: bool) {
        self.tell_row_end();
        self.row = (at, place);
        if let Some(at) = at {
            self.started = self.started.or(Some(at));
            if active {
                self.last_activity = self.last_activity.max(Some(at));
            }
        }
    }

    /// The row comes after `parent` in a log that is a tree. One that does not follow the last row begins another
    /// branch: what was open and counted in the old one is left behind.
    pub(crate) fn follows(&mut self, parent: &[u8], id: &[u8]) {
        if self.leaf != 0 && self.leaf != hash(parent) {
            self.open.clear();
            self.begin();
        }
        self.leaf = hash(id);
    }

    /// The session's own name; the first one holds, as forks repeat their parent's rows.
    pub(crate) fn identity(&mut self, id: &str, parent: Option<&str>) {
        if self.id.is_empty() && id.len() <= KEPT {
            id.clone_into(&mut self.id);
            // Its place may have told already whose sub-agent it is.
            self.parent = parent.filter(|parent| parent.len() <= KEPT).map(str::to_owned).or(self.parent.take());
        }
    }

    pub(crate) fn directory(&mut self, path: &str) {
        if self.directory.as_deref() != Some(path) && path.len() <= KEPT {
            self.directory = Some(path.to_owned());
        }
    }

    pub(crate) fn model(&mut self, name: &str) {
        if self.model.as_deref() != Some(name) {
            self.model = Some(keep(name));
        }
    }

    /// The client told its user something.
    pub(crate) fn noticed(&mut self, text: &str) {
        self.notice = Some(text::one_line(text, SHOWN).into());
    }

    /// Somebody asked for something. Calls that are still open will never come back: a resumed session does
    /// not go on with what a crash cut off.
    pub(crate) fn prompt(&mut self) {
        self.prompted = self.row.0.or(self.prompted);
        if let Some(at) = self.row.0.filter(|_| self.asked.len() < MOST_ASKED) {
            self.asked.push((at, self.tokens));
        }
        self.forget_list();
        self.woken();
    }

    /// A job has ended, or something of it is told: the agent is asked to go on.
    pub(crate) fn woken(&mut self) {
        if self.turn != Turn::Open {
            self.begin();
        }
        self.finish(Turn::Open);
        (self.notice, self.proposed) = (None, None);
        self.falls_silent();
        self.turn_since = self.row.0.or(self.turn_since);
        self.tools_before = self.tools;
    }

    /// The log itself says that a turn begins, whatever became of the one before.
    pub(crate) fn turn_started(&mut self) {
        self.turn = Turn::None;
        self.prompt();
    }

    /// The agent thinks or writes, and more will come. After what may not have been the end, or an interruption
    /// that it was not told of, the turn goes on.
    pub(crate) fn work(&mut self) {
        if self.turn != Turn::Open {
            let goes_on = matches!(self.turn, Turn::Ended { firm: false } | Turn::Interrupted);
            if !goes_on || self.turn_since.is_none() {
                self.begin();
                self.turn_since = self.row.0;
                self.tools_before = self.tools;
            }
            self.set(Turn::Open);
        }
        self.retries.end();
    }

    /// A text that may be the last of its turn.
    pub(crate) fn said(&mut self) {
        self.work();
        if self.open.is_empty() && !self.tells_ends {
            self.set(Turn::Ended { firm: false });
        }
    }

    /// A row of the reply with this id. A model is asked again only when all its calls have come back: those
    /// of an earlier reply that are still open were cut off, and never will.
    pub(crate) fn reply(&mut self, id: &[u8]) {
        let reply = hash(id);
        if !id.is_empty() && self.reply != reply {
            self.reply = reply;
            self.open.clear();
        }
    }

    /// The agent has written a plan. When the turn ends, a person is asked whether it may be carried out.
    pub(crate) fn proposes(&mut self, plan: &str) {
        self.proposed = Some(keep(plan));
    }

    /// The turn has ended as it should.
    pub(crate) fn ended(&mut self) {
        self.marks_ends = true;
        if self.turn != Turn::Open {
            // It was nothing but this text.
            self.woken_up();
        }
        self.finish(Turn::Ended { firm: true });
        if let Some(plan) = self.proposed.take() {
            self.asks("", "plan", &plan);
        }
    }

    /// The turn is over, however it went: after an error or an interruption this is said as well.
    pub(crate) fn over(&mut self) {
        if !matches!(self.turn, Turn::Errored(_) | Turn::Interrupted) {
            self.ended();
        }
    }

    pub(crate) fn interrupted(&mut self) {
        if self.turn != Turn::Interrupted {
            self.tell(EntryKind::Interrupted);
        }
        self.finish(Turn::Interrupted);
    }

    pub(crate) fn errored(&mut self, error: ApiError) {
        // Told again, it is the same one.
        if !matches!(self.turn, Turn::Errored(_)) {
            self.count_error(None, &error.text, error.class);
            self.tell(EntryKind::ApiError(error.text.clone()));
        }
        self.finish(Turn::Errored(error));
    }

    /// The model did not answer, and is asked again.
    pub(crate) fn retried(&mut self) {
        self.retries.add(self.row);
    }

    /// The error that seemed to end the turn did not: the model is asked again.
    pub(crate) fn tried_again(&mut self) {
        if matches!(self.turn, Turn::Errored(_)) {
            self.set(Turn::Open);
        }
    }

    /// What it takes to fold further rows, but not to judge: most logs of a poll have none, so it stays packed.
    pub(crate) fn fold_state(&self) -> Vec<u8> {
        // Plain data cannot fail to be packed; without it the log would only be read anew.
        postcard::to_stdvec(&(&self.plan, &self.usages, &self.consumed, &self.files)).unwrap_or_default()
    }

    /// Goes on with the workings of another time; says whether they could be read.
    pub(crate) fn resume(&mut self, workings: &[u8]) -> bool {
        let Ok(read) = postcard::from_bytes(workings) else { return false };
        (self.plan, self.usages, self.consumed, self.files) = read;
        true
    }

    /// When the newest turn ended, or, while it goes on, when it last moved. What a person does with the client after the
    /// end is no part of it.
    pub(crate) fn turn_until(&self) -> Option<Time> {
        match self.turn {
            Turn::None | Turn::Open => self.last_activity,
            Turn::Ended { .. } | Turn::Errored(_) | Turn::Interrupted => self.turn_at.or(self.last_activity),
        }
    }

    /// This is a fork: totals go on from those of the history that it begins with.
    pub(crate) fn is_fork(&mut self) {
        self.inherited.get_or_insert_default();
    }

    /// Whether the row is of that history: a fork writes the whole copy at once, with the time of that.
    pub(crate) fn is_copied(&self) -> bool {
        const AT_ONCE: Duration = Duration::from_secs(1);
        let at_once = |at: Time| self.started.is_some_and(|started| at <= started.plus(AT_ONCE));
        self.inherited.is_some() && self.row.0.is_some_and(at_once)
    }

    /// All so far is a copy of another session's history, which counts it itself; nobody has asked anything here yet.
    pub(crate) fn inherits(&mut self) {
        self.begin();
        (self.tools, self.tools_before) = Default::default();
        (self.by_tool, self.errors, self.errors_seen) = Default::default();
        (self.tokens, self.cost, self.recap) = Default::default();
        (self.tests, self.files_written, self.files) = Default::default();
        if self.turn != Turn::Open {
            self.turn = Turn::None;
        }
    }

    /// The calls of the newest turn.
    pub(crate) fn turn_tools(&self) -> ToolCounts {
        ToolCounts {
            calls: self.tools.calls.saturating_sub(self.tools_before.calls),
            failed: self.tools.failed.saturating_sub(self.tools_before.failed),
        }
    }

    /// The oldest call that waits for a person.
    pub(crate) fn question(&self) -> Option<&Call> {
        self.open.iter().find(|call| call.kind == CallKind::Question)
    }

    /// The oldest call that a person has to allow, and that would be over if one had, by how long a call is open.
    pub(crate) fn unallowed(&self, open_for: impl Fn(Time) -> Duration) -> Option<&Call> {
        self.open.iter().find(|call| {
            let is_late = |since| open_for(since) > call.timeout.unwrap_or_default();
            call.kind == CallKind::Gated && call.since.is_some_and(is_late)
        })
    }

    /// Makes the texts fit to be kept and shown: no secrets, no controls, no more than is shown.
    pub(crate) fn seal(&mut self) {
        self.tell_row_end();
        if let Some(answer) = self.last_call.as_mut().and_then(|last| last.answer.as_mut()) {
            answer.fingerprint();
        }
        // What no rule shows need not be kept.
        self.last_failure.take_if(|_| self.failures.count == 0);
        let calls = self.open.iter_mut().flat_map(|call| [&mut call.name, &mut call.summary]);
        let last = self.last_call.iter_mut().flat_map(|call| [&mut call.name, &mut call.summary]);
        let failure = self.last_failure.iter_mut().flat_map(|it| [&mut it.name, &mut it.summary, &mut it.text]);
        let jobs = self.jobs.iter_mut();
        let jobs = jobs.flat_map(|job| iter::once(&mut job.about).chain(&mut job.session).chain(&mut job.error));
        let steps = self.plan.iter_mut().map(|step| &mut step.text);
        let mut error: Vec<&mut String> = match &mut self.turn {
            Turn::Errored(error) => iter::once(&mut error.text).chain(&mut error.resets).collect(),
            Turn::None | Turn::Open | Turn::Ended { .. } | Turn::Interrupted => Vec::new(),
        };
        error.extend([&mut self.id].into_iter().chain(&mut self.parent).chain(&mut self.model));
        error.extend(&mut self.agent_type);
        error.extend(self.sub_agents.iter_mut().flat_map(SubAgent::texts));
        let listed = self.task_list.iter_mut().filter_map(|list| list.step.as_mut());
        for text in calls.chain(listed).chain(last).chain(failure).chain(jobs).chain(steps).chain(error) {
            *text = text::one_line(text, SHOWN);
        }
        self.progress = self.count_steps();
        self.seal_recap();
        self.quota.encode();
        self.by_tool.encode();
        self.errors.encode();
    }

    /// What was counted in the turn before is of no interest in the next one.
    pub(crate) fn begin(&mut self) {
        self.failures.end();
        self.end_repeats();
        self.woken_up();
    }

    pub(crate) fn finish(&mut self, turn: Turn) {
        self.open.clear();
        self.background_call = None;
        self.retries.end();
        self.set(turn);
    }

    fn set(&mut self, turn: Turn) {
        self.turn = turn;
        self.turn_place = self.row.1;
        self.turn_at = self.row.0.or(self.last_activity);
    }
}
