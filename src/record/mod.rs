//! The record: what happened to the tasks of a repository, one JSON object a line, only ever appended to,
//! but for what is folded into summaries in time.
//!
//! `diff` says what is new since the record last spoke, `state` reads what it last said, `location` finds where it lies,
//! and `append` puts the three together under a lock; what a killed writer left is for `repair`. `compact` replaces the
//! record by one that holds less, and `replaced` sees to it that nothing is lost by that. `row` reads what `entry` wrote,
//! and `kind` has all kinds of rows. An event carries an id that follows from what it tells, so that one made twice, by an
//! overlapping run or after a kill, is written once.

mod append;
mod compact;
mod diff;
mod diff_agents;
mod diff_errors;
pub(crate) mod entry;
mod files;
mod follow;
pub(crate) mod history;
mod kind;
mod location;
pub(crate) mod lock;
mod note;
mod recent;
mod repair;
mod replaced;
pub(crate) mod row;
mod run_event;
mod sanitize;
pub(crate) mod state;
mod usual;

pub(crate) use self::append::{Appended, add, append};
pub(crate) use self::compact::{Cleaned, Figures, clean};
pub(crate) use self::diff::{Poll, events};
pub(crate) use self::diff_errors::resolved;
pub(crate) use self::follow::{Row, Rows};
pub(crate) use self::kind::Kind;
pub(crate) use self::location::{RecordDir, existing, place, reopen, stored};
pub(crate) use self::lock::PATIENCE;
pub(crate) use self::note::{Note, NoteType};
pub(crate) use self::recent::LastRows;
pub(crate) use self::row::each_row;
pub(crate) use self::run_event::RunEvent;
pub(crate) use self::usual::Usual;

#[cfg(test)]
pub(crate) mod tests;
