//! Errors as vendors of the OpenAI chat protocol word them, put into classes.

use marketplace::chat::{Failure, FailureClass};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::failure::{class_of_status, failure, retry_after_seconds, without_words};

/// Reads why there is no answer.
pub fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    match serde_json::from_slice::<Value>(body) {
        Ok(body @ Value::Object(_)) => Failure {
            retry_after_seconds: retry_after_seconds(headers),
            ..complaint((!status.is_success()).then_some(status.as_u16()), &body)
        },
        _ => without_words(status, headers),
    }
}

/// Reads an error in any of its forms: under `error`, flat, as `detail`, or as bare text.
pub(crate) fn complaint(status: Option<u16>, body: &Value) -> Failure {
    let error = match &body["error"] {
        Value::Null => body,
        error => error,
    };
    let message = [&error["message"], &body["detail"], error].into_iter().find_map(words);
    let message = message.unwrap_or_else(|| "the vendor gave no reason".to_owned());
    let status =
        status.or_else(|| status_within(&error["code"])).or_else(|| status_within(&body["status_code"]));
    let word = |field: &str| error[field].as_str().unwrap_or_default();
    let class = class_of_words(word("code"), word("type"), &message, status)
        .unwrap_or_else(|| status.map_or(FailureClass::ServerError, class_of_status));
    failure(class, message)
}

/// Text as it is, lists and objects as JSON, an object with an error's fields not at all.
fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(_) => Some(value.to_string()),
        Value::Object(fields) if fields.contains_key("detail") => Some(value["detail"].to_string()),
        _ => None,
    }
}

/// A status that is told inside the body, as a number or in digits.
fn status_within(code: &Value) -> Option<u16> {
    let number = code.as_u64().or_else(|| code.as_str()?.parse().ok())?;
    u16::try_from(number).ok().filter(|status| (400..600).contains(status))
}

fn class_of_words(code: &str, kind: &str, message: &str, status: Option<u16>) -> Option<FailureClass> {
    [code, kind].into_iter().find_map(class_of_code).or_else(|| class_of_message(message, status))
}

fn class_of_code(code: &str) -> Option<FailureClass> {
    Some(match code {
        "context_length_exceeded" => FailureClass::ContextLength,
        "credit_balance_exhausted"
        | "organization_spend_limit_exceeded"
        | "project_spend_limit_exceeded"
        | "organization_usage_limit_exceeded"
        | "insufficient_quota"
        | "billing_hard_limit_reached" => FailureClass::QuotaExhausted,
        "invalid_api_key" => FailureClass::Auth,
        "model_not_found" => FailureClass::ModelNotFound,
        "tool_use_failed" => FailureClass::ModelOutput,
        "content_filter" | "content_policy_violation" => FailureClass::Content,
        "rate_limit_exceeded" | "rate_limited" | "rate_limit_error" => FailureClass::RateLimited,
        "server_is_overloaded" | "capacity_exceeded" => FailureClass::Overloaded,
        _ => return None,
    })
}

/// Some vendors say only in prose what others have a code for.
fn class_of_message(message: &str, status: Option<u16>) -> Option<FailureClass> {
    let message = message.to_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
    match status {
        Some(400 | 413 | 422) if says(&["context length", "context window", "prompt is too long"]) => {
            Some(FailureClass::ContextLength)
        }
        Some(400) if says(&["incorrect api key", "invalid api key"]) => Some(FailureClass::Auth),
        Some(403) if says(&["moderation", "flagged"]) => Some(FailureClass::Content),
        None if says(&["over capacity", "overloaded"]) => Some(FailureClass::Overloaded),
        None if says(&["rate limit"]) => Some(FailureClass::RateLimited),
        _ => None,
    }
}
