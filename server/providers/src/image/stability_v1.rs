//! Pictures of Stability's first protocol, which are paid by the piece, and what an operator still has there.

use marketplace::chat::Failure;
use marketplace::money::Nanos;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Number;

pub use super::refusal_of_stability as refusal;
use super::{Picture, Pictures, Request, Size};
use crate::dialect::Outgoing;
use crate::failure::{malformed, unsupported};

/// A picture costs its vendor's work by the step, so how many are made is always said.
const STEPS: u32 = 30;
/// What is drawn, wide or, turned around, high.
const SIZES: [(u32, u32); 5] = [(1_024, 1_024), (1_152, 896), (1_216, 832), (1_344, 768), (1_536, 640)];

/// What is not to be seen is a prompt of negative weight.
pub fn encode(request: &Request, upstream_model: &str) -> Result<Outgoing, Failure> {
    if request.quality.is_some() {
        return Err(unsupported("quality", "is not offered by this model's provider"));
    }
    if request.size.is_some_and(|size| !is_drawn(size)) {
        return Err(unsupported(
            "size",
            "is none of 1024x1024, 1152x896, 1216x832, 1344x768, 1536x640 or one of these turned",
        ));
    }
    let unwanted = request.negative_prompt.iter().map(|text| Prompt { text, weight: -1 });
    let sent = Sent {
        text_prompts: std::iter::once(Prompt { text: &request.prompt, weight: 1 }).chain(unwanted).collect(),
        samples: request.count,
        steps: STEPS,
        width: request.size.map(|size| size.width),
        height: request.size.map(|size| size.height),
        seed: request.seed,
    };
    let body = serde_json::to_vec(&sent).map_err(|error| unsupported("request", &error.to_string()))?;
    let path = format!("/v1/generation/{upstream_model}/text-to-image").into();
    Ok(Outgoing { path, headers: &[("accept", "application/json")], body })
}

fn is_drawn(Size { width, height }: Size) -> bool {
    SIZES.contains(&(width, height)) || SIZES.contains(&(height, width))
}

pub fn decode(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<Pictures, Failure> {
    if !status.is_success() {
        return Err(refusal(status, headers, body));
    }
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|_| malformed("the answer is not JSON of the text-to-image shape"))?;
    let pictures = answer.artifacts.iter().map(|artifact| match artifact.finish_reason.as_str() {
        "SUCCESS" => Picture::from_base64(&artifact.base64, artifact.seed, false),
        "CONTENT_FILTERED" => Picture::from_base64(&artifact.base64, artifact.seed, true),
        // An error has no picture.
        _ => None,
    });
    Pictures::checked(pictures.collect(), None)
}

/// What is left of what an operator has paid ahead. It is told in credits, of which each is a cent.
pub fn decode_balance(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<Nanos, Failure> {
    const CREDITS_A_DOLLAR: i64 = 100;
    if !status.is_success() {
        return Err(refusal(status, headers, body));
    }
    let told = serde_json::from_slice::<Balance>(body).ok();
    let credits = told.and_then(|told| Nanos::parse_usd(&told.credits.to_string()).ok());
    let credits = credits.ok_or_else(|| malformed("the answer is not JSON of the balance shape"))?;
    Ok(Nanos(credits.0 / CREDITS_A_DOLLAR))
}

#[derive(Serialize)]
struct Sent<'a> {
    text_prompts: Vec<Prompt<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    samples: Option<u32>,
    steps: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

#[derive(Serialize)]
struct Prompt<'a> {
    text: &'a str,
    weight: i32,
}

#[derive(Deserialize)]
struct Balance {
    credits: Number,
}

#[derive(Deserialize)]
struct Answer {
    artifacts: Vec<Artifact>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    base64: String,
    #[serde(default)]
    seed: Option<u64>,
    finish_reason: String,
}
