//! The points of each aspect: rules that look at one model alone.
//!
//! | aspect | points |
//! |---|---|
//! | fit | the share of the abilities the task gains from; one that nobody tells of is a span |
//! | quality | the mean of the task's scores, above what guessing gets; a score nobody measured is a span |
//! | price | 1,000 up to 0.05 dollars per million tokens of a typical call; each doubling takes 100. Pictures: 0.001 each |
//! | speed | half: 0 up to 10 tokens a second, each doubling gives 200; half: 1,000 up to 250 ms, each doubling takes 200 |
//! | context | 0 up to 3,906 tokens, each doubling gives 125, so a million has 1,000 |
//! | reliability | 0 up to 90 % answered, 1,000 at 100 %; unknown of fewer than 20 calls |
//! | privacy | 1,000 on the operator's own machines; of vendors it is unknown, for no list tells what they keep |

use chrono::DateTime;

use super::task::Task;
use super::{Aspect, Candidate, POINTS};
use crate::model::{Kind, Listing, Model, short_count};
use crate::money::{Rate, group};
use crate::price::Price;
use crate::usage::Tokens;

/// From the least to the most that something can be. What is known is as wide as a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub least: u32,
    pub most: u32,
}

/// 0.05 dollars per million tokens, and 0.001 dollars a picture, which is a thousand dollars per million of them.
const CHEAP_TOKENS: Rate = Rate(50_000_000);
const CHEAP_PICTURES: Rate = Rate(1_000_000_000_000);
const CALLS_LEAST: u64 = 20;

impl Span {
    pub const UNKNOWN: Self = Self { least: 0, most: POINTS };

    pub fn known(points: u32) -> Self {
        let points = points.min(POINTS);
        Self { least: points, most: points }
    }

    pub fn middle(self) -> u32 {
        self.doubled() / 2
    }

    /// Twice the middle, which is always whole.
    pub(super) fn doubled(self) -> u32 {
        self.least + self.most
    }

    pub fn is_known(self) -> bool {
        self.least == self.most
    }

    /// The mean of several; of none nothing is known.
    fn mean(spans: &[Self]) -> Self {
        let Ok(count @ 1..) = u32::try_from(spans.len()) else { return Self::UNKNOWN };
        let mean = |bound: fn(&Self) -> u32| spans.iter().map(bound).sum::<u32>() / count;
        Self { least: mean(|span| span.least), most: mean(|span| span.most) }
    }
}

pub(super) fn spans(task: Task, candidate: &Candidate<'_>) -> [Span; Aspect::ALL.len()] {
    let model = &candidate.listing.model;
    let measured = candidate.measured;
    let first = measured
        .and_then(|measured| measured.first_token_ms)
        .map(|spread| Span::known(falling(spread.p50, 250, 200)));
    let flow = measured
        .and_then(|measured| measured.tokens_per_second)
        .map(|spread| Span::known(rising(spread.p50, 10, 200)));
    let known: Vec<Span> = [first, flow].into_iter().flatten().collect();
    let answered = measured.filter(|measured| measured.attempts >= CALLS_LEAST);
    [
        fit(task, model),
        quality(task, model),
        call_rate(task, candidate.listing)
            .map_or(Span::UNKNOWN, |rate| Span::known(price_points(task, rate))),
        Span::mean(&known),
        model.context_tokens.map_or(Span::UNKNOWN, |tokens| Span::known(rising(tokens, 3_906, 125))),
        answered
            .and_then(|measured| measured.uptime_bps)
            .map_or(Span::UNKNOWN, |bps| Span::known(small(bps.saturating_sub(9_000)))),
        if candidate.is_local { Span::known(POINTS) } else { Span::UNKNOWN },
    ]
}

/// What a million tokens of a typical call cost on average, or a million pictures; `None` where no price is known.
pub fn call_rate(task: Task, listing: &Listing) -> Option<Rate> {
    let price = listing.model.price.as_ref()?;
    if price.output_unit.is_some() {
        return (task.kind() == Kind::Image).then(|| listing.take.on_rate(price.rates.output));
    }
    if task.kind() == Kind::Image {
        return None;
    }
    let (input, output) = task.call();
    // Outside of cheaper hours, so the moment does not matter.
    let plain = Price { off_peak: None, ..price.clone() };
    let rates = plain.rates_for(input, DateTime::UNIX_EPOCH);
    // A million such calls, so that nothing is lost by rounding.
    let many = Tokens { input: input * 1_000_000, output: output * 1_000_000, ..Tokens::default() };
    let charge = rates.charge(&many, listing.take).charge;
    Some(Rate(charge.0 / i64::try_from(input + output).ok()?.max(1)))
}

/// Cheaper is never worth less.
pub(super) fn price_points(task: Task, rate: Rate) -> u32 {
    let cheap = if task.kind() == Kind::Image { CHEAP_PICTURES } else { CHEAP_TOKENS };
    falling(rate.0.unsigned_abs(), cheap.0.unsigned_abs(), 100)
}

fn fit(task: Task, model: &Model) -> Span {
    let spans: Vec<Span> = task.likes().iter().map(|ability| ability_span(model, ability)).collect();
    Span::mean(&spans)
}

fn ability_span(model: &Model, ability: &str) -> Span {
    if model.can(ability) {
        Span::known(POINTS)
    } else if model.lacks.iter().any(|lacking| lacking == ability) {
        Span::known(0)
    } else {
        Span::UNKNOWN
    }
}

fn quality(task: Task, model: &Model) -> Span {
    let spans: Vec<Span> = task
        .yardsticks()
        .iter()
        .map(|yardstick| {
            let score = score_of(model, yardstick.name);
            score.map_or(Span::UNKNOWN, |score| Span::known(above(score, yardstick.floor)))
        })
        .collect();
    Span::mean(&spans)
}

/// In thousandths of a per cent.
fn score_of(model: &Model, name: &str) -> Option<u32> {
    model.benchmarks.iter().find(|benchmark| benchmark.name == name)?.thousandths()
}

/// Where a score lies between what guessing gets and the full hundred.
fn above(score: u32, floor: u32) -> u32 {
    let over = u64::from(score.min(100_000).saturating_sub(floor * 1_000));
    small(over * u64::from(POINTS) / u64::from(100_000 - floor * 1_000))
}

/// Nothing up to `base`, then so many points for each doubling.
fn rising(value: u64, base: u64, each: u64) -> u32 {
    let doublings = log2_thousandths(value).saturating_sub(log2_thousandths(base));
    small(doublings * each / 1_000)
}

/// Everything up to `base`, then so many points less for each doubling.
fn falling(value: u64, base: u64, each: u64) -> u32 {
    POINTS - rising(value, base, each)
}

/// The binary logarithm in thousandths, straight between the powers of two: whole numbers, and it never falls.
pub fn log2_thousandths(value: u64) -> u64 {
    let value = value.max(1);
    let whole = value.ilog2();
    let rest = (u128::from(value - (1 << whole)) * 1_000) >> whole;
    u64::from(whole) * 1_000 + u64::try_from(rest).unwrap_or(999)
}

fn small(points: u64) -> u32 {
    u32::try_from(points).unwrap_or(POINTS).min(POINTS)
}

pub(super) fn told(task: Task, candidate: &Candidate<'_>) -> [String; Aspect::ALL.len()] {
    let model = &candidate.listing.model;
    let measured = candidate.measured;
    let nobody = || "nobody asked it here lately".to_owned();
    let speed = measured.map(|measured| {
        let first =
            measured.first_token_ms.map(|spread| format!("first word after {} ms", group(spread.p50)));
        let flow = measured.tokens_per_second.map(|spread| format!("{} tokens a second", group(spread.p50)));
        [first, flow].into_iter().flatten().collect::<Vec<_>>().join(", ")
    });
    let reliability = measured.map(|measured| match measured.uptime_bps {
        Some(bps) if measured.attempts >= CALLS_LEAST => {
            format!("answered {}.{:02} % of {} calls", bps / 100, bps % 100, group(measured.attempts))
        }
        _ => format!("only {} calls, too few to tell", measured.attempts),
    });
    let unit =
        if task.kind() == Kind::Image { "a million pictures" } else { "a million tokens of such a call" };
    [
        told_fit(task, model),
        told_quality(task, model),
        match call_rate(task, candidate.listing) {
            Some(Rate::FREE) => "free of charge".to_owned(),
            Some(rate) => format!("{} for {unit}", rate.per_million()),
            None => "no such price is known".to_owned(),
        },
        speed.filter(|text| !text.is_empty()).unwrap_or_else(nobody),
        model.context_tokens.map_or_else(
            || "nobody tells how much it reads".to_owned(),
            |tokens| format!("reads {} tokens at once", short_count(tokens)),
        ),
        reliability.unwrap_or_else(nobody),
        if candidate.is_local {
            "runs on the operator’s own machines"
        } else {
            "no list tells what its vendor keeps"
        }
        .to_owned(),
    ]
}

fn told_fit(task: Task, model: &Model) -> String {
    let with = |points: Span| -> Vec<String> {
        let likes = task.likes().iter().filter(|ability| ability_span(model, ability) == points);
        likes.map(|ability| ability.replace('_', " ")).collect()
    };
    let parts = [
        ("has", with(Span::known(POINTS))),
        ("lacks", with(Span::known(0))),
        ("unknown:", with(Span::UNKNOWN)),
    ];
    let said = parts.into_iter().filter(|(_, abilities)| !abilities.is_empty());
    let said: Vec<String> =
        said.map(|(word, abilities)| format!("{word} {}", abilities.join(", "))).collect();
    if said.is_empty() { "every model of this kind does it".to_owned() } else { said.join("; ") }
}

fn told_quality(task: Task, model: &Model) -> String {
    let yardsticks = task.yardsticks();
    let known: Vec<String> = yardsticks
        .iter()
        .filter_map(|yardstick| {
            let found = model.benchmarks.iter().find(|benchmark| benchmark.name == yardstick.name)?;
            found.thousandths().map(|_| format!("{} {}", found.name, found.score))
        })
        .collect();
    match (known.len(), yardsticks.len()) {
        (_, 0) => "no score speaks for this task".to_owned(),
        (0, all) => format!("none of {all} scores is known"),
        (some, all) if some < all => format!("{}; {some} of {all} scores known", known.join(", ")),
        _ => known.join(", "),
    }
}
