//! Calls, questions and plans.

use super::super::tests::*;

const EXIT: &str = "Exit code 2\\nmake: *** [check] Error 1";

fn three() -> Vec<String> {
    vec![
        prompt("go"),
        bash("1", "a"),
        failed("1", EXIT),
        bash("2", "b"),
        failed("2", EXIT),
        bash("3", "c"),
        failed("3", EXIT),
    ]
}

#[test]
fn how_calls_come_out() {
    check(
        fold,
        &[
            ("three failures", three(), "open, 3 calls, 3 failed, streak 3"),
            ("a success ends them", and(three(), vec![bash("4", "d"), ok("4")]), "open, 4 calls, 3 failed"),
            (
                "false is no error",
                and(three(), vec![bash("4", "d"), answer("4", r#""content":"x","is_error":false"#, "")]),
                "open, 4 calls, 3 failed",
            ),
            (
                "a new turn has a new streak",
                and(three(), vec![text("4", END), prompt("again")]),
                "open, 3 calls, 3 failed",
            ),
            (
                "also one that begins by itself",
                and(three(), vec![text("4", END), thinking("5", "\"tool_use\"")]),
                "open, 3 calls, 3 failed",
            ),
        ],
    );
}

#[test]
fn what_somebody_took_back_neither_fails_nor_ends_a_streak() {
    let sibling = "<tool_use_error>Sibling tool call errored</tool_use_error>";
    let refused = "The user doesn't want to proceed with this tool use. To tell you how to proceed, the user said: no";
    let told_sub_agent = "Permission for this tool use was denied. The tool use was rejected (eg. if it was a file edit, the new_string was NOT written to the file). Try a different approach";
    let denied = answer("4", r#""content":"Denied","is_error":true"#, r#","toolDenialKind":"user-rejected""#);
    check(
        fold,
        &[
            (
                "a refusal",
                and(three(), vec![bash("4", "d"), failed("4", refused)]),
                "open, 4 calls, 3 failed, streak 3",
            ),
            ("a denial by its kind", and(three(), vec![bash("4", "d"), denied]), "open, 4 calls, 3 failed, streak 3"),
            (
                "a sibling's fall",
                and(three(), vec![bash("4", "d"), failed("4", sibling)]),
                "open, 4 calls, 3 failed, streak 3",
            ),
            (
                "one that a sub-agent is told of",
                and(three(), vec![bash("4", "d"), failed("4", told_sub_agent)]),
                "open, 4 calls, 3 failed, streak 3",
            ),
            (
                "a reply that is asked for anew",
                and(
                    three(),
                    vec![
                        bash("4", "d"),
                        failed(
                            "4",
                            "<tool_use_error>Error: Streaming fallback - tool execution discarded</tool_use_error>",
                        ),
                    ],
                ),
                "open, 4 calls, 3 failed, streak 3",
            ),
        ],
    );
}

#[test]
fn a_denial_that_no_person_made_is_a_failure() {
    check(
        fold,
        &[
            (
                "nobody can be asked",
                vec![
                    prompt("go"),
                    bash("1", "a"),
                    failed("1", "Permission for this tool use was denied: it requires interactive approval"),
                ],
                "open, 1 calls, 1 failed, streak 1",
            ),
            (
                "whatever the client calls it",
                vec![
                    prompt("go"),
                    bash("1", "a"),
                    answer(
                        "1",
                        r#""content":"Claude requested permissions to write to /a, but you haven't granted it yet.","is_error":true"#,
                        r#","toolDenialKind":"user-rejected""#,
                    ),
                ],
                "open, 1 calls, 1 failed, streak 1",
            ),
            (
                "a rule denies it",
                vec![prompt("go"), bash("1", "a"), failed("1", "Permission to use Bash has been denied.")],
                "open, 1 calls, 1 failed, streak 1",
            ),
        ],
    );
}

#[test]
fn parallel_and_background_calls() {
    let go = || prompt("go");
    check(
        fold,
        &[
            (
                "parallel results in another order",
                vec![
                    go(),
                    tool("1", "a", "Read", r#"{"file_path":"a"}"#),
                    tool("1", "b", "Bash", r#"{"command":"b"}"#),
                    tool("1", "c", "Grep", r#"{"pattern":"c"}"#),
                    ok("c"),
                    metadata(),
                    ok("a"),
                ],
                "open, in Bash `b`, 3 calls",
            ),
            (
                "in the background it is done at once",
                vec![
                    go(),
                    tool("1", "1", "Bash", r#"{"command":"make release","run_in_background":true}"#),
                    answer(
                        "1",
                        r#""content":"Command running in background with ID: b1""#,
                        r#","toolUseResult":{"backgroundTaskId":"b1"}"#,
                    ),
                ],
                "open, 1 calls, 1 jobs",
            ),
            ("a result that nobody waits for", vec![go(), failed("9", EXIT)], "open"),
        ],
    );
}

#[test]
fn commands_in_the_background_are_told_of_when_they_end() {
    let result = r#","toolUseResult":{"stdout":"","backgroundTaskId":"b1","timedOutAfterMs":120000}"#;
    let aside = || {
        let moved = r#""content":"Command did not complete within its 120s timeout and was moved to the background""#;
        vec![prompt("go"), bash("1", "make e2e"), answer("1", moved, result)]
    };
    let note = |id: &str, status: &str| {
        format!(r"<task-notification>\n<task-id>{id}</task-id>\n{status}<summary>s</summary></task-notification>")
    };
    let over = "<status>completed</status>";
    let queued =
        |note: &str| row("attachment", &format!(r#""attachment":{{"type":"queued_command","prompt":"{note}"}}"#));
    let ended = || and(aside(), vec![text("2", END), system("turn_duration", "")]);
    check(
        fold,
        &[
            ("it goes on", ended(), "ended, 1 calls, 1 jobs"),
            (
                "a monitor does",
                vec![
                    prompt("go"),
                    tool("1", "1", "Monitor", r#"{"command":"tail -f log"}"#),
                    answer(
                        "1",
                        r#""content":"on""#,
                        r#","toolUseResult":{"taskId":"b1","timeoutMs":0,"persistent":true}"#,
                    ),
                ],
                "open, 1 calls, 1 jobs",
            ),
            (
                "a server is left running",
                vec![
                    prompt("go"),
                    tool("1", "1", "Bash", r#"{"command":"npm run dev","run_in_background":true}"#),
                    answer("1", r#""content":"on""#, result),
                ],
                "open, 1 calls",
            ),
            (
                "an old client tells no end",
                and(aside().into_iter().map(|row| row.replace("\"version\":\"", "\"version\":\"1.")).collect(), []),
                "open, 1 calls",
            ),
            ("its end waits to be told", and(ended(), vec![queue("enqueue", &note("b1", over))]), "ended, 1 calls"),
            ("and ends", and(ended(), vec![prompt(&note("b1", over))]), "open, 1 calls"),
            ("within the turn", and(aside(), vec![queued(&note("b1", over))]), "open, 1 calls"),
            ("another does", and(ended(), vec![prompt(&note("b2", over))]), "open, 1 calls, 1 jobs"),
            ("it only tells something", and(aside(), vec![queued(&note("b1", ""))]), "open, 1 calls, 1 jobs"),
            (
                "it is stopped",
                and(aside(), vec![tool("2", "2", "TaskStop", r#"{"task_id":"b1"}"#), ok("2")]),
                "open, 2 calls",
            ),
        ],
    );
}

#[test]
fn exit_codes_that_are_answers() {
    let missed = |command: &str, result: String| {
        vec![prompt("go"), bash("9", "make"), failed("9", "Exit code 2\\nno rule"), bash("1", command), result]
    };
    let by_client = answer(
        "1",
        r#""content":"""#,
        r#","toolUseResult":{"stdout":"","stderr":"","returnCodeInterpretation":"No matches found"}"#,
    );
    let neither = "open, 2 calls, 1 failed, streak 1";
    check(
        fold,
        &[
            ("as the client has it", missed("rg x src", by_client), neither),
            ("as it stands", missed("git diff --exit-code", failed("1", "Exit code 1\\n-a\\n+error: b")), neither),
            (
                "something was wrong, too",
                missed("cat a | grep x", failed("1", "Exit code 1\\ncat: a: No such file or directory")),
                "open, 2 calls, 2 failed, streak 2",
            ),
            ("a test that fails", missed("npm test", failed("1", "Exit code 1")), "open, 2 calls, 2 failed, streak 2"),
        ],
    );
}

#[test]
fn what_is_the_same_answer_again() {
    let go = || prompt("go");
    check(
        fold,
        &[
            (
                "another answer",
                vec![go(), bash("1", "ls"), ok("1"), bash("2", "ls"), answer("2", r#""content":"more""#, "")],
                "open, 2 calls",
            ),
            (
                "two at once, whose results come in another order",
                vec![go(), bash("1", "ls"), bash("1", "ls").replace("toolu_1", "toolu_2"), ok("2"), ok("1")],
                "open, 2 calls, repeats 2",
            ),
            (
                "a look at a page",
                vec![
                    go(),
                    tool("1", "1", "mcp__playwright__browser_wait_for", r#"{"text":"done"}"#),
                    ok("1"),
                    tool("2", "2", "mcp__playwright__browser_wait_for", r#"{"text":"done"}"#),
                    ok("2"),
                ],
                "open, 2 calls",
            ),
        ],
    );
}

#[test]
fn what_is_the_same_call_again() {
    let go = || prompt("go");
    check(
        fold,
        &[
            (
                "the same call, differently described",
                vec![go(), bash("1", "ls"), ok("1"), bash("2", "ls"), ok("2")],
                "open, 2 calls, repeats 2",
            ),
            (
                "and with more time",
                vec![
                    go(),
                    bash("1", "ls"),
                    ok("1"),
                    tool("2", "2", "Bash", r#"{"command":"ls","timeout":300000}"#),
                    ok("2"),
                ],
                "open, 2 calls, repeats 2",
            ),
            (
                "pollers do not repeat",
                vec![
                    go(),
                    tool("1", "1", "TaskOutput", r#"{"task_id":"b"}"#),
                    ok("1"),
                    tool("2", "2", "TaskOutput", r#"{"task_id":"b"}"#),
                ],
                "open, in TaskOutput ``, 2 calls",
            ),
            (
                "nor do pauses, and what is looked at after one",
                vec![
                    go(),
                    bash("1", "gh run view 7"),
                    ok("1"),
                    bash("2", "sleep 60"),
                    ok("2"),
                    bash("3", "gh run view 7"),
                    ok("3"),
                    bash("4", "sleep 60 && tail log"),
                    ok("4"),
                    bash("5", "sleep 60 && tail log"),
                ],
                "open, in Bash `sleep 60 && tail log`, 5 calls",
            ),
            (
                "nor reads of what runs in the background",
                vec![
                    go(),
                    tool("1", "1", "Read", r#"{"file_path":"/tmp/claude-1000/-srv/s/tasks/b.output"}"#),
                    ok("1"),
                    tool("2", "2", "Read", r#"{"file_path":"/tmp/claude-1000/-srv/s/tasks/b.output"}"#),
                    ok("2"),
                ],
                "open, 2 calls",
            ),
        ],
    );
}

#[test]
fn questions_wait_for_a_person() {
    let ask =
        || tool("1", "1", "AskUserQuestion", r#"{"questions":[{"question":"Which one?","header":"h","options":[]}]}"#);
    let plan = || tool("1", "1", "ExitPlanMode", r##"{"plan":"# Plan"}"##);
    check(
        fold,
        &[
            ("asked", vec![prompt("go"), ask()], "open, in AskUserQuestion `Which one?`, asks, 1 calls"),
            ("answered", vec![prompt("go"), ask(), ok("1")], "open, 1 calls"),
            (
                "a plan to approve",
                vec![prompt("go"), plan()],
                "open, in ExitPlanMode `approve the plan?`, asks, 1 calls",
            ),
            ("approved", vec![prompt("go"), plan(), ok("1")], "open, 1 calls"),
            (
                "rejected",
                vec![prompt("go"), plan(), failed("1", "The user doesn't want to proceed with this tool use.")],
                "open, 1 calls",
            ),
        ],
    );
}

fn create(call: &str, subject: &str) -> String {
    tool(
        "1",
        call,
        "TaskCreate",
        &format!(r#"{{"subject":"{subject}","description":"d","activeForm":"{subject}ing"}}"#),
    )
}

fn created(call: &str, id: &str) -> String {
    answer(call, r#""content":"created""#, &format!(r#","toolUseResult":{{"task":{{"id":"{id}","subject":"s"}}}}"#))
}

fn update(call: &str, id: &str, status: &str) -> String {
    tool(call, call, "TaskUpdate", &format!(r#"{{"taskId":"{id}","status":"{status}"}}"#))
}

fn updated(call: &str, id: &str, to: &str) -> String {
    answer(
        call,
        r#""content":"Updated""#,
        &format!(
            r#","toolUseResult":{{"success":true,"taskId":"{id}","updatedFields":["status"],"statusChange":{{"from":"pending","to":"{to}"}}}}"#
        ),
    )
}

fn no(call: &str, id: &str) -> String {
    answer(
        call,
        r#""content":"Task not found""#,
        &format!(r#","toolUseResult":{{"success":false,"taskId":"{id}","updatedFields":[],"error":"Task not found"}}"#),
    )
}

fn two() -> Vec<String> {
    vec![prompt("go"), create("a", "Build"), create("b", "Test"), created("b", "2"), created("a", "1")]
}

fn done() -> Vec<String> {
    and(
        two(),
        vec![
            update("2", "1", "completed"),
            updated("2", "1", "completed"),
            update("3", "2", "completed"),
            updated("3", "2", "completed"),
        ],
    )
}

#[test]
fn plans() {
    let todo = r#"{"todos":[{"content":"Build","status":"completed","activeForm":"Building"},{"content":"Test","status":"in_progress","activeForm":"Testing"},{"content":"Ship","status":"pending","activeForm":"Shipping"}]}"#;
    check(
        fold,
        &[
            (
                "a whole list",
                vec![prompt("go"), tool("1", "1", "TodoWrite", todo), ok("1")],
                "open, 1 calls, 1/3 Testing",
            ),
            ("steps made one by one", two(), "open, 2 calls, 0/2 -"),
            (
                "the second one begins",
                and(two(), vec![update("2", "2", "in_progress"), updated("2", "2", "in_progress")]),
                "open, 3 calls, 0/2 Testing",
            ),
            (
                "told before it is answered",
                and(two(), vec![update("2", "2", "in_progress")]),
                "open, in TaskUpdate ``, 3 calls, 0/2 Testing",
            ),
            (
                "one is done",
                and(two(), vec![update("2", "1", "completed"), updated("2", "1", "completed")]),
                "open, 3 calls, 1/2 -",
            ),
            (
                "one is dropped",
                and(two(), vec![update("2", "1", "deleted"), updated("2", "1", "deleted")]),
                "open, 3 calls, 0/1 -",
            ),
            ("the answer is no", and(two(), vec![update("2", "1", "completed"), no("2", "1")]), "open, 3 calls, 0/2 -"),
            (
                "one could not be made",
                and(two(), vec![create("c", "Ship"), failed("c", "InputValidationError")]),
                "open, 3 calls, 1 failed, streak 1, 0/2 -",
            ),
            (
                "looked at",
                and(two(), vec![tool("2", "2", "TaskGet", r#"{"taskId":"1"}"#), created("2", "1")]),
                "open, 3 calls, 0/2 -",
            ),
            (
                "a new list begins anew",
                and(
                    done(),
                    vec![
                        create("c", "Ship"),
                        created("c", "1"),
                        update("4", "1", "in_progress"),
                        updated("4", "1", "in_progress"),
                    ],
                ),
                "open, 6 calls, 0/1 Shiping",
            ),
        ],
    );
}
