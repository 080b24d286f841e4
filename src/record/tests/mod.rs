//! Writers that are killed, and samples for the tests of the event log.

pub(crate) mod kill;
pub(crate) mod kill_compact;
pub(crate) mod samples;
