//! Where a turn stands, and what a person does without one.

use super::super::tests::*;

#[test]
fn where_a_turn_stands() {
    let go = || prompt("go");
    check(
        fold,
        &[
            ("nothing but a queue", vec![queue("enqueue", "go"), queue("dequeue", "")], "none"),
            ("a prompt", vec![go()], "open"),
            ("a text that ends it", vec![go(), text("1", END)], "ended"),
            ("metadata after it", vec![go(), text("1", END), metadata(), metadata()], "ended"),
            ("a text before a call", vec![go(), text("1", "\"tool_use\"")], "open"),
            ("thinking at the end", vec![go(), thinking("1", END)], "ended?"),
            ("and its text", vec![go(), thinking("1", END), text("1", END)], "ended"),
            ("until 2.1.42: a text", vec![go(), text("1", "null")], "ended?"),
            ("with a call behind it", vec![go(), text("1", "null"), bash("1", "ls")], "open, in Bash `ls`, 1 calls"),
            ("and thinking alone", vec![go(), thinking("1", "null")], "open"),
        ],
    );
}

#[test]
fn what_makes_an_end_firm_or_undoes_it() {
    let go = || prompt("go");
    check(
        fold,
        &[
            (
                "made firm by a hook's summary",
                vec![go(), text("1", "null"), system("stop_hook_summary", r#","hookErrors":[]"#)],
                "ended",
            ),
            (
                "not by a hook that sends it on",
                vec![go(), text("1", "null"), system("stop_hook_summary", r#","hookErrors":["tests fail"]"#)],
                "ended?",
            ),
            ("made firm by the turn's duration", vec![go(), text("1", "null"), system("turn_duration", "")], "ended"),
            ("a pause", vec![go(), text("1", "\"pause_turn\"")], "open"),
            ("cut off", vec![go(), text("1", "\"max_tokens\"")], "ended?"),
            (
                "cut off, and continued",
                vec![
                    go(),
                    text("1", "\"max_tokens\""),
                    meta("Output token limit hit. Resume directly."),
                    bash("2", "ls"),
                ],
                "open, in Bash `ls`, 1 calls",
            ),
            ("refused", vec![go(), thinking("1", "\"refusal\""), text("1", "\"refusal\"")], "permanent error"),
            ("a stop sequence", vec![go(), text("1", "\"stop_sequence\"")], "ended"),
            (
                "a hook sends the agent on",
                vec![go(), text("1", END), meta("Stop hook feedback:\\nrun the tests"), thinking("2", "\"tool_use\"")],
                "open",
            ),
            (
                "as soon as it says so",
                vec![
                    go(),
                    text("1", END),
                    meta("Stop hook feedback:\\nrun the tests"),
                    system("stop_hook_summary", r#","hookErrors":["run the tests"]"#),
                ],
                "open",
            ),
            ("another prompt", vec![go(), text("1", END), prompt("more")], "open"),
            (
                "a picture alone is a prompt",
                vec![user(r#"[{"type":"image","source":{"type":"base64","data":"AA"}}]"#)],
                "open",
            ),
        ],
    );
}

#[test]
fn what_the_client_notes_beside_a_turn() {
    let go = || prompt("go");
    let attached = |kind: &str| row("attachment", &format!(r#""attachment":{{"type":"{kind}","hookName":"h"}}"#));
    let idle = || {
        row(
            "assistant",
            r#""message":{"id":"s","model":"<synthetic>","role":"assistant","stop_reason":"stop_sequence","content":[{"type":"text","text":"No response requested."}]},"isApiErrorMessage":false"#,
        )
    };
    check(
        fold,
        &[
            ("nothing from the client itself", vec![go(), text("1", END), idle()], "ended"),
            ("taken up after a crash", vec![go(), bash("1", "ls"), idle()], "interrupted, 1 calls"),
            ("and asked to go on", vec![go(), bash("1", "ls"), idle(), prompt("go on")], "open, 1 calls"),
            (
                "stopped by a hook",
                vec![go(), bash("1", "ls"), attached("hook_stopped_continuation"), ok("1")],
                "interrupted, 1 calls",
            ),
            (
                "a prompt that a hook does not let pass",
                vec![go(), text("1", END), go(), prompt("Operation stopped by hook: Another session is active")],
                "interrupted",
            ),
            (
                "a hook that stops at the end",
                vec![go(), text("1", END), attached("hook_stopped_continuation")],
                "ended",
            ),
            (
                "no more turns",
                vec![go(), bash("1", "ls"), ok("1"), attached("max_turns_reached")],
                "resource error, 1 calls",
            ),
            ("other notes", vec![go(), bash("1", "ls"), ok("1"), attached("hook_success")], "open, 1 calls"),
        ],
    );
}

#[test]
fn errors() {
    let go = || prompt("go");
    let limit = "You've hit your session limit · resets 6pm (America/Los_Angeles)";
    check(
        fold,
        &[
            ("429", vec![go(), api_error("rate_limit", "429", "API Error: Request rejected (429)")], "transient error"),
            ("529", vec![go(), api_error("server_error", "529", "API Error: 529 overloaded_error")], "transient error"),
            ("500", vec![go(), api_error("server_error", "500", "API Error: 500")], "transient error"),
            (
                "401",
                vec![go(), api_error("authentication_failed", "401", "Login expired · Please run /login")],
                "permanent error",
            ),
            ("403", vec![go(), api_error("oauth_org_not_allowed", "403", "not allowed")], "permanent error"),
            ("404", vec![go(), api_error("model_not_found", "404", "no such model")], "permanent error"),
            ("a spent limit", vec![go(), api_error("rate_limit", "429", limit)], "resource error"),
            ("no money", vec![go(), api_error("billing_error", "400", "Credit balance is too low")], "resource error"),
            ("a full context", vec![go(), api_error("invalid_request", "400", "Prompt is too long")], "resource error"),
            ("nothing known", vec![go(), api_error("unknown", "null", "Connection error.")], "transient error"),
        ],
    );
}

#[test]
fn retries_and_what_follows_an_error() {
    let go = || prompt("go");
    let retry = |attempt: u32| {
        system(
            "api_error",
            &format!(r#","level":"error","error":{{}},"retryInMs":534.7,"retryAttempt":{attempt},"maxRetries":10"#),
        )
    };
    check(
        fold,
        &[
            (
                "the turn's duration does not undo it",
                vec![go(), api_error("server_error", "529", "x"), system("turn_duration", ""), metadata()],
                "transient error",
            ),
            (
                "it goes on after all",
                vec![go(), api_error("server_error", "529", "x"), prompt("continue"), bash("1", "ls")],
                "open, in Bash `ls`, 1 calls",
            ),
            ("retries", vec![go(), retry(1), retry(2), retry(3)], "open, retries 3"),
            ("and an answer", vec![go(), retry(1), retry(2), thinking("1", "null")], "open"),
        ],
    );
}

#[test]
fn interruptions() {
    let go = || prompt("go");
    check(
        fold,
        &[
            (
                "in a thought",
                vec![go(), user(r#"[{"type":"text","text":"[Request interrupted by user]"}]"#)],
                "interrupted",
            ),
            (
                "in a tool",
                vec![
                    go(),
                    bash("1", "ls"),
                    failed("1", "The user doesn't want to proceed with this tool use. The tool use was rejected"),
                    user(INTERRUPTED),
                ],
                "interrupted, 1 calls",
            ),
            (
                "in the row of the result",
                vec![
                    go(),
                    bash("1", "ls"),
                    user(
                        r#"[{"type":"tool_result","tool_use_id":"toolu_1","is_error":true,"content":"[Request interrupted by user for tool use]"},{"type":"text","text":"[Request interrupted by user for tool use]"}]"#,
                    ),
                ],
                "interrupted, 1 calls",
            ),
            (
                "and ended before it could say so",
                vec![go(), bash("1", "ls"), failed("1", STOPPED)],
                "interrupted, 1 calls",
            ),
            (
                "in one of two tools",
                vec![
                    go(),
                    tool("1", "a", "Bash", r#"{"command":"a"}"#),
                    tool("1", "b", "Bash", r#"{"command":"b"}"#),
                    failed("a", STOPPED),
                    failed("b", STOPPED),
                    user(INTERRUPTED),
                ],
                "interrupted, 2 calls",
            ),
            (
                "in a tool, as old versions had it",
                vec![go(), bash("1", "ls"), failed("1", "[Request interrupted by user for tool use]")],
                "interrupted, 1 calls",
            ),
            ("and told to go on", vec![go(), user(INTERRUPTED), prompt("go on")], "open"),
            (
                "and gone on by itself",
                vec![go(), bash("1", "ls"), failed("1", STOPPED), bash("2", "ls")],
                "open, in Bash `ls`, 2 calls",
            ),
        ],
    );
}

#[test]
fn when_a_limit_is_lifted() {
    let go = || prompt("go");
    let limit = "You've hit your session limit · resets 6pm (America/Los_Angeles)";
    let session = read(fold, &[go(), api_error("rate_limit", "429", limit)]);
    let Turn::Errored(error) = session.turn else { panic!() };
    assert_eq!(error.resets.as_deref(), Some("6pm (America/Los_Angeles)"));
    let quota = api_error("rate_limit", "429", "limit").replace(
        "\"isApiErrorMessage\"",
        r#""quotaLimits":{"status":"rejected","resetsAt":1795190400,"rateLimitType":"five_hour"},"isApiErrorMessage""#,
    );
    let Turn::Errored(error) = read(fold, &[go(), quota]).turn else { panic!() };
    assert_eq!(error.resets.as_deref(), Some("2026-11-20T16:00:00Z"));
}

/// The row names the limit that stopped the request, and nothing of the others.
#[test]
fn a_limit_that_is_used_up() {
    let told = |limits: &str| {
        let limits = format!(r#""quotaLimits":{limits},"isApiErrorMessage""#);
        let row = api_error("rate_limit", "429", "limit").replace(r#""isApiErrorMessage""#, &limits);
        let quota = read(fold, &[prompt("go"), row]).quota;
        let each = quota.get().into_iter().map(|quota| (quota.limit, quota.used_percent, quota.resets.map(|at| at.0)));
        each.collect::<Vec<_>>()
    };
    let resets = Some(1_788_894_600_000);
    let cases = [
        (
            r#"{"status":"rejected","resetsAt":1788894600,"unifiedRateLimitFallbackAvailable":false,"rateLimitType":"five_hour","overageStatus":"rejected","isUsingOverage":false}"#,
            vec![("5h".to_owned(), 100.0, resets)],
        ),
        (
            r#"{"status":"rejected","resetsAt":1788894600,"rateLimitType":"seven_day_opus"}"#,
            vec![("7d opus".to_owned(), 100.0, resets)],
        ),
        (r#"{"status":"rejected","rateLimitType":"overage"}"#, vec![("overage".to_owned(), 100.0, None)]),
        (
            r#"{"status":"rejected","resetsAt":"soon","rateLimitType":"five_hour"}"#,
            vec![("5h".to_owned(), 100.0, None)],
        ),
        (r#"{"status":"rejected","resetsAt":-1,"rateLimitType":"five_hour"}"#, vec![("5h".to_owned(), 100.0, None)]),
        (r#"{"status":"allowed_warning","resetsAt":1788894600,"rateLimitType":"five_hour"}"#, vec![]),
        (r#"{"resetsAt":1788894600,"rateLimitType":"five_hour"}"#, vec![]),
        (r#"{"status":"rejected","resetsAt":1788894600}"#, vec![]),
        (r#"{"status":"rejected","rateLimitType":7}"#, vec![]),
        ("null", vec![]),
        (r#"["five_hour"]"#, vec![]),
    ];
    for (limits, wanted) in cases {
        assert_eq!(told(limits), wanted, "{limits}");
    }
}

#[test]
fn what_a_person_does_with_the_client_is_no_prompt() {
    let command = |name: &str| prompt(&format!("<command-name>/{name}</command-name>\\n<command-args></command-args>"));
    let printed = || prompt("<local-command-stdout>ok</local-command-stdout>");
    let ended = || vec![prompt("go"), text("1", END)];
    check(
        fold,
        &[
            (
                "asked in the words of the client",
                vec![prompt("Continue from where you left off. Then commit.")],
                "open",
            ),
            ("with a caveat", vec![prompt("Caveat: the tests are slow.")], "open"),
            ("a local command", vec![meta("<local-command-caveat>Caveat: ..."), command("cost"), printed()], "none"),
            (
                "of older versions",
                vec![meta("Caveat: The messages below were generated"), command("cost"), printed()],
                "none",
            ),
            (
                "a shell command",
                and(ended(), vec![prompt("<bash-input>ls</bash-input>"), prompt("<bash-stdout>x</bash-stdout>")]),
                "ended",
            ),
            ("after the end", and(ended(), vec![command("model"), printed()]), "ended"),
            ("a command that stands for a prompt", vec![command("review"), meta("Review the changes.")], "open"),
            (
                "such a command in another turn",
                and(
                    ended(),
                    vec![prompt("<command-message>review</command-message>\\n<command-name>/review</command-name>")],
                ),
                "open",
            ),
            (
                "and what it stands for",
                vec![
                    prompt("go"),
                    user(INTERRUPTED),
                    prompt("<command-message>review</command-message>\\n<command-name>/review</command-name>"),
                    meta("Review the changes."),
                    bash("1", "git diff"),
                ],
                "open, in Bash `git diff`, 1 calls",
            ),
            ("what else the client writes", and(ended(), vec![meta("<system-reminder>x</system-reminder>")]), "ended"),
        ],
    );
}

#[test]
fn compaction_queues_and_reminders() {
    let command = |name: &str| prompt(&format!("<command-name>/{name}</command-name>\\n<command-args></command-args>"));
    let printed = || prompt("<local-command-stdout>ok</local-command-stdout>");
    let boundary =
        || system("compact_boundary", r#","content":"Conversation compacted","compactMetadata":{"trigger":"auto"}"#);
    let summary = || {
        row(
            "user",
            r#""isVisibleInTranscriptOnly":true,"isCompactSummary":true,"message":{"role":"user","content":"This session is being continued from"}"#,
        )
    };
    let ended = || vec![prompt("go"), text("1", END)];
    check(
        fold,
        &[
            ("compacted at the end", and(ended(), vec![command("compact"), boundary(), summary(), printed()]), "ended"),
            (
                "compacted in a turn",
                vec![prompt("go"), bash("1", "ls"), ok("1"), boundary(), summary()],
                "open, 1 calls",
            ),
            (
                "queued while it works",
                vec![
                    prompt("go"),
                    bash("1", "ls"),
                    queue("enqueue", "and that"),
                    row("attachment", r#""attachment":{"type":"queued_command","prompt":"and that"}"#),
                ],
                "open, in Bash `ls`, 1 calls",
            ),
            (
                "a reminder beside a result",
                vec![
                    prompt("go"),
                    tool("1", "a", "Read", r#"{"file_path":"a"}"#),
                    tool("1", "b", "Read", r#"{"file_path":"b"}"#),
                    user(
                        r#"[{"type":"tool_result","tool_use_id":"toolu_a","content":"x"},{"type":"text","text":"<system-reminder>y</system-reminder>"}]"#,
                    ),
                ],
                "open, in Read `b`, 2 calls",
            ),
        ],
    );
}
