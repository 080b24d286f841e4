//! The rows of a transcript, as far as they are read.

use std::borrow::Cow;

use crate::base::json::{Raw, Reader};
use crate::base::time::Time;
use crate::model::Tokens;

/// What is read of a row.
#[derive(Default)]
pub(super) struct ClaudeRow<'a> {
    pub(super) kind: &'a [u8],
    pub(super) subtype: &'a [u8],
    pub(super) at: Option<Time>,
    pub(super) cwd: Option<Cow<'a, str>>,
    pub(super) session: Option<Cow<'a, str>>,
    pub(super) agent: Option<Cow<'a, str>>,
    /// Of the history of the session that this one was forked from.
    pub(super) copied: bool,
    pub(super) request: &'a [u8],
    pub(super) entrypoint: &'a [u8],
    /// Of a sub-agent.
    pub(super) sidechain: bool,
    /// Written by the client, for the model.
    pub(super) meta: bool,
    /// Not sent to the model as it stands.
    pub(super) hidden: bool,
    /// A person refused the call, or it was dropped with another.
    pub(super) denied: bool,
    /// A hook at the end of the turn sends the agent on.
    pub(super) hook_errors: bool,
    pub(super) message: Message<'a>,
    pub(super) tool_result: Option<Raw<'a>>,
    pub(super) api_error: bool,
    pub(super) error: &'a [u8],
    pub(super) error_status: Option<u64>,
    pub(super) resets: Option<f64>,
    /// The agent that the whole session is.
    pub(super) setting: Option<Cow<'a, str>>,
    /// The limit that is used up, in the words of the API: `five_hour`.
    pub(super) limit: &'a [u8],
    pub(super) rejected: bool,
    /// The version of the client.
    pub(super) version: &'a [u8],
    /// Sub-agents at work when the turn ended, workflows among them, by the client's own count.
    pub(super) agents: Option<u64>,
    /// Of a row about what waits for the agent.
    pub(super) content: Option<Raw<'a>>,
    /// What kind of note the client put beside the conversation.
    pub(super) attachment: &'a [u8],
    /// What it says to the model.
    pub(super) attached: Option<Raw<'a>>,
}

/// Of one message; real ones have a few.
const MOST_BLOCKS: usize = 10_000;

#[derive(Default)]
pub(super) struct Message<'a> {
    pub(super) id: &'a [u8],
    pub(super) model: Option<Cow<'a, str>>,
    pub(super) stop: &'a [u8],
    pub(super) usage: Option<Tokens>,
    /// A message that is a plain string.
    pub(super) text: Option<Raw<'a>>,
    pub(super) blocks: Vec<Block<'a>>,
}

#[derive(Default)]
pub(super) struct Block<'a> {
    pub(super) kind: &'a [u8],
    pub(super) id: Option<Cow<'a, str>>,
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) input: Option<Raw<'a>>,
    /// Of a text, or of a tool's result.
    pub(super) content: Option<Raw<'a>>,
    pub(super) is_error: bool,
}

pub(super) fn read_member<'a>(row: &mut ClaudeRow<'a>, key: &[u8], reader: &mut Reader<'a>) {
    match key {
        b"type" => row.kind = reader.word(),
        b"subtype" => row.subtype = reader.word(),
        b"timestamp" => row.at = reader.string().and_then(|text| Time::parse(&text)),
        b"cwd" => row.cwd = reader.string(),
        b"sessionId" => row.session = reader.string(),
        b"agentId" => row.agent = reader.string(),
        b"requestId" => row.request = reader.word(),
        b"entrypoint" => row.entrypoint = reader.word(),
        b"isSidechain" => row.sidechain = reader.boolean() == Some(true),
        b"forkedFrom" => row.copied = reader.peek() == Some(b'{'),
        b"isMeta" => row.meta = reader.boolean() == Some(true),
        b"isCompactSummary" | b"isVisibleInTranscriptOnly" => row.hidden |= reader.boolean() == Some(true),
        b"toolDenialKind" => row.denied = matches!(reader.word(), b"user-rejected" | b"interrupted" | b"cancelled"),
        b"hookErrors" => reader.array(|reader| {
            reader.raw();
            row.hook_errors = true;
        }),
        b"isApiErrorMessage" => row.api_error = reader.boolean() == Some(true),
        b"error" => row.error = reader.word(),
        b"apiErrorStatus" => row.error_status = reader.count(),
        b"pendingBackgroundAgentCount" | b"pendingWorkflowCount" => {
            row.agents = row.agents.unwrap_or(0).checked_add(reader.count().unwrap_or(0));
        }
        b"attachment" => reader.object(|key, reader| match key {
            b"type" => row.attachment = reader.word(),
            b"prompt" => row.attached = Some(reader.raw()),
            _ => {}
        }),
        b"agentSetting" => row.setting = reader.string(),
        b"version" => row.version = reader.word(),
        b"content" => row.content = Some(reader.raw()),
        b"toolUseResult" => row.tool_result = Some(reader.raw()),
        b"quotaLimits" => reader.object(|key, reader| match key {
            b"resetsAt" => row.resets = reader.number(),
            b"rateLimitType" => row.limit = reader.word(),
            b"status" => row.rejected = reader.word() == b"rejected",
            _ => {}
        }),
        b"message" => reader.object(|key, reader| read_message(&mut row.message, key, reader)),
        _ => {}
    }
}

fn read_message<'a>(message: &mut Message<'a>, key: &[u8], reader: &mut Reader<'a>) {
    match key {
        b"id" => message.id = reader.word(),
        b"model" => message.model = reader.string(),
        b"stop_reason" => message.stop = reader.word(),
        b"content" if reader.peek() == Some(b'"') => message.text = Some(reader.raw()),
        b"content" => reader.array(|reader| {
            let mut block = Block::default();
            reader.object(|key, reader| read_block(&mut block, key, reader));
            if message.blocks.len() < MOST_BLOCKS {
                message.blocks.push(block);
            }
        }),
        b"usage" => {
            let mut used = Tokens::default();
            reader.object(|key, reader| match key {
                b"input_tokens" => used.input = reader.count().unwrap_or(0),
                b"cache_read_input_tokens" => used.cached_input = reader.count().unwrap_or(0),
                b"cache_creation_input_tokens" => used.cache_write = reader.count().unwrap_or(0),
                b"output_tokens" => used.output = reader.count().unwrap_or(0),
                _ => {}
            });
            message.usage = Some(used);
        }
        _ => {}
    }
}

fn read_block<'a>(block: &mut Block<'a>, key: &[u8], reader: &mut Reader<'a>) {
    match key {
        b"type" => block.kind = reader.word(),
        b"id" | b"tool_use_id" => block.id = reader.string(),
        b"name" => block.name = reader.string(),
        b"input" => block.input = Some(reader.raw()),
        b"text" | b"content" => block.content = Some(reader.raw()),
        b"is_error" => block.is_error = reader.boolean() == Some(true),
        _ => {}
    }
}
