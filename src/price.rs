//! What a call costs: the one place where tokens become money, used by the ledger and by the Send button.

#![deny(clippy::float_arithmetic)]

mod flat;

use chrono::{DateTime, Datelike, Timelike, Utc};
use serde::{Deserialize, Serialize};

use crate::money::{Nanos, Rate};
use crate::usage::Tokens;

/// The share of each charge that is commission, in basis points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct TakeRate(pub u16);

impl TakeRate {
    pub const STANDARD: Self = Self(3_000);
    const WHOLE: i128 = 10_000;

    /// What a buyer pays for a published vendor price, for price lists.
    pub fn on_rate(self, rate: Rate) -> Rate {
        Rate(clamp(ceil_div(i128::from(rate.0) * Self::WHOLE, Self::WHOLE - i128::from(self.0))))
    }
}

/// The vendor's rates for one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rates {
    pub input: Rate,
    pub output: Rate,
    /// Where a component has no rate of its own it is billed as plain input or output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Rate>,
}

/// One immutable version of a model's price.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(from = "flat::FlatPrice")]
pub struct Price {
    #[serde(flatten)]
    pub rates: Rates,
    /// Rates for the whole call once its input passes a size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_context: Option<LongContext>,
    /// Cheaper hours. The plain rates are then the dear ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off_peak: Option<OffPeak>,
    /// Set where output is not counted in tokens; its rate is then that of a million such things.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u8>))]
    pub output_unit: Option<Unit>,
}

/// What is counted instead of tokens. A number in the books, whose prices hold nothing but numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Unit {
    Picture,
}

impl From<Unit> for u8 {
    fn from(unit: Unit) -> Self {
        match unit {
            Unit::Picture => 1,
        }
    }
}

impl TryFrom<u8> for Unit {
    type Error = &'static str;
    fn try_from(number: u8) -> Result<Self, Self::Error> {
        match number {
            1 => Ok(Self::Picture),
            _ => Err("expected the number of a unit"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(from = "flat::FlatLongContext")]
pub struct LongContext {
    pub above_input_tokens: u64,
    #[serde(flatten)]
    pub rates: Rates,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(from = "flat::FlatOffPeak")]
pub struct OffPeak {
    pub windows: Vec<Window>,
    #[serde(flatten)]
    pub rates: Rates,
}

/// A span of minutes of the UTC day on some weekdays; 1 is Monday, and an end of 1,440 is midnight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = OffPeakWindow))]
pub struct Window {
    pub weekdays: Vec<u32>,
    pub from_minute: u32,
    pub until_minute: u32,
}

/// What one call costs and to whom the money goes. `charge = provider_cost + commission`, always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    #[serde(with = "crate::money::as_text")]
    pub provider_cost: Nanos,
    #[serde(with = "crate::money::as_text")]
    pub commission: Nanos,
    #[serde(with = "crate::money::as_text")]
    pub charge: Nanos,
}

impl Price {
    /// Of a model that is paid by the picture, whatever is read for it; `None` where that is too much to count.
    pub fn by_the_picture(each: Nanos) -> Option<Self> {
        let rates = Rates { output: Rate(each.0.checked_mul(1_000_000)?), ..Rates::default() };
        Some(Self { rates, output_unit: Some(Unit::Picture), ..Self::default() })
    }

    /// The vendor's price of one picture, where they are paid by the piece.
    pub fn picture(&self) -> Option<Nanos> {
        self.output_unit.map(|Unit::Picture| cost_of(1, self.rates.output))
    }

    /// The rates that apply to a call of this size begun at this moment.
    pub fn rates_for(&self, input_tokens: u64, at: DateTime<Utc>) -> Rates {
        if let Some(long) = &self.long_context
            && input_tokens > long.above_input_tokens
        {
            return long.rates;
        }
        match &self.off_peak {
            Some(off_peak) if off_peak.windows.iter().any(|window| window.contains(at)) => off_peak.rates,
            _ => self.rates,
        }
    }

    /// The dearest this many tokens can come to, whichever of them turn out to be cached, written or reasoned.
    pub fn ceiling(&self, input_tokens: u64, output_tokens: u64, take: TakeRate) -> Charge {
        let mut tiers = vec![self.rates];
        tiers.extend(
            self.long_context
                .as_ref()
                .filter(|long| input_tokens > long.above_input_tokens)
                .map(|long| long.rates),
        );
        let dearest = |of: fn(&Rates) -> Rate| tiers.iter().map(of).max().unwrap_or_default();
        let rates = Rates {
            input: dearest(Rates::dearest_input),
            output: dearest(Rates::dearest_output),
            ..Rates::default()
        };
        rates.charge(&Tokens { input: input_tokens, output: output_tokens, ..Tokens::default() }, take)
    }

    /// The cheapest this many tokens can come to, whenever they are bought and whichever of them turn out to be cached.
    pub fn floor(&self, input_tokens: u64, output_tokens: u64, take: TakeRate) -> Charge {
        let tiers =
            || std::iter::once(&self.rates).chain(self.off_peak.as_ref().map(|off_peak| &off_peak.rates));
        let input =
            tiers().map(|rates| rates.cached_input.map_or(rates.input, |cached| cached.min(rates.input)));
        let output =
            tiers().map(|rates| rates.reasoning.map_or(rates.output, |thought| thought.min(rates.output)));
        let cheapest = (input.min().unwrap_or_default(), output.min().unwrap_or_default());
        let rates = Rates { input: cheapest.0, output: cheapest.1, ..Rates::default() };
        rates.charge(&Tokens { input: input_tokens, output: output_tokens, ..Tokens::default() }, take)
    }

    /// How many output tokens a ceiling of `budget` leaves room for after `input_tokens`, at most `wanted`.
    pub fn affordable_output(
        &self,
        input_tokens: u64,
        wanted: u64,
        budget: Nanos,
        take: TakeRate,
    ) -> Option<u64> {
        let fits = |output| self.ceiling(input_tokens, output, take).charge <= budget;
        if fits(wanted) {
            return Some(wanted);
        }
        if !fits(0) {
            return None;
        }
        // `fits` holds at `low` and fails at `high`; the ceiling grows with every token, so halving finds the border.
        let (mut low, mut high) = (0, wanted);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if fits(middle) { low = middle } else { high = middle }
        }
        Some(low)
    }
}

impl Window {
    fn contains(&self, at: DateTime<Utc>) -> bool {
        let minute = at.hour() * 60 + at.minute();
        self.weekdays.contains(&at.weekday().number_from_monday())
            && (self.from_minute..self.until_minute).contains(&minute)
    }
}

impl Rates {
    fn dearest_input(&self) -> Rate {
        [Some(self.input), self.cached_input, self.cache_write, self.cache_write_1h]
            .into_iter()
            .flatten()
            .max()
            .unwrap_or_default()
    }

    fn dearest_output(&self) -> Rate {
        self.reasoning.map_or(self.output, |reasoning| reasoning.max(self.output))
    }

    /// The tokens of each component beside its rate, in the order of a receipt.
    pub fn lines(&self, tokens: &Tokens) -> [(&'static str, u64, Rate); 6] {
        let cache_write = self.cache_write.unwrap_or(self.input);
        [
            ("input", tokens.input, self.input),
            ("cached_input", tokens.cached_input, self.cached_input.unwrap_or(self.input)),
            ("cache_write", tokens.cache_write, cache_write),
            ("cache_write_1h", tokens.cache_write_1h, self.cache_write_1h.unwrap_or(cache_write)),
            ("output", tokens.output, self.output),
            ("reasoning", tokens.reasoning, self.reasoning.unwrap_or(self.output)),
        ]
    }

    /// Tokens times rates, in millionths of a nano-dollar. The product of the largest counts and rates fits `i128`.
    pub fn weight(&self, tokens: &Tokens) -> i128 {
        self.lines(tokens).iter().map(|(_, count, rate)| i128::from(*count) * i128::from(rate.0)).sum()
    }

    pub fn charge(&self, tokens: &Tokens, take: TakeRate) -> Charge {
        charge(self.weight(tokens), take)
    }
}

/// The vendor's cost rounded up once, then the smallest charge of which the buyer's share covers that cost.
///
/// So the commission is never below its share of the charge and less than one nano-dollar above it.
fn charge(weight: i128, take: TakeRate) -> Charge {
    let provider_cost = ceil_div(weight, 1_000_000);
    let charge = ceil_div(provider_cost * TakeRate::WHOLE, TakeRate::WHOLE - i128::from(take.0));
    let (provider_cost, charge) = (Nanos(clamp(provider_cost)), Nanos(clamp(charge)));
    Charge { provider_cost, commission: charge - provider_cost, charge }
}

/// One component alone, rounded up, for a line of a receipt.
pub fn cost_of(tokens: u64, rate: Rate) -> Nanos {
    Nanos(clamp(ceil_div(i128::from(tokens) * i128::from(rate.0), 1_000_000)))
}

fn ceil_div(value: i128, by: i128) -> i128 {
    value.div_euclid(by) + i128::from(value.rem_euclid(by) != 0)
}

/// Ten billion dollars for one call is past any balance; staying at the edge makes the hold fail, not wrap.
fn clamp(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
