//! One task out of what several files say of it: pure.

use std::cmp::Reverse;
use std::time::Duration;

use super::declaration::{Declared, StatusWord};
use crate::base::time::Time;

/// What was written this much later is of a later run.
pub(super) const SAME_RUN: Duration = Duration::from_secs(2);

/// Of more sessions of one task, the first ones are kept.
const MOST_SESSIONS: usize = 16;

/// What all of them say of one task. An exit code beats words, which timers and exit handlers overwrite; the
/// agent's own last word beats others'; and nothing beats a newer run. Errors, sessions and progress are gathered.
pub(crate) fn join(mut all: Vec<Declared>) -> Option<Declared> {
    // Names in the order they were found, which does not change from poll to poll.
    let id = all.iter().find_map(|one| one.id.clone());
    let name = all.iter().find_map(|one| one.name.clone());
    let later: Vec<bool> = all.iter().map(|one| one.is_over() && all.iter().any(|other| other.reruns(one))).collect();
    let mut later = later.into_iter();
    all.retain(|_| !later.next().unwrap_or(false));
    if all.iter().any(|one| one.supervised && one.goes_on()) {
        all.retain(|one| one.supervised || !one.is_over() || one.exit_code.is_some());
    }
    all.sort_by_key(|one| Reverse((one.strength(), one.heartbeat())));
    let word = word(&all);
    let status = all.iter().filter(|one| one.word == word).chain(&all).find_map(|one| one.status.clone());
    let joined = all.into_iter().reduce(Declared::and)?;
    let asks = joined.asks && joined.exit_code.is_none() && !word.is_some_and(StatusWord::is_end);
    Some(Declared { id, name, word, status, asks, ..joined })
}

/// What they come to; the strongest one stands first.
fn word(all: &[Declared]) -> Option<StatusWord> {
    let words = || all.iter().filter_map(|one| one.word);
    let said = words().find(|word| word.is_end()).or_else(|| words().next());
    match all.iter().find_map(|one| one.exit_code) {
        Some(0) => Some(StatusWord::Completed),
        Some(_) => said.filter(|word| word.is_end() && *word != StatusWord::Completed).or(Some(StatusWord::Failed)),
        None => said,
    }
}

impl Declared {
    /// Whether it says that the task goes on, and was written well after the other's end.
    fn reruns(&self, ended: &Self) -> bool {
        let after =
            |own: Option<Time>, other: Option<Time>| own.zip(other).map(|(own, other)| own > other.plus(SAME_RUN));
        let files = after(self.modified, ended.modified);
        self.goes_on() && files.or_else(|| after(self.heartbeat(), ended.end())).unwrap_or(false)
    }

    /// Whether it was written well before that.
    pub(super) fn is_before(&self, other: Option<Time>) -> bool {
        self.modified.zip(other).is_some_and(|(own, other)| other > own.plus(SAME_RUN))
    }

    /// How much its word counts.
    fn strength(&self) -> u8 {
        match self.word {
            _ if self.exit_code.is_some() => 7 + u8::from(self.supervised),
            Some(word) if word.is_end() => {
                3 + u8::from(self.status.is_some()) + u8::from(self.by_agent) + 2 * u8::from(self.supervised)
            }
            Some(StatusWord::Other) | None => 0,
            Some(_) => 1 + u8::from(self.supervised),
        }
    }

    /// With what only the other, a weaker one, has.
    fn and(mut self, other: Self) -> Self {
        for session in other.sessions {
            if self.sessions.len() < MOST_SESSIONS && !self.sessions.contains(&session) {
                self.sessions.push(session);
            }
        }
        // They belong together.
        let process = if self.pid.is_some() {
            (self.pid, self.pid_start, self.host)
        } else {
            (other.pid, other.pid_start, other.host)
        };
        (self.pid, self.pid_start, self.host) = process;
        Self {
            at: self.at.max(other.at),
            coarse: if self.at >= other.at { self.coarse } else { other.coarse },
            untrue: (self.untrue || other.untrue) && self.at.max(other.at).is_none(),
            assumed_zone: self.assumed_zone || other.assumed_zone,
            future: self.future || other.future,
            started: self.started.or(other.started),
            ended: self.ended.or(other.ended),
            exit_code: self.exit_code.or(other.exit_code),
            progress: self.progress.or(other.progress),
            message: self.message.or(other.message),
            pull_request: self.pull_request.or(other.pull_request),
            error: self.error.or(other.error),
            class: self.class.or(other.class),
            asks: self.asks || other.asks,
            question: self.question.or(other.question),
            branch: self.branch.or(other.branch),
            directory: self.directory.or(other.directory),
            retries: self.retries.max(other.retries),
            by_agent: self.by_agent,
            api_error: self.api_error || other.api_error,
            unended: self.unended || other.unended,
            active: self.active.max(other.active),
            modified: self.modified.max(other.modified),
            committed: self.committed && other.committed,
            supervised: self.supervised || other.supervised,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_216_265_000;

    #[expect(clippy::unnecessary_wraps, reason = "fits the fields")]
    fn at(seconds: i64) -> Option<Time> {
        Some(Time(NOW + seconds * 1000))
    }

    fn says(word: StatusWord, seconds: i64) -> Declared {
        let status = Some(format!("{word:?}").to_lowercase());
        Declared { word: Some(word), status, at: at(seconds), path: "status".into(), ..Declared::default() }
    }

    fn exit(code: i64, seconds: i64) -> Declared {
        Declared { exit_code: Some(code), modified: at(seconds), path: "exit".into(), ..Declared::default() }
    }

    fn by_agent(word: StatusWord, seconds: i64) -> Declared {
        Declared { by_agent: true, path: "stream".into(), ..says(word, seconds) }
    }

    fn supervised(word: StatusWord, seconds: i64) -> Declared {
        Declared { supervised: true, ..says(word, seconds) }
    }

    #[test]
    fn an_exit_code_beats_words_and_the_newest_run_wins() {
        use StatusWord::{Cancelled, Completed, Created, Failed, Other, Running, TimedOut, Waiting};
        let cases = [
            (vec![says(Running, 0), exit(0, 0)], Completed, Some(0), "exit"),
            (vec![says(TimedOut, 9), exit(0, 0)], Completed, Some(0), "exit"),
            (vec![says(Completed, 9), exit(3, 0)], Failed, Some(3), "exit"),
            (vec![says(TimedOut, 0), exit(143, 0)], TimedOut, Some(143), "exit"),
            (vec![says(Cancelled, 0), exit(143, 0)], Cancelled, Some(143), "exit"),
            (vec![by_agent(Cancelled, 0), exit(130, 0)], Cancelled, Some(130), "exit"),
            (vec![says(Running, 0), by_agent(Cancelled, 0), exit(137, 0)], Cancelled, Some(137), "exit"),
            (vec![says(Running, 2), exit(1, 0)], Failed, Some(1), "exit"),
            // It runs again.
            (vec![says(Running, 3), exit(1, 0)], Running, None, "status"),
            (vec![says(Created, 3), by_agent(Failed, 0), exit(1, 0)], Created, None, "status"),
            (vec![says(Waiting, 3), says(Completed, 0)], Waiting, None, "status"),
            // Its supervisor knows that it goes on, whatever an earlier attempt left.
            (vec![supervised(Created, 0), by_agent(Failed, 0)], Created, None, "status"),
            (vec![supervised(Waiting, 0), says(Running, 9)], Waiting, None, "status"),
            (vec![supervised(Running, 0), exit(0, 0)], Completed, Some(0), "exit"),
            (vec![supervised(Cancelled, 0), exit(143, 0), by_agent(Failed, 0)], Cancelled, Some(143), "exit"),
            (
                vec![
                    Declared { exit_code: Some(143), ..supervised(Cancelled, 0) },
                    Declared { exit_code: Some(143), ..by_agent(Failed, 9) },
                ],
                Cancelled,
                Some(143),
                "status",
            ),
            // Nothing that is over is a later run of anything.
            (vec![exit(1, 0), by_agent(Completed, 60)], Failed, Some(1), "exit"),
            (vec![says(Completed, 60), by_agent(Failed, 0)], Failed, None, "stream"),
            (vec![says(Failed, 0), says(Completed, 60)], Completed, None, "status"),
            (vec![says(Running, 0), says(Cancelled, 0)], Cancelled, None, "status"),
            (vec![says(Other, 60), says(Running, 0)], Running, None, "status"),
        ];
        for (all, word, code, path) in cases {
            for turned in [false, true] {
                let mut all = all.clone();
                if turned {
                    all.reverse();
                }
                let joined = join(all.clone()).unwrap();
                assert_eq!((joined.word, joined.exit_code), (Some(word), code), "{all:?}");
                assert_eq!(joined.path.to_str(), Some(path), "{all:?}");
            }
        }
        assert_eq!(join(Vec::new()), None);
    }

    #[test]
    fn what_only_one_says_is_kept() {
        let one = Declared { sessions: vec!["s".into()], pid: Some(7), ..says(StatusWord::Running, 0) };
        let other = Declared {
            unended: true,
            sessions: vec!["t".into(), "s".into()],
            pid: Some(8),
            pid_start: Some(80),
            id: Some("bg_1".into()),
            error: Some("boom".into()),
            ..exit(1, 1)
        };
        let joined = join(vec![one, other]).unwrap();
        assert_eq!(joined.sessions, ["t", "s"]);
        assert_eq!((joined.pid, joined.pid_start), (Some(8), Some(80)));
        assert_eq!((joined.id.as_deref(), joined.error.as_deref()), (Some("bg_1"), Some("boom")));
        assert_eq!((joined.at, joined.modified, joined.unended), (at(0), at(1), true));
    }
}
