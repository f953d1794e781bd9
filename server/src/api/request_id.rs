//! `request-id`: which request an answer is about, as Anthropic's clients read it, in its head and in an error's body.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, header};
use serde_json::json;

use super::error::{Family, Unnamed};
use crate::routes;

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// Lies around everything that answers, for an error may come from anywhere.
pub async fn name_request(request: Request, next: Next) -> Response {
    let is_anthropic = Family::of(&request) == Family::Anthropic;
    let id = request.headers().get(routes::REQUEST_ID).filter(|_| is_anthropic).cloned();
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
