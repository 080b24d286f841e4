//! What replaces the record, and what is seen of that by runs before and after it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::time::Duration;

use super::super::compact::*;
use crate::record::history::tests::weeks::Weeks;
use crate::record::state::{RecordState, Tail, Unread};
use crate::record::tests::samples::place_in;
use crate::record::{Kind, Note, NoteType, each_row};

/// Monday 2001-10-01, in seconds since 1970: before the files were made, so that all of them are new.
pub(crate) const START: i64 = 1_001_894_400;

const WEEK: Retention = Retention {
    raw: Duration::from_secs(7 * 86400),
    daily: Duration::from_secs(30 * 86400),
    weekly: Duration::from_secs(90 * 86400),
    monthly: Duration::from_secs(365 * 86400),
    limit: 0,
};

fn day(days: i64) -> Time {
    Time((START + days * 86400) * 1000)
}

fn told(place: &RecordDir) -> RecordState {
    let unread = Unread::read(&place.open(RECORD).unwrap(), u64::MAX, None).unwrap();
    let mut history = Tail::hear(&unread, None, &RecordState::default()).history;
    // Who left which health when is of interest for ten minutes.
    history.tasks.values_mut().for_each(|last| last.left.clear());
    history
}

/// A record of so many days.
fn record(folder: &Path, days: i64) -> RecordDir {
    let place = place_in(folder);
    fs::write(&place.path, Weeks::from(START, 3, days, "/srv/shop").text()).unwrap();
    place
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder.join(".agents/logs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_was_told_of_each_task_is_still_known() {
    for raw in [0, 1, 7] {
        let folder = tempfile::tempdir().unwrap();
        let place = record(folder.path(), 14);
        let before = told(&place);
        let keep = Retention { raw: Duration::from_secs(raw * 86400), ..WEEK };
        for now in [14, 14, 16, 20] {
            clean(&place, day(now), &keep, false).unwrap();
            assert!(told(&place) == before, "the history is another one: {raw} days, day {now}");
        }
    }
}

#[test]
fn notes_stay_as_long_as_daily_summaries() {
    let folder = tempfile::tempdir().unwrap();
    let place = record(folder.path(), 14);
    for (at, message) in [(1, "old"), (12, "young")] {
        let note = Note::new(day(at), "billing", None, NoteType::Warning, message);
        super::super::add(&place, note.event(None).into_iter().collect(), day(at), PATIENCE).unwrap();
    }
    for (now, kept) in [(14, vec!["old", "young"]), (14, vec!["old", "young"]), (35, vec!["young"]), (60, vec![])] {
        clean(&place, day(now), &WEEK, false).unwrap();
        let text = fs::read_to_string(&place.path).unwrap();
        let mut notes = Vec::new();
        each_row(text.as_bytes(), |row, _| notes.extend(Note::of(row).filter(|_| row.kind == Some(Kind::Note))));
        let messages: Vec<_> = notes.iter().map(|note| &*note.message).collect();
        assert_eq!(messages, kept, "day {now}");
    }
}

#[test]
fn whoever_holds_the_old_file_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = record(folder.path(), 14);
    let open = || fs::OpenOptions::new().append(true).open(&place.path).unwrap();
    let text = || fs::read_to_string(&place.path).unwrap();
    let mut early = open();
    early.write_all(b"{\"half\":").unwrap();
    clean(&place, day(14), &WEEK, false).unwrap();
    assert!(!text().contains("half"), "it is not complete");
    early.write_all(b"1}\n{\"late\":1}\n{\"torn").unwrap();
    // As of these days, the old file is new.
    for _ in 0..3 {
        take_over(&place, day(14)).unwrap();
        let count = |what: &str| text().matches(what).count();
        assert_eq!([count("{\"half\":1}\n"), count("{\"late\":1}\n"), count("torn")], [1, 1, 0]);
    }
    early.write_all(b"\":2}\n{\"last").unwrap();
    let later = Time(4_102_444_800_000);
    take_over(&place, later).unwrap();
    assert!(text().contains("{\"torn\":2}\n{\"last\n"), "what nobody completes is taken as it is");
    for _ in 0..2 {
        take_over(&place, later).unwrap();
    }
    assert_eq!(files(folder.path()), [".gitignore", "background_monitoring.jsonl", "background_monitoring.lock"]);
}

#[test]
fn a_run_that_was_killed_before_it_replaced_the_record_did_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = record(folder.path(), 14);
    let before = fs::read(&place.path).unwrap();
    let record = place.open(RECORD).unwrap();
    Old::make(&place.folder).unwrap().keep(&place.folder, &record, 5).unwrap();
    place.create(NEW).unwrap().write_all(b"half of it").unwrap();
    assert_eq!(fs::metadata(&place.path).unwrap().nlink(), 2);
    take_over(&place, day(14)).unwrap();
    assert_eq!((fs::metadata(&place.path).unwrap().nlink(), fs::read(&place.path).unwrap()), (1, before));
    let cleaned = clean(&place, day(1), &WEEK, false).unwrap();
    assert!(matches!(cleaned, Cleaned::Kept(_)));
    assert_eq!(files(folder.path()), [".gitignore", "background_monitoring.jsonl", "background_monitoring.lock"]);
}

#[test]
fn a_last_row_without_an_end_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    let place = record(folder.path(), 14);
    let text = fs::read_to_string(&place.path).unwrap();
    fs::write(&place.path, text.trim_end()).unwrap();
    let before = told(&place);
    clean(&place, day(14), &WEEK, false).unwrap();
    assert!(told(&place) == before);
    let after = fs::read_to_string(&place.path).unwrap();
    assert_eq!(after.lines().last(), text.lines().last());
}

#[test]
fn planted_links_are_not_followed() {
    type Plant = fn(&Path, &Path);
    let plants: [(&str, bool, Plant); 3] = [
        ("the next record", true, |logs, out| symlink(out.join("canary"), logs.join(NEW)).unwrap()),
        ("the folder of old ones", false, |logs, out| symlink(out, logs.join("background_monitoring.old")).unwrap()),
        ("an old one", true, |logs, out| {
            fs::create_dir(logs.join("background_monitoring.old")).unwrap();
            symlink(out.join("canary"), logs.join("background_monitoring.old/0-0123456789abcdef")).unwrap();
        }),
    ];
    for (what, cleaned, plant) in plants {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        fs::create_dir(&out).unwrap();
        fs::write(out.join("canary"), "sings\n").unwrap();
        let place = record(folder.path(), 14);
        let before = fs::read(&place.path).unwrap();
        plant(&folder.path().join(".agents/logs"), &out);
        assert_eq!(clean(&place, day(14), &WEEK, false).is_ok(), cleaned, "{what}");
        assert_eq!(fs::read(&place.path).unwrap() == before, !cleaned, "{what}");
        assert_eq!(fs::read_to_string(out.join("canary")).unwrap(), "sings\n", "{what}");
        assert_eq!(fs::read_dir(&out).unwrap().count(), 1, "{what}");
        assert!(!fs::read_to_string(&place.path).unwrap().contains("sings"), "{what}");
    }
}

#[test]
fn a_held_lock_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let place = record(folder.path(), 1);
    let _held = lock(&place, PATIENCE).unwrap().unwrap();
    assert_eq!(clean(&place, day(14), &WEEK, false).unwrap(), Cleaned::Locked);
}
