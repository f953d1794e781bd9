//! What clients of other markets ask for and nobody sells here, and methods an address does not answer to: told apart from
//! an address that is not there.

use axum::body::Body;
use axum::extract::OriginalUri;
use http::Request;
use marketplace::fault::{Code, Fault};

use super::{ApiError, Family};

pub async fn refuse(OriginalUri(address): OriginalUri) -> ApiError {
    let what = address.path().rsplit("/v1/").next().unwrap_or_default();
    let message = format!("No vendor configured here sells {what}; GET /v1/models lists what there is");
    ApiError::openai(Fault::new(Code::NotFound, message))
}

pub async fn refuse_method(request: Request<Body>) -> ApiError {
    let message =
        format!("This address does not answer to {}; `Allow` says to what it does", request.method());
    ApiError::of(Family::of(&request), Fault::new(Code::MethodNotAllowed, message))
}
