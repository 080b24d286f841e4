//! What is remembered from poll to poll: CPU times of tools, and how long the machine has slept.

use std::time::Duration;

use super::super::tests::*;
use crate::Time;
use crate::judge::samples::remember;
use crate::process::earlier::Sample;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// An agent whose log has been silent for an hour; it slept in all so long.
fn silent(slept: u64, suspensions: &[(u64, u64)]) -> String {
    let lab = lab().log("1", A, "prompt", HOUR).agent_of("1", 7).with(|it| {
        it.suspended = seconds(slept * 60);
        it.suspensions = suspensions.iter().map(|(age, slept)| (ago(age * MINUTE), seconds(slept * 60))).collect();
    });
    lab.task().detail
}

#[test]
fn sleep_since_the_last_activity_is_no_silence() {
    let none: &[(u64, u64)] = &[];
    let cases = vec![
        // In minutes: what the machine has slept by now, and what earlier polls saw.
        (0, none, "no activity for 1h00m"),
        (45, &[], "no activity for 15m"),
        (45, &[(90, 0)], "no activity for 15m"),
        (45, &[(90, 45)], "no activity for 1h00m"),
        (55, &[(90, 0)], ""),
        // A first poll after the activity does not know when it slept before.
        (45, &[(30, 45)], "no activity for 1h00m"),
        (45, &[(30, 0)], "no activity for 15m"),
        (45, &[(90, 0), (30, 20), (10, 45)], "no activity for 15m"),
        // It slept all night before the activity; the poll that noticed came five minutes after it.
        (600, &[(900, 0), (55, 600)], "no activity for 55m"),
        // After a reboot the clock of sleep begins anew.
        (5, &[(90, 300)], "no activity for 1h00m"),
    ];
    for (slept, suspensions, wanted) in cases {
        assert_eq!(silent(slept, suspensions), wanted, "{slept} {suspensions:?}");
    }
}

#[test]
fn sleep_before_a_sub_agent_was_active_is_none_of_its_silence() {
    let slept = |it: &mut Lab| {
        it.suspended = seconds(3600);
        it.suspensions = vec![(ago(5 * HOUR), seconds(0)), (ago(2 * HOUR), seconds(3600))];
    };
    let lab = lab().log("1", A, "prompt", 4 * HOUR).log("1/2", A, "prompt", 30 * MINUTE).agent_of("1", 7).with(slept);
    assert_eq!(lab.task().detail, "no activity for 30m");
}

/// A tool in flight for an hour below agent 7, which has used so much since the samples.
fn in_tool(cpu: Duration, samples: Vec<Sample>) -> Lab {
    lab().log("1", A, "prompt call", HOUR).agent_of("1", 7).with(|it| {
        it.processes.push(Process { pid: 8, parent: 7, state: 'S', cpu, ..Process::default() });
        it.samples.insert((7, 70), samples);
    })
}

fn sample(age: u64, cpu: u64) -> Sample {
    Sample { at: ago(age), cpu: seconds(cpu), tree_cpu: seconds(cpu), output: 0, tools: 0 }
}

#[test]
fn a_tool_moves_by_its_share_of_the_time_awake() {
    let reason = |lab: Lab| lab.task().reason.code();
    // 10 minutes, 1 % of which are 6 s.
    assert_eq!(reason(in_tool(seconds(5), vec![sample(10 * MINUTE, 0)])), "tool_silent");
    assert_eq!(reason(in_tool(seconds(6), vec![sample(10 * MINUTE, 0)])), "working");
    let choosy = |it: &mut Lab| it.thresholds.tool_cpu = 0.02;
    assert_eq!(reason(in_tool(seconds(6), vec![sample(10 * MINUTE, 0)]).with(choosy)), "tool_silent");
    let slept = |it: &mut Lab| {
        it.suspended = seconds(5 * 60);
        it.suspensions = vec![(ago(2 * HOUR), seconds(0))];
    };
    assert_eq!(reason(in_tool(seconds(3), vec![sample(10 * MINUTE, 0)]).with(slept)), "working");
    // Samples of an agent of that id that started at another time are another's.
    let others = in_tool(seconds(6), vec![]).with(|it| {
        it.samples.insert((7, 71), vec![sample(10 * MINUTE, 0)]);
        it.processes[1].start = 0;
    });
    assert_eq!(reason(others), "working", "by its lifetime share, as there is no uptime");
}

/// The ages of the samples that are kept, in seconds.
fn kept(ages: &[u64]) -> Vec<u64> {
    let samples = ages.iter().map(|age| sample(age * SECOND, 0)).collect();
    let lab = in_tool(seconds(1), samples);
    let (samples, _) = lab.look(|seen, context| remember(&snapshot(seen, context), seen, context));
    samples[&(7, 70)].iter().map(|sample| NOW.since(sample.at).as_secs()).collect()
}

#[test]
fn one_old_sample_is_kept_and_the_younger_ones() {
    assert_eq!(kept(&[]), [0]);
    assert_eq!(kept(&[14]), [14], "a poll right after another takes none");
    assert_eq!(kept(&[15]), [15, 0]);
    assert_eq!(kept(&[300, 60]), [60, 0]);
    assert_eq!(kept(&[300, 59]), [300, 59, 0]);
    assert_eq!(kept(&[300, 120, 61, 45, 30, 15]), [61, 45, 30, 15, 0]);
    // However often one polls, they are few.
    let mut ages: Vec<u64> = Vec::new();
    for _ in 0..100 {
        ages = kept(&ages).iter().map(|age| age + 15).collect();
        assert!(ages.len() <= 6, "{ages:?}");
    }
}

#[test]
fn after_the_clock_was_set_back_samples_stay_few() {
    let future = |at| Sample { at: NOW.plus(seconds(at)), cpu: seconds(0), tree_cpu: seconds(0), output: 0, tools: 0 };
    let lab = in_tool(seconds(1), vec![sample(90 * SECOND, 0), future(3600), future(7200)]);
    let (samples, _) = lab.look(|seen, context| remember(&snapshot(seen, context), seen, context));
    let times: Vec<Time> = samples[&(7, 70)].iter().map(|sample| sample.at).collect();
    assert_eq!(times, [ago(90 * SECOND), NOW]);
}

#[test]
fn only_what_lives_and_is_new_is_remembered() {
    let of = |lab: &Lab| lab.look(|seen, context| remember(&snapshot(seen, context), seen, context));
    let dead = lab().log("1", A, "prompt call", HOUR).with(|it| {
        it.samples.insert((7, 70), vec![sample(MINUTE, 0)]);
    });
    assert!(of(&dead).0.is_empty());
    let slept = |slept: Duration, before: Vec<(Time, Duration)>| {
        of(&lab().with(|it| (it.suspended, it.suspensions) = (slept, before))).1
    };
    assert_eq!(slept(seconds(5), vec![]), [(NOW, seconds(5))]);
    let known = vec![(ago(HOUR), seconds(5))];
    assert_eq!(slept(seconds(5), known.clone()), known);
    assert_eq!(slept(Duration::from_micros(5_000_007), known.clone()), known, "two clocks are not read at once");
    assert_eq!(slept(seconds(6), known), [(ago(HOUR), seconds(5)), (NOW, seconds(6))]);
    let many = (0..500).map(|number| (ago(HOUR - number), seconds(number))).collect();
    assert_eq!(slept(seconds(1000), many).len(), 64);
}
