//! A home full of sessions and the repository they work in, as files.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

use crate::log::{Ending, Frame};
use crate::place::Place;
use crate::text::{Pool, Random};
use crate::transcript::Session;

/// The moment at which every session is judged: 2026-11-20T12:00:00Z.
pub(crate) const NOW: i64 = 1_795_176_000;
pub(crate) const WORKTREES: usize = 50;

/// A home, a repository with linked worktrees, and the sessions in them.
pub(crate) struct Tree<'a> {
    pub(crate) place: Place,
    pub(crate) sessions: Vec<Session<'a>>,
    pub(crate) bytes: u64,
}

impl<'a> Tree<'a> {
    /// `count` sessions, `bytes` in all.
    pub(crate) fn generate(place: Place, pool: &'a Pool, count: usize, bytes: u64, seed: u64) -> Result<Self> {
        make_repository(&place.repository)?;
        let mut random = Random::new(seed);
        let weights: Vec<u64> = (0..count).map(|_| weight(&mut random)).collect();
        let unit = bytes / weights.iter().sum::<u64>().max(1);
        let mut tree = Self { place, sessions: Vec::new(), bytes: 0 };
        for (at, weight) in weights.into_iter().enumerate() {
            let frame = tree.frame(at, weight * unit, &mut random);
            let mut session = Session::new(frame, pool, random.next());
            let path = tree.path_of(&session);
            fs::create_dir_all(path.parent().context("a log has a folder")?)?;
            let mut out = BufWriter::new(File::create(&path)?);
            session.write(&mut out)?;
            let file = out.into_inner()?;
            tree.bytes += file.metadata()?.len();
            // The log was last touched when its last row was written.
            file.set_modified(moment(session.log.last))?;
            tree.sessions.push(session);
        }
        Ok(tree)
    }

    /// Ten new lines in each of `files` logs.
    pub(crate) fn grow(&mut self, files: usize) -> Result<()> {
        let open = |session: &&mut Session| session.log.frame.ending == Ending::Open && !session.log.frame.torn;
        let (home, mut left) = (&self.place.home, files);
        for session in self.sessions.iter_mut().filter(open).take(files) {
            let mut file = File::options().append(true).open(log_path(home, session))?;
            session.append(&mut file)?;
            file.set_modified(moment(session.log.last))?;
            left -= 1;
        }
        anyhow::ensure!(left == 0, "too few sessions with an open turn");
        Ok(())
    }

    /// How large the logs and their lines are.
    pub(crate) fn shape(&self) -> Result<String> {
        let mut lines = Vec::new();
        for session in &self.sessions {
            lines.extend(fs::read(self.path_of(session))?.split(|byte| *byte == b'\n').map(<[u8]>::len));
        }
        lines.sort_unstable();
        let at = |percent: usize| lines[(lines.len() - 1) * percent / 100];
        Ok(format!(
            "{} sessions, {} MB, {} lines: median {} B, 99 % below {} KB, largest {} KB",
            self.sessions.len(),
            self.bytes / 1_000_000,
            lines.len(),
            at(50),
            at(99) / 1000,
            at(100) / 1000
        ))
    }

    pub(crate) fn path_of(&self, session: &Session) -> PathBuf {
        log_path(&self.place.home, session)
    }

    /// Within the last hour, the earlier the higher the number, and never two at the same time.
    fn frame(&self, at: usize, budget: u64, random: &mut Random) -> Frame {
        let branch = format!("task-{:02}", at % WORKTREES);
        let age = 60_000 + 7_000 * i64::try_from(at % 500).unwrap_or_default();
        let end = NOW * 1000 - age;
        let ending = [Ending::Ended, Ending::Ended, Ending::Open, Ending::InFlight][random.index(4)];
        let cwd = self.place.repository.join(".worktrees").join(&branch).display().to_string();
        let torn = random.percent(2);
        Frame { id: random.uuid(), cwd, branch, budget, start: end - 3 * 3_600_000, end, ending, torn }
    }
}

fn log_path(home: &Path, session: &Session) -> PathBuf {
    let Frame { id, cwd, .. } = &session.log.frame;
    projects(home, Path::new(cwd)).join(format!("{id}.jsonl"))
}

/// Where Claude Code keeps the logs of a directory.
pub(crate) fn projects(home: &Path, directory: &Path) -> PathBuf {
    let slug = directory.display().to_string().replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    home.join(".claude/projects").join(slug)
}

/// Most logs are small, a few are very large.
fn weight(random: &mut Random) -> u64 {
    match random.below(100) {
        0..60 => 10,
        60..90 => 20,
        90..99 => 50,
        _ => 360,
    }
}

fn moment(milliseconds: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds.unsigned_abs())
}

/// What `git init` and `git worktree add` leave, as far as anybody reads it.
pub(crate) fn make_repository(repository: &Path) -> Result<()> {
    let git = repository.join(".git");
    for folder in ["objects", "refs/heads", "worktrees"] {
        fs::create_dir_all(git.join(folder))?;
    }
    write(&git.join("HEAD"), "ref: refs/heads/main\n")?;
    write(&git.join("config"), "[core]\n\trepositoryformatversion = 0\n\tbare = false\n")?;
    for at in 0..WORKTREES {
        let name = format!("task-{at:02}");
        let (worktree, inside) = (repository.join(".worktrees").join(&name), git.join("worktrees").join(&name));
        fs::create_dir_all(&worktree)?;
        fs::create_dir_all(&inside)?;
        write(&worktree.join(".git"), &format!("gitdir: {}\n", inside.display()))?;
        write(&inside.join("gitdir"), &format!("{}\n", worktree.join(".git").display()))?;
        write(&inside.join("HEAD"), &format!("ref: refs/heads/{name}\n"))?;
        write(&inside.join("commondir"), "../..\n")?;
    }
    Ok(())
}

/// One log of `bytes` in a home of its own: the same rows, again and again.
pub(crate) fn one_large_log(place: &Place, pool: &Pool, bytes: u64) -> Result<()> {
    let tree = Tree::generate(place.clone(), pool, 1, 64 << 20, 11)?;
    let path = tree.path_of(&tree.sessions[0]);
    let piece = path.with_extension("piece");
    fs::rename(&path, &piece)?;
    let mut out = File::create(&path)?;
    while out.metadata()?.len() < bytes {
        std::io::copy(&mut File::open(&piece)?, &mut out)?;
    }
    out.set_modified(moment(NOW * 1000))?;
    fs::remove_file(piece)?;
    Ok(())
}

/// One log whose last but one line has `bytes`.
pub(crate) fn one_large_line(place: &Place, pool: &Pool, bytes: u64) -> Result<()> {
    let mut tree = Tree::generate(place.clone(), pool, 1, 8 << 10, 12)?;
    let path = tree.path_of(&tree.sessions[0]);
    let mut out = BufWriter::new(File::options().append(true).open(path)?);
    out.write_all(br#"{"type":"user","message":{"role":"user","content":[{"type":"tool_result","content":""#)?;
    let block = vec![b'x'; 1 << 16];
    for _ in 0..bytes >> 16 {
        out.write_all(&block)?;
    }
    out.write_all(
        b"\",\"is_error\":false,\"tool_use_id\":\"toolu_01\"}]},\"timestamp\":\"2026-11-20T11:58:59.000Z\"}\n",
    )?;
    tree.sessions[0].append(&mut out)?;
    out.into_inner()?.set_modified(moment(NOW * 1000))?;
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
