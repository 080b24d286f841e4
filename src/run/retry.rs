//! Whether a run that failed is tried again, and when: pure. Only on evidence that another attempt can fare better, for
//! agents cost money; and never before the time at which a limit is lifted.

use std::time::Duration;

use super::outcome::{Outcome, Shortage};
use super::spec::Spec;
use super::state::State;
use crate::base::time::Time;
use crate::model::ErrorClass;

/// The longest wait between two attempts, but for a limit that is lifted at a known time.
const LONGEST_BACKOFF: Duration = Duration::from_secs(600);
/// How long after a limit is lifted it is tried again, at least, and how much later by chance.
const AFTER_RESET: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(60));
/// How long it is waited for memory or space.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30 * 60);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// The run is over.
    Over,
    /// The run is over, for a reason that is not the attempt's own.
    GivenUp(String),
    /// Another attempt at this time, and why not now.
    At(Time, String),
    /// Another attempt as soon as there is room, and not before this time.
    WithRoom(Time),
}

/// What follows an attempt of this number, counted from 1 in its run. `chance` lies between 0 and 1.
pub(crate) fn next(outcome: &Outcome, attempt: usize, spec: &Spec, now: Time, chance: f64) -> Next {
    if outcome.state != State::Failed {
        return Next::Over;
    }
    let is_last = attempt > spec.retries as usize;
    match (outcome.class, outcome.resets, outcome.shortage) {
        (None | Some(ErrorClass::Permanent), ..) | (_, _, Some(Shortage::Session)) => Next::Over,
        _ if is_last => Next::Over,
        (_, Some(resets), _) => at_reset(resets, spec, now, chance),
        (Some(ErrorClass::Transient), ..) => {
            Next::At(now.plus(backoff(spec.backoff.0, attempt, chance)), "waits after a transient error".to_owned())
        }
        (_, _, Some(Shortage::Room)) => Next::WithRoom(now.plus(backoff(spec.backoff.0, attempt, chance))),
        // Nobody knows when a spent allowance comes back.
        (Some(ErrorClass::Resource), ..) => Next::Over,
    }
}

fn at_reset(resets: Time, spec: &Spec, now: Time, chance: f64) -> Next {
    let wait = resets.since(now);
    if wait > spec.wait_limit.0 {
        return Next::GivenUp(format!(
            "the limit resets at {}, later than --wait-limit {}",
            resets.rfc3339(),
            spec.wait_limit
        ));
    }
    let (least, more) = AFTER_RESET;
    Next::At(resets.max(now).plus(least + more.mul_f64(chance)), "waits for its limit to reset".to_owned())
}

/// Doubles with every attempt, less up to a half of it, so that those that failed together do not come back together.
fn backoff(first: Duration, attempt: usize, chance: f64) -> Duration {
    let doubled = first.saturating_mul(1 << (attempt - 1).min(20));
    doubled.min(LONGEST_BACKOFF).mul_f64(0.5 + chance / 2.0)
}

#[cfg(test)]
mod tests {
    use super::super::spec::{Span, Wishes};
    use super::*;
    use ErrorClass::{Permanent, Resource, Transient};

    const NOW: Time = Time(1_795_216_265_000);

    fn spec() -> Spec {
        let wishes = Wishes { name: Some("a".into()), command: Some(vec!["x".into()]), ..Wishes::default() };
        wishes.resolve("/".as_ref(), |_| Err(String::new())).unwrap()
    }

    fn failed(class: Option<ErrorClass>, resets: Option<u64>, shortage: Option<Shortage>) -> Outcome {
        let resets = resets.map(|seconds| NOW.plus(Duration::from_secs(seconds)));
        Outcome { state: State::Failed, code: 1, class, error: None, resets, shortage }
    }

    fn seconds(next: &Next) -> Option<f64> {
        if let Next::At(at, _) = next { Some(at.since(NOW).as_secs_f64()) } else { None }
    }

    #[test]
    fn only_evidence_leads_to_another_attempt() {
        let (room, session, spent) = (Some(Shortage::Room), Some(Shortage::Session), Some(Shortage::Allowance));
        // Each with the wait at the least and the most chance.
        let cases = [
            (failed(None, None, None), 1, None),
            (failed(Some(Permanent), None, None), 1, None),
            (failed(Some(Permanent), Some(60), None), 1, None),
            (failed(Some(Resource), None, session), 1, None),
            (failed(Some(Resource), Some(60), session), 1, None),
            (failed(Some(Resource), None, spent), 1, None),
            (failed(Some(Transient), None, None), 1, Some((7.5, 15.0))),
            (failed(Some(Transient), None, None), 2, Some((15.0, 30.0))),
            (failed(Some(Transient), None, None), 3, None),
            (failed(Some(Transient), Some(60), None), 1, Some((90.0, 150.0))),
            (failed(Some(Resource), Some(3600), spent), 2, Some((3630.0, 3690.0))),
            (failed(Some(Resource), Some(3600), spent), 3, None),
            (failed(Some(Resource), None, room), 3, None),
        ];
        for (outcome, attempt, wanted) in cases {
            let found = [0.0, 1.0].map(|chance| next(&outcome, attempt, &spec(), NOW, chance));
            let waits = seconds(&found[0]).zip(seconds(&found[1]));
            assert_eq!(waits, wanted, "{outcome:?} {attempt}");
            assert!(wanted.is_some() || found[0] == Next::Over, "{outcome:?}");
        }
        let with_room = Next::WithRoom(NOW.plus(Duration::from_secs(15)));
        assert_eq!(next(&failed(Some(Resource), None, room), 1, &spec(), NOW, 1.0), with_room);
        for state in [State::Completed, State::Timeout, State::Cancelled] {
            let outcome = Outcome { state, ..failed(Some(Transient), None, None) };
            assert_eq!(next(&outcome, 1, &spec(), NOW, 0.5), Next::Over, "{state:?}");
        }
    }

    #[test]
    fn it_is_never_tried_before_a_limit_is_lifted_nor_waited_beyond_reason() {
        for ahead in [0_u32, 1, 59, 3600, 6 * 3600] {
            let found = next(&failed(Some(Resource), Some(ahead.into()), None), 1, &spec(), NOW, 0.0);
            assert_eq!(seconds(&found), Some(f64::from(ahead) + 30.0), "{ahead}");
        }
        let found = next(&failed(Some(Resource), Some(6 * 3600 + 1), None), 1, &spec(), NOW, 0.0);
        let Next::GivenUp(why) = found else { panic!("{found:?}") };
        assert!(
            why.starts_with("the limit resets at 2026-11-2") && why.ends_with("later than --wait-limit 6h"),
            "{why}"
        );
    }

    #[test]
    fn a_wait_doubles_up_to_ten_minutes() {
        let waits: Vec<_> = (1..9).map(|attempt| backoff(Duration::from_secs(15), attempt, 1.0).as_secs()).collect();
        assert_eq!(waits, [15, 30, 60, 120, 240, 480, 600, 600]);
        assert_eq!(backoff(Duration::MAX, 99, 1.0), LONGEST_BACKOFF);
        let spec = Spec { retries: 0, backoff: Span::seconds(1), ..spec() };
        assert_eq!(next(&failed(Some(Transient), None, None), 1, &spec, NOW, 0.0), Next::Over);
    }
}
