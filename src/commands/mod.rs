//! What the commands do: the order of looking, recording and printing.

mod batch;
mod changes;
mod clean;
mod clients;
mod completions;
mod errors;
mod event;
mod events;
mod explain;
mod notify;
pub(crate) mod output;
mod poll;
mod pseudonyms;
mod record_poll;
mod report;
mod run;
pub(crate) mod scope;
mod select_records;
pub(crate) mod select_task;
mod status;
mod steer;
mod watch;

pub(crate) use batch::batch;
pub(crate) use clean::clean;
pub(crate) use clients::clients;
pub(crate) use completions::{ASKS, complete, completions};
pub(crate) use errors::errors;
pub(crate) use event::event;
pub(crate) use events::events;
pub(crate) use explain::explain;
pub(crate) use report::report;
pub(crate) use run::run;
pub(crate) use status::status;
pub(crate) use steer::{pause, reap, resume, stop};
pub(crate) use watch::watch;
