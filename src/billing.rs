//! A buyer's money: balance, top-ups and the lines of the ledger.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::id::{CallId, TopUpId};
use crate::money::{Nanos, as_text};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Balance {
    #[serde(with = "as_text")]
    pub posted_nanos: Nanos,
    #[serde(with = "as_text")]
    pub held_nanos: Nanos,
    #[serde(with = "as_text")]
    pub available_nanos: Nanos,
    /// Given by the house, part of what is available, and spent first.
    #[serde(default, with = "as_text")]
    pub promo_nanos: Nanos,
    pub free_tokens_left: i64,
    pub plan: String,
}

/// One entry of an account's wallet, with the balance after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LedgerLine {
    pub kind: String,
    pub note: Option<String>,
    pub call_id: Option<CallId>,
    #[serde(with = "as_text")]
    pub amount_nanos: Nanos,
    #[serde(with = "as_text")]
    pub balance_nanos: Nanos,
    /// The wallet's version: lines are numbered without gaps.
    pub version: i64,
    pub created_at: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TopUp {
    pub id: TopUpId,
    #[serde(with = "as_text")]
    pub amount_nanos: Nanos,
    pub state: TopUpState,
    pub checkout_url: String,
    pub created_at: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum TopUpState {
    Pending,
    Paid,
    Declined,
    Refunded,
    #[serde(rename = "charged_back")]
    ChargedBack,
}

impl TopUpState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Paid => "paid",
            Self::Declined => "declined",
            Self::Refunded => "refunded",
            Self::ChargedBack => "charged_back",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Paid, Self::Declined, Self::Refunded, Self::ChargedBack]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// How often a limit begins anew, in UTC; weeks begin on Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = LimitWindow))]
#[serde(rename_all = "lowercase")]
pub enum Window {
    #[serde(alias = "daily")]
    Day,
    #[serde(alias = "weekly")]
    Week,
    #[serde(alias = "monthly")]
    Month,
}

impl Window {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Day, Self::Week, Self::Month].into_iter().find(|window| window.as_str() == text)
    }
}

pub const TOP_UP_MIN: Nanos = Nanos(1_000_000_000);
pub const TOP_UP_MAX: Nanos = Nanos(10_000_000_000_000);

/// An amount somebody may pay in: whole cents from one dollar to ten thousand.
pub fn parse_top_up(text: &str) -> Result<Nanos, Fault> {
    let amount = Nanos::parse_usd(text)?;
    if amount.0 % 10_000_000 != 0 {
        return Err(Fault::invalid("amount", "must be whole cents, for example 10.00"));
    }
    if !(TOP_UP_MIN..=TOP_UP_MAX).contains(&amount) {
        return Err(Fault::invalid("amount", "must be between $1 and $10,000"));
    }
    Ok(amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_top_up_is_whole_cents_between_its_limits() {
        assert_eq!(parse_top_up("10.00").unwrap(), Nanos(10_000_000_000));
        for text in ["0.99", "10000.01", "10.001", "-5", "abc", ""] {
            assert!(parse_top_up(text).is_err(), "{text:?} was accepted");
        }
    }
}
