//! What a call costs: the one place where tokens become money, used by the ledger and by the Send button.

#![deny(clippy::float_arithmetic)]

mod flat;

use chrono::{DateTime, Datelike, Timelike, Utc};
use serde::{Deserialize, Serialize};

use crate::money::{Nanos, Rate};
use crate::usage::Tokens;

/// The share of each charge that is commission, in basis points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[serde(from = "flat::FlatLongContext")]
pub struct LongContext {
    pub above_input_tokens: u64,
    #[serde(flatten)]
    pub rates: Rates,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "flat::FlatOffPeak")]
pub struct OffPeak {
    pub windows: Vec<Window>,
    #[serde(flatten)]
    pub rates: Rates,
}

/// A span of minutes of the UTC day on some weekdays; 1 is Monday, and an end of 1,440 is midnight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
mod tests {
    use chrono::TimeZone;
    use proptest::prelude::*;

    use super::*;

    fn usd(text: &str) -> Rate {
        Rate::parse_usd(text).unwrap()
    }

    fn gpt() -> Price {
        Price {
            rates: Rates {
                input: usd("2.5"),
                output: usd("15"),
                cached_input: Some(usd("0.25")),
                ..Rates::default()
            },
            long_context: Some(LongContext {
                above_input_tokens: 272_000,
                rates: Rates { input: usd("5"), output: usd("22.5"), ..Rates::default() },
            }),
            off_peak: None,
            output_unit: None,
        }
    }

    #[test]
    fn thirty_percent_of_the_charge_is_commission() {
        let tokens = Tokens { input: 1_000, output: 1_000, ..Tokens::default() };
        let charge = gpt().rates.charge(&tokens, TakeRate::STANDARD);
        assert_eq!(charge.provider_cost, Nanos(17_500_000));
        assert_eq!(charge.charge, Nanos(25_000_000));
        assert_eq!(charge.commission, Nanos(7_500_000));
    }

    #[test]
    fn five_tokens_of_a_cheap_model_do_not_round_to_zero() {
        let rates = Rates { input: usd("0.0028"), ..Rates::default() };
        let charge = rates.charge(&Tokens { input: 1, ..Tokens::default() }, TakeRate::STANDARD);
        assert_eq!((charge.provider_cost, charge.charge), (Nanos(3), Nanos(5)));
    }

    #[test]
    fn pictures_cost_exactly_so_many_times_one() {
        let price = Price::by_the_picture(Nanos(35_000_000)).unwrap();
        assert_eq!(price.picture(), Some(Nanos(35_000_000)));
        let three = price.ceiling(90_000, 3, TakeRate::STANDARD);
        assert_eq!((three.provider_cost, three.charge), (Nanos(105_000_000), Nanos(150_000_000)));
        assert_eq!((gpt().picture(), Price::by_the_picture(Nanos(i64::MAX))), (None, None));
    }

    #[test]
    fn long_context_rates_apply_to_the_whole_call_above_the_threshold_only() {
        let noon = Utc.with_ymd_and_hms(2026, 11, 22, 12, 0, 0).unwrap();
        assert_eq!(gpt().rates_for(272_000, noon).input, usd("2.5"));
        assert_eq!(gpt().rates_for(272_001, noon).input, usd("5"));
    }

    #[test]
    fn off_peak_hours_end_at_their_minute() {
        let cheap = Rates { input: usd("1"), ..Rates::default() };
        let window = Window { weekdays: vec![1], from_minute: 600, until_minute: 1_440 };
        let price = Price { off_peak: Some(OffPeak { windows: vec![window], rates: cheap }), ..gpt() };
        let at = |day, hour, minute| {
            price.rates_for(10, Utc.with_ymd_and_hms(2026, 11, day, hour, minute, 0).unwrap()).input
        };
        assert_eq!((at(23, 9, 59), at(23, 10, 0), at(23, 23, 59)), (usd("2.5"), usd("1"), usd("1")));
        assert_eq!(at(24, 10, 0), usd("2.5"));
    }

    /// Numbers that look like chance and come again with their seed (SplitMix64).
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, end: u64) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (mixed ^ (mixed >> 31)) % end
        }
    }

    /// Goal M5. The oracle shares nothing with the price but the numbers: it adds up each component by itself and
    /// looks whether a nano-dollar less would still have been enough.
    #[test]
    fn a_million_commissions_drift_by_less_than_a_thousandth_of_a_dollar() {
        const CALLS: u32 = 1_000_000;
        let given = std::env::var("MERCATO_SEED").ok().map(|seed| seed.parse().unwrap());
        let seed: u64 = given.unwrap_or_else(|| u64::from(std::process::id()) ^ 0x5eed);
        let mut dice = Dice(seed);
        let (mut charges, mut commissions, mut furthest) = (0_i128, 0_i128, 0_i128);
        for _ in 0..CALLS {
            // From a hundredth of a cent to a hundred dollars per million tokens, as vendors publish them.
            let mut rate =
                || Rate(i64::try_from(dice.below(1_000_000) * 10_u64.pow(dice.below(6) as u32)).unwrap());
            let rates = Rates {
                input: rate(),
                output: rate(),
                cached_input: Some(rate()),
                cache_write: Some(rate()),
                cache_write_1h: Some(rate()),
                reasoning: Some(rate()),
            };
            let mut count = || dice.below(10_u64.pow(1 + dice.0 as u32 % 6));
            let tokens = Tokens {
                input: count(),
                output: count(),
                cached_input: count(),
                cache_write: count(),
                cache_write_1h: count(),
                reasoning: count(),
            };
            let made = rates.charge(&tokens, TakeRate::STANDARD);
            let (cost, charge) = (i128::from(made.provider_cost.0), i128::from(made.charge.0));
            let mut millionths = 0_i128;
            for (tokens, rate) in [
                (tokens.input, rates.input),
                (tokens.output, rates.output),
                (tokens.cached_input, rates.cached_input.unwrap()),
                (tokens.cache_write, rates.cache_write.unwrap()),
                (tokens.cache_write_1h, rates.cache_write_1h.unwrap()),
                (tokens.reasoning, rates.reasoning.unwrap()),
            ] {
                millionths += i128::from(tokens) * i128::from(rate.0);
            }
            let covers = |cost: i128| cost * 1_000_000 >= millionths;
            assert!(covers(cost) && !covers(cost - 1), "seed {seed}: {cost} for {millionths} millionths");
            let leaves = |charge: i128| charge * 7 >= cost * 10;
            assert!(leaves(charge) && !leaves(charge - 1), "seed {seed}: {charge} for a cost of {cost}");
            assert_eq!(i128::from(made.commission.0), charge - cost, "seed {seed}");
            let above = i128::from(made.commission.0) * 10 - charge * 3;
            assert!((0..10).contains(&above), "seed {seed}: {above} tenths of a nano-dollar above 30 %");
            furthest = furthest.max(above);
            (charges, commissions) = (charges + charge, commissions + i128::from(made.commission.0));
        }
        let drift = commissions * 10 - charges * 3;
        println!(
            "MERCATO_SEED={seed}: {CALLS} calls for {charges} nano-dollars, commission {drift} tenths of a nano-dollar above 30 %, {furthest} at most for one"
        );
        assert!((0..=10_000_000).contains(&drift), "seed {seed}: {drift} tenths of a nano-dollar");
    }

    proptest! {
        #[test]
        fn commission_is_at_least_its_share_and_within_one_nano(
            counts in prop::array::uniform6(0_u64..10_000_000),
            prices in prop::array::uniform6(0_i64..1_000_000_000_000),
            bps in 0_u16..9_000,
        ) {
            let rates = Rates {
                input: Rate(prices[0]), output: Rate(prices[1]), cached_input: Some(Rate(prices[2])),
                cache_write: Some(Rate(prices[3])), cache_write_1h: Some(Rate(prices[4])), reasoning: Some(Rate(prices[5])),
            };
            let tokens = Tokens {
                input: counts[0], output: counts[1], cached_input: counts[2],
                cache_write: counts[3], cache_write_1h: counts[4], reasoning: counts[5],
            };
            let made = rates.charge(&tokens, TakeRate(bps));
            prop_assert_eq!(made.charge, made.provider_cost + made.commission);
            // Commission over its exact share, in ten-thousandths of a nano-dollar.
            let above = i128::from(made.commission.0) * 10_000 - i128::from(made.charge.0) * i128::from(bps);
            prop_assert!((0..10_000).contains(&above), "off by {above}");
        }

        #[test]
        fn nothing_costs_more_than_its_ceiling(
            input in 0_u64..1_000_000, cached in 0_u64..1_000, output in 0_u64..200_000, hour in 0_u32..24,
        ) {
            let at = Utc.with_ymd_and_hms(2026, 11, 22, hour, 0, 0).unwrap();
            let tokens = Tokens { input, cached_input: cached, output, ..Tokens::default() };
            let price = gpt();
            let paid = price.rates_for(tokens.input_total(), at).charge(&tokens, TakeRate::STANDARD);
            prop_assert!(paid.charge <= price.ceiling(tokens.input_total(), output, TakeRate::STANDARD).charge);
        }

        #[test]
        fn the_affordable_output_is_the_largest_that_fits(input in 0_u64..10_000, budget in 0_i64..2_000_000_000) {
            let (price, take, budget) = (gpt(), TakeRate::STANDARD, Nanos(budget));
            match price.affordable_output(input, 100_000, budget, take) {
                Some(output) => {
                    prop_assert!(price.ceiling(input, output, take).charge <= budget);
                    prop_assert!(output == 100_000 || price.ceiling(input, output + 1, take).charge > budget);
                }
                None => prop_assert!(price.ceiling(input, 0, take).charge > budget),
            }
        }
    }
}
