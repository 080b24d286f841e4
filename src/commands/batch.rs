//! `agentmon batch`: many agents, and one report of what became of them.

use std::fs::File;
use std::io::{self, Write};

use super::run::{complain, read_all, read_prompt, record_end, root};
use crate::base::world::World;
use crate::cli::Cli;
use crate::cli::run::BatchArgs;
use crate::cli::settings::Settings;
use crate::commands::output::finish;
use crate::commands::scope::settings;
use crate::run::batch::check::check;
use crate::run::batch::{Batch, Ended, default_jobs, file};
use crate::run::spec::{Span, Spec, Work};
use crate::run::state::State;
use crate::run::supervise::run_id;
use crate::text::{age, count, one_line};

/// The largest batch file, in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Between two starts, where nobody says.
const DELAY: Span = Span::seconds(2);

/// Runs the tasks of a file: 0 all succeeded, 1 some did not, 2 the file is wrong.
///
/// # Errors
/// The settings file is wrong, or nothing can be printed.
pub(crate) fn batch(
    cli: &Cli,
    args: &BatchArgs,
    world: &World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let Settings { supervise, pace, .. } = settings(cli, world)?;
    let name = args.file.display().to_string();
    let root = match root(cli, world) {
        Ok(root) => root,
        Err(refused) => return Ok(complain("batch", &refused, err)),
    };
    let asked = read(args, world).and_then(|text| file::parse(&text));
    let typed = args.options.wishes(supervise);
    let specs = asked.and_then(|asked| check(asked, &typed, &root, world, args.go_on, read_prompt));
    let specs = match specs {
        Ok(specs) => specs,
        Err(faults) => {
            for fault in &faults {
                writeln!(err, "agentmon: {}: {}", one_line(&name, 200), one_line(fault, 400))?;
            }
            return Ok(2);
        }
    };
    let jobs = pace.jobs.map_or_else(default_jobs, usize::from);
    if args.dry_run {
        let written = plan(&specs, jobs, out);
        return finish(written, out).map(|_| 0);
    }
    let batch = Batch {
        id: run_id(),
        specs,
        root: &root,
        jobs,
        delay: pace.delay.unwrap_or(DELAY).0,
        continues: args.go_on,
        is_quiet: args.quiet,
        terminal: world.terminal,
        err,
    };
    match batch.run() {
        Ok(ended) => {
            record_end(cli, world);
            let written = match args.print.format() {
                Some("json") => out.write_all(&ended.json),
                _ => text(&ended, out),
            };
            finish(written, out)?;
            Ok(ended.stopped.unwrap_or(u8::from(ended.summary.successful < ended.summary.total_tasks)))
        }
        Err(refused) => Ok(complain("batch", &refused, err)),
    }
}

fn read(args: &BatchArgs, world: &World) -> Result<String, Vec<String>> {
    let read = if args.file.as_os_str() == "-" {
        read_all(io::stdin(), LARGEST)
    } else {
        File::open(world.absolute(&args.file)).and_then(|file| read_all(file, LARGEST))
    };
    read.map_err(|error| vec![error.to_string()])
}

/// What would be started.
fn plan(specs: &[Spec], jobs: usize, out: &mut dyn Write) -> io::Result<()> {
    for spec in specs {
        let place = spec.worktree.as_deref().map(|branch| format!(" on `{branch}`")).unwrap_or_default();
        let what = match &spec.work {
            Work::Command(command) => command.join(" "),
            Work::Prompt { client, prompt, .. } => format!("{client}: {prompt}"),
        };
        writeln!(out, "{}{place}: {}", spec.name, one_line(&what, 100))?;
    }
    writeln!(out, "{}, {jobs} at once", count(specs.len() as u64, "task", "tasks"))
}

/// The tasks that did not succeed, and the sums.
fn text(ended: &Ended, out: &mut dyn Write) -> io::Result<()> {
    let summary = &ended.summary;
    for task in ended.tasks.iter().filter(|task| task.status != State::Completed.code()) {
        let class = task.error_class.map(|class| format!(" ({})", class.words())).unwrap_or_default();
        let error = task.error.as_deref().map(|error| format!(": {}", one_line(error, 200))).unwrap_or_default();
        writeln!(out, "{}: {}{class}{error}", task.task_id, task.status)?;
    }
    let span = |seconds: f64| age(std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default());
    let counts = [(summary.failed, "failed"), (summary.cancelled, "cancelled")];
    let others: String = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .flat_map(|(count, word)| [", ".to_owned(), count.to_string(), format!(" {word}")])
        .collect();
    let speed = summary.parallel_speedup.map(|speed| format!(" ({speed:.1} times as fast)")).unwrap_or_default();
    let retries = if summary.retries > 0 {
        format!(", {}, {} waiting for them", count(summary.retries as u64, "retry", "retries"), span(summary.held))
    } else {
        String::new()
    };
    writeln!(
        out,
        "{}: {} succeeded{others} · {} of work in {}{speed}{retries}",
        count(summary.total_tasks as u64, "task", "tasks"),
        summary.successful,
        span(summary.total_duration),
        span(summary.wall_time)
    )?;
    writeln!(out, "report: {}", ended.path.display())
}
