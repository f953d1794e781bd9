//! Judging whether something may be said. One vendor does it, and for nothing.

use marketplace::chat::Failure;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::Serialize;
use serde_json::Value;

use crate::dialect::Outgoing;
use crate::failure::malformed;
pub use crate::openai::refusal;

/// Who judges.
pub const PROVIDER: &str = "openai";
/// What judges, the usual one first.
pub const MODELS: [&str; 2] = ["omni-moderation-latest", "omni-moderation-2024-09-26"];

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: &'a Value,
}

/// Writes a request: a text, several, or parts of a message.
pub fn encode(model: &str, input: &Value) -> Result<Outgoing, Failure> {
    Outgoing::json("/moderations", &Request { model, input })
}

/// The judgements, as they were written: what there is to be judged by is the vendor's to say.
pub fn decode(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<Vec<Value>, Failure> {
    if !status.is_success() {
        return Err(refusal(status, headers, body));
    }
    let wrong = || malformed("the answer is not JSON of the moderation shape");
    let mut answer: Value = serde_json::from_slice(body).map_err(|_| wrong())?;
    match answer["results"].take() {
        Value::Array(results)
            if !results.is_empty() && results.iter().all(|one| one["flagged"].is_boolean()) =>
        {
            Ok(results)
        }
        _ if answer["error"].is_object() => Err(refusal(status, headers, body)),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use marketplace::chat::FailureClass;
    use serde_json::json;

    use super::*;

    fn decoded(status: u16, body: &Value) -> Result<Vec<Value>, FailureClass> {
        let status = StatusCode::from_u16(status).unwrap();
        decode(status, &HeaderMap::new(), body.to_string().as_bytes()).map_err(|failure| failure.class)
    }

    #[test]
    fn judgements_are_handed_on_as_they_are_and_nothing_else_is_one() {
        let judgement =
            json!({"flagged": true, "categories": {"x/new": true}, "category_scores": {"x/new": 0.5}});
        assert_eq!(decoded(200, &json!({"id": "modr-1", "results": [judgement]})).unwrap(), [judgement]);
        for body in [json!({}), json!({"results": []}), json!({"results": [{}]}), json!({"results": "no"})] {
            assert_eq!(decoded(200, &body), Err(FailureClass::MalformedStream), "{body}");
        }
        let refusal = json!({"error": {"message": "Slow down", "code": "rate_limit_exceeded"}});
        assert_eq!(decoded(429, &refusal), Err(FailureClass::RateLimited));
        assert_eq!(decoded(200, &refusal), Err(FailureClass::RateLimited));
    }

    #[test]
    fn what_is_to_be_judged_is_asked_about_as_it_stands() {
        let parts = json!([{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]);
        let sent = encode(MODELS[0], &parts).unwrap();
        let body: Value = serde_json::from_slice(&sent.body).unwrap();
        assert_eq!((sent.path.as_ref(), body), ("/moderations", json!({"model": MODELS[0], "input": parts})));
    }
}
