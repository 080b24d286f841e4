//! The real binary, from outside: exit codes, streams, terminal, environment, settings, the record.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::ground::skip;

const BINARY: &str = env!("CARGO_BIN_EXE_agentmon");

/// A home, and a repository with tasks that say of themselves how they do.
struct Machine(TempDir);

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        for folder in ["home", "shop/.git/objects", "shop/.git/refs"] {
            fs::create_dir_all(machine.path(folder)).unwrap();
        }
        machine.write("shop/.git/HEAD", "ref: refs/heads/main\n");
        machine
    }

    /// With a task for each word.
    fn of(words: &[&str]) -> Self {
        let machine = Self::new();
        for word in words {
            machine.says(&format!("{word}-task"), word);
        }
        machine
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    /// A task's status, written 20 seconds before now.
    fn says(&self, task: &str, word: &str) {
        let text = format!(r#"{{"status":"{word}","updatedAt":"2026-11-20T11:59:40Z"}}"#);
        self.write(&format!("shop/.worktrees/{task}/status.json"), &text);
    }

    /// A task whose status cannot be read.
    fn is_unreadable(&self, task: &str) {
        fs::create_dir_all(self.path(&format!("shop/.worktrees/{task}"))).unwrap();
        symlink("/etc/hostname", self.path(&format!("shop/.worktrees/{task}/status.json"))).unwrap();
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(BINARY);
        command.args(line.split_whitespace()).current_dir(self.path("shop")).env_clear();
        let home = self.path("home");
        command.env("HOME", home).env("TZ", "UTC").env("LANG", "C.UTF-8").env("AGENTMON_NOW", "2026-11-20T12:00:00Z");
        command
    }

    /// What a shell would put at the end of a line, in alphabetical order and without descriptions.
    fn completed_by(&self, shell: &str, ask: &str, line: &str) -> String {
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", Path::new(BINARY).parent().unwrap().display());
        let mut command = Command::new(shell);
        command.args(["-c", ask]).current_dir(self.path("shop")).env_clear().stdin(Stdio::null());
        command.env("HOME", self.path("home")).env("PATH", path).env("LINE", line).env("LANG", "C.UTF-8");
        command.env("AGENTMON_NOW", "2026-11-20T12:00:00Z");
        let said = Said::of(command.output().unwrap());
        let words = said.out.lines().map(|line| line.split(['\t', ':']).next().unwrap_or_default().trim());
        let words: std::collections::BTreeSet<_> = words.filter(|word| !word.is_empty()).collect();
        words.into_iter().collect::<Vec<_>>().join(" ")
    }

    /// Runs of these names and states, as far as they are written down.
    fn has_runs(&self, runs: &[(&str, &str)]) {
        let other = Self::of(&[]);
        assert_eq!(other.run("run x -- true").code, Some(0));
        let mut record: Value =
            serde_json::from_slice(&fs::read(other.path("shop/.agents/runs/x/run.json")).unwrap()).unwrap();
        for (name, state) in runs {
            record["state"] = json!(state);
            fs::create_dir_all(self.path("shop/.agents/runs").join(name)).unwrap();
            fs::write(self.path("shop/.agents/runs").join(name).join("run.json"), record.to_string()).unwrap();
        }
        for folder in ["shop/.results", "shop/.logs"] {
            fs::create_dir_all(self.path(folder)).unwrap();
        }
    }

    /// Every file, with its length.
    fn listing(&self) -> Vec<(PathBuf, u64)> {
        let files = walkdir::WalkDir::new(self.path("")).sort_by_file_name().into_iter().map(Result::unwrap);
        files.map(|file| (file.path().to_owned(), file.metadata().unwrap().len())).collect()
    }

    fn run(&self, line: &str) -> Said {
        Said::of(self.command(line).output().unwrap())
    }

    fn with(&self, environment: &[(&str, &str)], line: &str) -> Said {
        Said::of(self.command(line).envs(environment.iter().copied()).output().unwrap())
    }
}

type Variables = &'static [(&'static str, &'static str)];

#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    fn tasks(&self) -> Vec<&str> {
        let lines = self.out.lines().filter_map(|line| line.strip_prefix("[12:00] "));
        lines.map(|line| line.split(':').next().unwrap()).collect()
    }
}

#[test]
fn exit_codes() {
    let none = Machine::new();
    let well = Machine::of(&["running", "completed"]);
    let failed = Machine::of(&["failed", "running"]);
    let unknown = Machine::of(&["running"]);
    unknown.is_unreadable("torn");
    let both = Machine::of(&["failed"]);
    both.is_unreadable("torn");
    let cases: [(&Machine, &str, i32, &str); 29] = [
        (&well, "", 0, ""),
        (&failed, "", 0, ""),
        (&unknown, "", 0, ""),
        (&none, "", 0, "agentmon: no task found in shop (1 worktree): "),
        (&none, "-C ..", 2, "agentmon: no git repository in "),
        (&none, "-C nowhere", 2, "cannot open `"),
        (&none, "--root nowhere", 2, "agentmon: cannot open `nowhere`: No such file"),
        (&well, "--nonsense", 2, "unexpected argument `--nonsense`"),
        (&well, "running-task", 2, "agentmon status running-task"),
        (&well, "--format xml", 2, "possible values: table, lines, json"),
        (&well, "--stuck-after 10", 2, "write `90s`, `10m` or `2h`\n"),
        (&well, "report --since soon", 2, "write `90s`, `10m` or `2h`, or `all`\n"),
        (&well, "report --from 2026-11-01 --since 3d", 2, "`--from` cannot be used with `--since`: both set"),
        (&well, "events --kind polls", 2, "a similar value exists: `poll`"),
        (&well, "--check", 0, ""),
        (&well, "--check=healthy", 1, ""),
        (&well, "--check=stuck,completed", 1, ""),
        (&failed, "--check", 1, ""),
        (&failed, "--check=struggling", 0, ""),
        (&failed, "status --check running-task", 0, ""),
        (&failed, "--check --only healthy", 1, ""),
        (&none, "--check", 2, "agentmon: --check: there is no task to judge"),
        (&unknown, "--check", 2, "agentmon: --check: a task could not be judged"),
        (&both, "--check", 1, ""),
        (&well, "status nope", 2, "agentmon: no task `nope`; tasks: "),
        (&well, "status nope running-task --check", 2, "agentmon: --check: a named task is missing"),
        (
            &well,
            "explain nope",
            2,
            "agentmon: no task `nope`; tasks: running-task, completed-task (older ones: `--since all`)",
        ),
        (&well, "explain runing-task", 2, "no task `runing-task`; did you mean `running-task`?"),
        (&well, "status task", 2, "did you mean `completed-task` or `running-task`?"),
    ];
    for (machine, line, code, message) in cases {
        let said = machine.run(line);
        assert_eq!(said.code, Some(code), "{line}: {said:?}");
        assert!(said.err.contains(message) && said.err.is_empty() == message.is_empty(), "{line}: {said:?}");
    }
}

#[test]
fn an_ambiguous_task_lists_those_it_may_mean() {
    let machine = Machine::new();
    for id in ["bg_11111111", "bg_22222222"] {
        let text = format!(r#"{{"id":"{id}","name":"twin","status":"running","updatedAt":"2026-11-20T11:59:40Z"}}"#);
        machine.write(&format!("shop/.worktrees/{id}/sub/status.json"), &text);
    }
    for line in ["status twin", "explain twin"] {
        let said = machine.run(line);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert_eq!(said.err, "agentmon: `twin` is ambiguous; candidates: `bg_11111111`, `bg_22222222`\n");
    }
    assert!(machine.run("status twins").err.contains("; did you mean `twin`? "));
    let said = machine.run("status bg_22222222");
    assert_eq!((said.code, said.tasks()), (Some(0), vec!["twin (bg_22222222)"]));
}

#[test]
fn options_stand_before_and_after_the_command() {
    let machine = Machine::of(&["failed", "running"]);
    machine.write("elsewhere/README", "");
    let shop = machine.path("shop").display().to_string();
    let wanted = machine.run("").out;
    assert!(wanted.contains("2 tasks: 1 failed, 1 healthy"), "{wanted}");
    for line in ["status", "status -C .", "-C . status", "status --format lines -C .", "-C . -C . status"] {
        assert_eq!(machine.run(line).out, wanted, "{line}");
    }
    let mut command = machine.command(&format!("-C {shop}"));
    let elsewhere = Said::of(command.current_dir(machine.path("elsewhere")).output().unwrap());
    assert_eq!(elsewhere.tasks(), ["failed-task", "running-task"]);
    assert_eq!(machine.run("help").code, Some(0));
}

#[test]
fn filters_hide_tasks_and_go_on_counting_them() {
    let machine = Machine::of(&["failed", "waiting", "running", "completed"]);
    let summary = "4 tasks: 1 failed, 1 stuck, 1 healthy, 1 completed";
    let cases: [(&str, &[&str], &str); 6] = [
        ("", &["failed-task", "waiting-task", "running-task", "completed-task"], summary),
        ("--attention", &["failed-task", "waiting-task"], summary),
        ("--only healthy", &["running-task"], summary),
        ("--only completed,stuck", &["waiting-task", "completed-task"], summary),
        ("--only struggling", &[], summary),
        ("status running-task failed-task", &["failed-task", "running-task"], "2 tasks: 1 failed, 1 healthy"),
    ];
    for (line, tasks, summary) in cases {
        let said = machine.run(line);
        assert_eq!(said.tasks(), tasks, "{line}");
        assert!(said.out.lines().last().unwrap().starts_with(summary), "{line}: {}", said.out);
        assert_eq!(said.err, "", "{line}");
    }
}

#[test]
fn explains_one_task() {
    let said = Machine::of(&["failed"]).run("explain failed-task");
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    for part in ["Task failed-task\n", "✗ Failed - ", "\nFacts\n", "\nRules\n", "→ declared failure", "\nEvidence\n"]
    {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
}

#[test]
fn a_reader_who_leaves_early_is_no_error() {
    let machine = Machine::of(&["failed", "running"]);
    for line in ["", "--format table", "--format json", "explain failed-task"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let said = Said::of(machine.command(line).stdout(writer).stderr(Stdio::piped()).output().unwrap());
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{line}");
    }
    for line in ["", "explain failed-task", "clients", "errors", "events", "report", "clean --dry-run"] {
        let Ok(full) = File::create("/dev/full") else { continue };
        let said = Said::of(machine.command(line).stdout(full).stderr(Stdio::piped()).output().unwrap());
        assert_eq!(said.code, Some(2), "{line}: {said:?}");
        assert!(said.err.starts_with("agentmon: could not write"), "{line}: {}", said.err);
    }
}

#[test]
fn colour_and_letters_follow_the_environment() {
    let machine = Machine::of(&["failed"]);
    let cases: [(Variables, &str, bool); 7] = [
        (&[], "", false),
        (&[], "--color always", true),
        (&[("NO_COLOR", "1")], "--color always", true),
        (&[("CLICOLOR_FORCE", "1")], "", true),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], "", false),
        (&[("CLICOLOR_FORCE", "1")], "--color never", false),
        (&[("TERM", "dumb")], "", false),
    ];
    for (environment, line, colour) in cases {
        let said = machine.with(environment, line);
        assert_eq!(said.out.contains('\x1b'), colour, "{environment:?} {line}: {}", said.out);
        assert!(said.out.contains("✗ Failed"), "{}", said.out);
    }
    let bare = Said::of(machine.command("--now 2026-11-20T12:00:00Z").env_clear().output().unwrap());
    assert_eq!((bare.code, bare.err.as_str()), (Some(0), ""), "{bare:?}");
    assert!(bare.out.is_ascii() && bare.out.contains("x Failed"), "{}", bare.out);
}

#[test]
fn a_terminal_gets_a_table_and_a_pipe_gets_lines() {
    let machine = Machine::of(&["failed"]);
    for (name, begin) in [("lines", "[12:00] failed-task: "), ("table", "  TASK "), ("json", "{\n  \"schema\": ")] {
        let said = machine.run(&format!("--format {name}"));
        assert!(said.out.starts_with(begin), "{name}: {}", said.out);
    }
    assert_eq!(machine.run("").out, machine.run("--format lines").out);

    let on_terminal = |environment: &str, arguments: &str| {
        let line = format!("stty cols 60 && {environment} {BINARY} {arguments}; true");
        let mut command = Command::new("script");
        let settings = machine.command("");
        command.args(["-qec", &line, "/dev/null"]).current_dir(machine.path("shop")).env_clear();
        command.envs(settings.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("PATH", "/usr/bin:/bin").env("TERM", "xterm-256color").stdin(Stdio::null());
        command.output().ok().filter(|output| output.status.success()).map(Said::of)
    };
    let (Some(said), Some(dumb)) = (on_terminal("", ""), on_terminal("TERM=dumb", "")) else {
        return skip("`script` of util-linux is not there");
    };
    assert!(said.out.contains("\x1b[2mTASK\x1b[0m") && said.out.contains("✗ Failed (1)"), "{}", said.out);
    assert!(dumb.out.starts_with("  TASK ") && !dumb.out.contains('\x1b'), "{}", dumb.out);
    for (environment, arguments, colour) in [("", "--nonsense", true), ("NO_COLOR=1", "--nonsense", false)] {
        let said = on_terminal(environment, arguments).unwrap();
        assert!(said.out.contains("agentmon:") && said.out.contains('\x1b') == colour, "{}", said.out);
    }
}

#[test]
fn changes_are_reported_once_per_job() {
    let machine = Machine::of(&["running", "waiting"]);
    let spoke = |line: &str| {
        let said = machine.run(line);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
        !said.out.is_empty()
    };
    assert!(spoke("--changes"), "somebody is needed");
    assert!(!spoke("--changes"), "as told before");
    machine.says("running-task", "failed");
    assert!(spoke(""), "by hand");
    assert!(spoke("status running-task --changes=one"), "each job has a cursor of its own");
    assert!(spoke("--changes"), "neither of them swallows anything");
    assert!(!spoke("--changes") && !spoke("status running-task --changes=one"));
    machine.says("waiting-task", "running");
    assert!(spoke("--changes"), "one got well");
    machine.says("running-task", "completed");
    assert!(spoke("--changes"), "all are well");
    assert!(!spoke("--changes"));
    machine.says("waiting-task", "completed");
    assert!(!spoke("--changes"), "an end that needs nobody");
    machine.says("running-task", "waiting");
    assert_eq!(machine.run("--changes --attention").tasks(), ["running-task"]);
    machine.says("running-task", "completed");
    let said = machine.run("--changes --attention");
    assert_eq!(said.tasks(), ["running-task"], "which one got well");
    assert!(said.out.contains("(was stuck)"), "{}", said.out);
    assert!(!spoke("--changes --attention"));
    assert_eq!(machine.run("--changes=done --only completed").tasks(), ["running-task", "waiting-task"]);
    machine.says("running-task", "failed");
    assert_eq!(machine.run("--changes=stuck --only stuck").out, "", "nobody asked for what failed");
    machine.says("running-task", "waiting");
    assert_eq!(machine.run("--changes=stuck --only stuck").tasks(), ["running-task"]);
    assert_eq!(machine.run("--changes=stuck --check=completed").code, Some(1), "silent, and judged all the same");
}

#[test]
fn the_record_is_the_owners_alone_and_not_for_git() {
    let machine = Machine::of(&["failed"]);
    let logs = machine.path("shop/.agents/logs");
    assert_eq!(machine.run("--no-events").code, Some(0));
    assert!(!machine.path("shop/.agents").exists());
    assert_eq!(machine.run("").code, Some(0));
    let record = logs.join("background_monitoring.jsonl");
    assert_eq!(fs::metadata(&record).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_to_string(logs.join(".gitignore")).unwrap(), "/.gitignore\n/background_monitoring*\n");
    let rows = fs::read_to_string(&record).unwrap();
    assert!(rows.lines().count() >= 2 && rows.ends_with("}\n"), "{rows}");

    let empty = Machine::new();
    assert_eq!(empty.run("").code, Some(0));
    assert!(!empty.path("shop/.agents").exists(), "no task, nothing written");
}

#[test]
fn what_people_mistype_gets_a_tip() {
    let machine = Machine::of(&["running"]);
    let cases = [
        ("--check failed", "tip: write `--check=failed`"),
        ("status --check stuck,failed", "tip: write `--check=stuck,failed`"),
        ("--watch 5s", "tip: write `--watch=5s`"),
        ("--no-color", "tip: write `--color=never`"),
        ("ls", "to list the tasks: agentmon status"),
        ("list", "to list the tasks: agentmon status"),
        ("ps", "to list the tasks: agentmon status"),
        ("--only stuck report", "`--only` cannot be used with `report`"),
        ("--watch explain x", "`--watch` cannot be used with `explain`"),
        ("--period days report", "put the option after the command: agentmon report --period"),
        ("--changes=a/b", "use up to 64 letters"),
        ("log running-task --bar", "Usage: agentmon log [OPTIONS] [TASK]\n"),
        ("status running-task --bar", "Usage: agentmon status [OPTIONS] [TASK]...\n"),
        ("explain running-task --bar", "Usage: agentmon explain [OPTIONS] <TASK>\n"),
        ("log --result -n 5 running-task", "Usage: agentmon log [OPTIONS] [TASK]\n"),
    ];
    for (line, wanted) in cases {
        let said = machine.run(line);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{line}");
        assert!(said.err.starts_with("agentmon: ") && said.err.contains(wanted), "{line}: {}", said.err);
        assert!(!said.err.contains('\''), "{line}: {}", said.err);
    }
}

#[test]
fn a_task_is_found_by_branch_beginning_and_dot() {
    let machine = Machine::of(&["running", "failed", "waiting"]);
    for (line, wanted) in [("runn", "running-task"), ("status wai", "waiting-task")] {
        let line = if line.starts_with("status") { line.to_owned() } else { format!("status {line}") };
        assert_eq!(machine.run(&line).tasks(), [wanted], "{line}");
    }
    machine
        .write("shop/.worktrees/running-two/status.json", r#"{"status":"running","updatedAt":"2026-11-20T11:59:00Z"}"#);
    let said = machine.run("status run");
    assert_eq!(said.code, Some(2));
    assert_eq!(said.err, "agentmon: `run` is ambiguous; candidates: `running-task`, `running-two`\n");
    assert_eq!(machine.run("status nothing").code, Some(2));
    for line in ["status nothing", "explain nothing", "log nothing"] {
        let homeless = Said::of(machine.command(line).env_remove("HOME").output().unwrap());
        let wanted =
            "agentmon: no task `nothing`; HOME is not set, so agent logs cannot be found; set it with `--home DIR`\n";
        assert_eq!((homeless.code, homeless.err.as_str()), (Some(2), wanted), "{line}");
    }
    assert_eq!(machine.run("-C .worktrees/waiting-task status .").tasks(), ["waiting-task"], "`.` is where -C leads");
    assert!(machine.run("explain .").err.contains("no task in this directory"), "the main worktree has none");
}

#[test]
fn a_page_goes_to_a_file_as_a_whole() {
    let machine = Machine::of(&["running", "failed"]);
    let file = machine.path("shop/page");
    // What the machine does meanwhile is not what is asked here.
    let steady = |page: &str| {
        let lines =
            page.lines().filter(|line| !line.contains("\"load_1m\"") && !line.contains("\"memory_used_bytes\""));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    for line in
        ["--json", "status --format lines", "explain running-task --json", "report", "clients", "errors", "events"]
    {
        fs::write(&file, "old").unwrap();
        let printed = machine.run(line).out;
        let said = machine.run(&format!("{line} --output page"));
        assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{line}: {}", said.err);
        let written = fs::read_to_string(&file).unwrap();
        let is_same = steady(&written) == steady(&printed);
        assert!(is_same || line == "events" || line == "clients", "{line}: {written}");
        assert!(!written.is_empty() && written != "old", "{line}: {written}");
    }
    let left = fs::read_dir(machine.path("shop"))
        .unwrap()
        .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().ends_with(".new")));
    assert_eq!(left.count(), 0, "no temporary file is left");
    assert_eq!(machine.run("--json --output none/page").code, Some(2), "there is no such folder");
}

#[test]
fn a_page_goes_where_a_link_leads_and_takes_nothing_else_away() {
    let machine = Machine::of(&["running"]);
    let printed = machine.run("--format lines").out;
    let long = "n".repeat(250);
    symlink("there", machine.path("shop/link")).unwrap();
    machine.write("shop/private", "old");
    fs::set_permissions(machine.path("shop/private"), fs::Permissions::from_mode(0o600)).unwrap();
    for (name, file) in [("link", "there"), ("link", "there"), ("private", "private"), (&long, &long)] {
        let said = machine.run(&format!("--format lines --output {name}"));
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{name}");
        assert_eq!(fs::read_to_string(machine.path("shop").join(file)).unwrap(), printed, "{name}");
    }
    assert!(machine.path("shop/link").is_symlink());
    let mode = fs::metadata(machine.path("shop/private")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "as private as before");
    for name in ["-", "/dev/stdout"] {
        let mut stdout = File::create(machine.path("stdout")).unwrap();
        stdout.write_all(b"before\n").unwrap();
        let mut command = machine.command(&format!("--format lines --output {name}"));
        assert!(command.stdout(stdout.try_clone().unwrap()).status().unwrap().success(), "{name}");
        stdout.write_all(b"after\n").unwrap();
        let all = fs::read_to_string(machine.path("stdout")).unwrap();
        assert_eq!(all, format!("before\n{printed}after\n"), "{name}");
    }
}

#[test]
fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
    let machine = Machine::new();
    let text = r#"{"status":"running","updatedAt":"2026-11-20T11:40:00Z"}"#;
    machine.write("shop/.worktrees/slow/status.json", text);
    let is_stuck = |environment: &[(&str, &str)], line: &str| {
        let said = machine.with(environment, &format!("--no-events {line}"));
        assert_eq!((said.code, said.tasks()), (Some(0), vec!["slow"]), "{said:?}");
        said.out.contains("■ Stuck - no heartbeat for 20m")
    };
    let variable = [("AGENTMON_STUCK_AFTER", "5m")];
    assert!(is_stuck(&[], ""));
    machine.write("home/.config/agentmon/config.toml", "stuck-after = '1h'\n");
    assert!(!is_stuck(&[], ""));
    assert!(is_stuck(&variable, ""));
    assert!(!is_stuck(&variable, "--stuck-after 2h"));

    let wrong = [
        ("stuck_after = '1h'\n", "line 1: unknown key `stuck_after`; did you mean `stuck-after`?"),
        ("\nstuck-after = 'soon'\n", "line 2: `stuck-after`: write `90s`, `10m` or `2h`\n"),
        ("tool-stuck-after = 15\n", "line 1: `tool-stuck-after`: invalid type: integer `15`, "),
        ("colour\n", "line 1: key with no value"),
    ];
    for (text, key) in wrong {
        machine.write("home/.config/agentmon/config.toml", text);
        let said = machine.run("");
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
        assert!(said.err.contains(&format!("home/.config/agentmon/config.toml`: {key}")), "{}", said.err);
    }
    let said = machine.with(&[("AGENTMON_TOOL_STUCK_AFTER", "15")], "");
    assert!(said.err.contains("\n  tip: the value is from the variable AGENTMON_TOOL_STUCK_AFTER\n"), "{}", said.err);
}

#[test]
fn a_name_that_is_copied_from_a_report_means_its_task() {
    for name in ["-x", "--check", "two  words", "🚀\u{200d}x", "it's\u{1b}[1m"] {
        let machine = Machine::new();
        machine.says(name, "failed");
        let mut elsewhere = machine.command("-C ../shop");
        let said = Said::of(elsewhere.current_dir(machine.path("home")).output().unwrap());
        let command = said.out.lines().find_map(|line| line.trim_start().strip_prefix("next: agentmon ")).unwrap();
        // A shell such as people have.
        let mut shell = Command::new("bash");
        let line = format!("\"$0\" {command}");
        shell.args(["-c", &line, BINARY]).current_dir("/").env("HOME", machine.path("home"));
        let explained = Said::of(shell.env("AGENTMON_NOW", "2026-11-20T12:00:00Z").output().unwrap());
        assert_eq!((explained.code, &*explained.err), (Some(0), ""), "{command}");
        assert!(explained.out.starts_with("Task "), "{command}: {}", explained.out);
    }
}

#[test]
fn an_option_that_does_nothing_is_refused_and_not_in_the_help() {
    let machine = Machine::new();
    // A command, an option that it has, and one that would do nothing.
    let cases = [
        ("explain x", "--stuck-after", "--only=stuck"),
        ("report", "--anonymize", "--stuck-after=1h"),
        ("clients", "--format", "--check"),
        ("errors", "--since", "--changes"),
        ("errors resolve x", "--every", "--status-files=/x"),
        ("errors resolve x", "--directory", "--format=json"),
        ("events", "--anonymize", "--on-change=x"),
        ("clean", "--keep-raw", "--format=json"),
    ];
    for (command, has, has_not) in cases {
        let words = command.trim_end_matches(" x");
        let (option, name) = (has_not.split('=').next().unwrap(), words.rsplit(' ').next().unwrap());
        let help = machine.run(&format!("{words} --help")).out;
        assert!(help.contains(has) && !help.contains(option), "{command}: {help}");
        for line in [format!("{command} {has_not}"), format!("{has_not} {command}")] {
            let said = machine.run(&line);
            assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{line}");
            assert!(said.err.starts_with("agentmon: "), "{line}: {}", said.err);
            assert!(said.err.contains(&format!("`{option}` cannot be used with `{name}`")), "{line}: {}", said.err);
        }
    }
    let said = machine.with(&[("AGENTMON_STUCK_AFTER", "1h")], "clients");
    assert_eq!(said.code, Some(0), "a variable is not meant for one command: {}", said.err);
}

#[test]
fn help_tells_formats_and_thresholds() {
    let machine = Machine::new();
    for line in ["-h", "--help", "help"] {
        let said = machine.run(line);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{line}");
        assert!(said.out.contains("agentmon status -h"), "{line}: {}", said.out);
        assert_eq!(said.out.contains("Exit codes:"), line != "-h", "{line}: {}", said.out);
    }
    for (line, has_thresholds) in [("status --help", true), ("status -h", false), ("help status", true)] {
        let said = machine.run(line).out;
        for flag in ["--stuck-after", "--tool-stuck-after", "--max-cpu", "--keep-raw"] {
            assert_eq!(said.contains(flag), has_thresholds, "{line}: {flag}");
        }
        assert!(["table", "lines", "json"].iter().all(|name| said.contains(name)), "{line}");
    }
    for (line, told) in [
        ("report -h", "[default: 7d]"),
        ("events -h", "[default: lines]"),
        ("report --help", "Show all rows of all lists"),
    ] {
        let help = machine.run(line).out;
        assert!(help.contains(told) && !help.contains("24h; 7d"), "{line}: {help}");
    }
    assert_eq!(machine.run("--version").out, format!("agentmon {}\n", env!("CARGO_PKG_VERSION")));
}

/// The shells that are run, each with a script that takes in ours, and prints what may stand at the end of `$LINE`.
const SHELLS: [(&str, &str); 3] = [
    (
        "bash",
        r#"source <(agentmon completions bash); COMP_WORDS=(agentmon $LINE); [[ $LINE = *" " ]] && COMP_WORDS+=("")
           COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_TYPE=9
           _clap_complete_agentmon agentmon "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"; printf '%s\n' "${COMPREPLY[@]}""#,
    ),
    (
        "zsh",
        r#"compdef() {}; _describe() { print -rl -- "${(@P)argv[-1]}" }; source <(agentmon completions zsh)
           words=(agentmon ${=LINE}); [[ $LINE = *" " ]] && words+=(""); CURRENT=$#words
           _clap_dynamic_completer_agentmon"#,
    ),
    ("fish", r#"agentmon completions fish | source; complete -C "agentmon $LINE""#),
];

#[test]
fn a_shell_completes_what_a_command_heeds_and_the_names_of_tasks() {
    let machine = Machine::of(&["running", "failed", "waiting"]);
    // What a shell would run or take for an option or several words is not put on the line.
    for name in ["x;id", "x$(id)", "x`id`", "x y", "x*", "x'", "-x", "--json", "~x", "x\ny"] {
        machine.says(name, "failed");
    }
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let said = machine.run(&format!("completions {shell}"));
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{shell}");
        assert!(said.out.contains("AGENTMON_COMPLETE"), "{shell}: {}", said.out);
    }
    let cases = [
        ("cl", "clean clients"),
        ("--att", "--attention"),
        ("status --format t", "table"),
        ("explain --stuck", "--stuck-after"),
        ("explain --onl", ""),
        ("report --format mark", "markdown"),
        ("errors resolve --ev", "--every"),
        ("completions --h", "--help --home"),
        ("explain runn", "running-task"),
        ("status f", "failed-task"),
        ("-C .worktrees/failed-task status w", "waiting-task"),
        ("events --task ", "failed-task running-task waiting-task"),
        ("errors resolve fa", "failed-task"),
        ("explain nothing", ""),
        ("explain x", ""),
        ("stop g", "goes-on"),
        ("stop s", "stands-still"),
        ("stop i", ""),
        ("pause g", "goes-on"),
        ("pause s", ""),
        ("resume s", "stands-still"),
        ("resume g", ""),
        ("run --again i", "is-over"),
        ("run --continue i", "is-over"),
        ("run i", ""),
    ];
    machine.has_runs(&[("goes-on", "running"), ("stands-still", "paused"), ("is-over", "failed")]);
    // Fish makes these itself.
    for folder in [".config/fish", ".local/share/fish"] {
        fs::create_dir_all(machine.path("home").join(folder)).unwrap();
    }
    let before = machine.listing();
    for (shell, ask) in SHELLS {
        let Ok(version) = Command::new(shell).args(["-c", "exit 0"]).output() else {
            skip(&format!("{shell} is not there"));
            continue;
        };
        assert!(version.status.success(), "{shell}: {version:?}");
        for (line, wanted) in cases {
            let said = machine.completed_by(shell, ask, line);
            assert_eq!(said, wanted, "{shell}: {line}");
        }
    }
    assert_eq!(machine.listing(), before, "nothing is written");
}
