//! Doors to the catalogue; open to everybody.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;
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

#[server(prefix = "/_fn", endpoint = "search_models", input = Json)]
pub async fn search_models(search: Search) -> Result<Found, AppError> {
    use crate::context::caller;
    let caller = caller()?;
    Ok(caller.engine.search_models(&caller.actor, &search))
}

#[server(prefix = "/_fn", endpoint = "read_model", input = Json)]
pub async fn read_model(id: String) -> Result<Listing, AppError> {
    use crate::context::caller;
    use marketplace::id::ModelId;
    let caller = caller()?;
    let model =
        ModelId::parse(&id).map_err(Into::into).and_then(|id| caller.engine.model(&caller.actor, &id));
    Ok(model.inspect_err(|_| crate::context::status(404))?)
}

#[server(prefix = "/_fn", endpoint = "read_front", input = Json)]
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

/// Whether answers are simulated.
#[server(prefix = "/_fn", endpoint = "read_demo", input = Json)]
pub async fn read_demo() -> Result<bool, AppError> {
    use crate::context::caller;
    Ok(caller()?.engine.is_demo())
}

/// Makes the answer a 404: called by the page that stands where there is none.
#[server(prefix = "/_fn", endpoint = "page_missing", input = Json)]
pub async fn page_missing() -> Result<(), AppError> {
    crate::context::status(404);
    Ok(())
}

/// The address this market was reached at, for samples of code.
#[server(prefix = "/_fn", endpoint = "read_origin", input = Json)]
pub async fn read_origin() -> Result<String, AppError> {
    use http::{header::HOST, request::Parts};
    let parts = use_context::<Parts>();
    let header = |name: &str| parts.as_ref()?.headers.get(name)?.to_str().ok().map(str::to_owned);
    let host = header(HOST.as_str()).unwrap_or_else(|| "localhost".to_owned());
    let scheme =
        header("x-forwarded-proto").filter(|scheme| scheme == "https").unwrap_or_else(|| "http".to_owned());
    Ok(format!("{scheme}://{host}"))
}
