//! Whose program a process runs, told from its command line and its executable, never from the name it
//! gives itself.

use std::path::Path;

/// What a client's program is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Works on a task; headless: it ends with its turn. `None`: the command line does not tell.
    Agent { headless: Option<bool> },
    /// Outlives agents, so its working directory says nothing; what it holds open does.
    Helper,
}

/// How the processes of one client are recognised.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) client: &'static str,
    /// File names of its executables, which are also the last part of `argv[0]`.
    pub(crate) names: &'static [&'static str],
    /// Parts of the path of the script that a JavaScript runtime runs: `@google/gemini-cli`.
    pub(crate) packages: &'static [&'static str],
    /// Gets the command line from the program on, so the script comes first if there is one.
    pub(crate) role: fn(&[String]) -> Role,
    /// Which of its open files are logs, by their names; without it they are not worth reading.
    pub(crate) is_log: Option<fn(&str) -> bool>,
    /// The variables that move its files.
    pub(crate) variables: &'static [&'static str],
}

const RUNTIMES: [&str; 4] = ["node", "nodejs", "bun", "deno"];
/// Options of the runtimes whose value is an argument of its own.
const VALUED: [&str; 8] =
    ["-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions", "--env-file"];
/// Options that take the place of a script.
const SCRIPTLESS: [&str; 4] = ["-e", "--eval", "-p", "--print"];

/// The program that a process runs, if one of `programs`.
pub(super) fn recognise<'a>(programs: &[&'a Program], argv: &[String], exe: Option<&Path>) -> Option<&'a Program> {
    let called = base(argv.first()?);
    let file = exe.and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
    let script = own(argv).first().filter(|_| RUNTIMES.contains(&called)).map_or("", String::as_str);
    // A client may bring its runtime along, and call it what it likes.
    let runtime = exe.filter(|_| RUNTIMES.contains(&file)).map(|exe| exe.to_string_lossy().into_owned());
    let paths: Vec<String> = runtime.into_iter().chain((!script.is_empty()).then(|| format!("/{script}/"))).collect();
    let installed = [exe, argv.first().map(Path::new)].map(|path| path.and_then(versioned).unwrap_or_default());
    programs.iter().copied().find(|program| {
        let named = |name: &str| program.names.contains(&name.strip_suffix(".exe").unwrap_or(name));
        // A script that a package manager linked into a `bin` folder has the client's name.
        named(called)
            || named(file)
            || named(base(script))
            || installed.iter().any(|folder| program.names.contains(folder))
            || paths.iter().any(|path| program.packages.iter().any(|package| path.contains(&format!("/{package}/"))))
    })
}

/// The folder of a program that is called as its version, `claude` of `claude/versions/2.1.29`.
fn versioned(path: &Path) -> Option<&str> {
    let version = path.file_name()?.to_str()?;
    let folder = path.parent().filter(|folder| folder.ends_with("versions"))?.parent()?;
    folder.file_name()?.to_str().filter(|_| version.starts_with(|letter: char| letter.is_ascii_digit()))
}

/// The command line from the program on: without the runtime and its options.
pub(super) fn own(argv: &[String]) -> &[String] {
    if !argv.first().is_some_and(|first| RUNTIMES.contains(&base(first))) {
        return argv;
    }
    let mut at = 1;
    while let Some(argument) = argv.get(at) {
        match argument.as_str() {
            option if SCRIPTLESS.contains(&option) => break,
            option if VALUED.contains(&option) => at += 2,
            option if option.starts_with('-') => at += 1,
            "run" if at == 1 => at += 1,
            _ => return &argv[at..],
        }
    }
    &[]
}

/// The name of a program as its first argument gives it. A title with spaces (`npm exec @openai/codex`) is no
/// path: its first word counts.
pub(super) fn base(first: &str) -> &str {
    let path = if first.starts_with('/') { first } else { first.split_whitespace().next().unwrap_or_default() };
    path.rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) static CLAUDE: Program = Program {
        client: "claude-code",
        names: &["claude"],
        packages: &["@anthropic-ai/claude-code"],
        role: |argv| Role::Agent { headless: Some(argv.iter().any(|argument| argument == "-p")) },
        is_log: None,
        variables: &[],
    };
    pub(crate) static CODEX: Program = Program {
        client: "codex",
        names: &["codex"],
        packages: &["@openai/codex"],
        role: |argv| {
            if argv.get(1).is_some_and(|word| word == "app-server") {
                Role::Helper
            } else {
                Role::Agent { headless: None }
            }
        },
        is_log: Some(|name| name.starts_with("rollout-")),
        variables: &["CODEX_HOME"],
    };

    /// Command line, executable, and what that is.
    type Case<'a> = (&'a [&'a str], &'a str, Option<(&'a str, Role)>);

    #[test]
    fn tells_agents_from_what_only_mentions_them() {
        let headless = |is| Some(("claude-code", Role::Agent { headless: Some(is) }));
        let codex = Some(("codex", Role::Agent { headless: None }));
        let module = "/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js";
        let cases: [Case; 34] = [
            (&["claude"], "/home/dev/.local/share/claude/versions/2.1.0", headless(false)),
            (&["/usr/bin/claude", "-p", "fix"], "/usr/bin/claude", headless(true)),
            (&["tool", "-p"], "/usr/bin/claude", headless(true)),
            (&["claude --resume a/b"], "/usr/bin/node", headless(false)),
            (&["node", module, "-p"], "/usr/bin/node", headless(true)),
            (&["node", "--max-old-space-size=4096", "-r", "hook.js", module], "/usr/bin/node", headless(false)),
            (&["bun", "run", module], "/usr/bin/bun", headless(false)),
            (&["node", "/usr/local/bin/claude"], "/usr/bin/node", headless(false)),
            (&["/opt/codex", "exec", "do it"], "/opt/codex", codex),
            (&["codex", "app-server", "--listen"], "/opt/codex", Some(("codex", Role::Helper))),
            (&["/home/my dev/bin/codex"], "", codex),
            (&["npm exec @openai/codex"], "/usr/bin/node", None),
            (&["vim", "claude"], "/usr/bin/vim", None),
            (&["bash", "logs/run-codex.log"], "/usr/bin/bash", None),
            (&["bash", "/usr/bin/claude"], "/usr/bin/bash", None),
            (&["tail", "-f", module], "/usr/bin/tail", None),
            (&["node", "server.js", module], "/usr/bin/node", None),
            (&["node", "/lib/@openai/codex-sdk/run.js"], "/usr/bin/node", None),
            (&["node", "@openai/codex/bin/codex.js"], "/usr/bin/node", codex),
            (&["node", "-e", module], "/usr/bin/node", None),
            (&["agent", "index.js"], "/lib/@openai/codex/1/node", codex),
            (&["agent", "index.js"], "/lib/@openai/codex/1/rg", None),
            (&["node", "--require"], "/usr/bin/node", None),
            (&["claude.exe"], "", headless(false)),
            (&["agent"], "/usr/lib/claude-code/bin/claude.exe", headless(false)),
            (&["notclaude.exe"], "/opt/claude.exe.old", None),
            (&["2.1.29", "-p"], "/home/dev/.local/share/claude/versions/2.1.29", headless(true)),
            (&["/opt/claude/versions/2.1.29-beta.1"], "", headless(false)),
            (&["2.1.29"], "", None),
            (&["2.1.29"], "/opt/claude-tools/versions/2.1.29", None),
            (&["x"], "/home/dev/claude/versions/x", None),
            (&["2.1.29"], "/home/dev/claude/releases/2.1.29", None),
            (&[""], "", None),
            (&[], "/usr/bin/claude", None),
        ];
        for (argv, exe, wanted) in cases {
            let argv: Vec<String> = argv.iter().map(ToString::to_string).collect();
            let found = recognise(&[&CLAUDE, &CODEX], &argv, Some(Path::new(exe)));
            assert_eq!(found.map(|program| (program.client, (program.role)(own(&argv)))), wanted, "{argv:?} {exe}");
        }
    }
}
