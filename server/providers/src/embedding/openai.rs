//! Embeddings as OpenAI and vendors like it make them.

use marketplace::chat::Failure;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::{Deserialize, Serialize};

use super::{Embeddings, Inputs, Request, counted, from_base64, outgoing};
use crate::dialect::Outgoing;
use crate::failure::{if_readable, malformed};
pub use crate::openai::refusal;

/// Asks for base64, which is a third of the size. What the vectors are for makes no difference here.
pub fn encode(request: &Request, upstream_model: &str) -> Result<Outgoing, Failure> {
    let sent = Sent {
        model: upstream_model,
        input: match &request.inputs {
            Inputs::Texts(texts) => Input::Texts(texts),
            Inputs::Tokens(tokens) => Input::Tokens(tokens),
        },
        encoding_format: "base64",
        dimensions: request.dimensions,
    };
    outgoing("/embeddings", &sent)
}

/// Reads vectors in either encoding: not everybody who speaks this protocol knows both.
pub fn decode(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    texts: usize,
) -> Result<Embeddings, Failure> {
    if !status.is_success() {
        return Err(refusal(status, headers, body));
    }
    let wrong = || malformed("the answer is not JSON of the embedding shape");
    let answer: Answer = serde_json::from_slice(body).map_err(|_| wrong())?;
    let Some(mut data) = answer.data else { return Err(refusal(status, headers, body)) };
    data.sort_by_key(|item| item.index);
    if (0..).zip(&data).any(|(place, item)| item.index.is_some_and(|index| index != place)) {
        return Err(malformed("a text has no vector, or more than one"));
    }
    let vectors = data.into_iter().map(|item| match item.embedding {
        Vector::Numbers(numbers) => Ok(numbers),
        Vector::Base64(text) => from_base64(&text).ok_or_else(wrong),
    });
    let usage = answer.usage.and_then(|usage| counted(usage.prompt_tokens.or(usage.total_tokens)));
    Embeddings::checked(vectors.collect::<Result<_, _>>()?, usage, texts)
}

#[derive(Serialize)]
struct Sent<'a> {
    model: &'a str,
    input: Input<'a>,
    encoding_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Input<'a> {
    Texts(&'a [String]),
    Tokens(&'a [Vec<u32>]),
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
    #[serde(default)]
    index: Option<u64>,
    embedding: Vector,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Vector {
    Numbers(Vec<f32>),
    Base64(String),
}

#[derive(Deserialize)]
struct Report {
    prompt_tokens: Option<i64>,
    /// All that some vendors tell.
    total_tokens: Option<i64>,
}
