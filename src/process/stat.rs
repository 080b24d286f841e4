//! Reads `/proc/PID/stat`.

use std::time::Duration;

use super::Process;

/// `PF_KTHREAD`: it belongs to the kernel.
const KERNEL: u64 = 0x0020_0000;

/// What `text` says of process `pid`, and whether it is a kernel thread; `None` if that is no stat.
pub(crate) fn parse(pid: u32, text: &str) -> Option<(Process, bool)> {
    // The name may hold anything, parentheses and line ends too; what follows it does not.
    let (head, tail) = text.rsplit_once(')')?;
    let (_, name) = head.split_once('(')?;
    let fields: Vec<&str> = tail.split_ascii_whitespace().take(22).collect();
    // `proc(5)` counts from 1, and the state is the third.
    let number = |field: usize| fields.get(field - 3).and_then(|text| text.parse::<i64>().ok());
    let amount = |field: usize| number(field).and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
    let process = Process {
        pid,
        parent: u32::try_from(number(4)?).ok()?,
        start: u64::try_from(number(22)?).ok()?,
        state: fields.first()?.chars().next()?,
        on_terminal: amount(7) != 0,
        name: name.to_owned(),
        cpu: ticks(amount(14).saturating_add(amount(15))),
        reaped_cpu: ticks(amount(16).saturating_add(amount(17))),
        memory_bytes: amount(24).saturating_mul(page_size()),
        ..Process::default()
    };
    Some((process, amount(9) & KERNEL != 0))
}

/// Clock ticks as time.
pub(super) fn ticks(ticks: u64) -> Duration {
    let rate = rustix::param::clock_ticks_per_second().max(1);
    Duration::from_secs(ticks / rate)
        .saturating_add(Duration::from_nanos((ticks % rate).saturating_mul(1_000_000_000) / rate))
}

fn page_size() -> u64 {
    rustix::param::page_size() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_stat_whatever_the_name() {
        let tail = "S 40 1 1 0 -1 4194304 99 0 0 0 11 22 33 44 20 0 1 0 5555 3133440 380 1844674407";
        for name in ["claude", ") Z (", ") R 1 (\n x", "", "a b"] {
            let (process, kernel) = parse(41, &format!("41 ({name}) {tail}\n")).unwrap();
            assert_eq!((process.pid, process.parent, process.start, process.state), (41, 40, 5555, 'S'));
            assert_eq!((process.name.as_str(), kernel), (name, false));
            assert_eq!((process.cpu, process.reaped_cpu), (ticks(33), ticks(77)));
            assert_eq!(process.memory_bytes, 380 * page_size());
        }
        let (_, kernel) = parse(2, "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 1 0 0").unwrap();
        assert!(kernel);
    }

    #[test]
    fn refuses_what_is_no_stat_and_survives_what_is_absurd() {
        for text in ["", ")", "1 (a)", "1 (a) S", "1 (a) S x", "1 (a) S -1 1 1", "1 (a) S 1 1 0 -1 1 1 1 1 1 1 1"] {
            assert!(parse(1, text).is_none(), "{text}");
        }
        let max = i64::MAX;
        let (process, _) =
            parse(9, &format!("9 (a) S 1 1 1 0 -1 0 0 0 0 0 {max} {max} -5 -5 20 0 1 0 {max} 0 {max}")).unwrap();
        assert_eq!((process.memory_bytes, process.reaped_cpu), (u64::MAX, Duration::ZERO));
        assert!(process.cpu > Duration::from_secs(1 << 40));
    }
}
