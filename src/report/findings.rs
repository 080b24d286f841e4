//! What is worth a word. A finding is a function and a row: it speaks only where the figures bear it out, and says
//! from how many they are.

use super::page::{Finding, Report};
use std::collections::BTreeSet;
use std::time::Duration;

use super::tasks::RunAt;
use super::{AgentType, Condition, Period, Recent, Task};
use crate::model::{ErrorClass, Health, Reason};
use crate::record::history::OTHERS;
use crate::text::shell::{operand, quote};
use crate::text::{age, count, percent, times};

/// So many are named in a sentence; the others are counted.
const NAMED: usize = 3;

/// What helps where agents ask: most ask whether they may.
const ALLOW: &str = "pre-approve what they ask for, and ";

/// The most pressing first.
const ROWS: [fn(&Report) -> Option<Finding>; 15] = [
    still_stuck,
    never_completed,
    failing_agent,
    failing_type,
    success_fell,
    stuck_long,
    same_cause,
    common_pattern,
    failing_tool,
    tool_of_type,
    open_steps,
    slower,
    long_run,
    costly_task,
    best_type,
];

pub(super) fn findings(report: &Report) -> Vec<Finding> {
    ROWS.iter().filter_map(|row| row(report)).collect()
}

/// A task stands stuck at the end of the period.
fn still_stuck(report: &Report) -> Option<Finding> {
    let tasks = places(report, |task| task.health == Some(Health::Stuck));
    let first = report.tasks.get(*tasks.first()?)?;
    let verb = if tasks.len() == 1 { "was" } else { "were" };
    let stuck = count(tasks.len() as u64, "task", "tasks");
    Some(Finding {
        code: "still_stuck",
        text: format!("{stuck} {verb} stuck when last seen: {}", report.names(&tasks, NAMED)),
        next: "check what it is waiting for".to_owned(),
        command: Some(explain(first)),
        tasks,
    })
}

/// Three runs or more, and none of them came through. Where others than the task caused it, it is named only if no task
/// fails of itself.
fn never_completed(report: &Report) -> Option<Finding> {
    let never = places(report, |task| task.figures.failed >= 3 && task.figures.completed == 0);
    let of_themselves = |at: &usize| cause([&report.tasks[*at]]).is_none_or(|cause| cause.is_its_own);
    let mut tasks: Vec<usize> = never.iter().copied().filter(of_themselves).collect();
    if tasks.is_empty() {
        tasks = never;
    }
    tasks.sort_by_key(|at| std::cmp::Reverse(report.tasks[*at].figures.failed));
    let worst = report.tasks.get(*tasks.first()?)?;
    let failed = worst.figures.failed;
    let text = match tasks.len() {
        1 => format!("{} failed {failed} times and never completed", report.name(worst)),
        n => format!(
            "{n} tasks failed three times or more and never completed: {}; {} failed {failed} times",
            report.names(&tasks, NAMED),
            report.name(worst)
        ),
    };
    let next = cause([worst]).map_or("change the task before restarting it", |cause| cause.next);
    let command = Some(explain(worst));
    Some(Finding { code: "never_completed", text, next: next.to_owned(), command, tasks })
}

/// A client whose last runs failed more often than they may; once may be chance.
fn failing_agent(report: &Report) -> Option<Finding> {
    let agent = report.agents.iter().find(|agent| agent.recent.is_bad())?;
    let same = |task: &Task| task.client.as_deref() == Some(&agent.client) && task.figures.failed > 0;
    let others: Vec<_> = report.agents.iter().filter(|other| other.recent.condition == Condition::Healthy).collect();
    let others = match others.first() {
        Some(other) => format!(" ({}: {} of the last {})", other.client, other.recent.failed, other.recent.runs),
        None => String::new(),
    };
    let tasks = places(report, same);
    Some(Finding {
        code: "failing_agent",
        text: format!(
            "{} is {}: {} of its last {} runs failed{others}",
            agent.client,
            agent.recent.condition.word(),
            agent.recent.failed,
            agent.recent.runs
        ),
        next: cause(tasks.iter().map(|at| &report.tasks[*at]))
            .map_or("find what its failed runs have in common before starting more", |cause| cause.next)
            .to_owned(),
        command: Some(ends(report, &tasks)),
        tasks,
    })
}

/// Of several types of agents: where there is but one, its client says the same.
fn types(report: &Report) -> &[AgentType] {
    if report.agent_types.len() > 1 { &report.agent_types } else { &[] }
}

/// A type of agents whose last runs failed more often than they may.
fn failing_type(report: &Report) -> Option<Finding> {
    let bad = types(report).iter().filter(|one| one.recent.is_bad());
    let one = bad
        .max_by(|one, other| one.recent.error_rate.unwrap_or(0.0).total_cmp(&other.recent.error_rate.unwrap_or(0.0)))?;
    let Recent { condition, failed, runs, .. } = one.recent;
    let often = one.errors.first().filter(|error| error.pattern != OTHERS);
    let often = often.map(|error| format!("; its commonest error, {}: {}", times(error.count), error.pattern));
    Some(Finding {
        code: "failing_type",
        text: format!(
            "Agents of type {} are {}: {failed} of their last {runs} runs failed{}",
            one.name(),
            condition.word(),
            often.unwrap_or_default()
        ),
        next: "correct its definition or its tools before it gets more work".to_owned(),
        command: Some(ends(report, &places(report, |_| true))),
        tasks: Vec::new(),
    })
}

/// A tool that fails in a quarter of twenty calls or more of one type, and less often elsewhere.
fn tool_of_type(report: &Report) -> Option<Finding> {
    let all = |name: &str| report.tools.iter().find(|tool| tool.name == name).map_or(0.0, |tool| tool.failure_rate);
    let bad = types(report).iter().flat_map(|one| one.failing_tools.iter().map(move |tool| (one, tool)));
    let bad = bad.filter(|(_, tool)| tool.calls >= 20 && tool.failure_rate >= 0.25);
    let (one, tool) =
        bad.filter(|(_, tool)| tool.failure_rate >= all(&tool.name) + 0.1).max_by_key(|(_, tool)| tool.failed)?;
    Some(Finding {
        code: "tool_of_type",
        text: format!(
            "{} of {} {} calls of {} failed ({}; {} over all types)",
            tool.failed,
            tool.calls,
            tool.name,
            one.name(),
            percent(tool.failure_rate),
            percent(all(&tool.name))
        ),
        next: "tell agents of this type which commands and paths are right".to_owned(),
        command: Some(errors(report, &places(report, |_| true))),
        tasks: Vec::new(),
    })
}

/// Three runs or more of a type, and a third of all, end with steps of the plan still open.
fn open_steps(report: &Report) -> Option<Finding> {
    let many = report.agent_types.iter().filter(|one| one.partial >= 3 && one.partial * 3 >= one.executions);
    let one = many.max_by_key(|one| one.partial)?;
    let of = if report.agent_types.len() > 1 { format!(" of {}", one.name()) } else { String::new() };
    Some(Finding {
        code: "open_steps",
        text: format!("{} of {} runs{of} ended with steps of their plan still open", one.partial, one.executions),
        next: "give smaller tasks, or ask for all steps to be done".to_owned(),
        command: None,
        tasks: Vec::new(),
    })
}

/// A type that did well in five runs or more, where another did not.
fn best_type(report: &Report) -> Option<Finding> {
    let rate = |one: &AgentType| one.success_rate.unwrap_or_default();
    // The main agent has no definition that could be compared.
    let known = || types(report).iter().filter(|one| one.executions >= 5 && one.name() != "main");
    let best = known()
        .filter(|one| rate(one) >= 0.9)
        .max_by(|one, other| rate(one).total_cmp(&rate(other)).then(one.executions.cmp(&other.executions)))?;
    let worst = known().filter(|one| rate(one) <= 0.7).min_by(|one, other| rate(one).total_cmp(&rate(other)))?;
    Some(Finding {
        code: "best_type",
        text: format!(
            "{} did best: {} of {} runs completed ({}); {} did worst: {} of {} ({})",
            best.name(),
            best.completed + best.partial,
            best.executions,
            percent(rate(best)),
            worst.name(),
            worst.completed + worst.partial,
            worst.executions,
            percent(rate(worst))
        ),
        next: format!("compare the two definitions, and give {} smaller tasks", worst.name()),
        command: None,
        tasks: Vec::new(),
    })
}

/// Fifteen points or more below the period before, with five runs or more in both.
fn success_fell(report: &Report) -> Option<Finding> {
    let before = &report.before.as_ref()?.totals;
    let (then, now) = (before.success_rate?, report.totals.success_rate?);
    let tasks = places(report, |task| task.figures.failed > 0);
    (before.runs >= 5 && report.totals.runs >= 5 && then - now >= 0.15).then(|| Finding {
        code: "success_fell",
        text: format!(
            "The success rate fell from {} ({} of {} runs) to {} ({} of {})",
            percent(then),
            before.completed,
            before.runs,
            percent(now),
            report.totals.completed,
            report.totals.runs
        ),
        next: "check what changed: client, model, prompts".to_owned(),
        command: Some(ends(report, &tasks)),
        tasks,
    })
}

/// Half an hour or more was lost before somebody acted.
fn stuck_long(report: &Report) -> Option<Finding> {
    let totals = &report.totals;
    let delay = totals.stuck.mean_delay_s?;
    let tasks = places(report, |task| task.figures.stuck_s > 0);
    let asked = totals.stuck_by.get(Reason::WaitingForPerson.code()).map_or(0, |stuck| stuck.times);
    let got = match totals.stuck.times {
        0 => "were stuck from before".to_owned(),
        n => format!("got stuck {}", times(n)),
    };
    let (why, allow) = match asked {
        _ if asked < 2 || asked * 2 < totals.stuck.times => (String::new(), ""),
        _ if asked == totals.stuck.times => (" with a question".to_owned(), ALLOW),
        _ => (format!(" ({asked} with a question)"), ALLOW),
    };
    (totals.stuck_s >= 30 * 60 && delay >= 10.0 * 60.0).then(|| Finding {
        code: "stuck_long",
        text: format!(
            "Tasks {got}{why}, for {} in total; mean delay {} until they continued",
            age(Duration::from_secs(totals.stuck_s)),
            age(seconds(delay))
        ),
        next: format!("{allow}let cron notify you when a task gets stuck"),
        command: Some(format!("agentmon{} --changes", place(report, &tasks))),
        tasks,
    })
}

/// What made runs fail, and what helps.
struct Cause {
    class: ErrorClass,
    word: &'static str,
    next: &'static str,
    /// The same task would fail again.
    is_its_own: bool,
}

const CAUSES: [Cause; 3] = [
    Cause {
        class: ErrorClass::Transient,
        word: "had a transient cause (rate limit, overload, connection)",
        next: "restart later, fewer at a time",
        is_its_own: false,
    },
    Cause {
        class: ErrorClass::Resource,
        word: "hit a quota or limit (usage, context, memory)",
        next: "raise the limit, or split the tasks",
        is_its_own: true,
    },
    Cause {
        class: ErrorClass::Permanent,
        word: "had a permanent cause (credentials, bad requests)",
        next: "fix the errors",
        is_its_own: true,
    },
];

impl Cause {
    /// One that died or was broken off met no error that would be its cause.
    fn is_of(&self, run: &RunAt) -> bool {
        run.outcome == Health::Failed
            && run.error_class == Some(self.class)
            && !matches!(&*run.reason, "process_gone" | "interrupted")
    }
}

/// That of at least half of the failed runs of these tasks.
fn cause<'a>(tasks: impl IntoIterator<Item = &'a Task>) -> Option<&'static Cause> {
    let runs: Vec<&RunAt> = tasks.into_iter().flat_map(|task| &task.runs).collect();
    let failed = runs.iter().filter(|run| run.outcome == Health::Failed).count();
    let of = |cause: &&Cause| runs.iter().filter(|run| cause.is_of(run)).count();
    CAUSES.iter().max_by_key(of).filter(|cause| failed > 0 && of(cause) * 2 >= failed)
}

/// Three failed runs or more, and at least half of all, of one class.
fn same_cause(report: &Report) -> Option<Finding> {
    let cause = cause(&report.tasks)?;
    let tasks = places(report, |task| task.runs.iter().any(|run| cause.is_of(run)));
    let same = report.tasks.iter().flat_map(|task| &task.runs).filter(|run| cause.is_of(run)).count() as u64;
    (same >= 3).then(|| Finding {
        code: "same_cause",
        text: format!("{same} of {} {}", count(report.totals.failed, "failed run", "failed runs"), cause.word),
        next: cause.next.to_owned(),
        command: Some(ends(report, &tasks)),
        tasks,
    })
}

/// One error in two tasks or more, five times or more.
fn common_pattern(report: &Report) -> Option<Finding> {
    let known = report.patterns.iter().filter(|pattern| pattern.pattern != OTHERS);
    let pattern = known.into_iter().find(|pattern| pattern.tasks.len() >= 2 && pattern.count >= 5)?;
    let tool = pattern.tool.as_ref().map(|tool| format!("{tool} ")).unwrap_or_default();
    Some(Finding {
        code: "common_pattern",
        text: format!(
            "{} tasks hit the same {tool}error, {} in total: {}",
            pattern.tasks.len(),
            times(pattern.count),
            pattern.example
        ),
        next: "fix it, or tell the agents how to avoid it".to_owned(),
        command: Some(errors(report, &pattern.tasks)),
        tasks: pattern.tasks.clone(),
    })
}

/// A tool of which a quarter of twenty calls or more failed.
fn failing_tool(report: &Report) -> Option<Finding> {
    let bad = report.tools.iter().filter(|tool| tool.calls >= 20 && tool.failure_rate >= 0.25);
    let tool = bad.max_by_key(|tool| tool.failed)?;
    Some(Finding {
        code: "failing_tool",
        text: format!("{} of {} {} calls failed ({})", tool.failed, tool.calls, tool.name, percent(tool.failure_rate)),
        next: "check which ones: each wrong path or missing program costs a turn".to_owned(),
        command: Some(errors(report, &places(report, |_| true))),
        tasks: Vec::new(),
    })
}

/// The median run takes half as long again as before, with five runs or more in both.
fn slower(report: &Report) -> Option<Finding> {
    let (then, now) = (report.before.as_ref()?.totals.duration?, report.totals.duration?);
    (then.runs >= 5 && now.runs >= 5 && then.median_s > 0.0 && now.median_s >= then.median_s * 1.5).then(|| Finding {
        code: "slower",
        text: format!(
            "The median run took {} ({} runs), up from {} ({} runs)",
            age(seconds(now.median_s)),
            now.runs,
            age(seconds(then.median_s)),
            then.runs
        ),
        next: "check the longest runs".to_owned(),
        command: None,
        tasks: report.longest.iter().copied().take(NAMED).collect(),
    })
}

/// A run of an hour or more that took five times the median of five or more.
fn long_run(report: &Report) -> Option<Finding> {
    let all = report.totals.duration?;
    let at = *report.longest.first()?;
    let task = report.tasks.get(at)?;
    #[expect(clippy::cast_precision_loss, reason = "compared only")]
    let far = all.runs >= 5 && all.longest_s >= 3600 && all.longest_s as f64 >= all.median_s * 5.0;
    far.then(|| Finding {
        code: "long_run",
        text: format!(
            "The longest run, in {}, took {}; the median of {} is {}",
            report.name(task),
            age(Duration::from_secs(all.longest_s)),
            count(all.runs, "run", "runs"),
            age(seconds(all.median_s))
        ),
        next: "split the task into smaller ones".to_owned(),
        command: Some(explain(task)),
        tasks: vec![at],
    })
}

/// Half of the cost, where five tasks or more have one.
fn costly_task(report: &Report) -> Option<Finding> {
    let cost = |task: &Task| task.figures.cost_usd.unwrap_or_default();
    let with = report.tasks.iter().filter(|task| cost(task) > 0.0).count();
    let at = (0..report.tasks.len()).max_by(|a, b| cost(&report.tasks[*a]).total_cmp(&cost(&report.tasks[*b])))?;
    let task = &report.tasks[at];
    let all = report.totals.cost_usd?;
    (with >= 5 && cost(task) >= 1.0 && cost(task) * 2.0 >= all).then(|| Finding {
        code: "costly_task",
        text: format!(
            "{} cost {}, {} of the {} for {with} tasks",
            report.name(task),
            dollars(cost(task)),
            percent(cost(task) / all),
            dollars(all)
        ),
        next: "use a smaller model or less context".to_owned(),
        command: None,
        tasks: vec![at],
    })
}

/// Why a task stands as it does. Like all commands here it can be copied to wherever the report is read.
fn explain(task: &Task) -> String {
    format!("agentmon explain{} --since all {}", within([task.repository.as_deref()]), operand(&task.task))
}

/// How the runs of the period ended.
fn ends(report: &Report, tasks: &[usize]) -> String {
    format!("agentmon events{} --kind finished --since {}", place(report, tasks), since(report))
}

/// What went wrong in the period, also where it was overcome.
fn errors(report: &Report, tasks: &[usize]) -> String {
    format!("agentmon errors{} --resolved --since {}", place(report, tasks), since(report))
}

/// The whole days from now back to where the period begins.
fn since(report: &Report) -> String {
    const DAY: u64 = 24 * 3600;
    let Period { from, .. } = report.period;
    format!("{}d", report.taken_at.since(from).as_secs().div_ceil(DAY).max(1))
}

/// Where the command is to look for these tasks.
fn place(report: &Report, tasks: &[usize]) -> String {
    within(tasks.iter().filter_map(|at| report.tasks.get(*at)).map(|task| task.repository.as_deref()))
}

/// In their repositories; everywhere, if they are many or a task is in none.
fn within<'a>(repositories: impl IntoIterator<Item = Option<&'a str>>) -> String {
    let all: BTreeSet<_> = repositories.into_iter().collect();
    let named: Vec<String> = all.iter().flatten().map(|repository| format!(" -C {}", quote(repository))).collect();
    if named.len() == all.len() && (1..=NAMED).contains(&named.len()) {
        named.concat()
    } else {
        " --all-repos".to_owned()
    }
}

fn places(report: &Report, wanted: impl Fn(&Task) -> bool) -> Vec<usize> {
    report.tasks.iter().enumerate().filter(|(_, task)| wanted(task)).map(|(at, _)| at).collect()
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// `$12.30`, `$16,255`.
pub(crate) fn dollars(amount: f64) -> String {
    if amount < 1000.0 {
        return format!("${amount:.2}");
    }
    let digits = format!("{amount:.0}");
    let mut grouped = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("${grouped}")
}
