//! Bugs that are put in on purpose, one at a time, to see whether the tests notice them: `cargo xtask bugs`.
//!
//! Only a build with the feature `seeded-bugs` holds them, and this file is its only gate. The product is built without
//! it: there `is_on` is a constant and the bugs themselves are not compiled.

use marketplace::id::CallId;
use marketplace::money::Nanos;
use marketplace::price::{Rates, TakeRate};
use marketplace::usage::Tokens;

#[cfg_attr(not(feature = "seeded-bugs"), path = "seeded/none.rs")]
mod planted;

pub use planted::{is_on, mischarge, plant};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A hold is made without a look at the balance, and the constraint behind that look is gone too.
    DropGuard,
    /// A hold that is closed is captured again.
    CaptureTwice,
    /// A call is charged at the price of when it ends, not at the one it was begun under.
    PriceAtSettle,
    /// The running check and the seals take everything up to the newest transaction, so what commits late is never read.
    FoldById,
    /// Whoever hangs up leaves the hold open.
    LeakHold,
    /// A failure in mid-answer asks the vendor again and goes on.
    RetryAfterFirstByte,
    /// An explicit zero is replaced by an estimate.
    EstimateZero,
    /// A checkpoint renews and owns holds that another server has closed.
    SkipLeaseCheck,
    /// Cost and charge are rounded down, and the constraint on the commission is gone too.
    RoundDown,
    /// The charge is what the request says it may cost.
    TrustClient,
}

/// What was sold, before it is charged.
#[derive(Clone, Copy, Debug)]
pub struct Sale<'a> {
    pub call: CallId,
    pub rates: &'a Rates,
    pub take: TakeRate,
    pub tokens: &'a Tokens,
    /// What the caller would pay at most.
    pub cap: Option<Nanos>,
}
