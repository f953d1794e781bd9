//! What a call consumed: as a vendor reports it, and as we bill it.

use serde::{Deserialize, Serialize};

/// A vendor's report in normal form. Absent is not zero.
///
/// `input_tokens` is the whole prompt, cached or not; `output_tokens` everything generated, reasoning included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub input_tokens: Option<i64>,
    pub cached_input_tokens: Option<i64>,
    pub cache_write_tokens: Option<i64>,
    /// The part of `cache_write_tokens` kept for an hour, where a vendor prices it apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h_tokens: Option<i64>,
    pub output_tokens: Option<i64>,
    pub reasoning_tokens: Option<i64>,
}

/// Why a vendor's report cannot be billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadUsage {
    Missing,
    Negative,
    PartLargerThanWhole,
    TooLarge,
}

/// Billable tokens: each token stands in exactly one field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tokens {
    pub input: u64,
    pub cached_input: u64,
    pub cache_write: u64,
    pub cache_write_1h: u64,
    pub output: u64,
    pub reasoning: u64,
}

/// Where the counts on a receipt come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    Provider,
    Estimated,
    None,
}

impl UsageSource {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Estimated => "estimated",
            Self::None => "none",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Provider, Self::Estimated, Self::None].into_iter().find(|source| source.as_str() == text)
    }
}

impl Tokens {
    /// No vendor's window comes near this; a report beyond it is a mistake.
    pub const REPORTED_MAX: i64 = 100_000_000;

    pub fn input_total(&self) -> u64 {
        self.input + self.cached_input + self.cache_write + self.cache_write_1h
    }

    pub fn output_total(&self) -> u64 {
        self.output + self.reasoning
    }
}

impl Usage {
    /// Splits a report into tokens that are each billed once, or says why it cannot be trusted.
    pub fn billable(&self) -> Result<Tokens, BadUsage> {
        let (Some(input), Some(output)) = (self.input_tokens, self.output_tokens) else {
            return Err(BadUsage::Missing);
        };
        let cached = self.cached_input_tokens.unwrap_or(0);
        let written = self.cache_write_tokens.unwrap_or(0);
        let written_1h = self.cache_write_1h_tokens.unwrap_or(0);
        let reasoning = self.reasoning_tokens.unwrap_or(0);
        let counts = [input, output, cached, written, written_1h, reasoning];
        if counts.iter().any(|count| *count < 0) {
            return Err(BadUsage::Negative);
        }
        if counts.iter().any(|count| *count > Tokens::REPORTED_MAX) {
            return Err(BadUsage::TooLarge);
        }
        if cached + written > input || reasoning > output || written_1h > written {
            return Err(BadUsage::PartLargerThanWhole);
        }
        Ok(Tokens {
            input: (input - cached - written).unsigned_abs(),
            cached_input: cached.unsigned_abs(),
            cache_write: (written - written_1h).unsigned_abs(),
            cache_write_1h: written_1h.unsigned_abs(),
            output: (output - reasoning).unsigned_abs(),
            reasoning: reasoning.unsigned_abs(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(input: i64, cached: i64, output: i64, reasoning: i64) -> Usage {
        Usage {
            input_tokens: Some(input),
            cached_input_tokens: Some(cached),
            output_tokens: Some(output),
            reasoning_tokens: Some(reasoning),
            ..Usage::default()
        }
    }

    #[test]
    fn every_token_stands_in_exactly_one_field() {
        let tokens = report(100, 60, 50, 20).billable().unwrap();
        assert_eq!((tokens.input, tokens.cached_input, tokens.output, tokens.reasoning), (40, 60, 30, 20));
        assert_eq!((tokens.input_total(), tokens.output_total()), (100, 50));
    }

    #[test]
    fn an_explicit_zero_is_a_number_and_an_absent_count_is_not() {
        assert_eq!(report(0, 0, 0, 0).billable(), Ok(Tokens::default()));
        assert_eq!(Usage { input_tokens: Some(3), ..Usage::default() }.billable(), Err(BadUsage::Missing));
    }

    #[test]
    fn impossible_reports_are_refused() {
        assert_eq!(report(-1, 0, 5, 0).billable(), Err(BadUsage::Negative));
        assert_eq!(report(10, 11, 5, 0).billable(), Err(BadUsage::PartLargerThanWhole));
        assert_eq!(report(10, 0, 5, 6).billable(), Err(BadUsage::PartLargerThanWhole));
        assert_eq!(report(i64::MAX, 0, 5, 0).billable(), Err(BadUsage::TooLarge));
    }
}
