//! The fold against a truth: before and after what was folded away, in any order.

pub(crate) mod weeks;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::super::history::*;
use crate::Time;
use crate::base::disk::Disk;
use crate::config::Retention;
use crate::model::{ErrorClass, ErrorSeen, Health, Tokens};
use crate::record::{self, Cleaned};

use weeks::{START, Share, Sums, Truth, Weeks};

const DAY: i64 = 24 * 3600;

fn past(path: &Path) -> History {
    let past = read(&Disk::default(), path, Selection::default(), &mut Counted::default());
    assert_eq!(past.problems, []);
    past
}

/// What stretches amount to, in the words of the truth; each in the day in which it begins.
pub(crate) fn told(stretches: &[Rollup]) -> Truth {
    let mut truth = Truth::default();
    for stretch in stretches {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let day = stretch.from.0.div_euclid(DAY * 1000);
        let sums =
            truth.sums.entry((stretch.task.clone(), text(&stretch.client), text(&stretch.model), day)).or_default();
        for (health, seconds) in &stretch.seconds {
            *sums.seconds.entry(health.code().to_owned()).or_default() += seconds;
        }
        sums.unwatched += stretch.unwatched;
        let Tokens { input, cached_input, cache_write, output } = stretch.used.tokens;
        for (sum, more) in sums.tokens.iter_mut().zip([input, cached_input, cache_write, output]) {
            *sum += more;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
        let cost = (stretch.used.cost.unwrap_or(0.0) * 1e6).round() as u64;
        sums.cost += cost;
        for (tool, counts) in &stretch.used.by_tool {
            let sum = sums.tools.entry(tool.clone()).or_default();
            *sum = (sum.0 + counts.calls, sum.1 + counts.failed);
        }
        for error in &stretch.errors {
            *sums.errors.entry(error.pattern.clone()).or_default() += error.count;
        }
        let runs =
            stretch.runs.iter().map(|run| (run.ended.0 / 1000, run.outcome.code().to_owned(), run.seconds.unwrap()));
        sums.runs.extend(runs);
        sums.partial += stretch.runs.iter().filter(|run| run.partial).count() as u64;
        by_type(stretch, &mut sums.by_type);
        let mut total = StuckTime::default();
        for (reason, more) in &stretch.stuck_by {
            total.add(*more);
            let waits = truth.waits.entry((stretch.task.clone(), day, reason.clone())).or_default();
            (waits.begun, waits.ended) = (waits.begun + more.begun, waits.ended + more.ended);
            waits.seconds += more.seconds;
        }
        assert_eq!(stretch.stuck, total);
        let all: (u64, u64) =
            stretch.used.by_tool.values().fold((0, 0), |sum, tool| (sum.0 + tool.calls, sum.1 + tool.failed));
        assert_eq!((stretch.used.tools.calls, stretch.used.tools.failed), all);
    }
    truth.sums.retain(|_, sums| *sums != Sums::default());
    truth
}

fn by_type(stretch: &Rollup, shares: &mut BTreeMap<String, Share>) {
    for (kind, of_type) in &stretch.by_type {
        let share = shares.entry(kind.clone()).or_default();
        let Tokens { input, cached_input, cache_write, output } = of_type.used.tokens;
        let all = of_type.used.by_tool.values().fold((0, 0), |sum, tool| (sum.0 + tool.calls, sum.1 + tool.failed));
        assert_eq!((of_type.used.tools.calls, of_type.used.tools.failed), all);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
        let cost = (of_type.used.cost.unwrap_or(0.0) * 1e6).round() as u64;
        let tools = of_type.used.by_tool.iter().map(|(tool, counts)| (tool.clone(), (counts.calls, counts.failed)));
        let (tokens, errors) = ([input, cached_input, cache_write, output], of_type.errors.clone());
        add_share(share, &Share { tokens, cost, tools: tools.collect(), errors, runs: Vec::new() });
    }
    for run in &stretch.agent_runs {
        let told = (run.ended.0 / 1000, run.outcome.code().to_owned(), run.seconds.unwrap());
        shares.entry(run.agent_type.clone().unwrap_or_default()).or_default().runs.push(told);
    }
    shares.retain(|_, share| *share != Share::default());
    for share in shares.values_mut() {
        share.runs.sort();
    }
}

fn add_share(sum: &mut Share, more: &Share) {
    (0..4).for_each(|at| sum.tokens[at] += more.tokens[at]);
    sum.cost += more.cost;
    for (tool, counts) in &more.tools {
        let sum = sum.tools.entry(tool.clone()).or_default();
        *sum = (sum.0 + counts.0, sum.1 + counts.1);
    }
    for (pattern, count) in &more.errors {
        *sum.errors.entry(pattern.clone()).or_default() += count;
    }
    sum.runs.extend(more.runs.iter().cloned());
    sum.runs.sort();
}

/// The same, over all days.
pub(crate) fn whole(truth: &Truth) -> Truth {
    let mut sum = Truth::default();
    for ((task, client, model, _), sums) in &truth.sums {
        let total = sum.sums.entry((task.clone(), client.clone(), model.clone(), 0)).or_default();
        for (health, seconds) in &sums.seconds {
            *total.seconds.entry(health.clone()).or_default() += seconds;
        }
        total.unwatched += sums.unwatched;
        (0..4).for_each(|at| total.tokens[at] += sums.tokens[at]);
        total.cost += sums.cost;
        for (tool, counts) in &sums.tools {
            let sum = total.tools.entry(tool.clone()).or_default();
            *sum = (sum.0 + counts.0, sum.1 + counts.1);
        }
        for (pattern, count) in &sums.errors {
            *total.errors.entry(pattern.clone()).or_default() += count;
        }
        total.runs.extend(sums.runs.iter().cloned());
        total.runs.sort();
        total.partial += sums.partial;
        for (kind, share) in &sums.by_type {
            add_share(total.by_type.entry(kind.clone()).or_default(), share);
        }
    }
    for ((task, _, reason), waits) in &truth.waits {
        let total = sum.waits.entry((task.clone(), 0, reason.clone())).or_default();
        (total.begun, total.ended) = (total.begun + waits.begun, total.ended + waits.ended);
        total.seconds += waits.seconds;
    }
    sum
}

#[track_caller]
pub(crate) fn same(told: &Truth, truth: &Truth) {
    for (key, sums) in &truth.sums {
        assert_eq!(told.sums.get(key), Some(sums), "{key:?}");
    }
    let more: Vec<_> = told.sums.iter().filter(|(key, _)| !truth.sums.contains_key(*key)).collect();
    assert!(more.is_empty(), "{more:?}");
    assert_eq!(told.waits, truth.waits);
}

/// A record that holds the first so many polls.
fn record(folder: &Path, weeks: &Weeks, polls: usize) -> record::RecordDir {
    let place = record::reopen(&folder.join(".agents/logs/background_monitoring.jsonl")).unwrap();
    append(&place, weeks, 0..polls);
    place
}

fn append(place: &record::RecordDir, weeks: &Weeks, polls: std::ops::Range<usize>) {
    let rows = weeks.polls[polls].iter().flat_map(|poll| &poll.rows);
    let text: String = rows.map(|row| row.line.clone() + "\n").collect();
    std::io::Write::write_all(&mut fs::OpenOptions::new().append(true).open(&place.path).unwrap(), text.as_bytes())
        .unwrap();
}

fn days(days: i64) -> Time {
    Time((START + days * DAY) * 1000)
}

fn retention(days: [u64; 4]) -> Retention {
    let [raw, daily, weekly, monthly] = days.map(|days| Duration::from_secs(days * 86400));
    Retention { raw, daily, weekly, monthly, limit: 0 }
}

#[test]
fn four_weeks_are_told_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let weeks = Weeks::new(7, 28, "/srv/shop");
    let place = record(folder.path(), &weeks, weeks.polls.len());
    let past = past(&place.path);
    same(&told(&past.stretches), &weeks.truth);
    assert!(weeks.truth.sums.len() > 300);
    assert!(past.stretches.iter().all(|stretch| stretch.from <= stretch.to));
}

#[test]
fn two_halves_are_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let weeks = Weeks::new(8, 5, "/srv/shop");
    let place = record(folder.path(), &weeks, weeks.polls.len());
    for middle in [days(2), Time(days(1).0 + 40_000_000), Time(weeks.polls[500].at * 1000), days(-1), days(9)] {
        let half =
            |from, to| read(&Disk::default(), &place.path, Selection { from, to }, &mut Counted::default()).stretches;
        let (before, after) = (half(None, Some(middle)), half(Some(middle), None));
        assert!(before.iter().all(|stretch| stretch.to <= middle), "nothing reaches over the bound");
        assert!(after.iter().all(|stretch| stretch.from >= middle));
        same(&whole(&told(&[before, after].concat())), &whole(&weeks.truth));
    }
}

#[test]
fn what_was_folded_tells_the_same() {
    // Days that stay exact by day: with raw rows and days, with weeks, with months.
    for (seed, keep, exact_from) in [(1, [7, 30, 90, 365], 0), (2, [2, 9, 90, 365], 14), (3, [0, 2, 4, 365], 21)] {
        let folder = tempfile::tempdir().unwrap();
        let weeks = Weeks::new(seed, 28, "/srv/shop");
        let place = record(folder.path(), &weeks, weeks.polls.len());
        let before = fs::metadata(&place.path).unwrap().len();
        let dry = record::clean(&place, days(28), &retention(keep), true).unwrap();
        assert_eq!(fs::metadata(&place.path).unwrap().len(), before, "a dry run changes nothing");
        let done = record::clean(&place, days(28), &retention(keep), false).unwrap();
        assert_eq!(dry, done);
        let Cleaned::Done(figures) = done else { panic!("{done:?}") };
        assert_eq!((figures.before, figures.after), (before, fs::metadata(&place.path).unwrap().len()));
        assert!(figures.after < before * 2 / 3, "{figures:?}");
        let after = told(&past(&place.path).stretches);
        same(&whole(&after), &whole(&weeks.truth));
        let late = |truth: &Truth| {
            let mut truth = truth.clone();
            truth.sums.retain(|key, _| key.3 >= START / DAY + exact_from);
            truth.waits.retain(|key, _| key.1 >= START / DAY + exact_from);
            truth
        };
        same(&late(&after), &late(&weeks.truth));
        let again = record::clean(&place, days(28), &retention(keep), false).unwrap();
        assert!(matches!(again, Cleaned::Kept(_)), "{again:?}");
    }
}

#[test]
fn what_is_too_old_goes_and_all_else_stays() {
    let folder = tempfile::tempdir().unwrap();
    let weeks = Weeks::new(4, 20, "/srv/shop");
    let place = record(folder.path(), &weeks, weeks.polls.len());
    let keep = retention([7, 30, 90, 365]);
    // Whole months from October 2026 on.
    record::clean(&place, days(100), &keep, false).unwrap();
    same(&whole(&told(&past(&place.path).stretches)), &whole(&weeks.truth));
    assert!(matches!(record::clean(&place, days(389), &keep, false).unwrap(), Cleaned::Done(_)), "weeks become months");
    same(&whole(&told(&past(&place.path).stretches)), &whole(&weeks.truth));
    let open = |place: &record::RecordDir| {
        let kinds = crate::report::errors::kinds([&past(&place.path)]);
        let met = kinds.iter().flat_map(|kind| kind.tasks.iter().map(move |met| (kind, met)));
        let open = met.filter(|(_, met)| met.state == crate::report::errors::State::Open);
        open.map(|(kind, met)| (kind.pattern.clone(), met.task.clone(), met.count, met.last)).collect::<Vec<_>>()
    };
    let before = open(&place);
    assert!(before.len() > 1, "{before:?}");
    let Cleaned::Done(figures) = record::clean(&place, days(400), &keep, false).unwrap() else { panic!() };
    assert!(figures.dropped > 10, "{figures:?}");
    let left = past(&place.path).stretches;
    assert!(left.iter().all(|stretch| stretch.runs.is_empty() && stretch.seconds.is_empty()), "{left:?}");
    assert_eq!(open(&place), before, "an open error stays");
    let again = record::clean(&place, days(800), &keep, false).unwrap();
    assert!(matches!(again, Cleaned::Kept(_)), "{again:?}");
    assert_eq!(open(&place), before);
    // Until it is resolved.
    let resolved = record::resolved(days(801), None, None).unwrap();
    record::add(&place, vec![resolved], days(801), record::PATIENCE).unwrap();
    assert_eq!(open(&place), []);
    record::clean(&place, days(1300), &keep, false).unwrap();
    assert_eq!((past(&place.path).stretches, past(&place.path).resolved), (vec![], vec![]));
}

#[test]
fn an_open_error_is_told_from_the_rare_ones() {
    let error = |pattern: &str, count| ErrorSeen {
        pattern: pattern.into(),
        tool: None,
        class: Some(ErrorClass::Permanent),
        count,
        example: String::new(),
        first: days(1),
        last: days(1),
    };
    let mut stretch = Rollup::new(days(0), days(1));
    stretch.task = "t".into();
    stretch.errors = (0..30).map(|number| error(&format!("p{number:02}"), 100 - number)).collect();
    let person = |pattern: &str| Resolved { at: days(2), pattern: Some(pattern.into()), task: None, all: false };
    let resolved: Vec<_> = (20..29).map(|number| person(&format!("p{number:02}"))).collect();
    let open = open::OpenErrors::of([&stretch].into_iter(), &resolved);
    assert_eq!(stretch.errors.iter().filter(|error| open.holds(&stretch, error)).count(), 21);
    let mut coarse = stretch.clone();
    coarse.coarsen(|error| open.holds(&stretch, error));
    let patterns: Vec<&str> = coarse.errors.iter().map(|error| &*error.pattern).collect();
    assert_eq!((patterns.len(), patterns[19], patterns[20], patterns[21]), (22, "p19", "p29", OTHERS));
    // A task that completed has met its last one.
    let (reason, class) = (String::new(), None);
    let run =
        Run { ended: days(1), outcome: Health::Completed, reason, class, seconds: None, partial: false, session: 0 };
    stretch.runs.push(run);
    let open = open::OpenErrors::of([&stretch].into_iter(), &[]);
    assert!(stretch.unresolved(|error| open.holds(&stretch, error)).is_none());
}

#[test]
fn lines_of_others_stay_and_what_was_resolved_too() {
    let folder = tempfile::tempdir().unwrap();
    let weeks = Weeks::new(5, 12, "/srv/shop");
    let place = record(folder.path(), &weeks, 0);
    let (one, two) = (&weeks.polls[0].rows, &weeks.polls[1].rows);
    let long = format!("{{\"long\":\"{}\"}}", "x".repeat(7 << 20));
    let resolved = r#"{"v":1,"event":"resolved","ts":"2026-10-06T00:00:00Z","id":"00000000000000aa","pattern":"p","task":null,"all":false}"#;
    let glued = format!("{}{}", two[0].line, two[1].line);
    let foreign =
        ["{\"foreign\":1}", "plain words", "", "{\"v\":1,\"event\":\"poll\",\"ts\":\"20", "\u{0}\u{0}", &long];
    let mut lines: Vec<&str> = foreign.to_vec();
    lines.extend(one.iter().map(|row| row.line.as_str()));
    lines.extend([glued.as_str(), resolved]);
    lines.extend(two[2..].iter().map(|row| row.line.as_str()));
    let torn = format!("{} words behind", weeks.polls[2].rows[0].line);
    lines.push(&torn);
    lines.extend(weeks.polls[2].rows[1..].iter().map(|row| row.line.as_str()));
    fs::write(&place.path, lines.join("\n") + "\n").unwrap();
    append(&place, &weeks, 3..weeks.polls.len());
    for day in [11, 12, 40, 200] {
        record::clean(&place, days(day), &retention([7, 30, 90, 365]), false).unwrap();
        let text = fs::read_to_string(&place.path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        for foreign in foreign.iter().copied().chain([resolved, " words behind"]) {
            assert_eq!(lines.iter().filter(|line| **line == foreign).count(), 1, "{foreign:.80} on day {day}");
        }
        let past = read(&Disk::default(), &place.path, Selection::default(), &mut Counted::default());
        same(&whole(&told(&past.stretches)), &whole(&weeks.truth));
        let wanted = Resolved { at: days(1), pattern: Some("p".into()), task: None, all: false };
        assert_eq!(past.resolved, [wanted]);
    }
}

#[test]
fn split_at_any_moment_it_tells_what_two_readings_tell() {
    let weeks = Weeks::new(8, 7, "/srv/shop");
    // As rows, with days folded, and with weeks, too.
    for folded in [0, 7, 60] {
        let folder = tempfile::tempdir().unwrap();
        let place = record(folder.path(), &weeks, weeks.polls.len());
        if folded > 0 {
            record::clean(&place, days(folded), &retention([2, 30, 90, 365]), false).unwrap();
        }
        let disk = Disk::default();
        for seconds in [0, 86_399, 86_400, 300_007, 7 * 86_400 - 1, 20 * 86_400] {
            for (from, to) in [(None, None), (Some(days(1)), Some(days(6)))] {
                let border = days(0).plus(Duration::from_secs(seconds));
                if from.is_some_and(|from| border < from) || to.is_some_and(|to| to < border) {
                    continue;
                }
                let split = read_split(&disk, &place.path, Selection { from, to }, border, &mut Counted::default());
                let parts = [Selection { from, to: Some(border) }, Selection { from: Some(border), to }];
                for (split, part) in split.iter().zip(parts) {
                    let alone = read(&disk, &place.path, part, &mut Counted::default());
                    assert_eq!(split.stretches.len(), alone.stretches.len(), "{folded} {seconds}");
                    for (one, other) in split.stretches.iter().zip(&alone.stretches) {
                        assert_eq!(one, other, "{folded} {seconds}");
                    }
                    assert_eq!(split.resolved, alone.resolved);
                }
            }
        }
    }
}

#[test]
fn a_clock_that_is_wrong_folds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let weeks = Weeks::new(6, 3, "/srv/shop");
    let place = record(folder.path(), &weeks, weeks.polls.len());
    let early = record::clean(&place, Time(0), &retention([7, 30, 90, 365]), false).unwrap();
    assert!(matches!(early, Cleaned::Kept(_)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn cleaned_at_any_moments_it_tells_the_same(
        seed in 1_u64..1000,
        steps in prop::collection::vec((1_usize..900, 0_u64..4, 0_u64..9, 0_u64..20, prop::bool::ANY), 1..8),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let weeks = Weeks::new(seed, 14, "/srv/shop");
        let place = record(folder.path(), &weeks, 0);
        let mut polled = 0;
        for (polls, raw, daily, weekly, twice) in steps {
            let until = (polled + polls).min(weeks.polls.len());
            append(&place, &weeks, polled..until);
            polled = until;
            let now = Time(weeks.polls[polled - 1].at * 1000 + 1000);
            for _ in 0..=u8::from(twice) {
                record::clean(&place, now, &retention([raw, raw + daily, raw + daily + weekly, 365]), false).unwrap();
            }
        }
        append(&place, &weeks, polled..weeks.polls.len());
        same(&whole(&told(&past(&place.path).stretches)), &whole(&weeks.truth));
    }
}

#[test]
fn a_summary_of_an_earlier_version_is_read() {
    let stretch = Rollup { stuck: StuckTime { begun: 2, ended: 1, seconds: 60 }, ..Rollup::new(days(1), days(2)) };
    let mut summary = serde_json::to_value(&stretch).unwrap();
    let fields = summary.as_object_mut().unwrap();
    fields.remove("unwatched");
    assert!(!fields.contains_key("stuck_by"));
    assert_eq!(serde_json::from_value::<Rollup>(summary).unwrap(), stretch);
}
