//! `agentmon report` as people run it: four weeks whose truth is known, before and after they are folded; periods;
//! records that are empty, broken or no files at all.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::os::unix::fs::symlink;
use std::{fs, iter};

use serde_json::{Value, json};

use crate::ground::{Ground, Ran};
use crate::lab::{Lab, list, ms};
use crate::weeks::{Truth, Weeks};

const DAY: i64 = 24 * 3600;
/// Monday 2025-10-06T00:00:00Z, in seconds since 1970.
const START: i64 = 1_759_708_800;
/// The end of four weeks that begin there.
const NOW: &str = "2025-11-03T00:00:00Z";

fn ground(text: &str) -> Ground {
    let ground = Ground::new();
    ground.write("shop/.agents/logs/background_monitoring.jsonl", text);
    ground
}

fn report(ground: &Ground, arguments: &[&str]) -> Value {
    let begin = ["report", "--now", NOW, "--format", "json"];
    ground.run(&[&begin, arguments].concat()).report()
}

/// Runs that ended in a period: end, outcome and length, in seconds.
fn runs(truth: &Truth, from: i64, to: i64) -> Vec<(i64, String, u64)> {
    let all = truth.sums.values().flat_map(|sums| sums.runs.iter().cloned());
    all.filter(|(ended, ..)| (from..to).contains(ended)).collect()
}

/// Every figure, for the days from `from` up to `to`, in seconds since 1970.
fn same(report: &Value, truth: &Truth, from: i64, to: i64) {
    let days = from.div_euclid(DAY)..to.div_euclid(DAY);
    let sums: Vec<_> = truth.sums.iter().filter(|(key, _)| days.contains(&key.3)).collect();
    let totals = &report["totals"];
    let number = |name: &str| totals[name].as_u64().unwrap();
    for health in ["healthy", "struggling", "stuck"] {
        let seconds: u64 = sums.iter().filter_map(|(_, sums)| sums.seconds.get(health)).sum();
        assert_eq!(number(&format!("{health}_s")), seconds, "{health}");
    }
    assert_eq!(number("unwatched_s"), sums.iter().map(|(_, sums)| sums.unwatched).sum::<u64>());
    for (at, name) in ["input", "cached_input", "cache_write", "output"].iter().enumerate() {
        let tokens: u64 = sums.iter().map(|(_, sums)| sums.tokens[at]).sum();
        assert_eq!(totals["tokens"][name], tokens, "{name}");
    }
    let cost = sums.iter().map(|(_, sums)| sums.cost).sum::<u64>();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
    let told = (totals["cost_usd"].as_f64().unwrap_or(0.0) * 1e6).round() as u64;
    assert_eq!(told, cost);
    same_waits(&totals["stuck"], truth, &days, |_| true);
    for reason in ["waiting_for_person", "silent", "tool_silent"] {
        let none = json!({ "times": 0, "ended": 0, "mean_delay_s": null });
        same_waits(totals["stuck_by"].get(reason).unwrap_or(&none), truth, &days, |known| known == reason);
    }
    same_tools(report, &sums.iter().map(|(_, sums)| *sums).collect::<Vec<_>>());
    same_runs(report, &runs(truth, from, to));
    for (part, key) in [("clients", 1), ("models", 2)] {
        let name = |key_of: &(String, String, String, i64)| [&key_of.0, &key_of.1, &key_of.2][key].clone();
        let mut wanted: BTreeMap<String, u64> = BTreeMap::new();
        for (key, sums) in &sums {
            *wanted.entry(name(key)).or_default() += sums.tokens[3];
        }
        for part in list(&report[part]) {
            let wanted = wanted.get(part["name"].as_str().unwrap()).copied().unwrap_or(0);
            assert_eq!(part["figures"]["tokens"]["output"], wanted, "{part}");
        }
    }
    let of_group = |group: &Value| group["figures"]["tokens"]["output"].as_u64().unwrap();
    assert_eq!(totals["tokens"]["output"], list(&report["groups"]).iter().map(of_group).sum::<u64>());
}

fn same_waits(told: &Value, truth: &Truth, days: &Range<i64>, of: impl Fn(&str) -> bool) {
    let waits = truth.waits.iter().filter(|((_, day, reason), _)| days.contains(day) && of(reason));
    let (begun, ended, seconds) = waits.fold((0, 0, 0), |sum, (_, waits)| {
        (sum.0 + u64::from(waits.begun), sum.1 + u64::from(waits.ended), sum.2 + waits.seconds)
    });
    assert_eq!((&told["times"], &told["ended"]), (&begun.into(), &ended.into()));
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let wanted = seconds as f64 / ended.max(1) as f64;
    let mean = told["mean_delay_s"].as_f64().unwrap_or(0.0);
    assert!((mean - wanted).abs() <= 0.05, "{mean} {wanted}");
}

fn same_tools(report: &Value, sums: &[&crate::weeks::Sums]) {
    let mut tools: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let mut errors: BTreeMap<&str, u64> = BTreeMap::new();
    for sums in sums {
        for (tool, (calls, failed)) in &sums.tools {
            let sum = tools.entry(tool).or_default();
            *sum = (sum.0 + calls, sum.1 + failed);
        }
        for (pattern, count) in &sums.errors {
            *errors.entry(pattern).or_default() += count;
        }
    }
    let told = list(&report["tools"]).iter();
    let told = told.map(|tool| {
        (tool["name"].as_str().unwrap(), (tool["calls"].as_u64().unwrap(), tool["failed"].as_u64().unwrap()))
    });
    assert_eq!(told.collect::<BTreeMap<_, _>>(), tools);
    let mut told: BTreeMap<&str, u64> = BTreeMap::new();
    for pattern in list(&report["patterns"]) {
        *told.entry(pattern["pattern"].as_str().unwrap()).or_default() += pattern["count"].as_u64().unwrap();
    }
    assert_eq!(told, errors);
    assert_eq!(report["totals"]["errors"], errors.values().sum::<u64>());
}

fn same_runs(report: &Value, runs: &[(i64, String, u64)]) {
    let totals = &report["totals"];
    let outcome = |word: &str| runs.iter().filter(|(_, outcome, _)| outcome == word).count();
    let told = ["runs", "completed", "failed"].map(|name| totals[name].as_u64().unwrap());
    assert_eq!(told, [runs.len(), outcome("completed"), outcome("failed")].map(|count| count as u64));
    let mut lengths: Vec<u64> = runs.iter().map(|run| run.2).collect();
    lengths.sort_unstable();
    let duration = &totals["duration"];
    assert_eq!(
        (&duration["longest_s"], &duration["total_s"]),
        (&lengths[lengths.len() - 1].into(), &lengths.iter().sum::<u64>().into())
    );
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let median = (lengths[(lengths.len() - 1) / 2] + lengths[lengths.len() / 2]) as f64 / 2.0;
    assert!((duration["median_s"].as_f64().unwrap() - median).abs() < 0.01, "{duration} {median}");
    // In each second so many went on.
    let first = runs.iter().map(|run| run.0 - run.2.cast_signed()).min().unwrap();
    let mut at_work = vec![0_u64; usize::try_from(runs.iter().map(|run| run.0).max().unwrap() - first).unwrap()];
    for (ended, _, length) in runs {
        let end = usize::try_from(ended - first).unwrap();
        at_work[end - usize::try_from(*length).unwrap()..end].iter_mut().for_each(|count| *count += 1);
    }
    let parallel = &report["parallel"];
    assert_eq!(parallel["summed_s"], lengths.iter().sum::<u64>());
    assert_eq!(parallel["wall_s"], at_work.iter().filter(|count| **count > 0).count());
    assert_eq!(parallel["most"], at_work.iter().max().copied().unwrap());
}

#[test]
fn four_weeks_are_reported_as_they_were_and_as_folded() {
    let weeks = Weeks::from(START, 11, 28, "/srv/shop");
    let ground = ground(&weeks.text());
    let whole = ["--from", "2025-10-06", "--to", "2025-11-02"];
    let week = ["--from", "2025-10-20", "--to", "2025-10-26"];
    let end = START + 28 * DAY;
    let check = |day: bool| {
        let report_of_all = report(&ground, &whole);
        same(&report_of_all, &weeks.truth, START, end);
        assert_eq!(
            report_of_all["inexact"].as_array().unwrap().len(),
            usize::from(!day),
            "{}",
            report_of_all["inexact"]
        );
        let report_of_week = report(&ground, &week);
        let (from, to) = (START + 14 * DAY, START + 21 * DAY);
        if day {
            same(&report_of_week, &weeks.truth, from, to);
        } else {
            same_runs(&report_of_week, &runs(&weeks.truth, from, to));
        }
        report_of_all
    };
    let before = check(true);
    assert!(list(&before["batches"]).len() > 5 && list(&before["groups"]).len() == 28);
    let names: BTreeSet<&String> = weeks.truth.sums.keys().map(|key| &key.0).collect();
    assert!(before["totals"]["tasks"].as_u64().unwrap() >= names.len() as u64);
    let clean = |keep: &[&str]| {
        let done = ground.run(&[&["clean", "--now", NOW], keep].concat());
        assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{}", done.out);
    };
    clean(&[]);
    let folded = check(true);
    for figure in ["totals", "clients", "models", "tools", "patterns", "batches", "parallel", "before", "groups"] {
        assert_eq!(before[figure], folded[figure], "{figure}");
    }
    clean(&["--keep-raw", "0s", "--keep-daily", "1d", "--keep-weekly", "365d"]);
    let coarse = check(false);
    for figure in ["clients", "models", "tools", "batches", "parallel"] {
        assert_eq!(before[figure], coarse[figure], "{figure}");
    }
}

#[test]
fn the_page_tells_what_the_data_tell() {
    let weeks = Weeks::from(START, 17, 28, "/srv/shop");
    let ground = ground(&weeks.text());
    for period in [&["--from", "2025-10-06", "--to", "2025-11-02"][..], &["--from", "2025-10-08", "--to", "2025-10-08"]]
    {
        let data = report(&ground, period);
        let ran = ground.run(&[&["report", "--now", NOW, "--format", "html"], period].concat());
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
        let options = roxmltree::ParsingOptions { allow_dtd: true, ..roxmltree::ParsingOptions::default() };
        let page = roxmltree::Document::parse_with_options(&ran.out, options).unwrap();
        let terms = page.descendants().filter(|node| node.has_tag_name("dt"));
        let figure = |name: &str| terms.clone().find(|node| node.text() == Some(name))?.next_sibling_element()?.text();
        assert_eq!(figure("Runs"), Some(&*data["totals"]["runs"].to_string()));
        // Of thousands without cents.
        let cost: f64 = figure("Cost").unwrap().replace(['$', ','], "").parse().unwrap();
        assert!((cost - data["totals"]["cost_usd"].as_f64().unwrap()).abs() <= 0.5, "{cost}");
        for tool in list(&data["tools"]) {
            assert!(page.descendants().any(|node| node.text() == tool["name"].as_str()), "{tool}");
        }
        assert!(ran.out.len() < 2 << 20 && ran.out.ends_with("</html>\n"), "{}", ran.out.len());
    }
}

#[test]
fn a_period_is_cut_where_it_is_asked_for() {
    let weeks = Weeks::from(START, 12, 10, "/srv/shop");
    let ground = ground(&weeks.text());
    // In the middle of the days, to the second.
    let (from, to) = ("2025-10-09T10:20:30Z", "2025-10-13T15:16:17Z");
    let half = report(&ground, &["--from", from, "--to", to]);
    same_runs(&half, &runs(&weeks.truth, ms(from) / 1000, ms(to) / 1000));
    assert_eq!((half["inexact"].as_array().unwrap().len(), &half["period"]["from"]), (0, &from.into()));
    let total = |arguments: &[&str], figure: &str| report(&ground, arguments)["totals"][figure].as_u64().unwrap();
    for figure in ["healthy_s", "stuck_s", "unwatched_s", "errors", "runs"] {
        let parts = [
            total(&["--from", "2025-10-06", "--to", from], figure),
            total(&["--from", from, "--to", to], figure),
            total(&["--from", to], figure),
        ];
        assert_eq!(parts.iter().sum::<u64>(), total(&["--since", "all"], figure), "{figure} {parts:?}");
    }
}

#[test]
fn periods_as_people_ask_for_them() {
    let weeks = Weeks::from(START, 13, 14, "/srv/shop");
    let ground = ground(&weeks.text());
    let told = |arguments: &[&str]| {
        let report = report(&ground, arguments);
        let time = |name: &str| report["period"][name].as_str().unwrap().to_owned();
        (time("from"), time("to"), report["grouped_by"].as_str().unwrap().to_owned(), list(&report["groups"]).len())
    };
    let wanted =
        |from: &str, to: &str, by: &str, groups: usize| (from.to_owned(), to.to_owned(), by.to_owned(), groups);
    let now = "2025-11-03T00:00:01Z";
    assert_eq!(told(&[]), wanted("2025-10-27T00:00:01Z", now, "daily", 8));
    assert_eq!(told(&["--since", "36h"]), wanted("2025-11-01T12:00:01Z", now, "daily", 3));
    assert_eq!(told(&["--from", "2025-10-06"]), wanted("2025-10-06T00:00:00Z", now, "daily", 29));
    assert_eq!(told(&["--to", "2025-10-19"]), wanted("2025-10-13T00:00:00Z", "2025-10-20T00:00:00Z", "daily", 7));
    let weekly = ["--from", "2025-10-06", "--to", "2025-10-19", "--period", "weekly"];
    assert_eq!(told(&weekly), wanted("2025-10-06T00:00:00Z", "2025-10-20T00:00:00Z", "weekly", 2));
    let all = told(&["--since", "all", "--period", "monthly"]);
    assert_eq!((all.0.as_str(), all.1.as_str(), all.3), ("2025-10-06T00:02:00Z", now, 2));
    let before = report(&ground, &["--from", "2025-10-13", "--to", "2025-10-19"]);
    assert_eq!(before["before"]["period"]["from"], "2025-10-06T00:00:00Z");
    assert!(!list(&before["trend"]).is_empty());
}

fn refused(ran: &Ran) -> &str {
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
    &ran.err
}

#[test]
fn what_is_no_period_or_no_format_is_refused() {
    let ground = ground("");
    let run = |arguments: &[&str]| ground.run(&[&["report"], arguments].concat());
    let backwards = run(&["--from", "2025-10-09", "--to", "2025-10-08"]);
    assert!(refused(&backwards).contains("ends at 2025-10-09T00:00:00Z"));
    assert!(refused(&run(&["--from", "yesterday"])).contains("not a date such as `2026-11-20`"));
    assert!(refused(&run(&["--period", "yearly"])).contains("monthly"));
    assert!(refused(&run(&["--format", "table"])).contains("[possible values: json, text, markdown, html]"));
    assert!(refused(&ground.run(&["--format", "json", "report"])).contains("agentmon report --format"));
    assert!(refused(&ground.run(&["--format", "text"])).contains("[possible values: table, lines, json"));
    assert!(refused(&ground.run(&["report", "-C", "/"])).contains("no git repository"));
}

#[test]
fn no_record_is_no_error() {
    let ground = Ground::new();
    for format in ["text", "markdown", "html", "json"] {
        let ran = ground.run(&["report", "--format", format]);
        assert_eq!((ran.code, ran.err.lines().count()), (Some(0), 1), "{ran:?}");
        assert!(ran.err.contains("no history yet; run `agentmon` first"), "{}", ran.err);
    }
    assert!(!ground.record_path().exists(), "a report writes nothing");
    ground.write("shop/.agents/logs/background_monitoring.jsonl", "");
    let ran = ground.run(&["report"]);
    assert_eq!((ran.code, ran.err.lines().count()), (Some(0), 1), "{ran:?}");
    let weeks = Weeks::from(START, 14, 2, "/srv/shop");
    ground.write("shop/.agents/logs/background_monitoring.jsonl", &weeks.text());
    let ran = ground.run(&["report", "--now", "2025-12-25T00:00:00Z"]);
    assert!(ran.code == Some(0) && ran.err.contains("`--since all` reports on all events"), "{ran:?}");
}

#[test]
fn a_broken_record_is_reported_with_what_can_be_read() {
    let weeks = Weeks::from(START, 15, 2, "/srv/shop");
    let whole = ground(&weeks.text());
    let text: String = weeks.text().lines().flat_map(|line| [line, "\n{\"torn\":\n", "words\n"]).collect();
    let broken = ground(&text);
    let of = |ground: &Ground| report(ground, &["--since", "all"]);
    let (whole, told) = (of(&whole), of(&broken));
    assert_eq!(whole["totals"], told["totals"]);
    let [problem] = list(&told["problems"]) else { panic!("{}", told["problems"]) };
    assert_eq!(problem["line"], 2);
    let page = broken.run(&["report", "--now", NOW, "--since", "all"]);
    assert!(
        page.code == Some(0) && page.out.lines().rev().take(3).any(|line| line.starts_with("problem: ")),
        "{page:?}"
    );

    let link = Ground::new();
    fs::create_dir_all(link.path("shop/.agents/logs")).unwrap();
    fs::write(link.path("secret"), weeks.text()).unwrap();
    symlink(link.path("secret"), link.record_path()).unwrap();
    let told = of(&link);
    assert_eq!((&told["totals"]["tasks"], list(&told["problems"]).len()), (&0.into(), 1));
    assert_eq!(told["problems"][0]["message"], "a symbolic link, not followed");
}

#[test]
fn other_machines_are_reported_too() {
    let lab = Lab::new();
    let weeks = Weeks::from(START, 16, 2, "/srv/shop");
    lab.write("/srv/shop/.agents/logs/background_monitoring.jsonl", &weeks.text());
    let run = |arguments: &[&str]| {
        lab.run(ms("2025-10-08T00:00:00Z"), &[&["report", "--format", "json"], arguments].concat())
    };
    let here: Value = serde_json::from_str(&run(&[]).out).unwrap();
    let rows = runs(&weeks.truth, 0, i64::MAX);
    assert_eq!(here["totals"]["runs"], rows.len());
    // Twice named, once counted.
    let twice: Value =
        serde_json::from_str(&run(&["-C", "/srv/shop", "-C", "/srv/shop/.worktrees/task-x"]).out).unwrap();
    assert_eq!(twice["totals"], here["totals"]);
    let everywhere = run(&["--all-repos"]);
    assert_eq!(everywhere.code, 0, "{}", everywhere.err);
}

#[test]
fn any_bytes_make_a_report() {
    let row =
        r#"{"v":1,"event":"summary","ts":"2025-10-07T00:00:00Z","id":"00000000000000aa","period":"month","stretch":"#;
    let stretch = r#"{"task":"t","worktree":null,"repository":null,"client":null,"model":null,"from":9223372036854775807,"to":-9223372036854775808,"runs":[{"ended":9223372036854775807,"outcome":"completed","reason":"x","class":null,"seconds":18446744073709551615}],"seconds":{"stuck":18446744073709551615},"changes":[[9223372036854775807,"stuck"],[-9223372036854775808,"stuck"]],"stuck":{"begun":4294967295,"ended":4294967295,"seconds":18446744073709551615},"used":{"tokens":{"input":18446744073709551615,"cached_input":18446744073709551615,"cache_write":18446744073709551615,"output":18446744073709551615},"cost":1e308,"tools":{"calls":18446744073709551615,"failed":18446744073709551615},"by_tool":{"x":{"calls":18446744073709551615,"failed":18446744073709551615}}},"errors":[]}}"#;
    let wide = stretch.replacen("9223372036854775807", "0", 1).replacen("-9223372036854775808", "1795216265000", 1);
    let text: String = iter::repeat_n([row, stretch, "\n", row, &wide, "\n"].concat(), 3).collect();
    let ground = ground(&text);
    for arguments in [&["--since", "all"][..], &["--from", "1970-01-01", "--period", "daily"], &["--since", "1s"], &[]]
    {
        for format in ["text", "markdown", "html", "json"] {
            let ran = ground.run(&[&["report", "--now", NOW, "--format", format], arguments].concat());
            assert_eq!(ran.code, Some(0), "{arguments:?} {}", ran.err);
        }
    }
}
