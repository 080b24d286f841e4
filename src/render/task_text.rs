//! What the forms for people share: grouping, the sentences below a task, the last lines.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use super::layout;
use super::options::{NBSP, Options};
use crate::base::time::Time;
use crate::model::{
    ErrorClass, Evidence, ExpectedEnd, GitReport, Health, Problem, Progress, ProgressSource, Reason, SessionReport,
    Snapshot, TaskReport, Tokens,
};
use crate::text::{self, short_number};

/// More sessions than this are counted, not listed.
const SESSIONS: usize = 6;
/// Columns of a worktree's name.
const NAME: usize = 400;
/// More problems than this are counted, not listed.
const PROBLEMS: usize = 10;

/// What kind of failure an error is; there may be no evidence for any.
pub(super) fn class(class: Option<ErrorClass>) -> &'static str {
    class.map_or("unclear", ErrorClass::words)
}

/// `bg_5e6f7a8b (billing)`: a task, and its worktree where that has another name.
pub(super) fn with_worktree(task: String, worktree: Option<&str>, options: &Options) -> String {
    let worktree = worktree.and_then(|path| Path::new(path).file_name()?.to_str());
    match worktree.map(|name| options.text(&text::one_line(name, NAME))).filter(|name| *name != task) {
        Some(worktree) => format!("{task} ({worktree})"),
        None => task,
    }
}

/// The tasks of each repository, both in the order in which they come.
pub(super) fn repositories(tasks: &[TaskReport]) -> Vec<(Option<&Path>, Vec<&TaskReport>)> {
    let mut groups: Vec<(Option<&Path>, Vec<&TaskReport>)> = Vec::new();
    for task in tasks {
        let repository = task.repository.as_deref();
        match groups.iter_mut().find(|(known, _)| *known == repository) {
            Some((_, tasks)) => tasks.push(task),
            None => groups.push((repository, vec![task])),
        }
    }
    groups
}

/// Whole, and not as seen from the current directory: it says where that is.
pub(super) fn repository(path: Option<&Path>, options: &Options) -> String {
    path.map_or_else(|| "no repository".to_owned(), |path| options.text(&path.to_string_lossy()))
}

/// `(id)`, unless it says no more than the name.
pub(super) fn id(task: &TaskReport, options: &Options) -> Option<String> {
    (task.id != task.name).then(|| format!("({})", options.text(&task.id)))
}

/// `3/7`, or `40 %` where only that is known.
pub(super) fn steps(progress: &Progress) -> Option<String> {
    let steps = progress.steps().map(|(done, total)| format!("{done}/{total}"));
    let about = if progress.source == Some(ProgressSource::Estimate) { "~" } else { "" };
    steps.or_else(|| progress.percent.map(|percent| format!("{about}{percent} %")))
}

/// `3/7 steps, fixing rounding`, or `40 %, fixing rounding`; without a plan, what it was asked.
pub(super) fn progress(task: &TaskReport, options: &Options) -> String {
    let steps = task.progress.as_ref().and_then(|progress| {
        let unit = match progress.source {
            _ if progress.steps().is_none() => "",
            // What the agent has written down, and not a plan that its client keeps.
            Some(ProgressSource::TaskList) => " items",
            _ => " steps",
        };
        steps(progress).map(|steps| steps + unit)
    });
    let asked = asked(task, options);
    steps.into_iter().chain(asked).chain(step(task).map(|step| options.text(step))).collect::<Vec<_>>().join(", ")
}

/// A line for each session besides the one that judges, or, where there are many, for each that needs
/// attention and one for the rest; plain, with the health that it tells.
pub(super) fn further(task: &TaskReport, options: &Options) -> Vec<(Option<Health>, String)> {
    let further = task.sessions.get(1..).unwrap_or_default();
    let all = options.verbose || further.len() <= SESSIONS;
    let (shown, rest): (Vec<_>, Vec<_>) = further.iter().partition(|session| all || session.health.needs_attention());
    let line = |session: &&SessionReport| (Some(session.health), session_line(task, session, options));
    let mut lines: Vec<_> = shown.iter().map(line).collect();
    if !rest.is_empty() {
        let tally = tally(|health| rest.iter().filter(|session| session.health == health).count());
        let count = text::count(rest.len() as u64, "more session", "more sessions");
        lines.push((None, format!("{} {count}: {tally}", options.branch())));
    }
    lines
}

/// `└ codex 01a1fb3a (sub-agent): ✓ Healthy - in Grep 3s`; a step further in if its parent is listed, too.
fn session_line(task: &TaskReport, session: &SessionReport, options: &Options) -> String {
    let (kind, deeper) = match &session.parent {
        None => ("", ""),
        Some(parent) if task.sessions[0].id == *parent => (" (sub-agent)", ""),
        Some(_) => (" (sub-agent)", "  "),
    };
    let id = short(&session.id, options);
    // Held together for `Options::tint`, which finds it.
    let word = options.health(session.health).replace(' ', NBSP);
    let says = session.activity.as_ref().filter(|_| session.reason == Reason::Working);
    let detail = options.text(says.unwrap_or(&session.detail));
    let dash = if detail.is_empty() { "" } else { " - " };
    let mut line = [deeper, options.branch(), " ", session.client, " ", &id, kind, ": ", &word, dash, &detail].concat();
    if options.verbose {
        // The process is mostly that of the main session, which tells it.
        let pid = |session: &SessionReport| session.process.as_ref().map(|process| process.pid);
        let process = process(session).filter(|_| pid(session) != pid(&task.sessions[0]));
        let facts: Vec<_> = facts(session, options).into_iter().chain(process).collect();
        if !facts.is_empty() {
            let _ = write!(line, "{}{}", options.dot(), facts.join(", "));
        }
    }
    line
}

/// Enough of a session's id to tell it from its neighbours.
pub(super) fn short(id: &str, options: &Options) -> String {
    let is_hex = id.len() >= 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    match id.as_bytes().get(14) {
        // Of those that begin with a time, the first eight digits last for a minute.
        Some(b'7') if is_hex && id.len() == 36 => id[..13].to_owned(),
        _ if is_hex => id[..8].to_owned(),
        _ => options.text(&text::one_line(id, 16)),
    }
}

/// `claude-code opus-4-5`: without vendor and date, which are the same for all.
pub(super) fn agent(session: &SessionReport, options: &Options) -> String {
    let Some(model) = &session.model else { return session.client.to_owned() };
    let model = options.text(model);
    let model = model.rsplit('/').next().unwrap_or_default();
    let model = model.strip_prefix("claude-").unwrap_or(model);
    let model = match model.rsplit_once('-') {
        Some((name, date)) if date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => model,
    };
    format!("{} {model}", session.client)
}

/// What is said below a task besides its next steps, labelled.
pub(super) fn remarks(task: &TaskReport, options: &Options, taken_at: Time) -> Vec<(&'static str, String)> {
    // What is in no repository stands under no path.
    let alone = task.worktree.as_deref().filter(|_| task.repository.is_none());
    let mut remarks: Vec<_> = alone.map(|path| ("in", options.text(&path.to_string_lossy()))).into_iter().collect();
    remarks.extend(notes(task, options));
    remarks.extend(task.git.as_ref().map(|git| ("left", left(git))));
    if options.verbose {
        let session = task.sessions.first();
        remarks.extend(task.title.as_ref().map(|title| ("asked", options.text(title))));
        remarks.extend(task.last_message.as_ref().map(|said| ("said", options.text(said))));
        remarks.extend(now(task).map(|activity| ("now", options.text(activity))));
        remarks.extend(task.expected_end.map(|end| ("expected", expected(&end, taken_at))));
        remarks.extend(session.map(|session| ("session", judge(session, options))));
        remarks.extend(session.and_then(|session| quota(session, options, taken_at)).map(|quota| ("quota", quota)));
        remarks.extend(places(task, options).into_iter().map(|place| ("evidence", place)));
    }
    remarks
}

/// A label before what is said below a task. With much below it, the texts are one below the other.
pub(super) fn label(label: &str, options: &Options) -> String {
    // As wide as `evidence: `.
    let width = if options.verbose { 10 } else { 0 };
    format!("{:width$}", format!("{label}: "))
}

/// What the agent of a struggling task does now, unless its line says it. Of any other, the verdict says what it does, or
/// that it does nothing.
fn now(task: &TaskReport) -> Option<&str> {
    let activity = task.activity.as_deref().filter(|_| task.health == Health::Struggling)?;
    Some(activity).filter(|activity| step(task) != Some(*activity))
}

/// The evidence, that of one file or process as one: `path:12: first failed result; :17: last failed result`. Left out is the
/// process of the session, which is told there.
fn places(task: &TaskReport, options: &Options) -> Vec<String> {
    let process = task.sessions.first().and_then(SessionReport::living);
    let is_told = |evidence: &&Evidence| evidence.is_agent() && evidence.pid == process.map(|process| process.pid);
    let told: Vec<&Evidence> = task.evidence.iter().filter(|evidence| !is_told(evidence)).collect();
    let of_one_place = |one: &&Evidence, next: &&Evidence| (&one.path, one.pid) == (&next.path, next.pid);
    let text = |group: &[&Evidence]| {
        let mut text = evidence(group[0], options);
        for more in &group[1..] {
            let line = more.line.map(|line| format!(":{line}: ")).unwrap_or_default();
            let _ = write!(text, "; {line}{}", options.text(&more.what));
        }
        text
    };
    told.chunk_by(of_one_place).map(text).collect()
}

/// `to end in 4m to 12m, as half of 9 earlier runs that took longer`
fn expected(end: &ExpectedEnd, now: Time) -> String {
    let [from, to] = [end.from, end.to].map(|at| text::age(at.since(now)));
    format!(
        "to end in {from} to {to}, as half of {} that took longer",
        text::count(end.runs.into(), "earlier run", "earlier runs")
    )
}

/// `3 commits (5 files, +120 -14), 2 files uncommitted, 1 untracked`.
fn left(git: &GitReport) -> String {
    let commits = git.commits.map(|commits| {
        let counts = git.files.zip(git.insertions).zip(git.deletions).filter(|_| commits > 0);
        let changed = counts
            .map(|((files, more), less)| format!(" ({}, +{more} -{less})", text::count(files.into(), "file", "files")));
        let commits =
            if commits == 0 { "no commit".to_owned() } else { text::count(commits.into(), "commit", "commits") };
        commits + &changed.unwrap_or_default()
    });
    let open = git.open_files();
    let open = Some(if open.is_empty() { "nothing uncommitted".to_owned() } else { open });
    commits.into_iter().chain(open).collect::<Vec<_>>().join(", ")
}

/// The notes of a task, each labelled as an alert or a note.
pub(super) fn notes(task: &TaskReport, options: &Options) -> impl Iterator<Item = (&'static str, String)> {
    let is_alert = |note: &String| task.alerts.iter().any(|alert| alert.detail == *note);
    task.notes.iter().map(move |note| (if is_alert(note) { "alert" } else { "note" }, options.text(note)))
}

/// `12m ago (2026-11-20 13:53:03 +01:00)`.
pub(super) fn ago(at: Time, taken_at: Time, options: &Options) -> String {
    format!("{} ago ({})", text::age(taken_at.since(at)), options.moment(at))
}

fn judge(session: &SessionReport, options: &Options) -> String {
    let name = format!("{} {}", session.client, short(&session.id, options));
    let facts = facts(session, options).into_iter().chain(process(session));
    std::iter::once(name).chain(facts).collect::<Vec<_>>().join(", ")
}

/// `gpt-5.1-codex`, `41 tool calls (5 failed)`, `tokens: ...`: what is known of it, apart from its process.
fn facts(session: &SessionReport, options: &Options) -> Vec<String> {
    // Most are nothing else.
    let role = session.agent_type.as_ref().filter(|role| *role != "main").map(|role| options.text(role));
    let used = Some(&session.tokens).filter(|tokens| **tokens != Tokens::default());
    let facts = [
        role,
        session.model.as_ref().map(|model| options.text(model)),
        Some(tools(session)).filter(|_| session.tools.all.calls > 0),
        work(session),
        used.map(|used| format!("tokens: {}", tokens(used))),
        session.cost_usd.map(|dollars| format!("${dollars:.2}")),
        context(session).map(|fill| format!("context {fill}")),
    ];
    facts.into_iter().flatten().collect()
}

/// `116.1k of 258.4k tokens (44 %)`, or without a window that is known `116.1k tokens`.
pub(super) fn context(session: &SessionReport) -> Option<String> {
    let fill = session.context?;
    let used = short_number(fill.used);
    Some(match (fill.share(), fill.window) {
        (Some(share), Some(window)) => {
            format!("{used} of {} tokens ({:.0} %)", short_number(window), (share * 100.0).floor())
        }
        _ => format!("{used} tokens"),
    })
}

/// `5h 92 % used, resets in 1h10m; 7d 40 % used`: of limits that have not begun anew since they were told.
pub(super) fn quota(session: &SessionReport, options: &Options, taken_at: Time) -> Option<String> {
    let holds = session.quota.get().into_iter().filter(|quota| quota.holds(taken_at));
    let each = holds.map(|quota| {
        let resets = quota.resets.map(|at| format!(", resets in {}", text::age(at.since(taken_at))));
        format!("{} {:.0} % used{}", options.text(&quota.limit), quota.used_percent, resets.unwrap_or_default())
    });
    Some(each.collect::<Vec<_>>().join("; ")).filter(|told| !told.is_empty())
}

/// `3 files written, 4 test runs (1 failed, not the last)`.
pub(super) fn work(session: &SessionReport) -> Option<String> {
    let files = u64::from(session.files_written);
    let files = (files > 0).then(|| format!("{} written", text::count(files, "file", "files")));
    let tests = (session.tests.runs > 0).then(|| {
        let runs = text::count(session.tests.runs.into(), "test run", "test runs");
        match (session.tests.failed, session.tests.last_failed) {
            (0, _) => runs,
            (failed, true) if failed == session.tests.runs => format!("{runs} (failed)"),
            (failed, true) => format!("{runs} ({failed} failed, the last too)"),
            (failed, false) => format!("{runs} ({failed} failed, not the last)"),
        }
    });
    let work: Vec<_> = files.into_iter().chain(tests).collect();
    (!work.is_empty()).then(|| work.join(", "))
}

/// `41 tool calls (5 failed)`.
pub(super) fn tools(session: &SessionReport) -> String {
    let mut line = text::count(session.tools.all.calls, "tool call", "tool calls");
    if session.tools.all.failed > 0 {
        let _ = write!(line, " ({} failed)", session.tools.all.failed);
    }
    line
}

/// `12.3k in, 1.2M cache read, 45.0k cache write, 8.1k out`.
pub(super) fn tokens(tokens: &Tokens) -> String {
    let cache = [(tokens.cached_input, "cache read"), (tokens.cache_write, "cache write")];
    let cache = cache.into_iter().filter(|(count, _)| *count > 0);
    let cache: Vec<_> = cache.map(|(count, what)| format!(", {} {what}", short_number(count))).collect();
    format!("{} in{}, {} out", short_number(tokens.input), cache.concat(), short_number(tokens.output))
}

/// `pid 4242 alive, 12s of CPU, 300 MiB`.
pub(super) fn process(session: &SessionReport) -> Option<String> {
    let process = session.process.as_ref()?;
    if !process.alive {
        return Some(format!("pid {} gone", process.pid));
    }
    let cpu = text::age(Duration::try_from_secs_f64(process.cpu_seconds).unwrap_or_default());
    Some(format!("pid {} alive, {cpu} of CPU, {}", process.pid, text::bytes(process.memory_bytes)))
}

/// `path:17: third failed result`, so that editors can jump.
pub(super) fn evidence(evidence: &Evidence, options: &Options) -> String {
    let mut place = evidence.path.as_deref().map(|path| options.path(path)).unwrap_or_default();
    if let Some(line) = evidence.line {
        let _ = write!(place, ":{line}");
    }
    if let Some(pid) = evidence.pid {
        let gap = if place.is_empty() { "" } else { " " };
        let _ = write!(place, "{gap}pid {pid}");
    }
    if let Some(start) = evidence.start_time {
        let _ = write!(place, " (start {start})");
    }
    format!("{place}: {}", options.text(&evidence.what))
}

/// What is to be known before all else: that logs could not be read, so that tasks may be missing.
pub(super) fn warning(snapshot: &Snapshot, options: &Options) -> Option<(&'static str, String)> {
    let mut unread = snapshot.problems.iter().filter(|found| found.unread.is_some());
    let first = problem(unread.next()?, options);
    let more = match unread.count() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Some(("logs not read", format!("{first}{more}")))
}

/// What could not be read and what holds no task, labelled.
pub(super) fn leftovers(snapshot: &Snapshot, options: &Options) -> Vec<(&'static str, String)> {
    let mut lines = problems(&snapshot.problems, options);
    if options.verbose {
        lines.extend(snapshot.idle.iter().map(|path| ("no task", options.path(path))));
        let gone = snapshot.everywhere.iter().flat_map(|everywhere| &everywhere.gone);
        lines.extend(gone.map(|path| ("gone", options.path(path))));
    }
    lines
}

/// The sentence of the verdict, with the health before it where `--changes` tells one. Of a task at work it is what its
/// agent does now; of one that has completed, what it said at the end as well, which `-v` has below, whole.
pub(super) fn detail(task: &TaskReport, options: &Options) -> String {
    let detail = options.text(says_activity(task).unwrap_or(&task.detail));
    let said = task.last_message.as_ref().filter(|_| !options.verbose);
    let said = said.map(|said| options.kept(&quoted(said)));
    let parts = Some(detail).filter(|detail| !detail.is_empty()).into_iter().chain(said);
    let detail = parts.collect::<Vec<_>>().join(": ");
    match task.was.map(Health::code) {
        Some(was) if detail.is_empty() => format!("was {was}"),
        Some(was) => format!("{detail} (was {was})"),
        None => detail,
    }
}

/// Columns of what was asked or said.
const QUOTED: usize = 80;

/// What somebody wrote, so that it is not taken for a sentence of this program.
fn quoted(text: &str) -> String {
    format!("“{}”", text::cut(text, QUOTED))
}

/// What it was asked, where no plan tells what it is about. With `-v` it is below the task, whole.
pub(super) fn asked(task: &TaskReport, options: &Options) -> Option<String> {
    let tells = |progress: &Progress| progress.source != Some(ProgressSource::Estimate);
    let title = task.title.as_ref().filter(|_| !options.verbose && !task.progress.as_ref().is_some_and(tells));
    title.map(|title| options.kept(&quoted(title)))
}

/// What the agent does now, where that is all that is to be said of the task.
pub(super) fn says_activity(task: &TaskReport) -> Option<&str> {
    task.activity.as_deref().filter(|_| task.reason == Reason::Working)
}

/// The step being worked on, or what the agent does now, where nothing else tells that.
pub(super) fn step(task: &TaskReport) -> Option<&str> {
    let step = task.progress.as_ref().and_then(|progress| progress.step.as_deref());
    // Of one that hangs or repeats itself, the sentence says it.
    let tells = matches!(task.reason, Reason::FailureStreak | Reason::ApiRetries);
    step.filter(|step| !step.is_empty()).or_else(|| task.activity.as_deref().filter(|_| tells))
}

/// What it asks, unless the sentence of the verdict ends with that.
pub(super) fn question(task: &TaskReport, options: &Options) -> Option<String> {
    let question = task.question.as_deref().filter(|question| !task.detail.ends_with(question));
    question.map(|question| options.text(question))
}

/// What could not be read, labelled.
pub(super) fn problems(problems: &[Problem], options: &Options) -> Vec<(&'static str, String)> {
    let shown = if options.verbose { usize::MAX } else { PROBLEMS };
    let mut lines: Vec<_> = problems.iter().take(shown).map(|found| ("problem", problem(found, options))).collect();
    let hidden = problems.len() - lines.len();
    if hidden > 0 {
        lines.push(("problem", format!("{hidden} more, -v lists them")));
    }
    lines
}

/// `path:17: message`, so that editors can jump.
fn problem(problem: &Problem, options: &Options) -> String {
    let place = match (problem.line, problem.offset) {
        (Some(line), _) => format!(":{line}"),
        (None, Some(offset)) => format!(" (byte {offset})"),
        (None, None) => String::new(),
    };
    format!("{}{place}: {}", options.path(&problem.path), options.text(&problem.message))
}

/// `5 tasks: 1 struggling, 4 healthy · 212 older, --since all shows them · 2026-11-20 14:05:03 +01:00`, on as
/// many lines as it takes.
pub(super) fn summary(snapshot: &Snapshot, options: &Options, width: usize) -> Vec<String> {
    let mut parts = vec![tasks(snapshot)];
    if !snapshot.idle.is_empty() {
        let count = text::count(snapshot.idle.len() as u64, "worktree", "worktrees");
        parts.push(format!("{count} without a task"));
    }
    let (gone, unopened) = snapshot.everywhere.as_ref().map_or((0, 0), |all| (all.gone.len(), all.unopened));
    if gone > 0 {
        parts.push(format!("{} gone", text::count(gone as u64, "directory", "directories")));
    }
    let older = match (snapshot.summary.older, unopened) {
        (0, 0) => None,
        (older, 0) => Some(format!("{older} older")),
        (0, _) => Some(text::count(unopened as u64, "older log", "older logs")),
        (older, _) => Some(format!("{older} older, {} more", text::count(unopened as u64, "older log", "older logs"))),
    };
    let them = text::them(u64::from(snapshot.summary.older) + unopened as u64);
    parts.extend(older.map(|older| format!("{older}, --since all shows {them}")));
    parts.push(options.moment(snapshot.taken_at));
    last_lines(parts, options, width)
}

/// The parts on one line, or as many as it takes.
pub(super) fn last_lines(parts: Vec<String>, options: &Options, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if text::width(line) + 3 + text::width(&part) <= width => {
                *line = [line, options.dot(), &part].concat();
            }
            _ => lines.extend(layout::wrap(&part, width, usize::MAX, "")),
        }
    }
    lines
}

/// `5 tasks: 1 struggling, 4 healthy`.
fn tasks(snapshot: &Snapshot) -> String {
    let summary = &snapshot.summary;
    match Health::ALL.iter().map(|health| u64::from(summary.count(*health))).sum() {
        0 => "no tasks".to_owned(),
        n => format!("{}: {}", text::count(n, "task", "tasks"), tally(|health| summary.count(health) as usize)),
    }
}

/// `1 stuck, 3 healthy`: worst first, none left out but those that are none.
fn tally(count: impl Fn(Health) -> usize) -> String {
    let counts = Health::ALL.into_iter().map(|health| (count(health), health.code()));
    let named: Vec<_> = counts.filter(|(n, _)| *n > 0).map(|(n, code)| format!("{n} {code}")).collect();
    named.join(", ")
}
