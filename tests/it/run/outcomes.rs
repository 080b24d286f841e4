//! How attempts end, what is tried again, and what is written down of it.

use serde_json::json;

use super::shop::{Shop, until};

#[test]
fn a_command_is_run_as_given_and_its_exit_code_handed_on() {
    let shop = Shop::new();
    let ran = shop.agentmon(&[
        "run",
        "first",
        "--",
        "sh",
        "-c",
        "echo \"$0|$1|$AGENTMON_TASK|$AGENTMON_ATTEMPT\"; echo why >&2; exit 7",
        "a b",
        "$HOME",
    ]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(7), ""), "{ran:?}");
    assert_eq!(shop.text(".results/first.json"), "a b|$HOME|first|1\n");
    assert_eq!(
        (shop.text(".logs/first.log").as_str(), shop.text(".results/first.exitcode").as_str()),
        ("why\n", "7\n")
    );
    assert_eq!(shop.judged("first"), ("failed".into(), "exit_code".into(), "exit code 7: why".into()));
    assert!(shop.lines("first").contains("agentmon run --again first"), "{}", shop.lines("first"));
    assert_eq!(shop.git(&["status", "--porcelain"]), "", "nothing of it is seen by git");
    let checks = shop.agentmon(&["run", "checks", "--", "echo", "--check", "failed"]);
    assert_eq!((checks.code, shop.text(".results/checks.json").as_str()), (Some(0), "--check failed\n"), "{checks:?}");
    // No text that a program prints is a problem of the report.
    assert_eq!(shop.agentmon(&["--json"]).report()["problems"], json!([]));
}

#[test]
fn a_name_is_run_once_unless_it_is_asked_for_again() {
    let shop = Shop::new();
    assert_eq!(shop.agentmon(&["run", "a", "--", "sh", "-c", "echo one; exit 3"]).code, Some(3));
    let refused = shop.agentmon(&["run", "a", "--", "true"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(
        refused.err.contains("`a` was run before, ended ") && refused.err.contains("exit code 3"),
        "{}",
        refused.err
    );
    assert_eq!(shop.agentmon(&["run", "a", "--again"]).code, Some(3), "as the last time");
    assert_eq!(shop.agentmon(&["run", "a", "--again", "--", "echo", "three"]).code, Some(0));
    assert_eq!(shop.agentmon(&["run", "a", "--continue"]).code, Some(0), "it has succeeded");
    // Nothing that was printed is lost.
    let outputs = ["1.json", "2.json"].map(|name| shop.text(&format!(".agents/runs/a/{name}")));
    assert_eq!((outputs, shop.text(".results/a.json").as_str()), (["one\n".into(), "one\n".into()], "three\n"));
    assert_eq!(shop.judged("a").0, "completed");
    let never = shop.agentmon(&["run", "b", "--again"]);
    assert_eq!(never.code, Some(2), "{never:?}");
    assert!(shop.agentmon(&["run", "b", "--", "true"]).code == Some(0), "the failed start left nothing in the way");
}

#[test]
fn a_file_of_another_is_not_overwritten() {
    let shop = Shop::new();
    std::fs::create_dir(shop.path.join(".results")).unwrap();
    std::fs::write(shop.path.join(".results/a.json"), "theirs").unwrap();
    let ran = shop.agentmon(&["run", "a", "--", "true"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains(".results/a.json` is in the way, and is of no run of ours"), "{}", ran.err);
    assert_eq!(shop.text(".results/a.json"), "theirs");
}

#[test]
fn evidence_decides_what_is_tried_again() {
    let shop = Shop::new();
    // Name, prompt, exit code, state, class, attempts.
    let cases = [
        ("succeed", "succeed", 0, "completed", None, 1),
        ("busy", "busy 1", 0, "completed", None, 2),
        ("busier", "busy 9", 1, "failed", Some("transient"), 3),
        ("login", "login", 1, "failed", Some("permanent"), 1),
        ("full", "full", 1, "failed", Some("resource"), 1),
        ("lie", "lie", 1, "failed", Some("transient"), 3),
        ("memory", "memory", 137, "failed", Some("resource"), 3),
    ];
    for (name, prompt, code, state, class, attempts) in cases {
        let ran = shop.ask(name, prompt, &[]);
        let record = shop.record(name);
        assert_eq!((ran.code, record["state"].as_str()), (Some(code), Some(state)), "{name}: {ran:?}");
        assert_eq!(record["attempts"].as_array().map(Vec::len), Some(attempts), "{name}: {record}");
        assert_eq!(record["class"].as_str(), class, "{name}: {record}");
        let health = if code == 0 { "completed" } else { "failed" };
        let (found, _, detail) = shop.judged(name);
        assert_eq!(found, health, "{name}: {detail}");
    }
    // A session that had a turn is taken up again, and its prompt is in no command line.
    let sessions: Vec<_> =
        shop.record("busy")["attempts"].as_array().unwrap().iter().map(|attempt| attempt["session"].clone()).collect();
    assert!(sessions[0].is_string() && sessions[0] == sessions[1], "{sessions:?}");
    assert!(shop.record("lie")["error"].as_str().unwrap().starts_with("exited 0, but said: API Error: 500"));
}

#[test]
fn a_limit_is_waited_for_and_shown() {
    let shop = Shop::new();
    let far = shop.ask("far", "limit 4000", &["--wait-limit", "1h"]);
    assert_eq!(far.code, Some(1), "{far:?}");
    assert!(
        shop.record("far")["error"].as_str().unwrap().contains("later than --wait-limit 1h"),
        "{}",
        shop.record("far")
    );
    let mut child = shop.spawn(&["run", "near", "--client", "claude", "--prompt", "limit 300"]);
    until("it waits", || shop.state("near") == "scheduled");
    let (health, reason, detail) = shop.judged("near");
    assert_eq!((health.as_str(), reason.as_str()), ("healthy", "waiting_for_job"), "{detail}");
    assert!(
        detail.starts_with("waits for its limit to reset until ") && detail.ends_with(", attempt 2 of 3"),
        "{detail}"
    );
    let record = shop.record("near");
    let wait = |key: &str| agentmon::Time::parse(record[key].as_str().unwrap()).unwrap().0;
    let ahead = wait("waitsUntil") - wait("created");
    assert!((325_000..=400_000).contains(&ahead), "{ahead} ms: after the reset, and not long");
    let stopped = shop.agentmon(&["stop", "near"]);
    assert_eq!((stopped.code, child.wait().unwrap().code()), (Some(0), Some(143)), "{stopped:?}");
    assert_eq!(shop.judged("near").1, "interrupted");
}

#[test]
fn a_time_limit_ends_an_attempt_and_is_not_retried() {
    let shop = Shop::new();
    for (name, option, why) in
        [("late", "--timeout", "ran longer than 300ms"), ("quiet", "--stall-timeout", "no output for 300ms")]
    {
        let ran = shop.ask(name, "hang", &[option, "300ms"]);
        assert_eq!(ran.code, Some(124), "{ran:?}");
        let record = shop.record(name);
        assert_eq!((record["state"].as_str(), record["error"].as_str()), (Some("timeout"), Some(why)));
        assert_eq!(record["attempts"].as_array().map(Vec::len), Some(1));
        let (health, _, detail) = shop.judged(name);
        assert_eq!((health.as_str(), detail.as_str()), ("failed", &*format!("exit code 124 (timeout): {why}")));
    }
    // What prints goes on.
    let prints = [
        "run",
        "prints",
        "--stall-timeout",
        "500ms",
        "--",
        "sh",
        "-c",
        "for i in 1 2 3 4 5 6 7 8; do echo; sleep 0.1; done",
    ];
    assert_eq!(shop.agentmon(&prints).code, Some(0));
}

#[test]
fn a_prompt_is_in_no_command_line() {
    let shop = Shop::new();
    shop.detached(&["secret", "--client", "claude", "--prompt", "hang s3cr3t-prompt", "--grace", "0s"]);
    until("it has its prompt", || shop.text(".results/secret.json").contains("Working"));
    let mut lines = String::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        lines += &String::from_utf8_lossy(&std::fs::read(entry.path().join("cmdline")).unwrap_or_default());
    }
    assert!(!lines.contains("s3cr3t-prompt"), "it is in `ps`");
    assert_eq!(shop.agentmon(&["stop", "secret"]).code, Some(0));
}

#[test]
fn what_an_agent_leaves_is_ended_and_named() {
    let shop = Shop::new();
    let ran = shop.ask("leaves", "leave", &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.contains("2 processes left by it ended: ") && ran.err.contains("`sleep 1000`"), "{}", ran.err);
    let left = shop.record("leaves")["attempts"][0]["left"].as_array().map(Vec::len);
    assert_eq!(left, Some(2));
    let kept = shop.agentmon(&["run", "kept", "--keep-children", "--", "sh", "-c", "sleep 987.001 & true"]);
    assert_eq!((kept.code, shop.living("987.001").len()), (Some(0), 1));
    std::process::Command::new("kill").arg(shop.living("987.001")[0].to_string()).status().unwrap();
}

/// What real clients printed when they were refused, or were not.
#[test]
fn the_last_words_of_real_clients_are_understood() {
    let shop = Shop::new();
    let recordings = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/recordings"));
    // Scenario, exit code, and what is right.
    let scenarios = [
        ("success", 0, "completed", None),
        ("overload", 1, "failed", Some("transient")),
        ("ratelimit", 1, "failed", Some("transient")),
        ("unauthorized", 1, "failed", Some("permanent")),
    ];
    let mut seen = 0;
    for client in std::fs::read_dir(recordings).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        for (scenario, code, state, class) in scenarios {
            let printed = client.join(scenario).join("stdout.jsonl");
            if !printed.exists() {
                continue;
            }
            let client = client.file_name().unwrap().to_str().unwrap();
            // These say why in their database or their log alone, which is not in these homes.
            if matches!(client, "opencode-old-1.1.65" | "kimi-code-2.1.0") && class.is_some() {
                continue;
            }
            seen += 1;
            let name = format!("{client}-{scenario}");
            let print = ["sh", "-c", "cat \"$0\"; exit $1", printed.to_str().unwrap(), &code.to_string()];
            let ran = shop.agentmon(&[&["run", &name, "--retries", "0", "--"], &print[..]].concat());
            let record = shop.record(&name);
            assert_eq!(
                (record["state"].as_str(), record["class"].as_str()),
                (Some(state), class),
                "{name}: {ran:?} {record}"
            );
        }
    }
    assert!(seen >= 15, "{seen}");
}
