//! What past calls would have cost at another model's price.

use chrono::DateTime;

use crate::model::Listing;
use crate::money::Nanos;
use crate::price::Price;
use crate::usage::Tokens;

/// A call as far as it tells of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastCall {
    pub usage: Tokens,
    pub paid: Nanos,
}

/// Calls that a model could have answered, what they cost, and what they would have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    pub calls: u64,
    pub paid: Nanos,
    pub would_have: Nanos,
}

/// The same tokens at this model's price of today, outside of cheaper hours. Its own words would have been others, and
/// as many of them, or more or fewer: that nobody knows. `None` where no price by the token is known.
pub fn replay(listing: &Listing, calls: &[PastCall]) -> Option<Replay> {
    let price = listing.model.price.as_ref().filter(|price| price.output_unit.is_none())?;
    let plain = Price { off_peak: None, ..price.clone() };
    let mut sum = Replay::default();
    for call in calls {
        // Without cheaper hours the moment does not matter.
        let rates = plain.rates_for(call.usage.input_total(), DateTime::UNIX_EPOCH);
        sum.calls += 1;
        sum.paid = sum.paid + call.paid;
        sum.would_have = sum.would_have + rates.charge(&call.usage, listing.take).charge;
    }
    Some(sum)
}
