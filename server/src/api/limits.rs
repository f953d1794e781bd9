//! `/limits/*`: what an account, or one of its conversations, may spend at most.

use axum::Json;
use axum::extract::State;
use engine::Engine;
use marketplace::billing::Window;
use marketplace::id::ConversationId;
use marketplace::money::{Nanos, as_text_option};
use serde::{Deserialize, Serialize};

use super::ApiError;
use super::asked::Path;
use super::body::Body;
use crate::auth::Asking;

/// `null` takes a limit away.
#[derive(Deserialize, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"limit_nanos": "20000000000", "limit_reset": "month"}))]
pub struct SpendingLimit {
    #[serde(with = "as_text_option")]
    limit_nanos: Option<Nanos>,
    #[serde(default)]
    limit_reset: Option<Window>,
}

/// The most that the whole account may spend.
#[utoipa::path(put, path = "/api/v1/limits/account", tag = "Keys and limits", request_body = SpendingLimit, responses((status = 200, body = SpendingLimit)))]
pub async fn limit_account(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Body(limit): Body<SpendingLimit>,
) -> Result<Json<SpendingLimit>, ApiError> {
    engine.limit_account(&actor, limit.limit_nanos, limit.limit_reset).await?;
    Ok(Json(limit))
}

/// The most that one conversation may spend.
#[utoipa::path(put, path = "/api/v1/limits/conversations/{id}", tag = "Keys and limits", params(("id" = ConversationId, Path)), request_body = SpendingLimit, responses((status = 200, body = SpendingLimit)))]
pub async fn limit_conversation(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(id): Path<String>,
    Body(limit): Body<SpendingLimit>,
) -> Result<Json<SpendingLimit>, ApiError> {
    let id = ConversationId::parse(&id)?;
    engine.limit_conversation(&actor, id, limit.limit_nanos, limit.limit_reset).await?;
    Ok(Json(limit))
}
