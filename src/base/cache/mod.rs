//! Files of this program that may be lost: versioned, checked, replaced as a whole.

pub(crate) mod cleanup;

use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::disk::{Disk, is_own, is_own_ground};
use crate::base::hash::hash;

/// A file or folder that is not trusted, and why.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) path: PathBuf,
    pub(crate) why: String,
}

impl Refused {
    fn new(path: &Path, why: String) -> Self {
        Self { path: path.to_owned(), why }
    }
}

/// In bytes. A session takes a few thousand; what is larger is not ours.
pub(crate) const LIMIT: u64 = 256 * 1024 * 1024;

/// Changes with every change of what is stored.
pub(crate) const MAGIC: &[u8; 16] = b"agentmon cache W";

/// What is stored; nothing of it if it is missing, damaged, of another version, or others may write it. Its bytes are kept to the end of
/// the run, so that what most runs only pass on need not be copied.
pub(crate) fn load<T: Default + Deserialize<'static>>(path: &Path) -> T {
    let bytes = refusal(path).is_none().then(|| Disk::default().read(path, LIMIT).ok()).flatten();
    bytes.and_then(|bytes| decode(bytes.leak())).unwrap_or_default()
}

/// Why a file of ours is not trusted: whoever can write it, or put another in its place, decides what is reported.
pub(crate) fn refusal(path: &Path) -> Option<Refused> {
    refused_folder(path).or_else(|| refused(path, "not read"))
}

/// Why nothing is kept in the folders of a file of ours.
pub(crate) fn refused_folder(path: &Path) -> Option<Refused> {
    // Up to the folder that this program makes for itself; what lies above is the user's.
    let depth = path.ancestors().take(DEEPEST).position(|folder| folder.ends_with("agentmon")).unwrap_or(1);
    let what = "not used";
    let is_ours = path.parent().is_none_or(is_own_ground);
    let foreign = || Refused::new(path, format!("folder owned by another user, root does not write there: {what}"));
    let mut folders = path.ancestors().skip(1).take(depth);
    folders.find_map(|folder| refused(folder, what)).or_else(|| (!is_ours).then(foreign))
}

pub(crate) fn refused(path: &Path, so: &str) -> Option<Refused> {
    // What cannot be looked at is told where it is opened.
    let meta = path.symlink_metadata().ok()?;
    let why = if meta.is_symlink() {
        "a symbolic link"
    } else if !is_own(&meta) {
        "owned by another user"
    } else if meta.mode() & 0o022 != 0 {
        "writable by other users"
    } else {
        return None;
    };
    Some(Refused::new(path, format!("{why}: {so}")))
}

/// How far a file of ours lies below the folder that holds them all, at most.
pub(crate) const DEEPEST: usize = 3;

/// Replaces what is stored. Errors are the caller's to tell or to ignore: nothing is lost but time.
pub(crate) fn save<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    replace(path, &encode(value))
}

/// Replaces a file of ours as a whole, for our eyes only, and makes its folder.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    // A file that is not trusted is replaced, and not written to.
    if let Some(refused) = refused_folder(path) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, refused.why));
    }
    let temporary = path.with_extension(format!("{}.new", std::process::id()));
    let create = || std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary);
    let file = create().or_else(|_| {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        create()
    });
    let written = file.and_then(|mut file| file.write_all(bytes)).and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        drop(std::fs::remove_file(&temporary));
    }
    written
}

pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend([0; 8]);
    // It holds nothing that cannot be serialised; an empty body would only be read anew.
    bytes = postcard::to_extend(value, bytes).unwrap_or_default();
    let Some((head, body)) = bytes.split_at_mut_checked(MAGIC.len() + 8) else { return bytes };
    head[MAGIC.len()..].copy_from_slice(&hash(body).to_le_bytes());
    bytes
}

pub(crate) fn decode<T: Deserialize<'static>>(bytes: &'static [u8]) -> Option<T> {
    let (sum, body) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<8>()?;
    if u64::from_le_bytes(*sum) != hash(body) {
        return None;
    }
    postcard::from_bytes(body).ok()
}

#[cfg(test)]
mod tests;
