//! What goes over the wire in the OpenAI chat protocol: all we send, and of the answers what we read.

use std::borrow::Cow;
use std::collections::BTreeMap;

use marketplace::chat::{Content, Role};
use marketplace::usage::Usage;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::if_readable;

#[derive(Serialize)]
pub(super) struct Request<'a> {
    pub model: &'a str,
    pub messages: Vec<Told<'a>>,
    pub stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_completion_tokens: Option<u64>,
    #[serde(flatten)]
    pub options: BTreeMap<&'a str, Cow<'a, Value>>,
}

#[derive(Serialize)]
pub(super) struct Told<'a> {
    pub role: Role,
    #[serde(skip_serializing_if = "is_absent")]
    pub content: Cow<'a, Content>,
    #[serde(flatten)]
    pub rest: BTreeMap<&'a str, Cow<'a, Value>>,
}

fn is_absent(content: &Content) -> bool {
    content.is_absent()
}

#[derive(Serialize)]
pub(super) struct StreamOptions {
    pub include_usage: bool,
}

/// One event of a stream, or a whole answer.
#[derive(Default, Deserialize)]
pub(super) struct Chunk {
    #[serde(default, deserialize_with = "if_readable")]
    pub id: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    pub model: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    pub object: Option<String>,
    #[serde(default)]
    pub choices: Option<Vec<Choice>>,
    #[serde(default, deserialize_with = "if_readable")]
    pub usage: Option<Report>,
    #[serde(default, deserialize_with = "if_readable")]
    pub x_groq: Option<Groq>,
    #[serde(default)]
    pub error: Option<Value>,
    /// Beside an error: the status it would have had as an answer of its own.
    #[serde(default, deserialize_with = "if_readable")]
    pub status_code: Option<u16>,
}

#[derive(Deserialize)]
pub(super) struct Choice {
    #[serde(default)]
    pub index: u32,
    #[serde(default)]
    pub delta: Option<Delta>,
    #[serde(default)]
    pub message: Option<Delta>,
    /// What stands for the delta in the old protocol that continues texts.
    #[serde(default)]
    pub text: Option<String>,
    #[serde(default)]
    pub finish_reason: Option<String>,
    #[serde(default)]
    pub logprobs: Option<Value>,
}

/// New pieces of an answer. A whole message has the same fields.
#[derive(Default, Deserialize)]
pub(super) struct Delta {
    #[serde(default)]
    pub content: Option<Written>,
    #[serde(default)]
    pub refusal: Option<String>,
    #[serde(default)]
    pub reasoning_content: Option<String>,
    #[serde(default)]
    pub reasoning: Option<String>,
    #[serde(default)]
    pub tool_calls: Option<Vec<Call>>,
    #[serde(default)]
    pub function_call: Option<Function>,
}

impl Delta {
    pub fn calls_mut(&mut self) -> impl Iterator<Item = &mut Call> {
        self.tool_calls.iter_mut().flatten()
    }
}

/// Text as most vendors write it, or Mistral's list of text and thinking.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Written {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part {
    Text {
        text: String,
    },
    Thinking {
        thinking: Written,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
pub(super) struct Call {
    #[serde(default)]
    pub index: Option<u32>,
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default)]
    pub function: Option<Function>,
}

#[derive(Default, Deserialize)]
pub(super) struct Function {
    #[serde(default)]
    pub name: Option<String>,
    /// A piece of JSON as text; some vendors send the object itself.
    #[serde(default)]
    pub arguments: Option<Value>,
}

#[derive(Deserialize)]
pub(super) struct Groq {
    #[serde(default, deserialize_with = "if_readable")]
    pub usage: Option<Report>,
    #[serde(default)]
    pub error: Option<Value>,
}

#[derive(Deserialize)]
pub(super) struct Report {
    prompt_tokens: Option<i64>,
    completion_tokens: Option<i64>,
    total_tokens: Option<i64>,
    #[serde(default, deserialize_with = "if_readable")]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(default, deserialize_with = "if_readable")]
    completion_tokens_details: Option<CompletionDetails>,
    prompt_cache_hit_tokens: Option<i64>,
}

#[derive(Deserialize)]
struct PromptDetails {
    cached_tokens: Option<i64>,
    cache_write_tokens: Option<i64>,
}

#[derive(Deserialize)]
struct CompletionDetails {
    reasoning_tokens: Option<i64>,
}

impl Report {
    /// The report in normal form, if it counts anything.
    pub fn usage(&self) -> Option<Usage> {
        let (input, output) = (self.prompt_tokens, self.completion_tokens);
        if input.is_none() && output.is_none() {
            return None;
        }
        let prompt = self.prompt_tokens_details.as_ref();
        let completion = self.completion_tokens_details.as_ref();
        let reasoning = completion.and_then(|details| details.reasoning_tokens);
        Some(Usage {
            input_tokens: input,
            cached_input_tokens: prompt
                .and_then(|details| details.cached_tokens)
                .or(self.prompt_cache_hit_tokens),
            cache_write_tokens: prompt.and_then(|details| details.cache_write_tokens),
            cache_write_1h_tokens: None,
            output_tokens: output.map(|output| output.saturating_add(self.outside(input, output, reasoning))),
            reasoning_tokens: reasoning,
        })
    }

    /// Reasoning that the vendor did not count as output, which only its total gives away.
    fn outside(&self, input: Option<i64>, output: i64, reasoning: Option<i64>) -> i64 {
        let reasoning = reasoning.unwrap_or(0).max(0);
        let with_reasoning = input.unwrap_or(0).saturating_add(output).saturating_add(reasoning);
        if self.total_tokens == Some(with_reasoning) { reasoning } else { 0 }
    }
}
