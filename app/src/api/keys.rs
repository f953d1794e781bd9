//! Doors to a buyer's API keys.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use marketplace::secret_key::ApiKey;
use serde::{Deserialize, Serialize};

use crate::components::Drawn;
use crate::error::AppError;

/// A key just made, with the secret that is shown this once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MadeKey {
    pub name: String,
    pub secret: String,
}

#[server(prefix = "/_fn", endpoint = "list_keys", input = Json)]
pub async fn list_keys() -> Result<Vec<ApiKey>, AppError> {
    use crate::context::caller;
    let caller = caller()?;
    Ok(caller.engine.list_keys(&caller.actor).await?)
}

/// An empty limit means none.
#[server(prefix = "/_fn", endpoint = "create_key")]
pub async fn create_key(name: String, limit_usd: String) -> Result<MadeKey, AppError> {
    use crate::context::{caller, show_once};
    let caller = caller()?;
    let limit = match limit_usd.trim() {
        "" => None,
        text => Some(marketplace::money::Nanos::parse_usd(text)?),
    };
    let terms = engine::KeyTerms { limit, ..engine::KeyTerms::default() };
    let (key, secret) = caller.engine.mint_key(&caller.actor, &name, terms).await?;
    let made = MadeKey { name: key.name, secret };
    show_once(&caller, &made);
    Ok(made)
}

#[server(prefix = "/_fn", endpoint = "read_first_program", input = Json)]
pub async fn read_first_program() -> Result<Drawn, AppError> {
    Ok(crate::sheets::code::first_program(&crate::context::origin()))
}

/// The key made by a form without scripts, which the next page shows.
#[server(prefix = "/_fn", endpoint = "take_made_key", input = Json)]
pub async fn take_made_key() -> Result<Option<MadeKey>, AppError> {
    use crate::context::{caller, take_shown_once};
    Ok(take_shown_once(&caller()?))
}

#[server(prefix = "/_fn", endpoint = "revoke_key")]
pub async fn revoke_key(id: String) -> Result<(), AppError> {
    use crate::context::caller;
    let caller = caller()?;
    Ok(caller.engine.revoke_key(&caller.actor, marketplace::id::KeyId::parse(&id)?).await?)
}
