//! The Messages protocol of Anthropic.

mod decoder;
mod encode;
mod wire;

use marketplace::chat::{ChatEvent, Failure, FailureClass};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

pub use self::encode::encode;
use crate::failure::{class_of_status, failure, malformed, retry_after_seconds, without_words};
use crate::reading::{self, Reading};

pub type Decoder = Reading<decoder::Message>;

/// A version of the protocol, and what a request may say in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    headers: &'static [(&'static str, &'static str); 1],
    /// Whether `temperature`, `top_p` and `top_k` may be said, even at what they are anyway.
    takes_sampling: bool,
}

/// All that are answered, the one to speak unless another is asked for first.
pub const VERSIONS: [Version; 2] = [
    Version { headers: &[("anthropic-version", "2023-06-01")], takes_sampling: true },
    Version { headers: &[("anthropic-version", "2026-10-21")], takes_sampling: false },
];

impl Version {
    pub fn name(&self) -> &'static str {
        self.headers[0].1
    }
}

/// How a model thinks of which nobody says how hard. Up to 4.5 they want to be told for how many tokens, of which these are
/// the fewest; later ones refuse that and find out themselves.
pub fn usual_thinking(upstream_model: &str) -> Value {
    let by_tokens = ["-3-7-", "-sonnet-4-2", "-opus-4-2", "-opus-4-1", "-4-5"];
    if by_tokens.iter().any(|version| upstream_model.contains(version)) {
        return json!({ "type": "enabled", "budget_tokens": 1_024 });
    }
    json!({ "type": "adaptive" })
}

/// Reads an answer that came in one piece.
pub fn decode(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<Vec<ChatEvent>, Failure> {
    if !status.is_success() {
        return Err(refusal(status, headers, body));
    }
    match serde_json::from_slice(body) {
        Ok(wire::Reply::Message(message)) => {
            reading::whole(|read: &mut decoder::Message| read.take_whole(message))
        }
        Ok(wire::Reply::Error) => Err(refusal(status, headers, body)),
        Err(_) => Err(malformed("the answer is not JSON of the message shape")),
    }
}

/// Reads why there is no answer.
pub fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    match serde_json::from_slice::<Value>(body) {
        Ok(body) if body["error"].is_object() => Failure {
            retry_after_seconds: retry_after_seconds(headers),
            ..complaint((!status.is_success()).then_some(status), &body["error"])
        },
        _ => without_words(status, headers),
    }
}

fn complaint(status: Option<StatusCode>, error: &Value) -> Failure {
    let message = error["message"].as_str().unwrap_or("the vendor gave no reason");
    let class = match error["type"].as_str().unwrap_or_default() {
        "invalid_request_error" => class_of_message(message),
        "authentication_error" | "permission_error" => FailureClass::Auth,
        "billing_error" => FailureClass::QuotaExhausted,
        "not_found_error" => FailureClass::ModelNotFound,
        "request_too_large" | "conflict_error" => FailureClass::InvalidRequest,
        // A spent budget has the type of a rate limit, but no waiting helps.
        "rate_limit_error" => match error["details"]["error_code"].as_str() {
            Some("enforced_spend_limit_reached" | "contract_spend_limit_reached") => {
                FailureClass::QuotaExhausted
            }
            _ => FailureClass::RateLimited,
        },
        "timeout_error" => FailureClass::Timeout,
        "overloaded_error" => FailureClass::Overloaded,
        _ => status.map_or(FailureClass::ServerError, |status| class_of_status(status.as_u16())),
    };
    failure(class, message)
}

/// What an invalid request is in truth; only the prose tells.
fn class_of_message(message: &str) -> FailureClass {
    if message.contains("prompt is too long") || message.contains("context window") {
        FailureClass::ContextLength
    } else if message.contains("credit balance is too low") {
        FailureClass::QuotaExhausted
    } else {
        FailureClass::InvalidRequest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_models_are_told_for_how_many_tokens_to_think() {
        for (model, kind) in [
            ("claude-haiku-4-5", "enabled"),
            ("claude-sonnet-4-5-20250929", "enabled"),
            ("claude-sonnet-4-20250514", "enabled"),
            ("claude-opus-4-8", "adaptive"),
            ("claude-sonnet-5-5", "adaptive"),
            ("claude-haiku-5-5", "adaptive"),
        ] {
            assert_eq!(usual_thinking(model)["type"], kind, "{model}");
        }
    }
}
