//! What an agent does now, in plain words: `editing src/tokens.rs`, `running cargo test for 2m`, `thinking for 40s`.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use super::rules::facts::{Facts, SessionFacts};
use crate::base::time::Time;
use crate::model::{Health, Reason, Verdict};
use crate::session::{CallKind, plain_name};
use crate::text::{age, cut, width};

/// What takes no longer than this is not worth a number; so long, a call that came back is what it is busy with.
const MOMENT: Duration = Duration::from_secs(10);
/// Columns of a command, a path or the name of a tool.
const OBJECT: usize = 60;

/// What is done with a tool, by its plain name.
const VERBS: &[(&str, &[&str])] = &[
    (
        RUNNING,
        &[
            "bash",
            "containerexec",
            "exec",
            "execcommand",
            "runcommands",
            "execute",
            "localshell",
            "powershell",
            "runcommand",
            "runshellcommand",
            "runterminalcmd",
            "shell",
            "shellcommand",
        ],
    ),
    (
        "editing",
        &[
            "applypatch",
            "edit",
            "editfile",
            "editor",
            "multiedit",
            "notebookedit",
            "patch",
            "replace",
            "strreplace",
            "strreplaceeditor",
        ],
    ),
    ("writing", &["create", "createfile", "write", "writefile"]),
    ("reading", &["notebookread", "read", "readfile", "readfiles", "readmanyfiles", "view", "viewimage"]),
    ("listing", &["list", "listdir", "listdirectory", "ls"]),
    (SEARCHING, &["codesearch", "glob", "grep", "grepsearch", "rg", "search", "searchfilecontent", "searchfiles"]),
    ("fetching", &["fetch", "fetchcontent", "fetchurl", "webfetch"]),
    ("searching the web", &["googlewebsearch", "websearch"]),
    (
        AGENT,
        &[
            "agent",
            "delegate",
            "delegatetoagent",
            "listagents",
            "readagent",
            "spawnagent",
            "subagent",
            "task",
            "waitagent",
        ],
    ),
    (
        PLANNING,
        &[
            "taskcreate",
            "tasklist",
            "taskupdate",
            "todo",
            "todolist",
            "todowrite",
            "updateplan",
            "updatetodo",
            "writetodos",
        ],
    ),
];

const RUNNING: &str = "running";
const SEARCHING: &str = "searching";
const AGENT: &str = "waiting for sub-agent";
const PLANNING: &str = "updating its plan";

/// What a session does now; nothing where it has ended, or where that cannot be told.
pub(super) fn activity(verdict: &Verdict, facts: &Facts<'_>, worktree: &Path) -> Option<String> {
    let seen = facts.session?;
    match verdict.reason {
        Reason::WaitingForPerson => return Some("waiting for input".to_owned()),
        // The sentence of the verdict begins with it.
        Reason::WaitingForJob => return Some(verdict.detail.clone()).filter(|detail| !detail.is_empty()),
        _ => {}
    }
    let runs = matches!(verdict.health, Health::Healthy | Health::Struggling | Health::Stuck);
    if !runs || !seen.goes_on(facts) {
        return None;
    }
    let (what, since) = present(&seen, facts.now, worktree)?;
    let span = since.map(|since| seen.age(facts.now, since)).filter(|span| *span >= MOMENT);
    Some(span.map_or_else(|| what.clone().into_owned(), |span| format!("{what} for {}", age(span))))
}

/// What goes on, and since when.
fn present(seen: &SessionFacts<'_>, now: Time, worktree: &Path) -> Option<(Cow<'static, str>, Option<Time>)> {
    if let Some(call) = seen.call() {
        let what = match call.kind {
            CallKind::Poller if verb(&plain_name(&call.name)) == Some(AGENT) => AGENT.into(),
            CallKind::Poller => "waiting for background work".into(),
            _ => words(&call.name, &call.summary, worktree).into(),
        };
        return Some((what, call.since));
    }
    if seen.tool_since().is_some() {
        return Some(("running a command".into(), None));
    }
    if seen.session.retries.count > 0 {
        return Some(("asking the model again".into(), seen.session.retries.since));
    }
    if seen.child_working {
        return Some((AGENT.into(), None));
    }
    let last = seen.session.recap.get().last_call;
    let tells_times = seen.session.last_activity.is_some();
    let is_new = seen.silence(now).is_some_and(|silence| silence < MOMENT);
    // A command that came back does not run; what else was done a moment ago tells more than that it thinks.
    let done = last.filter(|_| is_new || !tells_times).map(|(name, summary)| words(&name, &summary, worktree));
    match done.filter(|done| !tells_times || !done.starts_with(RUNNING)) {
        Some(done) => Some((done.into(), None)),
        // Without times it is not told whether it thinks.
        None => tells_times.then(|| ("thinking".into(), seen.last_activity)),
    }
}

/// `editing src/tokens.rs`: what a call does.
fn words(tool: &str, about: &str, worktree: &Path) -> String {
    // Of an MCP server's tool, the server stands before.
    let name = plain_name(tool.rsplit("__").next().unwrap_or(tool));
    match verb(&name) {
        Some(RUNNING) => running(about, worktree),
        Some(verb @ (AGENT | PLANNING)) => verb.to_owned(),
        Some(SEARCHING) => {
            // A folder or a pattern: only a whole path is sure to be a folder.
            let folder = Some(relative(about, worktree)).filter(|it| about.starts_with('/') && !it.is_empty());
            folder.map_or_else(|| SEARCHING.to_owned(), |folder| format!("{SEARCHING} in {}", short(&folder)))
        }
        Some(verb) if about.is_empty() => verb.to_owned(),
        Some(verb) => format!("{verb} {}", short(&relative(about, worktree))).trim_end().to_owned(),
        None => format!("using {}", cut(tool, OBJECT)),
    }
}

fn verb(name: &str) -> Option<&'static str> {
    VERBS.iter().find(|(_, tools)| tools.contains(&name)).map(|(verb, _)| *verb)
}

/// `running cargo test`, without what stands around it: where it runs, and how much of its output is looked at. A
/// script of Codex is known by the tool that it calls, or by its first line.
fn running(command: &str, worktree: &Path) -> String {
    if let Some(file) = command.strip_prefix("apply_patch ") {
        return words("apply_patch", file, worktree);
    }
    if verb(&plain_name(command)).is_some_and(|verb| verb != RUNNING) {
        return words(command, "", worktree);
    }
    if command.is_empty() {
        return "running a command".to_owned();
    }
    if SCRIPT.iter().any(|start| command.starts_with(start)) {
        return "running a script".to_owned();
    }
    let mut command = command.trim();
    if let Some((before, after)) = command.split_once(" && ").filter(|(before, _)| is_change_of_folder(before)) {
        command = if after.trim().is_empty() { before } else { after.trim() };
    }
    while let Some((before, _)) = command.rsplit_once(" | ").filter(|(_, after)| is_look_at_part(after)) {
        command = before.trim_end();
    }
    let command = command.strip_suffix("2>&1").map_or(command, str::trim_end);
    let command = relative(command, worktree);
    // Of several commands, the words around them would seem to be a part.
    let quote = if command.contains([';', '|', '&', '<', '>']) { "`" } else { "" };
    format!("{RUNNING} {quote}{}{quote}", cut(&command, OBJECT))
}

/// How a script of Codex begins.
const SCRIPT: &[&str] = &["const ", "let ", "await ", "//", "for (", "text(", "async ", "var "];

fn is_change_of_folder(command: &str) -> bool {
    command.strip_prefix("cd ").is_some_and(|folder| !folder.contains([';', '|', '&']))
}

fn is_look_at_part(command: &str) -> bool {
    let mut words = command.split_whitespace();
    matches!(words.next(), Some("head" | "tail")) && words.all(|word| word.starts_with(['-', '+']) || is_number(word))
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

/// The text with paths as seen from the worktree: nothing remains of the worktree itself.
fn relative<'a>(text: &'a str, worktree: &Path) -> Cow<'a, str> {
    match worktree.to_str().filter(|path| path.len() > 1 && text.contains(path)) {
        Some(path) if text == path => "".into(),
        Some(path) => text.replace(&format!("{path}/"), "").into(),
        None => text.into(),
    }
}

/// A path within its columns: its end tells more than its beginning.
fn short(path: &str) -> Cow<'_, str> {
    if width(path) <= OBJECT || path.contains(' ') {
        return cut(path, OBJECT);
    }
    let starts = path.match_indices('/').map(|(at, _)| &path[at..]);
    let fits = starts.into_iter().find(|end| width(end) < OBJECT);
    fits.map_or_else(|| cut(path, OBJECT), |end| format!("…{end}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_in_plain_words() {
        let worktree = Path::new("/srv/shop/.worktrees/task-x");
        let long = format!("/srv/shop/.worktrees/task-x/{}/tokens.rs", "a-long-name/".repeat(9).trim_end_matches('/'));
        let cases = [
            ("Edit", "/srv/shop/.worktrees/task-x/src/tokens.rs", "editing src/tokens.rs"),
            ("apply_patch", "src/tokens.rs", "editing src/tokens.rs"),
            ("write_file", "/etc/motd", "writing /etc/motd"),
            ("Read", "/srv/shop/.worktrees/task-xy/a", "reading /srv/shop/.worktrees/task-xy/a"),
            ("Edit", &long, "editing …/a-long-name/a-long-name/a-long-name/a-long-name/tokens.rs"),
            ("Bash", "cargo test", "running cargo test"),
            ("Bash", "cd /srv/shop && cargo test 2>&1 | tail -n 30", "running cargo test"),
            ("Bash", "cat a | grep 'x | tail'", "running `cat a | grep 'x | tail'`"),
            ("Bash", "python3 /srv/shop/.worktrees/task-x/go.py", "running python3 go.py"),
            ("shell", "", "running a command"),
            ("exec", "apply_patch src/a.rs", "editing src/a.rs"),
            ("exec", "update_plan", "updating its plan"),
            ("exec", "const r = await tools.x()", "running a script"),
            ("Grep", "fn main", "searching"),
            ("Grep", "src", "searching"),
            ("Grep", "/srv/shop/.worktrees/task-x/src", "searching in src"),
            ("Glob", "/srv/shop/.worktrees/task-x", "searching"),
            ("LS", "/srv/shop/.worktrees/task-x", "listing"),
            ("WebFetch", "https://a.example/b", "fetching https://a.example/b"),
            ("Task", "look around", "waiting for sub-agent"),
            ("TodoWrite", "", "updating its plan"),
            ("mcp__fs__read_file", "a.rs", "reading a.rs"),
            ("mcp__tracker__new_issue", "a", "using mcp__tracker__new_issue"),
            ("", "", "using "),
        ];
        for (tool, about, wanted) in cases {
            assert_eq!(words(tool, about, worktree), wanted, "{tool} {about}");
        }
    }
}
