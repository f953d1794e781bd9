//! `X-OpenRouter-Cache`: what a request says of kept answers, and how one of them is told again.

use std::fmt::Write as _;

use axum::response::{IntoResponse, Response};
use engine::{Asked, CacheWish, Cached, Reading, TTL_SECONDS, TTL_SECONDS_MAX};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use marketplace::fault::Fault;
use marketplace::id::CallId;
use marketplace::usage::UsageSource;
use serde_json::{Map, Value};
use tracing::warn;

use super::error::GENERATION_ID;
use super::idempotency::Attempt;
use super::sale::stream::UNBUFFERED;
use super::sale::{Line, Wares};
use super::{Family, rate};

const WANTED: HeaderName = HeaderName::from_static("x-openrouter-cache");
/// Asked for in seconds, and told in seconds that are left.
const TTL: HeaderName = HeaderName::from_static("x-openrouter-cache-ttl");
const CLEAR: HeaderName = HeaderName::from_static("x-openrouter-cache-clear");
const STATUS: HeaderName = HeaderName::from_static("x-openrouter-cache-status");
const AGE: HeaderName = HeaderName::from_static("x-openrouter-cache-age");
const SOURCE: HeaderName = HeaderName::from_static("x-openrouter-cache-source-id");

const WHOLE: &str = "application/json";
const STREAM: &str = "text/event-stream";

/// Where an answer, or a line of one, tells what was used: each dialect has its place.
const USAGE_PLACES: [&str; 3] = ["/usage", "/response/usage", "/message/usage"];

/// What is asked of the cache, if anything is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    ttl_seconds: u32,
    reading: Reading,
}

impl Wanted {
    pub fn read(headers: &HeaderMap) -> Result<Option<Self>, Fault> {
        if !flag(headers, &WANTED)? {
            return Ok(None);
        }
        let reading = if flag(headers, &CLEAR)? { Reading::Anew } else { Reading::Kept };
        let ttl_seconds =
            match text(headers, &TTL) {
                None => TTL_SECONDS,
                Some(seconds) => seconds
                    .parse()
                    .ok()
                    .filter(|seconds| (1..=TTL_SECONDS_MAX).contains(seconds))
                    .ok_or_else(|| refused(&TTL, &format!("must be 1 to {TTL_SECONDS_MAX} seconds")))?,
            };
        Ok(Some(Self { ttl_seconds, reading }))
    }

    /// For this body at this address. Nothing is kept of a request that wants nothing kept.
    pub fn of(self, path: &str, body: &[u8]) -> Option<CacheWish> {
        let body: Map<String, Value> = serde_json::from_slice(body).ok()?;
        let Self { ttl_seconds, reading } = self;
        narrowed(CacheWish { request: path.to_owned(), ttl_seconds, reading }, &body)
    }
}

/// What is wished, of this body and no other.
pub fn narrowed(wish: CacheWish, body: &Map<String, Value>) -> Option<CacheWish> {
    let asked = |name: &str| body.get("provider").and_then(|provider| provider.get(name));
    if asked("zdr") == Some(&true.into()) || asked("data_collection") == Some(&"deny".into()) {
        return None;
    }
    let mut request = wish.request;
    // Members come in one order, however they were sent.
    for (name, value) in body {
        let _ = write!(request, "\n{}:{value}", Value::from(name.as_str()));
    }
    Some(CacheWish { request, ..wish })
}

/// The answer that was kept for this request, if it asks for it and there is one.
pub async fn find(attempt: &Attempt, asked: &Asked<'_>, family: Family) -> Result<Option<Response>, Fault> {
    let Some(wish) = &attempt.cache else { return Ok(None) };
    let Some(cached) = attempt.engine.find_cached(&attempt.actor, wish, asked).await? else {
        return Ok(None);
    };
    if let Some(claim) = &attempt.claim {
        // A key stands for what was begun, and here nothing is.
        attempt.engine.unclaim(&attempt.actor, claim).await;
    }
    Ok(Some(told_again(cached, family)))
}

fn told_again(cached: Cached, family: Family) -> Response {
    let Cached { source, content_type, body, age_seconds, left_seconds, standing } = cached;
    let mut answer = body.into_response();
    let headers = answer.headers_mut();
    headers.insert(STATUS, HeaderValue::from_static("HIT"));
    headers.insert(AGE, HeaderValue::from(age_seconds));
    headers.insert(TTL, HeaderValue::from(left_seconds));
    if let Ok(source) = HeaderValue::from_str(&source.to_string()) {
        headers.insert(GENERATION_ID, source.clone());
        headers.insert(SOURCE, source);
    }
    if content_type == STREAM {
        let (name, no) = UNBUFFERED;
        headers.insert(name, no);
    }
    if let Ok(kind) = HeaderValue::from_str(&content_type) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    rate::add_headers(headers, family, &standing);
    answer
}

/// Says that an answer was made for this request.
pub fn add_miss(answer: &mut Response, wish: Option<CacheWish>) {
    if let Some(wish) = wish.filter(|_| answer.status().is_success()) {
        let headers = answer.headers_mut();
        headers.insert(STATUS, HeaderValue::from_static("MISS"));
        headers.insert(TTL, HeaderValue::from(wish.ttl_seconds));
    }
}

/// Keeps a whole answer in one piece, if that is wished.
pub async fn keep_answer(attempt: &Attempt, call: CallId, answer: Value) {
    keep(attempt, call, WHOLE, || free(answer).to_string()).await;
}

/// Keeps all lines of a stream, if that is wished.
pub async fn keep_lines(attempt: &Attempt, call: CallId, lines: &[Line]) {
    let freed = |line: &Line| match serde_json::from_str::<Value>(&line.data) {
        Ok(data) if USAGE_PLACES.iter().any(|place| data.pointer(place).is_some_and(Value::is_object)) => {
            Line { data: free(data).to_string(), ..line.clone() }.written()
        }
        _ => line.written(),
    };
    keep(attempt, call, STREAM, || lines.iter().map(freed).collect()).await;
}

/// Keeps what was made in one piece, if that is wished.
pub async fn keep_wares(attempt: &Attempt, call: CallId, mut wares: impl Wares) {
    if attempt.cache.is_some() {
        clear(wares.usage());
        // Written from what it was made of: numbers are then the same to the digit.
        match serde_json::to_string(&wares) {
            Ok(text) => keep(attempt, call, WHOLE, || text).await,
            Err(cause) => warn!(%cause, "an answer could not be written to be kept"),
        }
    }
}

async fn keep(attempt: &Attempt, call: CallId, kind: &str, write: impl FnOnce() -> String) {
    if let Some(wish) = &attempt.cache {
        attempt.engine.keep_cached(&attempt.actor, wish, call, kind, write().into_bytes()).await;
    }
}

/// The same answer as it is told again: nothing more was used, and nothing is paid.
fn free(mut answer: Value) -> Value {
    for place in USAGE_PLACES {
        if let Some(usage) = answer.pointer_mut(place) {
            clear(usage);
        }
    }
    answer
}

fn clear(usage: &mut Value) {
    match usage {
        Value::Number(number) => *number = 0.into(),
        Value::String(text) if text.parse::<i128>().is_ok() => "0".clone_into(text),
        Value::Object(fields) => {
            // What is left in the account is another amount by then, and no price is charged.
            fields.remove("balance_after");
            fields.remove("price_version");
            for (name, value) in fields {
                match name.as_str() {
                    "usage_source" => *value = UsageSource::None.as_str().into(),
                    _ => clear(value),
                }
            }
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Array(_) => {}
    }
}

fn flag(headers: &HeaderMap, name: &HeaderName) -> Result<bool, Fault> {
    match text(headers, name) {
        None => Ok(false),
        Some(word) if word.eq_ignore_ascii_case("true") => Ok(true),
        Some(word) if word.eq_ignore_ascii_case("false") => Ok(false),
        Some(_) => Err(refused(name, "must be true or false")),
    }
}

/// What a header says; bytes that are no text say something that nobody understands.
fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?").trim())
}

fn refused(name: &HeaderName, reason: &str) -> Fault {
    Fault::invalid(name.as_str(), reason)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wanted(said: &[(&'static str, &'static str)]) -> Result<Option<Wanted>, Option<String>> {
        let named = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        Wanted::read(&said.iter().map(named).collect()).map_err(|fault| fault.field)
    }

    #[test]
    fn nothing_is_wished_unless_the_header_says_so() {
        let (ttl, clear) = ("x-openrouter-cache-ttl", "x-openrouter-cache-clear");
        assert_eq!(wanted(&[]), Ok(None));
        assert_eq!(wanted(&[("x-openrouter-cache", "false"), (ttl, "never")]), Ok(None));
        assert_eq!(wanted(&[(clear, "true"), (ttl, "60")]), Ok(None));
        let on = ("x-openrouter-cache", "True");
        let kept = |ttl_seconds| Ok(Some(Wanted { ttl_seconds, reading: Reading::Kept }));
        assert_eq!(wanted(&[on]), kept(300));
        assert_eq!((wanted(&[on, (ttl, "1")]), wanted(&[on, (ttl, "86400")])), (kept(1), kept(86_400)));
        let anew = Wanted { ttl_seconds: 300, reading: Reading::Anew };
        assert_eq!(wanted(&[on, (clear, "true")]), Ok(Some(anew)));
        for (name, value) in [(ttl, "0"), (ttl, "86401"), (ttl, "-1"), (ttl, "5m"), (clear, "1")] {
            assert_eq!(wanted(&[on, (name, value)]), Err(Some(name.to_owned())), "{value}");
        }
        assert_eq!(wanted(&[("x-openrouter-cache", "yes")]), Err(Some("x-openrouter-cache".to_owned())));
    }

    #[test]
    fn the_same_body_is_known_in_whatever_order_and_another_is_another() {
        let wanted = Wanted { ttl_seconds: 300, reading: Reading::Kept };
        let request = |path: &str, body: &str| wanted.of(path, body.as_bytes()).map(|wish| wish.request);
        let first = request("/v1/embeddings", r#"{"model": "a/b", "input": {"x": 1, "y": 2}}"#);
        assert_eq!(first, request("/v1/embeddings", r#"{"input":{"y":2,"x":1},"model":"a/b"}"#));
        for (path, body) in [
            ("/v1/messages", r#"{"model": "a/b", "input": {"x": 1, "y": 2}}"#),
            ("/v1/embeddings", r#"{"model": "a/b", "input": {"x": 1, "y": 3}}"#),
            ("/v1/embeddings", r#"{"model": "a/b", "input": {"x": 1, "y": 2}, "stream": true}"#),
        ] {
            assert_ne!(first, request(path, body), "{path} {body}");
        }
        for refusing in [json!({"zdr": true}), json!({"data_collection": "deny"})] {
            assert_eq!(request("/v1/embeddings", &json!({ "provider": refusing }).to_string()), None);
        }
    }

    #[test]
    fn an_answer_told_again_used_nothing_and_costs_nothing() {
        let usage = json!({
            "input_tokens": 7, "details": { "cached_tokens": 3 }, "service_tier": "standard", "cost": 0.25,
            "cost_details": { "charge_nanos": "250", "usage_source": "provider", "currency": "USD", "price_version": "018f" },
            "balance_after": "9.75",
        });
        let expected = json!({
            "input_tokens": 0, "details": { "cached_tokens": 0 }, "service_tier": "standard", "cost": 0,
            "cost_details": { "charge_nanos": "0", "usage_source": "none", "currency": "USD" },
        });
        assert_eq!(free(json!({ "usage": usage, "created": 5 })), json!({ "usage": expected, "created": 5 }));
        assert_eq!(
            free(json!({ "response": { "usage": usage } })),
            json!({ "response": { "usage": expected } })
        );
        // What a model says is left alone, whatever it is called there.
        let said = json!({ "usage": null, "content": [{ "input": { "usage": { "cost": 3 } } }] });
        assert_eq!(free(said.clone()), said);
    }
}
