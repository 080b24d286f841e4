//! Gemini CLI, 0.20 to 0.61: where it keeps its sessions, and what they mean.
//!
//! `${GEMINI_CLI_HOME:-~}/.gemini/tmp/<id>/chats/session-*.jsonl`, until early 2026 `session-*.json`; sub-agents in
//! `chats/<parent session>/<session>.jsonl` (google-gemini/gemini-cli, packages/core/src/services/chatRecordingService.ts).
//! The id is a short name from `.gemini/projects.json`, formerly the hash of the project's path. A call is written
//! only with its result, and nothing says that a turn has ended.

mod discover;
mod fold;
mod message;
mod store;
mod tools;

use super::client::{Capability, Client};
use crate::process::{Program, Role};

pub(super) use message::is_asked;
pub(super) use tools::{call, outcome, plan, read_answers};

pub(super) static CLIENT: Client = Client {
    name: "gemini-cli",
    program: Program {
        client: "gemini-cli",
        names: &["gemini"],
        packages: &["@google/gemini-cli", "bundle/gemini.js"],
        role,
        is_log: None,
        variables: &["GEMINI_CLI_HOME"],
    },
    logs: discover::logs,
    hides_calls: |_| true,
    running: |_, _, _| Vec::new(),
    plan: |_, _, _| Vec::new(),
    agent_type: |_, _| None,
    is_session: super::client::is_uuid,
    resume: |session| format!("gemini --resume {session}"),
    log_roots: discover::places,
    capabilities: &[
        Capability::State,
        Capability::Failures,
        Capability::Plan,
        Capability::Tokens,
        Capability::Liveness,
    ],
    limitation: "running tools, permission prompts, turn ends and API errors with -p are not logged: a process indicates a tool, and a final message counts as the end once no tool runs",
};

/// Commands that manage the client, and are no agent.
const MANAGING: &[&str] = &["mcp", "extensions", "extension", "skills", "skill", "hooks", "hook", "auth", "channel"];

/// Of this client, and of those that descend from it. A prompt without an option runs as a terminal lets it.
pub(super) fn role(argv: &[String]) -> Role {
    let arguments = argv.get(1..).unwrap_or_default();
    if arguments.first().is_some_and(|first| MANAGING.contains(&first.as_str())) {
        return Role::Helper;
    }
    let has = |short: &str, long: &str| {
        let is_it = |argument: &String| {
            argument == short
                || argument.strip_prefix(long).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        };
        arguments.iter().any(is_it)
    };
    let headless = if has("-p", "--prompt") {
        Some(true)
    } else if has("-i", "--prompt-interactive") {
        Some(false)
    } else {
        None
    };
    Role::Agent { headless }
}

#[cfg(test)]
mod tests;
