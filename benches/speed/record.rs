//! A long record, and what it costs to read and to fold, against a program that only prints a word of each row.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::generate::{NOW, make_repository};
use crate::place::Place;
use crate::weeks::Weeks;

const DAY: i64 = 24 * 60 * 60;
/// Of one story; as many as needed follow each other.
const DAYS: i64 = 28;

pub(crate) struct Record {
    pub(crate) place: Place,
    pub(crate) path: PathBuf,
    pub(crate) rows: u64,
    runs: u64,
    /// When it ends, in seconds after `NOW`.
    pub(crate) end: i64,
}

impl Record {
    /// Of at least so many rows.
    pub(crate) fn generate(place: Place, rows: u64) -> Result<Self> {
        make_repository(&place.repository)?;
        let logs = place.repository.join(".agents/logs");
        fs::create_dir_all(&logs)?;
        let path = logs.join("background_monitoring.jsonl");
        let mut out = BufWriter::new(File::create(&path)?);
        let (mut written, mut runs, mut start) = (0, 0, NOW / DAY * DAY);
        while written < rows {
            let seed = written + 1;
            let weeks = Weeks::from(start, seed, DAYS, &place.repository.to_string_lossy());
            runs += weeks.truth.sums.values().map(|sums| sums.runs.len() as u64).sum::<u64>();
            for poll in weeks.polls {
                for row in &poll.rows {
                    writeln!(out, "{}", row.line)?;
                }
                written += poll.rows.len() as u64;
            }
            start += DAYS * DAY;
        }
        out.flush()?;
        Ok(Self { place, path, rows: written, runs, end: start - NOW })
    }

    /// Says what it would be to fold all of it: every row is read.
    pub(crate) fn clean(&self) -> Command {
        let mut command = self.place.command("clean", self.end + 8 * DAY);
        command.arg("--dry-run");
        command
    }

    /// What came of all of it.
    pub(crate) fn report(&self) -> Command {
        let mut command = self.place.command("report", self.end);
        command.args(["--since", "all"]);
        command
    }

    /// What came of its later half, against the earlier one.
    pub(crate) fn report_half(&self) -> Command {
        let mut command = self.place.command("report", self.end);
        command.args(["--since", &format!("{}s", self.end / 2)]);
        command
    }

    /// Every row is counted, none twice, and every run is reported.
    pub(crate) fn check(&self) -> Result<()> {
        let output = self.clean().output().context("cannot run the program")?;
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(told.contains(&format!("{} rows would be rolled up", self.rows)), "of {} rows: {told}", self.rows);
        let report: Value = serde_json::from_slice(&self.place.report(self.report())?)?;
        let reported = report.pointer("/totals/runs").and_then(Value::as_u64);
        ensure!(reported == Some(self.runs), "{reported:?} of {} runs are reported", self.runs);
        println!(
            "a record of {} rows, {} MB: {}",
            self.rows,
            fs::metadata(&self.path)?.len() / 1_000_000,
            told.trim_end()
        );
        Ok(())
    }
}
