//! What the commands do: the order of looking, recording and printing.

mod clean;
mod clients;
mod explain;
mod look;
mod quiet;
mod recording;
mod records;
mod report;
mod status;

pub(crate) use clean::clean;
pub(crate) use clients::clients;
pub(crate) use explain::explain;
pub(crate) use report::report;
pub(crate) use status::status;
