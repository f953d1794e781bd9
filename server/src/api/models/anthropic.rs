//! `/models` in Anthropic's shape: what can be bought and talked to, the newest first, in pages with cursors.

use engine::{Actor, Engine};
use marketplace::model::{Listing, Status};
use marketplace::search::Search;
use serde::Deserialize;
use serde_json::{Value, json};

const PER_PAGE: usize = 20;
const PER_PAGE_MAX: usize = 1_000;

/// Which page; nonsense is ignored, not refused.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
pub struct Cursor {
    after_id: Option<String>,
    before_id: Option<String>,
    limit: Option<String>,
}

pub fn list(engine: &Engine, actor: &Actor, cursor: &Cursor) -> Value {
    let wanted = Search {
        kind: "chat".to_owned(),
        sale: "open".to_owned(),
        sort: "newest".to_owned(),
        ..Search::default()
    };
    page(&engine.search_models(actor, &wanted).to_vec(), cursor)
}

fn page(all: &[Listing], cursor: &Cursor) -> Value {
    let place = |id: &Option<String>| {
        let id = id.as_deref()?;
        all.iter().position(|listing| listing.model.id.as_str() == id)
    };
    let limit = cursor.limit.as_deref().and_then(|limit| limit.parse().ok()).unwrap_or(PER_PAGE);
    let limit = limit.clamp(1, PER_PAGE_MAX);
    let (first, end) = match (place(&cursor.before_id), place(&cursor.after_id)) {
        (Some(before), _) => (before.saturating_sub(limit), before),
        (None, Some(after)) => (after + 1, all.len().min(after + 1 + limit)),
        (None, None) => (0, all.len().min(limit)),
    };
    let has_more = if cursor.before_id.is_some() { first > 0 } else { end < all.len() };
    let shown = &all[first..end];
    json!({
        "data": shown.iter().map(describe).collect::<Vec<_>>(),
        "has_more": has_more,
        "first_id": shown.first().map(|listing| &listing.model.id),
        "last_id": shown.last().map(|listing| &listing.model.id),
    })
}

pub fn describe(listing: &Listing) -> Value {
    let model = &listing.model;
    let lifecycle = match model.status {
        Status::Active | Status::Unlisted => "active",
        Status::Deprecated => "deprecated",
        Status::Retired => "retired",
    };
    json!({
        "type": "model", "id": model.id, "display_name": model.name, "lifecycle": lifecycle,
        "created_at": midnight(model.released.as_deref()),
        "max_input_tokens": model.max_input_tokens.or(model.context_tokens),
        "max_tokens": model.max_output_tokens,
        "retires_at": model.retires.map(|day| format!("{day}T00:00:00Z")),
    })
}

/// The beginning of the day, or of the month where only that is known; 1970 where nothing is, as its clients expect.
fn midnight(released: Option<&str>) -> String {
    let is_date = |text: &str| text.parse::<chrono::NaiveDate>().is_ok();
    let released = released.unwrap_or_default();
    let day = [released.to_owned(), format!("{released}-01")].into_iter().find(|text| is_date(text));
    format!("{}T00:00:00Z", day.unwrap_or_else(|| "1970-01-01".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_a_moment() {
        assert_eq!(midnight(Some("2026-09-22")), "2026-09-22T00:00:00Z");
        assert_eq!(midnight(Some("2026-09")), "2026-09-01T00:00:00Z");
        assert_eq!(midnight(Some("soon")), "1970-01-01T00:00:00Z");
        assert_eq!(midnight(None), "1970-01-01T00:00:00Z");
    }
}
