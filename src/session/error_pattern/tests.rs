//! Real error texts, and what they have in common.

use proptest::prelude::*;

use super::super::error_pattern::*;

fn pattern(text: &str) -> String {
    Telling::of(text).pattern
}

/// Two texts of different runs, and what they have in common.
const CASES: &[(&str, &str, &str)] = &[
    // cargo and rustc
    (
        "exit code 101: error[E0432] at /x/y.rs:12:5",
        "exit code 101: error[E0432] at /home/dev/z.rs:7:33",
        "exit 101: error[E0432] at <path>",
    ),
    (
        "Exit code 101\n   Compiling shop v0.1.0 (/srv/shop)\nerror[E0425]: cannot find function `price` in this scope\n --> src/cart.rs:41:9",
        "Exit code 101\n   Compiling shop v0.1.3 (/srv/shop)\nerror[E0425]: cannot find function `total` in this scope\n --> src/x.rs:1:1",
        "exit 101: error[E0425]: cannot find function <str> in this scope",
    ),
    (
        "exit 101: running 3 tests\ntest a ... ok\n\nthread 'cart::adds' panicked at src/cart.rs:88:9:\nassertion `left == right` failed",
        "exit 101: running 4 tests\n\nthread 'main' panicked at src/lib.rs:3:1:\nboom",
        "exit 101: thread <str> panicked at <path>:",
    ),
    (
        "exit 101: error: could not compile `shop` (lib) due to 3 previous errors; 1 warning emitted",
        "exit 101: error: could not compile `site` (lib) due to 12 previous errors; 4 warning emitted",
        "exit 101: error: could not compile <str> (lib) due to <n> previous errors; <n> warning emitted",
    ),
    // pytest and Python
    (
        "Exit code 1\n============ test session starts ============\nplatform linux -- Python 3.12.3\ncollected 8 items\n\ntests/test_a.py .F [100%]\n\n==== FAILURES ====\n____ test_add ____\n    def test_add():\n>       assert add(1, 2) == 4\nE       assert 3 == 4\nE        +  where 3 = add(1, 2)\n\ntests/test_a.py:4: AssertionError\n=== short test summary info ===\nFAILED tests/test_a.py::test_add - assert 3 == 4\n=== 1 failed, 7 passed in 0.03s ===",
        "Exit code 1\n============ test session starts ============\ncollected 2 items\nE       assert 5 == 12\n=== 1 failed in 1.20s ===",
        "exit 1: E assert <n> == <n>",
    ),
    (
        "Exit code 1\nTraceback (most recent call last):\n  File \"/srv/shop/a.py\", line 3, in <module>\n    import yaml\nModuleNotFoundError: No module named 'yaml'",
        "Exit code 1\nTraceback (most recent call last):\n  File \"b.py\", line 9, in <module>\nModuleNotFoundError: No module named 'requests'",
        "exit 1: ModuleNotFoundError: No module named <str>",
    ),
    (
        "exit 1: F.\n=====\nFAIL: test_b (tests.B.test_b)\n----\nTraceback (most recent call last):\n  File \"t.py\", line 8, in test_b\nAssertionError: 1 != 2\n----\nRan 2 tests in 0.001s\n\nFAILED (failures=1)",
        "exit 1: AssertionError: 30 != 20",
        "exit 1: AssertionError: <n> != <n>",
    ),
    (
        "FAILED tests/test_a.py::test_add - assert 3 == 4",
        "FAILED tests/b/test_a.py::test_add - assert 5 == 6",
        "FAILED <path>::test_add - assert <n> == <n>",
    ),
    // npm and node
    (
        "Exit code 254\nnpm error code ENOENT\nnpm error syscall open\nnpm error path /srv/shop/package.json",
        "Exit code 254\nnpm error code ENOENT\nnpm error path /srv/site/package.json",
        "exit 254: npm error code ENOENT",
    ),
    (
        "npm ERR! code E404\nnpm ERR! 404 Not Found - GET https://registry.npmjs.org/foo",
        "npm ERR! code E404\nnpm ERR! 404 Not Found - GET https://registry.npmjs.org/bar",
        "npm ERR! code E404",
    ),
    (
        "exit 1: node:internal/modules/cjs/loader:1215\n  throw err;\n  ^\n\nError: Cannot find module '/srv/shop/x.js'",
        "exit 1: node:internal/modules/cjs/loader:1143\n  throw err;\n\nError: Cannot find module './y'",
        "exit 1: Error: Cannot find module <str>",
    ),
    (
        "TypeError: Cannot read properties of undefined (reading 'id')\n    at f (/srv/a.js:3:9)",
        "TypeError: Cannot read properties of undefined (reading 'name')",
        "TypeError: Cannot read properties of undefined (reading <str>)",
    ),
    // make and C
    (
        "Exit code 2\ncc -c x.c\nx.c:3:5: error: 'y' undeclared (first use in this function)\nmake: *** [Makefile:3: x.o] Error 1",
        "Exit code 2\nlong/z.c:30:15: error: 'foo' undeclared (first use in this function)",
        "exit 2: <path>: error: <str> undeclared (first use in this function)",
    ),
    (
        "make: *** [Makefile:12: build] Error 2",
        "make: *** [Makefile:7: build] Error 1",
        "make: *** [Makefile:<n>: build] Error <n>",
    ),
    (
        "make: *** No rule to make target 'tset'.  Stop.",
        "make: *** No rule to make target 'x'.  Stop.",
        "make: *** No rule to make target <str>. Stop.",
    ),
    // git
    (
        "Exit code 128\nfatal: not a git repository (or any of the parent directories): .git",
        "exit 128: fatal: not a git repository (or any of the parent directories): .git",
        "exit 128: fatal: not a git repository (or any of the parent directories): .git",
    ),
    (
        "error: pathspec 'feature-12' did not match any file(s) known to git",
        "error: pathspec 'main' did not match any file(s) known to git",
        "error: pathspec <str> did not match any file(s) known to git",
    ),
    (
        "exit 1: Auto-merging src/a.rs\nCONFLICT (content): Merge conflict in src/a.rs\nAutomatic merge failed; fix conflicts and then commit the result.",
        "exit 1: Auto-merging b.py\nCONFLICT (content): Merge conflict in b.py",
        "exit 1: CONFLICT (content): Merge conflict in <path>",
    ),
    ("fatal: bad object 1a2b3c4d5e", "fatal: bad object 9f8e7d6", "fatal: bad object <hex>"),
    // tsc and go
    (
        "exit 2: src/a.ts(12,5): error TS2345: Argument of type 'string' is not assignable to parameter of type 'number'.",
        "exit 2: src/deep/b.ts(1,99): error TS2345: Argument of type 'A' is not assignable to parameter of type 'B'.",
        "exit 2: <path>(<n>,<n>): error TS2345: Argument of type <str> is not assignable to parameter of type <str>.",
    ),
    (
        "exit 1: # example.com/shop\n./main.go:12:2: undefined: foo",
        "exit 1: # example.com/shop\n./cart.go:7:15: undefined: foo",
        "exit 1: <path>: undefined: foo",
    ),
    (
        "exit 1: --- FAIL: TestAdd (0.00s)\n    add_test.go:9: got 3, want 4\nFAIL",
        "exit 1: --- FAIL: TestAdd (1.27s)\nFAIL\tx\t0.003s",
        "exit 1: --- FAIL: TestAdd (<duration>)",
    ),
    // shells and the system
    (
        "exit 127: bash: line 1: jq: command not found",
        "Exit code 127\nbash: line 33: jq: command not found",
        "exit 127: bash: line <n>: jq: command not found",
    ),
    (
        "exit 1: cat: src/a.txt: No such file or directory",
        "exit 1: cat: /x/b.rs: No such file or directory",
        "exit 1: cat: <path>: No such file or directory",
    ),
    ("bash: ./run.sh: Permission denied", "bash: ./x/y.sh: Permission denied", "bash: <path>: Permission denied"),
    (
        "ENOENT: no such file or directory, open '/srv/a'",
        "ENOENT: no such file or directory, open '/srv/b c'",
        "ENOENT: no such file or directory, open <str>",
    ),
    (
        "[Errno 13] Permission denied: '/etc/shadow'",
        "[Errno 13] Permission denied: '/root'",
        "[Errno 13] Permission denied: <str>",
    ),
    (
        "EACCES: permission denied, mkdir '/usr/lib/x'",
        "EACCES: permission denied, mkdir '/usr/lib/y'",
        "EACCES: permission denied, mkdir <str>",
    ),
    ("Exit code 137", "exit 137", "exit 137"),
    // the network, and the APIs
    (
        "curl: (7) Failed to connect to localhost port 8080 after 0 ms: Couldn't connect to server",
        "curl: (7) Failed to connect to localhost port 3000 after 12 ms: Couldn't connect to server",
        "curl: (<n>) Failed to connect to localhost port <n> after <duration>: Couldn't connect to server",
    ),
    ("connect ECONNREFUSED 127.0.0.1:5432", "connect ECONNREFUSED 10.0.0.7:80", "connect ECONNREFUSED <n>"),
    (
        "getaddrinfo ENOTFOUND api.example.com",
        "getaddrinfo ENOTFOUND api.example.com",
        "getaddrinfo ENOTFOUND api.example.com",
    ),
    (
        "fatal: unable to access 'https://github.com/a/b/': Could not resolve host: github.com",
        "fatal: unable to access 'https://github.com/c/': Could not resolve host: github.com",
        "fatal: unable to access <str>: Could not resolve host: github.com",
    ),
    (
        "GET https://a.example/x?y=1 returned HTTP/1.1 503 Service Unavailable",
        "GET http://b.example returned HTTP/2 503 Service Unavailable",
        "GET <url> returned HTTP 503 Service Unavailable",
    ),
    (
        "API Error: 529 {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"},\"request_id\":\"req_011CSHoEeqs5C35K2UUqR7Fy\"}",
        "API Error: 529 {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"},\"request_id\":\"req_099XYoEeqs5C35K2UUqR000\"}",
        "API Error: 529 {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"},\"request_id\":\"req_<id>\"}",
    ),
    (
        "exceeded retry limit, last status: 429 Too Many Requests, request id: 9f8b1c2d3e4f5a6b-FRA",
        "exceeded retry limit, last status: 429 Too Many Requests, request id: 0f8b1c2d3e4f5a6c-FRA",
        "exceeded retry limit, last status: 429 Too Many Requests, request id: <hex>-FRA",
    ),
    (
        "API Error: Request rejected (429) · try at 14:05:03",
        "API Error: Request rejected (429) · try at 15:00:00",
        "API Error: Request rejected (429) · try at <time>",
    ),
    (
        "prompt is too long: 210000 tokens > 200000 maximum",
        "prompt is too long: 200001 tokens > 200000 maximum",
        "prompt is too long: <n> tokens > <n> maximum",
    ),
    // clients
    (
        "File has not been read yet. Read it first before writing to it.",
        "File has not been read yet. Read it first before writing to it.",
        "File has not been read yet. Read it first before writing to it.",
    ),
    (
        "Command timed out after 2m 0s",
        "Command timed out after 30m 12s",
        "Command timed out after <duration> <duration>",
    ),
    (
        "Exit code: 1\nWall time: 0.1 seconds\nOutput:\ncat: x.txt: No such file or directory",
        "Exit code: 1\nWall time: 12 seconds\nOutput:\ncat: y.txt: No such file or directory",
        "exit 1: cat: <path>: No such file or directory",
    ),
    // what changes
    (
        "session 0c9d2f6a-4d2e-4c7b-9a57-0d1f6e1b2c3d is gone",
        "session 1c9d2f6a-4d2e-4c7b-9a57-0d1f6e1b2c3d is gone",
        "session <uuid> is gone",
    ),
    (
        "2026-11-20T14:05:03.120Z error: at 0x7fff5fbff8a0",
        "2026-11-21 04:05:03,001 error: at 0xdead",
        "<time> error: at <hex>",
    ),
    (
        "14:05:03 failed after 1.5s, 3m20s and 20 minutes",
        "00:00:00 failed after 0.2s, 1h2m and 1 minute",
        "<time> failed after <duration>, <duration> and <duration>",
    ),
    ("\u{1b}[1m\u{1b}[31merror\u{1b}[0m: bad", "error: bad", "error: bad"),
    (
        "the task worker-12 of node v20.1.0 failed",
        "the task worker-7 of node v22.0.1 failed",
        "the task worker-<n> of node v<n> failed",
    ),
    ("", "  \n ", "no message"),
    (
        "exit 1: /srv/shop/some/very/long/path/that/goes/on/and/on/and/on/and/on/and/on/and/on/and/on/and/on/and/on/and/on/and/on/and/on/and/on/and/on/and/on/z: Permission denied",
        "exit 1: /x/Y: Permission denied",
        "exit 1: <path>: Permission denied",
    ),
];

#[test]
fn two_runs_make_one_pattern() {
    for (one, other, wanted) in CASES {
        assert_eq!(pattern(one), *wanted, "{one}");
        assert_eq!(pattern(other), *wanted, "{other}");
    }
}

#[test]
fn different_failures_stay_different() {
    let texts = [
        "exit 1: grep: x.txt: No such file or directory",
        "exit 2: grep: x.txt: No such file or directory",
        "error[E0432]: unresolved import",
        "error[E0433]: unresolved import",
        "src/a.ts(1,1): error TS2304: Cannot find name 'x'.",
        "src/a.ts(1,1): error TS2552: Cannot find name 'x'.",
        "API Error: 529 overloaded",
        "API Error: 500 overloaded",
        "HTTP 404",
        "HTTP 403",
        "expected u8, found u16",
        "expected u8, found i32",
        "Please run /login",
        "Please run /clear",
    ];
    let patterns: std::collections::BTreeSet<_> = texts.iter().map(|text| pattern(text)).collect();
    assert_eq!(patterns.len(), texts.len(), "{patterns:#?}");
}

#[test]
fn a_telling_says_the_exit_code_once_and_no_secret() {
    let telling = Telling::of("Exit code 2\n\nboom\n");
    assert_eq!((&*telling.text, telling.exit), ("exit 2: boom", Some(2)));
    assert_eq!(Telling::of("exit codes are fun").exit, None);
    let token = ["gh", "p_"].concat() + &"a1B2".repeat(9);
    let telling = Telling::of(&format!("error: bad token {token} used"));
    assert!(telling.text.contains("[redacted:") && !telling.text.contains("a1B2"), "{telling:?}");
    assert!(!telling.pattern.contains("a1B2"), "{}", telling.pattern);
}

/// The line that tells is all that is scrubbed; what reaches into it is still seen.
#[test]
fn a_secret_that_goes_on_over_a_line_end_does_not_show() {
    let body: String = "a1B2c3D4e5F60718".chars().cycle().take(36).collect();
    let key = ["gh", "p_", &body].concat();
    let before = "x".repeat(60);
    for text in [
        format!("{before}\nerror: {key} is refused"),
        format!("{before}\nerror: the key of this long and wide line is {}\n{} is refused", &key[..20], &key[20..]),
        format!("{before} the key of this long and wide line is {}\n{}\nx", &key[..20], &key[20..]),
        format!("{}error: {key}", "é\n".repeat(199)),
    ] {
        let Telling { text: shown, pattern, .. } = Telling::of(&text);
        for part in [&body[..10], &body[10..20], &body[20..30]] {
            assert!(!shown.contains(part) && !pattern.contains(part), "{text} → {shown}");
        }
    }
}

proptest! {
    #[test]
    fn whatever_comes_is_one_short_harmless_line(text in any::<String>(), more in "[ -~\n\u{1b}éµ‘’0-9:./-]{0,300}") {
        for text in [&text, &more] {
            let telling = Telling::of(text);
            for line in [&telling.text, &telling.pattern] {
                prop_assert!(text::width(line) <= LONGEST && !line.contains(text::hazard::is_hazard), "{line:?}");
                prop_assert!(!line.is_empty());
            }
        }
    }

    #[test]
    fn numbers_make_no_difference(a in 0_u32..99_999, b in 0_u32..99_999) {
        prop_assert_eq!(pattern(&format!("error: line {a} of x, {a}:{a}")), pattern(&format!("error: line {b} of x, {b}:{b}")));
    }
}
