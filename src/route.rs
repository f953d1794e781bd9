//! Which offer of a model answers a call: what callers may say about it, and the rule that decides.
//!
//! An offer is left out if a preference says so, or if the prompt is too long for it. Of those left, in this order:
//!
//! 1. An offer whose vendor keeps failing comes after all others.
//! 2. Offers of the model asked for come before those of the models that may stand in for it, in the order given.
//! 3. Vendors named in `order` come first, as they are named there.
//! 4. Then `sort` decides. Without one, or between equals, what this call will likely cost does. A speed that nobody has
//!    measured is unknown, and comes after those that are known.
//! 5. Between equals the catalogue's order stands.

#![deny(clippy::float_arithmetic)]

mod suffix;

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::chat::FailureClass;
use crate::fault::{Code, Fault};
use crate::id::{ModelId, ProviderId};
use crate::money::{Nanos, Rate};
use crate::price::{Price, TakeRate};
use crate::quote::{PromptSize, quote_choices, wanted_output};

pub use self::suffix::{Suffix, split_ends};

/// What a caller wants of the vendors that may answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// Whom to ask first.
    pub order: Vec<ProviderId>,
    /// Nobody else is asked; empty means anybody.
    pub only: Vec<ProviderId>,
    pub ignore: Vec<ProviderId>,
    pub sort: Option<Sort>,
    pub max_price: MaxPrice,
    pub fallbacks: Fallbacks,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Cheapest for this call.
    Price,
    /// Soonest to its first token.
    Latency,
    /// Most tokens a second.
    Throughput,
    /// Fewest calls left without an answer.
    Success,
}

/// The most that a million tokens may cost, commission included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaxPrice {
    pub prompt: Option<Rate>,
    pub completion: Option<Rate>,
}

/// When a second vendor may be asked. Never after anything of an answer was handed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fallbacks {
    /// Not at all, and of those in `order` nobody else either.
    Never,
    /// If the first did no work for certain: it could not be reached, or had no room.
    #[default]
    IfIdle,
    /// Also if it failed at its work, which it may bill all the same.
    Always,
}

/// One way to buy one model.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    pub model: &'a ModelId,
    pub provider: &'a ProviderId,
    pub price: &'a Price,
    pub take: TakeRate,
    pub input_tokens_max: Option<u64>,
    pub output_tokens_max: Option<u64>,
}

/// What the call needs.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    pub prompt: PromptSize,
    pub output_tokens: Option<u64>,
    /// How many answers are asked for: each is written, and paid, anew.
    pub choices: u64,
    pub at: DateTime<Utc>,
    /// The most that was told it could cost, where a page told it before it was sent.
    pub told: Option<Nanos>,
}

/// How fast an offer was of late, and how surely it answered; what was not measured is unknown, never zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Speed {
    pub first_token_ms: Option<u64>,
    pub tokens_per_minute: Option<u64>,
    /// How many of ten thousand calls it answered. What was asked wrongly is not counted against it.
    pub answered_bps: Option<u64>,
}

/// Whether a vendor can be expected to answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    #[default]
    Well,
    /// It failed again and again.
    Failing,
}

/// Why an offer came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// There was no other.
    OnlyOffer,
    /// It is named first in `provider.order`.
    Order,
    Price,
    Latency,
    Throughput,
    Success,
    /// No offer of the model asked for was better: it is of a model named in `models`.
    Model,
    /// The one before it failed.
    Failover,
    /// Its price was promised.
    Quote,
    /// The model asked for was too dear, and a cheaper one was to be asked then.
    Cheaper,
}

/// Why an offer was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exclusion {
    NotInOnly,
    Ignored,
    /// Not in `order` while `allow_fallbacks` is false.
    NotInOrder,
    AboveMaxPrice,
    /// It would cost more than was told.
    AboveTold,
    /// It reads at most so many tokens.
    TooLong(u64),
}

/// The offers that may answer, best first, and what became of the others. Both are places in what was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranking {
    pub ranked: Vec<usize>,
    pub excluded: Vec<(usize, Exclusion)>,
    /// Why the first is the first.
    pub reason: Reason,
}

/// Puts offers in the order in which they are to be asked. The candidates stand in the order of the models asked for and,
/// within each, of the catalogue.
pub fn rank(
    candidates: &[Candidate<'_>],
    preferences: &Preferences,
    demand: &Demand,
    speed: impl Fn(&Candidate<'_>) -> Speed,
    standing: impl Fn(&Candidate<'_>) -> Standing,
) -> Ranking {
    let mut excluded = Vec::new();
    let mut places: Vec<Place<'_>> = Vec::new();
    for (at, candidate) in candidates.iter().enumerate() {
        match exclusion(candidate, preferences, demand) {
            Some(why) => excluded.push((at, why)),
            None => places.push(Place {
                at,
                model: candidates.iter().position(|other| other.model == candidate.model),
                named: named(candidate, &preferences.order),
                is_failing: standing(candidate) == Standing::Failing,
                speed: speed(candidate),
                cost: likely_cost(candidate, demand),
                candidate,
            }),
        }
    }
    places.sort_by(|a, b| a.compare(b, preferences.sort));
    let reason = places.first().map_or(Reason::OnlyOffer, |first| {
        first.reason(candidates, preferences.sort, places.len() + excluded.len())
    });
    Ranking { ranked: places.iter().map(|place| place.at).collect(), excluded, reason }
}

impl Fallbacks {
    /// Whether somebody else may be asked after this failure, as long as nothing of an answer was handed on.
    pub fn allow_after(self, class: FailureClass) -> bool {
        match self {
            Self::Never => false,
            Self::IfIdle => class.is_idle(),
            Self::Always => class.is_passing(),
        }
    }
}

impl Exclusion {
    fn words(self, preferences: &Preferences) -> String {
        match self {
            Self::NotInOnly => "is not in provider.only".to_owned(),
            Self::Ignored => "is in provider.ignore".to_owned(),
            Self::NotInOrder => "is not in provider.order, and provider.allow_fallbacks is false".to_owned(),
            Self::AboveMaxPrice => {
                let most = [
                    ("prompt", preferences.max_price.prompt),
                    ("completion", preferences.max_price.completion),
                ];
                let most = most
                    .into_iter()
                    .filter_map(|(what, rate)| Some(format!("{what} {}", Nanos(rate?.0).decimal())));
                format!("costs more than provider.max_price ({})", most.collect::<Vec<_>>().join(", "))
            }
            Self::AboveTold => "costs more than was shown".to_owned(),
            Self::TooLong(limit) => format!("reads at most {limit} tokens"),
        }
    }
}

/// Says of each offer which preference left it out, when none is left.
pub fn nobody_left(
    candidates: &[Candidate<'_>],
    ranking: &Ranking,
    preferences: &Preferences,
    demand: &Demand,
) -> Fault {
    let limit = |(_, why): &(usize, Exclusion)| match why {
        Exclusion::TooLong(limit) => Some(*limit),
        _ => None,
    };
    let limits: Vec<u64> = ranking.excluded.iter().filter_map(limit).collect();
    let model = candidates.first().map(|first| first.model.to_string()).unwrap_or_default();
    if let (Some(most), true) = (limits.iter().max(), limits.len() == ranking.excluded.len()) {
        let likely = demand.prompt.likely_tokens;
        let problem = format!("is too long: about {likely} tokens where {model} reads at most {most}");
        return Fault::invalid("messages", &problem);
    }
    let told = ranking.excluded.iter().filter_map(|(at, why)| {
        let offer = candidates.get(*at)?;
        let whose =
            if offer.model.as_str() == model { String::new() } else { format!(" for {}", offer.model) };
        Some(format!("{}{whose} {}", offer.provider, why.words(preferences)))
    });
    let message = format!("No offer of {model} is left: {}", told.collect::<Vec<_>>().join("; "));
    Fault { field: Some("provider".to_owned()), ..Fault::new(Code::NotFound, message) }
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnlyOffer => "only_offer",
            Self::Order => "order",
            Self::Price => "price",
            Self::Latency => "latency",
            Self::Throughput => "throughput",
            Self::Success => "success",
            Self::Model => "model",
            Self::Failover => "failover",
            Self::Quote => "quote",
            Self::Cheaper => "cheaper",
        }
    }
}

/// What an offer is ordered by.
struct Place<'a> {
    at: usize,
    model: Option<usize>,
    named: Option<usize>,
    is_failing: bool,
    speed: Speed,
    cost: Nanos,
    candidate: &'a Candidate<'a>,
}

impl Place<'_> {
    fn compare(&self, other: &Self, sort: Option<Sort>) -> Ordering {
        let by_speed = match sort {
            None | Some(Sort::Price) => Ordering::Equal,
            Some(Sort::Latency) => {
                known_first(self.speed.first_token_ms, other.speed.first_token_ms, |a, b| a.cmp(&b))
            }
            Some(Sort::Throughput) => {
                known_first(self.speed.tokens_per_minute, other.speed.tokens_per_minute, |a, b| b.cmp(&a))
            }
            Some(Sort::Success) => {
                known_first(self.speed.answered_bps, other.speed.answered_bps, |a, b| b.cmp(&a))
            }
        };
        self.is_failing
            .cmp(&other.is_failing)
            .then(self.model.cmp(&other.model))
            .then(known_first(self.named, other.named, |a, b| a.cmp(&b)))
            .then(by_speed)
            .then(self.cost.cmp(&other.cost))
            .then(self.at.cmp(&other.at))
    }

    fn reason(&self, candidates: &[Candidate<'_>], sort: Option<Sort>, offers: usize) -> Reason {
        let asked_for = candidates.first().map(|first| first.model);
        match sort {
            _ if asked_for != Some(self.candidate.model) => Reason::Model,
            _ if offers == 1 => Reason::OnlyOffer,
            _ if self.named.is_some() => Reason::Order,
            Some(Sort::Latency) if self.speed.first_token_ms.is_some() => Reason::Latency,
            Some(Sort::Throughput) if self.speed.tokens_per_minute.is_some() => Reason::Throughput,
            Some(Sort::Success) if self.speed.answered_bps.is_some() => Reason::Success,
            _ => Reason::Price,
        }
    }
}

fn known_first<T>(a: Option<T>, b: Option<T>, order: impl Fn(T, T) -> Ordering) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => order(a, b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}

fn named(candidate: &Candidate<'_>, names: &[ProviderId]) -> Option<usize> {
    names.iter().position(|name| name == candidate.provider)
}

fn exclusion(candidate: &Candidate<'_>, preferences: &Preferences, demand: &Demand) -> Option<Exclusion> {
    let Preferences { order, only, ignore, max_price, fallbacks, .. } = preferences;
    if !only.is_empty() && named(candidate, only).is_none() {
        return Some(Exclusion::NotInOnly);
    }
    if named(candidate, ignore).is_some() {
        return Some(Exclusion::Ignored);
    }
    if *fallbacks == Fallbacks::Never && !order.is_empty() && named(candidate, order).is_none() {
        return Some(Exclusion::NotInOrder);
    }
    let rates = candidate.price.rates_for(demand.prompt.tokens_max, demand.at);
    let is_above = |most: Option<Rate>, rate| most.is_some_and(|most| candidate.take.on_rate(rate) > most);
    if is_above(max_price.prompt, rates.input) || is_above(max_price.completion, rates.output) {
        return Some(Exclusion::AboveMaxPrice);
    }
    let output = output(candidate, demand).saturating_mul(demand.choices);
    let ceiling = candidate.price.ceiling(demand.prompt.tokens_max, output, candidate.take);
    if demand.told.is_some_and(|told| ceiling.charge > told) {
        return Some(Exclusion::AboveTold);
    }
    let limit = candidate.input_tokens_max.filter(|limit| demand.prompt.likely_tokens > *limit);
    limit.map(Exclusion::TooLong)
}

fn output(candidate: &Candidate<'_>, demand: &Demand) -> u64 {
    wanted_output(candidate.output_tokens_max, demand.output_tokens)
}

fn likely_cost(candidate: &Candidate<'_>, demand: &Demand) -> Nanos {
    let each = output(candidate, demand);
    quote_choices(demand.choices, candidate.price, candidate.take, demand.prompt, each, demand.at)
        .likely_nanos
}

#[cfg(test)]
mod tests;
