//! One file for the one task of a folder: `.chant-status.json` (chant-cli 0.20: `working|done|failed`), `.status.json`,
//! and `status.json` in a folder of the agents' or of a tool (`.agent/`: container runners have a `phase` starting to
//! errored, agent-farm a `state` blocked and a question, others `done|continue|blocked|failed|infra_failed`). Boards,
//! locks and scores share such paths.

use super::scan::Scanner;
use crate::declared::Declared;

pub(super) const BEGINS: &[&str] = &[
    ".chant-status.json",
    ".status.json",
    ".wt",
    ".worktree",
    ".agent",
    ".agents",
    ".claude",
    ".codex",
    ".gemini",
    ".opencode",
    ".cursor",
    ".task",
];

pub(super) fn read(look: &mut Scanner<'_>) {
    for name in BEGINS.iter().filter(|name| look.lists(name)).copied().collect::<Vec<_>>() {
        let path = look.path(name);
        let path = if path.extension().is_some() { path } else { path.join("status.json") };
        if let Some(declared) = look.file(&path).filter(|told| told.is_clear() || Declared::merely_works(told)) {
            look.say(declared);
        }
    }
}
