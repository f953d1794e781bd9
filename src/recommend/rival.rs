//! What would have to change for the second to be the first.

use super::part::price_points;
use super::{Aspect, POINTS, Scored, WEIGHT_MAX, Weights, Wish, call_rate};
use crate::model::Listing;
use crate::money::Rate;

/// The second, and each single change that would put it first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rival {
    pub at: usize,
    /// Points between the two.
    pub behind: u32,
    pub changes: Vec<Change>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It would cost at most this, for a million tokens of a typical call.
    Price { now: Rate, then: Rate },
    /// The reader would give this aspect another weight.
    Weight { aspect: Aspect, now: u8, then: u8 },
    /// It would have so many points there; now it has some, or nobody knows.
    Points { aspect: Aspect, now: u32, then: u32 },
}

pub(super) fn rival(wish: &Wish, first: &Scored, second: &Scored, listing: &Listing) -> Rival {
    let gap = first.weighed.saturating_sub(second.weighed);
    let sum = u64::from(wish.weights.sum().max(1));
    let behind = u32::try_from(gap / 2 / sum).unwrap_or(POINTS);
    let mut changes: Vec<Change> = Vec::new();
    for aspect in Aspect::ALL {
        changes.extend(better(wish, aspect, gap, second, listing));
    }
    for aspect in Aspect::ALL {
        changes.extend(weight(&wish.weights, aspect, gap, first, second));
    }
    Rival { at: second.at, behind, changes }
}

/// How much better it would have to be in one aspect, if it can.
fn better(wish: &Wish, aspect: Aspect, gap: u64, second: &Scored, listing: &Listing) -> Option<Change> {
    let weight = u64::from(wish.weights.of(aspect));
    let now = second.span(aspect);
    let needed = u64::from(now.doubled()) + (gap + 1).div_ceil(weight.max(1));
    let then = u32::try_from(needed.div_ceil(2)).ok().filter(|then| weight > 0 && *then <= POINTS)?;
    if aspect != Aspect::Price {
        return Some(Change::Points { aspect, now: now.middle(), then });
    }
    let rate = call_rate(wish.task, listing)?;
    let then = dearest(rate, |rate| price_points(wish.task, rate) >= then)?;
    Some(Change::Price { now: rate, then })
}

/// The dearest rate below `rate` that still does. Cheaper rates always do where dearer ones do.
fn dearest(rate: Rate, does: impl Fn(Rate) -> bool) -> Option<Rate> {
    if !does(Rate::FREE) {
        return None;
    }
    // It does at `low` and not at `high`.
    let (mut low, mut high) = (0, rate.0);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if does(Rate(middle)) { low = middle } else { high = middle }
    }
    Some(Rate(low))
}

/// How much more, or less, an aspect would have to weigh.
fn weight(weights: &Weights, aspect: Aspect, gap: u64, first: &Scored, second: &Scored) -> Option<Change> {
    let now = weights.of(aspect);
    let (a, b) = (u64::from(first.span(aspect).doubled()), u64::from(second.span(aspect).doubled()));
    let step = gap / a.abs_diff(b).max(1) + 1;
    let step = u8::try_from(step).ok()?;
    let then = match b.cmp(&a) {
        std::cmp::Ordering::Greater => now.checked_add(step).filter(|then| *then <= WEIGHT_MAX),
        std::cmp::Ordering::Less => now.checked_sub(step),
        std::cmp::Ordering::Equal => None,
    }?;
    // Weights that are all zero compare nothing.
    weights.with(aspect, then)?;
    Some(Change::Weight { aspect, now, then })
}
