//! The clients: agent programs whose own logs are read.
//!
//! A new client is one folder and one line in [`CLIENTS`]: data, and functions that list its logs, fold one row into a
//! `Session`, or read a store that has no rows, and read the client's own signs of life. `pi` is the one to copy from.

mod claude_code;
mod client;
mod cline;
mod codex;
mod context_window;
mod copilot;
mod cursor;
mod document;
mod droid;
mod env;
mod files;
mod gemini;
mod kilo;
mod kimi;
mod opencode;
mod pi;
mod project_slug;
mod qwen;
mod result_text;
mod unsupported;

use crate::process::Program;

pub(crate) use client::{Capability, Client, Fold, Format, LogFile, LogRoot, Proof, RunningSession, Store};
pub(crate) use env::Env;

pub(crate) static CLIENTS: &[&Client] = &[
    &claude_code::CLIENT,
    &codex::CLIENT,
    &opencode::CLIENT,
    &kilo::CLIENT,
    &kimi::CLIENT,
    &cline::CLIENT,
    &gemini::CLIENT,
    &qwen::CLIENT,
    &copilot::CLIENT,
    &pi::CLIENT,
    &droid::CLIENT,
    &cursor::CLIENT,
];

pub(crate) fn by_name(name: &str) -> Option<&'static Client> {
    CLIENTS.iter().find(|client| client.name == name).copied()
}

/// How the processes of agents are recognised, also of those whose logs are not read.
pub(crate) fn programs() -> Vec<&'static Program> {
    CLIENTS.iter().map(|client| &client.program).chain(unsupported::PROGRAMS).collect()
}

/// The names by which further folders can be given.
pub(crate) fn folder_names() -> impl Iterator<Item = &'static str> {
    let variables = CLIENTS.iter().flat_map(|client| client.program.variables);
    ["HOME"].into_iter().chain(variables.copied())
}

/// Whether the logs of this client can be read.
pub(crate) fn is_supported(client: &str) -> bool {
    by_name(client).is_some()
}

#[cfg(test)]
mod tests;
