//! The page as a browser and a strict parser see it.

use std::time::Duration;

use chrono::FixedOffset;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{SCRIPT, STYLE, TASKS, WITH_SCRIPT, render};
use crate::base::time::Time;
use crate::model::{MachineLoad, Measure, PastEvent, Recent, RecentTask, Snapshot};
use crate::render::Options;
use crate::render::html::tests::{HOSTILE, check, is_read_alike};
use crate::render::tests::sample::{NOW, hostile, sample};

/// In bytes.
const LARGEST: usize = 3 << 20;
/// What this page has and a report has not.
const MORE: &str = "time details summary script polyline datetime data-key data-after id hidden http-equiv viewBox \
                    preserveAspectRatio points";

fn page(snapshot: &Snapshot) -> String {
    let offset = FixedOffset::east_opt(3600).unwrap();
    let options = Options { width: 80, color: true, unicode: false, offset, ..Options::plain() };
    let mut out = Vec::new();
    render(snapshot, &options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn event(nth: i64, text: &str) -> PastEvent {
    let at = Time(NOW.0 - nth * 61_000);
    let row = match nth % 3 {
        0 => {
            json!({ "event": "transition", "task": text, "worktree": text, "from": "healthy", "to": "stuck", "detail": text })
        }
        1 => {
            json!({ "event": "error", "task": text, "tool": text, "pattern": text, "example": text, "class": "permanent", "count": nth })
        }
        _ => json!({ "event": text, "task": text, "alert": text, "detail": text }),
    };
    PastEvent { at, row }
}

/// A snapshot with what the event log tells of each task, in the words of `text`.
fn with_past(mut snapshot: Snapshot, text: &str, every: Option<Duration>) -> Snapshot {
    let measure = |nth: u32| Measure {
        at: Time(NOW.0 - (60 - i64::from(nth)) * 60_000),
        cpu_share: Some(0.4),
        memory_bytes: Some(300 << 20),
        calls: 3 * u64::from(nth),
        failed: u64::from(nth) / 9,
        output_tokens: 900 * u64::from(nth),
    };
    let tasks = snapshot.tasks.iter().map(|task| RecentTask {
        task: task.known_as.clone(),
        worktree: task.worktree.clone(),
        events: (0..50).map(|nth| event(nth, text)).collect(),
        measures: (0..60).map(measure).collect(),
    });
    let machine = MachineLoad { load_1m: 1.92, memory_used_bytes: 15 << 30, memory_total_bytes: 24 << 30 };
    snapshot.machine = Some(machine);
    let events = (0..20).map(|nth| event(nth, text)).collect();
    snapshot.recent = Some(Recent { cores: Some(2), events, tasks: tasks.collect(), every });
    snapshot
}

fn crowd(tasks: usize) -> Snapshot {
    let mut snapshot = sample();
    let some = std::mem::take(&mut snapshot.tasks);
    for nth in 0..tasks {
        let mut task = some[nth % some.len()].clone();
        task.name = format!("{}-{nth}", task.name);
        (task.id, task.known_as) = (format!("bg_{nth:08x}"), format!("bg_{nth:08x}"));
        snapshot.summary.add(task.health);
        snapshot.tasks.push(task);
    }
    snapshot
}

#[test]
fn a_small_page() {
    let mut snapshot = sample();
    snapshot.tasks.truncate(2);
    let mut snapshot = with_past(snapshot, "billing", None);
    let recent = snapshot.recent.as_mut().unwrap();
    recent.events.truncate(3);
    for task in &mut recent.tasks {
        task.events.truncate(2);
        task.measures.truncate(4);
    }
    let page = page(&snapshot).replace(STYLE, "(dashboard.css)").replace(crate::render::html::STYLE, "(page.css)");
    insta::assert_snapshot!(page.replace(env!("CARGO_PKG_VERSION"), "(version)"));
}

#[test]
fn needs_nothing_but_itself() {
    for snapshot in [sample(), with_past(crowd(60), "billing", Some(Duration::from_secs(30))), hostile()] {
        let page = page(&snapshot);
        check(&page, MORE);
        for outside in ["https:", "http:", "src=", "href", "url(", "javascript:", "@import", "<link", "<img", "style="]
        {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}

#[test]
fn only_a_page_that_is_written_again_reloads_and_runs_a_script() {
    for (every, reload) in [(1, "2"), (5, "5"), (300, "30")] {
        let page = page(&with_past(sample(), "billing", Some(Duration::from_secs(every))));
        let document = check(&page, MORE);
        let said = |name| {
            document
                .descendants()
                .find(|node| node.attribute("http-equiv") == Some(name))
                .and_then(|node| node.attribute("content"))
        };
        assert_eq!((said("refresh"), said("Content-Security-Policy")), (Some(reload), Some(WITH_SCRIPT)));
        let scripts: Vec<_> = document.descendants().filter(|node| node.has_tag_name("script")).collect();
        assert_eq!(scripts.iter().map(roxmltree::Node::text).collect::<Vec<_>>(), [Some(SCRIPT)]);
    }
    let still = page(&with_past(sample(), "billing", None));
    assert!(
        !still.contains("refresh")
            && !still.contains("<script")
            && still.contains("default-src 'none'".replace('\'', "&#39;").as_str())
    );
}

#[test]
fn the_policy_lets_run_this_script_and_no_other() {
    assert!(is_read_alike(SCRIPT) && is_read_alike(STYLE));
    let alphabet: Vec<u8> = (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9').chain(*b"+/").collect();
    let digest = Sha256::digest(SCRIPT);
    let base64: String = digest
        .chunks(3)
        .flat_map(|three| {
            let bits = (0..3).fold(0_u32, |bits, at| bits << 8 | u32::from(three.get(at).copied().unwrap_or(0)));
            let signs = [18, 12, 6, 0].map(|shift| char::from(alphabet[(bits >> shift & 63) as usize]));
            signs.into_iter().take(three.len() + 1)
        })
        .collect();
    assert!(WITH_SCRIPT.contains(&format!("'sha256-{base64}='")), "sha256-{base64}=");
}

#[test]
fn hostile_names_are_inert() {
    let long = "https://example.org/?".repeat(10_000);
    for name in HOSTILE.into_iter().chain([&*long]) {
        let mut snapshot = sample();
        for task in &mut snapshot.tasks {
            for text in [&mut task.id, &mut task.known_as, &mut task.name, &mut task.detail] {
                *text = name.to_owned();
            }
            (task.title, task.activity, task.last_message) = (Some(name.into()), Some(name.into()), Some(name.into()));
            (task.question, task.next, task.notes) = (Some(name.into()), vec![name.into()], vec![name.into()]);
            (task.worktree, task.branch, task.status) = (Some(name.into()), Some(name.into()), Some(name.into()));
            task.sessions.iter_mut().for_each(|session| session.id = name.into());
        }
        let page = page(&with_past(snapshot, name, Some(Duration::from_secs(5))));
        assert!(page.len() < LARGEST, "{}", page.len());
        let document = check(&page, MORE);
        assert_eq!(document.descendants().filter(|node| node.has_tag_name("script")).count(), 1);
        let shown = crate::text::one_line(name, 60).replace('\u{ffff}', "\u{fffd}").replace('…', "");
        let mut texts = document.descendants().filter_map(|node| node.text());
        assert!(texts.any(|text| text.contains(&*shown)), "{shown:?}");
        assert!(!page.contains(['\u{202e}', '\0', '\u{1b}', '\u{ffff}']));
    }
}

#[test]
fn many_tasks_are_there_worst_first_and_the_page_stays_small() {
    for (tasks, shown, text) in [
        (60, 60, "fix the rounding of prices in the invoice"),
        (300, TASKS, &*"fix the rounding of prices in the invoice ".repeat(10)),
    ] {
        let page = page(&with_past(crowd(tasks), text, None));
        assert!(page.len() < LARGEST, "{tasks}: {}", page.len());
        let document = check(&page, MORE);
        let class = |node: &roxmltree::Node| node.attribute("class").unwrap_or_default().to_owned();
        let all: Vec<_> =
            document.descendants().map(|node| class(&node)).filter(|class| class.starts_with("task ")).collect();
        assert_eq!(all.len(), shown);
        let rank = |class: &String| crate::model::Health::ALL.iter().position(|health| class.ends_with(health.code()));
        assert!(all.is_sorted_by_key(rank) && all.iter().all(|class| rank(class).is_some()));
        assert_eq!(page.contains(&format!("{} more tasks are not shown.", tasks - shown)), tasks > shown);
    }
}

#[test]
fn what_opens_can_be_reached_and_is_known_again() {
    let page = page(&with_past(crowd(60), "billing", Some(Duration::from_secs(5))));
    let document = check(&page, MORE);
    let details: Vec<_> = document.descendants().filter(|node| node.has_tag_name("details")).collect();
    let keys: std::collections::HashSet<_> = details.iter().map(|node| node.attribute("data-key").unwrap()).collect();
    assert_eq!(keys.len(), details.len());
    for one in details {
        let summary = one.first_element_child().filter(|first| first.has_tag_name("summary")).unwrap();
        let said: String = summary.descendants().filter_map(|node| node.text()).collect();
        assert!(said.chars().any(char::is_alphanumeric), "what has the focus has a name: {said:?}");
    }
    for picture in document.descendants().filter(|node| node.has_tag_name("svg")) {
        assert!(picture.attribute("aria-label").is_some() || picture.attribute("aria-hidden") == Some("true"));
    }
}

/// Writes pages for a look at them in a browser: `AGENTMON_PAGES=/tmp/pages cargo test --lib dashboards_for_a_browser -- --ignored`
#[test]
#[ignore = "writes files, to be looked at"]
fn dashboards_for_a_browser() {
    let folder = std::path::PathBuf::from(option_env!("AGENTMON_PAGES").unwrap_or("/tmp/agentmon-pages"));
    std::fs::create_dir_all(&folder).unwrap();
    let every = Some(Duration::from_secs(5));
    for (name, snapshot) in [
        ("few", with_past(sample(), "billing", every)),
        ("many", with_past(crowd(60), "billing", None)),
        ("most", with_past(crowd(300), &"fix the rounding of prices in the invoice ".repeat(9), None)),
        ("hostile", with_past(hostile(), HOSTILE[2], every)),
        (
            "none",
            with_past(
                Snapshot { tasks: vec![], summary: crate::model::Summary::default(), ..sample() },
                "billing",
                None,
            ),
        ),
    ] {
        std::fs::write(folder.join(format!("dashboard-{name}.html")), page(&snapshot)).unwrap();
    }
}
