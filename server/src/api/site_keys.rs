//! `/auth/keys`: a site fetches the key that somebody agreed to give it, as OpenRouter's apps do (PKCE).

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use engine::Engine;
use http::header;
use marketplace::id::AccountId;
use serde::{Deserialize, Serialize};

use super::ApiError;
use super::body::Body;
use crate::auth::Asking;

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(example = json!({"code": "7tB…", "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "code_challenge_method": "S256"}))]
pub struct Exchange {
    /// What stood in the address that the site was called back at.
    code: String,
    /// What the challenge was made of.
    code_verifier: Option<String>,
    /// `S256` or `plain`, as when the key was asked for.
    code_challenge_method: Option<String>,
}

/// The key, which is told this once.
#[derive(Serialize, utoipa::ToSchema)]
pub struct SiteKey {
    key: String,
    user_id: AccountId,
}

/// Gives a key for a code that somebody agreed to at `/auth`.
///
/// A code works once, within ten minutes, with the verifier its challenge was made of. A wrong verifier uses it up. A code
/// that comes a second time with the right one revokes the key that was made with it.
#[utoipa::path(post, path = "/auth/keys", tag = "Keys and limits", request_body = Exchange, responses((status = 200, body = SiteKey)), security(()))]
pub async fn fetch_site_key(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Body(exchange): Body<Exchange>,
) -> Result<impl IntoResponse, ApiError> {
    if exchange.code_challenge_method.is_some_and(|method| !matches!(method.as_str(), "S256" | "plain")) {
        return Err(ApiError::openai(engine::unknown_method()));
    }
    let verifier = exchange.code_verifier.unwrap_or_default();
    let fetched = engine.fetch_site_key(&actor, &exchange.code, &verifier).await;
    let (user_id, key) = fetched.map_err(ApiError::openai)?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(SiteKey { key, user_id })))
}
