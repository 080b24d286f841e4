//! `agentmon explain TASK`: why it is judged as it is.

use std::io::Write;

use super::output::{finish, form, options};
use super::poll::poll;
use super::pseudonyms;
use super::scope::here;
use super::select_task::{named, no_such};
use crate::base::world::World;
use crate::cli::{Cli, ExplainArgs};
use crate::render;

/// Runs the command and says the exit code.
///
/// # Errors
/// As for `status`; or there is no such task, or several.
pub(crate) fn explain(
    cli: &Cli,
    command: &ExplainArgs,
    world: &World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let (_, form) = form(cli, "explain", render::explain::FORMS, "text")?;
    let mut looked = poll(cli, world, err)?;
    let tasks = &looked.snapshot.tasks;
    let found =
        named(tasks, &command.task, &here(&cli.scope, world))?.ok_or_else(|| no_such(tasks, &command.task, world))?;
    let at = tasks.iter().position(|task| std::ptr::eq(task, found)).unwrap_or_default();
    if let Some(mut pseudonyms) = pseudonyms::pseudonyms(cli, world, err)? {
        pseudonyms.learn_from(&looked.snapshot);
        pseudonyms.hide(&mut looked.snapshot);
    }
    let found = &looked.snapshot.tasks[at];
    finish(form(found, &options(cli, world), world.now, out), out)?;
    Ok(0)
}
