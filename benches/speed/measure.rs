//! Measuring child processes: two programs in turn, so that a busy machine slows both.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// So many times both are measured; the median of an odd number is one of them.
const PAIRS: usize = 7;
/// One measurement runs a program until this is used up, because the kernel counts in ticks of 10 ms.
const BATCH: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy)]
pub(crate) enum Clock {
    /// User and system time of children that have ended, all their threads.
    Cpu,
    Wall,
}

/// How two programs compare: the median of the pairs' ratios, and their range.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Comparison {
    pub(crate) ratio: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Milliseconds for one run of each: medians.
    pub(crate) each: (f64, f64),
}

/// Runs `a` and `b` in turn, after a warm-up.
pub(crate) fn compare(
    clock: Clock,
    mut a: impl FnMut() -> Result<()>,
    mut b: impl FnMut() -> Result<()>,
) -> Result<Comparison> {
    let runs = (calibrate(clock, &mut a)?, calibrate(clock, &mut b)?);
    let (mut ratios, mut each) = (Vec::new(), (Vec::new(), Vec::new()));
    for _ in 0..PAIRS {
        let (of_a, of_b) = (batch(clock, runs.0, &mut a)?, batch(clock, runs.1, &mut b)?);
        ratios.push(of_a / of_b);
        each.0.push(of_a);
        each.1.push(of_b);
    }
    let ratio = median(&mut ratios);
    let each = (median(&mut each.0), median(&mut each.1));
    Ok(Comparison { ratio, low: ratios[0], high: ratios[PAIRS - 1], each })
}

/// The warm-up; returns how many runs fill a batch.
fn calibrate(clock: Clock, run: &mut impl FnMut() -> Result<()>) -> Result<u32> {
    let start = clock.read()?;
    for runs in 1_u32.. {
        run()?;
        let used = clock.read()?.saturating_sub(start);
        if used * 4 >= BATCH || runs == 1000 {
            let fill = u128::from(runs) * BATCH.as_millis() / used.as_millis().max(10);
            return Ok(u32::try_from(fill)? + 1);
        }
    }
    Ok(1)
}

/// Milliseconds per run.
fn batch(clock: Clock, runs: u32, run: &mut impl FnMut() -> Result<()>) -> Result<f64> {
    let start = clock.read()?;
    for _ in 0..runs {
        run()?;
    }
    Ok(clock.read()?.saturating_sub(start).as_secs_f64() * 1000.0 / f64::from(runs))
}

/// Sorts.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

impl Clock {
    fn read(self) -> Result<Duration> {
        match self {
            Self::Cpu => children(),
            Self::Wall => {
                static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
                Ok(START.get_or_init(Instant::now).elapsed())
            }
        }
    }
}

/// `cutime` and `cstime` of this process, which the kernel sums up precisely and shows in ticks.
fn children() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The name before it is in parentheses and may hold anything.
    let (_, fields) = stat.rsplit_once(") ").context("no name in /proc/self/stat")?;
    let ticks: u64 = fields.split(' ').skip(13).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}

/// Runs to the end; the report goes to a file, because some programs do less for `/dev/null`.
pub(crate) fn run(command: &mut Command, output: &Path) -> Result<()> {
    let status = command.stdin(Stdio::null()).stdout(File::create(output)?).status();
    let status = status.with_context(|| format!("cannot run {}", command.get_program().display()))?;
    ensure!(status.success(), "{} ended with {status}", command.get_program().display());
    Ok(())
}

/// The most memory that a run holds at once, in MiB, and how long it takes.
pub(crate) fn peak_memory(command: &mut Command, output: &Path) -> Result<(f64, Duration)> {
    let start = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(File::create(output)?).spawn()?;
    let path = format!("/proc/{}/status", child.id());
    let mut peak = 0_u32;
    let status = loop {
        // The high-water mark only rises, and is gone once the process has ended.
        peak = peak.max(high_water(&path).unwrap_or(0));
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    ensure!(status.success(), "{} ended with {status}", command.get_program().display());
    Ok((f64::from(peak) / 1024.0, start.elapsed()))
}

fn high_water(path: &str) -> Option<u32> {
    let status = fs::read_to_string(path).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?.parse().ok()
}
