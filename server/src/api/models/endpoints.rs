//! `/models/{author}/{slug}/endpoints`: who answers for a model, and how well, as OpenRouter's clients read it.

use engine::{Actor, Engine, Error};
use marketplace::health::{HealthReport, OfferHealth, Span, Spread};
use marketplace::id::{ModelId, ProviderId};
use marketplace::model::{Listing, Offer, publisher_name};
use serde_json::{Value, json};

use super::{created, parameter, percent, pricing};

/// What was measured is absent where nobody asked lately, and where it cannot be read.
pub async fn list(engine: &Engine, actor: &Actor, id: &str) -> Result<Value, Error> {
    let id = ModelId::parse(id)?;
    let listing = engine.model(actor, &id)?;
    let half_hour = engine.health(actor, Span::HalfHour).await.ok();
    let day = engine.health(actor, Span::Day).await.ok();
    let model = &listing.model;
    let endpoints = model.every_offer().map(|offer| {
        let lately = half_hour.as_deref().and_then(|report| find(report, &model.id, &offer.provider));
        let today = day.as_deref().and_then(|report| find(report, &model.id, &offer.provider));
        endpoint(&listing, &offer, lately, today)
    });
    Ok(json!({ "data": {
        "id": model.id, "name": model.name, "created": created(model.released.as_deref()),
        "description": model.summary(),
        "architecture": { "input_modalities": model.input, "output_modalities": model.output },
        "endpoints": endpoints.collect::<Vec<_>>(),
    } }))
}

fn endpoint(
    listing: &Listing,
    offer: &Offer,
    lately: Option<&OfferHealth>,
    today: Option<&OfferHealth>,
) -> Value {
    let model = &listing.model;
    let seller = if offer.provider == model.provider {
        listing.provider_name.clone()
    } else {
        publisher_name(&offer.provider.0)
    };
    let uptime = |offer: Option<&OfferHealth>| offer.and_then(|offer| offer.measured.uptime_bps).map(percent);
    json!({
        "name": format!("{seller} | {}", model.id), "model_id": model.id, "model_name": model.name,
        "provider_name": seller, "tag": offer.provider, "quantization": null,
        "context_length": offer.context_tokens, "max_prompt_tokens": offer.max_input_tokens,
        "max_completion_tokens": offer.max_output_tokens,
        "pricing": offer.price.as_ref().map(|price| pricing(price, listing.take)),
        "supported_parameters": parameter::told(model),
        "available": listing.sale.is_open(),
        "uptime_last_30m": uptime(lately), "uptime_last_1d": uptime(today),
        "latency_last_30m": lately.and_then(|offer| offer.measured.first_token_ms).map(percentiles),
        "throughput_last_30m": lately.and_then(|offer| offer.measured.tokens_per_second).map(percentiles),
    })
}

pub fn find<'a>(report: &'a HealthReport, model: &ModelId, provider: &ProviderId) -> Option<&'a OfferHealth> {
    report.offers().find(|offer| offer.model == *model && offer.provider == *provider)
}

pub fn percentiles(spread: Spread) -> Value {
    json!({ "p50": spread.p50, "p75": spread.p75, "p90": spread.p90, "p99": spread.p99 })
}
