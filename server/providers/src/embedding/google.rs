//! Embeddings of Google: one text at a time, or many as a batch.

use marketplace::chat::Failure;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::{Deserialize, Serialize};

use super::{Embeddings, Purpose, Request, outgoing};
use crate::dialect::Outgoing;
use crate::failure::malformed;
pub use crate::google::refusal;

pub fn encode(request: &Request, upstream_model: &str) -> Result<Outgoing, Failure> {
    let name = format!("models/{upstream_model}");
    let of = |text| Sent {
        model: &name,
        content: Content { parts: [Part { text }] },
        task_type: request.purpose.map(|purpose| match purpose {
            Purpose::Document => "RETRIEVAL_DOCUMENT",
            Purpose::Query => "RETRIEVAL_QUERY",
        }),
        output_dimensionality: request.dimensions,
    };
    match request.inputs.texts()? {
        [text] => outgoing(format!("/{name}:embedContent"), &of(text)),
        texts => {
            let requests = texts.iter().map(|text| of(text)).collect();
            outgoing(format!("/{name}:batchEmbedContents"), &Batch { requests })
        }
    }
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
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|_| malformed("the answer is not JSON of the embedContent shape"))?;
    let vectors = answer.embedding.into_iter().chain(answer.embeddings).map(|vector| vector.values);
    Embeddings::checked(vectors.collect(), None, texts)
}

#[derive(Serialize)]
struct Batch<'a> {
    requests: Vec<Sent<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sent<'a> {
    model: &'a str,
    content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimensionality: Option<u32>,
}

#[derive(Serialize)]
struct Content<'a> {
    parts: [Part<'a>; 1],
}

#[derive(Serialize)]
struct Part<'a> {
    text: &'a str,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    embedding: Option<Vector>,
    #[serde(default)]
    embeddings: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    values: Vec<f32>,
}
