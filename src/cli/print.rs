//! How a command's page is printed, and where it goes.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// In which form a page is printed, and where to.
#[derive(Args)]
pub(crate) struct PrintArgs {
    /// Output format [default: table on a terminal, lines elsewhere]
    #[arg(long, value_name = "NAME")]
    pub(crate) format: Option<String>,
    /// Same as --format json
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,
    /// Write to this file, replacing it atomically
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
}

impl PrintArgs {
    /// The name of the requested format.
    pub(crate) fn format(&self) -> Option<&str> {
        if self.json { Some("json") } else { self.format.as_deref() }
    }
}
