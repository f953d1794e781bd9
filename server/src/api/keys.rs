//! `/keys`: a buyer's API keys.

mod told;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use engine::{Engine, KeyChange, KeyTerms, Route};
use http::StatusCode;
use marketplace::billing::Window;
use marketplace::id::KeyId;
use marketplace::scope::Scope;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use self::told::{OneKey, ToldKey, limit};
use super::ApiError;
use super::asked::{Path, Query};
use super::body::Body;
use super::idempotency::{Attempt, Sent, act};
use super::page::{Page, Slice};
use crate::auth::Asking;
use crate::openapi::shapes::Dollars;

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(example = json!({"name": "backend", "limit_nanos": "5000000000", "limit_reset": "day", "scopes": ["chat", "read"]}))]
pub struct NewKey {
    name: String,
    limit_nanos: Option<String>,
    /// Dollars, as OpenRouter's clients say it.
    #[schema(value_type = Option<Dollars>)]
    limit: Option<Value>,
    /// It is refused until it is enabled.
    disabled: Option<bool>,
    limit_reset: Option<Window>,
    expires_at: Option<DateTime<Utc>>,
    scopes: Option<Vec<Scope>>,
    models: Option<Vec<String>>,
    addresses: Option<Vec<String>>,
    requests_a_minute: Option<i32>,
    tokens_a_minute: Option<i64>,
}

/// What is left out stays as it is; `null` takes it away.
#[derive(Deserialize, utoipa::ToSchema)]
#[schema(example = json!({"name": "backend", "limit_nanos": null}))]
pub struct ChangedKey {
    name: Option<String>,
    #[serde(default, deserialize_with = "named")]
    limit_nanos: Option<Option<String>>,
    /// Dollars, as OpenRouter's clients say it.
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<Dollars>)]
    limit: Option<Option<Value>>,
    /// `true` has it refused, at every server within a second, until `false` enables it again.
    disabled: Option<bool>,
    #[serde(default, deserialize_with = "named")]
    limit_reset: Option<Option<Window>>,
    #[serde(default, deserialize_with = "named")]
    expires_at: Option<Option<DateTime<Utc>>>,
    scopes: Option<Vec<Scope>>,
    #[serde(default, deserialize_with = "named")]
    models: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "named")]
    addresses: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "named")]
    requests_a_minute: Option<Option<i32>>,
    #[serde(default, deserialize_with = "named")]
    tokens_a_minute: Option<Option<i64>>,
}

/// How long the secret before goes on working; a day when nothing is said.
#[derive(Deserialize, utoipa::ToSchema)]
#[schema(example = json!({"overlap_seconds": 3600}))]
pub struct Rotation {
    overlap_seconds: Option<i64>,
}

const OVERLAP_SECONDS_USUAL: i64 = 24 * 3_600;

/// A key just made. `key` is shown this once.
#[derive(Serialize, utoipa::ToSchema)]
pub struct MadeKey {
    key: String,
    #[serde(flatten)]
    about: OneKey,
}

/// Every key of the account, without its secret.
///
/// In OpenRouter's pages, which begin at an `offset`.
#[utoipa::path(get, path = "/keys", tag = "Keys and limits", params(Slice), responses((status = 200, body = Page<ToldKey>)))]
pub async fn list_keys(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Query(slice): Query<Slice>,
) -> Result<Json<Page<ToldKey>>, ApiError> {
    Ok(Json(slice.cut(engine.list_keys(&actor).await?.into_iter().map(ToldKey::from).collect())))
}

/// Makes a key. Its secret is told this once.
#[utoipa::path(post, path = "/keys", tag = "Keys and limits", request_body = NewKey, responses((status = 201, body = MadeKey)))]
pub async fn create_key(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Sent { body: new, once, .. }: Sent<NewKey>,
) -> Result<Response, ApiError> {
    let limit = limit(new.limit_nanos.as_deref(), new.limit.as_ref())?;
    let terms = KeyTerms {
        limit,
        limit_reset: new.limit_reset,
        expires_at: new.expires_at,
        scopes: new.scopes.unwrap_or_else(|| Scope::USUAL.to_vec()),
        models: new.models,
        addresses: new.addresses,
        requests_a_minute: new.requests_a_minute,
        tokens_a_minute: new.tokens_a_minute,
        disabled: new.disabled,
    };
    let make = async move |attempt: Attempt| {
        let Attempt { engine, actor, .. } = &attempt;
        let (about, key) = engine.mint_key(actor, &new.name, terms).await?;
        Ok(attempt
            .keep((StatusCode::CREATED, Json(MadeKey { key, about: about.into() })).into_response())
            .await)
    };
    Ok(act(Attempt::new(engine, actor), Route::Keys, once, make).await?)
}

/// Changes a key.
#[utoipa::path(patch, path = "/keys/{id}", tag = "Keys and limits", params(("id" = KeyId, Path)), request_body = ChangedKey, responses((status = 200, body = OneKey)))]
pub async fn change_key(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(id): Path<String>,
    Body(changed): Body<ChangedKey>,
) -> Result<Json<OneKey>, ApiError> {
    let is_limited = changed.limit_nanos.is_some() || changed.limit.is_some();
    let (nanos, dollars) = (changed.limit_nanos.flatten(), changed.limit.flatten());
    let limit = limit(nanos.as_deref(), dollars.as_ref())?;
    let change = KeyChange {
        name: changed.name,
        limit: is_limited.then_some(limit),
        limit_reset: changed.limit_reset,
        expires_at: changed.expires_at,
        scopes: changed.scopes,
        models: changed.models,
        addresses: changed.addresses,
        requests_a_minute: changed.requests_a_minute,
        tokens_a_minute: changed.tokens_a_minute,
        disabled: changed.disabled,
    };
    Ok(Json(engine.change_key(&actor, KeyId::parse(&id)?, change).await?.into()))
}

/// One key, without its secret.
#[utoipa::path(get, path = "/keys/{id}", tag = "Keys and limits", params(("id" = KeyId, Path)), responses((status = 200, body = OneKey)))]
pub async fn read_key(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(id): Path<String>,
) -> Result<Json<OneKey>, ApiError> {
    Ok(Json(engine.key(&actor, KeyId::parse(&id)?).await?.into()))
}

/// Another secret for the same key.
#[utoipa::path(post, path = "/keys/{id}/rotate", tag = "Keys and limits", params(("id" = KeyId, Path)), request_body = Rotation, responses((status = 200, body = MadeKey)))]
pub async fn rotate_key(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(id): Path<String>,
    Sent { body: rotation, once, .. }: Sent<Rotation>,
) -> Result<Response, ApiError> {
    let id = KeyId::parse(&id)?;
    let overlap = rotation.overlap_seconds.unwrap_or(OVERLAP_SECONDS_USUAL);
    // The same key for another of the caller's keys is another request.
    let once = once.map(|once| once.about(&id.to_string()));
    let make = async move |attempt: Attempt| {
        let Attempt { engine, actor, .. } = &attempt;
        let (about, key) = engine.rotate_key(actor, id, overlap).await?;
        Ok(attempt.keep(Json(MadeKey { key, about: about.into() }).into_response()).await)
    };
    Ok(act(Attempt::new(engine, actor), Route::Keys, once, make).await?)
}

/// Ends a key at once, on every server.
#[utoipa::path(delete, path = "/keys/{id}", tag = "Keys and limits", params(("id" = KeyId, Path)), responses((status = 204)))]
pub async fn revoke_key(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    engine.revoke_key(&actor, KeyId::parse(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tells a field that is `null` from one that is not there.
fn named<'de, D: Deserializer<'de>, T: Deserialize<'de>>(field: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(field).map(Some)
}
