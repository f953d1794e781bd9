//! What goes over the wire in the protocol of responses: all we send, and of the answers what we read.

use marketplace::usage::Usage;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::if_readable;

#[derive(Serialize)]
pub(super) struct Request<'a> {
    pub model: &'a str,
    pub input: Vec<Told<'a>>,
    pub stream: bool,
    /// Said no, the vendor keeps nothing of the conversation.
    pub store: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Reasoning<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Function<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<&'a Value>,
}

/// One item of a conversation. What has a role is a message.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Told<'a> {
    Message {
        role: &'static str,
        content: Vec<Said<'a>>,
    },
    Called {
        #[serde(rename = "type")]
        kind: &'static str,
        call_id: &'a str,
        name: &'a str,
        arguments: String,
    },
    Returned {
        #[serde(rename = "type")]
        kind: &'static str,
        call_id: &'a str,
        output: String,
    },
}

/// Text that is read and text that was written have different names.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Said<'a> {
    InputText { text: &'a str },
    OutputText { text: &'a str },
    InputImage { image_url: String },
}

#[derive(Serialize)]
pub(super) struct Reasoning<'a> {
    pub effort: &'a str,
}

#[derive(Serialize)]
pub(super) struct Text<'a> {
    pub format: Format<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Format<'a> {
    JsonObject,
    JsonSchema {
        name: &'a str,
        schema: &'a Value,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<&'a Value>,
    },
}

#[derive(Serialize)]
pub(super) struct Function<'a> {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    pub parameters: Value,
    /// Said always: absent, the vendor is strict.
    pub strict: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Choice<'a> {
    Word(&'static str),
    Named {
        #[serde(rename = "type")]
        kind: &'static str,
        name: &'a str,
    },
}

/// One event of a stream.
#[derive(Deserialize)]
#[serde(tag = "type")]
pub(super) enum Event {
    #[serde(rename = "response.created", alias = "response.in_progress", alias = "response.queued")]
    Begun { response: Response },
    #[serde(rename = "response.output_text.delta")]
    Text { delta: String },
    #[serde(rename = "response.refusal.delta")]
    Refusal { delta: String },
    #[serde(rename = "response.reasoning_summary_text.delta", alias = "response.reasoning_text.delta")]
    Reasoning { delta: String },
    #[serde(rename = "response.output_item.added")]
    Added { output_index: u32, item: Item },
    #[serde(rename = "response.function_call_arguments.delta")]
    Arguments { output_index: u32, delta: String },
    #[serde(rename = "response.output_item.done")]
    Done { output_index: u32, item: Item },
    #[serde(
        rename = "response.completed",
        alias = "response.incomplete",
        alias = "response.failed",
        alias = "response.cancelled"
    )]
    Over { response: Response },
    #[serde(rename = "error")]
    Error(Value),
    /// The beginnings and ends of parts, and whatever is invented next.
    #[serde(other)]
    Other,
}

/// A whole answer, or what is known of one so far.
#[derive(Deserialize)]
pub(super) struct Response {
    #[serde(default, deserialize_with = "if_readable")]
    pub id: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    pub model: Option<String>,
    #[serde(default)]
    pub status: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    pub incomplete_details: Option<Incomplete>,
    #[serde(default)]
    pub error: Option<Value>,
    #[serde(default)]
    pub output: Vec<Item>,
    #[serde(default, deserialize_with = "if_readable")]
    pub usage: Option<Report>,
}

#[derive(Deserialize)]
pub(super) struct Incomplete {
    #[serde(default)]
    pub reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item {
    Message {
        #[serde(default)]
        content: Vec<Part>,
    },
    Reasoning {
        #[serde(default)]
        summary: Vec<Part>,
    },
    FunctionCall {
        call_id: String,
        name: String,
        #[serde(default)]
        arguments: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part {
    OutputText {
        text: String,
    },
    SummaryText {
        text: String,
    },
    Refusal {
        refusal: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
pub(super) struct Report {
    input_tokens: Option<i64>,
    output_tokens: Option<i64>,
    #[serde(default, deserialize_with = "if_readable")]
    input_tokens_details: Option<InputDetails>,
    #[serde(default, deserialize_with = "if_readable")]
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Deserialize)]
struct InputDetails {
    cached_tokens: Option<i64>,
    cache_write_tokens: Option<i64>,
}

#[derive(Deserialize)]
struct OutputDetails {
    reasoning_tokens: Option<i64>,
}

impl Report {
    /// The report in normal form, if it counts anything.
    pub fn usage(&self) -> Option<Usage> {
        if self.input_tokens.is_none() && self.output_tokens.is_none() {
            return None;
        }
        let (input, output) = (self.input_tokens_details.as_ref(), self.output_tokens_details.as_ref());
        Some(Usage {
            input_tokens: self.input_tokens,
            cached_input_tokens: input.and_then(|details| details.cached_tokens),
            cache_write_tokens: input.and_then(|details| details.cache_write_tokens),
            output_tokens: self.output_tokens,
            reasoning_tokens: output.and_then(|details| details.reasoning_tokens),
            ..Usage::default()
        })
    }
}
