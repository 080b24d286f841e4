//! Types of agents and sequences of them, against truths that were reckoned by hand or by the story of weeks.

use std::collections::BTreeMap;

use super::samples::{at, completed, days, error, failed, load, of, stretch};
use crate::base::disk::Disk;
use crate::base::time::Time;
use crate::config::Retention;
use crate::model::{Health, Tokens, ToolCounts};
use crate::record::history::tests::weeks::{START, Weeks, load_at};
use crate::record::history::{AgentRun, Counted, History, OfType, Run, Selection, read};
use crate::report::{Condition, Period, Report, ReportInput, report};

/// A sub-agent's run of so many minutes; sessions by number, 1 the main agent's.
fn agent(kind: &str, ended: &str, minutes: u64, [session, parent]: [u32; 2], outcome: Health) -> AgentRun {
    let (agent_type, reason) = (Some(kind.to_owned()).filter(|kind| !kind.is_empty()), String::new());
    AgentRun { agent_type, ended: at(ended), outcome, reason, seconds: Some(minutes * 60), session, parent }
}

fn main_run(ended: &str, minutes: u64) -> Run {
    Run { session: 1, ..completed(ended, minutes) }
}

const OK: Health = Health::Completed;

/// Three runs that explore, implement, then review and test side by side, and one that only explores.
fn shop() -> Report {
    let mut one = stretch("a", "19T08:00", "19T20:00");
    one.agent_type = Some("main".to_owned());
    one.runs = ["19T09:00", "19T11:00", "19T13:00", "19T15:00"].map(|ended| main_run(ended, 60)).into();
    one.runs[2] = Run { session: 1, ..failed("19T13:00", 60) };
    one.runs[3].partial = true;
    let mut number = 10;
    for hour in [8, 10, 12] {
        let mut add = |kind: &str, minute: u32, minutes, parent, outcome| {
            number += 1;
            let ended = format!("19T{hour:02}:{minute:02}");
            one.agent_runs.push(agent(kind, &ended, minutes, [number, parent], outcome));
            number
        };
        let explorer = add("explore", 10, 9, 1, OK);
        add("search", 8, 3, explorer, OK);
        add("implement", 30, 15, 1, if hour == 12 { Health::Failed } else { OK });
        add("review", 40, 8, 1, OK);
        add("test", 42, 8, 1, OK);
    }
    one.agent_runs.push(agent("explore", "19T14:30", 10, [30, 1], Health::Failed));
    one.agent_runs.sort_by_key(|run| run.ended);
    one.used.tokens.output = 1000;
    one.used.cost = Some(3.0);
    one.used.tools = ToolCounts { calls: 50, failed: 12 };
    one.used.by_tool = [("Bash".to_owned(), one.used.tools)].into();
    one.errors = vec![error("no such file", 7, "19T08:30", "19T08:50")];
    let tools = ToolCounts { calls: 20, failed: 10 };
    let explore = OfType {
        used: crate::record::history::Used {
            tokens: Tokens { output: 400, ..Tokens::default() },
            cost: Some(1.0),
            tools,
            by_tool: [("Bash".to_owned(), tools)].into(),
        },
        errors: [("no such file".to_owned(), 5)].into(),
    };
    one.by_type = [("explore".to_owned(), explore)].into();
    of(vec![one], days("19", "20"))
}

#[test]
fn each_type_has_its_own_figures() {
    let report = shop();
    let told: BTreeMap<_, _> = report.agent_types.iter().map(|one| (one.name().to_owned(), one)).collect();
    assert_eq!(
        told.keys().map(String::as_str).collect::<Vec<_>>(),
        ["explore", "implement", "main", "review", "search", "test"]
    );
    let main = told["main"];
    assert_eq!((main.executions, main.completed, main.partial, main.failed), (4, 2, 1, 1));
    assert_eq!((main.success_rate, main.average_s), (Some(0.75), Some(3600.0)));
    assert_eq!((main.tokens.output, main.cost_usd, main.tools.calls, main.tools.failed), (600, Some(2.0), 30, 2));
    assert_eq!((main.errors[0].count, main.last_success), (2, Some(at("19T11:00"))));
    let explore = told["explore"];
    assert_eq!((explore.executions, explore.completed, explore.failed), (4, 3, 1));
    assert_eq!((explore.average_s, explore.recent.condition), (Some(9.25 * 60.0), Condition::Degraded));
    assert_eq!((explore.tokens.output, explore.cost_usd, explore.tool_failure_rate), (400, Some(1.0), Some(0.5)));
    assert_eq!((explore.errors[0].count, explore.failing_tools[0].failed), (5, 10));
    assert_eq!((told["implement"].executions, told["implement"].failed), (3, 1));
    // What the types used adds up to what the tasks did.
    assert_eq!(report.agent_types.iter().map(|one| one.tokens.output).sum::<u64>(), report.totals.tokens.output);
}

#[test]
fn sequences_that_come_again_are_told() {
    let report = shop();
    let [workflow] = &report.workflows[..] else { panic!("{:?}", report.workflows) };
    assert_eq!(workflow.name(), "explore → implement → review + test");
    assert_eq!((workflow.runs, workflow.completed, workflow.failed), (3, 2, 1));
    assert_eq!(workflow.average_s, Some(3600.0));
    assert_eq!(report.chains.len(), 4);
    let chain = &report.chains[0];
    let told = |at: usize| {
        let one = &chain.agents[at];
        (one.agent_type.as_deref().unwrap(), one.parent, one.parallel)
    };
    assert_eq!(
        (0..5).map(told).collect::<Vec<_>>(),
        [
            ("explore", None, false),
            ("search", Some(0), false),
            ("implement", None, false),
            ("review", None, true),
            ("test", None, true),
        ]
    );
}

#[test]
fn what_was_recorded_before_types_is_unknown_and_not_zero() {
    let mut old = stretch("a", "19T08:00", "19T10:00");
    old.runs = vec![completed("19T09:00", 5)];
    old.used.tokens.output = 7;
    let report = of(vec![old], days("19", "20"));
    assert_eq!((report.totals.runs, report.agent_types.len(), report.chains.len()), (1, 0, 0));
}

/// By type: executions, completed, partial, failed, seconds; tokens, calls, failed calls, errors.
type Truth = BTreeMap<String, ([u64; 5], [u64; 4])>;

fn truth(weeks: &Weeks) -> Truth {
    let mut truth = Truth::new();
    for sums in weeks.truth.sums.values() {
        for (kind, share) in &sums.by_type {
            let (runs, used) = truth.entry(kind.clone()).or_default();
            for (_, outcome, seconds) in &share.runs {
                let failed = u64::from(outcome == "failed");
                let more = [1, 1 - failed, 0, failed, *seconds];
                (0..5).for_each(|at| runs[at] += more[at]);
            }
            used[0] += share.tokens[3];
            used[1] += share.tools.values().map(|counts| counts.0).sum::<u64>();
            used[2] += share.tools.values().map(|counts| counts.1).sum::<u64>();
            used[3] += share.errors.values().sum::<u64>();
        }
    }
    truth
}

fn told(history: History) -> (Report, Truth) {
    let period = Period { from: Time(START * 1000), to: Time((START + 60 * 86_400) * 1000) };
    let known = ReportInput { now: history.stretches, load: history.load, ..ReportInput::default() };
    let report = report(known, period.to, period, None);
    let told = report.agent_types.iter().filter(|one| !["main", "planner"].contains(&one.name()));
    let told = told.map(|one| {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small"
        )]
        let seconds = (one.average_s.unwrap_or(0.0) * one.executions as f64).round() as u64;
        let runs = [one.executions, one.completed, one.partial, one.failed, seconds];
        let errors = one.errors.iter().map(|error| error.count).sum();
        (
            one.agent_type.clone().unwrap_or_default(),
            (runs, [one.tokens.output, one.tools.calls, one.tools.failed, errors]),
        )
    });
    let told = told.collect();
    (report, told)
}

/// Of each task the average share of a core and its peak, in hundredths, when that was, and the peak of memory in bytes.
type Uses = BTreeMap<String, (u64, u64, Time, u64)>;

/// As the rows of the record say.
fn uses(weeks: &Weeks) -> Uses {
    let mut rows: BTreeMap<String, Vec<(u64, Time)>> = BTreeMap::new();
    for row in weeks.polls.iter().flat_map(|poll| &poll.rows) {
        let row: serde_json::Value = serde_json::from_str(&row.line).unwrap();
        if row["event"] == "progress" {
            let mebibytes = row["memory_bytes"].as_u64().unwrap() >> 20;
            let at = Time::parse(row["ts"].as_str().unwrap()).unwrap();
            rows.entry(row["task"].as_str().unwrap().to_owned()).or_default().push((mebibytes, at));
        }
    }
    let of = |rows: Vec<(u64, Time)>| {
        let sum: u64 = rows.iter().map(|(used, _)| used).sum();
        let (peak, at) = rows.iter().max_by_key(|(used, at)| (used, std::cmp::Reverse(at))).unwrap();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small"
        )]
        let average = (sum as f64 / rows.len() as f64).round() as u64;
        (average, *peak, *at, peak << 20)
    };
    rows.into_iter().map(|(task, rows)| (task, of(rows))).collect()
}

fn told_uses(report: &Report) -> Uses {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
    let hundredths = |share: f64| (share * 100.0).round() as u64;
    let of = |load: &crate::report::TaskUse| {
        let hours = load.hours.iter().map(|hour| hundredths(hour.cpu_peak)).max();
        assert_eq!(hours, Some(hundredths(load.cpu_peak.value)));
        (hundredths(load.cpu_share), hundredths(load.cpu_peak.value), load.cpu_peak.at, load.memory_peak.bytes())
    };
    report.tasks.iter().filter_map(|task| Some((task.task.clone(), of(task.load.as_ref()?)))).collect()
}

#[test]
fn the_curve_of_a_task_has_a_value_for_each_part_of_its_time() {
    let mut one = stretch("a", "19T08:00", "19T20:00");
    one.load = load([("19T08:30", 50, 1), ("19T09:05", 150, 1), ("19T12:00", 25, 1)]);
    one.alerts = vec![(at("19T09:59"), "cpu".to_owned()), (at("19T10:00"), "memory".to_owned())];
    let report = of(vec![one, stretch("b", "19T08:00", "19T20:00")], days("19", "20"));
    let [busy, idle] = &report.tasks[..] else { panic!("{:?}", report.tasks) };
    let load = busy.load.as_ref().unwrap();
    let curve = |most| load.curve(most, |hour| hour.cpu_peak);
    assert_eq!(curve(16), [Some(0.5), Some(1.5), None, None, Some(0.25)]);
    assert_eq!(curve(2), [Some(1.5), Some(0.25)]);
    assert_eq!(curve(0), []);
    assert_eq!((load.cpu_share, load.alerts()), (0.75, vec!["cpu"]));
    assert_eq!((idle.load.as_ref(), &report.busiest[..]), (None, &[0][..]));
}

#[test]
fn weeks_are_told_as_they_were_before_and_after_clean() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".agents/logs/background_monitoring.jsonl");
    let place = crate::record::reopen(&path).unwrap();
    let weeks = Weeks::new(12, 28, "/srv/shop");
    std::fs::write(&place.path, weeks.text()).unwrap();
    let read = || read(&Disk::default(), &place.path, Selection::default(), &mut Counted::default());
    let truth = truth(&weeks);
    let (before, figures) = told(read());
    assert!(truth.len() == 4 && before.chains.len() > 50 && before.workflows.len() > 3, "{}", before.workflows.len());
    let loads: Vec<f64> = (0..weeks.polls.len()).map(|poll| f64::from(load_at(poll))).collect();
    let machine = before.machine.as_ref().unwrap();
    #[expect(clippy::cast_precision_loss, reason = "few")]
    let average = loads.iter().sum::<f64>() / loads.len() as f64 / 100.0;
    assert!((machine.load - average).abs() < 0.01, "{} {average}", machine.load);
    let highest =
        (0..loads.len()).max_by(|one, other| loads[*one].total_cmp(&loads[*other]).then(other.cmp(one))).unwrap();
    assert_eq!(
        (machine.load_peak.value, machine.load_peak.at),
        (loads[highest] / 100.0, Time(weeks.polls[highest].at * 1000))
    );
    assert_eq!(machine.memory_peak.at, machine.load_peak.at);
    // An average is told to a tenth of a second.
    let near = |figures: &Truth| {
        for (kind, (runs, used)) in figures {
            let (right, right_used) = &truth[kind];
            assert_eq!((&runs[..4], used), (&right[..4], right_used), "{kind}");
            assert!(runs[4].abs_diff(right[4]) <= right[0] / 10 + 1, "{kind}");
        }
        assert_eq!(figures.len(), truth.len());
    };
    near(&figures);
    let mains = before.agent_types.iter().filter(|one| ["main", "planner"].contains(&one.name()));
    let partial: u64 = weeks.truth.sums.values().map(|sums| sums.partial).sum();
    let (runs, open) = mains.fold((0, 0), |sum, one| (sum.0 + one.executions, sum.1 + one.partial));
    assert_eq!((runs, open), (before.totals.runs, partial));
    let uses = uses(&weeks);
    assert!(uses.len() > 10, "{uses:?}");
    assert_eq!(told_uses(&before), uses);
    for keep in [[7, 30, 90, 365], [2, 9, 90, 365], [0, 2, 4, 365]] {
        let [raw, daily, weekly, monthly] = keep.map(|days| std::time::Duration::from_secs(days * 86_400));
        let retention = Retention { raw, daily, weekly, monthly, limit: 0 };
        let now = Time((START + 28 * 86_400) * 1000);
        crate::record::clean(&place, now, &retention, false).unwrap();
        let (after, figures) = told(read());
        near(&figures);
        assert_eq!(after.workflows, before.workflows);
        assert_eq!(after.machine, before.machine);
        assert_eq!(told_uses(&after), uses);
        assert_eq!(after.chains.len(), before.chains.len());
        let without_cost = |report: &Report| {
            let types =
                report.agent_types.iter().map(|one| (one.name().to_owned(), one.executions, one.tokens, one.tools));
            types.collect::<Vec<_>>()
        };
        assert_eq!(without_cost(&after), without_cost(&before));
    }
}

#[test]
fn a_peak_is_named_with_the_alerts_that_began_then() {
    let (mut one, mut other) = (stretch("a", "19T08:00", "19T20:00"), stretch("b", "19T08:00", "19T20:00"));
    one.alerts = vec![(at("19T09:10"), "cpu".to_owned()), (at("19T09:12"), "long_running".to_owned())];
    other.alerts = vec![(at("19T11:10"), "memory".to_owned())];
    let load = load([("19T09:05", 1420, 100), ("19T11:05", 100, 3000)]);
    let known = ReportInput { now: vec![one, other], load, ..ReportInput::default() };
    let machine = report(known, at("20T00:00"), days("19", "20"), None).machine.unwrap();
    let told =
        |peak: &crate::report::Peak| peak.alerts.iter().map(|one| (one.task, one.alert.clone())).collect::<Vec<_>>();
    assert_eq!((machine.load_peak.value, told(&machine.load_peak)), (14.2, vec![(0, "cpu".to_owned())]));
    assert_eq!(told(&machine.memory_peak), [(1, "memory".to_owned())]);
    assert_eq!((machine.load, machine.memory_bytes), (7.6, 1550 * 1024));
}
