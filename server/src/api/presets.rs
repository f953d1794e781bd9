//! `/presets`: settings of calls, saved under short names.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, Utc};
use engine::{Engine, Preset, Saved};
use http::StatusCode;
use marketplace::fault::Fault;
use marketplace::preset::{Settings, Slug};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::ApiError;
use super::asked::{Path, Query};
use super::body::Body;
use super::chat::request;
use super::page::{Page, Slice};
use crate::auth::Asking;
use crate::openapi::shapes::PresetConfig;

/// What is saved. A field that means nothing here is refused.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "system_prompt": "Write plainly and warmly.",
    "config": { "model": "openai/gpt-5-mini", "temperature": 0.7, "max_tokens": 800, "max_cost": "0.02" },
}))]
pub struct NewPreset {
    /// Comes before the conversation, unless a request has a system prompt of its own.
    system_prompt: Option<String>,
    #[schema(value_type = Option<PresetConfig>)]
    config: Option<Map<String, Value>>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Preset)]
pub struct Told {
    slug: Slug,
    system_prompt: Option<String>,
    #[schema(value_type = PresetConfig)]
    config: Map<String, Value>,
    created_at: String,
    updated_at: String,
}

/// Every preset of the account, by name.
#[utoipa::path(get, path = "/presets", tag = "Presets", params(Slice), responses((status = 200, body = Page<Told>)))]
pub async fn list_presets(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Query(slice): Query<Slice>,
) -> Result<Json<Page<Told>>, ApiError> {
    let presets = engine.list_presets(&actor).await?;
    Ok(Json(slice.cut(presets.into_iter().map(Told::from).collect())))
}

/// One preset.
#[utoipa::path(get, path = "/presets/{slug}", tag = "Presets", params(("slug" = Slug, Path)), responses((status = 200, body = Told)))]
pub async fn read_preset(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(slug): Path<String>,
) -> Result<Json<Told>, ApiError> {
    Ok(Json(engine.preset(&actor, &Slug::parse(&slug)?).await?.into()))
}

/// Saves a preset, in the place of the one that had the name.
///
/// Requests use it as `"preset": "name"`, as `"model": "@preset/name"`, or as `"model": "author/slug@preset/name"`; what they
/// say themselves stands.
#[utoipa::path(put, path = "/presets/{slug}", tag = "Presets", params(("slug" = Slug, Path)), request_body = NewPreset, responses((status = 200, body = Told, description = "Replaced."), (status = 201, body = Told)))]
pub async fn save_preset(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(slug): Path<String>,
    Body(new): Body<NewPreset>,
) -> Result<Response, ApiError> {
    let slug = Slug::parse(&slug)?;
    let settings = Settings::parse(new.system_prompt, new.config.unwrap_or_default())?;
    check_callable(&settings)?;
    let (preset, saved) = engine.save_preset(&actor, &slug, &settings).await?;
    let status = match saved {
        Saved::Made => StatusCode::CREATED,
        Saved::Replaced => StatusCode::OK,
    };
    Ok((status, Json(Told::from(preset))).into_response())
}

/// Forgets a preset. Requests that name it are refused from then on.
#[utoipa::path(delete, path = "/presets/{slug}", tag = "Presets", params(("slug" = Slug, Path)), responses((status = 204)))]
pub async fn delete_preset(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(slug): Path<String>,
) -> Result<StatusCode, ApiError> {
    engine.delete_preset(&actor, &Slug::parse(&slug)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Refuses what no call could be made with: it is read as a call would be.
fn check_callable(settings: &Settings) -> Result<(), Fault> {
    let mut body = settings.config.clone();
    if !body.contains_key("model") && !body.contains_key("models") {
        body.insert("model".to_owned(), "author/slug".into());
    }
    body.insert("messages".to_owned(), json!([]));
    let field = |fault: Fault| fault.field.map(|field| format!("config.{field}"));
    request::parse(body).map(|_| ()).map_err(|fault| Fault {
        message: format!("config.{}", fault.message),
        field: field(fault.clone()),
        ..fault
    })
}

impl From<Preset> for Told {
    fn from(preset: Preset) -> Self {
        let Settings { system_prompt, config } = preset.settings;
        let (created_at, updated_at) = (text(preset.created_at), text(preset.updated_at));
        Self { slug: preset.slug, system_prompt, config, created_at, updated_at }
    }
}

fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
