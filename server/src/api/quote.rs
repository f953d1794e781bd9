//! `POST /quote`: what a chat would cost, and a price that holds for ten minutes.

use axum::Json;
use axum::extract::State;
use chrono::SecondsFormat;
use engine::{Engine, Order, Promised};
use marketplace::id::{ModelId, PriceId, ProviderId, QuoteId};
use marketplace::money::Nanos;
use marketplace::preset::Shape;
use serde::Serialize;
use serde_json::{Map, Value};

use super::ApiError;
use super::body::Body;
use super::chat::request;
use super::sale::with_preset;
use crate::auth::Asking;
use crate::openapi::shapes;

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Quote)]
pub struct Told {
    quote_id: QuoteId,
    model: ModelId,
    provider: ProviderId,
    #[serde(with = "marketplace::money::as_text")]
    min_nanos: Nanos,
    #[serde(with = "marketplace::money::as_text")]
    likely_nanos: Nanos,
    #[serde(with = "marketplace::money::as_text")]
    max_nanos: Nanos,
    #[serde(with = "marketplace::money::as_text")]
    hold_nanos: Nanos,
    input_tokens: u64,
    max_output_tokens: u64,
    price_version: PriceId,
    valid_until: String,
}

/// What a call would cost, at a price that holds for ten minutes.
///
/// The body is that of a chat. Sent with the `quote_id`, the chat is charged at the price told here, at most `max_nanos`.
#[utoipa::path(post, path = "/api/v1/quote", tag = "Calls", request_body = shapes::ChatRequest, responses((status = 200, body = Told)))]
pub async fn quote(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Body(body): Body<Map<String, Value>>,
) -> Result<Json<Told>, ApiError> {
    let body = with_preset(&engine, &actor, body, Shape::Chat).await?;
    let request::Wanted { request, terms, .. } = request::parse(body)?;
    let order = Order {
        request,
        conversation: None,
        cap: terms.max_cost,
        run: terms.run,
        id: None,
        routing: terms.routing,
    };
    Ok(Json(told(engine.quote(&actor, order).await?)))
}

fn told(promised: Promised) -> Told {
    let Promised { id, figures, hold, model, provider, version, valid_until } = promised;
    Told {
        quote_id: id,
        model,
        provider,
        min_nanos: figures.min_nanos,
        likely_nanos: figures.likely_nanos,
        max_nanos: figures.max_nanos,
        hold_nanos: hold,
        input_tokens: figures.input_tokens,
        max_output_tokens: figures.max_output_tokens,
        price_version: version,
        valid_until: valid_until.to_rfc3339_opts(SecondsFormat::Millis, true),
    }
}
