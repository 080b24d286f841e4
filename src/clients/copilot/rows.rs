//! What is read of a row of Copilot.

use std::borrow::Cow;

use crate::base::json::{Raw, Reader};

/// What is read of a row's data; which of it there is depends on its type.
#[derive(Default)]
pub(crate) struct Data<'a> {
    pub(crate) session: Option<Cow<'a, str>>,
    pub(crate) cwd: Option<Cow<'a, str>>,
    pub(crate) model: Option<Cow<'a, str>>,
    /// Started by the client for itself, when its user left.
    pub(crate) detached: bool,
    /// Work in flight goes on after a resumption.
    pub(crate) goes_on: bool,
    pub(crate) delivery: &'a [u8],
    pub(crate) source: &'a [u8],
    pub(crate) message_id: &'a [u8],
    pub(crate) api_call: &'a [u8],
    pub(crate) output_tokens: Option<u64>,
    pub(crate) asks_for_tools: bool,
    pub(crate) call: Option<Cow<'a, str>>,
    pub(crate) tool: Option<Cow<'a, str>>,
    /// What the sub-agent is called.
    pub(crate) agent: Option<Cow<'a, str>>,
    pub(crate) agent_type: Option<Cow<'a, str>>,
    /// How many calls it made.
    pub(crate) total_calls: u64,
    pub(crate) arguments: Option<Raw<'a>>,
    pub(crate) success: Option<bool>,
    /// Of a tool; of a permission, the answer.
    pub(crate) result: Option<Raw<'a>>,
    /// Of a tool.
    pub(crate) error: Option<Raw<'a>>,
    pub(crate) telemetry: Option<Raw<'a>>,
    pub(crate) request: Option<Cow<'a, str>>,
    pub(crate) permission: Option<Raw<'a>>,
    pub(crate) resolved: bool,
    /// Of a sub-agent, in older versions.
    pub(crate) parent_call: bool,
    pub(crate) reason: &'a [u8],
    pub(crate) error_kind: &'a [u8],
    pub(crate) error_code: &'a [u8],
    pub(crate) status: Option<u64>,
    pub(crate) message: Option<Raw<'a>>,
    pub(crate) shutdown: &'a [u8],
    pub(crate) metrics: Option<Raw<'a>>,
    /// Of a message.
    pub(crate) content: Option<Raw<'a>>,
    /// Of one request.
    pub(crate) usage: Option<Raw<'a>>,
}

pub(crate) fn read_member<'a>(data: &mut Data<'a>, key: &[u8], reader: &mut Reader<'a>) {
    match key {
        b"sessionId" => data.session = reader.string(),
        b"cwd" => data.cwd = reader.string(),
        b"context" => reader.object(|key, reader| {
            if key == b"cwd" {
                data.cwd = reader.string();
            }
        }),
        b"selectedModel" | b"newModel" | b"model" => data.model = reader.string(),
        b"detachedFromSpawningParentSessionId" => data.detached = !reader.word().is_empty(),
        b"continuePendingWork" | b"sessionWasActive" => data.goes_on |= reader.boolean() == Some(true),
        b"delivery" => data.delivery = reader.word(),
        b"source" => data.source = reader.word(),
        b"messageId" => data.message_id = reader.word(),
        b"apiCallId" => data.api_call = reader.word(),
        b"outputTokens" => data.output_tokens = reader.count(),
        b"toolRequests" => reader.array(|reader| {
            reader.raw();
            data.asks_for_tools = true;
        }),
        b"toolCallId" => data.call = reader.string(),
        b"toolName" => data.tool = reader.string(),
        b"agentDisplayName" => data.agent = reader.string(),
        b"agentName" => data.agent_type = reader.string(),
        b"totalToolCalls" => data.total_calls = reader.count().unwrap_or(0),
        b"arguments" => data.arguments = Some(reader.raw()),
        b"success" => data.success = reader.boolean(),
        b"result" => data.result = Some(reader.raw()),
        b"error" => data.error = Some(reader.raw()),
        b"toolTelemetry" => data.telemetry = Some(reader.raw()),
        b"requestId" => data.request = reader.string(),
        b"permissionRequest" => data.permission = Some(reader.raw()),
        b"resolvedByHook" => data.resolved = reader.boolean() == Some(true),
        b"parentToolCallId" => data.parent_call = !reader.word().is_empty(),
        b"reason" => data.reason = reader.word(),
        b"errorType" => data.error_kind = reader.word(),
        b"errorCode" => data.error_code = reader.word(),
        b"statusCode" => data.status = reader.count(),
        b"message" | b"errorReason" => data.message = Some(reader.raw()),
        b"shutdownType" => data.shutdown = reader.word(),
        b"content" => data.content = Some(reader.raw()),
        b"usage" => data.usage = Some(reader.raw()),
        b"modelMetrics" => data.metrics = Some(reader.raw()),
        _ => {}
    }
}
