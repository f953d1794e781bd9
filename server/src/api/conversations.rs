//! `/conversations`: what was said.

use axum::Json;
use axum::extract::{Path, State};
use engine::Engine;
use http::StatusCode;
use marketplace::id::ConversationId;
use marketplace::live::{Conversation, Transcript};
use serde::{Deserialize, Serialize};

use super::ApiError;
use super::body::Body;
use crate::auth::Asking;

#[derive(Serialize)]
pub struct Conversations {
    data: Vec<Conversation>,
}

#[derive(Deserialize)]
pub struct Renamed {
    title: String,
}

pub async fn rename_conversation(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(id): Path<String>,
    Body(renamed): Body<Renamed>,
) -> Result<Json<Transcript>, ApiError> {
    let id = ConversationId::parse(&id)?;
    engine.rename_conversation(&actor, id, &renamed.title).await?;
    Ok(Json(engine.transcript(&actor, id).await?))
}

/// What was said is gone for good; receipts of its calls stay.
pub async fn delete_conversation(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    engine.delete_conversation(&actor, ConversationId::parse(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn list_conversations(
    State(engine): State<Engine>,
    Asking(actor): Asking,
) -> Result<Json<Conversations>, ApiError> {
    Ok(Json(Conversations { data: engine.list_conversations(&actor).await? }))
}

pub async fn read_conversation(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(id): Path<String>,
) -> Result<Json<Transcript>, ApiError> {
    Ok(Json(engine.transcript(&actor, ConversationId::parse(&id)?).await?))
}
