//! Lines of one's own, for status bars and chats: `{failed}✗ {stuck}■`, filled from the report.
//!
//! `{name}` is a field, `{name:20}` no wider than 20 columns, `{name|tmux}` fit for where it goes, and `{?name}...{/}` stands
//! there only if the field is neither empty nor 0. `{{` is a brace; so is one that no name follows, as in JSON. There are no
//! loops and there is no logic.

use std::io::{self, Write};

use super::super::options::Options;
use super::super::task_text;
use crate::base::time::Time;
use crate::model::{Health, Snapshot, TaskReport};
use crate::text::{self, shell};

/// What a field is filled with; empty where there is nothing.
type Get<T> = fn(&T, &Options) -> String;
type Fields<T> = &'static [(&'static str, Get<T>)];

/// Of the report as a whole.
pub(crate) type SummaryTemplate = Template<Snapshot>;
/// Of one task: with the moment of the poll.
pub(crate) type TaskTemplate = Template<(TaskReport, Time)>;

/// A template that was read.
#[derive(Debug)]
pub(crate) struct Template<T: 'static> {
    parts: Vec<Part<T>>,
}

impl<T> Clone for Template<T> {
    fn clone(&self) -> Self {
        Self { parts: self.parts.clone() }
    }
}

#[derive(Debug)]
enum Part<T: 'static> {
    Text(String),
    Field { get: Get<T>, width: usize, filters: Vec<Filter> },
    If { get: Get<T>, then: Vec<Self> },
}

impl<T> Clone for Part<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Text(text) => Self::Text(text.clone()),
            Self::Field { get, width, filters } => Self::Field { get: *get, width: *width, filters: filters.clone() },
            Self::If { get, then } => Self::If { get: *get, then: then.clone() },
        }
    }
}

/// Makes a value fit for where it goes.
type Filter = fn(&str) -> String;

/// What makes a value fit for the place that it goes to.
const FILTERS: [(&str, Filter); 4] = [
    // Within quotes that the template has.
    ("json", |text| {
        let quoted = serde_json::Value::from(text).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    }),
    // Which expands what a command printed once more.
    ("tmux", |text| text.replace('#', "##")),
    ("shell", |text| shell::quote(text)),
    // And for Pango.
    ("html", |text| {
        let pairs = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#39;")];
        // Which XML does not know.
        let text = text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
        pairs.iter().fold(text, |text, (from, to)| text.replace(*from, to))
    }),
];

const SUMMARY: Fields<Snapshot> = &[
    ("failed", |all, _| all.summary.failed.to_string()),
    ("stuck", |all, _| all.summary.stuck.to_string()),
    ("struggling", |all, _| all.summary.struggling.to_string()),
    ("unknown", |all, _| all.summary.unknown.to_string()),
    ("healthy", |all, _| all.summary.healthy.to_string()),
    ("completed", |all, _| all.summary.completed.to_string()),
    ("older", |all, _| all.summary.older.to_string()),
    ("tasks", |all, _| Health::ALL.map(|health| all.summary.count(health)).iter().sum::<u32>().to_string()),
    ("attention", |all, _| needy().map(|health| all.summary.count(health)).sum::<u32>().to_string()),
    ("worst", |all, _| worst(all).map_or("none", Health::code).to_owned()),
    ("glyph", |all, options| worst(all).map(|health| glyph(health, options)).unwrap_or_default()),
    ("names", names),
    ("problems", |all, _| all.problems.len().to_string()),
    ("time", |all, options| all.taken_at.local(options.offset).format("%H:%M").to_string()),
];

const TASK: Fields<(TaskReport, Time)> = &[
    ("id", |(task, _), options| options.text(&task.id)),
    ("name", |(task, _), options| options.text(&task.name)),
    ("title", |(task, _), options| some(task.title.as_ref(), options)),
    ("repository", |(task, _), options| path(task.repository.as_ref(), options)),
    ("worktree", |(task, _), options| path(task.worktree.as_ref(), options)),
    ("branch", |(task, _), options| some(task.branch.as_ref(), options)),
    ("health", |(task, _), _| task.health.code().to_owned()),
    ("glyph", |(task, _), options| glyph(task.health, options)),
    ("reason", |(task, _), _| task.reason.code().to_owned()),
    ("detail", |(task, _), options| task_text::detail(task, &options.brief())),
    ("since", |(task, _), _| task.since.map(Time::rfc3339).unwrap_or_default()),
    ("age", |(task, now), _| age(task.since, *now)),
    ("last_activity", |(task, _), _| task.last_activity.map(Time::rfc3339).unwrap_or_default()),
    ("idle", |(task, now), _| age(task.last_activity, *now)),
    ("activity", |(task, _), options| some(task.activity.as_ref(), options)),
    ("question", |(task, _), options| some(task.question.as_ref(), options)),
    ("last_message", |(task, _), options| some(task.last_message.as_ref(), options)),
    ("status", |(task, _), options| some(task.status.as_ref(), options)),
    ("was", |(task, _), _| task.was.map_or("", Health::code).to_owned()),
    ("error_class", |(task, _), _| task.error_class.map_or("", |class| class.code()).to_owned()),
    ("failure_streak", |(task, _), _| task.failure_streak.to_string()),
    ("repeat_streak", |(task, _), _| task.repeat_streak.to_string()),
    ("done", |(task, _), _| steps(task).map(|(done, _)| done.to_string()).unwrap_or_default()),
    ("total", |(task, _), _| steps(task).map(|(_, total)| total.to_string()).unwrap_or_default()),
    ("progress", |(task, _), _| task.progress.as_ref().and_then(task_text::steps).unwrap_or_default()),
    ("step", |(task, _), options| {
        options.text(task.progress.as_ref().and_then(|all| all.step.as_deref()).unwrap_or(""))
    }),
    ("client", |(task, _), _| task.sessions.first().map_or("", |session| session.client).to_owned()),
    ("model", |(task, _), options| some(task.sessions.first().and_then(|session| session.model.as_ref()), options)),
    ("context", |(task, _), _| task.sessions.first().and_then(task_text::context).unwrap_or_default()),
    ("quota", |(task, now), options| {
        task.sessions.first().and_then(|session| task_text::quota(session, options, *now)).unwrap_or_default()
    }),
    ("alerts", |(task, _), options| {
        let alerts: Vec<_> = task.alerts.iter().map(|alert| options.text(&alert.detail)).collect();
        alerts.join("; ")
    }),
    ("next", |(task, _), options| options.text(task.next.first().map_or("", String::as_str))),
];

fn some(text: Option<&String>, options: &Options) -> String {
    text.map(|text| options.text(text)).unwrap_or_default()
}

fn path(path: Option<&std::path::PathBuf>, options: &Options) -> String {
    path.map(|path| options.text(&path.to_string_lossy())).unwrap_or_default()
}

fn age(since: Option<Time>, now: Time) -> String {
    since.map(|since| text::age(now.since(since))).unwrap_or_default()
}

fn steps(task: &TaskReport) -> Option<(u32, u32)> {
    task.progress.as_ref()?.steps()
}

fn needy() -> impl Iterator<Item = Health> {
    Health::ALL.into_iter().filter(|health| health.needs_attention())
}

fn worst(all: &Snapshot) -> Option<Health> {
    Health::ALL.into_iter().find(|health| all.summary.count(*health) > 0)
}

fn glyph(health: Health, options: &Options) -> String {
    options.health(health).split(' ').next().unwrap_or_default().to_owned()
}

/// Of the tasks that need attention: `billing, parser and 3 more`.
fn names(all: &Snapshot, options: &Options) -> String {
    const NAMED: usize = 3;
    let needy: Vec<_> = all.tasks.iter().filter(|task| task.health.needs_attention()).collect();
    let named: Vec<_> = needy.iter().take(NAMED).map(|task| options.text(&task.name)).collect();
    text::and_more(&named, needy.len() - named.len())
}

/// Reads a template of the whole report.
///
/// # Errors
/// It names what there is not, or is not closed.
pub(crate) fn of_summary(text: &str) -> Result<SummaryTemplate, String> {
    Template::read(text, SUMMARY)
}

/// Reads a template of a task.
///
/// # Errors
/// It names what there is not, or is not closed.
pub(crate) fn of_task(text: &str) -> Result<TaskTemplate, String> {
    Template::read(text, TASK)
}

impl<T> Template<T> {
    fn read(text: &str, fields: Fields<T>) -> Result<Self, String> {
        let mut rest = text;
        let parts = Self::parts(&mut rest, fields, None)?;
        Ok(Self { parts })
    }

    /// Up to the end, or to that of the condition that is `open`.
    fn parts(rest: &mut &str, fields: Fields<T>, open: Option<&str>) -> Result<Vec<Part<T>>, String> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        while let Some(at) = rest.find('{') {
            plain.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            if !after.starts_with(|c: char| c.is_ascii_lowercase() || matches!(c, '?' | '/')) {
                plain.push('{');
                *rest = after.strip_prefix('{').unwrap_or(after);
                continue;
            }
            let (tag, after) = after.split_once('}').ok_or_else(|| format!("`{{{after}` has no `}}`"))?;
            *rest = after;
            parts.extend(Some(std::mem::take(&mut plain)).filter(|plain| !plain.is_empty()).map(Part::Text));
            if tag == "/" {
                return if open.is_some() {
                    Ok(parts)
                } else {
                    Err("`{/}` ends nothing: write `{?name}` before it".to_owned())
                };
            }
            parts.push(match tag.strip_prefix('?') {
                Some(name) => {
                    let get = find(name, fields, "field")?;
                    Part::If { get, then: Self::parts(rest, fields, Some(name))? }
                }
                None => field(tag, fields)?,
            });
        }
        plain.push_str(rest);
        *rest = "";
        parts.extend(Some(plain).filter(|plain| !plain.is_empty()).map(Part::Text));
        match open {
            Some(name) => Err(format!("`{{?{name}}}` has no end: write `{{/}}` after it")),
            None => Ok(parts),
        }
    }

    /// One line.
    fn fill(&self, value: &T, options: &Options) -> String {
        let mut line = String::new();
        fill(&self.parts, value, options, &mut line);
        line
    }
}

/// `name:20|tmux`
fn field<T>(tag: &str, fields: Fields<T>) -> Result<Part<T>, String> {
    let mut parts = tag.split('|');
    let (name, width) = match parts.next().unwrap_or_default().split_once(':') {
        Some((name, width)) => (
            name,
            width
                .parse()
                .map_err(|_| format!("`{width}` is no width: write a number of columns, as in `{{{name}:20}}`"))?,
        ),
        None => (tag.split('|').next().unwrap_or_default(), usize::MAX),
    };
    let get = find(name, fields, "field")?;
    let filters = parts.map(|name| find(name, &FILTERS, "filter")).collect::<Result<_, _>>()?;
    Ok(Part::Field { get, width, filters })
}

fn find<F: Copy>(name: &str, known: &[(&'static str, F)], what: &str) -> Result<F, String> {
    let found = known.iter().find(|(known, _)| *known == name);
    found.map(|(_, found)| *found).ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
        format!("there is no {what} `{name}`: use one of {}", names.join(", "))
    })
}

fn fill<T>(parts: &[Part<T>], value: &T, options: &Options, line: &mut String) {
    for part in parts {
        match part {
            Part::Text(text) => line.push_str(text),
            Part::Field { get, width, filters } => {
                let text = text::cut(&get(value, options), *width).into_owned();
                line.push_str(&filters.iter().fold(text, |text, filter| filter(&text)));
            }
            Part::If { get, then } => {
                if !matches!(&*get(value, options), "" | "0") {
                    fill(then, value, options, line);
                }
            }
        }
    }
}

/// The line of the whole report, then one for each task.
pub(crate) fn render(
    (summary, task): (Option<&SummaryTemplate>, Option<&TaskTemplate>),
    snapshot: &Snapshot,
    options: &Options,
    out: &mut dyn Write,
) -> io::Result<()> {
    let options = &Options { color: false, ..options.clone() };
    if let Some(template) = summary {
        writeln!(out, "{}", template.fill(snapshot, options))?;
    }
    let Some(template) = task else { return Ok(()) };
    snapshot
        .tasks
        .iter()
        .try_for_each(|task| writeln!(out, "{}", template.fill(&(task.clone(), snapshot.taken_at), options)))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::render::tests::sample::{HOSTILE, hostile, sample, struggling};

    fn line(template: &str) -> String {
        of_summary(template).unwrap().fill(&sample(), &Options::plain())
    }

    fn of(template: &str, task: TaskReport) -> String {
        of_task(template).unwrap().fill(&(task, sample().taken_at), &Options::plain())
    }

    #[test]
    fn fields_are_filled() {
        let cases = [
            ("{failed}✗ {stuck}■ {healthy}✓", "1✗ 1■ 3✓"),
            ("{?failed}{failed} failed {/}{?older}{older} older{/}", "1 failed 212 older"),
            ("{worst} {glyph} {attention} of {tasks}: {names}", "failed ✗ 3 of 8: search, deploy, billing"),
            (r#"{"text":"{failed}","class":"{worst}"}"#, r#"{"text":"1","class":"failed"}"#),
            ("{{failed} {", "{failed} {"),
            ("#[fg=red]{failed}#[default]", "#[fg=red]1#[default]"),
            ("", ""),
        ];
        for (template, wanted) in cases {
            assert_eq!(line(template), wanted, "{template}");
        }
        let nothing = Snapshot { summary: crate::model::Summary::default(), tasks: Vec::new(), ..sample() };
        let quiet = of_summary("{?failed}x{?stuck}y{/}{/}{worst}{glyph}").unwrap();
        assert_eq!(quiet.fill(&nothing, &Options::plain()), "none");
    }

    #[test]
    fn a_task_is_a_line() {
        let cases = [
            ("{glyph} {name} {done}/{total} {detail:20}", "⚠ billing 3/7 3 tool failures in…"),
            ("{name}{?question} asks{/}{?step} ({step}){/}", "billing (fixing rounding)"),
            ("{age} {idle} {client}", "7m 1m claude-code"),
        ];
        for (template, wanted) in cases {
            assert_eq!(of(template, struggling()), wanted, "{template}");
        }
        let two = (of_summary("{tasks}").unwrap(), of_task("{name}").unwrap());
        let mut page = Vec::new();
        render((Some(&two.0), Some(&two.1)), &sample(), &Options::plain(), &mut page).unwrap();
        assert_eq!(String::from_utf8(page).unwrap().lines().count(), 9);
    }

    #[test]
    fn a_wrong_template_says_what_is_right() {
        let cases = [
            ("{fialed}", "there is no field `fialed`: use one of failed, stuck"),
            ("{failed|xml}", "there is no filter `xml`: use one of json, tmux, shell, html"),
            ("{failed:x}", "`x` is no width"),
            ("{failed", "`{failed` has no `}`"),
            ("{?failed}x", "`{?failed}` has no end"),
            ("x{/}", "`{/}` ends nothing"),
        ];
        for (template, wanted) in cases {
            let error = of_summary(template).unwrap_err();
            assert!(error.contains(wanted), "{template}: {error}");
        }
    }

    #[test]
    fn what_a_log_says_is_fit_for_its_place() {
        let task = || TaskReport { name: "#[fg=red]#(id)\"'<b>&\\ $(id)".to_owned(), ..struggling() };
        assert_eq!(of("{name|tmux}", task()), "##[fg=red]##(id)\"'<b>&\\ $(id)");
        let json: Value = serde_json::from_str(&of(r#"{"a":"{name|json}"}"#, task())).unwrap();
        assert_eq!(json["a"], task().name);
        let both: Value = serde_json::from_str(&of(r#"{"a":"{name|html|json}"}"#, task())).unwrap();
        assert_eq!(both["a"], "#[fg=red]#(id)&quot;&#39;&lt;b&gt;&amp;\\ $(id)");
        assert_eq!(of("{name|shell}", task()), shell::quote(&task().name));
        assert_ne!(of("{name|shell}", task()), task().name);
    }

    #[test]
    fn every_single_value_of_the_json_is_a_field() {
        let task = serde_json::to_value(struggling()).unwrap();
        let single = task.as_object().unwrap().iter().filter(|(_, value)| !value.is_array() && !value.is_object());
        for (name, value) in single {
            // These are null here, and objects elsewhere.
            if matches!(name.as_str(), "git" | "expected_end") {
                continue;
            }
            let shown = of(&format!("{{{name}}}"), struggling());
            let wanted = value.as_str().map_or_else(|| value.to_string().replace("null", ""), str::to_owned);
            assert_eq!(shown, wanted, "{name}");
        }
        let summary = serde_json::to_value(sample().summary).unwrap();
        for (name, value) in summary.as_object().unwrap() {
            assert_eq!(line(&format!("{{{name}}}")), value.to_string(), "{name}");
        }
    }

    #[test]
    fn each_field_is_one_harmless_line() {
        for (name, _) in TASK {
            for task in hostile().tasks {
                let shown = of(&format!("{{{name}}}"), task);
                assert!(!shown.contains(|c: char| c.is_control() || c == '\u{202e}'), "{name}: {shown:?}");
            }
        }
        assert!(of("{detail}", hostile().tasks.remove(0)).len() >= HOSTILE.len());
    }
}
