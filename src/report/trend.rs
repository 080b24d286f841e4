//! Compared with the previous period.

use serde::Serialize;

use super::figures::{ratio, rounded};
use super::{Figures, Period};

/// The period before, of the same length.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Before {
    pub(crate) period: Period,
    pub(crate) totals: Figures,
}

/// One figure, then and now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Trend {
    pub(crate) figure: &'static str,
    pub(crate) before: f64,
    pub(crate) now: f64,
    /// The difference as a share of `before`; none where that is nothing.
    pub(crate) change: Option<f64>,
    /// Whether the change is for the better; none where it is neither, there is none, or too few runs to tell.
    pub(crate) better: Option<bool>,
}

/// Which way is for the better.
#[derive(Clone, Copy)]
enum Good {
    More,
    Less,
    Neither,
}

type Row = (&'static str, Good, fn(&Figures) -> Option<f64>);

/// The figures that matter. A new one is a line here.
#[expect(clippy::cast_precision_loss, reason = "compared, not counted")]
const ROWS: [Row; 10] = [
    ("runs", Good::Neither, |figures| Some(figures.runs as f64)),
    ("success_rate", Good::More, |figures| figures.success_rate),
    ("median_s", Good::Less, |figures| figures.duration.map(|duration| duration.median_s)),
    ("p90_s", Good::Less, |figures| figures.duration.map(|duration| duration.p90_s)),
    ("stuck_s_per_run", Good::Less, |figures| per_run(figures.stuck_s, figures)),
    ("mean_delay_s", Good::Less, |figures| figures.stuck.mean_delay_s),
    ("tool_failure_rate", Good::Less, |figures| figures.tool_failure_rate),
    ("errors_per_run", Good::Less, |figures| per_run(figures.errors, figures)),
    ("output_tokens", Good::Neither, |figures| Some(figures.tokens.output as f64)),
    ("cost_usd", Good::Neither, |figures| figures.cost_usd),
];

/// More runs alone are no change for the worse.
fn per_run(sum: u64, figures: &Figures) -> Option<f64> {
    ratio(sum, figures.runs).map(|share| rounded(share, 2))
}

/// With fewer runs than this, in either period, a change is chance.
const FEWEST: u64 = 3;

/// Those that are known of both; none of a period in which nothing happened.
pub(super) fn trend(before: &Figures, now: &Figures) -> Vec<Trend> {
    if now.tasks == 0 {
        return Vec::new();
    }
    let is_chance = before.runs < FEWEST || now.runs < FEWEST;
    let row = |(figure, good, value): &Row| {
        let (before, now) = (value(before)?, value(now)?);
        let change = (before > 0.0).then(|| rounded((now - before) / before, 4));
        let better = match good {
            _ if is_chance => None,
            Good::More if now > before => Some(true),
            Good::More if now < before => Some(false),
            Good::Less if now < before => Some(true),
            Good::Less if now > before => Some(false),
            _ => None,
        };
        Some(Trend { figure, before, now, change, better })
    };
    let told = |trend: &Trend| trend.before > 0.0 || trend.now > 0.0;
    ROWS.iter().filter_map(row).filter(told).collect()
}
