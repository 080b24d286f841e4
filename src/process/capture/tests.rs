//! Against real processes, and against tables laid out in a folder.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::super::capture::*;
use super::super::program::tests::{CLAUDE, CODEX};
use super::super::{Found, Role};

fn capture(disk: &Disk) -> ProcessTable {
    ProcessTable::capture(disk, &[&CLAUDE, &CODEX])
}

fn start_of(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit(')').next().unwrap().split_whitespace().nth(19).unwrap().parse().unwrap()
}

/// Ends its process, and all that this one started, when the test does.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let group = rustix::process::Pid::from_child(&self.0);
        let _gone = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        drop(self.0.wait());
    }
}

fn run(command: &mut Command) -> io::Result<Running> {
    command.stdin(Stdio::null()).process_group(0).spawn().map(Running)
}

/// Waits for what another process is about to do.
fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..500 {
        if let Some(seen) = look() {
            return seen;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("not seen within 5 s");
}

#[cfg(target_os = "linux")]
mod real {
    use super::*;

    #[test]
    fn tells_alive_from_zombie_reused_and_gone() {
        let mut child = run(Command::new("sleep").arg("60")).unwrap();
        let pid = child.0.id();
        let start = start_of(pid);
        let table = capture(&Disk::default());
        assert!(table.supported && !table.others_hidden && table.boot_id.is_some() && !table.uptime.is_zero());
        assert!(table.processes.len() >= 2);
        assert!(matches!(table.find(pid, Some(start)), Found::Alive(process) if process.pid == pid));
        assert!(matches!(table.find(pid, None), Found::Alive(_)));
        assert!(matches!(table.find(pid, Some(start - 1)), Found::Reused));

        child.0.kill().unwrap();
        until(|| matches!(capture(&Disk::default()).find(pid, Some(start)), Found::Zombie(_)).then_some(()));
        child.0.wait().unwrap();
        assert!(matches!(capture(&Disk::default()).find(pid, None), Found::Gone));
    }

    #[test]
    fn a_thread_is_no_process() {
        std::thread::spawn(|| {
            let link = fs::read_link("/proc/thread-self").unwrap();
            let thread: u32 = link.file_name().unwrap().to_str().unwrap().parse().unwrap();
            assert!(Path::new(&format!("/proc/{thread}/stat")).exists());
            assert!(matches!(capture(&Disk::default()).find(thread, None), Found::Gone));
        })
        .join()
        .unwrap();
    }

    #[test]
    fn finds_an_agent_where_it_works_and_the_shell_below_it() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        let agent = real.join("claude");
        fs::copy("/bin/bash", &agent).unwrap();
        let output = fs::File::create(real.join("out")).unwrap();
        let script = "bash -c 'echo hello; sleep 60; :'; :";
        // A copy that is still open for writing elsewhere cannot be run: another test may be forking.
        let running = until(|| {
            let mut command = Command::new(&agent);
            let output = output.try_clone().unwrap();
            run(command.args(["-c", script, "-p"]).current_dir(&real).stdout(output)).ok()
        });
        let pid = running.0.id();
        let (table, agent) = until(|| {
            let table = capture(&Disk::default());
            let agent = table.agents("claude-code").find(|process| process.pid == pid)?.clone();
            (table.tool_output(pid) > 0 && table.descendants(pid).len() > 1).then_some((table, agent))
        });
        assert_eq!(agent.cwd.as_deref(), Some(real.as_path()));
        assert_eq!(agent.role, Some(Role::Agent { headless: Some(true) }));
        assert_eq!((agent.open, agent.output), (None, None));
        assert!(agent.memory_bytes > 0 && agent.start > 0);
        assert!(table.has_shell_below(pid));
        assert_eq!(table.tool_output(pid), 6);
    }

    #[test]
    fn an_open_file_is_the_same_by_every_name() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        fs::create_dir(real.join("data")).unwrap();
        symlink("data", real.join("home")).unwrap();
        let path = real.join("home/rollout-1.jsonl");
        let file = fs::File::create(&path).unwrap();
        let lock = fs::File::create(real.join("home/1.lock")).unwrap();
        let _other = fs::File::create(real.join("home/notes.jsonl")).unwrap();
        let id = |path: &Path| FileId::of(&fs::metadata(path).unwrap());
        let held = || open_files(&Disk::default(), std::process::id(), CODEX.is_log.unwrap()).unwrap();
        let has = |path: &Path| held().iter().any(|open| open.file == id(path));
        assert!(has(&path) && has(&real.join("data/rollout-1.jsonl")) && has(&real.join("data/1.lock")));
        assert!(!has(&real.join("data/notes.jsonl")), "neither log nor lock");
        fs::copy(&path, real.join("rollout-1.jsonl")).unwrap();
        assert!(!has(&real.join("rollout-1.jsonl")), "the same name, another file");
        fs::remove_file(&path).unwrap();
        fs::File::create(&path).unwrap();
        let inode = rustix::fs::fstat(&file).unwrap().st_ino;
        assert!(held().iter().all(|open| open.file.inode != inode), "without a name it is no log");
        drop(lock);
        assert!(!has(&real.join("data/1.lock")));
    }
}

/// A process table in a folder.
struct Machine(TempDir);

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("proc")).unwrap();
        fs::write(folder.path().join("proc/uptime"), "1000.00 900.00\n").unwrap();
        Self(folder)
    }

    fn process(&self, pid: u32, parent: u32, name: &str, argv: &[&str]) -> PathBuf {
        let folder = self.0.path().join(format!("proc/{pid}"));
        fs::create_dir_all(folder.join("fd")).unwrap();
        fs::create_dir_all(folder.join("fdinfo")).unwrap();
        let stat = format!("{pid} ({name}) S {parent} 1 1 0 -1 0 0 0 0 0 5 5 0 0 20 0 1 0 {pid}00 0 3\n");
        fs::write(folder.join("stat"), stat).unwrap();
        fs::write(folder.join("cmdline"), argv.iter().flat_map(|part| [part, "\0"]).collect::<String>()).unwrap();
        folder
    }

    fn capture(&self) -> ProcessTable {
        capture(&Disk::new(Some(self.0.path().into())))
    }
}

#[test]
fn reads_a_table_laid_out_in_a_folder() {
    let machine = Machine::new();
    let script = "/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js";
    let agent = machine.process(100, 1, ") Z (", &["node", script, "-p", "say hi"]);
    symlink("/srv/shop/.worktrees/task-x", agent.join("cwd")).unwrap();
    symlink("/usr/bin/node (deleted)", agent.join("exe")).unwrap();
    fs::write(agent.join("status"), "Name:\tnode\nNSpid:\t100\t12\t7\nThreads:\t1\n").unwrap();
    let tool = machine.process(101, 100, "cargo", &["cargo", "test"]);
    symlink("/out", tool.join("fd/1")).unwrap();
    fs::write(machine.0.path().join("out"), "12345").unwrap();
    machine.process(102, 1, "claude", &["vim", "claude"]);
    machine.process(103, 1, "bash", &["bash", "logs/run-codex.log"]);
    machine.process(104, 1, "claude", &[]);
    fs::create_dir(machine.0.path().join("proc/105")).unwrap();

    let table = machine.capture();
    let agents: Vec<_> = table.agents("claude-code").collect();
    assert_eq!(agents.iter().map(|agent| agent.pid).collect::<Vec<_>>(), [100]);
    assert_eq!(agents[0].name, ") Z (");
    assert_eq!(agents[0].role, Some(Role::Agent { headless: Some(true) }));
    assert_eq!(agents[0].cwd.as_deref(), Some(Path::new("/srv/shop/.worktrees/task-x")));
    assert_eq!(agents[0].exe.as_deref(), Some(Path::new("/usr/bin/node")));
    assert!(matches!(table.find(7, Some(10_000)), Found::Alive(process) if process.pid == 100));
    assert!(matches!(table.find(12, Some(10_000)), Found::Gone));
    assert!(matches!(table.find(102, None), Found::Alive(_)));
    assert!(matches!(table.find(105, None), Found::Gone));
    let output = table.get(101).unwrap().output.as_ref().unwrap();
    assert_eq!((&*output.path, output.length), (Path::new("/out"), 5));
    assert_eq!(table.agents("codex").count(), 0);
    assert_eq!((table.uptime, table.others_hidden, table.supported), (Duration::from_secs(1000), false, true));
    assert_eq!(table.boot_id, None);
}

#[test]
fn sees_what_a_helper_holds() {
    let machine = Machine::new();
    let path = |name: &str| machine.0.path().join(name);
    fs::create_dir_all(path("data")).unwrap();
    symlink("data", path("home")).unwrap();
    for name in ["rollout-1.jsonl", "rollout-2.jsonl", "1.lock", "notes.jsonl"] {
        fs::write(path("data").join(name), "").unwrap();
    }
    let helper = machine.process(200, 1, "codex", &["/home/dev/codex", "app-server"]);
    let files = [
        "/home/rollout-1.jsonl",
        "/data/1.lock",
        "/home/notes.jsonl",
        "/data/rollout-2.jsonl (deleted)",
        "/data/rollout-3.jsonl",
        "socket:[7]",
        "/dev/null",
    ];
    for (fd, path) in files.iter().enumerate() {
        symlink(path, helper.join("fd").join(fd.to_string())).unwrap();
    }
    let hidden = machine.process(201, 1, "codex", &["codex"]);
    fs::remove_dir(hidden.join("fd")).unwrap();
    fs::write(hidden.join("fd"), "").unwrap();

    let table = machine.capture();
    let helper = table.get(200).unwrap();
    assert_eq!(helper.role, Some(Role::Helper));
    let open = |name: &str, is_log| {
        let meta = fs::metadata(path(name)).unwrap();
        Open { file: FileId::of(&meta), is_log, written: modified(&meta) }
    };
    let mut wanted = vec![open("data/rollout-1.jsonl", true), open("data/1.lock", false)];
    wanted.sort_unstable();
    assert_eq!(helper.open, Some(wanted));
    let hidden = table.get(201).unwrap();
    assert_eq!((hidden.client, hidden.cwd.as_deref(), hidden.open.as_ref()), (Some("codex"), None, None));
    assert_eq!(table.problems.len(), 1, "{:?}", table.problems);
}

#[test]
fn what_cannot_be_read_is_not_gone() {
    let machine = Machine::new();
    for (pid, part) in [(300, "stat"), (301, "cmdline"), (302, "status"), (303, "exe")] {
        let process = machine.process(pid, 1, "x", &[if part == "status" { "claude" } else { "x" }]);
        drop(fs::remove_file(process.join(part)));
        if part == "exe" {
            // No link, and so an error that tells nothing.
            fs::write(process.join(part), "").unwrap();
        } else {
            fs::create_dir(process.join(part)).unwrap();
        }
    }
    machine.process(304, 1, "x", &["x"]);
    let table = machine.capture();
    let said = |pid, start| format!("{:?}", table.find(pid, start)).split('(').next().unwrap().to_owned();
    assert_eq!([said(300, None), said(300, Some(30_000))], ["Unknown", "Unknown"]);
    assert_eq!([said(301, None), said(301, Some(30_100)), said(301, Some(7))], ["Unknown", "Alive", "Unknown"]);
    assert_eq!([said(7, Some(30_200)), said(7, Some(5))], ["Unknown", "Gone"], "it may be process 7 in a container");
    assert_eq!([said(304, None), said(304, Some(7)), said(305, None)], ["Alive", "Reused", "Gone"]);
    let unread: Vec<u32> = table.processes.iter().filter(|process| process.unread).map(|one| one.pid).collect();
    assert_eq!(unread, [300, 301, 302, 303]);
    assert!(table.processes.iter().filter(|process| process.unread).all(|process| process.owner.is_some()));
    assert_eq!(table.problems.len(), 1, "one for all");
}

#[test]
fn the_agent_is_the_process_that_a_launcher_starts() {
    let machine = Machine::new();
    machine.process(300, 1, "node", &["node", "/usr/bin/codex", "exec", "go"]);
    machine.process(301, 300, "codex", &["/opt/codex", "exec", "go"]);
    machine.process(302, 301, "codex", &["/opt/codex", "app-server"]);
    machine.process(303, 301, "codex", &["/opt/codex", "exec", "another"]);
    machine.process(304, 303, "codex", &["/opt/codex", "exec", "another"]);
    let pids: Vec<u32> = machine.capture().agents("codex").map(|process| process.pid).collect();
    assert_eq!(pids, [301, 302, 303, 304], "only a script is a launcher");
}

#[test]
fn without_a_table_nothing_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let laid_out = capture(&Disk::new(Some(folder.path().into())));
    assert!(matches!(laid_out.find(100, None), Found::Gone), "a machine without the folder runs nothing");
    fs::create_dir(folder.path().join("proc")).unwrap();
    let table = capture(&Disk::new(Some(folder.path().into())));
    assert!(!table.supported);
    assert!(matches!(table.find(100, None), Found::Unknown), "an empty one is that of a copied disk");
    assert!(matches!(Machine::new().capture().find(99, None), Found::Gone));
}

#[test]
fn a_command_line_is_bounded() {
    assert_eq!(command_line(b"claude\0\0\0\0"), ["claude"]);
    assert_eq!(command_line(b"a\0\0b\0"), ["a", "", "b"]);
    assert_eq!(command_line(b"\0\0"), [""; 0]);
    let long = command_line(&[vec![b'x'; 9000], vec![b'\0'], b"\xff\0".repeat(100)].concat());
    assert_eq!((long.len(), long[0].len(), long[1].as_str()), (64, 4096, "\u{fffd}"));
}

#[test]
fn how_busy_the_machine_is_is_read_where_it_is_told() {
    let memory = "MemTotal:       16000 kB\nMemFree:   10 kB\nMemAvailable:    4000 kB\n";
    let told = MachineLoad { load_1m: 0.52, memory_used_bytes: 12_000 << 10, memory_total_bytes: 16_000 << 10 };
    for (loadavg, meminfo, wanted) in [
        ("0.52 0.58 0.59 1/389 1234\n", memory, Some(told)),
        ("nonsense", memory, None),
        ("NaN 0.1", memory, None),
        ("0.52 0.58", "MemTotal: 16000 kB\n", None),
        ("0.52 0.58", "MemTotal: 99999999999999999999 kB\nMemAvailable: 1 kB\n", None),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("proc")).unwrap();
        fs::write(folder.path().join("proc/loadavg"), loadavg).unwrap();
        fs::write(folder.path().join("proc/meminfo"), meminfo).unwrap();
        let table = ProcessTable::capture(&Disk::new(Some(folder.path().into())), &[]);
        assert_eq!(table.load, wanted, "{loadavg} {meminfo}");
    }
}
