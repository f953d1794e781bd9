//! What has not changed is not sent again: every answer in JSON that is read with `GET` bears a name of its contents.

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tracing::warn;

use super::ApiError;
use marketplace::fault::{Code, Fault};

/// As many bytes of the digest say enough.
const NAME_BYTES: usize = 16;

pub async fn name_contents(request: Request, next: Next) -> Response {
    if request.method() != Method::GET {
        return next.run(request).await;
    }
    let known = request.headers().get_all(header::IF_NONE_MATCH).iter().cloned().collect::<Vec<_>>();
    let answer = next.run(request).await;
    if answer.status() != StatusCode::OK || !is_json(answer.headers()) {
        return answer;
    }
    let (mut head, body) = answer.into_parts();
    // Our own answers are in memory already, so there is nothing to bound and nothing that could fail.
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        warn!("an answer could not be read to be named");
        return ApiError::from(Fault::new(Code::Internal, "Something went wrong on our side"))
            .into_response();
    };
    let name = name_of(&bytes);
    let is_known = is_among(known.iter(), &name);
    if let Ok(name) = HeaderValue::from_str(&name) {
        head.headers.insert(header::ETAG, name);
    }
    let kept = HeaderValue::from_static("private, no-cache");
    head.headers.entry(header::CACHE_CONTROL).or_insert(kept);
    if !is_known {
        return Response::from_parts(head, Body::from(bytes));
    }
    head.status = StatusCode::NOT_MODIFIED;
    head.headers.remove(header::CONTENT_TYPE);
    head.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(head, Body::empty())
}

/// A name that no other contents have.
pub fn name_of(contents: &[u8]) -> String {
    let hash = digest(&SHA256, contents);
    // Weak, for on its way it may be compressed in one way or another.
    format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(&hash.as_ref()[..NAME_BYTES]))
}

/// Whether whoever asks says that they have these contents.
pub fn is_known(headers: &HeaderMap, name: &str) -> bool {
    is_among(headers.get_all(header::IF_NONE_MATCH).iter(), name)
}

fn is_among<'a>(mut known: impl Iterator<Item = &'a HeaderValue>, name: &str) -> bool {
    known.any(|value| value.to_str().is_ok_and(|value| names(value, name)))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/json")) && !headers.contains_key(header::ETAG)
}

/// Whether a list of names has this one, strong or weak.
fn names(list: &str, name: &str) -> bool {
    let plain = |name: &str| name.trim().trim_start_matches("W/").to_owned();
    list.split(',').any(|one| one.trim() == "*" || plain(one) == plain(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_in_a_list_however_strong() {
        for list in ["W/\"a\"", "\"a\"", "\"b\", W/\"a\"", "*", " \"a\" "] {
            assert!(names(list, "W/\"a\""), "{list}");
        }
        assert!(!names("\"b\", \"c\"", "W/\"a\""));
    }
}
