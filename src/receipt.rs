//! The receipt of one call: it adds up line by line, and says what was held, taken and given back.

use serde::{Deserialize, Serialize};

use crate::id::{CallId, ModelId, PriceId, ProviderId};
use crate::money::{Nanos, Rate, as_text};
use crate::price::{Charge, Price, Rates, TakeRate, Unit};
use crate::usage::{Tokens, UsageSource};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    pub id: CallId,
    pub model: ModelId,
    pub provider: ProviderId,
    pub lines: Vec<Line>,
    #[serde(with = "as_text")]
    pub provider_cost_nanos: Nanos,
    #[serde(with = "as_text")]
    pub commission_nanos: Nanos,
    pub commission_bps: TakeRate,
    #[serde(with = "as_text")]
    pub charge_nanos: Nanos,
    #[serde(with = "as_text")]
    pub hold_nanos: Nanos,
    #[serde(with = "as_text")]
    pub released_nanos: Nanos,
    /// What the provider reported beyond the hold; the house paid it.
    #[serde(with = "as_text")]
    pub overrun_nanos: Nanos,
    /// Taken from the month's allowance instead of money.
    #[serde(default)]
    pub free_tokens: u64,
    pub usage: Tokens,
    pub usage_source: UsageSource,
    pub finish: String,
    pub price_version: PriceId,
    pub created_at: String,
    pub settled_at: Option<String>,
    /// Who was asked, in order. Only the last one is paid.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
}

/// One vendor that was asked for an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ReceiptAttempt))]
pub struct Attempt {
    pub model: ModelId,
    pub provider: ProviderId,
    pub began_at: String,
    /// Neither is known of an attempt whose server died.
    pub ended_at: Option<String>,
    /// `answered`, `stopped` or how it failed.
    pub outcome: Option<String>,
}

/// One component of the provider's cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ReceiptLine))]
pub struct Line {
    pub component: String,
    /// Pictures, where the component is so called; then the price is that of a million of them.
    pub tokens: u64,
    pub price_nanos_per_mtok: Rate,
    /// Rounded up to a whole nano-dollar for reading; the total is rounded once, from the exact sum.
    #[serde(with = "as_text")]
    pub cost_nanos: Nanos,
}

/// The end of a call as the meter and the API tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "FlatSettlement")]
pub struct Settlement {
    pub id: CallId,
    #[serde(flatten)]
    pub charge: Charge,
    pub take: TakeRate,
    /// The price it was charged at, as the receipt names it.
    pub price_version: PriceId,
    pub usage: Tokens,
    pub usage_source: UsageSource,
    #[serde(with = "as_text")]
    pub hold_nanos: Nanos,
    #[serde(with = "as_text")]
    pub released_nanos: Nanos,
    #[serde(with = "as_text")]
    pub available_nanos: Nanos,
    /// Taken instead of money.
    pub free_tokens: u64,
}

/// A settlement as it is read: flat, since reading flattened types costs the browser much code.
#[derive(Deserialize)]
struct FlatSettlement {
    id: CallId,
    #[serde(with = "as_text")]
    provider_cost: Nanos,
    #[serde(with = "as_text")]
    commission: Nanos,
    #[serde(with = "as_text")]
    charge: Nanos,
    take: TakeRate,
    price_version: PriceId,
    usage: Tokens,
    usage_source: UsageSource,
    #[serde(with = "as_text")]
    hold_nanos: Nanos,
    #[serde(with = "as_text")]
    released_nanos: Nanos,
    #[serde(with = "as_text")]
    available_nanos: Nanos,
    #[serde(default)]
    free_tokens: u64,
}

impl From<FlatSettlement> for Settlement {
    fn from(flat: FlatSettlement) -> Self {
        let FlatSettlement { provider_cost, commission, charge, .. } = flat;
        Self {
            id: flat.id,
            charge: Charge { provider_cost, commission, charge },
            take: flat.take,
            price_version: flat.price_version,
            usage: flat.usage,
            usage_source: flat.usage_source,
            hold_nanos: flat.hold_nanos,
            released_nanos: flat.released_nanos,
            available_nanos: flat.available_nanos,
            free_tokens: flat.free_tokens,
        }
    }
}

/// The component of a receipt that counts pictures.
pub const PICTURES: &str = "pictures";

/// The lines of a receipt: every component that was used.
pub fn lines(price: &Price, rates: &Rates, tokens: &Tokens) -> Vec<Line> {
    let name = |component: &'static str| match price.output_unit {
        Some(Unit::Picture) if component == "output" => PICTURES,
        _ => component,
    };
    rates
        .lines(tokens)
        .into_iter()
        .filter(|(_, count, _)| *count > 0)
        .map(|(component, count, rate)| Line {
            component: name(component).to_owned(),
            tokens: count,
            price_nanos_per_mtok: rate,
            cost_nanos: crate::price::cost_of(count, rate),
        })
        .collect()
}
