//! A snapshot with some of everything, and the same made hostile.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use crate::base::lazy::Lazy;
use crate::base::time::Time;
use crate::model::{
    Considered, ContextFill, ErrorClass, ErrorSeen, Evidence, Health, Problem, ProcessReport, Progress, ProgressSource,
    Quota, Reason, SessionReport, Snapshot, Summary, TaskReport, TestRuns, Tokens, ToolCounts, ToolReport, ToolsReport,
};

/// 2026-11-20T13:05:03Z.
pub(in crate::render) const NOW: Time = Time(1_795_179_903_000);
/// Clears the screen, writes the clipboard, ends lines, turns the direction, and starts a CI command.
pub(in crate::render) const HOSTILE: &str =
    "\n::error::a\x1b[2J\x1b]52;c;cm0=\x07\r\u{9b}31m\u{202e}b\u{2066}\u{2028}c\u{7f}\u{200f}\0\t名";

fn minutes(ago: i64) -> Time {
    Time(NOW.0 - ago * 60_000)
}

fn session(id: &str, health: Health, reason: Reason, detail: &str) -> SessionReport {
    SessionReport {
        client: "claude-code",
        id: id.into(),
        parent: None,
        agent_type: Some("main".into()),
        model: Some("claude-opus-4-5-20251101".into()),
        health,
        reason,
        detail: detail.into(),
        started: None,
        ended: None,
        last_activity: Some(minutes(1)),
        activity: None,
        tool: None,
        tools: ToolsReport {
            all: ToolCounts { calls: 41, failed: 5 },
            by_name: Lazy::of(&[("Bash".to_owned(), ToolCounts { calls: 41, failed: 5 })].into()),
        },
        errors: Lazy::of(&vec![ErrorSeen {
            pattern: "exit 1: cat: <path>: No such file or directory".into(),
            tool: Some("Bash".into()),
            class: Some(ErrorClass::Permanent),
            count: 5,
            example: "exit 1: cat: src/a.txt: No such file or directory".into(),
            first: minutes(9),
            last: minutes(2),
        }]),
        errors_seen: 5,
        tokens: Tokens { input: 12_345, cached_input: 1_234_567, cache_write: 45_000, output: 810 },
        files_written: 0,
        tests: TestRuns::default(),
        cost_usd: None,
        context: None,
        quota: Lazy::default(),
        tokens_today: 0,
        log: format!("/home/ann/.claude/projects/-srv-shop/{id}.jsonl").into(),
        process: Some(ProcessReport {
            pid: 4242,
            alive: true,
            cpu_seconds: 12.5,
            cpu_share: None,
            memory_bytes: 300 << 20,
        }),
        also_worked_in: vec![],
        sub_agents: Vec::new(),
    }
}

fn task(name: &str, id: &str, health: Health, reason: Reason, detail: &str) -> TaskReport {
    TaskReport {
        supervised: false,
        id: id.into(),
        known_as: id.into(),
        name: name.into(),
        title: None,
        repository: Some("/srv/shop".into()),
        worktree: Some(format!("/srv/shop/.worktrees/{name}").into()),
        branch: Some(name.into()),
        health,
        was: None,
        reason,
        detail: detail.into(),
        since: Some(minutes(7)),
        started: None,
        ended: None,
        last_activity: Some(minutes(1)),
        activity: None,
        expected_end: None,
        status: None,
        progress: None,
        failure_streak: 0,
        repeat_streak: 1,
        error_class: None,
        notes: vec![],
        alerts: Vec::new(),
        git: None,
        sessions: vec![session("5d0ef989-28d0-4a1f-9c36-0a5bd6a5b0a1", health, reason, detail)],
        evidence: vec![],
        next: vec![],
        question: None,
        last_message: None,
        reported: None,
        considered: vec![],
    }
}

fn steps(done: u32, total: u32, step: &str) -> Progress {
    Progress { done, total, step: Some(step.into()), percent: None, source: Some(ProgressSource::Plan) }
}

pub(in crate::render) fn struggling() -> TaskReport {
    let detail = "3 tool failures in a row: Bash `cargo test` exit 101";
    let mut task = task("billing", "bg_5e6f7a8b", Health::Struggling, Reason::FailureStreak, detail);
    task.progress = Some(steps(3, 7, "fixing rounding"));
    task.status = Some("running".into());
    task.failure_streak = 3;
    task.notes = vec!["status.json says completed, its log goes on".into()];
    task.next = vec![
        "agentmon explain billing".into(),
        "cd .worktrees/billing && claude --resume 5d0ef989-28d0-4a1f-9c36-0a5bd6a5b0a1".into(),
    ];
    task.activity = Some("editing src/rounding.rs".into());
    task.title = Some("Round prices half to even, and add a test".into());
    task.sessions[0].context = Some(ContextFill { used: 116_100, window: Some(258_400) });
    let quota = Quota { limit: "5h".into(), used_percent: 92.0, resets: Some(Time(NOW.0 + 4_200_000)) };
    task.sessions[0].quota = Lazy::of(&vec![quota]);
    task.sessions[0].activity = task.activity.clone();
    let child = |id: &str, health, reason, detail: &str| SessionReport {
        parent: Some(task.sessions[0].id.clone()),
        model: Some("claude-haiku-4-5-20251001".into()),
        ..session(id, health, reason, detail)
    };
    let mut agents = vec![
        child("agent-01a1fb3a", Health::Healthy, Reason::Working, "in Grep 3s (rounding)"),
        child("agent-77c2", Health::Failed, Reason::ApiError, "529 overloaded"),
    ];
    let other = SessionReport { client: "codex", model: Some("gpt-5.1-codex".into()), ..agents[0].clone() };
    let other = SessionReport { id: "019a8f00-1111-7222-8333-444455556666".into(), parent: None, ..other };
    agents.push(SessionReport { parent: Some(other.id.clone()), id: "019b".into(), ..other.clone() });
    agents.insert(2, other);
    task.sessions.extend(agents);
    let tool = ToolReport { name: "Bash".into(), summary: "cargo test".into(), since: Some(minutes(1)) };
    task.sessions[0].tool = Some(tool);
    task.evidence = vec![
        Evidence::at("/srv/shop/.worktrees/billing/log.jsonl", 17, 81_234, "third failed result"),
        Evidence::file("/srv/shop/.worktrees/billing/status.json", "says running"),
        Evidence::process(4242, Some(99), "alive"),
    ];
    let rule = |rule, decided, detail: &str| Considered { rule, decided, detail: detail.into() };
    task.considered = vec![
        rule("tool_silent", false, "Bash open for 1m of 30m"),
        rule("silent", false, "no activity for 1m of 10m"),
        rule("failure_streak", true, "3 of 3 failures in a row"),
        rule("repeating", false, "1 of 5 equal calls"),
    ];
    task
}

/// Six healths, three repositories, sessions of every kind.
pub(in crate::render) fn sample() -> Snapshot {
    let mut failed = task(
        "search",
        "bg_9a8b7c6d",
        Health::Failed,
        Reason::ProcessGone,
        "process 4242 is gone with its turn open, 3m of silence",
    );
    failed.progress = Some(steps(1, 4, "indexing"));
    failed.error_class = Some(ErrorClass::Transient);
    failed.next = vec!["cd .worktrees/search && codex resume 019a8f00-1111-7222-8333-444455556666".into()];
    let mut stuck = task("deploy", "deploy", Health::Stuck, Reason::WaitingForPerson, "waits for an answer for 12m");
    stuck.question = Some(
        "The migration drops the column `legacy_total`. Apply it to the staging database, or write a backfill first?"
            .into(),
    );
    stuck.next = vec!["cd .worktrees/deploy && claude --resume 5d0ef989".into()];
    stuck.last_activity = Some(minutes(12));
    let mut unknown = task("vendor", "vendor", Health::Unknown, Reason::Unreadable, "its only log could not be read");
    unknown.repository = Some("/srv/données".into());
    unknown.sessions.clear();
    unknown.last_activity = None;
    let mut healthy = task("parser", "bg_1a2b3c4d", Health::Healthy, Reason::Working, "");
    healthy.progress = Some(steps(2, 5, "analyzing codebase"));
    let agent = SessionReport { parent: Some(healthy.sessions[0].id.clone()), ..healthy.sessions[0].clone() };
    healthy.sessions.extend((0..9).map(|n| SessionReport { id: format!("agent-{n}"), ..agent.clone() }));
    healthy.sessions[4].health = Health::Completed;
    healthy.sessions[5].health = Health::Stuck;
    let mut wide = task("決済サービス", "bg_0badcafe", Health::Healthy, Reason::Working, "in Bash 18m (cargo build)");
    wide.progress = Some(steps(4, 9, "テストを書いています"));
    wide.repository = None;
    let mut long = task("refactor-the-entire-checkout-flow", "bg_cccccccc", Health::Healthy, Reason::Working, "");
    long.detail = "in Bash 2m (find . -name '*.rs' | xargs grep -n unwrap) ".repeat(12);
    let mut done = task("docs", "docs", Health::Completed, Reason::TurnEnded, "turn ended with 2/5 steps done");
    done.last_activity = Some(minutes(60 * 50));
    let tasks = vec![failed, stuck, struggling(), unknown, healthy, wide, long, done];
    let mut summary = Summary { older: 212, ..Summary::default() };
    for task in &tasks {
        summary.add(task.health);
    }
    let torn = Problem { line: Some(17), ..Problem::new("/srv/shop/.worktrees/docs/status.json", "expected value") };
    let problems = vec![torn, Problem { offset: Some(512), ..Problem::new("/var/log/x.jsonl", "not UTF-8") }];
    let idle = vec!["/srv/shop/.worktrees/old".into(), "/srv/shop".into()];
    let roots = vec!["/srv/shop".into()];
    let machine = None;
    Snapshot {
        schema: "agentmon.status/1",
        taken_at: NOW,
        roots,
        tasks,
        summary,
        machine,
        problems,
        idle,
        everywhere: None,
        recent: None,
        took: None,
    }
}

/// The same with the worst text in every place that can hold one.
pub(in crate::render) fn hostile() -> Snapshot {
    let mut snapshot = sample();
    let path = || PathBuf::from(OsString::from_vec([b"/srv/\xff", HOSTILE.as_bytes()].concat()));
    let text = || HOSTILE.to_owned();
    for task in &mut snapshot.tasks {
        (task.id, task.name, task.detail) = (format!("{HOSTILE}2"), text(), text());
        (task.activity, task.title, task.last_message) = (Some(text()), Some(text()), Some(text()));
        (task.repository, task.worktree, task.branch) = (Some(path()), Some(path()), Some(text()));
        (task.status, task.question, task.progress) = (Some(text()), Some(text()), Some(steps(1, 2, HOSTILE)));
        (task.notes, task.next) = (vec![text()], vec![text()]);
        task.evidence = vec![Evidence::at(path(), 1, 1, HOSTILE)];
        task.considered = vec![Considered { rule: "silent", decided: true, detail: text() }];
        for session in &mut task.sessions {
            (session.id, session.parent, session.model) = (text(), Some(text()), Some(text()));
            (session.detail, session.log, session.also_worked_in) = (text(), path(), vec![path()]);
            session.activity = Some(text());
            session.quota = Lazy::of(&vec![Quota { limit: text(), used_percent: 1.0, resets: None }]);
            session.tool = Some(ToolReport { name: text(), summary: text(), since: None });
        }
    }
    snapshot.problems = vec![Problem::new(path(), HOSTILE)];
    snapshot.idle = vec![path()];
    snapshot.roots = vec![path()];
    snapshot
}
