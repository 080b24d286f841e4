//! What a client is: data, and functions that find, read and explain its logs.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::disk::Disk;
use crate::base::file_id::{FileId, FileState};
use crate::base::json::Reader;
use crate::base::time::Time;
use crate::base::world::World;
use crate::clients::env::Env;
use crate::config::Folders;
use crate::model::Problem;
use crate::process::{Origin, ProcessTable, Program};
use crate::session::log::{Log, key};
use crate::session::transcript::Transcript;
use crate::session::{Place, Session, Step};

pub(crate) struct Client {
    /// As it is shown and stands in data.
    pub(crate) name: &'static str,
    /// How its processes are recognised.
    pub(crate) program: Program,
    /// Lists its logs: those that may belong to sessions in `folders`, or all.
    pub(crate) logs: ListLogs,
    /// Whether this session's log shows a call only when it is done.
    pub(crate) hides_calls: fn(&Session) -> bool,
    /// What it leaves about its running sessions, besides the logs.
    pub(crate) running: fn(&Disk, &Env, &mut Vec<Problem>) -> Vec<RunningSession>,
    /// The plan of a session in files of the client's own, where its log has none.
    pub(crate) plan: fn(&Disk, &Env, &Session) -> Vec<Step>,
    /// The type of a sub-agent, where a file beside its log tells it and the log does not.
    pub(crate) agent_type: fn(&Disk, &LogFile) -> Option<String>,
    /// Whether it is a name that the client gives a session: whoever makes a file may name it as an option.
    pub(crate) is_session: fn(&str) -> bool,
    /// The command that takes a session up again.
    pub(crate) resume: fn(&str) -> String,
    /// Where its logs lie.
    pub(crate) log_roots: fn(&Env) -> Vec<LogRoot>,
    /// What its logs and processes tell.
    pub(crate) capabilities: &'static [Capability],
    /// What they do not tell, or tell late; for people who wonder.
    pub(crate) limitation: &'static str,
}

/// A place where a client keeps its logs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LogRoot {
    pub(crate) path: PathBuf,
    /// The variables that move it.
    pub(crate) variables: &'static [&'static str],
}

/// What can be known of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capability {
    /// Whether its turn is open.
    State,
    /// The tool that it waits for, from the log.
    Tool,
    /// Which of its calls failed.
    Failures,
    /// Its plan, and how far it has come.
    Plan,
    Tokens,
    /// That it asks a person.
    Waiting,
    /// Whether its process lives.
    Liveness,
    /// That its turn has ended, and not merely paused.
    End,
}

impl Capability {
    pub(crate) const ALL: [Self; 8] =
        [Self::State, Self::Tool, Self::Failures, Self::Plan, Self::Tokens, Self::Waiting, Self::Liveness, Self::End];

    /// The word for it, in data and for people.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Tool => "tool",
            Self::Failures => "failures",
            Self::Plan => "plan",
            Self::Tokens => "tokens",
            Self::Waiting => "waiting",
            Self::Liveness => "liveness",
            Self::End => "end",
        }
    }
}

/// Whether it is a UUID, or the beginning of one.
pub(crate) fn is_uuid(id: &str) -> bool {
    id.starts_with(|c: char| c.is_ascii_hexdigit()) && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

/// Lists logs; without folders, all there are.
pub(crate) type ListLogs = fn(&Disk, &Env, folders: Option<&[&Path]>, &mut Vec<Problem>) -> Vec<LogFile>;

/// How a log is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Format {
    /// Rows that are only ever appended, folded one by one.
    Rows(Fold),
    /// The same, but a row may stand on several lines, as it has raw line ends in its texts; each begins like this.
    SplitRows(Fold, &'static [u8]),
    /// Anything else that is read anew when it changed.
    Store(Store),
}

/// Folds the record that the reader stands before; the place is the row's.
pub(crate) type Fold = fn(&mut Session, &mut Reader<'_>, Place);

pub(crate) type ReadStore = fn(&Disk, &LogFile, known: Option<Box<Log>>) -> io::Result<Box<Log>>;

/// A log that is no sequence of rows: a file that is rewritten, a folder, a part of a database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Store {
    /// Reads the log, and may go on from what is known of it: of the cursor, all but the identity is its own.
    pub(crate) read: ReadStore,
    /// What the places of its records count: `message`.
    pub(crate) unit: &'static str,
}

/// One log, as it lies there.
#[derive(Debug, Clone)]
pub(crate) struct LogFile {
    pub(crate) path: PathBuf,
    /// The session's own name in a file that holds several.
    pub(crate) within: Option<Arc<str>>,
    pub(crate) format: Format,
    pub(crate) identity: FileState,
    /// Whose file it is.
    pub(crate) owner: u32,
    /// The folder that the log's place proposes; what stands inside decides.
    pub(crate) proposed: Option<Arc<Path>>,
    /// The session whose sub-agent the log's place makes it.
    pub(crate) parent: Option<Arc<str>>,
    /// How many entries of its transcript are wanted; 0 for none.
    pub(crate) transcript: usize,
}

impl LogFile {
    /// What the checkpoint finds it by.
    pub(crate) fn key(&self) -> u64 {
        key(&self.path, self.within.as_deref())
    }

    /// The log as it is before anything of it was read.
    pub(crate) fn begin(&self) -> Log {
        let mut log = Log::default();
        log.session.parent = self.parent.as_deref().map(str::to_owned);
        log.session.transcript = (self.transcript > 0).then(|| Box::new(Transcript::of(self.transcript)));
        log
    }

    /// What its session is called if its rows do not tell: as its place tells, or as the file, or as its folder where all
    /// files are called alike.
    pub(crate) fn name(&self) -> String {
        if let Some(name) = &self.within {
            return name.to_string();
        }
        let stem = self.path.file_stem().filter(|stem| *stem != "events");
        let name = stem.or_else(|| self.path.parent()?.file_name());
        name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// A client's own sign that a session runs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RunningSession {
    pub(crate) session: String,
    pub(crate) path: PathBuf,
    pub(crate) proof: Proof,
    /// It may be of an agent on another machine: nobody here is behind it, and it lies where others write, too.
    pub(crate) elsewhere: bool,
}

impl RunningSession {
    pub(crate) fn new(session: &str, path: PathBuf, proof: Proof) -> Self {
        Self { session: session.to_owned(), path, proof, elsewhere: false }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Proof {
    /// A file that names the process.
    Pid {
        pid: u32,
        /// In clock ticks since boot.
        start: Option<u64>,
        /// What it does, in its own word.
        status: Option<String>,
        /// What it waits for a person to do.
        waiting: Option<String>,
        at: Option<Time>,
        origin: Origin,
    },
    /// One that could not be read, which may be of any session.
    Unread,
    /// A file that the running client holds locked.
    Lock(FileId),
}

impl Client {
    /// Every surroundings in which it may have been started: this program's own, those without any variable, those
    /// of its living processes, and those that the user has named. Of those that lead to the same folders, the first.
    pub(crate) fn environments(&self, world: &World, folders: &Folders, table: &ProcessTable) -> Vec<Env> {
        let own = Env::own(self.program.variables, world);
        let with = |variables: Vec<_>| Env { variables, ..own.clone() };
        let mut all = vec![own.clone(), with(Vec::new())];
        let living = table.agents(self.name).filter(|process| !process.variables.is_empty());
        all.extend(living.map(|process| {
            let env = with(process.variables.clone());
            let home = env.folder("HOME").or_else(|| own.home.clone());
            Env { home, ..env }
        }));
        for path in folders.get("HOME").into_iter().flatten() {
            all.push(Env { home: Some(path.clone()), ..with(Vec::new()) });
        }
        for name in self.program.variables {
            let named = folders.get(*name).into_iter().flatten();
            all.extend(named.map(|path| with(vec![(*name, path.clone().into_os_string())])));
        }
        let mut seen = HashSet::new();
        all.retain(|env| seen.insert((self.log_roots)(env).into_iter().map(|place| place.path).collect::<Vec<_>>()));
        all
    }

    /// Its logs in all of these surroundings: those that may belong to sessions in `folders`, or all. Each is listed
    /// once, by whatever links it is reached.
    pub(crate) fn list(
        &self,
        disk: &Disk,
        environments: &[Env],
        folders: Option<&[&Path]>,
        problems: &mut Vec<Problem>,
    ) -> Vec<LogFile> {
        let first = problems.len();
        let logs = environments.iter().flat_map(|env| (self.logs)(disk, env, folders, problems));
        let mut found: Vec<LogFile> = logs.collect();
        if environments.len() > 1 {
            let mut seen = HashSet::new();
            found.retain(|log| seen.insert((log.identity.device, log.identity.inode, log.within.clone())));
        }
        for unread in problems[first..].iter_mut().filter_map(|problem| problem.unread.as_mut()) {
            unread.client = self.name;
        }
        found
    }
}
