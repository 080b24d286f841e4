//! What is read of a row of Codex.

use std::borrow::Cow;

use crate::base::json::{Raw, Reader};

/// What is read of a payload; which of it there is depends on its type.
#[derive(Default)]
pub(crate) struct Payload<'a> {
    pub(crate) kind: Cow<'a, str>,
    pub(crate) id: Option<Cow<'a, str>>,
    pub(crate) call: Option<Cow<'a, str>>,
    pub(crate) parent: Option<Cow<'a, str>>,
    pub(crate) forked_from: Option<Cow<'a, str>>,
    pub(crate) cwd: Option<Cow<'a, str>>,
    pub(crate) model: Option<Cow<'a, str>>,
    pub(crate) originator: Option<Cow<'a, str>>,
    pub(crate) source: Option<Raw<'a>>,
    pub(crate) name: Option<Cow<'a, str>>,
    pub(crate) role: Option<Cow<'a, str>>,
    pub(crate) reason: Option<Cow<'a, str>>,
    pub(crate) policy: Option<Cow<'a, str>>,
    /// Whether a plan is asked for, or the work itself.
    pub(crate) mode: Option<Cow<'a, str>>,
    /// Of a message.
    pub(crate) content: Option<Raw<'a>>,
    pub(crate) reviewer: Option<Cow<'a, str>>,
    /// `arguments`, `input` or `action`.
    pub(crate) input: Option<Raw<'a>>,
    pub(crate) output: Option<Raw<'a>>,
    pub(crate) error: Option<Raw<'a>>,
    pub(crate) info: Option<Raw<'a>>,
    pub(crate) item: Option<Raw<'a>>,
    /// Of the account.
    pub(crate) limits: Option<Raw<'a>>,
    pub(crate) exit_code: Option<f64>,
    pub(crate) success: Option<bool>,
}

pub(crate) fn read_member<'a>(payload: &mut Payload<'a>, key: &[u8], reader: &mut Reader<'a>) {
    match key {
        b"type" => payload.kind = reader.string().unwrap_or_default(),
        b"id" => payload.id = reader.string(),
        b"call_id" => payload.call = reader.string(),
        b"parent_thread_id" => payload.parent = reader.string(),
        b"forked_from_id" => payload.forked_from = reader.string(),
        b"cwd" => payload.cwd = reader.string(),
        b"model" => payload.model = reader.string(),
        b"originator" => payload.originator = reader.string(),
        b"source" => payload.source = Some(reader.raw()),
        b"name" => payload.name = reader.string(),
        b"role" => payload.role = reader.string(),
        b"reason" => payload.reason = reader.string(),
        b"approval_policy" => payload.policy = reader.string(),
        b"collaboration_mode_kind" => payload.mode = reader.string(),
        b"collaboration_mode" => reader.object(|key, reader| {
            if key == b"mode" {
                payload.mode = reader.string();
            }
        }),
        b"content" => payload.content = Some(reader.raw()),
        b"approvals_reviewer" => payload.reviewer = reader.string(),
        b"arguments" | b"input" | b"action" => payload.input = Some(reader.raw()),
        b"output" | b"result" => payload.output = Some(reader.raw()),
        b"error" => payload.error = Some(reader.raw()),
        b"info" => payload.info = Some(reader.raw()),
        b"rate_limits" => payload.limits = Some(reader.raw()),
        b"item" => payload.item = Some(reader.raw()),
        b"exit_code" => payload.exit_code = reader.number(),
        b"success" => payload.success = reader.boolean(),
        _ => {}
    }
}
