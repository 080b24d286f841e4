//! Claude Code, 2.0 to 2.1: where it keeps its sessions, and what the rows of its transcripts mean.
//!
//! `$CLAUDE_CONFIG_DIR` or `~/.claude`; transcripts `projects/<slug>/<session>.jsonl`, sub-agents in
//! `<session>/subagents/agent-*.jsonl` (until 2.0 beside the session), running sessions in `sessions/<pid>.json`.
//! The format is undocumented; what is read here was seen in logs of 2.0.30 to 2.1.218.

mod calls;
mod discover;
mod fold;
mod plan;
mod rows;

use super::client::{Capability, Client};
use crate::process::{Program, Role};

pub(super) static CLIENT: Client = Client {
    name: "claude-code",
    program: Program {
        client: "claude-code",
        names: &["claude"],
        packages: &["@anthropic-ai/claude-code"],
        role,
        is_log: None,
        variables: &["CLAUDE_CONFIG_DIR"],
    },
    logs: discover::logs,
    hides_calls: |_| false,
    running: discover::marks,
    plan: plan::plan,
    agent_type: discover::agent_type,
    is_session: super::client::is_uuid,
    resume: |session| format!("claude --resume {session}"),
    log_roots: discover::places,
    capabilities: &Capability::ALL,
    limitation: "nothing is logged for up to 4 minutes while retrying an overloaded API; permission prompts are seen since 2.1.139",
};

/// A supervisor, the hosts of its terminals and the spare processes that it keeps ready outlive every session; and
/// the program contains search tools, as which it runs itself.
fn role(argv: &[String]) -> Role {
    let called = argv.first().map(String::as_str).unwrap_or_default();
    let is_search = ["rg", "bfs", "ugrep"].contains(&called.rsplit('/').next().unwrap_or_default());
    let serves = matches!(argv.get(1).map(String::as_str), Some("daemon" | "mcp"));
    // Behind two dashes is what the host of a terminal was asked to start.
    let mut options = argv.iter().skip(1).take_while(|word| *word != "--");
    if is_search || serves || options.any(|word| word == "--bg-pty-host" || word == "--bg-spare") {
        return Role::Helper;
    }
    let headless = argv.iter().skip(1).any(|argument| argument == "-p" || argument == "--print");
    Role::Agent { headless: Some(headless) }
}

#[cfg(test)]
mod tests;
