//! A month of an account in a form that proves itself: signed, chained and recomputed by whoever reads it.
//!
//! A file is one line of JSON, `{"statement":…,"public_key":"…","signature":"…"}`. The signature (Ed25519, in base64
//! like the key) is over the text `mercato-statement|` followed by the SHA-256, in hexadecimal, of the exact bytes of
//! the member `statement`. So a file that was written anew by another program no longer passes, whatever it says.

mod month;
mod chain;
mod check;
mod file;
mod report;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::{AccountId, CallId, ModelId, PriceId, ProviderId};
use crate::money::{Nanos, as_text};
use crate::price::{Rates, TakeRate};
use crate::usage::{Tokens, UsageSource};

pub use chain::hexadecimal;
pub use check::Broken;
pub use file::{Verified, signed_message, verify, write};
pub use month::Month;
pub use report::{Report, report};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    pub account: AccountId,
    pub month: Month,
    /// False while the month runs: then this is what happened so far.
    pub complete: bool,
    pub issued_at: String,
    /// One for each fund, in the order of [`Fund::ALL`].
    pub wallets: Vec<WalletMonth>,
    /// Every call that was closed in the month, charged or not.
    pub calls: Vec<CallLine>,
    pub totals: Totals,
}

/// Where a wallet stood, what was written into it, and where that left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalletMonth {
    pub fund: Fund,
    pub opening: Point,
    pub closing: Point,
    pub entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fund {
    Paid,
    Promo,
    Free,
}

/// A wallet between two entries. The first one of all follows on version 0, balance 0 and an empty head.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    pub version: i64,
    /// Nano-dollars, or tokens in the free fund.
    #[serde(with = "whole")]
    pub balance: i64,
    /// The hash of the newest entry, in hexadecimal.
    pub head: String,
}

/// One entry of a wallet, with everything that its hash covers and the transaction it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub version: i64,
    pub tx: Uuid,
    pub line: i16,
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
    pub at: String,
    #[serde(with = "whole")]
    pub amount: i64,
    #[serde(with = "whole")]
    pub balance: i64,
    pub hash: String,
}

/// A call with all that its charge is computed from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallLine {
    pub id: CallId,
    pub model: ModelId,
    pub provider: ProviderId,
    pub price_version: PriceId,
    /// Those of the price version that applied to a call of this size at that hour.
    pub rates: Rates,
    pub commission_bps: TakeRate,
    pub usage: Tokens,
    pub usage_source: UsageSource,
    #[serde(with = "as_text")]
    pub provider_cost_nanos: Nanos,
    #[serde(with = "as_text")]
    pub commission_nanos: Nanos,
    #[serde(with = "as_text")]
    pub charge_nanos: Nanos,
    /// What the provider reported beyond the hold; the house paid it.
    #[serde(with = "as_text")]
    pub overrun_nanos: Nanos,
    /// Taken from the month's allowance instead of money.
    pub free_tokens: u64,
    pub finish: String,
    pub begun_at: String,
    pub settled_at: String,
}

/// Sums over the wallets in dollars and over the calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    #[serde(with = "as_text")]
    pub opening_nanos: Nanos,
    #[serde(with = "as_text")]
    pub received_nanos: Nanos,
    #[serde(with = "as_text")]
    pub spent_nanos: Nanos,
    #[serde(with = "as_text")]
    pub closing_nanos: Nanos,
    pub calls: u64,
    #[serde(with = "as_text")]
    pub provider_cost_nanos: Nanos,
    #[serde(with = "as_text")]
    pub commission_nanos: Nanos,
    #[serde(with = "as_text")]
    pub charge_nanos: Nanos,
    #[serde(with = "as_text")]
    pub overrun_nanos: Nanos,
    pub free_tokens: u64,
}

/// The kind of the entries that calls make.
pub const USAGE: &str = "usage";

impl Fund {
    pub const ALL: [Self; 3] = [Self::Paid, Self::Promo, Self::Free];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Promo => "promo",
            Self::Free => "free",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fund| fund.as_str() == text)
    }

    /// What its amounts count, as the ledger calls it.
    pub fn asset(self) -> &'static str {
        match self {
            Self::Paid | Self::Promo => "USD",
            Self::Free => "FREE_TOKEN",
        }
    }

    /// An amount of this fund in words, every digit of it.
    pub fn amount(self, amount: i64) -> String {
        match self {
            Self::Paid | Self::Promo => Nanos(amount).exact(),
            Self::Free => format!("{amount} tokens"),
        }
    }
}

impl CallLine {
    /// What the buyer paid in money.
    pub fn paid(&self) -> Nanos {
        self.charge_nanos - self.overrun_nanos
    }
}

impl Totals {
    pub fn of(wallets: &[WalletMonth], calls: &[CallLine]) -> Self {
        let mut totals = Self { calls: calls.len() as u64, ..Self::default() };
        for wallet in wallets.iter().filter(|wallet| wallet.fund.asset() == Fund::Paid.asset()) {
            totals.opening_nanos = totals.opening_nanos + Nanos(wallet.opening.balance);
            totals.closing_nanos = totals.closing_nanos + Nanos(wallet.closing.balance);
            for amount in wallet.entries.iter().map(|entry| Nanos(entry.amount)) {
                if amount < Nanos::ZERO {
                    totals.spent_nanos = totals.spent_nanos - amount;
                } else {
                    totals.received_nanos = totals.received_nanos + amount;
                }
            }
        }
        for call in calls {
            totals.provider_cost_nanos = totals.provider_cost_nanos + call.provider_cost_nanos;
            totals.commission_nanos = totals.commission_nanos + call.commission_nanos;
            totals.charge_nanos = totals.charge_nanos + call.charge_nanos;
            totals.overrun_nanos = totals.overrun_nanos + call.overrun_nanos;
            totals.free_tokens = totals.free_tokens.saturating_add(call.free_tokens);
        }
        totals
    }
}

/// Whole numbers on the wire are strings, because JSON numbers cannot hold them all.
mod whole {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(amount: &i64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(amount)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(|_| D::Error::custom("expected a string of a whole number"))
    }
}
