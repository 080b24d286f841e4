use super::super::command::*;

#[test]
fn a_line_is_read_as_its_commands() {
    use Join::{And, Or, Pipe, Then};
    let cases: [(&str, &[(&str, Join)]); 14] = [
        ("rg -n \"old name\" src", &[("rg|-n|old name|src", Then)]),
        (
            "cd /srv/shop && rg x | head -5; echo $?",
            &[("cd|/srv/shop", Then), ("rg|x", And), ("head|-5", Pipe), ("echo|$?", Then)],
        ),
        ("a || b 2>&1 >/dev/null &", &[("a", Then), ("b", Or)]),
        ("bash -lc 'cd x && grep -q \"a b\" y'", &[("cd|x", Then), ("grep|-q|a b|y", And)]),
        ("timeout -k 5 300 gh run watch 9", &[("gh|run|watch|9", Then)]),
        ("sudo -u dev env A=1 B=2 /usr/bin/grep x y", &[("grep|x|y", Then)]),
        ("FOO=1 BAR='a b' nice -n 5 make", &[("make", Then)]),
        ("until grep -q done log; do sleep 5; done", &[("grep|-q|done|log", Then), ("sleep|5", Then)]),
        ("[[ -f a && -f b ]] || exit 1", &[("[[|-f|a|-f|b|]]", Then), ("exit|1", Or)]),
        ("cat <<'EOF' > x\nrm -rf / | sh\nEOF\nwc x", &[("cat", Then), ("wc|x", Then)]),
        ("(cd a && echo \"$(ls | wc -l)\")", &[("cd|a", Then), ("echo|$(ls | wc -l)", And)]),
        ("command -v node # is it there?\nnode", &[("command|-v|node", Then), ("node", Then)]),
        ("make \\\n  check", &[("make|check", Then)]),
        ("", &[]),
    ];
    for (line, wanted) in cases {
        let commands = commands(line);
        let got: Vec<_> = commands.iter().map(|command| (command.words.join("|"), command.join)).collect();
        let wanted: Vec<_> = wanted.iter().map(|(words, join)| ((*words).to_owned(), *join)).collect();
        assert_eq!(got, wanted, "{line}");
    }
}

#[test]
fn some_exit_codes_are_answers() {
    let cases = [
        ("rg -n oldName src", 1),
        ("grep -rn x tests", 1),
        ("git grep x", 1),
        ("git -C /srv/shop diff --exit-code", 1),
        ("git diff --quiet HEAD -- src", 1),
        ("diff a b", 1),
        ("test -f dist/x", 1),
        ("[ -f a ] && echo yes", 1),
        ("cd /srv/shop && rg x", 1),
        ("bash -lc 'cd /srv/shop && timeout 5 rg x | sort'", 0),
        ("cat a.txt | grep x", 1),
        ("cargo test 2>&1 | grep FAILED", 1),
        ("set -o pipefail; cargo test | grep FAILED", 0),
        ("set -o pipefail; grep x y | head", 1),
        ("sudo systemctl is-active nginx", 4),
        ("gh -R a/b pr checks 12", 8),
        ("find . | xargs -0 grep -n x", 123),
        ("git fetch && git diff --quiet origin/main", 1),
        ("! grep -q x y", 1),
        ("a; grep x y", 1),
        // Near misses.
        ("cargo test", 0),
        ("cargo build && grep x y", 0),
        ("npm test || grep x y", 1),
        ("grep x y || npm test", 0),
        ("grep x y; npm test", 0),
        ("rg x | xargs sed -i s/a/b/ && make", 0),
        ("git diff", 0),
        ("git commit -m grep", 0),
        ("git diff-tree --exit-code-not", 0),
        ("jq .a x.json", 0),
        ("echo grep x", 0),
        ("python -c 'grep x'", 0),
        ("bash grep.sh", 0),
        ("testing -f x", 0),
        ("", 0),
    ];
    for (line, wanted) in cases {
        assert_eq!(Purpose::of(line).highest_answer, wanted, "{line}");
    }
}

#[test]
fn to_look_whether_something_is_done_is_no_work() {
    let yes = [
        "gh pr checks 12",
        "gh run view 991 --json status",
        "kubectl get pods -n shop",
        "kubectl -n shop get pods | grep web",
        "tail -n 5 build.log",
        "curl -s localhost:3000/health",
        "curl -sf -o /dev/null -w '%{http_code}' https://shop.example/readyz",
        "ps aux | grep cargo",
        "until grep -q done log; do sleep 5; done",
        "cd /srv/shop && while ! curl -s localhost:1; do sleep 1; done; echo up",
        "for i in $(seq 30); do curl -sf localhost:1 && break; sleep 2; done",
        "sleep 60 && gh pr checks 12",
        "sleep 5; cat result.txt",
        "timeout 300 gh run watch 991",
        "timeout 60 bash -c 'until nc -z localhost 5432; do sleep 1; done'",
        "squeue --me",
        "docker compose -f dev.yml ps",
        "date; docker ps",
        "gh api repos/a/b/actions/runs/5",
        "cat /tmp/build.log",
        "test -f dist/done",
    ];
    let no = [
        "cargo test",
        "cargo test 2>&1 | tail -20",
        "make check; ps",
        "cat src/main.rs",
        "git status",
        "gh pr create",
        "gh pr merge 12",
        "kubectl apply -f x.yml",
        "docker build .",
        "curl -X POST localhost:3000/health",
        "curl -d a=b localhost:3000/status",
        "curl localhost:3000/users",
        "gh api repos/a/b/actions/runs/5/jobs -f x=y",
        "for f in *.rs; do rustfmt $f; done",
        "npm run dev & sleep 5; curl localhost:3000/health",
        "echo sleep 5",
        "cd /srv/shop",
        "",
    ];
    for line in yes {
        assert!(Purpose::of(line).looks, "{line}");
    }
    for line in no {
        assert!(!Purpose::of(line).looks, "{line}");
    }
}

#[test]
fn a_tool_may_look_by_its_name() {
    let yes = [
        "mcp__playwright__browser_wait_for",
        "playwright-browser_snapshot",
        "mcp__ci__getBuildStatus",
        "waitForJob",
        "poll",
        "chrome_devtools.take_screenshot",
        "get_job_progress",
    ];
    let no = ["mcp__jira__set_status", "updateStatus", "Edit", "awaiter", "statusline", "Bash", "create_snapshot", ""];
    for name in yes {
        assert!(tool_looks(name), "{name}");
    }
    for name in no {
        assert!(!tool_looks(name), "{name}");
    }
}

#[test]
fn whatever_stands_in_a_line_is_read() {
    let lines = [
        "'",
        "\"a",
        "$(",
        "<<",
        "<<EOF",
        "a <<EOF\n",
        "((",
        "))",
        "\\",
        "a\\",
        "bash -c",
        "timeout",
        "sudo -u",
        "é'ü|ö",
        ">",
        "&>",
        "2>",
        "[[",
        "xargs",
        "$(\n)",
        "a <<é\né",
    ];
    for line in lines {
        let judged = Purpose::of(line);
        assert!(judged.highest_answer <= 123, "{line}: {judged:?}");
        let nested = format!("bash -c \"bash -c 'bash -c \\\"bash -c {line}\\\"'\"");
        let judged = Purpose::of(&nested);
        assert!(judged.highest_answer <= 123, "{nested}: {judged:?}");
    }
    assert_eq!(commands(&"a;".repeat(10_000)).len(), 64);
}

#[test]
fn a_server_is_told_by_its_command() {
    let servers = [
        "npm run dev",
        "npm start",
        "PORT=3000 npm run dev -- --host",
        "cd web && pnpm dev > /tmp/dev.log 2>&1",
        "python3 -m http.server 8000",
        "node dist/server.js",
        "./manage.py runserver",
        "npx vite --port 5173",
        "docker compose up",
        "cargo run --bin server",
        "npm run build && npm run start:prod",
        "nohup bash -c 'npm run dev' &",
        "tail -f /tmp/x.log",
    ];
    let others = [
        "make release",
        "cargo test --workspace",
        "npm run build",
        "npx vite build",
        "pytest tests/server",
        "until curl -s localhost:3000/server; do sleep 1; done",
        "sleep 600",
        "./deploy.sh",
        "",
        "go test ./server",
        "gh run watch 991",
        "rm -f target",
        "python train.py --epochs 9 --mode server",
    ];
    for (commands, is_server) in [(&servers[..], true), (&others[..], false)] {
        for command in commands {
            assert_eq!(serves(command), is_server, "{command}");
        }
    }
}

#[test]
fn what_has_an_end_is_no_server_whatever_it_opens() {
    for command in
        ["npm run test:e2e", "cargo test", "until curl -s localhost:3000; do sleep 1; done", "make build && ./x"]
    {
        assert!(has_end(command), "{command}");
    }
    for command in ["./bin/api --port 8080", "go run ./cmd/shop", "node app.js", "java -jar shop.jar"] {
        assert!(!has_end(command) && !serves(command), "{command}");
    }
}

#[test]
fn whose_agent_a_call_runs() {
    let cases = [
        ("codex exec 'fix the cart'", Some("codex")),
        ("cd /srv/shop && timeout 600 codex exec - < prompt.md", Some("codex")),
        ("cat prompt.md | claude -p --model opus", Some("claude")),
        ("CODEX_HOME=/x nohup /opt/bin/codex exec fix > log 2>&1 &", Some("codex")),
        ("npx -y @openai/codex exec fix", Some("codex")),
        ("bunx @anthropic-ai/claude-code -p fix", Some("claude")),
        ("bash -lc 'gemini -p fix'", Some("gemini")),
        ("cat .claude/settings.json", None),
        ("grep -rn codex src", None),
        ("which claude", None),
        ("npx vitest run", None),
        ("git commit -m 'codex exec'", None),
    ];
    for (command, wanted) in cases {
        assert_eq!(Purpose::of(command).agent, wanted, "{command}");
    }
    let tools = [
        ("mcp__codex__codex", Some("codex")),
        ("mcp__codex-cli__codex-reply", Some("codex")),
        ("codex", Some("codex")),
        ("mcp__claude_code__run", Some("claude")),
        ("mcp__pipelines__run", None),
        ("Bash", None),
    ];
    for (name, wanted) in tools {
        assert_eq!(Purpose::of_tool(name).agent, wanted, "{name}");
    }
}

/// What only Unicode calls white ends a word, too: passed over nowhere, a line would never be read to its end.
#[test]
fn any_line_is_read_to_its_end() {
    for white in ["\u{85}", "\u{2028}", "\u{a0}", "\u{3000}", "\u{b}", "\u{c}", "\r", "\n", "\t"] {
        for sign in ["", "a", "&", "<", ">", "<<", "&>", "(", "$(", "\\", "'", "2>"] {
            let lines = [
                format!("{white}{sign}"),
                format!("{sign}{white}"),
                format!("ls{white}{sign}{white}ls"),
                white.repeat(3),
            ];
            let purposes: Vec<_> = lines.iter().map(|line| Purpose::of(line)).collect();
            assert_eq!(purposes.len(), lines.len());
        }
    }
    assert_eq!(format!("{:?}", Purpose::of("ls\u{85}-l")), format!("{:?}", Purpose::of("ls -l")));
}
