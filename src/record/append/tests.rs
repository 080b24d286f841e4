//! Several writers, foreign writers, full disks and held locks.

use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use super::super::append::*;
use crate::model::{Health, Reason, TaskReport};
use crate::record::append::tests::thread::sleep;
use crate::record::tests::samples::{at, numbered, place_in, task, tell};

fn count(appended: anyhow::Result<Appended>) -> usize {
    match appended.unwrap() {
        Appended::Written { events, .. } => events.len(),
        Appended::Locked => panic!("locked"),
    }
}

fn add(place: &RecordDir, events: Vec<Event>) -> usize {
    count(append(place, &RecordState::default(), at(0), |_| events))
}

fn line(number: usize) -> String {
    numbered(number, 10).line
}

#[test]
fn an_event_is_written_once_and_none_touch_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = place_in(folder.path());
    let two = || vec![numbered(1, 10), numbered(2, 10)];
    assert_eq!(add(&place, [two(), two()].concat()), 2);
    let before = fs::metadata(&place.path).unwrap().modified().unwrap();
    assert_eq!((add(&place, two()), add(&place, Vec::new())), (0, 0));
    assert_eq!(fs::metadata(&place.path).unwrap().modified().unwrap(), before);
    assert_eq!(fs::read_to_string(&place.path).unwrap(), format!("{}\n{}\n", line(1), line(2)));
}

#[test]
fn an_id_is_known_although_the_row_was_heard_before() {
    let folder = tempfile::tempdir().unwrap();
    let place = place_in(folder.path());
    let mut known = RecordState::default();
    for (number, wanted) in [(1, 1), (2, 1), (1, 0), (3, 1), (2, 0)] {
        let Appended::Written { events, history } =
            append(&place, &known, at(0), |_| vec![numbered(number, 10)]).unwrap()
        else {
            panic!("locked")
        };
        assert_eq!(events.len(), wanted, "{number}");
        known = history;
    }
    // A part of a row is none.
    let torn = line(4);
    fs::write(&place.path, format!("{}\n{}\n", line(1), &torn[..torn.len() - 2])).unwrap();
    assert_eq!(add(&place, vec![numbered(4, 10)]), 1);
}

#[test]
fn without_a_memory_the_whole_record_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let place = place_in(folder.path());
    let events = |numbers: std::ops::Range<usize>| numbers.map(|number| numbered(number, 4000)).collect::<Vec<_>>();
    assert_eq!(add(&place, events(0..700)), 700);
    assert!(fs::metadata(&place.path).unwrap().len() > 2 * TAIL);
    assert_eq!(add(&place, events(0..701)), 1);
}

#[test]
fn an_event_of_its_own_is_sought_among_the_last_rows_only() {
    let folder = tempfile::tempdir().unwrap();
    let place = place_in(folder.path());
    let events = (0..700).map(|number| numbered(number, 4000)).collect::<Vec<_>>();
    assert_eq!(add(&place, events), 700);
    let again = |number| count(super::add(&place, vec![numbered(number, 4000)], at(0), PATIENCE));
    assert_eq!([again(699), again(0), again(0)], [0, 1, 0]);
}

#[test]
fn what_came_in_between_is_read_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let place = place_in(folder.path());
    let row = line(1) + "\n";
    let appended = append(&place, &RecordState::default(), at(0), |_| {
        File::options().append(true).open(&place.path).unwrap().write_all(row.as_bytes()).unwrap();
        vec![numbered(2, 10)]
    });
    let Appended::Written { history, .. } = appended.unwrap() else { panic!("locked") };
    assert_eq!(history.end, None);
}

#[test]
fn a_torn_row_is_blanked_and_its_event_made_again() {
    let (one, two, long) = (line(1), line(2), numbered(2, 9_000).line);
    let foreign = "{\"foreign\":1}";
    let (torn, long) = (&two[..60], &long[..8_500]);
    let blank = |part: &str| " ".repeat(part.len());
    // What the record holds, and what it holds after events 1 and 2 were appended.
    let cases = [
        (format!("{one}\n{torn}"), format!("{one}\n{}{two}\n", blank(torn))),
        (torn.to_owned(), format!("{}{one}\n{two}\n", blank(torn))),
        (format!("{one}\n{long}"), format!("{one}\n{}{two}\n", blank(long))),
        (format!("{one}\n{}", &two[..1]), format!("{one}\n {two}\n")),
        (format!("{one}\n{torn}{foreign}\n"), format!("{one}\n{}{foreign}\n{two}\n", blank(torn))),
        (format!("{one}\n{two}{foreign}\n"), format!("{one}\n{}{foreign}\n{two}\n", blank(&two))),
        // A run that blanked was killed, too.
        (format!("{one}\n{}   {foreign}\n", &two[..5]), format!("{one}\n        {foreign}\n{two}\n")),
        (format!("{one}\n   "), format!("{one}\n   {two}\n")),
        (format!("{two}\n{one}"), format!("{two}\n{one}")),
        (one.clone(), format!("{one}\n{two}\n")),
        ("foreign".into(), format!("foreign\n{one}\n{two}\n")),
        (format!("{torn} foreign\n"), format!("{torn} foreign\n{one}\n{two}\n")),
        (format!("{foreign}\n{one}{two}\n"), format!("{foreign}\n{one}{two}\n")),
        ("\n\0\0".into(), format!("\n\0\0\n{one}\n{two}\n")),
    ];
    for (before, after) in cases {
        let folder = tempfile::tempdir().unwrap();
        let place = place_in(folder.path());
        fs::write(&place.path, &before).unwrap();
        for _ in 0..2 {
            add(&place, vec![numbered(1, 10), numbered(2, 10)]);
            assert_eq!(fs::read_to_string(&place.path).unwrap(), after, "{before}");
        }
    }
}

#[test]
fn long_batches_and_long_lines_stay_whole() {
    let folder = tempfile::tempdir().unwrap();
    let place = place_in(folder.path());
    let events: Vec<_> = (0..200).map(|number| numbered(number, number * 1000 % 90_000)).collect();
    let text: String = events.iter().map(|event| event.line.clone() + "\n").collect();
    fs::write(&place.path, "foreign").unwrap();
    assert_eq!(add(&place, events), 200);
    assert_eq!(fs::read_to_string(&place.path).unwrap(), format!("foreign\n{text}"));
}

#[test]
fn history_survives_a_lost_checkpoint_and_overlapping_polls() {
    let folder = tempfile::tempdir().unwrap();
    let place = place_in(folder.path());
    let stuck = [task("parser", Health::Stuck, Reason::Silent)];
    let poll =
        |hint: &RecordState, second| append(&place, hint, at(second), |last| tell(at(second), &stuck, last)).unwrap();
    let Appended::Written { events, history } = poll(&RecordState::default(), 0) else { panic!() };
    assert_eq!(events.len(), 2);
    // The checkpoint is lost; then the one of the other poll is used.
    for hint in [RecordState::default(), history.clone()] {
        let Appended::Written { events, history: same } = poll(&hint, 1) else { panic!() };
        assert_eq!(events.len(), 0);
        assert_eq!(same, history);
    }
    // The end of the record is silent on the task: the checkpoint tells, or all of the record.
    let padding = format!("{{\"foreign\":\"{}\"}}\n", "x".repeat(1000)).repeat(1100);
    fs::write(&place.path, fs::read_to_string(&place.path).unwrap() + &padding).unwrap();
    assert_eq!(count(Ok(poll(&history, 2))), 0);
    assert_eq!(count(Ok(poll(&RecordState::default(), 3))), 0);
}

/// A place that has another record beside it.
fn beside(base: &Path, other: &Path) -> RecordDir {
    RecordDir { other: Some(File::open(other).unwrap()), ..place_in(base) }
}

#[test]
fn an_event_is_written_once_in_two_places() {
    let folder = tempfile::tempdir().unwrap();
    let base = |name: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path
    };
    let (one, other) = (place_in(&base("one")).path, place_in(&base("other")).path);
    let at_one = || beside(&base("one"), &other);
    let at_other = || beside(&base("other"), &one);
    let poll = |place: RecordDir, hint: &RecordState, second, health| {
        let reason = if health == Health::Stuck { Reason::Silent } else { Reason::Working };
        let tasks = [task("parser", health, reason), task("billing", Health::Stuck, Reason::Silent)];
        match append(&place, hint, at(second), |last| tell(at(second), &tasks, last)).unwrap() {
            Appended::Written { events, history } => (events.len(), history),
            Appended::Locked => panic!("locked"),
        }
    };
    let none = || RecordState::default();
    // With the kept history, and where it was lost.
    for forgets in [false, true] {
        fs::write(&one, "").unwrap();
        fs::write(&other, "").unwrap();
        let hint = |known: RecordState| if forgets { none() } else { known };
        let (told, known) = poll(at_one(), &none(), 0, Health::Stuck);
        assert_eq!(told, 3);
        // Nobody may write there for a moment.
        let (told, known) = poll(at_other(), &hint(known), 1, Health::Stuck);
        assert_eq!((told, fs::read_to_string(&other).unwrap().as_str()), (0, ""), "{forgets}");
        let (told, known) = poll(at_other(), &hint(known), 70, Health::Healthy);
        assert_eq!(told, 2, "a change and the poll: {forgets}");
        let (told, known) = poll(at_one(), &hint(known), 71, Health::Healthy);
        assert_eq!(told, 0, "{forgets}");
        assert!(known.outdates(&none()));
        let (told, known) = poll(at_one(), &hint(known), 72, Health::Stuck);
        assert_eq!(told, 2, "{forgets}");
        let (told, known) = poll(at_other(), &hint(known), 73, Health::Stuck);
        assert_eq!(told, 0, "{forgets}");
        // A copy takes the place of one: what it told before the other did is no news.
        let copy = folder.path().join("copy");
        fs::copy(&other, &copy).unwrap();
        fs::rename(&copy, &other).unwrap();
        let (told, again) = poll(at_one(), &hint(known.clone()), 74, Health::Stuck);
        assert_eq!((told, again.tasks), (0, known.tasks), "{forgets}");
        let all = fs::read_to_string(&one).unwrap() + &fs::read_to_string(&other).unwrap();
        let ids: HashSet<_> =
            all.lines().map(|line| line.split("\"id\":\"").nth(1).unwrap()[..16].to_owned()).collect();
        assert_eq!((ids.len(), all.lines().count()), (7, 7), "{forgets}");
    }
}

#[test]
fn a_clock_that_was_ahead_for_a_while_tells_nothing_anew() {
    let folder = tempfile::tempdir().unwrap();
    let place = place_in(folder.path());
    // So many that they are forgotten in time.
    let all: Vec<_> = (0..300).map(|number| task(&format!("t{number}"), Health::Stuck, Reason::Silent)).collect();
    let poll = |hint: &RecordState, second, tasks: &[TaskReport]| match append(&place, hint, at(second), |last| {
        tell(at(second), tasks, last)
    })
    .unwrap()
    {
        Appended::Written { events, history } => (events.len(), history),
        Appended::Locked => panic!("locked"),
    };
    let (told, known) = poll(&RecordState::default(), 0, &all);
    assert_eq!(told, 301);
    let years = 70 * 365 * 86400;
    let (_, known) = poll(&known, years, &all[..1]);
    let (_, known) = poll(&known, years + 60, &all[..1]);
    assert_eq!(known.tasks.len(), 0, "all are forgotten");
    let (told, known) = poll(&known, 60, &all);
    assert_eq!(told, 1, "the poll alone");
    assert_eq!(poll(&known, 61, &all).0, 0);
}

#[test]
fn a_history_that_was_kept_is_gone_on_from() {
    let folder = tempfile::tempdir().unwrap();
    let place = place_in(folder.path());
    let stuck = [task("parser", Health::Stuck, Reason::Silent)];
    let poll =
        |hint: &RecordState, second| match append(&place, hint, at(second), |last| tell(at(second), &stuck, last))
            .unwrap()
        {
            Appended::Written { events, history } => (events.len(), history),
            Appended::Locked => panic!("locked"),
        };
    let text = || fs::read_to_string(&place.path).unwrap();
    let (told, kept) = poll(&RecordState::default(), 0);
    assert_eq!((told, kept.outdates(&RecordState::default())), (2, true));
    // Polls are neither kept at once nor told again; all else is kept.
    let mut last = kept.clone();
    for minute in 1..5 {
        let (told, new) = poll(&kept, minute * 60);
        assert_eq!((told, new.outdates(&kept)), (1, false));
        assert_eq!(poll(&kept, minute * 60), (0, new.clone()), "{minute}");
        last = new;
    }
    let polled = text();
    let healthy = [task("parser", Health::Healthy, Reason::Working)];
    for minute in 5..7 {
        let appended = append(&place, &kept, at(minute * 60), |last| tell(at(minute * 60), &healthy, last)).unwrap();
        let Appended::Written { events, history } = appended else { panic!() };
        assert_eq!((events.len(), history.outdates(&kept)), (if minute == 5 { 2 } else { 1 }, true));
    }
    // What comes to be behind it, what becomes of that, and whether the history is to be kept anew.
    let cases = [
        ("a torn row", polled[..60].to_owned(), " ".repeat(60), false),
        ("a foreign line", "{\"foreign\":1}\n".to_owned(), "{\"foreign\":1}\n".to_owned(), false),
        ("an open one", "foreign".to_owned(), "foreign\n".to_owned(), false),
        ("more than is read twice", "{\"foreign\":1}\n".repeat(2000), "{\"foreign\":1}\n".repeat(2000), true),
    ];
    for (what, more, left, outdates) in cases {
        for hint in [&kept, &last] {
            fs::write(&place.path, polled.clone() + &more).unwrap();
            let (told, new) = poll(hint, 600);
            assert_eq!((told, new.outdates(hint)), (1, outdates), "{what}");
            assert!(text().starts_with(&(polled.clone() + &left + "{")), "{what}: {}", text());
            assert_eq!(poll(hint, 600), (0, new), "{what}");
        }
    }
    // What is not the record that it was is read from its own end.
    for (what, other) in [("cleared out", String::new()), ("another", "{\"foreign\":1}\n".repeat(200))] {
        fs::write(&place.path, other).unwrap();
        assert_eq!(poll(&kept, 900).0, 2, "{what}");
    }
}

#[test]
fn eight_writers_and_a_foreign_one_leave_whole_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let record = place_in(path).path;
    thread::scope(|scope| {
        for writer in 0..8 {
            scope.spawn(move || {
                for round in 0..12 {
                    let place = place_in(path);
                    // Every second batch is written by the neighbour too, not further apart than the record is read.
                    let first = (writer / (1 + round % 2) * 12 + round) * 4;
                    let batch: Vec<_> = (first..first + 4).map(|n| numbered(n, n * 7919 % 6_000)).collect();
                    add(&place, batch);
                }
            });
        }
        scope.spawn(|| {
            let mut file = fs::OpenOptions::new().append(true).open(&record).unwrap();
            for _ in 0..200 {
                file.write_all(b"{\"foreign\":1}\n").unwrap();
                sleep(Duration::from_micros(200));
            }
        });
    });
    let text = fs::read_to_string(&record).unwrap();
    let values: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (foreign, ours): (Vec<_>, Vec<_>) = values.iter().partition(|value| value["foreign"] == 1);
    let numbers: HashSet<_> = ours.iter().map(|value| value["number"].as_u64().unwrap()).collect();
    let batches = |writer: usize| (0..12).map(move |round| writer / (1 + round % 2) * 12 + round);
    let wanted: HashSet<_> = (0..8).flat_map(batches).collect();
    assert_eq!((foreign.len(), ours.len(), numbers.len()), (200, wanted.len() * 4, wanted.len() * 4));
}

#[test]
fn gives_up_on_a_lock_that_is_held() {
    let folder = tempfile::tempdir().unwrap();
    let place = place_in(folder.path());
    let held = lock(&place, PATIENCE).unwrap().unwrap();
    let start = Instant::now();
    let appended = append(&place, &RecordState::default(), at(0), |_| vec![numbered(1, 1)]).unwrap();
    assert!(matches!(appended, Appended::Locked));
    // The rest is for a machine that is busy.
    assert!((3..30).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert_eq!(fs::metadata(&place.path).unwrap().len(), 0);
    drop(held);
    assert_eq!(add(&place, vec![numbered(1, 1)]), 1);
}

/// A file system of 64 KiB, for as long as this lives.
struct Small(tempfile::TempDir);

impl Small {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(folder.path());
        mount.output().is_ok_and(|output| output.status.success()).then(|| Self(folder))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(self.0.path()).output().ok();
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that was left out has to say so")]
fn a_full_disk_leaves_no_part_of_a_line() {
    let Some(small) = Small::mount() else { return println!("skipped: cannot mount a small file system") };
    let place = place_in(small.0.path());
    assert_eq!(add(&place, vec![numbered(1, 30_000)]), 1);
    let before = fs::read(&place.path).unwrap();
    let error = append(&place, &RecordState::default(), at(0), |_| vec![numbered(2, 40_000)]).unwrap_err();
    let error = format!("{error:#}");
    assert!(error.starts_with(&format!("could not append to `{}`: only ", place.path.display())), "{error}");
    assert_eq!(fs::read(&place.path).unwrap(), before);
    // Where not even one byte fits, there is nothing to take back.
    fs::write(small.0.path().join("filler"), vec![0; 64_000]).ok();
    let error = append(&place, &RecordState::default(), at(0), |_| vec![numbered(2, 40_000)]).unwrap_err();
    assert!(format!("{error:#}").contains("bytes fitted") || format!("{error:#}").contains("No space"), "{error:#}");
    assert_eq!(fs::read(&place.path).unwrap(), before);
    fs::remove_file(small.0.path().join("filler")).unwrap();
    assert_eq!(add(&place, vec![numbered(1, 30_000), numbered(3, 10)]), 1, "the next one catches up");
}

#[test]
fn a_wide_mode_is_narrowed_and_a_link_that_comes_later_refused() {
    let folder = tempfile::tempdir().unwrap();
    let place = place_in(folder.path());
    let lock = place.path.with_file_name(LOCK);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for file in [&place.path, &lock] {
        fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
    }
    add(&place, vec![numbered(1, 1)]);
    assert_eq!((mode(&place.path), mode(&lock)), (0o600, 0o600));
    let canary = folder.path().join("canary");
    fs::rename(&place.path, &canary).unwrap();
    std::os::unix::fs::symlink(&canary, &place.path).unwrap();
    let before = fs::read(&canary).unwrap();
    let error = append(&place, &RecordState::default(), at(0), |_| vec![numbered(2, 1)]).unwrap_err();
    assert!(format!("{error:#}").ends_with("a symbolic link, not followed"), "{error:#}");
    assert_eq!(fs::read(&canary).unwrap(), before);
}
