//! `agentmon config`: which settings hold, and from where; the settings file.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use anyhow::{Context, bail};
use toml::{Table, Value};

use super::output::{finish, options};
use super::pseudonyms;
use super::scope::config as checked;
use crate::base::world::World;
use crate::cli::settings::Settings;
use crate::cli::{Cli, ConfigAction, Setting};
use crate::render;

/// Runs the command and says the exit code.
///
/// # Errors
/// A setting is wrong, there is no place for the file, or `init` finds one.
pub(crate) fn config(
    cli: &Cli,
    action: Option<ConfigAction>,
    world: &World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    match action {
        None => show(cli, world, out, err),
        Some(ConfigAction::Path) => {
            let written = writeln!(out, "{}", path(world)?.display());
            finish(written, out).map(|_| 0)
        }
        Some(ConfigAction::Init) => init(world, out),
    }
}

fn path(world: &World) -> anyhow::Result<PathBuf> {
    Settings::path(world)
        .context("HOME is not set, so there is no place for a settings file; set HOME or XDG_CONFIG_HOME")
}

/// Each setting with its value and where that is from.
fn show(cli: &Cli, world: &World, out: &mut dyn Write, err: &mut dyn Write) -> anyhow::Result<u8> {
    // What is wrong with the file or a variable is said as other commands say it.
    checked(cli, world)?;
    Settings::read_variables()?;
    let path = Settings::path(world);
    let text = path.as_ref().and_then(|path| Settings::text(path).ok()).unwrap_or_default();
    let file: Table = toml::from_str(&text).unwrap_or_default();
    let file_name = path.map(|path| path.display().to_string()).unwrap_or_default();
    let row = |setting: Setting| {
        let variable = world.var(&setting.variable).map(|value| value.to_string_lossy().into_owned());
        let written = file.get(&setting.key).map(shown);
        let (value, origin) = match (variable, written) {
            (Some(value), _) => (value, setting.variable),
            (None, Some(value)) => (value, file_name.clone()),
            (None, None) => (setting.default.unwrap_or_else(|| "none".to_owned()), "default".to_owned()),
        };
        render::config::Row { key: setting.key, value, origin }
    };
    let folders = file.get("folders").map(|folders| render::config::Row {
        key: "folders".to_owned(),
        value: shown(folders),
        origin: file_name.clone(),
    });
    let mut rows: Vec<_> = Setting::all().into_iter().map(row).chain(folders).collect();
    if let Some(pseudonyms) = pseudonyms::pseudonyms(cli, world, err)? {
        for row in &mut rows {
            (row.value, row.origin) = (pseudonyms.text(&row.value), pseudonyms.text(&row.origin));
        }
    }
    let written = render::config::rows(&rows, &options(cli, world), out);
    finish(written, out).map(|_| 0)
}

/// A value of the file, as it would be typed.
fn shown(value: &Value) -> String {
    let list = |values: &[Value]| values.iter().map(shown).collect::<Vec<_>>().join(",");
    match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(is_on) => is_on.to_string(),
        Value::Datetime(time) => time.to_string(),
        Value::Array(values) => list(values),
        Value::Table(table) => {
            table.iter().map(|(key, value)| format!("{key}={}", shown(value))).collect::<Vec<_>>().join(" ")
        }
    }
}

/// Of a new settings file.
const HEAD: &str = "\
# Settings of agentmon. Options and AGENTMON_<NAME> variables go before them.
# Each line shows the default: remove its `#` to change it. `agentmon config` shows what holds.
";

/// Writes a settings file that says what there is, and changes nothing.
fn init(world: &World, out: &mut dyn Write) -> anyhow::Result<u8> {
    let path = path(world)?;
    let entry = |setting: Setting| {
        let value = setting.default.as_deref().filter(|default| !default.contains(' '));
        let what = if value.is_some() { "" } else { " (not set; an example)" };
        let value = setting.in_file(value.unwrap_or(setting.example()));
        format!("\n# {}{what}\n# {} = {value}\n", setting.help, setting.key)
    };
    let text: String = std::iter::once(HEAD.to_owned()).chain(Setting::all().into_iter().map(entry)).collect();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("could not make `{}`", folder.display()))?;
    }
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    match file.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("`{}` exists already; `agentmon config` shows what it sets", path.display())
        }
        Err(error) => return Err(error).with_context(|| format!("could not write `{}`", path.display())),
    }
    let written = writeln!(out, "wrote {}", path.display());
    finish(written, out).map(|_| 0)
}
