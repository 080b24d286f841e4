//! What the reader should know besides the verdict.

use super::session::TrackedSession;
use crate::clients::{Capability, Client};
use crate::declared::{Declared, StatusWord};
use crate::judge::liveness::Liveness;
use crate::model::Health;
use crate::session::Turn;
use crate::text::one_line;

/// What the reader should know besides the verdict.
pub(super) fn of(
    all: Option<&Declared>,
    current: Option<&Declared>,
    health: Health,
    judging: Option<&TrackedSession<'_>>,
) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(declared) = all {
        let word = one_line(declared.status.as_deref().unwrap_or_default(), 40);
        let over = declared.word.is_some_and(StatusWord::is_end) || declared.exit_code.is_some();
        match declared.word {
            _ if current.is_none() && over && declared.status.is_none() => {
                notes.push("exit code is older than the newest turn".to_owned());
            }
            _ if current.is_none() && over => {
                notes.push(format!("reported status `{word}` is older than the newest turn"));
            }
            _ if declared.status.is_none() => {}
            Some(StatusWord::Created | StatusWord::Running | StatusWord::Waiting)
                if matches!(health, Health::Completed | Health::Failed) =>
            {
                notes.push(format!("reported status is still `{word}`"));
            }
            Some(StatusWord::Other) => notes.push(format!("unrecognized status `{word}`")),
            _ => {}
        }
        notes.extend(declared.message.as_deref().map(|message| format!("message: {}", one_line(message, 160))));
        let link = declared.pull_request.as_deref();
        notes.extend(link.map(|link| format!("pull request {}", one_line(link, 160))));
        if declared.future {
            notes.push("status file has times in the future: check the clocks".to_owned());
        }
        if declared.untrue {
            let what = "status file has no plausible time (before 2000 or far in the future)";
            notes.push(format!("{what}: using its modification time"));
        }
        if declared.assumed_zone {
            notes.push("status file has times without a time zone: assuming local time".to_owned());
        }
    }
    if let Some(one) = judging
        && one.life == Liveness::Unknown
        && one.session.turn == Turn::Open
    {
        notes.push("process cannot be inspected from here".to_owned());
    }
    notes.extend(judging.and_then(|one| untold(one.client)));
    notes
}

/// Where a client does not even tell what fails, its agent may look healthier than it is.
fn untold(client: &Client) -> Option<String> {
    let words = [
        (Capability::Tool, "the tool in flight"),
        (Capability::Failures, "failed calls"),
        (Capability::Waiting, "questions"),
        (Capability::Plan, "plans"),
        (Capability::Tokens, "tokens"),
    ];
    let untold: Vec<_> =
        words.iter().filter(|(fact, _)| !client.capabilities.contains(fact)).map(|(_, word)| *word).collect();
    let blind = !client.capabilities.contains(&Capability::Failures);
    blind.then(|| format!("limited data: {} does not log {}", client.name, untold.join(", ")))
}
