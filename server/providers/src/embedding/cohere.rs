//! Embeddings of Cohere's second protocol.

use marketplace::chat::Failure;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Number;

use super::{Embeddings, Purpose, Request, counted, outgoing};
pub use crate::cohere::refusal;
use crate::cohere::whole_count;
use crate::dialect::Outgoing;
use crate::failure::{if_readable, malformed};

/// The purpose must be said here: what has none is to be found. A text that is too long is refused rather than cut.
pub fn encode(request: &Request, upstream_model: &str) -> Result<Outgoing, Failure> {
    let sent = Sent {
        model: upstream_model,
        texts: request.inputs.texts()?,
        input_type: match request.purpose {
            None | Some(Purpose::Document) => "search_document",
            Some(Purpose::Query) => "search_query",
        },
        embedding_types: ["float"],
        output_dimension: request.dimensions,
        truncate: "NONE",
    };
    outgoing("/v2/embed", &sent)
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
    let billed = answer.meta.and_then(|meta| meta.billed_units);
    let usage = counted(billed.and_then(|billed| whole_count(&billed.input_tokens)));
    Embeddings::checked(answer.embeddings.float, usage, texts)
}

#[derive(Serialize)]
struct Sent<'a> {
    model: &'a str,
    texts: &'a [String],
    input_type: &'static str,
    embedding_types: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimension: Option<u32>,
    truncate: &'static str,
}

#[derive(Deserialize)]
struct Answer {
    embeddings: ByType,
    #[serde(default, deserialize_with = "if_readable")]
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct ByType {
    float: Vec<Vec<f32>>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(default, deserialize_with = "if_readable")]
    billed_units: Option<Billed>,
}

#[derive(Deserialize)]
struct Billed {
    input_tokens: Option<Number>,
}
