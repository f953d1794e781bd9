//! `/conversations`: what was said.

use axum::Json;
use axum::extract::{Path, State};
use engine::Engine;
use marketplace::id::ConversationId;
use marketplace::live::{Conversation, Transcript};
use serde::Serialize;

use super::ApiError;
use crate::auth::Asking;

#[derive(Serialize)]
pub struct Conversations {
    data: Vec<Conversation>,
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
