//! What is to be run: as it was asked for, and as it is once every default is in.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::launch;
use crate::base::hash::stable_hash;

/// The longest name of a run, in bytes: it is the name of files, of a branch and of a task.
const LONGEST_NAME: usize = 80;

/// A length of time, written as `15s`, `10m` or `2h 30m`; a bare number means seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(pub(crate) Duration);

impl Span {
    pub(crate) const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// # Errors
    /// The text is no length of time.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let seconds = text.trim().parse().map(Duration::from_secs);
        seconds.or_else(|_| humantime::parse_duration(text)).map(Self).map_err(|error| error.to_string())
    }
}

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(out)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "write seconds, `90s`, `10m` or `2h`")]
        enum Written {
            Seconds(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Seconds(seconds) => Ok(Self::seconds(seconds)),
            Written::Text(text) => Self::parse(&text).map_err(serde::de::Error::custom),
        }
    }
}

/// Whether a run has a worktree of its own: `true`, or the name of its branch.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum OwnWorktree {
    Wanted(bool),
    OnBranch(String),
}

/// What a person asked for. A key in a batch file has the name of the option.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Wishes {
    pub(crate) name: Option<String>,
    pub(crate) client: Option<String>,
    pub(crate) prompt: Option<String>,
    pub(crate) prompt_file: Option<PathBuf>,
    /// The command, as given; with a client, further arguments for it.
    pub(crate) command: Option<Vec<String>>,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) worktree: Option<OwnWorktree>,
    pub(crate) base: Option<String>,
    pub(crate) retries: Option<u32>,
    pub(crate) backoff: Option<Span>,
    pub(crate) wait_limit: Option<Span>,
    pub(crate) timeout: Option<Span>,
    pub(crate) stall_timeout: Option<Span>,
    pub(crate) grace: Option<Span>,
    pub(crate) keep_children: Option<bool>,
    pub(crate) hooks: Option<bool>,
    pub(crate) env: BTreeMap<String, String>,
}

impl Wishes {
    /// These, and where they are silent, those. A command without a prompt is for no client.
    pub(crate) fn or(self, other: &Self) -> Self {
        let is_command = self.command.is_some() && self.prompt.is_none() && self.prompt_file.is_none();
        let client = self.client.or_else(|| other.client.clone().filter(|_| !is_command));
        let mut env = other.env.clone();
        env.extend(self.env);
        Self {
            name: self.name.or_else(|| other.name.clone()),
            client,
            prompt: self.prompt.or_else(|| other.prompt.clone()),
            prompt_file: self.prompt_file.or_else(|| other.prompt_file.clone()),
            command: self.command.or_else(|| other.command.clone()),
            directory: self.directory.or_else(|| other.directory.clone()),
            worktree: self.worktree.or_else(|| other.worktree.clone()),
            base: self.base.or_else(|| other.base.clone()),
            retries: self.retries.or(other.retries),
            backoff: self.backoff.or(other.backoff),
            wait_limit: self.wait_limit.or(other.wait_limit),
            timeout: self.timeout.or(other.timeout),
            stall_timeout: self.stall_timeout.or(other.stall_timeout),
            grace: self.grace.or(other.grace),
            keep_children: self.keep_children.or(other.keep_children),
            hooks: self.hooks.or(other.hooks),
            env,
        }
    }

    /// With the defaults in place of what was left open, below this directory. `read` gives the text of the prompt's file.
    ///
    /// # Errors
    /// What is wrong or missing, in words for a person.
    pub(crate) fn resolve(self, below: &Path, read: impl Fn(&Path) -> Result<String, String>) -> Result<Spec, String> {
        let name = self.name.ok_or("no name")?;
        check_name(&name)?;
        let prompt = match (self.prompt, self.prompt_file) {
            (Some(_), Some(_)) => return Err("`prompt` and `prompt-file` exclude each other".to_owned()),
            (Some(prompt), None) => Some(prompt),
            (None, Some(path)) => Some(read(&below.join(path))?),
            (None, None) => None,
        };
        let prompt = prompt.filter(|prompt| !prompt.trim().is_empty());
        let command = self.command.unwrap_or_default();
        let work = match (self.client, prompt) {
            (Some(client), Some(prompt)) => {
                let client = launch::client(&client).ok_or_else(|| launch::unknown(&client))?.name.to_owned();
                Work::Prompt { client, prompt, arguments: command }
            }
            (Some(_), None) => return Err("a client needs a prompt".to_owned()),
            (None, Some(_)) => return Err("a prompt needs a client (`--client`)".to_owned()),
            (None, None) if command.is_empty() => return Err("no command and no prompt".to_owned()),
            (None, None) => Work::Command(command),
        };
        if let Some(key) = self.env.keys().find(|key| key.is_empty() || key.contains(['=', '\0'])) {
            return Err(format!("`{key}` is no name of a variable"));
        }
        let worktree = match self.worktree {
            None | Some(OwnWorktree::Wanted(false)) => None,
            Some(OwnWorktree::Wanted(true)) => Some(name.clone()),
            Some(OwnWorktree::OnBranch(branch)) => Some(branch),
        };
        Ok(Spec {
            name,
            work,
            directory: self.directory.map_or_else(|| below.to_path_buf(), |directory| below.join(directory)),
            worktree,
            base: self.base,
            env: self.env,
            retries: self.retries.unwrap_or(2),
            backoff: self.backoff.unwrap_or(Span::seconds(15)),
            wait_limit: self.wait_limit.unwrap_or(Span::seconds(6 * 3600)),
            timeout: self.timeout,
            stall_timeout: self.stall_timeout,
            grace: self.grace.unwrap_or(Span::seconds(10)),
            keep_children: self.keep_children.unwrap_or(false),
            hooks: self.hooks.unwrap_or(false),
        })
    }
}

/// What is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Work {
    /// A command, as it was given: no shell, no word of it changed.
    Command(Vec<String>),
    /// A prompt for a client whose command line is known.
    Prompt { client: String, prompt: String, arguments: Vec<String> },
}

/// A run, with nothing left open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Spec {
    pub(crate) name: String,
    pub(crate) work: Work,
    /// Where it works if it has no worktree of its own; an absolute path.
    pub(crate) directory: PathBuf,
    /// The branch of its own worktree.
    pub(crate) worktree: Option<String>,
    /// Where a new branch starts.
    pub(crate) base: Option<String>,
    pub(crate) env: BTreeMap<String, String>,
    /// Further attempts after the first.
    pub(crate) retries: u32,
    /// Before the first further attempt; it doubles.
    pub(crate) backoff: Span,
    /// How far away a reset time may lie.
    pub(crate) wait_limit: Span,
    /// Of one attempt.
    pub(crate) timeout: Option<Span>,
    /// How long an attempt may show no output at all.
    pub(crate) stall_timeout: Option<Span>,
    /// Between TERM and KILL.
    pub(crate) grace: Span,
    pub(crate) keep_children: bool,
    /// Whether the repository's hooks run when its worktree is made.
    pub(crate) hooks: bool,
}

impl Spec {
    /// The client that it is for, where that is known.
    pub(crate) fn client(&self) -> Option<&'static launch::Launch> {
        match &self.work {
            Work::Command(_) => None,
            Work::Prompt { client, .. } => launch::client(client),
        }
    }

    /// Changes with everything that was asked for.
    pub(crate) fn hash(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        format!("{:016x}", stable_hash([text.as_str()]))
    }
}

/// # Errors
/// The name cannot be that of a file, a branch and a task alike.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '_' | '-');
    let is_wrong = name.is_empty()
        || name.len() > LONGEST_NAME
        || !name.chars().all(is_plain)
        || name.starts_with(['.', '-'])
        // Git refuses such branches.
        || name.contains("..")
        || name.ends_with('.')
        || Path::new(name).extension().is_some_and(|end| end == "lock")
        // `status` reads these files as what they are called.
        || name == "aggregate-report";
    if is_wrong {
        let shown = crate::text::one_line(name, 100);
        return Err(format!(
            "`{shown}` cannot be a name: letters, digits, `.`, `_`, `-`, at most {LONGEST_NAME}, not beginning with `.` or `-`"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes(json: &str) -> Wishes {
        serde_json::from_str(json).unwrap()
    }

    fn resolve(json: &str) -> Result<Spec, String> {
        wishes(json).resolve(Path::new("/srv/shop"), |path| Ok(format!("of {}", path.display())))
    }

    #[test]
    fn a_name_is_a_file_a_branch_and_a_task() {
        let long = "x".repeat(80);
        for name in ["billing", "a", "A.b_c-9", long.as_str()] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        let longer = "x".repeat(81);
        let wrong = ["", ".a", "-a", "a b", "a/b", "ä", "a..b", "a.", "a.lock", "aggregate-report", "a\n", &longer];
        for name in wrong {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn what_is_left_open_gets_its_default() {
        let spec = resolve(r#"{"name":"a","command":["true"]}"#).unwrap();
        assert_eq!((spec.retries, spec.backoff, spec.grace), (2, Span::seconds(15), Span::seconds(10)));
        assert_eq!((spec.timeout, spec.stall_timeout, spec.wait_limit), (None, None, Span::seconds(21600)));
        assert_eq!((spec.worktree, spec.directory), (None, "/srv/shop".into()));
        let spec = resolve(
            r#"{"name":"a","client":"claude","prompt-file":"p.md","worktree":true,"directory":"sub","timeout":90,"grace":"1m"}"#,
        )
        .unwrap();
        let prompt = "of /srv/shop/p.md".to_owned();
        assert_eq!(spec.work, Work::Prompt { client: "claude-code".into(), prompt, arguments: vec![] });
        assert_eq!((spec.worktree.as_deref(), spec.directory), (Some("a"), "/srv/shop/sub".into()));
        assert_eq!((spec.timeout, spec.grace), (Some(Span::seconds(90)), Span::seconds(60)));
        assert_eq!(
            resolve(r#"{"name":"a","command":["x"],"worktree":"b/c"}"#).unwrap().worktree.as_deref(),
            Some("b/c")
        );
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        let cases = [
            (r#"{"command":["x"]}"#, "no name"),
            (r#"{"name":"a"}"#, "no command and no prompt"),
            (r#"{"name":"a","command":[]}"#, "no command and no prompt"),
            (r#"{"name":"a","prompt":"do"}"#, "a prompt needs a client (`--client`)"),
            (r#"{"name":"a","client":"codex"}"#, "a client needs a prompt"),
            (r#"{"name":"a","client":"codex","prompt":" "}"#, "a client needs a prompt"),
            (
                r#"{"name":"a","client":"codex","prompt":"x","prompt-file":"y"}"#,
                "`prompt` and `prompt-file` exclude each other",
            ),
            (r#"{"name":"a","command":["x"],"env":{"A=B":"c"}}"#, "`A=B` is no name of a variable"),
        ];
        for (json, wanted) in cases {
            assert_eq!(resolve(json), Err(wanted.to_owned()), "{json}");
        }
        let unknown = resolve(r#"{"name":"a","client":"clippy","prompt":"x"}"#).unwrap_err();
        assert!(unknown.starts_with("no client `clippy`; clients: claude-code, codex,"), "{unknown}");
        assert!(serde_json::from_str::<Wishes>(r#"{"name":"a","yolo":true}"#).is_err(), "an unknown key is a mistake");
    }

    #[test]
    fn a_task_goes_before_the_defaults_and_a_spec_survives_its_file() {
        let defaults = wishes(r#"{"retries":5,"env":{"A":"1","B":"2"},"grace":"3s"}"#);
        let joined = wishes(r#"{"name":"a","command":["x"],"retries":0,"env":{"B":"3"}}"#).or(&defaults);
        let plain = wishes(r#"{"command":["x"]}"#).or(&wishes(r#"{"client":"codex"}"#));
        assert_eq!(plain.client, None);
        let spec = joined.resolve(Path::new("/"), |_| Err(String::new())).unwrap();
        assert_eq!((spec.retries, spec.grace), (0, Span::seconds(3)));
        assert_eq!(spec.env, BTreeMap::from([("A".into(), "1".into()), ("B".into(), "3".into())]));
        let again: Spec = serde_json::from_str(&serde_json::to_string(&spec).unwrap()).unwrap();
        assert_eq!((again.hash(), &again), (spec.hash(), &spec));
        assert_ne!(Spec { retries: 1, ..spec.clone() }.hash(), spec.hash());
    }
}
