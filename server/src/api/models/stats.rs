//! `/models/{author}/{slug}/stats`: how well a model was answered here, offer by offer, over three spans.

use engine::{Actor, Engine, Error};
use marketplace::health::Span;
use marketplace::id::ModelId;
use serde_json::{Value, json};

use super::endpoints::{find, percentiles};
use super::percent;

/// Of each span what was measured; a span is absent where that cannot be read.
pub async fn read(engine: &Engine, actor: &Actor, id: &str) -> Result<Value, Error> {
    let listing = engine.model(actor, &ModelId::parse(id)?)?;
    let mut spans = Vec::new();
    for span in Span::ALL {
        let Ok(report) = engine.health(actor, span).await else { continue };
        let offers: Vec<Value> = listing
            .model
            .every_offer()
            .map(|offer| match find(&report, &listing.model.id, &offer.provider) {
                None => json!({ "provider": offer.provider, "attempts": 0 }),
                Some(health) => json!({
                    "provider": offer.provider, "now": health.now,
                    "attempts": health.slices.iter().map(|slice| slice.attempts).sum::<u64>(),
                    "failures": health.slices.iter().map(|slice| slice.failures).sum::<u64>(),
                    "uptime": health.measured.uptime_bps.map(percent),
                    "latency_ms": health.measured.first_token_ms.map(percentiles),
                    "throughput": health.measured.tokens_per_second.map(percentiles),
                    "slices": health.slices,
                }),
            })
            .collect();
        spans.push(
            json!({ "span": report.span, "from": report.from, "until": report.until, "offers": offers }),
        );
    }
    Ok(json!({ "data": { "id": listing.model.id, "name": listing.model.name, "spans": spans } }))
}
