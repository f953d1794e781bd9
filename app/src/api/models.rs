//! Doors to the catalogue; open to everybody.

use leptos::prelude::*;
use marketplace::id::ModelId;
use marketplace::model::Listing;
use marketplace::search::{Found, Search};
use serde::{Deserialize, Serialize};

use crate::error::AppError;

/// What the front page tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Front {
    pub models: usize,
    pub for_sale: usize,
    pub providers: usize,
    pub featured: Vec<Listing>,
    pub demo: bool,
}

#[server(prefix = "/_fn", endpoint = "search_models")]
pub async fn search_models(search: Search) -> Result<Found, AppError> {
    use crate::context::caller;
    let caller = caller()?;
    Ok(caller.engine.search_models(&caller.actor, &search))
}

#[server(prefix = "/_fn", endpoint = "read_model")]
pub async fn read_model(id: String) -> Result<Listing, AppError> {
    use crate::context::caller;
    let caller = caller()?;
    Ok(caller.engine.model(&caller.actor, &ModelId::parse(&id)?)?)
}

#[server(prefix = "/_fn", endpoint = "read_front")]
pub async fn read_front() -> Result<Front, AppError> {
    use crate::context::caller;
    let caller = caller()?;
    let all = caller.engine.search_models(&caller.actor, &Search::default());
    let open = Search { sale: "open".to_owned(), page: Some(1), per_page: Some(6), ..Search::default() };
    let open = caller.engine.search_models(&caller.actor, &open);
    Ok(Front {
        models: all.total,
        for_sale: open.total,
        providers: all.facets.provider.len(),
        featured: open.listings,
        demo: caller.engine.is_demo(),
    })
}
