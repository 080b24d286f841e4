//! The kinds of rows in the event log. Whoever reads or writes rows matches this enum without a wildcard, so that the
//! compiler names every place that a new kind concerns.

/// What a row tells. The codes are part of the format of the event log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One run of `status`: how many tasks it saw in each health.
    Poll,
    /// The health of a task changed.
    Transition,
    /// A task that went back and forth has stayed in one health.
    Debounced,
    /// The steps or the counters of a task moved.
    Progress,
    /// A failed tool call or an API error that a session had not met before, or met again.
    Error,
    /// Somebody resolved errors.
    Resolved,
    /// A run of ours began.
    Started,
    /// An attempt of a run of ours ended.
    Attempt,
    /// A run of ours waits for another attempt.
    Waiting,
    /// A run of a task ended.
    Finished,
    /// A limit that changes no verdict was passed, or is kept again.
    Alert,
    /// A hook or a script of the user's told of a task.
    Note,
    /// What the rows of a day, a week or a month amounted to, in their place.
    Summary,
    /// How far the late rows of a replaced file were taken over.
    Collected,
}

impl Kind {
    pub(crate) const ALL: [Self; 14] = [
        Self::Poll,
        Self::Transition,
        Self::Debounced,
        Self::Progress,
        Self::Error,
        Self::Resolved,
        Self::Started,
        Self::Attempt,
        Self::Waiting,
        Self::Finished,
        Self::Alert,
        Self::Note,
        Self::Summary,
        Self::Collected,
    ];

    /// The word in the field `event`.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Transition => "transition",
            Self::Debounced => "debounced",
            Self::Progress => "progress",
            Self::Error => "error",
            Self::Resolved => "resolved",
            Self::Started => "started",
            Self::Attempt => "attempt",
            Self::Waiting => "waiting",
            Self::Finished => "finished",
            Self::Alert => "alert",
            Self::Note => "note",
            Self::Summary => "summary",
            Self::Collected => "collected",
        }
    }

    /// The kind of this code; nothing for one of a newer version. Earlier versions wrote `settled` for `debounced`.
    pub(crate) fn of(code: &[u8]) -> Option<Self> {
        let code = if code == b"settled" { b"debounced" } else { code };
        Self::ALL.into_iter().find(|kind| kind.code().as_bytes() == code)
    }
}
