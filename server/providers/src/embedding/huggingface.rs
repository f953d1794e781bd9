//! Embeddings of Hugging Face, where they are called feature extraction.

use marketplace::chat::Failure;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::{Deserialize, Serialize};

use super::{Embeddings, Request, outgoing};
use crate::dialect::Outgoing;
use crate::failure::{malformed, unsupported};
pub use crate::tgi::refusal;

/// The path begins at the router itself, not below its `/v1`.
pub fn encode(request: &Request, upstream_model: &str) -> Result<Outgoing, Failure> {
    if request.dimensions.is_some() {
        return Err(unsupported("dimensions", "cannot be chosen with this model's provider"));
    }
    let path = format!("/hf-inference/models/{upstream_model}/pipeline/feature-extraction");
    outgoing(path, &Sent { inputs: request.inputs.texts()? })
}

/// Nothing is counted here, so usage is absent.
pub fn decode(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    texts: usize,
) -> Result<Embeddings, Failure> {
    if !status.is_success() {
        return Err(refusal(status, headers, body));
    }
    let vectors = match serde_json::from_slice(body) {
        Ok(Answer::Many(vectors)) => vectors,
        Ok(Answer::One(vector)) => vec![vector],
        // Some models make a vector of every token, and how these become one is for nobody here to say.
        Err(_) => return Err(malformed("the answer is not one vector a text")),
    };
    Embeddings::checked(vectors, None, texts)
}

#[derive(Serialize)]
struct Sent<'a> {
    inputs: &'a [String],
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Many(Vec<Vec<f32>>),
    One(Vec<f32>),
}
