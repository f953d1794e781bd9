//! `/usage` and `/activity`: where the money went, day by day, in our own words and in OpenRouter's.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use chrono::{Days, NaiveDate, Utc};
use engine::{Engine, Spent};
use marketplace::fault::Fault;
use marketplace::id::{KeyId, ModelId, ProviderId};
use marketplace::money::Nanos;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ApiError;
use super::asked::Query;
use super::models::number;
use crate::auth::Asking;
use crate::openapi::shapes;

/// What is told where nobody says since when.
const DAYS_USUAL: u64 = 30;

#[derive(Deserialize, utoipa::IntoParams)]
pub struct Wanted {
    from: Option<String>,
    until: Option<String>,
    /// `day`, `model`, `provider` and `key`, with commas between them.
    by: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = UsageReport)]
pub struct Report {
    from: NaiveDate,
    until: NaiveDate,
    total: Row,
    data: Vec<Row>,
}

/// Sums over whatever is not named in it.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(as = UsageRow)]
pub struct Row {
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<ModelId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<ProviderId>,
    /// `null` for what was asked on the pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<Option<KeyId>>,
    calls: u64,
    failed_calls: u64,
    input_tokens: u64,
    output_tokens: u64,
    reasoning_tokens: u64,
    free_tokens: u64,
    #[serde(with = "marketplace::money::as_text")]
    charge_nanos: Nanos,
    #[serde(with = "marketplace::money::as_text")]
    provider_cost_nanos: Nanos,
}

/// Where the money went.
#[utoipa::path(get, path = "/api/v1/usage", tag = "Money", params(Wanted), responses((status = 200, body = Report)))]
pub async fn read_usage(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Report>, ApiError> {
    let until = day("until", wanted.until.as_deref())?.unwrap_or_else(today);
    let from = day("from", wanted.from.as_deref())?.unwrap_or_else(|| before(until, DAYS_USUAL - 1));
    let by = Parts::parse(wanted.by.as_deref().unwrap_or("day"))?;
    let spent = engine.spending(&actor, from, until).await?;
    let mut total = Row::default();
    // The rows come in the order that is told: a part is placed where it first occurs.
    let mut rows: Vec<Row> = Vec::new();
    let mut places: BTreeMap<_, usize> = BTreeMap::new();
    for one in &spent {
        total.add(one);
        let (day, model) = (by.day.then_some(one.day), by.model.then(|| one.model.clone()));
        let (provider, key_id) = (by.provider.then(|| one.provider.clone()), by.key.then_some(one.key));
        let place = *places.entry((day, model.clone(), provider.clone(), key_id)).or_insert_with(|| {
            rows.push(Row { day, model, provider, key_id, ..Row::default() });
            rows.len() - 1
        });
        rows[place].add(one);
    }
    Ok(Json(Report { from, until, total, data: rows }))
}

/// The last thirty UTC days that are over, or one of them, as OpenRouter tells them.
#[utoipa::path(get, path = "/activity", tag = "Money", params(OneDay), responses((status = 200, body = shapes::Activity)))]
pub async fn read_activity(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Query(wanted): Query<OneDay>,
) -> Result<Json<Value>, ApiError> {
    let (from, until) = match day("date", wanted.date.as_deref()).map_err(ApiError::openai)? {
        Some(day) => (day, day),
        None => (before(today(), DAYS_USUAL), today()),
    };
    let spent = engine.spending(&actor, from, until).await.map_err(ApiError::openai)?;
    let mut rows: Vec<(&Spent, Row)> = Vec::new();
    for one in &spent {
        let same = rows.iter_mut().find(|(first, _)| {
            (first.day, &first.model, &first.provider) == (one.day, &one.model, &one.provider)
        });
        match same {
            Some((_, row)) => row.add(one),
            None => {
                let mut row = Row::default();
                row.add(one);
                rows.push((one, row));
            }
        }
    }
    let data: Vec<Value> = rows.iter().map(|(one, row)| activity(&engine, &actor, one, row)).collect();
    Ok(Json(json!({ "data": data })))
}

#[derive(Deserialize, utoipa::IntoParams)]
pub struct OneDay {
    date: Option<String>,
}

fn activity(engine: &Engine, actor: &engine::Actor, of: &Spent, row: &Row) -> Value {
    let seller = engine.sellers(actor).remove(&of.provider);
    json!({
        "date": of.day, "model": of.model, "model_permaslug": of.model,
        "provider_name": seller.map_or_else(|| of.provider.0.clone(), |seller| seller.name),
        "endpoint_id": format!("{}/{}", of.provider, of.model),
        "usage": number(row.charge_nanos), "byok_usage_inference": 0, "requests": row.calls,
        "prompt_tokens": row.input_tokens, "completion_tokens": row.output_tokens,
        "reasoning_tokens": row.reasoning_tokens,
    })
}

impl Row {
    fn add(&mut self, spent: &Spent) {
        self.calls += spent.calls;
        self.failed_calls += spent.failed;
        self.input_tokens += spent.input;
        self.output_tokens += spent.output;
        self.reasoning_tokens += spent.reasoning;
        self.free_tokens += spent.free_tokens;
        self.charge_nanos = self.charge_nanos + spent.paid;
        self.provider_cost_nanos = self.provider_cost_nanos + spent.provider_cost;
    }
}

/// What rows are told apart by.
#[derive(Clone, Copy, Debug, Default)]
struct Parts {
    day: bool,
    model: bool,
    provider: bool,
    key: bool,
}

impl Parts {
    fn parse(text: &str) -> Result<Self, Fault> {
        let mut parts = Self::default();
        for name in text.split(',').map(str::trim) {
            match name {
                "day" => parts.day = true,
                "model" => parts.model = true,
                "provider" => parts.provider = true,
                "key" => parts.key = true,
                _ => return Err(Fault::invalid("by", "may name day, model, provider and key")),
            }
        }
        Ok(parts)
    }
}

pub fn day(field: &str, text: Option<&str>) -> Result<Option<NaiveDate>, Fault> {
    let wrong = |_| Fault::invalid(field, "must be a day such as 2026-11-26");
    text.map(|text| text.parse().map_err(wrong)).transpose()
}

fn today() -> NaiveDate {
    Utc::now().date_naive()
}

fn before(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(days)).unwrap_or(day)
}
