//! One task in full: the verdict, what it rests on, and the rules that nearly spoke.

use std::io::{self, Write};

use serde::Serialize;

use super::options::{Formats, Options, style};
use super::{json, layout, task_text};
use crate::base::time::Time;
use crate::model::{Considered, ErrorClass, SessionReport, TaskReport};

type Form = fn(&TaskReport, &Options, Time, &mut dyn Write) -> io::Result<()>;

/// The formats of the page.
pub(crate) const FORMS: Formats<Form> = &[("text", explain), ("json", data)];

/// All of it as JSON, schema `agentmon.explain/1`: the task as in `agentmon status`, and what each rule saw.
fn data(task: &TaskReport, _: &Options, taken_at: Time, out: &mut dyn Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Page<'a> {
        schema: &'static str,
        taken_at: Time,
        task: TaskReport,
        next: &'a [String],
        rules: &'a [Considered],
    }
    let (next, rules) = (&task.next, &task.considered);
    json::write(&Page { schema: "agentmon.explain/1", taken_at, task: json::portable_task(task), next, rules }, out)
}

/// Writes all that is known of a task. Nothing is cut, and no line is broken but between words: paths and commands are there
/// to be copied.
pub(super) fn explain(task: &TaskReport, options: &Options, taken_at: Time, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page { options, taken_at, out };
    page.verdict(task)?;
    page.facts(task)?;
    for (number, session) in task.sessions.iter().enumerate() {
        page.session(session, number == 0)?;
    }
    page.rules(task)?;
    page.evidence(task)
}

struct Page<'a> {
    options: &'a Options,
    taken_at: Time,
    out: &'a mut dyn Write,
}

impl Page<'_> {
    fn verdict(&mut self, task: &TaskReport) -> io::Result<()> {
        let id = task_text::id(task, self.options).map(|id| format!(" {}", self.options.dim(&id))).unwrap_or_default();
        // The word before it keeps a name from being the start of a line, where a CI runner finds its commands.
        writeln!(self.out, "Task {}{id}", self.options.bold(&self.options.text(&task.name)))?;
        self.line(&format!("  {}", self.options.verdict(task.health, &task.detail)), 4)?;
        self.optional("since", task.since.map(|at| self.moment(at)))?;
        self.optional("asks", task.question.as_ref().map(|question| self.options.text(question)))?;
        // It is what made this page.
        for step in task.next.iter().filter(|step| !step.starts_with("agentmon explain ")) {
            // A command that is broken is another one.
            writeln!(self.out, "  {}  {}", self.options.dim(&pad("next")), self.options.text(step))?;
        }
        Ok(())
    }

    fn facts(&mut self, task: &TaskReport) -> io::Result<()> {
        let options = self.options;
        self.heading("Facts")?;
        self.optional("reported status", task.status.as_ref().map(|status| options.text(status)))?;
        self.optional("asked", task.title.as_ref().map(|title| options.text(title)))?;
        let progress = Some(task_text::progress(task, options)).filter(|_| task.progress.is_some());
        self.optional("progress", progress)?;
        self.optional("now", task.activity.as_ref().map(|activity| options.text(activity)))?;
        self.optional("said", task.last_message.as_ref().map(|said| options.text(said)))?;
        self.optional("last activity", task.last_activity.map(|at| self.moment(at)))?;
        if task.failure_streak > 1 {
            self.field("failures", &format!("{} in a row", task.failure_streak))?;
        }
        if task.repeat_streak > 1 {
            self.field("same call", &format!("{} times in a row", task.repeat_streak))?;
        }
        self.optional("error class", task.error_class.map(class))?;
        self.optional("worktree", task.worktree.as_deref().map(|path| options.path(path)))?;
        self.optional("branch", task.branch.as_ref().map(|branch| options.text(branch)))?;
        self.field("repository", &task_text::repository(task.repository.as_deref(), options))?;
        task_text::notes(task, options).try_for_each(|(label, note)| self.field(label, &note))
    }

    fn session(&mut self, session: &SessionReport, judges: bool) -> io::Result<()> {
        let options = self.options;
        let kind = if session.parent.is_some() { "Sub-agent" } else { "Session" };
        self.heading(&format!("{kind} {} ({})", options.text(&session.id), session.client))?;
        // The verdict of the session that judges is the task's, and stands above.
        if !judges {
            self.field("verdict", &options.verdict(session.health, &session.detail))?;
        }
        self.optional("parent", session.parent.as_ref().map(|parent| options.text(parent)))?;
        self.optional("agent type", session.agent_type.as_ref().map(|role| options.text(role)))?;
        self.optional("model", session.model.as_ref().map(|model| options.text(model)))?;
        self.optional("last activity", session.last_activity.map(|at| self.moment(at)))?;
        if let Some(tool) = &session.tool {
            let since = tool.since.map(|at| format!(", since {}", self.moment(at))).unwrap_or_default();
            let summary = Some(options.text(&tool.summary)).filter(|summary| !summary.is_empty());
            let call = summary.map(|summary| format!(" `{summary}`")).unwrap_or_default();
            self.field("in flight", &format!("{}{call}{since}", options.text(&tool.name)))?;
        }
        self.field("tools", &task_text::tools(session))?;
        self.field("tokens", &task_text::tokens(&session.tokens))?;
        self.optional("cost", session.cost_usd.map(|dollars| format!("${dollars:.2}")))?;
        self.optional("context", task_text::context(session))?;
        self.optional("quota", task_text::quota(session, options, self.taken_at))?;
        self.field("process", &task_text::process(session).unwrap_or_else(|| "none found".to_owned()))?;
        self.field("log", &options.path(&session.log))?;
        session.also_worked_in.iter().try_for_each(|path| self.field("also worked in", &options.path(path)))
    }

    fn rules(&mut self, task: &TaskReport) -> io::Result<()> {
        self.heading("Rules")?;
        if task.considered.iter().all(|rule| !rule.decided) {
            self.field(task.reason.code(), "matched")?;
        }
        for rule in task.considered.iter().filter(|rule| rule.decided || !rule.detail.is_empty()) {
            let mark = match (rule.decided, self.options.unicode) {
                (true, true) => "→",
                (true, false) => ">",
                (false, _) => " ",
            };
            let detail = if rule.decided && rule.detail.is_empty() { "matched" } else { &rule.detail };
            let line = format!("{mark} {}  {}", pad(rule.rule), self.options.text(detail));
            let line = if rule.decided { self.options.paint(style(task.health), &line) } else { line };
            self.line(line.trim_end(), HANG)?;
        }
        Ok(())
    }

    fn evidence(&mut self, task: &TaskReport) -> io::Result<()> {
        if task.evidence.is_empty() {
            return Ok(());
        }
        self.heading("Evidence")?;
        task.evidence
            .iter()
            .try_for_each(|seen| self.line(&format!("  {}", task_text::evidence(seen, self.options)), 4))
    }

    fn heading(&mut self, title: &str) -> io::Result<()> {
        writeln!(self.out, "\n{}", self.options.bold(title))
    }

    fn field(&mut self, label: &str, value: &str) -> io::Result<()> {
        self.line(&format!("  {}  {value}", self.options.dim(&pad(label))), HANG)
    }

    /// Writes a line, on as many as it takes.
    fn line(&mut self, line: &str, hang: usize) -> io::Result<()> {
        writeln!(self.out, "{}", layout::wrap_words(line, self.options.width, hang))
    }

    fn optional(&mut self, label: &str, value: Option<String>) -> io::Result<()> {
        value.map_or(Ok(()), |value| self.field(label, &value))
    }

    fn moment(&self, at: Time) -> String {
        task_text::ago(at, self.taken_at, self.options)
    }
}

/// Where the values begin.
const HANG: usize = 22;

/// As wide as the longest label, a rule's code.
fn pad(label: &str) -> String {
    format!("{label:18}")
}

fn class(class: ErrorClass) -> String {
    let text = match class {
        ErrorClass::Transient => "transient: retrying later may help",
        ErrorClass::Resource => "quota or limit: wait for the reset, or raise it",
        ErrorClass::Permanent => "permanent: retrying will not help",
    };
    text.to_owned()
}
