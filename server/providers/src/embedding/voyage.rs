//! Embeddings of Voyage AI. It answers as OpenAI does.

use marketplace::chat::Failure;
use serde::Serialize;

pub use super::openai::{decode, refusal};
use super::{Purpose, Request, outgoing};
use crate::dialect::Outgoing;

/// A text that is too long is to be refused rather than cut.
pub fn encode(request: &Request, upstream_model: &str) -> Result<Outgoing, Failure> {
    let sent = Sent {
        model: upstream_model,
        input: request.inputs.texts()?,
        input_type: request.purpose.map(|purpose| match purpose {
            Purpose::Document => "document",
            Purpose::Query => "query",
        }),
        output_dimension: request.dimensions,
        truncation: false,
    };
    outgoing("/embeddings", &sent)
}

#[derive(Serialize)]
struct Sent<'a> {
    model: &'a str,
    input: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    input_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimension: Option<u32>,
    truncation: bool,
}
