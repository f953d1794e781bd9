//! What stands in an address, with errors of the reader's own family where it cannot be read.

use axum::extract::FromRequestParts;
use http::Request;
use http::request::Parts;
use marketplace::fault::{Code, Fault};
use serde::de::DeserializeOwned;

use super::{ApiError, Family};

/// What is asked after the question mark.
pub struct Query<T>(pub T);

/// What the path names.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(asked)) => Ok(Self(asked)),
            Err(refused) => Err(unreadable(parts, &refused.body_text())),
        }
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(named)) => Ok(Self(named)),
            Err(refused) => Err(unreadable(parts, &refused.body_text())),
        }
    }
}

fn unreadable(parts: &Parts, why: &str) -> ApiError {
    let family = Family::of(&Request::from_parts(parts.clone(), ()));
    ApiError::of(family, Fault::new(Code::InvalidRequest, format!("The address cannot be read: {why}")))
}
