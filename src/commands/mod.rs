//! What the commands do: the order of looking, recording and printing.

mod explain;
mod look;
mod quiet;
mod recording;
mod status;

pub(crate) use explain::explain;
pub(crate) use status::status;
