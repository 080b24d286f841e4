//! How busy the machine is.

use std::path::Path;

use crate::base::disk::Disk;
use crate::model::Machine;

/// Longer files than these there are none, in bytes.
const LONGEST: u64 = 64 * 1024;

/// What the machine tells of its load; of a disk of another machine nothing but what lies there.
pub(super) fn machine(disk: &Disk) -> Machine {
    let read = |path: &str| disk.read(Path::new(path), LONGEST).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let (load, memory) = (read("/proc/loadavg"), read("/proc/meminfo"));
    let cores = if disk.is_copy() { None } else { std::thread::available_parallelism().ok() };
    Machine {
        load: load.as_deref().and_then(self::load),
        cores: cores.map(usize::from),
        memory: memory.as_deref().and_then(self::memory),
    }
}

fn load(loadavg: &str) -> Option<[f64; 3]> {
    let mut numbers = loadavg.split_whitespace().map_while(|word| word.parse().ok());
    Some([numbers.next()?, numbers.next()?, numbers.next()?])
}

/// Bytes in use, which programs could not have, of how many.
fn memory(meminfo: &str) -> Option<(u64, u64)> {
    let bytes = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
    };
    let (total, available) = (bytes("MemTotal:")?, bytes("MemAvailable:")?);
    Some((total.saturating_sub(available), total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_tells_its_load_and_memory() {
        assert_eq!(load("1.92 2.05 1.7 3/412 9981\n"), Some([1.92, 2.05, 1.7]));
        let meminfo = "MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    400 kB\n";
        assert_eq!(memory(meminfo), Some((600 * 1024, 1000 * 1024)));
        for torn in ["", "MemTotal: 18446744073709551615 kB\nMemAvailable: 1 kB\n", "MemTotal: x kB", "1.0 2.0"] {
            assert_eq!((load(torn), memory(torn)), (None, None), "{torn}");
        }
    }
}
