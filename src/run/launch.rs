//! How each client is started without a terminal: its command line, where its prompt goes, and how a session is
//! resumed. Read from `--help` of the versions that `docs/run.md` names.
//!
//! No row holds an option that gives an agent a permission: whoever wants one writes it after `--`.

/// Where a client takes its prompt from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PromptBy {
    /// Nobody sees it in `ps`.
    Stdin,
    /// As the value of this option.
    Option(&'static str),
}

/// How a client names its sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SessionBy {
    /// We choose the id, and give it with this option.
    Option(&'static str),
    /// The client chooses it, and prints it in its rows.
    Printed,
}

/// How a session is taken up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ResumeBy {
    /// `--resume ID`
    Option(&'static str),
    /// `--resume=ID`
    Joined(&'static str),
    /// Words before the others: `exec resume ID`.
    Words(&'static [&'static str]),
}

/// One client.
#[derive(Debug)]
pub(crate) struct Launch {
    /// As everywhere else.
    pub(crate) name: &'static str,
    /// The program, which is also accepted as the client's name.
    pub(crate) program: &'static str,
    /// The first words after the program.
    words: &'static [&'static str],
    options: &'static [&'static str],
    prompt: PromptBy,
    /// The last argument, which says that the prompt is on stdin.
    marker: Option<&'static str>,
    session: SessionBy,
    resume: ResumeBy,
}

static CLIENTS: &[Launch] = &[
    Launch {
        name: "claude-code",
        program: "claude",
        words: &["-p"],
        options: &["--output-format", "stream-json", "--verbose"],
        prompt: PromptBy::Stdin,
        marker: None,
        session: SessionBy::Option("--session-id"),
        resume: ResumeBy::Option("--resume"),
    },
    Launch {
        name: "codex",
        program: "codex",
        words: &["exec"],
        options: &["--json"],
        prompt: PromptBy::Stdin,
        marker: Some("-"),
        session: SessionBy::Printed,
        resume: ResumeBy::Words(&["exec", "resume"]),
    },
    Launch {
        name: "opencode",
        program: "opencode",
        words: &["run"],
        options: &["--format", "json"],
        prompt: PromptBy::Stdin,
        marker: None,
        session: SessionBy::Printed,
        resume: ResumeBy::Option("--session"),
    },
    Launch {
        name: "gemini-cli",
        program: "gemini",
        words: &[],
        options: &["-o", "stream-json"],
        prompt: PromptBy::Stdin,
        marker: None,
        session: SessionBy::Option("--session-id"),
        resume: ResumeBy::Option("--resume"),
    },
    Launch {
        name: "qwen-code",
        program: "qwen",
        words: &[],
        options: &["-o", "stream-json"],
        prompt: PromptBy::Stdin,
        marker: None,
        session: SessionBy::Option("--session-id"),
        resume: ResumeBy::Option("--resume"),
    },
    Launch {
        name: "copilot",
        program: "copilot",
        words: &[],
        options: &["--output-format", "json"],
        prompt: PromptBy::Option("-p"),
        marker: None,
        session: SessionBy::Option("--session-id"),
        resume: ResumeBy::Joined("--resume"),
    },
];

/// What an agent is told that goes on after an interruption.
const GO_ON: &str = "Continue where you were interrupted.";

/// A command line, and what goes to its stdin.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Started {
    pub(crate) argv: Vec<String>,
    pub(crate) stdin: Option<String>,
}

impl Launch {
    /// Whether the id of a new session is ours to choose.
    pub(crate) fn takes_id(&self) -> bool {
        matches!(self.session, SessionBy::Option(_))
    }

    /// A new session with this prompt; with the given id, where the client takes one.
    pub(crate) fn start(&self, prompt: &str, id: Option<&str>, arguments: &[String]) -> Started {
        let id = match (self.session, id) {
            (SessionBy::Option(option), Some(id)) => vec![option.to_owned(), id.to_owned()],
            _ => Vec::new(),
        };
        self.line(self.words, &id, prompt, arguments)
    }

    /// The session of this id, taken up again.
    pub(crate) fn resume(&self, id: &str, arguments: &[String]) -> Started {
        let (words, options) = match self.resume {
            ResumeBy::Option(option) => (self.words, vec![option.to_owned(), id.to_owned()]),
            ResumeBy::Joined(option) => (self.words, vec![format!("{option}={id}")]),
            ResumeBy::Words(words) => (words, vec![id.to_owned()]),
        };
        self.line(words, &options, GO_ON, arguments)
    }

    fn line(&self, words: &[&str], session: &[String], prompt: &str, arguments: &[String]) -> Started {
        let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let mut argv = vec![self.program.to_owned()];
        argv.extend(own(words));
        // A session's id is an operand where the words ask for it.
        let is_operand = session.len() == 1 && !session[0].starts_with('-');
        let options = own(self.options);
        argv.extend(if is_operand { [session, &options[..]].concat() } else { [&options[..], session].concat() });
        argv.extend_from_slice(arguments);
        let stdin = match self.prompt {
            PromptBy::Stdin => Some(prompt.to_owned()),
            PromptBy::Option(option) => {
                argv.extend([option.to_owned(), prompt.to_owned()]);
                None
            }
        };
        argv.extend(self.marker.map(str::to_owned));
        Started { argv, stdin }
    }
}

/// The client of that name, or of that program.
pub(crate) fn client(name: &str) -> Option<&'static Launch> {
    CLIENTS.iter().find(|client| client.name == name || client.program == name)
}

/// That there is no such client.
pub(crate) fn unknown(name: &str) -> String {
    let names: Vec<_> = CLIENTS.iter().map(|client| client.name).collect();
    format!("no client `{}`; clients: {}", crate::text::one_line(name, 40), names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_is_started_and_resumed_as_its_help_says() {
        let cases = [
            (
                "claude",
                "claude -p --output-format stream-json --verbose --session-id ID --x",
                "claude -p --output-format stream-json --verbose --resume ID --x",
                true,
            ),
            ("codex", "codex exec --json --x -", "codex exec resume ID --json --x -", true),
            ("opencode", "opencode run --format json --x", "opencode run --format json --session ID --x", true),
            ("gemini", "gemini -o stream-json --session-id ID --x", "gemini -o stream-json --resume ID --x", true),
            ("qwen-code", "qwen -o stream-json --session-id ID --x", "qwen -o stream-json --resume ID --x", true),
            (
                "copilot",
                "copilot --output-format json --session-id ID --x -p PROMPT",
                "copilot --output-format json --resume=ID --x -p GO_ON",
                false,
            ),
        ];
        assert_eq!(cases.len(), CLIENTS.len());
        let more = ["--x".to_owned()];
        for (name, start, resume, by_stdin) in cases {
            let client = client(name).unwrap();
            let started = client.start("PROMPT", Some("ID"), &more);
            assert_eq!((started.argv.join(" ").as_str(), started.stdin.is_some()), (start, by_stdin), "{name}");
            let resumed = client.resume("ID", &more);
            assert_eq!(resumed.argv.join(" ").replace(GO_ON, "GO_ON"), resume, "{name}");
            assert_eq!(resumed.stdin.as_deref(), by_stdin.then_some(GO_ON), "{name}");
        }
    }

    #[test]
    fn no_client_is_given_a_permission() {
        const GIVES: [&str; 8] = ["yolo", "danger", "allow", "skip", "full-auto", "bypass", "approv", "trust"];
        for client in CLIENTS {
            let words = client.start("", Some("ID"), &[]).argv.into_iter().chain(client.resume("ID", &[]).argv);
            for word in words {
                assert!(!GIVES.iter().any(|gives| word.contains(gives)), "{}: {word}", client.name);
            }
        }
    }
}
