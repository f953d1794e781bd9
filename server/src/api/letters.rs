//! `/auth/verification` and `/auth/reset`: what is proved by reading a letter.

use axum::extract::{Path, State};
use engine::Engine;
use http::StatusCode;
use serde::Deserialize;

use super::ApiError;
use super::body::Body;
use crate::auth::Asking;

#[derive(Deserialize)]
pub struct Forgetful {
    email: String,
}

#[derive(Deserialize)]
pub struct NewPassword {
    password: String,
}

/// Sends the letter again.
pub async fn send_confirmation(
    State(engine): State<Engine>,
    Asking(actor): Asking,
) -> Result<StatusCode, ApiError> {
    engine.send_confirmation(&actor).await?;
    Ok(StatusCode::ACCEPTED)
}

pub async fn confirm_address(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(token): Path<String>,
) -> Result<StatusCode, ApiError> {
    engine.confirm_address(&actor, &token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The same answer whether anybody has this address.
pub async fn forget_password(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Body(forgetful): Body<Forgetful>,
) -> Result<StatusCode, ApiError> {
    engine.forget_password(&actor, &forgetful.email).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Ends every session; sign in again with the new password.
pub async fn reset_password(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(token): Path<String>,
    Body(new): Body<NewPassword>,
) -> Result<StatusCode, ApiError> {
    engine.reset_password(&actor, &token, &new.password).await?;
    Ok(StatusCode::NO_CONTENT)
}
