use super::super::answer::*;

fn same(one: &str, other: &str) -> bool {
    let fingerprint = |text: &str| Answer::of(0, text.as_bytes()).fingerprint();
    fingerprint(one) == fingerprint(other)
}

#[test]
fn how_long_and_by_whom_is_no_other_answer() {
    let pairs = [
        (
            "test result: FAILED. 3 passed; 1 failed; finished in 0.31s",
            "test result: FAILED. 3 passed; 1 failed; finished in 12.04s",
        ),
        ("Chunk ID: aa12da\\nWall time: 0.3 seconds\\nboom", "Chunk ID: 001122\\nWall time: 11 seconds\\nboom"),
        ("Chunk ID: abcdef\\nboom", "Chunk ID: 123456\\nboom"),
        (
            "{\\\"chunk_id\\\":\\\"9f\\\",\\\"wall_time_seconds\\\":0.05,\\\"exit_code\\\":1}",
            "{\\\"chunk_id\\\":\\\"0e\\\",\\\"wall_time_seconds\\\":1.5,\\\"exit_code\\\":1}",
        ),
        ("thread 'main' (24601) panicked at src/a.rs:12:5", "thread 'main' (31999) panicked at src/a.rs:12:5"),
        ("<Foo object at 0x7f3a12bc>", "<Foo object at 0x7f00aa00>"),
        (
            "npm log: /home/dev/.npm/_logs/2026-11-25T12_00_00_000Z-debug-0.log",
            "npm log: /home/dev/.npm/_logs/2026-11-25T12_03_07_123Z-debug-0.log",
        ),
        ("no such file: /tmp/tmp.Xa12/out.txt", "no such file: /tmp/tmp.qqZ9x/out.txt"),
        ("--- FAIL: TestA (0.00s)", "--- FAIL: TestA (1.20s)"),
        ("ECONNREFUSED 127.0.0.1:45123", "ECONNREFUSED 127.0.0.1:51002"),
        ("[14:05:03] build failed", "[14:07:59] build failed"),
        ("request 550e8400-e29b-41d4-a716-446655440000 failed", "request a50e8400-e29b-41d4-a716-446655440fff failed"),
        ("Process Group PGID: 4242", "Process Group PGID: 511"),
        ("test a ... ok\\ntest b ... ok", "test b ... ok\\ntest a ... ok"),
        ("Time:        2.345 s", "Time:        10.1 s"),
        ("done in 1m30s", "done in 59s"),
        ("a  b", "a b"),
        ("", "\\n"),
    ];
    for (one, other) in pairs {
        assert!(same(one, other), "{one} / {other}");
    }
}

#[test]
fn what_has_got_on_is_another_answer() {
    let pairs = [
        ("3 of 10 done", "4 of 10 done"),
        ("3/10", "4/10"),
        ("12 errors, finished in 0.31s", "8 errors, finished in 0.31s"),
        ("epoch 3 loss 0.53", "epoch 4 loss 0.48"),
        ("45%", "46%"),
        ("pending", "passing"),
        ("", "x"),
        ("5", "6"),
        ("1.2G target", "1.3G target"),
        ("src/a.rs:12:5: unused", "src/a.rs:14:5: unused"),
        ("....", "....."),
        ("finished in 0.5 seconds. 3 passed", "finished in 0.5 seconds. 4 passed"),
        ("Error: Cannot find module 'a'", "Error: Cannot find module 'b'"),
        ("v1.2.3", "v1.2.4"),
        ("a\\na", "a"),
    ];
    for (one, other) in pairs {
        assert!(!same(one, other), "{one} / {other}");
    }
}

#[test]
fn of_a_long_answer_both_ends_count() {
    let long = |first: &str, middle: &str, last: &str, lines: usize| {
        let middle = format!("{middle}\\n").repeat(lines);
        format!("{first}\\n{middle}{last}")
    };
    let base = long("Compiling a in 0.1s", "test x ... ok", "FAILED in 0.31s", 500);
    assert!(same(&base, &long("Compiling a in 11.1s", "test x ... ok", "FAILED in 10.04s", 500)));
    assert!(!same(&base, &long("Compiling b in 0.1s", "test x ... ok", "FAILED in 0.31s", 500)));
    assert!(!same(&base, &long("Compiling a in 0.1s", "test x ... ok", "PASSED in 0.31s", 500)));
    assert!(!same(&base, &long("Compiling a in 0.1s", "test x ... ok", "FAILED in 0.31s", 501)));
    let base = "x".repeat(10_000);
    assert!(same(&base, &base) && !same(&base, &"y".repeat(10_000)));
}
