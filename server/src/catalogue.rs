//! The catalogue as files: what a search found for spreadsheets, and all of it in a few kilobytes for suggestions.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use engine::{Actor, Engine, Measures};
use http::{HeaderMap, StatusCode, header};
use marketplace::health::Span;
use marketplace::model::Listing;
use marketplace::money::{Nanos, Rate};
use marketplace::search::Search;

use crate::api::etag;
use crate::csv::text;
use crate::routes::Site;

const COLUMNS: &str = "id,name,author,providers,kind,status,for_sale,input_usd_per_mtok,output_usd_per_mtok,\
                       context_tokens,max_output_tokens,released,input,output,abilities,open_weights,licence";
/// Prices that change are taken over within a minute, and whoever suggests them is no slower.
const QUICK_KEPT: &str = "public, max-age=60";

pub fn routes() -> Router<Site> {
    Router::new().route("/models.csv", get(read_file)).route("/models-index.txt", get(read_quick))
}

/// Everything that the address asks for, in its order; not only the page that is shown.
async fn read_file(State(engine): State<Engine>, RawQuery(query): RawQuery) -> impl IntoResponse {
    let report = engine.health(&Actor::Visitor, Span::Month).await.ok();
    let measures = report.as_deref().map(Measures::new).unwrap_or_default();
    let mut search = Search::read(&query.unwrap_or_default());
    search.per_page = Some(u32::MAX);
    search.page = None;
    let mut csv = format!("{COLUMNS}\r\n");
    for listing in engine.search_measured(&Actor::Visitor, &search, &measures).iter() {
        csv.push_str(&line(listing));
    }
    let about = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"mercato-models.csv\""),
    ];
    (about, csv)
}

/// What browsers find the first results in.
async fn read_quick(State(engine): State<Engine>, headers: HeaderMap) -> Response {
    let file = engine.quick_index(&Actor::Visitor);
    let name = etag::name_of(file.as_bytes());
    let about = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (header::CACHE_CONTROL, QUICK_KEPT.to_owned()),
        (header::ETAG, name.clone()),
    ];
    if etag::is_known(&headers, &name) {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    (about, file).into_response()
}

/// What is unknown is an empty cell.
fn line(listing: &Listing) -> String {
    let model = &listing.model;
    let dollars = |rate: Option<Rate>| rate.map(|rate| Nanos(rate.0).decimal()).unwrap_or_default();
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let providers: Vec<String> = model.every_offer().map(|offer| offer.provider.0).collect();
    let cells = [
        text(model.id.as_str()),
        text(&model.name),
        text(&model.publisher),
        text(&providers.join(" ")),
        model.kind.as_str().to_owned(),
        model.status.as_str().to_owned(),
        listing.sale.is_open().to_string(),
        dollars(listing.known_input()),
        dollars(listing.known_output()),
        number(model.context_tokens),
        number(model.max_output_tokens),
        text(model.released.as_deref().unwrap_or_default()),
        text(&model.input.join(" ")),
        text(&model.output.join(" ")),
        text(&model.abilities.join(" ")),
        model.open_weights.map(|open| open.to_string()).unwrap_or_default(),
        text(model.licence.as_deref().unwrap_or_default()),
    ];
    format!("{}\r\n", cells.join(","))
}
