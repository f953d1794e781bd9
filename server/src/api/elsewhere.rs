//! What scripts on pages of other sites may ask: everything that is asked with a key of one's own, nothing by a cookie.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const KEY: HeaderName = HeaderName::from_static("x-api-key");
const DAY: HeaderValue = HeaderValue::from_static("86400");
/// What scripts elsewhere may read besides the body.
const TOLD: HeaderValue = HeaderValue::from_static(
    "x-generation-id, x-request-id, request-id, openai-processing-ms, retry-after, x-should-retry, idempotent-replayed, etag, \
     x-openrouter-cache-status, x-openrouter-cache-age, x-openrouter-cache-ttl, x-openrouter-cache-source-id, \
     x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests, \
     x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens",
);

/// Lets browsers hand answers to other sites. Since no site is named, they never do so where a cookie was sent along.
pub async fn answer_other_sites(mut request: Request, next: Next) -> Response {
    if !is_interface(request.uri().path()) || !request.headers().contains_key(header::ORIGIN) {
        return next.run(request).await;
    }
    let asks_first = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let wanted = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    if needs_no_cookie(&request) {
        // What is left could have come from any program, and is nobody's browser speaking for them.
        for name in [header::COOKIE, header::ORIGIN, FETCH_SITE] {
            request.headers_mut().remove(name);
        }
    }
    let mut answer =
        if asks_first { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = answer.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, TOLD);
    if asks_first {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, DAY);
        // A star would not stand for `Authorization`.
        if let Some(wanted) = wanted {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted);
        }
        headers.insert(header::VARY, HeaderValue::from_static("access-control-request-headers"));
    }
    answer
}

/// Whether nothing is done with somebody's cookie: none is looked at there, or a key is shown. That header no page can send
/// to another site without asking first.
fn needs_no_cookie(request: &Request) -> bool {
    let path = request.uri().path();
    let shows_a_key =
        request.headers().contains_key(header::AUTHORIZATION) || request.headers().contains_key(KEY);
    path.starts_with("/v1/") || path == "/api/v1/auth/keys" || (path.starts_with("/api/v1/") && shows_a_key)
}

fn is_interface(path: &str) -> bool {
    path.starts_with("/v1/") || path.starts_with("/api/v1/") || path == "/openapi.json"
}
