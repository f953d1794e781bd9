//! What is told of the health of offers: by vendor, over a span, and cut into slices.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{Glance, Measured};
use crate::id::{ModelId, ProviderId};

/// How far back somebody looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = HealthSpan))]
#[serde(rename_all = "snake_case")]
pub enum Span {
    HalfHour,
    #[default]
    Day,
    Month,
}

/// How an offer does now, in the last half hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = OfferStanding))]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Answers,
    /// One attempt in a hundred fails, or more.
    FailsSometimes,
    /// One attempt in ten fails, or more.
    FailsOften,
    /// Nobody asked.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HealthReport {
    pub span: Span,
    pub from: String,
    pub until: String,
    /// Of everything that was asked in the last half hour.
    pub now: Standing,
    /// Those who were asked in this span.
    pub vendors: Vec<VendorHealth>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VendorHealth {
    pub provider: ProviderId,
    pub name: String,
    pub now: Standing,
    #[serde(flatten)]
    pub measured: Measured,
    pub offers: Vec<OfferHealth>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OfferHealth {
    pub model: ModelId,
    pub provider: ProviderId,
    pub provider_name: String,
    pub now: Standing,
    #[serde(flatten)]
    pub measured: Measured,
    /// The span in equal parts, oldest first, without a gap.
    pub slices: Vec<Slice>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = HealthSlice))]
pub struct Slice {
    pub from: String,
    pub attempts: u64,
    pub failures: u64,
}

impl Span {
    pub const ALL: [Self; 3] = [Self::HalfHour, Self::Day, Self::Month];

    pub fn slices(self) -> i32 {
        match self {
            Self::HalfHour => 6,
            Self::Day => 24,
            Self::Month => 30,
        }
    }

    pub fn slice_minutes(self) -> i32 {
        match self {
            Self::HalfHour => 5,
            Self::Day => 60,
            Self::Month => 24 * 60,
        }
    }

    /// When each slice begins. The last one holds this moment; they are cut where clocks in UTC strike.
    pub fn begins(self, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let seconds = i64::from(self.slice_minutes()) * 60;
        let last = now.timestamp().div_euclid(seconds) * seconds;
        let begins = |back: i32| Some(last - i64::from(back) * seconds);
        let at = (0..self.slices()).rev().filter_map(begins);
        at.filter_map(|seconds| DateTime::from_timestamp(seconds, 0)).collect()
    }

    /// When the slice ends that begins then.
    pub fn ends(self, begin: DateTime<Utc>) -> DateTime<Utc> {
        begin + TimeDelta::minutes(self.slice_minutes().into())
    }
}

impl Standing {
    pub fn of(glance: Option<&Glance>) -> Self {
        match glance.map(|glance| glance.uptime_bps) {
            None => Self::Unknown,
            Some(9_901..) => Self::Answers,
            Some(9_001..) => Self::FailsSometimes,
            Some(_) => Self::FailsOften,
        }
    }

    /// How many stand together: as the worst of them, but they fail often only where most do.
    pub fn of_all(all: impl IntoIterator<Item = Self>) -> Self {
        let known: Vec<Self> = all.into_iter().filter(|one| *one != Self::Unknown).collect();
        let count = |standing| known.iter().filter(|one| **one == standing).count();
        match (known.len(), count(Self::Answers), count(Self::FailsOften)) {
            (0, ..) => Self::Unknown,
            (asked, answer, _) if asked == answer => Self::Answers,
            (asked, _, often) if often * 2 > asked => Self::FailsOften,
            _ => Self::FailsSometimes,
        }
    }
}

impl HealthReport {
    pub fn offers(&self) -> impl Iterator<Item = &OfferHealth> {
        self.vendors.iter().flat_map(|vendor| &vendor.offers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_is_the_hour_that_runs_and_the_twenty_three_before() {
        let begins = Span::Day.begins(at("2026-11-25T20:41:40Z"));
        assert_eq!(begins.len(), 24);
        assert_eq!((begins[0], begins[23]), (at("2026-11-24T21:00:00Z"), at("2026-11-25T20:00:00Z")));
        assert_eq!(Span::Day.ends(begins[23]), at("2026-11-25T21:00:00Z"));
    }

    #[test]
    fn a_month_is_cut_at_midnight() {
        let begins = Span::Month.begins(at("2026-11-25T20:41:40Z"));
        assert_eq!(
            (begins.len(), begins[0], begins[29]),
            (30, at("2026-10-27T00:00:00Z"), at("2026-11-25T00:00:00Z"))
        );
    }

    #[test]
    fn one_failure_in_a_hundred_is_told() {
        let of = |uptime_bps| {
            Standing::of(Some(&Glance { first_token_ms: None, tokens_per_second: None, uptime_bps }))
        };
        let told = [10_000, 9_901, 9_900, 9_001, 9_000, 0].map(of);
        let (good, some, often) = (Standing::Answers, Standing::FailsSometimes, Standing::FailsOften);
        assert_eq!(told, [good, good, some, some, often, often]);
        assert_eq!(Standing::of(None), Standing::Unknown);
    }

    #[test]
    fn one_bad_offer_among_many_is_not_the_whole_market() {
        use Standing::{Answers, FailsOften, FailsSometimes, Unknown};
        assert_eq!(Standing::of_all([Unknown, Unknown]), Unknown);
        assert_eq!(Standing::of_all([Answers, Unknown]), Answers);
        assert_eq!(Standing::of_all([Answers, Answers, FailsOften]), FailsSometimes);
        assert_eq!(Standing::of_all([Answers, FailsOften, FailsOften]), FailsOften);
    }
}
