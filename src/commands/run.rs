//! `agentmon run`: one agent, supervised from start to end.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use crate::base::world::World;
use crate::cli::Cli;
use crate::cli::run::RunArgs;
use crate::cli::settings::SuperviseArgs;
use crate::commands::poll::{poll, save};
use crate::commands::record_poll::record;
use crate::commands::scope::{config, here, settings};
use crate::run::Refused;
use crate::run::begin::{self, Start};
use crate::run::events::EventLog;
use crate::run::logs::SessionLogs;
use crate::run::own_session::{self, STARTED};
use crate::run::place::Root;
use crate::run::signals::Signals;
use crate::run::spec::{Spec, Wishes, check_name};
use crate::run::state::Known;
use crate::run::supervise::{Happening, Surroundings};

/// The longest prompt that is read from a file, in bytes.
const LONGEST_PROMPT: u64 = 1024 * 1024;

/// Runs one agent. The exit code is the agent's.
///
/// # Errors
/// The settings file is wrong.
pub(crate) fn run(
    cli: &Cli,
    args: &RunArgs,
    world: &World,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let (config, supervise) = (config(cli, world)?, settings(cli, world)?.supervise);
    let done = root(cli, world).and_then(|root| {
        check_name(&args.name).map_err(Refused::wrong)?;
        let spec = spec(args, supervise, &root, world)?;
        if args.detach {
            return detach(args, spec.as_ref(), &root, out);
        }
        let mut signals = Signals::listen()?;
        signals.ignores_hangup = args.supervise.is_some();
        let batch = args.supervise.clone().filter(|batch| !batch.is_empty());
        let start = Start { spec, name: &args.name, root: &root, known: known(args), batch };
        let logs = SessionLogs { world, config: &config };
        let quiet = args.supervise.is_some();
        let mut handshake = quiet.then_some(out);
        let mut log = EventLog::new(&root, world);
        let mut tell = |record: &_, happening| {
            log.tell(record, happening);
            if let Some(out) = handshake.take_if(|_| happening == Happening::Started) {
                drop(writeln!(out, "{STARTED}").and_then(|()| out.flush()));
                leave_terminal();
            }
        };
        let code = begin::run(start, Surroundings { offset: world.offset, signals, logs, tell: &mut tell, err })?;
        if let Some(problem) = log.problem() {
            drop(writeln!(err, "agentmon: `{}`: {}", problem.path.display(), problem.message));
        }
        // A batch does it once for all of its tasks.
        if args.supervise.as_ref().is_none_or(String::is_empty) {
            record_end(cli, world);
        }
        Ok(code)
    });
    Ok(done.unwrap_or_else(|refused| complain(&args.name, &refused, err)))
}

/// Looks once at everything, as `status` does, so that the event log tells how runs ended and what they used, whether or
/// not somebody looks later. It is an extra: what goes wrong is for the next `status` to say.
pub(super) fn record_end(cli: &Cli, world: &World) {
    let world = World { now: World::clock(), ..world.clone() };
    let silent = &mut io::sink();
    if let Ok(mut polled) = poll(cli, &world, silent) {
        record(cli, &polled, &world, Instant::now(), silent);
        save(&mut polled);
    }
}

/// What is to happen where a run of the name is known already.
fn known(args: &RunArgs) -> Known {
    match (args.again, args.go_on) {
        (true, _) => Known::Again,
        (_, true) => Known::Continue,
        _ => Known::Refuse,
    }
}

/// Says why nothing was done.
pub(super) fn complain(name: &str, refused: &Refused, err: &mut dyn Write) -> u8 {
    drop(writeln!(err, "agentmon: {name}: {}", crate::text::one_line(&refused.why, 1000)));
    refused.code
}

/// The place of the runs of the directory to start from.
pub(super) fn root(cli: &Cli, world: &World) -> Result<Root, Refused> {
    if cli.scope.root.is_some() {
        return Err(Refused::wrong("`--root` only reads: nothing can be started or steered below it"));
    }
    if cli.scope.directories.len() > 1 {
        return Err(Refused::wrong("more than one directory: give one -C"));
    }
    Root::of(&here(&cli.scope, world), world)
}

/// What is to be run; nothing for a run that is to be repeated as it was.
fn spec(args: &RunArgs, supervise: SuperviseArgs, root: &Root, world: &World) -> Result<Option<Spec>, Refused> {
    if args.supervise.is_some() {
        rustix::process::setsid().ok();
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        return serde_json::from_str(&text).map_err(|error| Refused::wrong(format!("stdin: {error}")));
    }
    let (again, command) = (args.again || args.go_on, &args.command);
    if again && command.is_empty() && args.prompt.is_none() && args.prompt_file.is_none() {
        return Ok(None);
    }
    let wishes = Wishes {
        name: Some(args.name.clone()),
        prompt: args.prompt.clone(),
        prompt_file: args.prompt_file.as_deref().map(|path| world.absolute(path)),
        command: Some(command.clone()),
        ..Wishes::default()
    };
    let wishes = wishes.or(&args.options.wishes(supervise));
    wishes.resolve(&root.directory, read_prompt).map(Some).map_err(Refused::wrong)
}

pub(super) fn read_prompt(path: &Path) -> Result<String, String> {
    let said = |error: io::Error| format!("`{}`: {error}", path.display());
    File::open(path).and_then(|file| read_all(file, LONGEST_PROMPT)).map_err(said)
}

/// The whole of a text.
///
/// # Errors
/// It is longer than `limit`, in bytes, or cannot be read.
pub(super) fn read_all(source: impl Read, limit: u64) -> io::Result<String> {
    let mut text = String::new();
    source.take(limit + 1).read_to_string(&mut text)?;
    if text.len() as u64 > limit { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(text) }
}

/// Nothing that this process prints from here on goes to a terminal, which may be closed.
fn leave_terminal() {
    if let Ok(null) = File::options().read(true).write(true).open("/dev/null") {
        rustix::stdio::dup2_stdout(&null).ok();
        rustix::stdio::dup2_stderr(&null).ok();
        rustix::stdio::dup2_stdin(&null).ok();
    }
}

/// Starts a supervisor of its own for the run, and waits until the agent runs or nothing could be started.
fn detach(args: &RunArgs, spec: Option<&Spec>, root: &Root, out: &mut dyn Write) -> Result<u8, Refused> {
    let streams = (Stdio::piped(), Stdio::inherit());
    let mut child = own_session::supervise((&args.name, spec), "", known(args), root, streams)?;
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut line)?;
    }
    if line.trim_end() == STARTED {
        writeln!(out, "{}", args.name)?;
        return Ok(0);
    }
    let code = child.wait()?.code().unwrap_or(i32::from(u8::MAX));
    Ok(u8::try_from(code).unwrap_or(u8::MAX))
}
