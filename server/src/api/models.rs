//! `/models`: the catalogue, in OpenAI's, OpenRouter's and our own fields at once, or in Anthropic's shape.

mod anthropic;
mod endpoints;
mod filter;
mod parameter;
mod stats;

use axum::Json;
use axum::extract::{RawQuery, State};
use engine::{Actor, Engine};
use http::HeaderMap;
use marketplace::id::ModelId;
use marketplace::model::{LaterPrice, Listing};
use marketplace::money::{Nanos, Rate};
use marketplace::price::{Price, TakeRate};
use marketplace::search::Search;
use serde_json::{Value, json};

use self::filter::Filter;
use super::ApiError;
use super::asked::{Path, Query};
use super::error::ANTHROPIC_VERSION;
use super::messages::model_id;
use crate::auth::Asking;
use crate::openapi::shapes;

/// Every model with its price, limits and whether it can be called here.
#[utoipa::path(get, path = "/models", tag = "Models", params(Search, Filter, anthropic::Cursor), responses((status = 200, body = shapes::ModelList)), security(()))]
pub async fn list_models(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    headers: HeaderMap,
    RawQuery(search): RawQuery,
    Query(filter): Query<Filter>,
    Query(cursor): Query<anthropic::Cursor>,
) -> Result<Json<Value>, ApiError> {
    if headers.contains_key(ANTHROPIC_VERSION) {
        return Ok(Json(anthropic::list(&engine, &actor, &cursor)));
    }
    Ok(Json(listed(&engine, &actor, &read(search), &filter)))
}

/// Nonsense is ignored, not refused.
fn read(query: Option<String>) -> Search {
    Search::read(&query.unwrap_or_default())
}

/// Our search, then OpenRouter's filters with its own way of paging.
fn listed(engine: &Engine, actor: &Actor, search: &Search, filter: &Filter) -> Value {
    let sort = match search.sort.as_str() {
        "pricing-low-to-high" => "price",
        "pricing-high-to-low" => "-price",
        "context-high-to-low" => "context",
        ours => ours,
    };
    let mut search = Search { sort: sort.to_owned(), ..search.clone() };
    if *filter == Filter::default() {
        let found = engine.search_models(actor, &search);
        let data: Vec<Value> = found.iter().map(describe).collect();
        let found = found.found;
        return json!({
            "object": "list", "data": data, "total": found.total, "page": found.page, "pages": found.pages,
            "facets": found.facets,
        });
    }
    // A page of what passes the filters is not what passes them of a page.
    (search.page, search.per_page) = (None, None);
    let found = engine.search_models(actor, &search);
    let (listings, total) = filter.run(found.iter());
    let data: Vec<Value> = listings.into_iter().map(describe).collect();
    json!({ "object": "list", "data": data, "total": total, "facets": found.found.facets })
}

/// How many there are, of those that pass.
#[utoipa::path(get, path = "/models/count", tag = "Models", params(Search, Filter), responses((status = 200, body = shapes::Count)), security(()))]
pub async fn count_models(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    RawQuery(search): RawQuery,
    Query(filter): Query<Filter>,
) -> Json<Value> {
    let found = engine.search_models(&actor, &Search { page: None, per_page: None, ..read(search) });
    Json(json!({ "data": { "count": filter.run(found.iter()).1 } }))
}

/// What the caller may buy right now.
#[utoipa::path(get, path = "/models/user", tag = "Models", params(Search, Filter), responses((status = 200, body = shapes::ModelList)))]
pub async fn list_buyable(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    RawQuery(search): RawQuery,
    Query(filter): Query<Filter>,
) -> Result<Json<Value>, ApiError> {
    actor.account().map_err(ApiError::openai)?;
    let search = Search { sale: "open".to_owned(), ..read(search) };
    Ok(Json(listed(&engine, &actor, &search, &filter)))
}

/// One model.
#[utoipa::path(get, path = "/models/{author}/{slug}", tag = "Models", params(("author" = String, Path, example = "openai"), ("slug" = String, Path, description = "May have slashes in it.", example = "gpt-5-mini")), responses((status = 200, body = shapes::Model)), security(()))]
pub async fn read_model(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    if let Some(id) = id.strip_suffix("/endpoints") {
        return read_endpoints(&engine, &actor, id).await;
    }
    if let Some(id) = id.strip_suffix("/stats") {
        return read_stats(&engine, &actor, id).await;
    }
    if headers.contains_key(ANTHROPIC_VERSION) {
        let id = model_id(&id).map_err(ApiError::anthropic)?;
        let listing = engine.model(&actor, &id).map_err(ApiError::anthropic)?;
        return Ok(Json(anthropic::describe(&listing)));
    }
    let id = ModelId::parse(&id).map_err(ApiError::openai)?;
    let listing = engine.model(&actor, &id).map_err(ApiError::openai)?;
    Ok(Json(describe(&listing)))
}

/// Who answers for a model, and how well.
#[utoipa::path(get, path = "/models/{author}/{slug}/endpoints", tag = "Models", params(("author" = String, Path, example = "openai"), ("slug" = String, Path, description = "May have slashes in it.", example = "gpt-5-mini")), responses((status = 200, body = shapes::Endpoints)), security(()))]
pub async fn read_endpoints(engine: &Engine, actor: &Actor, id: &str) -> Result<Json<Value>, ApiError> {
    Ok(Json(endpoints::list(engine, actor, id).await.map_err(ApiError::openai)?))
}

/// How well a model was answered here, over half an hour, a day and a month.
#[utoipa::path(get, path = "/models/{author}/{slug}/stats", tag = "Models", params(("author" = String, Path, example = "openai"), ("slug" = String, Path, description = "May have slashes in it.", example = "gpt-5-mini")), responses((status = 200, body = shapes::Stats)), security(()))]
pub async fn read_stats(engine: &Engine, actor: &Actor, id: &str) -> Result<Json<Value>, ApiError> {
    Ok(Json(stats::read(engine, actor, id).await.map_err(ApiError::openai)?))
}

fn describe(listing: &Listing) -> Value {
    let model = &listing.model;
    let own_price = model.price.as_ref().map(|price| pricing(price, listing.take));
    let endpoints: Vec<Value> = model
        .every_offer()
        .map(|offer| {
            json!({
                "provider": offer.provider, "name": format!("{}/{}", offer.provider, offer.upstream),
                "context_length": offer.context_tokens, "max_completion_tokens": offer.max_output_tokens,
                "pricing": offer.price.as_ref().map(|price| pricing(price, listing.take)),
                "provider_price": offer.price, "free": offer.free,
                "later_prices": later(&offer.later, listing.take),
            })
        })
        .collect();
    json!({
        "id": model.id, "object": "model", "owned_by": model.publisher,
        "created": created(model.released.as_deref()),
        "canonical_slug": model.id, "name": model.name, "description": model.summary(),
        "context_length": model.context_tokens,
        "architecture": {
            "modality": format!("{}->{}", model.input.join("+"), model.output.join("+")),
            "input_modalities": model.input, "output_modalities": model.output,
            "tokenizer": null, "instruct_type": null,
        },
        "pricing": own_price,
        "hugging_face_id": null, "per_request_limits": null, "default_parameters": null,
        "top_provider": {
            "context_length": model.context_tokens, "max_completion_tokens": model.max_output_tokens,
            "is_moderated": null,
        },
        "supported_parameters": parameter::told(model),
        "expiration_date": model.retires,
        "available": listing.sale.is_open(),
        "unavailable_because": listing.sale.reason(),
        "kind": model.kind, "status": model.status, "provider": model.provider, "free": model.free,
        "replacement": model.replacement,
        "provider_price": model.price, "later_prices": later(&model.later, listing.take),
        "commission_bps": listing.take, "endpoints": endpoints,
    })
}

/// What it is to cost, the next first.
fn later(prices: &[LaterPrice], take: TakeRate) -> Vec<Value> {
    let told = |next: &LaterPrice| {
        json!({
            "from": next.from, "pricing": pricing(&next.price, take), "provider_price": next.price, "free": next.free,
        })
    };
    prices.iter().map(told).collect()
}

fn pricing(price: &Price, take: TakeRate) -> Value {
    let per_token = |rate: Rate| per_token(take.on_rate(rate));
    // A rate for a million pictures is told as one for a single one, like those of tokens.
    let picture = price.picture().map(|_| per_token(price.rates.output));
    let output = if picture.is_some() { Rate::FREE } else { price.rates.output };
    json!({
        "prompt": per_token(price.rates.input),
        "completion": per_token(output),
        // Nothing here costs by the request, and what vendors look up on the web is not sold.
        "request": "0",
        "web_search": null,
        "image": picture,
        "input_cache_read": price.rates.cached_input.map(per_token),
        "input_cache_write": price.rates.cache_write.map(per_token),
        "internal_reasoning": price.rates.reasoning.map(per_token),
    })
}

/// Dollars per single token, as decimal text. A rate per million in nano-dollars has at most fifteen decimals so.
fn per_token(rate: Rate) -> String {
    let digits = format!("{:016}", rate.0);
    let (whole, fraction) = digits.split_at(digits.len() - 15);
    let text = format!("{whole}.{fraction}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}

/// Seconds since 1970 of the day of release; zero where only the month or nothing is known, as OpenAI's clients
/// insist on a number.
fn created(released: Option<&str>) -> i64 {
    released
        .and_then(|text| text.parse::<chrono::NaiveDate>().ok())
        .and_then(|day| day.and_hms_opt(0, 0, 0))
        .map_or(0, |at| at.and_utc().timestamp())
}

/// `9953` as the number 99.53. The digits are written, not computed.
pub fn percent(bps: u64) -> Value {
    serde_json::from_str(&format!("{}.{:02}", bps / 100, bps % 100)).unwrap_or(Value::Null)
}

/// Amounts as JSON numbers, for clients that expect one. The digits are written, not computed.
pub fn number(amount: Nanos) -> Value {
    serde_json::from_str(&amount.decimal()).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_per_token_keeps_every_digit() {
        assert_eq!(per_token(Rate(357_142_858)), "0.000000357142858");
        assert_eq!(per_token(Rate(0)), "0");
        assert_eq!(per_token(Rate(600_000_000_000)), "0.0006");
    }

    #[test]
    fn uptime_is_a_number_of_per_cent() {
        let told = [10_000, 9_953, 5, 0].map(|bps| percent(bps).to_string());
        assert_eq!(told, ["100.0", "99.53", "0.05", "0.0"]);
    }

    #[test]
    fn a_cost_is_a_number_to_the_last_nano() {
        assert_eq!(number(Nanos(412_001)).to_string(), "0.000412001");
    }
}
