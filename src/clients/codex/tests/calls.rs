//! Calls, scripts, plans and questions.

use super::super::tests::*;

#[test]
fn one_failure_per_call() {
    let two = || and(begun(), [exec("1", "a"), exec("2", "b")]);
    let patch = || {
        item(
            "custom_tool_call",
            r#","call_id":"call_1","name":"apply_patch","input":"*** Begin Patch\n*** Update File: src/a.rs\n@@\n""#,
        )
    };
    let no_patch =
        || item("custom_tool_call_output", r#","call_id":"call_1","output":"apply_patch verification failed: no""#);
    let file_change = event("item_completed", r#","item":{"type":"FileChange","id":"call_1","status":"failed"}"#);
    let mcp = |result: &str| {
        and(
            begun(),
            [
                function("1", "mcp__db__query", "{}"),
                event("mcp_tool_call_end", &format!(r#","call_id":"call_1","result":{result}"#)),
                output("1", "Wall time: 0.1 seconds\\nOutput:\\nx"),
            ],
        )
    };
    check(
        fold,
        &[
            (
                "item and output",
                and(begun(), [exec("1", "a"), command_item("call_1", 2), exited("1", 2)]),
                "open, 1 calls, 1 failed, streak 1",
            ),
            (
                "output and item",
                and(begun(), [exec("1", "a"), exited("1", 2), command_item("call_1", 2)]),
                "open, 1 calls, 1 failed, streak 1",
            ),
            (
                "an item that comes late is not its neighbour's",
                and(two(), [exited("1", 2), command_item("call_1", 2), exited("2", 0)]),
                "open, 2 calls, 1 failed",
            ),
            (
                "the end of a command, and its output",
                and(
                    begun(),
                    [exec("1", "a"), event("exec_command_end", r#","call_id":"call_1","exit_code":1"#), exited("1", 1)],
                ),
                "open, 1 calls, 1 failed, streak 1",
            ),
            ("a patch that did not fit", and(begun(), [patch(), no_patch()]), "open, 1 calls, 1 failed, streak 1"),
            (
                "and its event",
                and(begun(), [patch(), event("patch_apply_end", r#","call_id":"call_1","success":false"#), no_patch()]),
                "open, 1 calls, 1 failed, streak 1",
            ),
            ("and its item", and(begun(), [patch(), file_change, no_patch()]), "open, 1 calls, 1 failed, streak 1"),
            ("a server's error", mcp(r#"{"Err":"timed out"}"#), "open, 1 calls, 1 failed, streak 1"),
            ("a tool's error", mcp(r#"{"Ok":{"content":[],"isError":true}}"#), "open, 1 calls, 1 failed, streak 1"),
            ("none", mcp(r#"{"Ok":{"content":[]}}"#), "open, 1 calls"),
        ],
    );
}

/// A command that was put aside is looked at.
fn poll(call: &str) -> String {
    function(call, "write_stdin", r#"{"session_id":7,"chars":""}"#)
}

fn still(call: &str) -> String {
    output(call, "Chunk ID: a\\nWall time: 10 seconds\\nProcess running with session ID 7\\nOutput:\\n")
}

#[test]
fn commands_that_go_on() {
    let running = || {
        and(
            begun(),
            [
                exec("1", "make"),
                output("1", "Chunk ID: a\\nWall time: 10 seconds\\nProcess running with session ID 7\\nOutput:\\n"),
            ],
        )
    };
    check(
        fold,
        &[
            ("goes on", running(), "open, 1 calls"),
            (
                "looked after",
                and(running(), [poll("2"), still("2"), poll("3"), still("3"), poll("4")]),
                "open, in write_stdin ``, 4 calls",
            ),
            ("ends well", and(running(), [poll("2"), exited("2", 0)]), "open, 2 calls"),
            (
                "ends badly, once",
                and(running(), [poll("2"), command_item("call_1", 2), exited("2", 2)]),
                "open, 2 calls, 1 failed, streak 1",
            ),
            (
                "typed into",
                and(
                    running(),
                    [
                        function("2", "write_stdin", r#"{"session_id":7,"chars":"y"}"#),
                        still("2"),
                        function("3", "write_stdin", r#"{"session_id":7,"chars":"y"}"#),
                    ],
                ),
                "open, in write_stdin ``, 3 calls",
            ),
            (
                "a sub-agent waited for",
                and(begun(), [function("1", "wait_agent", r#"{"timeout_ms":60000}"#)]),
                "open, in wait_agent ``, 1 calls",
            ),
        ],
    );
}

/// A script that runs one command.
fn run(call: &str) -> String {
    let text =
        "const r = await tools.exec_command({cmd: \"make\", workdir: '/srv/shop/.worktrees/task-x'});\ntext(r.output)";
    script(call, text)
}

fn done(call: &str) -> String {
    script_output(call, "Script completed")
}

/// One whose command fails.
fn failing(call: &str) -> [String; 3] {
    [run(call), command_item("exec-1", 2), done(call)]
}

#[test]
fn code_mode() {
    let refused = item(
        "custom_tool_call_output",
        r#","call_id":"call_2","output":[{"type":"input_text","text":"Script failed\nWall time 0.1 seconds\nOutput:\n"},{"type":"input_text","text":"Script error:\nexec_command failed for `make`: Rejected(\"rejected by user\")"}]"#,
    );
    let ask = script("1", "await tools.request_user_input({questions: [{id: 'q', question: 'Which one?'}]})");
    check(
        fold,
        &[
            ("a script", and(begun(), [run("1")]), "open, in exec `make`, 1 calls"),
            ("its command failed", and(begun(), failing("1")), "open, 1 calls, 1 failed, streak 1"),
            (
                "two of its commands",
                and(begun(), [run("1"), command_item("exec-1", 2), command_item("exec-2", 2), done("1")]),
                "open, 1 calls, 1 failed, streak 1",
            ),
            (
                "it failed itself",
                and(begun(), [run("1"), command_item("exec-1", 2), script_output("1", "Script failed")]),
                "open, 1 calls, 1 failed, streak 1",
            ),
            ("in a row", and(and(begun(), failing("1")), failing("2")), "open, 2 calls, 2 failed, streak 2, repeats 2"),
            (
                "a good one ends it",
                and(
                    and(begun(), failing("1")),
                    [script("2", "await tools.exec_command({cmd: 'ls'})"), command_item("exec-2", 0), done("2")],
                ),
                "open, 2 calls, 1 failed",
            ),
            (
                "a person refused its command",
                and(and(begun(), failing("1")), [run("2"), refused]),
                "open, 2 calls, 1 failed, streak 1",
            ),
            ("asks a person", and(begun(), [ask]), "open, in exec `Which one?`, asks, 1 calls"),
        ],
    );
}

#[test]
fn scripts_that_are_put_aside() {
    let put_aside = |call: &str| script_output(call, "Script running with cell ID 3");
    let wait = |call: &str| function(call, "wait", r#"{"cell_id":"3"}"#);
    let aside =
        |call: &str, poll: &str| [run(call), put_aside(call), command_item("exec-1", 2), wait(poll), done(poll)];
    check(
        fold,
        &[
            (
                "goes on, and fails later",
                and(begun(), [run("1"), put_aside("1"), wait("2"), command_item("exec-1", 2), done("2")]),
                "open, 2 calls, 1 failed, streak 1",
            ),
            ("fails before it is waited for", and(begun(), aside("1", "2")), "open, 2 calls, 1 failed, streak 1"),
            (
                "again and again",
                and(and(and(begun(), aside("1", "2")), aside("3", "4")), aside("5", "6")),
                "open, 6 calls, 3 failed, streak 3, repeats 3",
            ),
            (
                "goes on, and ends well",
                and(and(begun(), failing("1")), [run("2"), put_aside("2"), wait("3"), done("3")]),
                "open, 3 calls, 1 failed, repeats 2",
            ),
            (
                "waited for twice",
                and(
                    begun(),
                    [
                        run("1"),
                        put_aside("1"),
                        wait("2"),
                        put_aside("2"),
                        command_item("exec-1", 2),
                        wait("3"),
                        done("3"),
                    ],
                ),
                "open, 3 calls, 1 failed, streak 1",
            ),
            (
                "what it left running is stopped later",
                and(begun(), [run("1"), done("1"), command_item("exec-1", 143)]),
                "open, 1 calls",
            ),
        ],
    );
}

#[test]
fn plans_and_questions() {
    let plan = r#"{"plan":[{"step":"Build","status":"completed"},{"step":"Test","status":"in_progress"},{"step":"Ship","status":"pending"}]}"#;
    let javascript = "await tools.update_plan({ plan: [{ step: 'Build', status: 'completed' }, { step: `Test`, status: \"in_progress\" }] });";
    let variable = "const plan = [{step: 'Build', status: 'completed'}, {step: 'Test', status: 'in_progress'}];\nawait tools.update_plan({plan});";
    let question = r#"{"questions":[{"id":"q","header":"h","question":"Which one?","options":[]}]}"#;
    check(
        fold,
        &[
            (
                "in JSON",
                and(begun(), [function("1", "update_plan", plan), output("1", "Plan updated")]),
                "open, 1 calls, 1/3 Test",
            ),
            (
                "in JavaScript",
                and(begun(), [script("1", javascript), script_output("1", "Script completed")]),
                "open, 1 calls, 1/2 Test",
            ),
            (
                "in a variable",
                and(begun(), [script("1", variable), script_output("1", "Script completed")]),
                "open, 1 calls, 1/2 Test",
            ),
            (
                "asked",
                and(begun(), [function("1", "request_user_input", question)]),
                "open, in request_user_input `Which one?`, asks, 1 calls",
            ),
            (
                "answered",
                and(begun(), [function("1", "request_user_input", question), output("1", "{}")]),
                "open, 1 calls",
            ),
        ],
    );
}

#[test]
fn a_plan_to_be_approved() {
    let started = |mode: &str| event("task_started", &format!(r#","turn_id":"t","collaboration_mode_kind":"{mode}""#));
    let says = |text: &str| {
        item("message", &format!(r#","role":"assistant","content":[{{"type":"output_text","text":"{text}"}}]"#))
    };
    let before_its_end = |mode: &str, text: &str| vec![meta("a", ""), started(mode), context(), says(text)];
    let turn = |mode: &str, text: &str| and(before_its_end(mode, text), [complete()]);
    let plan = r"Here it is.\n\n<proposed_plan>\n# Split the cart\n2. Move tests\n</proposed_plan>\n";
    let asks = "ended, in plan `Split the cart`, asks";
    let by_item = event("item_completed", r##","item":{"type":"Plan","id":"p","text":"# Split the cart\n2. Move"}"##);
    let aborted = event("turn_aborted", r#","turn_id":"t","reason":"interrupted""#);
    check(
        fold,
        &[
            ("it waits", turn("plan", plan), asks),
            ("told by an item", vec![meta("a", ""), started("plan"), said(), by_item, complete()], asks),
            ("not before the turn ends", before_its_end("plan", plan), "open"),
            ("some words behind it", and(before_its_end("plan", plan), [said(), complete()]), asks),
            ("answered", and(turn("plan", plan), [started("default"), said(), complete()]), "ended"),
            ("the next turn has begun", and(turn("plan", plan), [started("plan")]), "open"),
            ("spoken of", turn("plan", "I would write `<proposed_plan>` first."), "ended"),
            ("within code", turn("plan", r"So:\n```\n<proposed_plan>\n1. x\n</proposed_plan>\n```"), "ended"),
            ("where none is asked for", turn("default", plan), "ended"),
            ("interrupted", and(before_its_end("plan", plan), [aborted]), "interrupted"),
        ],
    );
}

#[test]
fn commands_that_want_more_than_they_may() {
    let asking = |policy: &str, reviewer: &str| {
        let never = r#""approval_policy":"never""#;
        let told = format!(r#""approval_policy":"{policy}"{reviewer}"#);
        and(begun(), [context().replace(never, &told)])
    };
    let escalated = |rights: &str| {
        let arguments =
            format!(r#"{{"cmd":"make install","sandbox_permissions":"{rights}","justification":"May I?"}}"#);
        function("1", "exec_command", &arguments)
    };
    let want = || escalated("require_escalated");
    let in_script =
        || script("1", r#"await tools.exec_command({cmd: "make install", sandbox_permissions: "require_escalated"});"#);
    let on_request = || asking("on-request", r#","approvals_reviewer":"user""#);
    check(
        fold,
        &[
            ("a person is asked", and(on_request(), [want()]), "open, in exec_command `make install`, gated, 1 calls"),
            (
                "by older versions too",
                and(asking("untrusted", ""), [want()]),
                "open, in exec_command `make install`, gated, 1 calls",
            ),
            ("and said yes", and(on_request(), [want(), exited("1", 0)]), "open, 1 calls"),
            ("in a script", and(on_request(), [in_script()]), "open, in exec `make install`, gated, 1 calls"),
            ("nobody is asked", and(begun(), [want()]), "open, in exec_command `make install`, 1 calls"),
            (
                "another model is",
                and(asking("on-request", r#","approvals_reviewer":"auto_review""#), [want()]),
                "open, in exec_command `make install`, 1 calls",
            ),
            (
                "for nothing more",
                and(on_request(), [escalated("use_default")]),
                "open, in exec_command `make install`, 1 calls",
            ),
        ],
    );
}

#[test]
fn what_is_the_same_call_again() {
    check(
        fold,
        &[(
            "the same command, with more time and other words",
            and(
                begun(),
                [
                    exec("1", "make"),
                    exited("1", 0),
                    function("2", "exec_command", r#"{"cmd":"make","yield_time_ms":30000,"max_output_tokens":9}"#),
                    exited("2", 0),
                ],
            ),
            "open, 2 calls, repeats 2",
        )],
    );
}

#[test]
fn what_is_the_same_answer_again() {
    let printed = |call: &str, id: &str, seconds: &str, text: &str| {
        output(
            call,
            &format!(
                "Chunk ID: {id}\\nWall time: {seconds} seconds\\nProcess exited with code 1\\nOriginal token count: 15\\nOutput:\\n{text} in {seconds}s"
            ),
        )
    };
    let twice = |one: String, other: String| and(begun(), [exec("1", "make"), one, exec("2", "make"), other]);
    let in_script =
        |call: &str, text: &str| script_output(call, "Script completed").replace("\"x\"", &format!("\"{text}\""));
    let look = |call: &str| script(call, "text(await tools.exec_command({cmd: 'gh pr checks 12'}))");
    check(
        fold,
        &[
            (
                "it took longer",
                twice(printed("1", "aa12da", "0.3", "3 failed"), printed("2", "000111", "11.2", "3 failed")),
                "open, 2 calls, 2 failed, streak 2, repeats 2",
            ),
            (
                "another answer",
                twice(printed("1", "aa12da", "0.3", "3 failed"), printed("2", "aa12da", "0.3", "2 failed")),
                "open, 2 calls, 2 failed, streak 2",
            ),
            (
                "results out of order",
                and(begun(), [exec("1", "make"), exec("2", "make"), exited("2", 0), exited("1", 0)]),
                "open, 2 calls, repeats 2",
            ),
            (
                "another command between",
                and(
                    begun(),
                    [
                        exec("1", "make"),
                        exec("2", "ls"),
                        exec("3", "make"),
                        exited("1", 0),
                        exited("2", 0),
                        exited("3", 0),
                    ],
                ),
                "open, 3 calls",
            ),
            ("a look by a script", and(begun(), [look("1"), done("1"), look("2"), done("2")]), "open, 2 calls"),
            (
                "another answer of a script",
                and(begun(), [run("1"), in_script("1", "3 of 10"), run("2"), in_script("2", "4 of 10")]),
                "open, 2 calls",
            ),
        ],
    );
}

#[test]
fn exit_codes_that_are_answers() {
    let found_nothing = |call: &str| {
        output(
            call,
            "Chunk ID: 1a2b3c\\nWall time: 0.0 seconds\\nProcess exited with code 1\\nOriginal token count: 0\\nOutput:\\n",
        )
    };
    let search = |call: &str| script(call, "text(await tools.exec_command({cmd: 'rg -n oldName src'}))");
    let command = r#","command":["/bin/bash","-lc","rg -n oldName src"],"aggregated_output":"""#;
    let searched = |code: u32| command_item("exec-1", code).replace(r#","aggregated_output":"x""#, command);
    let failed_before = || and(begun(), failing("9"));
    check(
        fold,
        &[
            ("no match", and(begun(), [exec("1", "rg -n oldName src"), found_nothing("1")]), "open, 1 calls"),
            (
                "ends no streak",
                and(failed_before(), [exec("1", "cd src && grep -rn x ."), found_nothing("1")]),
                "open, 2 calls, 1 failed, streak 1",
            ),
            (
                "what a search complains of",
                and(begun(), [exec("1", "rg x src"), exited("1", 2)]),
                "open, 1 calls, 1 failed, streak 1",
            ),
            (
                "an item and an output",
                and(
                    failed_before(),
                    [exec("1", "rg x src"), searched(1).replace("exec-1", "call_1"), found_nothing("1")],
                ),
                "open, 2 calls, 1 failed, streak 1",
            ),
            (
                "in a script",
                and(failed_before(), [search("1"), searched(1), done("1")]),
                "open, 2 calls, 1 failed, streak 1",
            ),
            (
                "a script that also fails",
                and(begun(), [search("1"), searched(1), command_item("exec-2", 2), done("1")]),
                "open, 1 calls, 1 failed, streak 1",
            ),
            (
                "told by a poll",
                and(begun(), [exec("1", "rg x src"), still("1"), poll("2"), found_nothing("2")]),
                "open, 2 calls",
            ),
        ],
    );
}
