//! What a command line of a shell is for: whether it only looks or waits, and up to which exit code it answers a
//! question instead of failing, and whether it ends by itself. One reader of command lines serves all tables.

mod line;

use line::{Command, Join, commands};

/// Programs that answer a question by their exit code, with the highest code that is an answer. Words without a dash
/// are the program and what stands first behind it; the others stand anywhere.
const ANSWERS: &[(&str, u8)] = &[
    ("grep", 1),
    ("egrep", 1),
    ("fgrep", 1),
    ("zgrep", 1),
    ("rg", 1),
    ("ag", 1),
    ("ack", 1),
    ("ugrep", 1),
    ("git grep", 1),
    // Whatever the code of the program that it runs.
    ("xargs grep", 123),
    ("xargs egrep", 123),
    ("xargs rg", 123),
    ("diff", 1),
    ("colordiff", 1),
    ("cmp", 1),
    ("git diff --exit-code", 1),
    ("git diff --quiet", 1),
    ("git diff --no-index", 1),
    ("git diff-index --quiet", 1),
    ("git diff-files --quiet", 1),
    ("kubectl diff", 1),
    ("test", 1),
    ("[", 1),
    ("[[", 1),
    ("expr", 1),
    ("jq -e", 1),
    ("jq --exit-status", 1),
    ("command -v", 1),
    ("command -V", 1),
    ("which", 1),
    ("type", 1),
    ("pgrep", 1),
    ("pidof", 1),
    ("lsof", 1),
    ("fuser", 1),
    ("getent", 2),
    ("mountpoint", 1),
    ("nc -z", 1),
    ("git merge-base", 1),
    ("git check-ignore", 1),
    ("git show-ref", 1),
    ("git config", 1),
    ("git rev-parse --verify", 1),
    ("git ls-remote --exit-code", 2),
    ("systemctl is-active", 4),
    ("systemctl is-enabled", 4),
    ("systemctl is-failed", 4),
    ("terraform plan -detailed-exitcode", 2),
    // 1 for a check that failed, 8 for one that is pending.
    ("gh pr checks", 8),
];

/// Programs that look whether something else has got on, or wait for it.
const LOOKS: &[&str] = &[
    "sleep",
    "wait",
    "watch",
    "inotifywait",
    "tail",
    "jobs",
    "ps",
    "pgrep",
    "pidof",
    "top",
    "lsof",
    "ss",
    "netstat",
    "uptime",
    "free",
    "nvidia-smi",
    "test",
    "[",
    "[[",
    "nc -z",
    "pg_isready",
    "redis-cli ping",
    "systemctl status",
    "systemctl is-active",
    "systemctl is-failed",
    "journalctl",
    "tmux capture-pane",
    "docker ps",
    "docker logs",
    "docker wait",
    "docker inspect",
    "docker stats",
    "docker top",
    "docker container ls",
    "docker compose ps",
    "docker compose logs",
    "docker-compose ps",
    "docker-compose logs",
    "podman ps",
    "podman logs",
    "podman wait",
    "podman inspect",
    "kubectl get",
    "kubectl describe",
    "kubectl logs",
    "kubectl wait",
    "kubectl top",
    "kubectl rollout status",
    "oc get",
    "oc logs",
    "helm status",
    "argocd app get",
    "argocd app wait",
    "squeue",
    "sacct",
    "sinfo",
    "sstat",
    "scontrol show",
    "qstat",
    "bjobs",
    "gh pr checks",
    "gh pr status",
    "gh pr view",
    "gh run view",
    "gh run watch",
    "gh run list",
    "glab ci status",
    "glab ci view",
    "glab ci list",
    "glab ci get",
    "glab ci trace",
    "glab mr view",
    "az pipelines runs",
    "az pipelines build",
    "gcloud builds list",
    "gcloud builds describe",
    "gcloud builds log",
    "aws logs tail",
    "fly status",
    "flyctl status",
    "vercel inspect",
    "heroku ps",
];

/// Programs that run the tests of a project.
const TESTS: &[&str] = &[
    "bazel test",
    "bun test",
    "bundle exec rspec",
    "cargo nextest",
    "cargo test",
    "ctest",
    "deno test",
    "dotnet test",
    "go test",
    "gradle test",
    "gradlew test",
    "jest",
    "just test",
    "make check",
    "make test",
    "mix test",
    "mocha",
    "mvn test",
    "mvn verify",
    "npm run test",
    "npm test",
    "npx jest",
    "npx mocha",
    "npx playwright test",
    "npx vitest",
    "phpunit",
    "pnpm run test",
    "pnpm test",
    "poetry run pytest",
    "py.test",
    "pytest",
    "python -m pytest",
    "python -m unittest",
    "python3 -m pytest",
    "python3 -m unittest",
    "rake test",
    "rspec",
    "swift test",
    "tox",
    "uv run pytest",
    "vitest",
    "yarn run test",
    "yarn test",
    "zig build test",
];

/// Programs that show what a URL, or a file, holds: they look where that names a state, or is a log.
const READERS: &[&str] = &["curl", "wget", "http", "gh api", "glab api"];
const LOG_READERS: &[&str] = &["cat", "head", "wc", "grep", "ls", "stat"];

/// Words of URLs and tool names that stand for the state of something.
const STATES: &[&str] = &[
    "status",
    "statuses",
    "health",
    "healthz",
    "healthcheck",
    "ready",
    "readyz",
    "readiness",
    "live",
    "livez",
    "liveness",
    "alive",
    "ping",
    "heartbeat",
    "up",
    "runs",
    "jobs",
    "checks",
    "builds",
    "pipelines",
    "deployments",
];

/// Words of the names of tools that wait or look.
const TOOL_LOOKS: &[&str] = &["status", "wait", "poll", "sleep", "progress", "snapshot", "screenshot"];
const TOOL_ACTS: &[&str] = &["set", "update", "create", "edit", "write", "change", "delete", "post", "transition"];

/// Commands around those that matter: they neither look nor work, and never fail without a word.
const ASIDE: &[&str] = &["cd", "echo", "printf", "date", "true", ":", "export", "set", "pwd", "source", ".", "exit"];
/// Commands that never fail without a word, either.
const TELLS: &[&str] = &[
    "cat", "ls", "find", "head", "tail", "sort", "uniq", "wc", "cut", "sed", "awk", "tr", "tee", "xargs", "mkdir",
    "rm", "cp", "mv", "touch", "git",
];

/// Words of commands that serve others, or watch files: they run until somebody stops them.
const SERVES: &[&str] = &[
    "dev",
    "start",
    "serve",
    "server",
    "runserver",
    "preview",
    "watch",
    "up",
    "uvicorn",
    "gunicorn",
    "hypercorn",
    "vite",
    "nodemon",
    "storybook",
    "flask",
    "streamlit",
    "port-forward",
    "-f",
];
/// ... unless one of these is to be done, which has an end.
const ENDS: &[&str] = &["build", "test", "tests", "pytest", "check", "lint", "install", "commit", "push", "bench"];
/// ... or these, whose words say something else.
const NO_SERVERS: &[&str] = &["gh run watch", "rm", "cp", "mv", "git", "curl"];
/// So many words say what a command does; what follows are its objects.
const IDENTIFYING_WORDS: usize = 4;

/// Whether a command line has a command that does not end by itself. A loop waits for something, which may be a server.
pub(super) fn serves(line: &str) -> bool {
    commands(line)
        .iter()
        .any(|command| !command.loops && !command.is_any(NO_SERVERS) && command.tells(SERVES) && !command.tells(ENDS))
}

/// Whether a command line has a command that ends by itself, whatever it serves meanwhile.
pub(super) fn has_end(line: &str) -> bool {
    commands(line).iter().any(|command| command.loops || command.tells(ENDS))
}

/// The folder that a command line enters before all else: `cd X && make`.
pub(super) fn entered(line: &str) -> Option<String> {
    let commands = commands(line);
    // The shell's own options come first in many a line.
    let first = commands.iter().find(|command| command.program() != "set")?;
    let enters = matches!(first.program(), "cd" | "pushd");
    first.plain_words().next().filter(|_| enters).map(str::to_owned)
}

/// Programs of agents, of which one may be another one's tool. A test of `clients` holds that every client's is here.
pub(crate) const AGENTS: &[&str] = &[
    "claude",
    "codex",
    "opencode",
    "kilo",
    "kimi",
    "cline",
    "gemini",
    "qwen",
    "copilot",
    "droid",
    "pi",
    "cursor-agent",
];

/// The agent that a command runs: `codex exec`, `npx @openai/codex exec`.
fn agent_run(command: &Command<'_>) -> Option<&'static str> {
    match command.program() {
        "npx" | "bunx" | "pnpx" => agent_named(command.plain_words().next()?),
        program => AGENTS.iter().find(|agent| **agent == program).copied(),
    }
}

/// The agent that a tool, or a package, is called after: `mcp__codex__codex-reply`.
fn agent_named(name: &str) -> Option<&'static str> {
    AGENTS.iter().find(|agent| name.contains(**agent) && names(name, &[agent])).copied()
}

/// What a command line is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Purpose {
    /// It does nothing but look whether something has got on, or begins by waiting for it.
    pub(super) looks: bool,
    /// The highest exit code that is an answer; 0 if none is.
    pub(super) highest_answer: u8,
    /// The program of the agent that it runs.
    pub(super) agent: Option<&'static str>,
    /// It runs tests.
    pub(super) tests: bool,
}

impl Purpose {
    pub(super) fn of(line: &str) -> Self {
        let commands = commands(line);
        Self {
            looks: looks(&commands),
            highest_answer: highest_answer(&commands, line.contains("pipefail")),
            agent: commands.iter().find_map(agent_run),
            tests: commands.iter().any(|command| command.is_any(TESTS)),
        }
    }

    /// Of a tool that is no shell, by its name.
    pub(super) fn of_tool(name: &str) -> Self {
        Self { looks: tool_looks(name), highest_answer: 0, agent: agent_named(name), tests: false }
    }
}

fn looks(commands: &[Command<'_>]) -> bool {
    let mut heads = commands.iter().filter(|command| command.join != Join::Pipe && !command.is_any(ASIDE)).peekable();
    let Some(first) = heads.peek() else { return false };
    let waits = first.is("sleep") || first.is("wait") || first.loops && commands.iter().any(|it| it.is("sleep"));
    waits || heads.all(is_look)
}

fn is_look(command: &Command<'_>) -> bool {
    let names_state = || command.words.iter().any(|word| names(word, STATES));
    let reads_log =
        || command.words.iter().any(|word| [".log", ".out", ".output"].iter().any(|end| word.ends_with(end)));
    command.is_any(LOOKS)
        || command.is_any(READERS) && !sends(command) && names_state()
        || command.is_any(LOG_READERS) && reads_log()
}

/// Whether a request of `curl` and the like does more than read.
fn sends(command: &Command<'_>) -> bool {
    const SENDS: &[&str] =
        &["-d", "-F", "-T", "--json", "--form", "--upload-file", "--field", "--raw-field", "--input"];
    const METHODS: &[&str] = &["POST", "PUT", "PATCH", "DELETE"];
    // To `curl` it says something else.
    let is_field = |word: &str| word == "-f" && command.program() != "curl";
    command.words.iter().any(|word| {
        let method = word.trim_start_matches("-X");
        SENDS.contains(&&**word) || METHODS.contains(&method) || word.starts_with("--data") || is_field(word)
    })
}

/// Whether a tool only looks or waits, by its name: `mcp__playwright__browser_wait_for`, `getBuildStatus`.
pub(crate) fn tool_looks(name: &str) -> bool {
    names(name, TOOL_LOOKS) && !names(name, TOOL_ACTS)
}

/// Whether one of the words of a name is among these. `waitFor` and `wait_for` have the same words.
fn names(name: &str, wanted: &[&str]) -> bool {
    name.split(|c: char| !c.is_alphanumeric()).any(|part| {
        let starts = part.char_indices().filter(|(_, c)| c.is_ascii_uppercase()).map(|(at, _)| at);
        let mut ends = starts.chain([part.len()]).filter(|at| *at > 0);
        let mut from = 0;
        let is_wanted = |word: &str| wanted.iter().any(|wanted| word.eq_ignore_ascii_case(wanted));
        is_wanted(part) || ends.any(|to| is_wanted(&part[std::mem::replace(&mut from, to)..to]))
    })
}

/// The last command gives the code; where one of several may have given it, all of them have to be of the kind.
fn highest_answer(commands: &[Command<'_>], every_part_counts: bool) -> u8 {
    let (mut highest, mut counts) = (0, true);
    for command in commands.iter().rev() {
        match command.highest_answer() {
            _ if !counts => {}
            Some(code) => highest = highest.max(code),
            None if command.is_any(ASIDE) || command.is_any(TELLS) => {}
            None => return 0,
        }
        counts = match command.join {
            // What stands before it in a pipeline gives no code.
            Join::Pipe => every_part_counts,
            Join::And => true,
            Join::Then | Join::Or => break,
        };
    }
    highest
}

impl Command<'_> {
    /// One of the words that say what it does is among these.
    fn tells(&self, table: &[&str]) -> bool {
        let words = self.words.iter().take(IDENTIFYING_WORDS).map(|word| word.rsplit('/').next().unwrap_or_default());
        words.flat_map(|name| name.split([':', '.'])).any(|word| table.contains(&word))
    }

    fn highest_answer(&self) -> Option<u8> {
        ANSWERS.iter().filter(|(words, _)| self.is(words)).map(|(_, code)| *code).max()
    }

    fn is_any(&self, table: &[&str]) -> bool {
        table.iter().any(|words| self.is(words))
    }

    /// Whether this is the command of the table: its program and first words in order, its options anywhere.
    fn is(&self, wanted: &str) -> bool {
        let program = self.program();
        // Most of a table begin with another letter.
        if program.as_bytes().first() != wanted.as_bytes().first() {
            return false;
        }
        let Some(more) = wanted.strip_prefix(program) else { return false };
        if !more.is_empty() && !more.starts_with(' ') {
            return false;
        }
        let mut plain = self.plain_words();
        more.split_ascii_whitespace().all(|word| {
            if word.starts_with('-') { self.words.iter().any(|has| has == word) } else { plain.next() == Some(word) }
        })
    }
}

#[cfg(test)]
mod tests;
