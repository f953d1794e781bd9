//! The old protocol of OpenAI, which continues a text. Its answers are read as those of the chat protocol.

use marketplace::chat::{ChatRequest, Delivery, Failure};
use serde::Serialize;
use serde_json::Value;

use super::wire::StreamOptions;
use crate::asked::{self, Sampling};
use crate::dialect::Outgoing;

/// Fields for which this protocol has no words.
const UNSAYABLE: [&str; 6] =
    ["n", "tools", "response_format", "thinking", "reasoning_effort", "parallel_tool_calls"];

/// Writes a request. What would change the answer and cannot be said is refused by name.
pub fn encode(request: &ChatRequest, upstream_model: &str) -> Result<Outgoing, Failure> {
    asked::refuse_unsayable(&request.options, &UNSAYABLE)?;
    let given = |field: &str| asked::given(&request.options, field);
    let is_streamed = request.stream == Delivery::Streamed;
    let sent = Request {
        model: upstream_model,
        prompt: asked::plain_prompt(&request.messages)?,
        max_tokens: request.max_output_tokens,
        stream: is_streamed,
        stream_options: is_streamed.then_some(StreamOptions { include_usage: true }),
        sampling: Sampling::of(request),
        top_p: given("top_p"),
        stop: asked::stops(&request.options)?,
        user: given("user"),
    };
    Outgoing::json("/completions", &sent)
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    prompt: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(flatten)]
    sampling: Sampling<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a Value>,
}
