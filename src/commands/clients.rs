//! `agentmon clients`: what was looked for where, and what can be known of each client.

use std::io::Write;

use super::output::{default_format, finish, form, options};
use super::pseudonyms;
use super::scope::{NO_HOME, config, disk, roots};
use crate::base::world::World;
use crate::cli::Cli;
use crate::git::{Finder, Found};
use crate::observe::inventory::{Inventory, inventory};
use crate::render;

/// Runs the command and says the exit code.
///
/// # Errors
/// A setting is wrong, a directory that was named is in no repository, or the format has no such page.
pub(crate) fn clients(cli: &Cli, world: &World, out: &mut dyn Write, err: &mut dyn Write) -> anyhow::Result<u8> {
    let (_, form) = form(cli, "clients", render::clients::FORMS, default_format(world))?;
    let (config, disk) = (config(cli, world)?, disk(&cli.scope)?);
    let mut finder = Finder::new(&disk);
    for root in roots(&cli.scope, world) {
        // Who names a directory expects a repository; here there may be one.
        match finder.repository(&root) {
            Err(error) if !cli.scope.directories.is_empty() => return Err(error),
            Err(_) | Ok(()) => {}
        }
    }
    let Found { repositories, .. } = finder.done();
    let mut survey = inventory(&disk, world, &config, &repositories);
    let advice = advice(&survey, world);
    if let Some(mut pseudonyms) = pseudonyms::pseudonyms(cli, world, err)? {
        pseudonyms.hide_survey(&mut survey);
    }
    finish(form(&survey, &options(cli, world), out), out)?;
    if let Some(advice) = advice {
        drop(writeln!(err, "agentmon: {advice}"));
    }
    Ok(0)
}

/// What to do where nothing is found at all.
fn advice(survey: &Inventory, world: &World) -> Option<&'static str> {
    let found = |is: fn(&crate::observe::inventory::ClientInventory) -> bool| survey.clients.iter().any(is);
    if found(|client| client.sessions.all > 0) {
        None
    } else if world.agents_home().is_none() && survey.clients.iter().all(|client| client.places.is_empty()) {
        Some(NO_HOME)
    } else if found(crate::observe::inventory::ClientInventory::is_running) {
        Some(
            "an agent is running, but no log was found: set the variable that overrides its folder to the agent's value, \
             or select its home with `--home DIR`",
        )
    } else {
        Some(
            "no agent log found: if your agents run under another home, select it with `--home DIR`; if a variable \
             overrides their log folder, set it here, too",
        )
    }
}
