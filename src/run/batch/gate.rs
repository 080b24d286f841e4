//! Whether this machine has room for another task: a gate that shuts and opens at different loads, so that it does not
//! flutter.

use std::time::Duration;

use super::super::room::{MEMORY_FREED, memory_used};

/// Above this share of all cores, over the last looks, it shuts; below the second it opens again.
const CPU: (f64, f64) = (0.90, 0.75);
/// The same for memory.
const MEMORY: (f64, f64) = (0.85, MEMORY_FREED);

/// Between two looks at the machine.
pub(crate) const LOOK: Duration = Duration::from_secs(5);

/// What a machine is busy with, as shares; nothing where that cannot be measured.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Load {
    pub(crate) cpu: Option<f64>,
    pub(crate) memory: Option<f64>,
}

#[derive(Debug, Default)]
pub(crate) struct Gate {
    pub(crate) is_closed: bool,
    is_memory_full: bool,
    before: Option<(u64, u64)>,
}

impl Gate {
    /// Takes in a load. When the gate shuts or opens, it says why.
    fn take(&mut self, load: Load) -> Option<String> {
        let above = |share: Option<f64>, limit: f64| share.is_some_and(|share| share > limit);
        let at = |limits: (f64, f64)| if self.is_closed { limits.1 } else { limits.0 };
        let (cpu, memory) = (above(load.cpu, at(CPU)), above(load.memory, at(MEMORY)));
        self.is_memory_full = memory;
        let was = std::mem::replace(&mut self.is_closed, cpu || memory);
        let percent = |share: Option<f64>| format!("{:.0} %", share.unwrap_or_default() * 100.0);
        match (was, self.is_closed) {
            (false, true) if memory => Some(format!("holds starts: memory {}", percent(load.memory))),
            (false, true) => Some(format!("holds starts: CPU {}", percent(load.cpu))),
            (true, false) => Some("starts again".to_owned()),
            _ => None,
        }
    }

    /// Whether starts are held, while tasks run that have run for so long. The cores are busy with one of them only if it
    /// ran while they were looked at: short tasks are not to run one after the other because of what others do.
    pub(crate) fn holds(&self, mut running: impl Iterator<Item = Duration>) -> bool {
        self.is_closed && running.any(|ran| self.is_memory_full || ran >= LOOK)
    }

    /// Looks at the machine: how busy it was since the last look.
    pub(crate) fn look(&mut self) -> Option<String> {
        let now = std::fs::read_to_string("/proc/stat").ok().and_then(|text| times(&text));
        let cpu = self.before.zip(now).and_then(|(before, now)| share(before, now));
        self.before = now.or(self.before);
        self.take(Load { cpu, memory: memory_used() })
    }
}

/// The busy and the whole time of all cores, in ticks since the machine booted.
fn times(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = line.split_ascii_whitespace().take(8).filter_map(|ticks| ticks.parse().ok()).collect();
    let [user, nice, system, idle, wait, irq, soft, steal] = ticks[..] else { return None };
    let busy = user + nice + system + irq + soft + steal;
    Some((busy, busy + idle + wait))
}

#[expect(clippy::cast_precision_loss, reason = "a share")]
fn share(before: (u64, u64), now: (u64, u64)) -> Option<f64> {
    let whole = now.1.saturating_sub(before.1);
    (whole > 0).then(|| now.0.saturating_sub(before.0) as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shuts_high_and_opens_low_and_says_so_once() {
        let mut gate = Gate::default();
        let mut take = |cpu: f64, memory: f64| gate.take(Load { cpu: Some(cpu), memory: Some(memory) });
        let said = |text: &str| Some(text.to_owned());
        assert_eq!(take(0.89, 0.84), None);
        assert_eq!(take(0.91, 0.10), said("holds starts: CPU 91 %"));
        assert_eq!((take(0.80, 0.10), take(0.76, 0.10)), (None, None));
        assert_eq!(take(0.74, 0.10), said("starts again"));
        assert_eq!(take(0.10, 0.86), said("holds starts: memory 86 %"));
        assert_eq!(take(0.10, 0.81), None);
        assert_eq!(take(0.10, 0.79), said("starts again"));
        assert_eq!(gate.take(Load::default()), None, "what cannot be measured holds nobody");
    }

    #[test]
    fn it_holds_only_while_a_task_runs_that_was_looked_at() {
        let seconds = |ran: &[u64]| ran.iter().copied().map(Duration::from_secs).collect::<Vec<_>>().into_iter();
        let held = |load: Load| {
            let mut gate = Gate::default();
            gate.take(load);
            [&[][..], &[0], &[0, 4, 1], &[0, 5], &[600]].map(|ran| gate.holds(seconds(ran)))
        };
        let (full, free) = (Some(0.99), Some(0.1));
        assert_eq!(held(Load { cpu: full, memory: free }), [false, false, false, true, true]);
        assert_eq!(
            held(Load { cpu: free, memory: full }),
            [false, true, true, true, true],
            "a short task fills memory, too"
        );
        assert_eq!(held(Load { cpu: free, memory: free }), [false; 5]);
    }

    #[test]
    fn the_time_of_all_cores_is_read() {
        let before = times("cpu  10 0 10 70 10 0 0 0 0 0\ncpu0 1 1 1 1\n");
        let now = times("cpu  40 0 40 110 10 0 0 0 0 0\n");
        assert_eq!((before, now), (Some((20, 100)), Some((80, 200))));
        assert_eq!(share(before.unwrap(), now.unwrap()), Some(0.6));
        assert_eq!((times(""), share((1, 1), (1, 1))), (None, None));
    }
}
