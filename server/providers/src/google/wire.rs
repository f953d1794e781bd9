//! What goes over the wire in the generateContent protocol: all we send, and of the answers what we read.

use marketplace::usage::Usage;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::failure::if_readable;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_instruction: Option<System<'a>>,
    pub contents: Vec<Turn<'a>>,
    pub generation_config: Generation<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tools<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_config: Option<ToolConfig<'a>>,
}

#[derive(Serialize)]
pub(super) struct System<'a> {
    pub parts: Vec<Said<'a>>,
}

#[derive(Serialize)]
pub(super) struct Turn<'a> {
    pub role: Speaker,
    pub parts: Vec<Said<'a>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Speaker {
    User,
    Model,
}

/// One part of a prompt.
#[derive(Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub(super) enum Said<'a> {
    Text {
        text: &'a str,
    },
    Image {
        inline_data: Blob<'a>,
    },
    Called {
        function_call: Called<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        thought_signature: Option<&'a str>,
    },
    Returned {
        function_response: Returned<'a>,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blob<'a> {
    pub mime_type: &'a str,
    pub data: &'a str,
}

#[derive(Serialize)]
pub(super) struct Called<'a> {
    pub name: &'a str,
    pub args: Value,
}

#[derive(Serialize)]
pub(super) struct Returned<'a> {
    pub name: &'a str,
    pub response: Value,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Generation<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidate_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<&'a Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_json_schema: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking_config: Option<Thinking<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_logprobs: Option<bool>,
    /// How many of the likeliest are told of each place, beside the one that was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<&'a Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Thinking<'a> {
    pub include_thoughts: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking_budget: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking_level: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tools<'a> {
    pub function_declarations: Vec<Function<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Function<'a> {
    pub name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters_json_schema: Option<&'a Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolConfig<'a> {
    pub function_calling_config: Calling<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Calling<'a> {
    pub mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_function_names: Option<[&'a str; 1]>,
}

/// A whole answer, or the next piece of one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reply {
    #[serde(default)]
    pub candidates: Option<Vec<Candidate>>,
    #[serde(default)]
    pub prompt_feedback: Option<Feedback>,
    #[serde(default, deserialize_with = "if_readable")]
    pub usage_metadata: Option<Report>,
    #[serde(default, deserialize_with = "if_readable")]
    pub model_version: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    pub response_id: Option<String>,
    #[serde(default)]
    pub error: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate {
    #[serde(default)]
    pub index: u32,
    #[serde(default)]
    pub content: Option<Content>,
    #[serde(default)]
    pub finish_reason: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    pub logprobs_result: Option<Likelihoods>,
}

/// How likely the words of a candidate, or of an event of it, were.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Likelihoods {
    #[serde(default)]
    pub chosen_candidates: Vec<Likelihood>,
    /// At the same place as the chosen one, which may stand among them or not.
    #[serde(default)]
    pub top_candidates: Vec<Likeliest>,
}

#[derive(Deserialize)]
pub(super) struct Likeliest {
    #[serde(default)]
    pub candidates: Vec<Likelihood>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Likelihood {
    pub token: String,
    pub log_probability: Number,
}

#[derive(Deserialize)]
pub(super) struct Content {
    #[serde(default)]
    pub parts: Option<Vec<Part>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part {
    #[serde(default)]
    pub text: Option<String>,
    /// Whether the text is a thought and no part of the answer.
    #[serde(default)]
    pub thought: bool,
    #[serde(default)]
    pub function_call: Option<Call>,
    #[serde(default, deserialize_with = "if_readable")]
    pub thought_signature: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Call {
    #[serde(default)]
    pub id: Option<String>,
    pub name: String,
    #[serde(default)]
    pub args: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Feedback {
    #[serde(default)]
    pub block_reason: Option<String>,
}

/// Counts so far. One that is zero is left out.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    prompt_token_count: Option<i64>,
    tool_use_prompt_token_count: Option<i64>,
    cached_content_token_count: Option<i64>,
    candidates_token_count: Option<i64>,
    thoughts_token_count: Option<i64>,
    total_token_count: Option<i64>,
}

impl Report {
    /// The report in normal form, if it counts anything: thoughts are counted beside the answer here and inside it there.
    pub fn usage(&self) -> Option<Usage> {
        let input = sum(self.prompt_token_count, self.tool_use_prompt_token_count);
        // Of counts that are left out only the total tells whether they are zero.
        let rest = || self.total_token_count?.checked_sub(input?);
        let output = sum(self.candidates_token_count, self.thoughts_token_count).or_else(rest);
        if input.is_none() && output.is_none() {
            return None;
        }
        Some(Usage {
            input_tokens: input,
            cached_input_tokens: self.cached_content_token_count,
            output_tokens: output,
            reasoning_tokens: self.thoughts_token_count,
            ..Usage::default()
        })
    }
}

fn sum(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    [one, other].into_iter().flatten().reduce(i64::saturating_add)
}
