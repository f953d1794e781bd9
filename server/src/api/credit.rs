//! What programs ask about money in OpenRouter's words: the key they use, the account's credits, one generation.

use axum::Json;
use axum::extract::State;
use chrono::DateTime;
use engine::Engine;
use marketplace::id::CallId;
use marketplace::money::Nanos;
use marketplace::scope::Scope;
use serde::Deserialize;
use serde_json::{Number, Value, json};

use super::ApiError;
use super::asked::Query;
use crate::auth::Asking;
use crate::openapi::shapes;

#[derive(Deserialize, utoipa::IntoParams)]
pub struct Wanted {
    #[param(example = "ID")]
    id: Option<String>,
}

/// The key that asks.
///
/// `held` stands beside `usage`, so that what is reserved is not taken for spent.
#[utoipa::path(get, path = "/key", tag = "Keys and limits", responses((status = 200, body = shapes::OwnKey)))]
pub async fn read_key(State(engine): State<Engine>, Asking(actor): Asking) -> Result<Json<Value>, ApiError> {
    let (key, spent) = engine.own_key(&actor).await.map_err(ApiError::openai)?;
    let left = key.limit_nanos.map(|limit| limit - key.spent_nanos - key.held_nanos);
    Ok(Json(json!({ "data": {
        "label": key.name, "name": key.name, "prefix": key.prefix,
        "limit": key.limit_nanos.map(dollars), "limit_remaining": left.map(dollars), "limit_reset": key.limit_reset,
        "usage": dollars(spent.total), "usage_daily": dollars(spent.today),
        "usage_weekly": dollars(spent.this_week), "usage_monthly": dollars(spent.this_month),
        "held": dollars(key.held_nanos), "include_byok_in_limit": false,
        "byok_usage": 0, "byok_usage_daily": 0, "byok_usage_weekly": 0, "byok_usage_monthly": 0,
        "rate_limit": key.requests_a_minute.map(|requests| json!({ "requests": requests, "interval": "1m" })),
        "expires_at": key.expires_at,
        "is_free_tier": actor.user().is_some_and(|user| user.plan == "free"), "is_management_key": key.scopes.contains(&Scope::Management),
        "scopes": key.scopes, "models": key.models, "addresses": key.addresses,
        "requests_a_minute": key.requests_a_minute, "tokens_a_minute": key.tokens_a_minute,
        "last_used_at": key.last_used_at, "old_secret_until": key.old_secret_until,
    } })))
}

/// What was paid in and what was spent.
///
/// The difference of the two is the balance, of which open calls may hold a part.
#[utoipa::path(get, path = "/credits", tag = "Money", responses((status = 200, body = shapes::Credits)))]
pub async fn read_credits(
    State(engine): State<Engine>,
    Asking(actor): Asking,
) -> Result<Json<Value>, ApiError> {
    let (credits, used) = engine.turnover(&actor).await.map_err(ApiError::openai)?;
    Ok(Json(json!({ "data": { "total_credits": dollars(credits), "total_usage": dollars(used) } })))
}

/// One call, in the words of other markets, with its receipt.
///
/// Readable as soon as the answer has ended, for it is written from the receipt.
#[utoipa::path(get, path = "/generation", tag = "Money", params(Wanted), responses((status = 200, body = shapes::Generation)))]
pub async fn read_generation(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Value>, ApiError> {
    let id = CallId::parse(&wanted.id.unwrap_or_default()).map_err(ApiError::openai)?;
    let receipt = engine.receipt(&actor, id).await.map_err(ApiError::openai)?;
    let usage = receipt.usage;
    let last = receipt.attempts.last();
    let took = last.and_then(|last| Some((last.began_at.as_str(), last.ended_at.as_deref()?)));
    Ok(Json(json!({ "data": {
        "id": receipt.id, "model": receipt.model, "provider_name": receipt.provider,
        "total_cost": dollars(receipt.charge_nanos - receipt.overrun_nanos),
        "usage": dollars(receipt.charge_nanos - receipt.overrun_nanos),
        "upstream_inference_cost": dollars(receipt.provider_cost_nanos),
        "tokens_prompt": usage.input_total(), "tokens_completion": usage.output_total(),
        "native_tokens_prompt": usage.input_total(), "native_tokens_completion": usage.output_total(),
        "native_tokens_reasoning": usage.reasoning, "native_tokens_cached": usage.cached_input,
        "finish_reason": finish_reason(&receipt.finish), "native_finish_reason": receipt.finish,
        "generation_time": took.and_then(|(began, ended)| milliseconds(began, ended)),
        // What is not kept of a call, and what there is none of here.
        "latency": null, "streamed": null, "cache_discount": null, "moderation_latency": null, "app_id": null,
        "origin": null, "router": null, "session_id": null, "upstream_id": null,
        "cancelled": receipt.finish == engine::STOPPED,
        "provider_responses": receipt.attempts,
        "is_byok": false, "created_at": receipt.created_at, "receipt": receipt,
    } })))
}

/// The reason in OpenAI's words, where it is one of them.
fn finish_reason(native: &str) -> Option<&'static str> {
    Some(match native {
        "stop" | "end_turn" | "stop_sequence" | "STOP" | "COMPLETE" | "completed" => "stop",
        "length" | "max_tokens" | "MAX_TOKENS" => "length",
        "tool_calls" | "tool_use" | "TOOL_CALL" => "tool_calls",
        "content_filter" | "refusal" | "SAFETY" => "content_filter",
        _ if native.starts_with("error") => "error",
        _ => return None,
    })
}

fn milliseconds(began: &str, ended: &str) -> Option<i64> {
    let at = |text: &str| DateTime::parse_from_rfc3339(text).ok();
    Some((at(ended)? - at(began)?).num_milliseconds())
}

/// A JSON number of dollars, because these clients expect one; exact amounts are in the receipt.
fn dollars(amount: Nanos) -> Value {
    amount.decimal().parse::<Number>().map_or(Value::Null, Value::Number)
}
