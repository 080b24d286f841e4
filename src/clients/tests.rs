//! For the tests of the clients: rows in, one line of facts out.

use super::CLIENTS;
use super::client::Fold;
use crate::base::json::Reader;
use crate::model::ErrorClass;
use crate::session::command::AGENTS;
use crate::session::{CallKind, Place, Session, Turn};

/// Folds rows as they would lie in a log.
pub(crate) fn read(fold: Fold, rows: &[String]) -> Session {
    let (mut session, mut place) = (Session::default(), Place { line: 1, offset: 0 });
    for row in rows {
        let mut reader = Reader::new(row.as_bytes());
        while reader.next_object() {
            fold(&mut session, &mut reader, place);
        }
        assert!(!reader.broken(), "{row}");
        place = after(place, row);
    }
    session.seal();
    session
}

/// A session of which nothing else is known.
pub(crate) fn named(id: &str, parent: Option<&str>) -> Session {
    let mut session = Session::default();
    session.identity(id, parent);
    session
}

/// The place of the row after this one.
fn after(Place { line, offset }: Place, row: &str) -> Place {
    Place { line: line + 1, offset: offset + row.len() as u64 + 1 }
}

/// The turn, and whatever else is out of the ordinary, in a few words.
pub(crate) fn told(session: &Session) -> String {
    let turn = match &session.turn {
        Turn::None => "none".to_owned(),
        Turn::Open => "open".to_owned(),
        Turn::Ended { firm: true } => "ended".to_owned(),
        Turn::Ended { firm: false } => "ended?".to_owned(),
        Turn::Errored(error) => format!("{} error", error.class.map_or("unclear", ErrorClass::code)),
        Turn::Interrupted => "interrupted".to_owned(),
    };
    let mut told = vec![turn];
    let mut tell = |is_so: bool, what: String| told.extend(is_so.then_some(what));
    let open: Vec<_> = session.open.iter().map(|call| format!("{} `{}`", call.name, call.summary)).collect();
    tell(!open.is_empty(), format!("in {}", open.join(" + ")));
    tell(session.question().is_some(), "asks".to_owned());
    tell(session.open.iter().any(|call| call.kind == CallKind::Gated), "gated".to_owned());
    tell(session.tools.calls > 0, format!("{} calls", session.tools.calls));
    tell(session.tools.failed > 0, format!("{} failed", session.tools.failed));
    tell(session.failures.count > 0, format!("streak {}", session.failures.count));
    tell(session.repeats.count > 1, format!("repeats {}", session.repeats.count));
    tell(session.retries.count > 0, format!("retries {}", session.retries.count));
    let pending = session.pending_jobs().count();
    tell(pending > 0, format!("{pending} jobs"));
    tell(session.internal, "internal".to_owned());
    if let Some(plan) = session.progress.as_ref() {
        tell(true, format!("{}/{} {}", plan.done, plan.total, plan.step.as_deref().unwrap_or("-")));
    }
    told.join(", ")
}

/// Rows, and more of them.
pub(crate) fn and(mut rows: Vec<String>, more: impl IntoIterator<Item = String>) -> Vec<String> {
    rows.extend(more);
    rows
}

/// Checks a table of names, rows and facts, and shows all that differ.
pub(crate) fn check(fold: Fold, table: &[(&str, Vec<String>, &str)]) {
    let wrong = table.iter().filter_map(|(name, rows, truth)| {
        let told = told(&read(fold, rows));
        (told != *truth).then(|| format!("{name}:\n  {told}\n  not {truth}"))
    });
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whatever a log holds, and wherever reading it was left and taken up again, the fold is the same, and never
/// panics.
pub(crate) fn check_any_input(fold: Fold, rows: &[String]) {
    let packed = |session: &Session| (postcard::to_stdvec(session).unwrap(), session.fold_state());
    let whole = packed(&read(fold, rows));
    for cut in 0..=rows.len() {
        let (bytes, workings) = packed(&read(fold, &rows[..cut]));
        let mut session: Session = postcard::from_bytes(bytes.leak()).unwrap();
        assert!(session.resume(&workings));
        let mut place = rows[..cut].iter().fold(Place { line: 1, offset: 0 }, |place, row| after(place, row));
        for row in &rows[cut..] {
            fold_bytes(fold, &mut session, row.as_bytes(), place);
            place = after(place, row);
        }
        session.seal();
        assert!(packed(&session) == whole, "taken up again after {cut} rows");
    }
    let mut session = Session::default();
    for row in rows {
        for at in 0..row.len() {
            fold_bytes(fold, &mut session, &row.as_bytes()[..at], Place::default());
            for byte in [0, b'"', b'{', b'[', b'\\', b'9', 0xFF] {
                let mut bytes = row.clone().into_bytes();
                bytes[at] = byte;
                fold_bytes(fold, &mut session, &bytes, Place::default());
            }
        }
    }
    session.seal();
}

#[test]
fn a_session_knows_each_client_that_a_command_may_run() {
    for client in CLIENTS {
        assert!(AGENTS.contains(&client.program.names[0]), "`AGENTS` of `session::command` lacks {}", client.name);
    }
}

pub(crate) fn fold_bytes(fold: Fold, session: &mut Session, bytes: &[u8], place: Place) {
    let mut reader = Reader::new(bytes);
    while reader.next_object() {
        fold(session, &mut reader, place);
    }
}
