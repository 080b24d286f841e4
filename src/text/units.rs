//! Numbers with their units, for people.

use std::time::Duration;

/// How long ago, in the two units that matter: `45s`, `12m`, `3h05m`, `2d4h`.
pub(crate) fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m"),
        (..24, _) => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{}d{}h", hours / 24, hours % 24),
    }
}

/// The same, to the second below an hour: `45s`, `12m05s`, `3h05m`.
pub(crate) fn exact_age(exact: Duration) -> String {
    let seconds = exact.as_secs();
    if (60..3600).contains(&seconds) { format!("{}m{:02}s", seconds / 60, seconds % 60) } else { age(exact) }
}

/// `812`, `12.3k`, `1.2M`.
#[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
pub(crate) fn short_number(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        1_000..1_000_000 => format!("{:.1}k", number as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1}M", number as f64 / 1e6),
        _ => format!("{:.1}B", number as f64 / 1e9),
    }
}

/// `87 %`; with a decimal where it would else be none or all.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let is_edge = percent > 0.0 && percent < 1.0 || percent > 99.0 && percent < 100.0;
    if is_edge { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

/// `1 task`, `5 tasks`.
pub(crate) fn count(n: u64, singular: &str, plural: &str) -> String {
    format!("{n} {}", if n == 1 { singular } else { plural })
}

/// `a, b and 3 more`: names, and how many more there are.
pub(crate) fn and_more(names: &[impl AsRef<str>], more: usize) -> String {
    let names = names.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ");
    if more == 0 { names } else { format!("{names} and {more} more") }
}

/// What stands for so many.
pub(crate) fn them(n: u64) -> &'static str {
    if n == 1 { "it" } else { "them" }
}

/// `once`, `twice`, `5 times`.
pub(crate) fn times(n: u64) -> String {
    match n {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}

/// `300 MiB`, `1.5 GiB`: rounded down, with one decimal below 10.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let power = n.checked_ilog2().unwrap_or(0) / 10;
    let one = 1_u64 << (10 * power);
    let (whole, tenths) = (n / one, n % one * 10 / one);
    let unit = UNITS[power as usize]; // 2^64 is 16 EiB
    if whole < 10 && tenths > 0 { format!("{whole}.{tenths} {unit}") } else { format!("{whole} {unit}") }
}
