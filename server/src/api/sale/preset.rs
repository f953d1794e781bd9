//! Presets: a request that names one is completed before anything of it is read or priced.

use engine::{Actor, Engine};
use marketplace::fault::Fault;
use marketplace::preset::{Shape, complete, take_name};
use serde_json::{Map, Value};

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
