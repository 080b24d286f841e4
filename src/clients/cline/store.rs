//! A session: the conversation, and beside it how it goes.

use std::io;
use std::path::Path;

use super::fold::conversation;
use crate::base::disk::Disk;
use crate::base::json::Reader;
use crate::base::time::Time;
use crate::clients::{LogFile, Store, document};
use crate::session::log::Log;
use crate::session::{Place, Session, Turn, api_error};

pub(super) const STORE: Store = Store { read, unit: "message" };

/// Of what is beside a conversation, in bytes; it is a screenful.
const LARGEST: u64 = 1024 * 1024;

/// What the file beside a conversation says.
#[derive(Debug, Default)]
pub(super) struct About {
    pub(super) pid: Option<u32>,
    pub(super) started: Option<Time>,
    ended: Option<Time>,
    /// `running`, `completed`, `failed` or `cancelled`.
    pub(super) status: String,
    cwd: Option<String>,
    model: Option<String>,
    prompt: Option<String>,
    cost: Option<f64>,
}

/// Nothing where it cannot be read: the conversation is then all that is known.
pub(super) fn about(disk: &Disk, path: &Path) -> Option<About> {
    let bytes = disk.read(path, LARGEST).ok()?;
    let (mut reader, mut about) = (Reader::new(&bytes), About::default());
    if !reader.next_object() {
        return None;
    }
    let owned = |text: Option<std::borrow::Cow<'_, str>>| text.map(std::borrow::Cow::into_owned);
    reader.object(|key, reader| match key {
        b"pid" => about.pid = reader.count().and_then(|pid| u32::try_from(pid).ok()),
        b"started_at" => about.started = reader.string().and_then(|at| Time::parse(&at)),
        b"ended_at" => about.ended = reader.string().and_then(|at| Time::parse(&at)),
        b"status" => about.status = owned(reader.string()).unwrap_or_default(),
        b"cwd" => about.cwd = owned(reader.string()),
        b"model" => about.model = owned(reader.string()),
        b"prompt" => about.prompt = owned(reader.string()),
        b"metadata" => reader.object(|key, reader| {
            if key == b"totalCost" {
                about.cost = reader.number();
            }
        }),
        _ => {}
    });
    Some(about)
}

fn read(disk: &Disk, file: &LogFile, known: Option<Box<Log>>) -> io::Result<Box<Log>> {
    let session = file.parent.as_deref().or(file.within.as_deref()).unwrap_or_default();
    let about = file.path.parent().and_then(|folder| about(disk, &super::about(folder, session))).unwrap_or_default();
    document::read(disk, file, known, |bytes| whole(bytes, file, &about))
}

/// The session, if the file holds all of it.
fn whole(bytes: &[u8], file: &LogFile, about: &About) -> Option<Box<Log>> {
    let mut messages = None;
    document::members(bytes, |key, reader| {
        if key == b"messages" {
            messages = Some(reader.raw());
        }
    })?;
    let mut log = Box::new(file.begin());
    let session = &mut log.session;
    session.row(about.started, Place::default(), false);
    session.identity(file.within.as_deref().unwrap_or_default(), None);
    about.cwd.iter().for_each(|cwd| session.directory(cwd));
    let is_main = file.parent.is_none();
    if let Some(model) = about.model.as_ref().filter(|_| is_main) {
        session.model(model);
    }
    let count = messages.map_or(0, |messages| conversation(session, messages));
    if is_main {
        if count == 0
            && let Some(prompt) = &about.prompt
        {
            // It was asked, and nothing has come back yet.
            session.prompt();
            session.asked_for(prompt);
        }
        about.cost.filter(|cost| *cost > 0.0).iter().for_each(|cost| session.spent(*cost));
        end(session, about, count);
    }
    Some(log)
}

/// How the session ended in its own word, unless it went on since.
fn end(session: &mut Session, about: &About, count: u64) {
    let Some(ended) = about.ended.filter(|ended| session.last_activity.is_none_or(|last| last <= *ended)) else {
        return;
    };
    let place = Place::record(count);
    session.row(Some(ended), place, false);
    match about.status.as_str() {
        "completed" => session.ended(),
        "cancelled" => session.interrupted(),
        "failed" if !matches!(session.turn, Turn::Errored(_)) => {
            session.errored(api_error::classify(None, "", "the session failed"));
        }
        _ => {}
    }
}
