//! `/conversations`: what was said.

use axum::Json;
use axum::extract::State;
use engine::Engine;
use http::StatusCode;
use marketplace::id::ConversationId;
use marketplace::live::{Conversation, Transcript};
use serde::Deserialize;

use super::ApiError;
use super::asked::{Path, Query};
use super::body::Body;
use super::page::{Page, size};
use crate::auth::Asking;

const CONVERSATIONS_A_PAGE: u32 = 100;

#[derive(Deserialize, utoipa::IntoParams)]
pub struct After {
    after: Option<String>,
    limit: Option<u32>,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(example = json!({"title": "Harbours"}))]
pub struct Renamed {
    title: String,
}

/// Gives one another title.
#[utoipa::path(patch, path = "/api/v1/conversations/{id}", tag = "Conversations", params(("id" = ConversationId, Path)), request_body = Renamed, responses((status = 200, body = Transcript)))]
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

/// Deletes one.
///
/// What was said is gone for good; receipts of its calls stay.
#[utoipa::path(delete, path = "/api/v1/conversations/{id}", tag = "Conversations", params(("id" = ConversationId, Path)), responses((status = 204)))]
pub async fn delete_conversation(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    engine.delete_conversation(&actor, ConversationId::parse(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What was talked about on the pages.
///
/// Newest first; the next page is `?after=` what is told as `next`.
#[utoipa::path(get, path = "/api/v1/conversations", tag = "Conversations", params(After), responses((status = 200, body = Page<Conversation>)))]
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

/// Everything that was said in one.
#[utoipa::path(get, path = "/api/v1/conversations/{id}", tag = "Conversations", params(("id" = ConversationId, Path)), responses((status = 200, body = Transcript)))]
pub async fn read_conversation(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(id): Path<String>,
) -> Result<Json<Transcript>, ApiError> {
    Ok(Json(engine.transcript(&actor, ConversationId::parse(&id)?).await?))
}
