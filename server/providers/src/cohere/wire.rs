//! What goes over the wire in Cohere's chat protocol: all we send, and of the answers what we read.

use marketplace::usage::Usage;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::asked::{Sampling, Tool};
use crate::failure::if_readable;

#[derive(Serialize)]
pub(super) struct Request<'a> {
    pub model: &'a str,
    pub messages: Vec<Told<'a>>,
    pub stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    #[serde(flatten)]
    pub sampling: Sampling<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k: Option<&'a Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_format: Option<Format<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<&'static str>,
}

/// One message of a prompt.
#[derive(Serialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub(super) enum Told<'a> {
    System {
        content: Vec<Said<'a>>,
    },
    User {
        content: Vec<Said<'a>>,
    },
    Assistant {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        content: Vec<Said<'a>>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<Called<'a>>,
    },
    Tool {
        tool_call_id: &'a str,
        content: String,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Said<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl },
}

#[derive(Serialize)]
pub(super) struct ImageUrl {
    pub url: String,
}

#[derive(Serialize)]
pub(super) struct Called<'a> {
    pub id: &'a str,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub function: CalledFunction<'a>,
}

#[derive(Serialize)]
pub(super) struct CalledFunction<'a> {
    pub name: &'a str,
    pub arguments: String,
}

#[derive(Serialize)]
pub(super) struct Format<'a> {
    #[serde(rename = "type")]
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json_schema: Option<&'a Value>,
}

#[derive(Serialize)]
pub(super) struct Thinking {
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// A whole answer.
#[derive(Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    pub id: Option<String>,
    pub message: Message,
    #[serde(flatten)]
    pub end: End,
}

#[derive(Deserialize)]
pub(super) struct Message {
    #[serde(default)]
    pub content: Option<Vec<Content>>,
    #[serde(default)]
    pub tool_plan: Option<String>,
    #[serde(default)]
    pub tool_calls: Option<Vec<Call>>,
}

/// One event of a stream.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(super) enum Event {
    MessageStart {
        #[serde(default)]
        id: Option<String>,
    },
    ContentStart {
        delta: Delta,
    },
    ContentDelta {
        delta: Delta,
    },
    ToolPlanDelta {
        delta: Delta,
    },
    ToolCallStart {
        #[serde(default)]
        index: u32,
        delta: Delta,
    },
    ToolCallDelta {
        #[serde(default)]
        index: u32,
        delta: Delta,
    },
    MessageEnd {
        delta: End,
    },
    /// The ends of parts, citations, and whatever is invented next.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
pub(super) struct Delta {
    pub message: Piece,
}

/// What is new of a message. In a whole message the same fields are lists.
#[derive(Deserialize)]
pub(super) struct Piece {
    #[serde(default)]
    pub content: Option<Content>,
    #[serde(default)]
    pub tool_plan: Option<String>,
    #[serde(default)]
    pub tool_calls: Option<Call>,
}

#[derive(Deserialize)]
pub(super) struct Content {
    #[serde(default)]
    pub text: Option<String>,
    #[serde(default)]
    pub thinking: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Call {
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default)]
    pub function: CallFunction,
}

#[derive(Default, Deserialize)]
pub(super) struct CallFunction {
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub arguments: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct End {
    #[serde(default)]
    pub finish_reason: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    pub error: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    pub usage: Option<Report>,
}

/// What is billed. The tokens that were read include a hidden prompt of the vendor, which is not.
#[derive(Deserialize)]
pub(super) struct Report {
    #[serde(default, deserialize_with = "if_readable")]
    billed_units: Option<Billed>,
    cached_tokens: Option<Number>,
}

#[derive(Deserialize)]
struct Billed {
    input_tokens: Option<Number>,
    output_tokens: Option<Number>,
}

impl Report {
    /// The report in normal form, if it counts anything.
    pub fn usage(&self) -> Option<Usage> {
        let billed = self.billed_units.as_ref()?;
        let (input, output) = (whole_count(&billed.input_tokens), whole_count(&billed.output_tokens));
        if input.is_none() && output.is_none() {
            return None;
        }
        // The hidden prompt may be cached too, and is no part of what is billed.
        let cached = whole_count(&self.cached_tokens).map(|cached| cached.min(input.unwrap_or(cached)));
        Some(Usage {
            input_tokens: input,
            cached_input_tokens: cached,
            output_tokens: output,
            ..Usage::default()
        })
    }
}

/// A count that may be written as `5.0`.
pub(crate) fn whole_count(count: &Option<Number>) -> Option<i64> {
    let text = count.as_ref()?.to_string();
    text.strip_suffix(".0").unwrap_or(&text).parse().ok()
}
