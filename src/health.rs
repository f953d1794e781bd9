//! How well offers answer: what is measured of each attempt at a vendor, and what many of them tell together.

mod histogram;
mod report;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::chat::FailureClass;

pub use histogram::Histogram;
pub use report::{HealthReport, OfferHealth, Slice, Span, Standing, VendorHealth};

/// How an attempt at a vendor came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Answered,
    Failed,
}

/// What is noted of one attempt: nothing of who asked, nor what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub outcome: Outcome,
    /// From asking to the first word. Unknown of an answer in one piece.
    pub first_token: Option<Duration>,
    pub writing: Option<Writing>,
}

/// A streamed answer from its first word to its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Writing {
    pub tokens: u64,
    pub took: Duration,
}

/// Attempts added up. A tally of a longer time is the sum of those of its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Those that speak for or against the vendor.
    pub attempts: u64,
    pub failures: u64,
    /// In tenths of a millisecond.
    pub first_token: Histogram,
    pub first_token_micros: u64,
    /// In hundredths of a token a second.
    pub speed: Histogram,
    pub written_tokens: u64,
    pub written_micros: u64,
}

/// What a tally tells. Unknown is `None`, never zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Measured {
    pub attempts: u64,
    pub failures: u64,
    /// Answered attempts in ten thousandths, rounded down: one failure in a million is not perfect.
    pub uptime_bps: Option<u64>,
    pub first_token_ms: Option<Spread>,
    pub tokens_per_second: Option<Spread>,
}

/// How values are spread. The mean is exact, the others are within a quarter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Spread {
    pub mean: u64,
    pub p50: u64,
    pub p75: u64,
    pub p90: u64,
    pub p95: u64,
    pub p99: u64,
}

/// What a router wants to know of an offer, as it was in the last half hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    /// In the middle of all.
    pub first_token_ms: Option<u64>,
    pub tokens_per_second: Option<u64>,
    pub uptime_bps: u64,
}

/// A few words tell nothing of how fast a vendor writes.
const TOKENS_LEAST: u64 = 16;

/// Whether a failure is the vendor's. What the caller asked wrongly is not, nor what our key or account lacks.
pub fn is_vendors(class: FailureClass) -> bool {
    !matches!(
        class,
        FailureClass::InvalidRequest
            | FailureClass::ContextLength
            | FailureClass::Content
            | FailureClass::Auth
            | FailureClass::QuotaExhausted
            | FailureClass::RateLimited
    )
}

impl Tally {
    pub fn note(&mut self, attempt: &Attempt) {
        self.attempts += 1;
        self.failures += u64::from(attempt.outcome == Outcome::Failed);
        if let Some(first_token) = attempt.first_token {
            let micros = micros(first_token);
            self.first_token.note(micros / 100);
            self.first_token_micros += micros;
        }
        if let Some(writing) = attempt.writing.filter(|writing| writing.tokens >= TOKENS_LEAST) {
            let micros = micros(writing.took);
            self.speed.note(hundredths_per_second(writing.tokens, micros));
            self.written_tokens += writing.tokens;
            self.written_micros += micros;
        }
    }

    pub fn add(&mut self, other: &Self) {
        self.attempts += other.attempts;
        self.failures += other.failures;
        self.first_token.add(&other.first_token);
        self.first_token_micros += other.first_token_micros;
        self.speed.add(&other.speed);
        self.written_tokens += other.written_tokens;
        self.written_micros += other.written_micros;
    }

    pub fn measured(&self) -> Measured {
        let firsts = self.first_token.total();
        let speed_mean = hundredths_per_second(self.written_tokens, self.written_micros);
        Measured {
            attempts: self.attempts,
            failures: self.failures,
            uptime_bps: uptime_bps(self.attempts, self.failures),
            first_token_ms: spread(&self.first_token, self.first_token_micros / 100 / firsts.max(1), 10),
            tokens_per_second: spread(&self.speed, speed_mean, 100),
        }
    }

    pub fn glance(&self) -> Option<Glance> {
        let measured = self.measured();
        Some(Glance {
            first_token_ms: measured.first_token_ms.map(|spread| spread.p50),
            tokens_per_second: measured.tokens_per_second.map(|spread| spread.p50),
            uptime_bps: measured.uptime_bps?,
        })
    }
}

fn uptime_bps(attempts: u64, failures: u64) -> Option<u64> {
    (attempts > 0).then(|| (attempts - failures.min(attempts)) * 10_000 / attempts)
}

/// In whole units of so many parts. What was measured is at least one of them.
fn spread(histogram: &Histogram, mean: u64, unit: u64) -> Option<Spread> {
    let whole = |parts: u64| ((parts + unit / 2) / unit).max(1);
    let percentile = |percent| histogram.percentile(percent).map(whole);
    Some(Spread {
        p50: percentile(50)?,
        p75: percentile(75)?,
        p90: percentile(90)?,
        p95: percentile(95)?,
        p99: percentile(99)?,
        mean: whole(mean),
    })
}

fn hundredths_per_second(tokens: u64, micros: u64) -> u64 {
    u64::try_from(u128::from(tokens) * 100_000_000 / u128::from(micros.max(1))).unwrap_or(u64::MAX)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(first_token_ms: u64, tokens: u64, took_ms: u64) -> Attempt {
        Attempt {
            outcome: Outcome::Answered,
            first_token: Some(Duration::from_millis(first_token_ms)),
            writing: Some(Writing { tokens, took: Duration::from_millis(took_ms) }),
        }
    }

    const FAILED: Attempt = Attempt { outcome: Outcome::Failed, first_token: None, writing: None };

    #[test]
    fn what_was_not_measured_is_unknown_and_not_zero() {
        assert_eq!(Tally::default().measured(), Measured::default());
        assert_eq!(Tally::default().glance(), None);
        let mut tally = Tally::default();
        tally.note(&FAILED);
        let glance = Glance { first_token_ms: None, tokens_per_second: None, uptime_bps: 0 };
        assert_eq!(tally.glance(), Some(glance));
    }

    #[test]
    fn uptime_is_rounded_down_so_that_no_failure_is_hidden() {
        let told =
            [(0, 0), (1, 0), (1, 1), (3, 1), (1_000_000, 1)].map(|(all, failed)| uptime_bps(all, failed));
        assert_eq!(told, [None, Some(10_000), Some(0), Some(6_666), Some(9_999)]);
    }

    #[test]
    fn a_hundred_tokens_in_two_seconds_are_fifty_a_second() {
        let mut tally = Tally::default();
        tally.note(&answered(400, 100, 2_000));
        let measured = tally.measured();
        let (first, speed) = (measured.first_token_ms.unwrap(), measured.tokens_per_second.unwrap());
        assert_eq!((first.mean, speed.mean), (400, 50));
        assert!((398..=501).contains(&first.p50) && (40..=51).contains(&speed.p50), "{measured:?}");
    }

    #[test]
    fn a_few_words_say_nothing_of_speed() {
        let mut tally = Tally::default();
        tally.note(&answered(400, TOKENS_LEAST - 1, 1));
        assert_eq!(tally.measured().tokens_per_second, None);
    }

    #[test]
    fn only_what_the_vendor_did_speaks_against_it() {
        let theirs = [FailureClass::ServerError, FailureClass::Timeout, FailureClass::Overloaded];
        let not_theirs = [FailureClass::InvalidRequest, FailureClass::Auth, FailureClass::RateLimited];
        assert!(theirs.into_iter().all(is_vendors) && !not_theirs.into_iter().any(is_vendors));
    }
}
