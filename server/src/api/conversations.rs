//! `/conversations`: what was said.

use axum::Json;
use axum::extract::{Path, Query, State};
use engine::Engine;
use http::StatusCode;
use marketplace::id::ConversationId;
use marketplace::live::{Conversation, Transcript};
use serde::Deserialize;

use super::ApiError;
use super::body::Body;
use super::page::{Page, size};
use crate::auth::Asking;

const CONVERSATIONS_A_PAGE: u32 = 100;

#[derive(Deserialize)]
pub struct After {
    after: Option<String>,
    limit: Option<u32>,
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

/// Newest first; the next page is `?after=` what is told as `next`.
pub async fn list_conversations(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Query(page): Query<After>,
) -> Result<Json<Page<Conversation>>, ApiError> {
    let after = page.after.map(|id| ConversationId::parse(&id)).transpose()?;
    let size = size(page.limit, CONVERSATIONS_A_PAGE);
    let found = engine.conversations_after(&actor, after, size.and_one_more()).await?;
    Ok(Json(Page::of(found, size, |last| last.id.to_string())))
}

pub async fn read_conversation(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(id): Path<String>,
) -> Result<Json<Transcript>, ApiError> {
    Ok(Json(engine.transcript(&actor, ConversationId::parse(&id)?).await?))
}
