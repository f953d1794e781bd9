//! Doors to the catalogue; open to everybody.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use marketplace::price::{Price, TakeRate};
use serde::{Deserialize, Serialize};

use crate::components::Drawn;
use crate::error::AppError;

/// By what the list can be narrowed, and what was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    pub filters: Drawn,
    pub results: Drawn,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelSheet {
    pub name: String,
    pub head: Drawn,
    pub prices: Drawn,
    /// What there is to calculate with, if a price is known.
    pub tariff: Option<Tariff>,
    pub more: Drawn,
    pub facts: Drawn,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tariff {
    pub href: String,
    pub price: Price,
    pub take: TakeRate,
    pub generates: bool,
}

/// `query` is what stands behind the question mark.
#[server(prefix = "/_fn", endpoint = "search_models", input = Json)]
pub async fn search_models(query: String) -> Result<Found, AppError> {
    use crate::context::caller;
    Ok(crate::sheets::results::sheet(&caller()?, &query).await)
}

#[server(prefix = "/_fn", endpoint = "read_model", input = Json)]
pub async fn read_model(id: String) -> Result<ModelSheet, AppError> {
    use crate::context::{caller, origin, subject};
    use crate::sheets::model::{Around, sheet};
    use marketplace::{fault::Fault, health::Span, id::ModelId};
    let caller = caller()?;
    let id = subject(ModelId::parse(&id).map_err(|_| Fault::not_found("This model")))?;
    let listing = subject(caller.engine.model(&caller.actor, &id))?;
    let all = caller.engine.listings(&caller.actor);
    // A model is sold whether or not it can be told how it did, and what it cost before.
    let day = caller.engine.health(&caller.actor, Span::Day).await.ok();
    let month = caller.engine.health(&caller.actor, Span::Month).await.ok();
    let versions = caller.engine.price_history(&caller.actor, &listing.model.id).await.unwrap_or_default();
    let around =
        Around { all: &all, day: day.as_deref(), month: month.as_deref(), versions, origin: origin() };
    Ok(sheet(&listing, around))
}

/// Whether answers are simulated.
#[server(prefix = "/_fn", endpoint = "read_demo", input = Json)]
pub async fn read_demo() -> Result<bool, AppError> {
    use crate::context::caller;
    Ok(caller()?.engine.is_demo())
}

/// Makes the answer a 404, and says what may have been looked for: called by the page that stands where there is none.
#[server(prefix = "/_fn", endpoint = "page_missing", input = Json)]
pub async fn page_missing(path: String) -> Result<Drawn, AppError> {
    use crate::context::{caller, status};
    status(404);
    Ok(crate::sheets::missing::sheet(&caller()?, &path))
}
