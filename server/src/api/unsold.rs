//! What clients of other markets ask for and nobody sells here: told apart from an address that is not there.

use axum::extract::OriginalUri;
use marketplace::fault::{Code, Fault};

use super::ApiError;

pub async fn refuse(OriginalUri(address): OriginalUri) -> ApiError {
    let what = address.path().rsplit("/v1/").next().unwrap_or_default();
    let message = format!("No vendor configured here sells {what}; GET /v1/models lists what there is");
    ApiError::openai(Fault::new(Code::NotFound, message))
}
