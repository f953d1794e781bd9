//! Reading bodies, JSON or text, with errors that say what is wrong with them.

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

/// A body that is plain text, whatever content type it claims.
pub struct Text(pub String);

impl<S: Send + Sync> FromRequest<S> for Text {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let family = Family::of(&request);
        let bytes = whole(request, state).await?;
        let text = String::from_utf8(bytes.into()).map_err(|_| {
            ApiError::of(family, Fault::new(Code::InvalidRequest, "The body is not text in UTF-8"))
        })?;
        Ok(Self(text))
    }
}

/// A body as it is meant and as it came.
pub async fn read<T: DeserializeOwned>(
    request: Request,
    state: &(impl Send + Sync),
) -> Result<(T, Bytes), ApiError> {
    let family = Family::of(&request);
    let bytes = whole(request, state).await?;
    let body = serde_json::from_slice(&bytes).map_err(|error| {
        let message = format!("The body is not the JSON expected here: {error}");
        ApiError::of(family, Fault::new(Code::InvalidRequest, message))
    })?;
    Ok((body, bytes))
}

async fn whole(request: Request, state: &(impl Send + Sync)) -> Result<Bytes, ApiError> {
    let family = Family::of(&request);
    Bytes::from_request(request, state).await.map_err(|_| {
        let message = format!("The body may have at most {} MiB", BODY_BYTES_MAX / 1024 / 1024);
        ApiError::of(family, Fault::new(Code::PayloadTooLarge, message))
    })
}
