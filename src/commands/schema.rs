//! `agentmon schema`: the JSON schemas of what is printed and written.

use std::io::Write;

use super::output::finish;
use crate::render::SCHEMAS;

/// Prints a schema, or the names of all, and says the exit code.
///
/// # Errors
/// It could not be written.
pub(crate) fn schema(name: Option<&str>, out: &mut dyn Write) -> anyhow::Result<u8> {
    let mut wanted = SCHEMAS.iter().filter(|(known, _)| name.is_none_or(|name| name == *known));
    let written = wanted.try_for_each(|(known, text)| match name {
        Some(_) => out.write_all(text.as_bytes()),
        None => writeln!(out, "{known}"),
    });
    finish(written, out).map(|_| 0)
}
