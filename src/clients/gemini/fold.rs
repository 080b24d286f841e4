//! What a row means for its session: metadata, a message, or a change of what was told before.

use std::borrow::Cow;

use super::message::{self, Message, time};
use crate::base::json::{Raw, Reader};
use crate::base::time::Time;
use crate::session::{Place, Session};

/// What a row may hold, or an old file as a whole.
#[derive(Default)]
pub(super) struct Row<'a> {
    session: Option<Cow<'a, str>>,
    started: Option<Time>,
    updated: Option<Time>,
    is_sub_agent: bool,
    directory: Option<Cow<'a, str>>,
    /// The whole conversation.
    pub(super) messages: Option<Raw<'a>>,
    message: Message<'a>,
    rewound_to: Option<Cow<'a, str>>,
}

pub(super) fn fold(session: &mut Session, reader: &mut Reader<'_>, place: Place) {
    let mut row = Row::default();
    let mut set = Row::default();
    reader.object(|key, reader| match key {
        b"$set" => reader.object(|key, reader| read_member(&mut set, key, reader)),
        b"$rewindTo" => row.rewound_to = reader.string(),
        _ => read_member(&mut row, key, reader),
    });
    if row.message.is_one() {
        return message::fold(session, &row.message, place);
    }
    session.row(None, place, false);
    if let Some(id) = &row.rewound_to {
        return session.rewound(id);
    }
    metadata(session, &row, place);
    for messages in [row.messages, set.messages].into_iter().flatten() {
        session.replaced(|session| conversation(session, messages, |_| place));
    }
    if let Some(id) = &set.session {
        session.identity(id, None);
    }
    // Written after every row, and with every change of the metadata.
    let nothing_better = session.last_activity.is_none();
    session.row(set.updated, place, nothing_better);
}

pub(super) fn read_member<'a>(row: &mut Row<'a>, key: &[u8], reader: &mut Reader<'a>) {
    match key {
        b"sessionId" => row.session = reader.string(),
        b"startTime" => row.started = time(reader),
        b"lastUpdated" => row.updated = time(reader),
        b"kind" => row.is_sub_agent = reader.string().is_some_and(|kind| kind == "subagent"),
        b"directories" => reader.array(|reader| {
            let directory = reader.string();
            row.directory = row.directory.take().or(directory);
        }),
        b"messages" if reader.peek() == Some(b'[') => {
            let messages = reader.raw();
            // Of a list that is torn, the end would be a wrong one.
            row.messages = Some(messages).filter(|_| !reader.broken());
        }
        _ => message::read_member(&mut row.message, key, reader),
    }
}

/// What stands at the head of a log.
pub(super) fn metadata(session: &mut Session, row: &Row<'_>, place: Place) {
    session.row(row.started, place, false);
    if let Some(id) = &row.session {
        session.identity(id, None);
    }
    if row.is_sub_agent {
        // Old ones do not say whose they are.
        session.internal = session.parent.is_none();
        // Of a main session these are further ones.
        if let Some(directory) = &row.directory {
            session.directory(directory);
        }
    }
}

/// Folds a whole conversation; `place_of` places a message by its number, counted from 1.
pub(super) fn conversation(session: &mut Session, messages: Raw<'_>, place_of: impl Fn(u64) -> Place) {
    let mut number = 0;
    messages.reader().array(|reader| {
        number += 1;
        let mut message = Message::default();
        reader.object(|key, reader| message::read_member(&mut message, key, reader));
        if message.is_one() {
            message::fold(session, &message, place_of(number));
        }
    });
}
