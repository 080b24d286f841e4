//! How much room this machine has, in memory and on a disk.

use std::path::Path;

/// The share of memory in use below which there is room again.
pub(super) const MEMORY_FREED: f64 = 0.80;
/// What must be free on a disk, in bytes.
const DISK: u64 = 256 * 1024 * 1024;

/// Whether another attempt has room in memory, and on the disk of this folder. What cannot be measured does not hold it.
pub(super) fn has_room(folder: &Path) -> bool {
    let disk = rustix::fs::statvfs(folder).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    memory_used().is_none_or(|used| used < MEMORY_FREED) && disk.map_or(true, |free| free > DISK)
}

/// The share of memory that is in use: what programs could still have is not.
pub(super) fn memory_used() -> Option<f64> {
    used(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

/// What programs could still have, in bytes.
pub(super) fn memory_available() -> Option<u64> {
    Some(kibibytes(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")? * 1024)
}

#[expect(clippy::cast_precision_loss, reason = "a share")]
fn used(meminfo: &str) -> Option<f64> {
    let (total, available) = (kibibytes(meminfo, "MemTotal:")?, kibibytes(meminfo, "MemAvailable:")?);
    (total > 0).then(|| 1.0 - available as f64 / total as f64)
}

fn kibibytes(meminfo: &str, name: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_could_be_had_is_not_in_use() {
        let meminfo = "MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    400 kB\n";
        assert!(used(meminfo).is_some_and(|used| (used - 0.6).abs() < 1e-9));
        assert_eq!((used(""), kibibytes(meminfo, "MemFree:")), (None, Some(100)));
    }
}
