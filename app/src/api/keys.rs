//! Doors to a buyer's API keys.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::AppError;

/// A key just made or given another secret, which is shown this once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MadeKey {
    pub name: String,
    pub secret: String,
}

/// A key as a form has it. What is left empty is no limit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyForm {
    pub name: String,
    pub limit_usd: String,
    pub limit_reset: String,
    pub expires_on: String,
    /// Whether the form asks what the key may do; a box that is not ticked is not sent.
    pub asks_scopes: Option<String>,
    pub chat: Option<String>,
    pub embeddings: Option<String>,
    pub images: Option<String>,
    pub read: Option<String>,
    pub management: Option<String>,
    pub models: String,
    pub addresses: String,
    pub requests_a_minute: String,
    pub tokens_a_minute: String,
}

#[server(prefix = "/_fn", endpoint = "create_key")]
pub async fn create_key(#[server(flatten)] form: KeyForm) -> Result<MadeKey, AppError> {
    use crate::context::{caller, key_terms, show_once};
    let caller = caller()?;
    let terms = key_terms(&form)?;
    let (key, secret) = caller.engine.mint_key(&caller.actor, &form.name, terms).await?;
    let made = MadeKey { name: key.name, secret };
    show_once(&caller, &made);
    Ok(made)
}

#[server(prefix = "/_fn", endpoint = "change_key")]
pub async fn change_key(id: String, #[server(flatten)] form: KeyForm) -> Result<(), AppError> {
    use crate::context::{caller, key_change};
    let caller = caller()?;
    let id = marketplace::id::KeyId::parse(&id)?;
    caller.engine.change_key(&caller.actor, id, key_change(&form)?).await?;
    leptos_axum::redirect("/keys?done=changed");
    Ok(())
}

/// Gives a key another secret; the one before works for as many seconds.
#[server(prefix = "/_fn", endpoint = "rotate_key")]
pub async fn rotate_key(id: String, overlap_seconds: i64) -> Result<MadeKey, AppError> {
    use crate::context::{caller, show_once};
    let caller = caller()?;
    let id = marketplace::id::KeyId::parse(&id)?;
    let (key, secret) = caller.engine.rotate_key(&caller.actor, id, overlap_seconds).await?;
    let made = MadeKey { name: key.name, secret };
    show_once(&caller, &made);
    Ok(made)
}

/// Has a key refused, or lets it in again.
#[server(prefix = "/_fn", endpoint = "switch_key")]
pub async fn switch_key(id: String, disabled: bool) -> Result<(), AppError> {
    use engine::KeyChange;

    use crate::context::caller;
    let caller = caller()?;
    let change = KeyChange { disabled: Some(disabled), ..KeyChange::default() };
    caller.engine.change_key(&caller.actor, marketplace::id::KeyId::parse(&id)?, change).await?;
    leptos_axum::redirect(if disabled { "/keys?done=disabled" } else { "/keys?done=enabled" });
    Ok(())
}

#[server(prefix = "/_fn", endpoint = "revoke_key")]
pub async fn revoke_key(id: String) -> Result<(), AppError> {
    use crate::context::caller;
    let caller = caller()?;
    caller.engine.revoke_key(&caller.actor, marketplace::id::KeyId::parse(&id)?).await?;
    leptos_axum::redirect("/keys?done=revoked");
    Ok(())
}
