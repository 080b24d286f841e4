//! Every figure against a truth that was reckoned by hand.

use proptest::prelude::*;

use super::{Condition, Period, Report, ReportInput, report};
use crate::base::time::Time;
use crate::model::{ErrorClass, Health, Tokens};
use crate::record::history::{Rollup, Run, StuckTime};

use samples::{at, calls, completed, days, error, failed, of, run, shop, stretch};

#[test]
fn totals() {
    let report = shop();
    let totals = &report.totals;
    assert_eq!((totals.tasks, totals.runs, totals.completed, totals.failed), (4, 6, 3, 3));
    assert_eq!(totals.success_rate, Some(0.5));
    assert_eq!(totals.failed_by, [("api_error".to_owned(), 3)].into());
    let duration = totals.duration.unwrap();
    // 10, 10, 20, 60, 90, 150 minutes.
    assert_eq!((duration.median_s, duration.p90_s), (40.0 * 60.0, 120.0 * 60.0));
    assert_eq!((duration.runs, duration.longest_s, duration.total_s), (6, 150 * 60, 340 * 60));
    assert_eq!(
        (totals.healthy_s, totals.struggling_s, totals.stuck_s, totals.unwatched_s),
        (18_600, 1800, 63_000, 600)
    );
    assert_eq!((totals.stuck.times, totals.stuck.ended, totals.stuck.mean_delay_s), (2, 1, Some(27_000.0)));
    let tokens = Tokens { input: 300_000, cached_input: 2_700_000, cache_write: 150_000, output: 50_000 };
    assert_eq!((totals.tokens, totals.cost_usd), (tokens, Some(15.5)));
    assert_eq!((totals.tools, totals.tool_failure_rate, totals.errors), (calls(160, 44), Some(0.275), 7));
}

#[test]
fn durations_lie_in_proportion_between_runs() {
    let cases: [(&[u64], f64, f64); 5] = [
        (&[7], 7.0, 7.0),
        (&[10, 20], 15.0, 19.0),
        (&[3, 1, 2], 2.0, 2.8),
        (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 6.0, 10.0),
        (&[5, 5, 5, 100], 5.0, 71.5),
    ];
    for (minutes, median, p90) in cases {
        let mut one = stretch("a", "19T00:00", "19T12:00");
        one.runs = minutes.iter().map(|minutes| completed("19T12:00", *minutes)).collect();
        let duration = of(vec![one], days("19", "20")).totals.duration.unwrap();
        assert_eq!((duration.median_s, duration.p90_s), (median * 60.0, p90 * 60.0), "{minutes:?}");
    }
    let mut untimed = stretch("a", "19T00:00", "19T12:00");
    untimed.runs = vec![completed("19T12:00", 5), completed("19T12:00", 9)];
    untimed.runs[1].seconds = None;
    let report = of(vec![untimed], days("19", "20"));
    assert_eq!((report.totals.runs, report.totals.duration.unwrap().runs), (2, 1));
    assert_eq!(report.inexact, ["1 of 2 runs have no recorded duration"]);
}

#[test]
fn parts_by_client_model_and_repository() {
    let report = shop();
    let told = |parts: &[super::Part]| {
        let tell = |part: &super::Part| (part.name.clone().unwrap(), part.figures.runs, part.figures.failed);
        parts.iter().map(tell).collect::<Vec<_>>()
    };
    assert_eq!(told(&report.clients), [("claude-code".into(), 3, 0), ("codex".into(), 3, 3)]);
    assert_eq!(told(&report.models), [("claude-opus-4-5".into(), 3, 0), ("gpt-5.1-codex".into(), 3, 3)]);
    assert_eq!(told(&report.repositories), [("/srv/shop".into(), 6, 3)]);
    let tools: Vec<_> =
        report.tools.iter().map(|tool| (&*tool.name, tool.calls, tool.failed, tool.failure_rate)).collect();
    assert_eq!(tools, [("Bash", 110, 41, 0.3727), ("Edit", 40, 2, 0.05)]);
    assert_eq!(report.inexact, ["10 of 160 tool calls have no recorded tool name"]);
    let groups: Vec<_> = report.groups.iter().map(|group| (group.figures.tasks, group.figures.runs)).collect();
    assert_eq!(groups, [(2, 3), (2, 3)]);
}

#[test]
fn tasks_in_time() {
    let report = shop();
    let named = |places: &[usize]| places.iter().map(|at| &*report.tasks[*at].task).collect::<Vec<_>>();
    assert_eq!(named(&[0, 1, 2, 3]), ["billing", "parser", "coupons", "search"]);
    assert_eq!(named(&report.longest), ["parser", "billing", "coupons"]);
    assert_eq!(named(&report.troubled), ["search", "billing", "coupons", "parser"]);
    let health: Vec<_> = report.tasks.iter().map(|task| task.health.unwrap().code()).collect();
    assert_eq!(health, ["completed", "completed", "failed", "stuck"]);
    let line = |task: usize| {
        let spans = report.tasks[task].spans.iter();
        let tell = |span: &super::tasks::Span| {
            let hour = |time: Time| (time.0 - at("19T00:00").0) / 60_000;
            (hour(span.from), hour(span.to), span.health.map_or("run", Health::code))
        };
        spans.map(tell).collect::<Vec<_>>()
    };
    // Minutes since the 19th began.
    assert_eq!(line(0), [(480, 570, "healthy"), (570, 1020, "stuck"), (1020, 1080, "healthy")]);
    assert_eq!(line(1), [(510, 600, "healthy"), (600, 630, "struggling"), (630, 660, "healthy")]);
    // Of these only the runs are known.
    assert_eq!(line(2), [(1980, 1990, "run"), (2000, 2010, "run"), (2020, 2040, "run")]);
    assert_eq!(line(3), [(2160, 2220, "healthy"), (2220, 2820, "stuck")]);
}

#[test]
fn lines_end_where_the_record_does_and_never_overlap() {
    let mut one = stretch("a", "18T22:00", "18T23:00");
    one.changes = vec![(at("18T22:00"), Health::Healthy)];
    let mut two = stretch("a", "19T01:00", "19T03:00");
    two.changes = vec![(at("19T01:00"), Health::Healthy), (at("19T02:00"), Health::Unknown)];
    two.runs = vec![completed("19T03:00", 6 * 60)];
    let spans = |period| of(vec![one.clone(), two.clone()], period).tasks[0].spans.clone();
    let told: Vec<_> = spans(days("18", "20")).iter().map(|span| (span.from, span.to, span.health)).collect();
    let wanted = [
        (at("18T21:00"), at("18T22:00"), None),
        (at("18T22:00"), at("18T23:00"), Some(Health::Healthy)),
        (at("18T23:00"), at("19T01:00"), None),
        (at("19T01:00"), at("19T02:00"), Some(Health::Healthy)),
        (at("19T02:00"), at("19T03:00"), Some(Health::Unknown)),
    ];
    assert_eq!(told, wanted);
    let first = spans(days("19", "20"))[0];
    assert_eq!((first.from, first.to, first.health), (at("19T00:00"), at("19T01:00"), None));
}

#[test]
fn side_by_side() {
    type Runs<'a> = &'a [(&'a str, &'a str, u64)];
    // Task, end, minutes; then of each batch: tasks, summed and wall minutes, speed-up, most at once.
    type Batch = (usize, u64, u64, f64, u64);
    let cases: [(&str, Runs, &[Batch]); 6] = [
        ("one after the other", &[("a", "19T10:00", 60), ("b", "19T11:00", 60)], &[]),
        ("one task alone", &[("a", "19T10:00", 60), ("a", "19T10:30", 60)], &[]),
        ("the same hour", &[("a", "19T10:00", 60), ("b", "19T10:00", 60)], &[(2, 120, 60, 2.0, 2)]),
        ("half of it", &[("a", "19T10:00", 60), ("b", "19T10:30", 60)], &[(2, 120, 90, 1.33, 2)]),
        ("a chain", &[("a", "19T10:00", 60), ("b", "19T10:50", 60), ("c", "19T11:40", 60)], &[(3, 180, 160, 1.13, 2)]),
        (
            "two batches",
            &[
                ("a", "19T10:00", 60),
                ("b", "19T10:00", 30),
                ("c", "19T20:00", 60),
                ("d", "19T20:00", 60),
                ("c", "19T20:00", 30),
            ],
            &[(2, 90, 60, 1.5, 2), (2, 150, 60, 2.5, 3)],
        ),
    ];
    for (name, runs, wanted) in cases {
        let stretches = runs.iter().map(|(task, ended, minutes)| Rollup {
            runs: vec![completed(ended, *minutes)],
            ..stretch(task, "19T01:00", "19T23:00")
        });
        let report = of(stretches.collect(), days("19", "20"));
        let told = report.batches.iter().map(|batch| {
            let parallel = &batch.parallel;
            let minutes = |seconds: u64| seconds / 60;
            (batch.tasks.len(), minutes(parallel.summed_s), minutes(parallel.wall_s), parallel.speed_up, parallel.most)
        });
        assert_eq!(told.collect::<Vec<_>>(), wanted, "{name}");
    }
    let all = shop().parallel.unwrap();
    // 08:00-09:30, 08:30-11:00 and 17:00-18:00; 09:00-09:10, 09:20-09:30, 09:40-10:00.
    assert_eq!((all.runs, all.summed_s, all.wall_s, all.speed_up, all.most), (6, 340 * 60, 280 * 60, 1.21, 2));
}

#[test]
fn errors_by_pattern() {
    let report = shop();
    let [pattern] = &report.patterns[..] else { panic!("{:?}", report.patterns) };
    assert_eq!((pattern.count, &pattern.tasks[..], &*pattern.pattern), (7, &[0, 1][..], "cargo: command not found"));
    assert_eq!((pattern.first, pattern.last), (at("19T08:30"), at("19T10:20")));
    let mut one = stretch("a", "19T01:00", "19T02:00");
    one.errors = vec![error("exit #", 2, "19T01:00", "19T01:10"), error("timeout", 5, "19T01:00", "19T01:10")];
    let mut two = stretch("b", "19T03:00", "19T04:00");
    two.errors = vec![error("exit #", 9, "19T03:00", "19T03:10")];
    two.errors[0].tool = None;
    two.errors.push(error("exit #", 4, "19T03:00", "19T03:10"));
    let report = of(vec![one, two], days("19", "20"));
    let told: Vec<_> =
        report.patterns.iter().map(|pattern| (pattern.count, pattern.tool.as_deref(), &pattern.tasks[..])).collect();
    // The same words of another tool are another error.
    assert_eq!(told, [(9, None, &[1][..]), (6, Some("Bash"), &[1, 0][..]), (5, Some("Bash"), &[0][..])]);
    assert_eq!(report.patterns[1].example, "exit 7");
}

#[test]
fn agents_of_late() {
    // Outcomes oldest first: c completed, f failed, i interrupted by a person.
    let cases = [
        ("ff", Condition::Unknown, 2, 2),
        ("fff", Condition::Failing, 3, 3),
        ("ccf", Condition::Degraded, 3, 1),
        ("ccccf", Condition::Degraded, 5, 1),
        ("cccccf", Condition::Healthy, 6, 1),
        ("cf", Condition::Unknown, 2, 1),
        ("cfcf", Condition::Failing, 4, 2),
        ("ffffffcccccccccc", Condition::Healthy, 10, 0),
        ("ccccccccccffffff", Condition::Failing, 10, 6),
        ("ciiicc", Condition::Healthy, 3, 0),
        ("", Condition::Unknown, 0, 0),
    ];
    for (outcomes, condition, runs, failures) in cases {
        let mut one = stretch("a", "19T01:00", "19T23:00");
        let ended = |minute: usize| format!("19T10:{minute:02}");
        one.runs = outcomes
            .char_indices()
            .map(|(minute, outcome)| match outcome {
                'c' => completed(&ended(minute), 1),
                'f' => failed(&ended(minute), 1),
                _ => run(&ended(minute), Health::Failed, "interrupted", 1),
            })
            .collect();
        let report = of(vec![one], days("19", "20"));
        let agent = &report.agents[0];
        assert_eq!(
            (agent.recent.condition, agent.recent.runs, agent.recent.failed),
            (condition, runs, failures),
            "{outcomes}"
        );
    }
    let conditions: Vec<_> =
        shop().agents.into_iter().map(|agent| (agent.client, agent.recent.condition.word())).collect();
    assert_eq!(conditions, [("codex".to_owned(), "failing"), ("claude-code".to_owned(), "healthy")]);
}

#[test]
fn against_the_period_before() {
    let trend = shop().trend;
    let told: Vec<_> = trend.iter().map(|row| (row.figure, row.before, row.now, row.change, row.better)).collect();
    let wanted = [
        ("runs", 1.0, 6.0, Some(5.0), None),
        ("success_rate", 1.0, 0.5, Some(-0.5), None),
        ("median_s", 3600.0, 2400.0, Some(-0.3333), None),
        ("p90_s", 3600.0, 7200.0, Some(1.0), None),
        ("stuck_s_per_run", 0.0, 10_500.0, None, None),
        ("errors_per_run", 0.0, 1.17, None, None),
        ("output_tokens", 10_000.0, 50_000.0, Some(4.0), None),
        ("cost_usd", 2.0, 15.5, Some(6.75), None),
    ];
    assert_eq!(told, wanted);
    let alone = of(vec![stretch("a", "19T01:00", "19T02:00")], days("19", "20"));
    assert_eq!((alone.before, alone.trend), (None, Vec::new()));
}

#[test]
fn a_trend_is_better_or_worse_where_there_are_runs_to_tell() {
    // Outcomes as below, before and now; then what is said of the success rate, and of the median.
    let cases = [
        ("ccf", "ccc", Some(true), Some(false)),
        ("ccc", "ccf", Some(false), Some(false)),
        ("ccc", "ccc", None, Some(false)),
        ("cf", "ccc", None, None),
        ("ccc", "cf", None, None),
    ];
    let some = |day: &str, outcomes: &str, minutes: u64| {
        let end = format!("{day}T12:00");
        let mut one = stretch("a", &format!("{day}T08:00"), &end);
        let run = |outcome: char| if outcome == 'c' { completed(&end, minutes) } else { failed(&end, minutes) };
        one.runs = outcomes.chars().map(run).collect();
        vec![one]
    };
    for (before, now, success, median) in cases {
        let known = ReportInput { now: some("19", now, 9), before: some("18", before, 5), ..ReportInput::default() };
        let trend = report(known, at("20T00:00"), days("19", "20"), None).trend;
        let better = |figure| trend.iter().find(|row| row.figure == figure).and_then(|row| row.better);
        assert_eq!((better("success_rate"), better("median_s")), (success, median), "{before} {now}");
    }
    let known = ReportInput { before: some("18", "ccc", 5), ..ReportInput::default() };
    assert_eq!(report(known, at("20T00:00"), days("19", "20"), None).trend, []);
}

#[test]
fn amounts_are_short() {
    let cases = [
        (0.0, "$0.00"),
        (12.3, "$12.30"),
        (999.5, "$999.50"),
        (1000.0, "$1,000"),
        (16_254.7, "$16,255"),
        (1.5e9, "$1,500,000,000"),
    ];
    for (amount, shown) in cases {
        assert_eq!(super::dollars(amount), shown);
    }
}

#[test]
fn a_client_that_failed_once_is_no_finding() {
    for (failures, told) in [(1, false), (2, true)] {
        let mut one = stretch("a", "19T08:00", "19T12:00");
        one.runs =
            (0..3).map(|at| if at < failures { failed("19T12:00", 5) } else { completed("19T12:00", 5) }).collect();
        let findings = of(vec![one], days("19", "20")).findings;
        assert_eq!(findings.iter().any(|finding| finding.code == "failing_agent"), told, "{findings:?}");
    }
}

#[test]
fn a_cause_is_an_error_that_was_met() {
    for (reason, told) in [("api_error", true), ("exit_code", true), ("process_gone", false), ("interrupted", false)] {
        let mut one = stretch("a", "19T08:00", "19T12:00");
        let run = Run { class: Some(ErrorClass::Permanent), ..run("19T12:00", Health::Failed, reason, 5) };
        one.runs = vec![run; 3];
        let findings = of(vec![one], days("19", "20")).findings;
        assert_eq!(findings.iter().any(|finding| finding.code == "same_cause"), told, "{reason}: {findings:?}");
    }
}

#[test]
fn findings_about_the_same_failures_do_not_contradict() {
    let failing = |task: &str, class: Option<ErrorClass>| {
        let mut one = stretch(task, "19T08:00", "19T12:00");
        one.runs = vec![Run { class, ..failed("19T12:00", 5) }; 3];
        one
    };
    let next = |report: &Report, code: &str| {
        let finding = report.findings.iter().find(|finding| finding.code == code);
        finding.map(|finding| finding.next.clone()).unwrap_or_default()
    };
    let transient = of(vec![failing("a", Some(ErrorClass::Transient))], days("19", "20"));
    for code in ["never_completed", "failing_agent", "same_cause"] {
        assert_eq!(next(&transient, code), "restart later, fewer at a time", "{code}");
    }
    let unknown = of(vec![failing("a", None)], days("19", "20"));
    assert_eq!(next(&unknown, "never_completed"), "change the task before restarting it");
    // The one whose failures are its own is the one to change.
    let mixed = of(vec![failing("a", Some(ErrorClass::Transient)), failing("b", None)], days("19", "20"));
    let finding = mixed.findings.iter().find(|finding| finding.code == "never_completed").unwrap();
    assert_eq!((&finding.tasks[..], &*finding.next), (&[1][..], "change the task before restarting it"));
}

#[test]
fn a_trend_is_of_one_run() {
    let day = |day: &str, runs: u64| {
        let mut one = stretch("a", &format!("{day}T08:00"), &format!("{day}T12:00"));
        one.runs = (0..runs).map(|_| completed(&format!("{day}T12:00"), 5)).collect();
        one.seconds = [(Health::Stuck, 60 * runs)].into();
        one.errors = vec![error("x", 2 * runs, &format!("{day}T09:00"), &format!("{day}T09:00"))];
        vec![one]
    };
    let known = ReportInput { now: day("19", 9), before: day("18", 3), ..ReportInput::default() };
    let trend = report(known, at("20T00:00"), days("19", "20"), None).trend;
    let told = |figure| trend.iter().find(|row| row.figure == figure).map(|row| (row.before, row.now, row.better));
    assert_eq!(told("stuck_s_per_run"), Some((60.0, 60.0, None)));
    assert_eq!(told("errors_per_run"), Some((2.0, 2.0, None)));
}

#[test]
fn commands_can_be_copied_from_anywhere() {
    let stuck = |task: &str, repository: Option<&str>| {
        let mut one = stretch(task, "19T08:00", "19T12:00");
        one.repository = repository.map(Into::into);
        one.changes = vec![(at("19T08:00"), Health::Stuck)];
        one.seconds = [(Health::Stuck, 14_400)].into();
        one.stuck = StuckTime { begun: 2, ended: 1, seconds: 7200 };
        one
    };
    let told = |stretches: Vec<Rollup>| {
        let findings = of(stretches, days("19", "20")).findings;
        let of = |code| findings.iter().find(|finding| finding.code == code).unwrap();
        [
            of("still_stuck").text.clone(),
            of("still_stuck").command.clone().unwrap(),
            of("stuck_long").command.clone().unwrap(),
        ]
    };
    assert_eq!(
        told(vec![stuck("it's", Some("/srv/my shop"))]),
        [
            "1 task was stuck when last seen: it's",
            "agentmon explain -C '/srv/my shop' --since all 'it'\\''s'",
            "agentmon -C '/srv/my shop' --changes",
        ]
    );
    let two = vec![stuck("fix", Some("/srv/shop")), stuck("fix", Some("/srv/site/"))];
    assert_eq!(
        told(two),
        [
            "2 tasks were stuck when last seen: shop/fix, site/fix",
            "agentmon explain -C /srv/shop --since all fix",
            "agentmon -C /srv/shop -C /srv/site/ --changes",
        ]
    );
    let [_, explain, cron] = told(vec![stuck("notes", None), stuck("fix", Some("/srv/shop"))]);
    assert_eq!(
        (&*explain, &*cron),
        ("agentmon explain --all-repos --since all notes", "agentmon --all-repos --changes")
    );
}

#[test]
fn what_lies_on_a_border_is_shared_out_and_said() {
    // Eight hours, half of them on each day.
    let mut one = stretch("a", "18T20:00", "19T04:00");
    one.runs = vec![completed("18T23:59", 10), completed("19T00:00", 20)];
    one.seconds = [(Health::Healthy, 28_801)].into();
    one.stuck = StuckTime { begun: 3, ended: 2, seconds: 600 };
    one.used.tokens.output = 1001;
    one.used.cost = Some(3.0);
    one.used.tools = calls(8, 4);
    one.errors = vec![error("x", 6, "18T21:00", "18T22:00"), error("y", 4, "18T23:00", "19T01:00")];
    let totals = |period: Period| of(vec![one.clone()], period).totals;
    let (first, second) = (totals(days("18", "19")), totals(days("19", "20")));
    assert_eq!((first.runs, second.runs), (1, 1));
    assert_eq!(second.duration.unwrap().longest_s, 20 * 60);
    assert_eq!((first.healthy_s, second.healthy_s), (14_400, 14_401));
    assert_eq!((first.tokens.output, second.tokens.output), (500, 501));
    assert_eq!((first.cost_usd, second.cost_usd), (Some(1.5), Some(1.5)));
    assert_eq!((first.tools, second.tools), (calls(4, 2), calls(4, 2)));
    // An error that has its own times goes by them.
    assert_eq!((first.errors, second.errors), (8, 2));
    assert_eq!((first.stuck.times, second.stuck.times), (1, 2));
    let report = of(vec![one.clone()], days("19", "20"));
    let said = "1 summary reaches across the edge of the period: times, tokens, cost, tools and errors are \
                apportioned by time, runs are exact";
    assert_eq!(report.inexact[0], said);
    let both = of(vec![one], days("18", "20"));
    assert_eq!(both.groups.iter().map(|group| group.figures.errors).collect::<Vec<_>>(), [8, 2]);
    assert!(both.inexact[0].starts_with("1 summary reaches across the edge of a day"), "{:?}", both.inexact);
    assert_eq!((both.totals.errors, both.totals.tokens.output), (10, 1001));
}

#[test]
fn a_run_counts_where_it_ended_whenever_that_was_noticed() {
    let mut noticed = stretch("a", "20T08:00", "20T08:00");
    noticed.runs = vec![completed("18T18:00", 30)];
    noticed.used.tokens.output = 5;
    let totals = |from: &str, to: &str| {
        let totals = of(vec![noticed.clone()], days(from, to)).totals;
        (totals.runs, totals.tokens.output, totals.tasks)
    };
    assert_eq!((totals("18", "19"), totals("20", "21")), ((1, 0, 1), (0, 5, 1)));
    assert_eq!((totals("18", "21"), totals("19", "20")), ((1, 5, 1), (0, 0, 0)));
    let groups = of(vec![noticed], days("18", "21")).groups;
    assert_eq!(groups.iter().map(|group| group.figures.runs).collect::<Vec<_>>(), [1, 0, 0]);
}

#[test]
fn who_asks_is_to_be_allowed_beforehand() {
    let cases = [
        (&[("waiting_for_person", 3)][..], "Tasks got stuck 3 times with a question, for", true),
        (&[("waiting_for_person", 2), ("silent", 2)], "Tasks got stuck 4 times (2 with a question), for", true),
        (&[("waiting_for_person", 2), ("silent", 3)], "Tasks got stuck 5 times, for", false),
        (&[("waiting_for_person", 1)], "Tasks got stuck once, for", false),
        (&[], "Tasks were stuck from before, for", false),
    ];
    for (reasons, text, allow) in cases {
        let mut one = stretch("billing", "19T08:00", "19T18:00");
        one.seconds = [(Health::Stuck, 7200)].into();
        one.stuck = StuckTime { begun: 0, ended: 2, seconds: 7200 };
        for (reason, begun) in reasons {
            one.stuck.begun += begun;
            one.stuck_by.push(((*reason).to_owned(), StuckTime { begun: *begun, ..StuckTime::default() }));
        }
        let findings = of(vec![one], days("19", "20")).findings;
        let finding = findings.iter().find(|finding| finding.code == "stuck_long").unwrap();
        assert!(finding.text.starts_with(text), "{}", finding.text);
        assert_eq!(finding.next.starts_with("pre-approve"), allow, "{}", finding.next);
    }
}

#[test]
fn nothing_makes_an_empty_report() {
    let report = of(Vec::new(), days("19", "22"));
    assert_eq!((report.totals, report.groups.len()), (super::Figures::default(), 3));
    assert!(report.findings.is_empty() && report.inexact.is_empty() && report.tasks.is_empty());
    assert_eq!((report.parallel, report.before), (None, None));
}

/// Stretches of all lengths, about a border or not.
fn stretches() -> impl Strategy<Value = Vec<Rollup>> {
    let one = (0..4_u8, -4_000_000_i64..400_000_000, 0..200_000_000_i64, 0..500_u64, 0..9_u32);
    let one = one.prop_map(|(task, from, length, used, times)| {
        let from = Time(at("18T00:00").0 + from);
        let mut one = Rollup { from, to: Time(from.0 + length), ..stretch("", "18T00:00", "18T00:00") };
        one.task = format!("task {task}");
        one.runs = vec![completed("18T10:00", used), failed("19T23:59", used)];
        one.seconds = [(Health::Stuck, used)].into();
        one.changes = vec![(from, Health::Stuck), (Time(from.0 + length / 2), Health::Healthy)];
        one.stuck = StuckTime { begun: times, ended: times, seconds: used };
        one.used.tokens.output = used;
        one.used.tools = calls(used, used / 2);
        one.errors = vec![error("x", used, "18T01:00", "20T02:00")];
        one
    });
    prop::collection::vec(one, 0..8)
}

proptest! {
    /// The days of a period add up to it, whatever lies on their borders.
    #[test]
    fn groups_add_up(stretches in stretches()) {
        let report = of(stretches, days("17", "25"));
        let sum = |figure: fn(&super::Figures) -> u64| report.groups.iter().map(|group| figure(&group.figures)).sum::<u64>();
        let figures: [fn(&super::Figures) -> u64; 6] = [
            |figures| figures.runs,
            |figures| figures.stuck_s,
            |figures| figures.tokens.output,
            |figures| figures.tools.failed,
            |figures| figures.stuck.ended,
            |figures| figures.errors,
        ];
        for figure in figures {
            prop_assert_eq!(sum(figure), figure(&report.totals));
        }
        in_order(&report)?;
    }

    /// So do the parts of it by task.
    #[test]
    fn tasks_add_up(stretches in stretches()) {
        let report = report(ReportInput { now: stretches, ..ReportInput::default() }, at("20T00:00"), days("18", "20"), None);
        let sum = |figure: fn(&super::Figures) -> u64| report.tasks.iter().map(|task| figure(&task.figures)).sum::<u64>();
        prop_assert_eq!(sum(|figures| figures.errors), report.totals.errors);
        prop_assert_eq!(sum(|figures| figures.runs), report.totals.runs);
        prop_assert_eq!(report.tasks.len() as u64, report.totals.tasks);
        in_order(&report)?;
    }
}

fn in_order(report: &Report) -> Result<(), TestCaseError> {
    for task in &report.tasks {
        prop_assert!(task.spans.iter().all(|span| span.from < span.to && span.from >= report.period.from));
        prop_assert!(task.spans.windows(2).all(|pair| pair[0].to <= pair[1].from), "{:?}", task.spans);
    }
    Ok(())
}

#[cfg(test)]
mod agents;
pub(crate) mod samples;
