//! One file for the one task of a folder: `.chant-status.json` (chant-cli 0.20: `working|done|failed`) and
//! `.agent/status.json` (container runners: `phase` starting to errored; agent-farm: `state` blocked and a
//! question; others: `done|continue|blocked|failed|infra_failed`). Boards, locks and scores share the second path.

use super::Look;

pub(super) const BEGINS: &[&str] = &[".chant-status.json", ".agent"];

pub(super) fn read(look: &mut Look<'_>) {
    for name in [".chant-status.json", ".agent/status.json"] {
        if let Some(declared) = look.file(&look.path(name)).filter(super::Declared::is_clear) {
            look.say(declared);
        }
    }
}
