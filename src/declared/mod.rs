//! What a task says of itself: `status.json`, and whatever else those who run agents leave beside them.
//!
//! There is no standard. Scripts, agents and small orchestrators write what they like, so keys and words are
//! matched loosely (`updatedAt`, `updated_at` and `UPDATED-AT` are one key), a value of the wrong type counts
//! as absent, and well-formed JSON of another shape is no status file rather than a bad one.
//! Sources: the files that worktree managers for `opencode task`, gadugi, chant-cli, agent-farm, SVAO,
//! agent-orchestrator and others write; each is a row in `declared/parse/tests.rs`, or beside its trace.

mod declaration;
mod fields;
mod join;
mod keys;
mod launched;
mod parse;
mod progress;
mod read;
pub(crate) mod sources;
mod stream;

pub(crate) use declaration::{Declared, StatusWord, Subject};
pub(crate) use join::join;
pub(crate) use launched::launched;
pub(crate) use sources::{last_error, place_of_runs};
pub(crate) use stream::{answer as printed_answer, range, read as read_printed, tail};

#[cfg(test)]
mod tests;
