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
                notes.push("its exit code is older than its newest turn".to_owned());
            }
            _ if current.is_none() && over => notes.push(format!("its status `{word}` is older than its newest turn")),
            _ if declared.status.is_none() => {}
            Some(StatusWord::Created | StatusWord::Running | StatusWord::Waiting)
                if matches!(health, Health::Completed | Health::Failed) =>
            {
                notes.push(format!("its status still says `{word}`"));
            }
            Some(StatusWord::Other) => notes.push(format!("its status `{word}` is not a known one")),
            _ => {}
        }
        notes.extend(declared.message.as_deref().map(|message| format!("it says: {}", one_line(message, 160))));
        let link = declared.pull_request.as_deref();
        notes.extend(link.map(|link| format!("pull request {}", one_line(link, 160))));
        if declared.future {
            notes.push("its status has times in the future: a clock is wrong".to_owned());
        }
        if declared.untrue {
            let what = "its status has no time that can be true (before 2000, or far in the future)";
            notes.push(format!("{what}: the file's own is used"));
        }
        if declared.assumed_zone {
            notes.push("its status has times without a zone, taken as local".to_owned());
        }
    }
    if let Some(one) = judging
        && one.life == Liveness::Unknown
        && one.session.turn == Turn::Open
    {
        notes.push("its process cannot be looked at from here".to_owned());
    }
    notes.extend(judging.and_then(|one| untold(one.client)));
    notes
}

/// Where a client does not even tell what fails, its agent may look healthier than it is.
fn untold(client: &Client) -> Option<String> {
    let words = [
        (Capability::Tool, "the tool in flight"),
        (Capability::Failures, "failed calls"),
        (Capability::Waiting, "questions to a person"),
        (Capability::Plan, "a plan"),
        (Capability::Tokens, "tokens"),
    ];
    let untold: Vec<_> =
        words.iter().filter(|(fact, _)| !client.capabilities.contains(fact)).map(|(_, word)| *word).collect();
    let blind = !client.capabilities.contains(&Capability::Failures);
    blind.then(|| format!("more cannot be known: {} does not log {}", client.name, untold.join(", ")))
}
