//! What clients of a family read in the head of every answer: Anthropic's which request it is about, also in an error's
//! body, and OpenAI's how long it took until then.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue, header};
use serde_json::json;
use tokio::time::Instant;

use super::error::{Family, Unnamed};
use crate::routes;

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const PROCESSING_MS: HeaderName = HeaderName::from_static("openai-processing-ms");

/// Lies around everything that answers, for an error may come from anywhere.
pub async fn write_heads(request: Request, next: Next) -> Response {
    match Family::of(&request) {
        Family::OpenAi => timed(request, next).await,
        Family::Anthropic => named(request, next).await,
        Family::Problem => next.run(request).await,
    }
}

/// A stream's head is written when it begins, so its time is that to the beginning.
async fn timed(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let mut answer = next.run(request).await;
    let passed = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    answer.headers_mut().insert(PROCESSING_MS, HeaderValue::from(passed));
    answer
}

async fn named(request: Request, next: Next) -> Response {
    let id = request.headers().get(routes::REQUEST_ID).cloned();
    let mut answer = next.run(request).await;
    let Some(id) = id else { return answer };
    if let Some(Unnamed(mut body)) = answer.extensions_mut().remove::<Unnamed>() {
        body["request_id"] = json!(id.to_str().ok());
        answer.headers_mut().remove(header::CONTENT_LENGTH);
        *answer.body_mut() = Body::from(body.to_string());
    }
    answer.headers_mut().insert(REQUEST_ID, id);
    answer
}
