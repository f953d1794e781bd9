//! What goes over the wire in Ollama's chat protocol: all we send, and of the answers what we read.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::asked::{Sampling, Tool};
use crate::failure::if_readable;

#[derive(Serialize)]
pub(super) struct Request<'a> {
    pub model: &'a str,
    pub messages: Vec<Told<'a>>,
    /// Always said: what is not said is streamed.
    pub stream: bool,
    pub options: Options<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub think: Option<Think<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool<'a>>,
}

#[derive(Serialize)]
pub(super) struct Told<'a> {
    pub role: &'static str,
    pub content: String,
    /// In base64.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<Called<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Called<'a> {
    pub function: CalledFunction<'a>,
}

#[derive(Serialize)]
pub(super) struct CalledFunction<'a> {
    pub name: &'a str,
    pub arguments: Value,
}

#[derive(Serialize)]
pub(super) struct Options<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_predict: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_ctx: Option<u64>,
    #[serde(flatten)]
    pub sampling: Sampling<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<&'a Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Format<'a> {
    Named(&'static str),
    Schema(&'a Value),
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Think<'a> {
    Never(bool),
    Level(&'a str),
}

/// One line of a stream, or a whole answer.
#[derive(Deserialize)]
pub(super) struct Line {
    #[serde(default)]
    pub model: Option<String>,
    #[serde(default)]
    pub message: Option<Message>,
    #[serde(default)]
    pub done: bool,
    #[serde(default)]
    pub done_reason: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    pub prompt_eval_count: Option<i64>,
    #[serde(default, deserialize_with = "if_readable")]
    pub eval_count: Option<i64>,
    #[serde(default)]
    pub error: Option<Value>,
}

#[derive(Default, Deserialize)]
pub(super) struct Message {
    #[serde(default)]
    pub content: Option<String>,
    #[serde(default)]
    pub thinking: Option<String>,
    #[serde(default)]
    pub tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
pub(super) struct Call {
    #[serde(default)]
    pub id: Option<String>,
    pub function: CallFunction,
}

#[derive(Deserialize)]
pub(super) struct CallFunction {
    pub name: String,
    #[serde(default)]
    pub arguments: Value,
}
