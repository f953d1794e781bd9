//! Embeddings of Ollama.

use marketplace::chat::Failure;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::{Deserialize, Serialize};

use super::{Embeddings, Request, counted, outgoing};
use crate::dialect::Outgoing;
use crate::failure::{if_readable, malformed};
pub use crate::ollama::refusal;

/// A text that is too long is to be refused rather than cut. What the vectors are for makes no difference here.
pub fn encode(request: &Request, upstream_model: &str) -> Result<Outgoing, Failure> {
    let sent = Sent {
        model: upstream_model,
        input: request.inputs.texts()?,
        truncate: false,
        dimensions: request.dimensions,
    };
    outgoing("/api/embed", &sent)
}

pub fn decode(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    texts: usize,
) -> Result<Embeddings, Failure> {
    if !status.is_success() {
        return Err(refusal(status, headers, body));
    }
    let answer: Answer =
        serde_json::from_slice(body).map_err(|_| malformed("the answer is not JSON of the embed shape"))?;
    Embeddings::checked(answer.embeddings, counted(answer.prompt_eval_count), texts)
}

#[derive(Serialize)]
struct Sent<'a> {
    model: &'a str,
    input: &'a [String],
    truncate: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
}

#[derive(Deserialize)]
struct Answer {
    embeddings: Vec<Vec<f32>>,
    #[serde(default, deserialize_with = "if_readable")]
    prompt_eval_count: Option<i64>,
}
