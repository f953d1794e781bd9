//! Reading JSON bodies, with errors that say what is wrong with them.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use marketplace::fault::{Code, Fault};
use serde::de::DeserializeOwned;

use super::{ApiError, Family};
use crate::routes::BODY_BYTES_MAX;

/// A body parsed into `T`, whatever content type it claims.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        Ok(Self(read(request, state).await?.0))
    }
}

/// A body as it is meant and as it came.
pub async fn read<T: DeserializeOwned>(
    request: Request,
    state: &(impl Send + Sync),
) -> Result<(T, Bytes), ApiError> {
    let family = Family::of(&request);
    let wrong = |fault: Fault| ApiError::of(family, fault);
    let bytes = Bytes::from_request(request, state).await.map_err(|_| {
        let message = format!("The body may have at most {} MiB", BODY_BYTES_MAX / 1024 / 1024);
        wrong(Fault::new(Code::PayloadTooLarge, message))
    })?;
    let body = serde_json::from_slice(&bytes).map_err(|error| {
        wrong(Fault::new(Code::InvalidRequest, format!("The body is not the JSON expected here: {error}")))
    })?;
    Ok((body, bytes))
}
