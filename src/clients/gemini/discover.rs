//! Where Gemini CLI keeps its sessions, and which project a folder of them belongs to.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::fold::fold;
use super::store::STORE;
use crate::base::disk::Disk;
use crate::base::json::Reader;
use crate::clients::files::{adopt, entries_in, log_file, names_in, note, propose};
use crate::clients::{Env, Format, LogFile, LogRoot};
use crate::model::Problem;

/// In bytes; a project takes a hundred.
const LARGEST_REGISTRY: u64 = 4 * 1024 * 1024;
const LONGEST_PATH: u64 = 16 * 1024;
/// How much of a session is read to learn whose it is.
const HEAD: u64 = 4 * 1024;
/// The digits of a hash that a folder is named by.
const HASH_DIGITS: usize = 64;

/// The variable moves the home below which `.gemini` lies.
fn home(env: &Env) -> Option<PathBuf> {
    env.moved("GEMINI_CLI_HOME", "").map(|home| home.join(".gemini"))
}

pub(super) fn places(env: &Env) -> Vec<LogRoot> {
    home(env).map(|home| LogRoot { path: home.join("tmp"), variables: &["GEMINI_CLI_HOME"] }).into_iter().collect()
}

pub(super) fn logs(disk: &Disk, env: &Env, folders: Option<&[&Path]>, problems: &mut Vec<Problem>) -> Vec<LogFile> {
    let mut found = Vec::new();
    let Some(home) = home(env) else { return found };
    let tmp = home.join("tmp");
    let ids = names_in(disk, &tmp, problems);
    if ids.is_empty() {
        return found;
    }
    let projects = Projects::new(disk, &home, folders, problems);
    for id in ids {
        let folder = tmp.join(&id);
        let root = projects.root(&folder, &id.to_string_lossy(), problems);
        if folders.is_none() || root.as_deref().is_some_and(|root| projects.is_wanted(root)) {
            let (first, before) = (found.len(), problems.len());
            sessions(disk, &folder.join("chats"), problems, &mut found);
            propose(root.as_deref(), &mut found[first..], &mut problems[before..]);
        }
    }
    found
}

/// What is known of the projects by their short names, and by the hashes of their paths.
struct Projects<'a> {
    disk: &'a Disk,
    folders: Option<&'a [&'a Path]>,
    by_name: HashMap<String, PathBuf>,
    by_hash: HashMap<String, PathBuf>,
}

impl<'a> Projects<'a> {
    fn new(disk: &'a Disk, home: &Path, folders: Option<&'a [&'a Path]>, problems: &mut Vec<Problem>) -> Self {
        let by_name = registry(disk, &home.join("projects.json"), problems);
        let known = by_name.values().map(PathBuf::as_path);
        let paths = folders.unwrap_or_default().iter().copied().chain(known);
        let by_hash = paths.map(|path| (hash_of(path), path.to_path_buf())).collect();
        Self { disk, folders, by_name, by_hash }
    }

    /// The project whose sessions lie in a folder. Its own mark counts more than the registry, which may be
    /// behind; it is not read where another project is registered.
    fn root(&self, folder: &Path, id: &str, problems: &mut Vec<Problem>) -> Option<PathBuf> {
        if id.len() == HASH_DIGITS && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return self.by_hash.get(id).cloned();
        }
        let registered = self.by_name.get(id);
        if registered.is_some_and(|root| !self.is_wanted(root)) {
            return registered.cloned();
        }
        let mark = mark(self.disk, &folder.join(".project_root"), problems);
        mark.or_else(|| registered.cloned()).or_else(|| self.by_hash.get(&hash_within(self.disk, folder)?).cloned())
    }

    /// A session may run in a folder below a worktree. Which of several worktrees holds it is not decided here.
    fn is_wanted(&self, root: &Path) -> bool {
        let below = |root: &Path| self.folders.is_none_or(|all| all.iter().any(|folder| root.starts_with(folder)));
        below(root) || below(&self.disk.real(root))
    }
}

/// `{"projects":{"/srv/shop":"shop"}}`, turned round.
fn registry(disk: &Disk, path: &Path, problems: &mut Vec<Problem>) -> HashMap<String, PathBuf> {
    let mut names = HashMap::new();
    let bytes = disk.read(path, LARGEST_REGISTRY).map_err(|error| note(&error, path, problems)).unwrap_or_default();
    let mut reader = Reader::new(&bytes);
    if reader.next_object() {
        reader.object(|key, reader| {
            if key == b"projects" {
                reader.object(|path, reader| {
                    // The key as the string that it is.
                    let path = Reader::new(&[b"\"", path, b"\""].concat()).string().map(Cow::into_owned);
                    if let (Some(path), Some(name)) = (path, reader.string()) {
                        names.insert(name.into_owned(), PathBuf::from(path));
                    }
                });
            }
        });
    }
    names
}

/// The path of a project in a file of its own.
fn mark(disk: &Disk, path: &Path, problems: &mut Vec<Problem>) -> Option<PathBuf> {
    let bytes = disk.read(path, LONGEST_PATH).map_err(|error| note(&error, path, problems)).ok()?;
    let root = PathBuf::from(String::from_utf8_lossy(&bytes).trim());
    root.is_absolute().then_some(root)
}

/// What a session says of its project, where neither registry nor mark is left: the hash of its path.
fn hash_within(disk: &Disk, folder: &Path) -> Option<String> {
    let chats = folder.join("chats");
    let name = disk.names(&chats).ok()?.into_iter().find(|name| name.to_string_lossy().starts_with("session-"))?;
    let mut head = Vec::new();
    disk.open(&chats.join(name)).ok()?.0.take(HEAD).read_to_end(&mut head).ok()?;
    let (mut reader, mut hash) = (Reader::new(&head), None);
    reader.next_object();
    reader.object(|key, reader| {
        if key == b"projectHash" {
            hash = reader.string().map(Cow::into_owned);
        }
    });
    hash
}

fn hash_of(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    digest.iter().fold(String::with_capacity(HASH_DIGITS), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// The sessions of one project, and their sub-agents in folders of their own.
fn sessions(disk: &Disk, chats: &Path, problems: &mut Vec<Problem>, found: &mut Vec<LogFile>) {
    for (name, entry) in entries_in(disk, chats, problems) {
        let path = chats.join(&name);
        let text = name.to_string_lossy();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("jsonl") if text.starts_with("session-") => {
                found.extend(log_file(&entry, path, Format::Rows(fold), problems));
            }
            Some("json") if text.starts_with("session-") => {
                found.extend(log_file(&entry, path, Format::Store(STORE), problems));
            }
            None if entry.file_type().is_ok_and(|kind| kind.is_dir()) => {
                let (first, before) = (found.len(), problems.len());
                for (name, entry) in entries_in(disk, &path, problems) {
                    if name.to_string_lossy().ends_with(".jsonl") {
                        found.extend(log_file(&entry, path.join(name), Format::Rows(fold), problems));
                    }
                }
                adopt(&text.into(), &mut found[first..], &mut problems[before..]);
            }
            _ => {}
        }
    }
}
