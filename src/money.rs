//! Money: whole nano-dollars, parsed from and shown as decimal text, never floating point.

#![deny(clippy::float_arithmetic)]

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Neg, Sub};

use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// An amount in nano-dollars, 10⁻⁹ USD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nanos(pub i64);

/// A price in nano-dollars per million tokens, so every published price is a whole number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Rate(pub i64);

pub const NANOS_PER_USD: i64 = 1_000_000_000;

impl Nanos {
    pub const ZERO: Self = Self(0);
    pub const MAX: Self = Self(i64::MAX);

    pub fn from_usd(dollars: i64) -> Self {
        Self(dollars.saturating_mul(NANOS_PER_USD))
    }

    /// Reads dollars as people write them: `10`, `10.5`, `$0.000412`.
    pub fn parse_usd(text: &str) -> Result<Self, Fault> {
        parse_decimal(text).map(Self).ok_or_else(|| {
            Fault::invalid("amount", "must be dollars with at most nine decimals, for example 10.00")
        })
    }

    /// What an account holder has: never shown larger than it is.
    pub fn balance(self) -> String {
        show(self.0, 4, Round::Down)
    }

    /// What something costs: never shown smaller than it is. Under a millionth every digit is shown.
    pub fn cost(self) -> String {
        if self.0 != 0 && self.0.unsigned_abs() < 1_000 {
            show(self.0, 9, Round::Up)
        } else {
            show(self.0, 6, Round::Up)
        }
    }

    /// All nine decimals: in a sum that is shown, rounded parts would not add up.
    pub fn exact(self) -> String {
        show(self.0, 9, Round::Up)
    }

    /// Every digit, as a plain decimal number of dollars without a sign for the currency.
    pub fn decimal(self) -> String {
        let digits = self.exact().replace(['$', ','], "");
        match digits.split_once('.') {
            Some((whole, rest)) if rest.trim_end_matches('0').is_empty() => whole.to_owned(),
            Some((whole, rest)) => format!("{whole}.{}", rest.trim_end_matches('0')),
            None => digits,
        }
    }

    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }
}

impl Rate {
    pub const FREE: Self = Self(0);

    pub fn parse_usd(text: &str) -> Result<Self, Fault> {
        parse_decimal(text)
            .filter(|nanos| *nanos >= 0)
            .map(Self)
            .ok_or_else(|| Fault::invalid("price", "must be dollars per million tokens and not negative"))
    }

    /// Dollars per million tokens, for a column of prices: `$2.5000`.
    pub fn per_million(self) -> String {
        if self.0 != 0 && self.0 < 100_000 { show(self.0, 9, Round::Up) } else { show(self.0, 4, Round::Up) }
    }
}

#[derive(Clone, Copy)]
enum Round {
    Up,
    Down,
}

fn show(nanos: i64, decimals: u32, round: Round) -> String {
    let unit = 10_u64.pow(9 - decimals);
    let size = nanos.unsigned_abs();
    // Rounding up a debt and rounding down a credit are the same rule seen from both sides of zero.
    let away_from_zero = matches!(round, Round::Up) == (nanos >= 0);
    let shown = if away_from_zero { size.div_ceil(unit) } else { size / unit };
    let per_dollar = 10_u64.pow(decimals);
    let sign = if nanos < 0 && shown > 0 { "-" } else { "" };
    let width = decimals as usize;
    format!("{sign}${}.{:0width$}", group(shown / per_dollar), shown % per_dollar)
}

/// `1234567` as `1,234,567`, for counts of tokens as well as dollars.
pub fn group(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn parse_decimal(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let text = text.strip_prefix('$').unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 9 || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let fraction: i64 = format!("{fraction:0<9}").parse().ok()?;
    let size = whole.checked_mul(NANOS_PER_USD)?.checked_add(fraction)?;
    Some(if negative { -size } else { size })
}

impl Add for Nanos {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Nanos {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.saturating_sub(other)
    }
}

impl Neg for Nanos {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl Sum for Nanos {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cost())
    }
}

/// Amounts on the wire are strings, because JSON numbers cannot hold them.
pub mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::Nanos;

    pub fn serialize<S: Serializer>(amount: &Nanos, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&amount.0)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Nanos, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map(Nanos).map_err(|_| D::Error::custom("expected a string of whole nano-dollars"))
    }
}

/// The same for amounts that may be absent.
pub mod as_text_option {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::Nanos;

    pub fn serialize<S: Serializer>(amount: &Option<Nanos>, to: S) -> Result<S::Ok, S::Error> {
        match amount {
            Some(amount) => to.collect_str(&amount.0),
            None => to.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Nanos>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
        text.parse()
            .map(Nanos)
            .map(Some)
            .map_err(|_| D::Error::custom("expected a string of whole nano-dollars"))
    }
}

/// As it is told to programs, by [`as_text`].
#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Nanos {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some("Whole nano-dollars, 10⁻⁹ USD, as text: numbers of JSON cannot hold them."))
            .pattern(Some("^-?[0-9]+$"))
            .examples(["412000"])
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Nanos {
    fn name() -> std::borrow::Cow<'static, str> {
        "Nanos".into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dollars_are_read_as_people_write_them() {
        for (text, nanos) in
            [("10", 10 * NANOS_PER_USD), ("$0.000412", 412_000), ("-1.5", -1_500_000_000), ("0.000000001", 1)]
        {
            assert_eq!(Nanos::parse_usd(text).unwrap(), Nanos(nanos), "{text}");
        }
    }

    #[test]
    fn odd_amounts_are_refused() {
        for text in ["", ".", "1e3", "NaN", "1.0000000001", "ten", "1,000", "99999999999", "+5", "--5"] {
            let read = Nanos::parse_usd(text);
            assert!(read.is_err(), "{text:?} was read as {read:?}");
        }
    }

    #[test]
    fn small_amounts_stay_readable() {
        assert_eq!(Nanos(412_000).cost(), "$0.000412");
        assert_eq!(Nanos(400).cost(), "$0.000000400");
        assert_eq!(Nanos(1_001).cost(), "$0.000002");
        assert_eq!(Nanos(18_407_299_999).balance(), "$18.4072");
        assert_eq!(Nanos(1_234_567 * NANOS_PER_USD).balance(), "$1,234,567.0000");
        assert_eq!(Rate(2_500_000_000).per_million(), "$2.5000");
        assert_eq!(Nanos(1_500_000_000).decimal(), "1.5");
        assert_eq!(Nanos(-3).decimal(), "-0.000000003");
        assert_eq!(Nanos(401_750).exact(), "$0.000401750");
    }

    proptest! {
        #[test]
        fn decimal_text_survives_a_round_trip(nanos in -1_000_000_000_000_000_000_i64..1_000_000_000_000_000_000) {
            let text = Nanos(nanos).decimal();
            prop_assert_eq!(Nanos::parse_usd(&text).unwrap(), Nanos(nanos));
        }

        #[test]
        fn a_balance_is_never_flattered_and_a_cost_never_hidden(nanos in 0_i64..1_000_000_000_000) {
            let shown = |text: String| Nanos::parse_usd(&text.replace(',', "")).unwrap();
            prop_assert!(shown(Nanos(nanos).balance()) <= Nanos(nanos));
            prop_assert!(shown(Nanos(nanos).cost()) >= Nanos(nanos));
        }
    }
}
