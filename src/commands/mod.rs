//! What the commands do: the order of looking, recording and printing.

mod clean;
mod clients;
mod errors;
mod events;
mod explain;
mod look;
mod quiet;
mod recording;
mod records;
mod status;

pub(crate) use clean::clean;
pub(crate) use clients::clients;
pub(crate) use errors::errors;
pub(crate) use events::events;
pub(crate) use explain::explain;
pub(crate) use status::status;
