//! A period and its days, weeks or months.

use serde::Serialize;

use crate::time::Time;

/// From `from` on, and before `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Period {
    pub(crate) from: Time,
    pub(crate) to: Time,
}

/// Into what a period is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    Daily,
    Weekly,
    Monthly,
}
