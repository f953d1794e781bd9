//! `/auth/verification` and `/auth/reset`: what is proved by reading a letter.

use axum::extract::State;
use engine::Engine;
use http::StatusCode;
use serde::Deserialize;

use super::ApiError;
use super::asked::Path;
use super::body::Body;
use crate::auth::Asking;

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(example = json!({"email": "ada@example.org"}))]
pub struct Forgetful {
    email: String,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(example = json!({"password": "quiet-harbour-lantern-74"}))]
pub struct NewPassword {
    password: String,
}

/// Sends the letter again.
#[utoipa::path(post, path = "/api/v1/auth/verification", tag = "Account", responses((status = 202)))]
pub async fn send_confirmation(
    State(engine): State<Engine>,
    Asking(actor): Asking,
) -> Result<StatusCode, ApiError> {
    engine.send_confirmation(&actor).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Confirms the address with what the letter brought.
#[utoipa::path(post, path = "/api/v1/auth/verification/{token}", tag = "Account", params(("token" = String, Path)), responses((status = 204)), security(()))]
pub async fn confirm_address(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(token): Path<String>,
) -> Result<StatusCode, ApiError> {
    engine.confirm_address(&actor, &token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a letter with which a new password can be chosen.
///
/// The same answer whether anybody has this address.
#[utoipa::path(post, path = "/api/v1/auth/reset", tag = "Account", request_body = Forgetful, responses((status = 202)), security(()))]
pub async fn forget_password(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Body(forgetful): Body<Forgetful>,
) -> Result<StatusCode, ApiError> {
    engine.forget_password(&actor, &forgetful.email).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Chooses a new password with what the letter brought.
///
/// Ends every session; sign in again with the new password.
#[utoipa::path(post, path = "/api/v1/auth/reset/{token}", tag = "Account", params(("token" = String, Path)), request_body = NewPassword, responses((status = 204)), security(()))]
pub async fn reset_password(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(token): Path<String>,
    Body(new): Body<NewPassword>,
) -> Result<StatusCode, ApiError> {
    engine.reset_password(&actor, &token, &new.password).await?;
    Ok(StatusCode::NO_CONTENT)
}
