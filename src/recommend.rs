//! Which models suit a task: a score part by part, in whole points, the same on the page and in the API.
//!
//! 1. What does not meet a hard wish is left out. A fact that is unknown does not meet one.
//! 2. Seven aspects are given 0 to 1,000 points each, by rules that look at one model alone, so that no model's score
//!    depends on which others there are. `part.rs` has the rules.
//! 3. What is unknown is neither zero nor full: it is a span from 0 to 1,000, of which the middle counts.
//! 4. The score is the mean of the middles, weighted by the reader's weights, and its span the mean of the spans.
//! 5. Higher scores come first. Between equals the narrower span does, then the cheaper model, then the id.
//!
//! No amount is computed here but by [`Rates::charge`](crate::price::Rates::charge), and nothing is a fraction.

#![deny(clippy::float_arithmetic)]

mod part;
mod replay;
mod rival;
mod task;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::health::Measured;
use crate::model::{Kind, Listing};
use crate::money::Rate;

pub use self::part::{Span, call_rate, log2_thousandths};
pub use self::replay::{PastCall, Replay, replay};
pub use self::rival::{Change, Rival};
pub use self::task::Task;

/// The most an aspect, and so a score, can have.
pub const POINTS: u32 = 1_000;
/// The most an aspect can weigh.
pub const WEIGHT_MAX: u8 = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// What the task needs, or gains from, and the model can do.
    Fit,
    /// Scores from outside that speak for the task.
    Quality,
    /// What a token of a typical call costs.
    Price,
    /// Measured here: how soon the first word comes, and how fast the others.
    Speed,
    /// How much it reads at once.
    Context,
    /// Measured here: how often it answers.
    Reliability,
    /// Whether what is asked stays on the operator's own machines.
    Privacy,
}

/// How much each aspect counts, in the order of [`Aspect::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights([u8; Aspect::ALL.len()]);

/// What somebody looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    pub task: Task,
    pub weights: Weights,
    /// Neither a million tokens in nor out may cost more, commission included.
    pub max_price: Option<Rate>,
    pub min_context: Option<u64>,
    pub needs: Vec<Need>,
}

/// What a model must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    Ability(String),
    OpenWeights,
    /// It runs on the operator's own machines.
    Local,
}

/// A model that might do.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    pub listing: &'a Listing,
    /// How its first offer answered lately, if anybody asked.
    pub measured: Option<&'a Measured>,
    pub is_local: bool,
}

/// Why models were left out; each for the first reason that applies, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    OtherKind,
    NotForSale,
    LacksNeed,
    TooShort,
    TooDear,
}

/// How well one candidate suits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scored {
    /// Its place among the candidates.
    pub at: usize,
    /// In the order of [`Aspect::ALL`].
    pub spans: [Span; Aspect::ALL.len()],
    pub whole: Span,
    /// Twice the weighted sum of the middles: what the order goes by.
    weighed: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranking {
    /// Best first.
    pub scored: Vec<Scored>,
    /// How many were left out, and why.
    pub left_out: Vec<(Refusal, usize)>,
}

impl Aspect {
    pub const ALL: [Self; 7] =
        [Self::Fit, Self::Quality, Self::Price, Self::Speed, Self::Context, Self::Reliability, Self::Privacy];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fit => "fit",
            Self::Quality => "quality",
            Self::Price => "price",
            Self::Speed => "speed",
            Self::Context => "context",
            Self::Reliability => "reliability",
            Self::Privacy => "privacy",
        }
    }

    fn place(self) -> usize {
        self as usize
    }
}

impl Weights {
    /// Weights above the most are the most. Where all are zero nothing would be compared, so there are none.
    pub fn new(weights: [u8; Aspect::ALL.len()]) -> Option<Self> {
        let weights = weights.map(|weight| weight.min(WEIGHT_MAX));
        weights.iter().any(|weight| *weight > 0).then_some(Self(weights))
    }

    pub fn of(&self, aspect: Aspect) -> u8 {
        self.0.get(aspect.place()).copied().unwrap_or_default()
    }

    /// The same with another weight for one aspect.
    pub fn with(mut self, aspect: Aspect, weight: u8) -> Option<Self> {
        if let Some(place) = self.0.get_mut(aspect.place()) {
            *place = weight;
        }
        Self::new(self.0)
    }

    fn sum(&self) -> u32 {
        self.0.iter().map(|weight| u32::from(*weight)).sum()
    }

    /// The sum of these values, each times its weight.
    fn weigh(&self, values: impl Iterator<Item = u32>) -> u64 {
        self.0.iter().zip(values).map(|(weight, value)| u64::from(*weight) * u64::from(value)).sum()
    }
}

impl Need {
    pub fn parse(text: &str) -> Option<Self> {
        let is_word = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit())
        };
        match text {
            "open_weights" => Some(Self::OpenWeights),
            "local" => Some(Self::Local),
            ability if is_word(ability) => Some(Self::Ability(ability.to_owned())),
            _ => None,
        }
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::Ability(ability) => ability,
            Self::OpenWeights => "open_weights",
            Self::Local => "local",
        }
    }

    fn is_met(&self, candidate: &Candidate<'_>) -> bool {
        match self {
            Self::Ability(ability) => candidate.listing.model.can(ability),
            Self::OpenWeights => candidate.listing.model.open_weights == Some(true),
            Self::Local => candidate.is_local,
        }
    }
}

impl Refusal {
    pub const ALL: [Self; 5] =
        [Self::OtherKind, Self::NotForSale, Self::LacksNeed, Self::TooShort, Self::TooDear];
}

impl Wish {
    /// A task with its usual weights and nothing else asked.
    pub fn of(task: Task) -> Self {
        Self { task, weights: task.weights(), max_price: None, min_context: None, needs: Vec::new() }
    }

    /// The hard wishes.
    fn refuse(&self, candidate: &Candidate<'_>) -> Option<Refusal> {
        let Listing { model, sale, .. } = candidate.listing;
        let must = self.task.must().iter().all(|ability| model.can(ability));
        let reads = |least: u64| model.context_tokens.is_some_and(|tokens| tokens >= least);
        if model.kind != self.task.kind() {
            Some(Refusal::OtherKind)
        } else if !sale.is_open() {
            Some(Refusal::NotForSale)
        } else if !must || !self.needs.iter().all(|need| need.is_met(candidate)) {
            Some(Refusal::LacksNeed)
        } else if !self.min_context.is_none_or(reads) {
            Some(Refusal::TooShort)
        } else if !self.max_price.is_none_or(|most| costs_at_most(candidate.listing, most)) {
            Some(Refusal::TooDear)
        } else {
            None
        }
    }

    /// The points of one candidate, whether or not it meets the hard wishes.
    pub fn score(&self, at: usize, candidate: &Candidate<'_>) -> Scored {
        let spans = part::spans(self.task, candidate);
        let mean = |bound: fn(&Span) -> u32| {
            let weighed = self.weights.weigh(spans.iter().map(bound));
            u32::try_from(weighed / u64::from(self.weights.sum().max(1))).unwrap_or(POINTS)
        };
        let whole = Span { least: mean(|span| span.least), most: mean(|span| span.most) };
        Scored { at, spans, whole, weighed: self.weights.weigh(spans.iter().map(|span| span.doubled())) }
    }

    /// All that meet the hard wishes, best first.
    pub fn rank(&self, candidates: &[Candidate<'_>]) -> Ranking {
        let mut ranking = Ranking::default();
        let mut counts = Refusal::ALL.map(|refusal| (refusal, 0));
        for (at, candidate) in candidates.iter().enumerate() {
            match self.refuse(candidate) {
                None => ranking.scored.push(self.score(at, candidate)),
                Some(why) => counts
                    .iter_mut()
                    .filter(|(refusal, _)| *refusal == why)
                    .for_each(|(_, count)| *count += 1),
            }
        }
        let rate =
            |scored: &Scored| candidates.get(scored.at).and_then(|one| call_rate(self.task, one.listing));
        let id = |scored: &Scored| candidates.get(scored.at).map(|one| &one.listing.model.id);
        ranking.scored.sort_by(|a, b| {
            let width = |scored: &Scored| scored.whole.most - scored.whole.least;
            b.weighed
                .cmp(&a.weighed)
                .then_with(|| width(a).cmp(&width(b)))
                .then_with(|| rate(a).cmp(&rate(b)))
                .then_with(|| id(a).cmp(&id(b)))
        });
        ranking.left_out = counts.into_iter().filter(|(_, count)| *count > 0).collect();
        ranking
    }

    /// What speaks for each aspect, in words, in the order of [`Aspect::ALL`].
    pub fn told(&self, candidate: &Candidate<'_>) -> [String; Aspect::ALL.len()] {
        part::told(self.task, candidate)
    }

    /// What would have to change for the second to be the first.
    pub fn rival(&self, ranking: &Ranking, candidates: &[Candidate<'_>]) -> Option<Rival> {
        let [first, second, ..] = ranking.scored.as_slice() else { return None };
        let listing = candidates.get(second.at)?.listing;
        Some(rival::rival(self, first, second, listing))
    }
}

impl Scored {
    /// The score: the middle of what it can be.
    pub fn points(&self) -> u32 {
        self.whole.middle()
    }

    pub fn span(&self, aspect: Aspect) -> Span {
        self.spans.get(aspect.place()).copied().unwrap_or(Span::UNKNOWN)
    }

    /// One sentence: what speaks most for it, what most against it, and what nobody knows.
    pub fn why(&self, weights: &Weights) -> String {
        let weighty = || Aspect::ALL.into_iter().filter(|aspect| weights.of(*aspect) > 0);
        let known = || weighty().filter(|aspect| self.span(*aspect) != Span::UNKNOWN);
        let pull = |aspect: &Aspect| {
            i64::from(weights.of(*aspect)) * (i64::from(self.span(*aspect).doubled()) - 1_000)
        };
        let names =
            |aspects: Vec<Aspect>| aspects.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(" and ");
        let mut strong: Vec<Aspect> = known().filter(|aspect| pull(aspect) > 0).collect();
        strong.sort_by_key(|aspect| std::cmp::Reverse(pull(aspect)));
        strong.truncate(2);
        let weak: Vec<Aspect> =
            known().filter(|aspect| pull(aspect) < 0).min_by_key(pull).into_iter().collect();
        let unknown: Vec<Aspect> = weighty().filter(|aspect| self.span(*aspect) == Span::UNKNOWN).collect();
        let said = [("strong on", strong), ("weak on", weak), ("nothing is known of its", unknown)];
        let said: Vec<String> = said
            .into_iter()
            .filter(|(_, aspects)| !aspects.is_empty())
            .map(|(words, aspects)| format!("{words} {}", names(aspects)))
            .collect();
        let mut letters = said.join("; ").chars().collect::<Vec<_>>();
        if let Some(first) = letters.first_mut() {
            first.make_ascii_uppercase();
        }
        letters.into_iter().collect()
    }
}

fn costs_at_most(listing: &Listing, most: Rate) -> bool {
    if listing.model.kind == Kind::Image {
        return listing.buyer_rates().is_some_and(|(input, output)| input.max(output) <= most);
    }
    listing.buyer_rates().is_some_and(|(input, output)| input <= most && output <= most)
}
