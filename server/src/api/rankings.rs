//! `/datasets/rankings-daily` and `/benchmarks`: what anybody may know of models, as OpenRouter's readers of data ask for it.

use axum::Json;
use axum::extract::State;
use chrono::{Days, NaiveDate, Utc};
use engine::{Engine, Ranked};
use marketplace::id::ModelId;
use marketplace::search::Search;
use serde::{Deserialize, Serialize};

use super::ApiError;
use super::asked::Query;
use super::page::{Page, Slice};
use super::usage::day;
use crate::auth::Asking;

/// What is told where nobody says since when.
const DAYS_USUAL: u64 = 30;
/// How all models are called that are not named.
const OTHER: &str = "other";

#[derive(Deserialize, utoipa::IntoParams)]
pub struct Span {
    /// A UTC day, included.
    start_date: Option<String>,
    /// A UTC day, included.
    end_date: Option<String>,
}

/// Of one model on one day.
#[derive(Serialize, utoipa::ToSchema)]
pub struct RankedModel {
    date: NaiveDate,
    /// `other` for all that are not named.
    model_permaslug: String,
    /// Whole thousands, read and written together.
    total_tokens: String,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct Ranking {
    #[serde(flatten)]
    page: Page<RankedModel>,
    meta: RankingFacts,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct RankingFacts {
    version: &'static str,
    start_date: NaiveDate,
    end_date: NaiveDate,
    /// The end of the newest day that is told.
    as_of: Option<String>,
}

/// How much each model was asked, day by day: the first fifty, and the rest together as `other`.
///
/// Only days that are over, and only models that five accounts or more have used that day; fewer are part of `other`, which
/// is left out where fewer than five accounts have part in it. Tokens are cut to whole thousands, as each vendor counts them.
#[utoipa::path(get, path = "/datasets/rankings-daily", tag = "Models", params(Span, Slice), responses((status = 200, body = Ranking)), security(()))]
pub async fn list_rankings(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Query(span): Query<Span>,
    Query(slice): Query<Slice>,
) -> Result<Json<Ranking>, ApiError> {
    let read = |field, text: Option<String>| day(field, text.as_deref()).map_err(ApiError::openai);
    let end_date = read("end_date", span.end_date)?.unwrap_or_else(|| Utc::now().date_naive());
    let usual = end_date.checked_sub_days(Days::new(DAYS_USUAL)).unwrap_or(end_date);
    let start_date = read("start_date", span.start_date)?.unwrap_or(usual);
    let ranked = engine.model_ranking(&actor, start_date, end_date).await.map_err(ApiError::openai)?;
    let as_of = ranked.first().and_then(|newest| newest.day.succ_opt());
    let as_of = as_of.map(|day| format!("{day}T00:00:00Z"));
    let meta = RankingFacts { version: "v1", start_date, end_date, as_of };
    Ok(Json(Ranking { page: slice.cut(ranked.into_iter().map(RankedModel::from).collect()), meta }))
}

impl From<Ranked> for RankedModel {
    fn from(ranked: Ranked) -> Self {
        Self {
            date: ranked.day,
            model_permaslug: ranked.model.map_or_else(|| OTHER.to_owned(), String::from),
            total_tokens: ranked.tokens.to_string(),
        }
    }
}

/// A score from outside.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Score {
    model_permaslug: ModelId,
    benchmark: String,
    /// In percent, as its source writes it.
    score: String,
    /// By whoever made the model.
    self_reported: bool,
    source: String,
    /// That of the source; absent where it names none.
    licence: Option<String>,
}

/// Scores of models on public benchmarks, each with its source and that source's licence.
///
/// None was measured here.
#[utoipa::path(get, path = "/benchmarks", tag = "Models", params(Slice), responses((status = 200, body = Page<Score>)), security(()))]
pub async fn list_benchmarks(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Query(slice): Query<Slice>,
) -> Result<Json<Page<Score>>, ApiError> {
    let listed = engine.search_models(&actor, &Search::default());
    let scores = listed.iter().flat_map(|listing| {
        let id = &listing.model.id;
        listing.model.benchmarks.iter().map(move |benchmark| {
            let (source, licence) = match benchmark.source.rsplit_once(", ") {
                Some((source, licence)) => (source, Some(licence.to_owned())),
                None => (benchmark.source.as_str(), None),
            };
            Score {
                model_permaslug: id.clone(),
                benchmark: benchmark.name.clone(),
                score: benchmark.score.clone(),
                self_reported: benchmark.self_reported,
                source: source.to_owned(),
                licence,
            }
        })
    });
    Ok(Json(slice.cut(scores.collect())))
}
