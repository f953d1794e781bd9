//! Which sheet stands at which address.

use marketplace::fault::Fault;

use super::query::Query;
use super::{compare, docs, plot, pricing, recommend};
use crate::api::sheets::Sheet;
use crate::context::{caller, subject};
use crate::error::AppError;

pub async fn sheet(path: &str, query: &str) -> Result<Sheet, AppError> {
    let (caller, query) = (caller()?, Query::parse(query));
    let path = path.trim_matches('/');
    if let Some(place) = path.strip_prefix("docs") {
        return docs::sheet(place.trim_start_matches('/'));
    }
    match path {
        "compare" => Ok(compare::sheet(&caller, &query).await),
        "recommend" => recommend::sheet(&caller, &query).await,
        "plot" => Ok(plot::sheet(&caller, &query)),
        "pricing" => Ok(pricing::sheet(&caller).await),
        _ => subject(Err(Fault::not_found("This page"))),
    }
}
