//! Pictures of OpenAI's models, which are paid by the token.

use std::borrow::Cow;

use marketplace::chat::Failure;
use marketplace::usage::Usage;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::{Deserialize, Serialize};

use super::{Picture, Pictures, Request};
use crate::dialect::Outgoing;
use crate::failure::{if_readable, malformed, unsupported};
pub use crate::openai::refusal;

pub fn encode(request: &Request, upstream_model: &str) -> Result<Outgoing, Failure> {
    if request.negative_prompt.is_some() {
        return Err(unsupported("negative_prompt", "is not offered by this model's provider"));
    }
    if request.seed.is_some() {
        return Err(unsupported("seed", "is not offered by this model's provider"));
    }
    let sent = Sent {
        model: upstream_model,
        prompt: &request.prompt,
        n: request.count,
        size: request.size.map(|size| format!("{}x{}", size.width, size.height)),
        quality: request.quality.as_deref(),
        // OpenAI's newer models send nothing else and refuse the question; others send an address unless asked.
        response_format: (!upstream_model.starts_with("gpt-image")).then_some("b64_json"),
    };
    let body = serde_json::to_vec(&sent).map_err(|error| unsupported("request", &error.to_string()))?;
    Ok(Outgoing { path: Cow::Borrowed("/images/generations"), headers: &[], body })
}

pub fn decode(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<Pictures, Failure> {
    if !status.is_success() {
        return Err(refusal(status, headers, body));
    }
    let answer: Answer =
        serde_json::from_slice(body).map_err(|_| malformed("the answer is not JSON of the image shape"))?;
    let Some(data) = answer.data else { return Err(refusal(status, headers, body)) };
    let pictures = data.iter().map(|item| Picture::from_base64(&item.b64_json, None, false)).collect();
    let usage = answer.usage.map(|report| Usage {
        input_tokens: report.input_tokens,
        output_tokens: report.output_tokens,
        ..Usage::default()
    });
    Pictures::checked(pictures, usage)
}

#[derive(Serialize)]
struct Sent<'a> {
    model: &'a str,
    prompt: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<&'static str>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    data: Option<Vec<Item>>,
    #[serde(default, deserialize_with = "if_readable")]
    usage: Option<Report>,
}

#[derive(Deserialize)]
struct Item {
    b64_json: String,
}

#[derive(Deserialize)]
struct Report {
    input_tokens: Option<i64>,
    output_tokens: Option<i64>,
}
