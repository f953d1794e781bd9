//! What is left of a minute, as headers: in OpenAI's words, and for Anthropic's clients in theirs too.

use std::time::Duration;

use chrono::{SecondsFormat, Utc};
use http::{HeaderMap, HeaderName, HeaderValue};
use marketplace::rate::{Left, Limited, Standing, Unit};
use serde_json::{Value, json};

use super::Family;

/// Adds what is known; where nothing limits there is nothing to say.
pub fn add_headers(headers: &mut HeaderMap, family: Family, standing: &Standing) {
    let limits = [(Unit::Requests, standing.requests), (Unit::Tokens, standing.tokens)];
    for (unit, left) in limits.into_iter().filter_map(|(unit, left)| Some((unit, left?))) {
        let [limit, remaining, reset] = names(unit);
        headers.insert(limit, HeaderValue::from(left.limit));
        headers.insert(remaining, HeaderValue::from(left.remaining));
        insert(headers, reset, &format!("{}s", left.resets_in_seconds));
        if family == Family::Anthropic {
            let [limit, remaining, reset] = anthropic_names(unit);
            headers.insert(limit, HeaderValue::from(left.limit));
            headers.insert(remaining, HeaderValue::from(left.remaining));
            insert(headers, reset, &resets_at(&left));
        }
    }
}

/// The limit that refused, for programs.
pub fn details(limited: &Limited) -> Value {
    let Limited { owner, unit, left } = limited;
    json!({
        "owner": owner.as_str(),
        "unit": unit.as_str(),
        "per": "minute",
        "limit": left.limit,
        "remaining": left.remaining,
        "resets_at": resets_at(left),
    })
}

fn resets_at(left: &Left) -> String {
    (Utc::now() + Duration::from_secs(left.resets_in_seconds)).to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn insert(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

fn names(unit: Unit) -> [HeaderName; 3] {
    match unit {
        Unit::Requests => [
            HeaderName::from_static("x-ratelimit-limit-requests"),
            HeaderName::from_static("x-ratelimit-remaining-requests"),
            HeaderName::from_static("x-ratelimit-reset-requests"),
        ],
        Unit::Tokens => [
            HeaderName::from_static("x-ratelimit-limit-tokens"),
            HeaderName::from_static("x-ratelimit-remaining-tokens"),
            HeaderName::from_static("x-ratelimit-reset-tokens"),
        ],
    }
}

fn anthropic_names(unit: Unit) -> [HeaderName; 3] {
    match unit {
        Unit::Requests => [
            HeaderName::from_static("anthropic-ratelimit-requests-limit"),
            HeaderName::from_static("anthropic-ratelimit-requests-remaining"),
            HeaderName::from_static("anthropic-ratelimit-requests-reset"),
        ],
        Unit::Tokens => [
            HeaderName::from_static("anthropic-ratelimit-tokens-limit"),
            HeaderName::from_static("anthropic-ratelimit-tokens-remaining"),
            HeaderName::from_static("anthropic-ratelimit-tokens-reset"),
        ],
    }
}
