//! The old protocol of OpenAI, which continues a text. Its answers are read as those of the chat protocol.

use std::borrow::Cow;

use marketplace::chat::{ChatRequest, Delivery, Failure};
use serde::Serialize;
use serde_json::Value;

use super::wire::StreamOptions;
use crate::asked;
use crate::dialect::Outgoing;
use crate::failure::unsupported;

/// Fields for which this protocol has no words.
const UNSAYABLE: [&str; 5] =
    ["tools", "response_format", "thinking", "reasoning_effort", "parallel_tool_calls"];

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
        temperature: given("temperature"),
        top_p: given("top_p"),
        seed: given("seed"),
        presence_penalty: given("presence_penalty"),
        frequency_penalty: given("frequency_penalty"),
        stop: asked::stops(&request.options)?,
        user: given("user"),
    };
    let body = serde_json::to_vec(&sent).map_err(|error| unsupported("request", &error.to_string()))?;
    Ok(Outgoing { path: Cow::Borrowed("/completions"), headers: &[], body })
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
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<&'a Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a Value>,
}
