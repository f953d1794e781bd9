//! `POST /recommendations`: models for a task, with every part of their score.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use engine::{Engine, Pick, Recommendation, Replayed};
use marketplace::fault::Fault;
use marketplace::id::ModelId;
use marketplace::model::Listing;
use marketplace::money::Rate;
use marketplace::recommend::{Aspect, Change, Need, Refusal, Scored, Task, WEIGHT_MAX, Weights, Wish};
use serde::{Deserialize, Serialize};

use super::ApiError;
use super::body::Body;
use crate::auth::Asking;

const PICKS: usize = 10;

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = Wish, example = json!({"task": "coding", "weights": {"price": 9}, "needs": ["tools"], "min_context": 100000}))]
pub struct Wanted {
    task: String,
    /// What is not named keeps the task's own weight.
    #[serde(default)]
    weights: BTreeMap<String, u8>,
    /// A decimal text or a number of dollars.
    max_price_usd_per_mtok: Option<serde_json::Value>,
    min_context: Option<u64>,
    #[serde(default)]
    needs: Vec<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct Recommended {
    task: Task,
    weights: BTreeMap<&'static str, u8>,
    data: Vec<Recommendable>,
    /// How many models meet the wish, and how many do not.
    total: usize,
    left_out: BTreeMap<&'static str, usize>,
    runner_up: Option<RunnerUp>,
}

/// Points go from 0 to 1,000. What is unknown is a span, and its middle counts.
#[derive(Serialize, utoipa::ToSchema)]
struct Recommendable {
    id: ModelId,
    name: String,
    score: u32,
    score_least: u32,
    score_most: u32,
    parts: BTreeMap<&'static str, Part>,
    why: String,
    /// `null` for whoever is not signed in, or paid for no chat lately.
    replay: Option<OwnMonth>,
}

/// What your own paid chats of a month would have cost with this model: the same tokens at today’s price.
#[derive(Serialize, utoipa::ToSchema)]
struct OwnMonth {
    #[schema(example = "2026-11")]
    month: String,
    calls: u64,
    paid_nanos: String,
    would_have_nanos: String,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ScorePart)]
struct Part {
    weight: u8,
    /// `None` where it is not known exactly.
    points: Option<u32>,
    least: u32,
    most: u32,
    because: String,
}

#[derive(Serialize, utoipa::ToSchema)]
struct RunnerUp {
    id: ModelId,
    behind: u32,
    /// Each of these alone would put it first.
    would_win_if: Vec<WouldWin>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[serde(tag = "what", rename_all = "snake_case")]
enum WouldWin {
    PriceAtMost {
        now_nanos_per_mtok: String,
        then_nanos_per_mtok: String,
    },
    Weight {
        aspect: Aspect,
        now: u8,
        then: u8,
    },
    /// `now` is `null` where it is not known exactly.
    PointsAtLeast {
        aspect: Aspect,
        now: Option<u32>,
        then: u32,
    },
}

/// Models for a task, with every part of their score.
#[utoipa::path(post, path = "/api/v1/recommendations", tag = "Models", request_body = Wanted, responses((status = 200, body = Recommended)), security(()))]
pub async fn recommend(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Body(wanted): Body<Wanted>,
) -> Result<Json<Recommended>, ApiError> {
    let wish = wish(&wanted)?;
    let found = engine.recommend(&actor, &wish, PICKS).await?;
    let listings: Vec<&Listing> = found.picks.iter().map(|pick| &pick.listing).collect();
    // A recommendation is whole without it.
    let replayed = engine.replay(&actor, &listings).await.unwrap_or_default();
    Ok(Json(answer(&wish, found, &replayed)))
}

fn wish(wanted: &Wanted) -> Result<Wish, Fault> {
    let task = Task::parse(&wanted.task).ok_or_else(|| {
        let names: Vec<&str> = Task::ALL.map(Task::as_str).to_vec();
        Fault::invalid("task", &format!("must be one of {}", names.join(", ")))
    })?;
    let needs = wanted.needs.iter().map(|need| {
        Need::parse(need)
            .ok_or_else(|| Fault::invalid("needs", "takes words such as tools, vision or open_weights"))
    });
    Ok(Wish {
        weights: weights(task, &wanted.weights)?,
        max_price: wanted.max_price_usd_per_mtok.as_ref().map(price).transpose()?,
        min_context: wanted.min_context,
        needs: needs.collect::<Result<_, _>>()?,
        task,
    })
}

fn weights(task: Task, named: &BTreeMap<String, u8>) -> Result<Weights, Fault> {
    let usual = task.weights();
    if let Some(odd) = named.keys().find(|name| Aspect::ALL.iter().all(|aspect| aspect.as_str() != *name)) {
        let names: Vec<&str> = Aspect::ALL.map(Aspect::as_str).to_vec();
        return Err(Fault::invalid("weights", &format!("knows no “{odd}”, only {}", names.join(", "))));
    }
    if named.values().any(|weight| *weight > WEIGHT_MAX) {
        return Err(Fault::invalid("weights", "go from 0 to 10"));
    }
    let weight = |aspect: Aspect| named.get(aspect.as_str()).copied().unwrap_or(usual.of(aspect));
    Weights::new(Aspect::ALL.map(weight)).ok_or_else(|| Fault::invalid("weights", "must not all be zero"))
}

/// As it was written: no number is read as a fraction.
fn price(value: &serde_json::Value) -> Result<Rate, Fault> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Rate::parse_usd(&text).map_err(|_| {
        Fault::invalid("max_price_usd_per_mtok", "must be dollars per million tokens and not negative")
    })
}

fn answer(wish: &Wish, found: Recommendation, replayed: &[Option<Replayed>]) -> Recommended {
    let runner_up = found.picks.get(1).map(|second| RunnerUp {
        id: second.listing.model.id.clone(),
        behind: found.behind,
        would_win_if: found.changes.iter().map(|change| would_win(change, &second.scored)).collect(),
    });
    let of = |at: usize| replayed.get(at).copied().flatten().map(own_month);
    let picks = found.picks.into_iter().enumerate();
    Recommended {
        task: wish.task,
        weights: Aspect::ALL.iter().map(|aspect| (aspect.as_str(), wish.weights.of(*aspect))).collect(),
        total: found.total,
        left_out: found.left_out.iter().map(|(why, count)| (refusal(*why), *count)).collect(),
        data: picks.map(|(at, pick)| recommendable(wish, pick, of(at))).collect(),
        runner_up,
    }
}

fn own_month(Replayed { month, sum }: Replayed) -> OwnMonth {
    OwnMonth {
        month: month.to_string(),
        calls: sum.calls,
        paid_nanos: sum.paid.0.to_string(),
        would_have_nanos: sum.would_have.0.to_string(),
    }
}

fn recommendable(wish: &Wish, pick: Pick, replay: Option<OwnMonth>) -> Recommendable {
    let parts = Aspect::ALL.into_iter().zip(pick.told).map(|(aspect, because)| {
        let span = pick.scored.span(aspect);
        let points = span.is_known().then_some(span.least);
        let weight = wish.weights.of(aspect);
        (aspect.as_str(), Part { weight, points, least: span.least, most: span.most, because })
    });
    Recommendable {
        parts: parts.collect(),
        score: pick.scored.points(),
        score_least: pick.scored.whole.least,
        score_most: pick.scored.whole.most,
        id: pick.listing.model.id,
        name: pick.listing.model.name,
        why: pick.why,
        replay,
    }
}

fn would_win(change: &Change, second: &Scored) -> WouldWin {
    match *change {
        Change::Price { now, then } => WouldWin::PriceAtMost {
            now_nanos_per_mtok: now.0.to_string(),
            then_nanos_per_mtok: then.0.to_string(),
        },
        Change::Weight { aspect, now, then } => WouldWin::Weight { aspect, now, then },
        Change::Points { aspect, now, then } => {
            let now = second.span(aspect).is_known().then_some(now);
            WouldWin::PointsAtLeast { aspect, now, then }
        }
    }
}

fn refusal(why: Refusal) -> &'static str {
    match why {
        Refusal::OtherKind => "other_kind",
        Refusal::NotForSale => "not_for_sale",
        Refusal::LacksNeed => "lacks_need",
        Refusal::TooShort => "too_short",
        Refusal::TooDear => "too_dear",
    }
}
