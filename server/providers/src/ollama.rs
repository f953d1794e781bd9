//! The chat protocol of Ollama, which runs models on one's own machine.

mod decoder;
mod encode;
mod local;
mod wire;

use marketplace::chat::{ChatEvent, Failure, FailureClass};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

pub use self::encode::encode;
pub use self::local::{TAGS, decode_show, decode_tags, encode_show};
use crate::failure::{class_of_status, failure, malformed, retry_after_seconds, without_words};
use crate::reading::{self, Reading};

pub type Decoder = Reading<decoder::Chat>;

/// Reads an answer that came in one piece.
pub fn decode(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<Vec<ChatEvent>, Failure> {
    if !status.is_success() {
        return Err(refusal(status, headers, body));
    }
    let line = serde_json::from_slice(body)
        .map_err(|_| malformed("the answer is not JSON of the chat response shape"))?;
    // A whole answer is a single line that says all.
    reading::whole(|chat: &mut decoder::Chat| chat.take(line))
}

/// Reads why there is no answer.
pub fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    let body = serde_json::from_slice::<Value>(body).unwrap_or_default();
    match body["error"].as_str() {
        Some(message) => Failure {
            retry_after_seconds: retry_after_seconds(headers),
            ..complaint((!status.is_success()).then_some(status), message)
        },
        None => without_words(status, headers),
    }
}

/// There are no codes: what the status leaves open stays open.
fn complaint(status: Option<StatusCode>, message: &str) -> Failure {
    let class = status.map_or(FailureClass::ServerError, |status| class_of_status(status.as_u16()));
    failure(class, message)
}
