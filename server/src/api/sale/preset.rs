//! Presets: a request that names one is completed before anything of it is read or priced.

use engine::{Actor, Engine};
use marketplace::fault::Fault;
use marketplace::preset::{Shape, complete, take_name};
use serde_json::{Map, Value};

use crate::api::idempotency::Attempt;
use crate::api::response_cache;

/// The request with what it does not say itself. One that names no preset asks nothing of the database.
pub async fn with_preset(
    engine: &Engine,
    actor: &Actor,
    mut body: Map<String, Value>,
    shape: Shape,
) -> Result<Map<String, Value>, Fault> {
    if let Some(slug) = take_name(&mut body)? {
        let settings = engine.settings_of(actor, &slug).await?;
        complete(&mut body, &slug, settings, shape)?;
    }
    Ok(body)
}

/// The request of a call. An answer that is kept is kept for the request as its preset completes it now.
pub async fn completed(
    attempt: &mut Attempt,
    body: Map<String, Value>,
    shape: Shape,
) -> Result<Map<String, Value>, Fault> {
    let body = with_preset(&attempt.engine, &attempt.actor, body, shape).await?;
    attempt.cache = attempt.cache.take().and_then(|wish| response_cache::narrowed(wish, &body));
    Ok(body)
}
