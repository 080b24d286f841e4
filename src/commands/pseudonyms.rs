//! What `--anonymize` needs of the world: who and where this is, and the user's own salt.

use std::io::{self, Write};
use std::path::Path;

use super::scope::disk;
use crate::anonymize::{Kind, Pseudonyms};
use crate::base::cache;
use crate::base::disk::Disk;
use crate::base::world::World;
use crate::cli::Cli;
use crate::text::one_line;

/// In bytes.
const SALT: usize = 32;

/// Pseudonyms that know the user, the homes and the host; nothing if none are asked for.
///
/// # Errors
/// The system has no randomness to give.
pub(super) fn pseudonyms(cli: &Cli, world: &World, err: &mut dyn Write) -> anyhow::Result<Option<Pseudonyms>> {
    if !cli.look.anonymize {
        return Ok(None);
    }
    let disk = disk(&cli.scope)?;
    let mut pseudonyms = Pseudonyms::new(salt(world, err)?);
    let homes = [world.folder("HOME"), world.agents_home()];
    for home in homes.into_iter().flatten() {
        pseudonyms.learn_home(&home);
        pseudonyms.learn_home(&disk.real(&home));
        learn_user(&mut pseudonyms, &home.file_name().unwrap_or_default().to_string_lossy());
    }
    for variable in ["USER", "LOGNAME"] {
        learn_user(&mut pseudonyms, &world.var(variable).unwrap_or_default().to_string_lossy());
    }
    let files = ["/proc/sys/kernel/hostname", "/etc/hostname"];
    let read = |path: &&str| disk.read(Path::new(path), 1024).ok();
    let named = files.iter().filter_map(read).map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    let variable = world.var("HOSTNAME").map(|name| name.to_string_lossy().into_owned());
    for name in named.chain(variable).filter(|name| !name.starts_with("localhost")) {
        // With its domain, and without.
        pseudonyms.learn(Kind::Host, &name);
        pseudonyms.learn(Kind::Host, name.split('.').next().unwrap_or_default());
    }
    Ok(Some(pseudonyms))
}

fn learn_user(pseudonyms: &mut Pseudonyms, name: &str) {
    // Who everybody may be is nobody.
    if name != "root" {
        pseudonyms.learn(Kind::User, name);
    }
}

/// The user's own salt, made when it is needed first.
fn salt(world: &World, err: &mut dyn Write) -> anyhow::Result<Vec<u8>> {
    let path = world.xdg("XDG_STATE_HOME", ".local/state").map(|state| state.join("agentmon/salt"));
    let known = |path: &Path| Disk::default().read(path, SALT as u64).ok().filter(|salt| salt.len() == SALT);
    if let Some(salt) = path.as_deref().and_then(known) {
        return Ok(salt);
    }
    let mut salt = vec![0; SALT];
    getrandom::fill(&mut salt).map_err(|error| anyhow::anyhow!("no randomness for pseudonyms: {error}"))?;
    let kept = match &path {
        Some(path) => cache::replace(path, &salt),
        None => Err(io::Error::other("there is no home directory")),
    };
    match kept {
        // Of two first runs at once, the later one's holds.
        Ok(()) => Ok(path.as_deref().and_then(known).unwrap_or(salt)),
        Err(error) => {
            let why = one_line(&error.to_string(), 400);
            drop(writeln!(err, "agentmon: --anonymize: the next run will have other pseudonyms: {why}"));
            Ok(salt)
        }
    }
}
