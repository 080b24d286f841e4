//! Qwen Code, 0.10 to 0.24: where it keeps its sessions, and what their rows mean.
//!
//! `$QWEN_RUNTIME_DIR`, `$QWEN_HOME` or `~/.qwen`; transcripts `projects/<slug>/chats/<session>.jsonl`, sub-agents in
//! `projects/<slug>/subagents/<session>/agent-*.jsonl`, running sessions in `sessions/<pid>.json` (since 0.22).
//! Rows are Claude Code's on the outside, Gemini CLI's inside (QwenLM/qwen-code,
//! packages/core/src/services/chatRecordingService.ts). Seen: the source, published rows of 0.18, and runs of 0.24.

mod discover;
mod fold;

use super::client::{Capability, Client};
use super::gemini;
use crate::process::Program;

pub(super) static CLIENT: Client = Client {
    name: "qwen-code",
    program: Program {
        client: "qwen-code",
        names: &["qwen"],
        packages: &["@qwen-code/qwen-code"],
        role: gemini::role,
        is_log: None,
        variables: &["QWEN_RUNTIME_DIR", "QWEN_HOME"],
    },
    logs: discover::logs,
    hides_calls: |_| false,
    running: discover::marks,
    plan: |_, _, _| Vec::new(),
    agent_type: |_, _| None,
    is_session: super::client::is_uuid,
    resume: |session| format!("qwen --resume {session}"),
    log_roots: discover::places,
    capabilities: &[
        Capability::State,
        Capability::Tool,
        Capability::Failures,
        Capability::Plan,
        Capability::Tokens,
        Capability::Waiting,
        Capability::Liveness,
    ],
    limitation: "turn ends are not logged: a final message counts once no tool runs; questions are logged, permission prompts are not",
};

#[cfg(test)]
mod tests;
