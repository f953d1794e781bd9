//! The generateContent protocol of Google's Gemini models.

pub mod bison;
mod decoder;
mod encode;
mod likelihood;
mod wire;

use marketplace::chat::{ChatEvent, Failure, FailureClass};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

pub use self::encode::{encode, offers_logprobs};
use crate::failure::{class_of_status, failure, malformed, retry_after_seconds, wait_seconds, without_words};
use crate::reading::{self, Reading};

pub type Decoder = Reading<decoder::Content>;

/// Reads an answer that came in one piece.
pub fn decode(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<Vec<ChatEvent>, Failure> {
    if !status.is_success() {
        return Err(refusal(status, headers, body));
    }
    // Where a stream was not asked for as events, it is one long list of replies.
    let replies: Vec<wire::Reply> = match body.trim_ascii_start().first() {
        Some(b'[') => serde_json::from_slice(body),
        _ => serde_json::from_slice(body).map(|reply| vec![reply]),
    }
    .map_err(|_| malformed("the answer is not JSON of the generateContent shape"))?;
    reading::whole(|content: &mut decoder::Content| {
        let mut events = Vec::new();
        for reply in replies {
            events.extend(content.take(reply));
            if matches!(events.last(), Some(ChatEvent::Failed(_))) {
                break;
            }
        }
        events
    })
}

/// Reads why there is no answer.
pub fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    let body = serde_json::from_slice::<Value>(body).unwrap_or_default();
    // A stream that was not asked for as events is a list, also when it is refused.
    let error = [&body["error"], &body[0]["error"]].into_iter().find(|error| error.is_object());
    let Some(error) = error else { return without_words(status, headers) };
    let failure = complaint((!status.is_success()).then_some(status), error);
    Failure { retry_after_seconds: retry_after_seconds(headers).or(failure.retry_after_seconds), ..failure }
}

fn complaint(status: Option<StatusCode>, error: &Value) -> Failure {
    let message = error["message"].as_str().unwrap_or("the vendor gave no reason");
    let class = match error["status"].as_str().unwrap_or_default() {
        "INVALID_ARGUMENT" => class_of_argument(error, message),
        // A region that is not served, or an account that has to be set up first.
        "FAILED_PRECONDITION" | "PERMISSION_DENIED" | "UNAUTHENTICATED" => FailureClass::Auth,
        "NOT_FOUND" => FailureClass::ModelNotFound,
        // What is counted by the day does not come back by waiting.
        "RESOURCE_EXHAUSTED" if spent_quotas(error).any(|quota| quota.contains("PerDay")) => {
            FailureClass::QuotaExhausted
        }
        "RESOURCE_EXHAUSTED" => FailureClass::RateLimited,
        "UNAVAILABLE" => FailureClass::Overloaded,
        "DEADLINE_EXCEEDED" => FailureClass::Timeout,
        _ => status.map_or(FailureClass::ServerError, |status| class_of_status(status.as_u16())),
    };
    let delay = details(error).find_map(|detail| detail["retryDelay"].as_str()?.strip_suffix('s'));
    let retry_after_seconds = delay.filter(|_| class != FailureClass::QuotaExhausted).and_then(wait_seconds);
    Failure { retry_after_seconds, ..failure(class, message) }
}

/// A bad key is an invalid argument too.
fn class_of_argument(error: &Value, message: &str) -> FailureClass {
    if details(error).any(|detail| detail["reason"] == "API_KEY_INVALID") {
        FailureClass::Auth
    } else if message.contains("token count") && message.contains("exceeds") {
        FailureClass::ContextLength
    } else {
        FailureClass::InvalidRequest
    }
}

fn spent_quotas(error: &Value) -> impl Iterator<Item = &str> {
    let violations = details(error).filter_map(|detail| detail["violations"].as_array());
    violations.flatten().filter_map(|violation| violation["quotaId"].as_str())
}

fn details(error: &Value) -> impl Iterator<Item = &Value> {
    error["details"].as_array().into_iter().flatten()
}
