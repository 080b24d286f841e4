//! Where a page goes: files that other users and tools read, and the step summary of GitHub Actions.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::{Command, Stdio};
use std::time::Instant;

use super::metrics::series;
use crate::ground::{Ground, run, until, watch};

fn mode(ground: &Ground, file: &str) -> u32 {
    fs::metadata(ground.path(file)).unwrap().permissions().mode() & 0o777
}

#[test]
fn metrics_are_for_another_user_whatever_the_umask_is() {
    let ground = Ground::new();
    for (format, wanted) in [("prometheus", 0o644), ("junit", 0o600)] {
        let program = ground.program(&["--format", format, "--output", &format!("../{format}")]);
        let mut command = Command::new("sh");
        command.args(["-c", "umask 077; exec \"$0\" \"$@\""]).arg(program.get_program()).args(program.get_args());
        command.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(ground.path("shop")).stdout(Stdio::piped()).stderr(Stdio::piped());
        assert_eq!(run(&mut command).code, Some(0));
        assert_eq!(mode(&ground, format), wanted, "{format}");
    }
    // What somebody set stays.
    ground.mode("prometheus", 0o640);
    ground.run(&["--format", "prometheus", "--output", "../prometheus"]);
    assert_eq!(mode(&ground, "prometheus"), 0o640);
}

#[test]
fn metrics_stay_fresh_and_outlive_a_poll_that_fails() {
    let ground = Ground::new();
    let file = ground.path("x.prom");
    let arguments = ["status", "--watch=1s", "--format", "prometheus", "--output", "../x.prom"];
    let child = ground.program(&arguments).spawn().unwrap();
    until(|| file.exists());
    let first = fs::metadata(&file).unwrap().ino();
    // Written also when nothing changed, and never in part.
    until(|| {
        assert!(series(&fs::read_to_string(&file).unwrap()).len() > 5);
        fs::metadata(&file).unwrap().ino() != first
    });
    fs::remove_dir_all(ground.path("shop/.git")).unwrap();
    let ran = watch(child, Instant::now());
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
    assert!(series(&fs::read_to_string(&file).unwrap()).len() > 5, "the last page is lost");
}

#[test]
fn a_part_is_not_given_for_the_whole() {
    let ground = Ground::new();
    for (arguments, said) in [
        (&["--format", "prometheus", "--changes"][..], "leave `--changes` out"),
        (&["--format", "junit", "--changes"], "leave `--changes` out"),
        (&["--format", "prometheus", "--attention"], "leave `--attention` out"),
        (&["--format", "prometheus", "--only", "failed"], "leave `--only` out"),
        (&["--format", "prometheus", "--watch"], "`--output FILE`"),
        (&["--format", "junit", "--watch"], "`--output FILE`"),
    ] {
        let ran = ground.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
        assert!(ran.err.contains(said), "{ran:?}");
    }
    ground.status("task-x", "failed");
    for format in ["junit", "github"] {
        let ran = ground.run(&["--format", format, "--check"]);
        assert!(ran.code == Some(1) && ran.out.contains("task-x"), "{ran:?}");
    }
    assert!(ground.run(&["--format", "junit", "--only", "failed"]).out.contains("tests=\"1\""));
}

#[test]
fn a_step_summary_never_fails_the_report() {
    let ground = Ground::new();
    ground.status("task-x", "failed");
    let with = |file: &str| {
        let mut command = ground.program(&["--format", "github"]);
        let ran = run(command.env("GITHUB_STEP_SUMMARY", ground.path(file)));
        assert_eq!((ran.code, ran.out.lines().count()), (Some(0), 1), "{ran:?}");
        ran.err.contains("could not write the step summary")
    };
    fs::create_dir(ground.path("folder")).unwrap();
    assert!(Command::new("mkfifo").arg(ground.path("pipe")).status().unwrap().success());
    for bad in ["no/such/folder", "folder", "pipe", "/dev/full"] {
        assert!(with(bad), "{bad}");
    }
    // It is appended, also by way of a link.
    ground.write("real.md", "before\n");
    symlink(ground.path("real.md"), ground.path("link.md")).unwrap();
    assert!(!with("link.md"));
    let text = fs::read_to_string(ground.path("real.md")).unwrap();
    assert!(text.starts_with("before\n# 1 task") && ground.path("link.md").is_symlink(), "{text}");
    // A summary that is full stays as it is: the runner would take nothing of a larger one.
    for size in [1_000_000, 1 << 20] {
        ground.write("full.md", &"x".repeat(size));
        assert!(!with("full.md"));
        assert_eq!(fs::metadata(ground.path("full.md")).unwrap().len(), size as u64);
    }
}
