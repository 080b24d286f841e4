//! What a poll is asked to look at.

use std::path::PathBuf;

use crate::base::disk::Disk;
use crate::base::world::World;
use crate::config::Config;

/// Where to look, and how.
pub(crate) struct Request<'a> {
    pub(crate) disk: &'a Disk,
    pub(crate) world: &'a World,
    pub(crate) config: &'a Config,
    pub(crate) roots: &'a [PathBuf],
    /// Look wherever a session is, too.
    pub(crate) everywhere: bool,
    /// Told now and then how many bytes of logs are read, and of how many.
    pub(crate) progress: &'a mut dyn FnMut(u64, u64),
}
