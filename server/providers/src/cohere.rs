//! The second version of Cohere's chat protocol.

mod decoder;
mod encode;
pub mod generate;
mod wire;

use marketplace::chat::{ChatEvent, Failure, FailureClass};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

pub use self::encode::encode;
pub(crate) use self::wire::whole_count;
use crate::failure::{class_of_status, failure, malformed, retry_after_seconds, without_words};
use crate::reading::{self, Reading};

pub type Decoder = Reading<decoder::Chat>;

/// Reads an answer that came in one piece.
pub fn decode(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<Vec<ChatEvent>, Failure> {
    if !status.is_success() {
        return Err(refusal(status, headers, body));
    }
    let answer = serde_json::from_slice(body)
        .map_err(|_| malformed("the answer is not JSON of the chat response shape"))?;
    reading::whole::<decoder::Chat>(|_| decoder::take_whole(answer))
}

/// Reads why there is no answer.
pub fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    let body = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let Some(message) = body["message"].as_str() else { return without_words(status, headers) };
    Failure {
        retry_after_seconds: retry_after_seconds(headers),
        ..failure(class_of(status.as_u16(), message), message)
    }
}

/// There are no codes: what the status leaves open only the prose tells.
fn class_of(status: u16, message: &str) -> FailureClass {
    match status {
        400 | 422 if message.contains("too many tokens") => FailureClass::ContextLength,
        // A trial that is counted by the month does not come back by waiting.
        429 if message.contains("/ month") => FailureClass::QuotaExhausted,
        // Text of the prompt or the answer that is blocked, and a caller who is taken to have left.
        498 => FailureClass::Content,
        499 => FailureClass::ServerError,
        status => class_of_status(status),
    }
}
