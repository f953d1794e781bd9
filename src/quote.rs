//! What a message will cost before it is sent: minimum, likely and maximum.

#![deny(clippy::float_arithmetic)]

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::money::Nanos;
use crate::price::{Price, TakeRate};
use crate::usage::Tokens;

/// A token is no longer than this, as far as prompts are read.
const BYTES_A_TOKEN_MAX: u64 = 16;
/// What is reserved where a caller names no output limit and the model declares none, or a very large one.
const OUTPUT_TOKENS_USUAL: u64 = 16_384;
/// Fewer output tokens than this are no answer; a balance that affords less is refused.
pub const OUTPUT_TOKENS_LEAST: u64 = 16;

/// The three figures on the Send button. The last is a promise: the hold is exactly this much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    #[serde(with = "crate::money::as_text")]
    pub min_nanos: Nanos,
    #[serde(with = "crate::money::as_text")]
    pub likely_nanos: Nanos,
    #[serde(with = "crate::money::as_text")]
    pub max_nanos: Nanos,
    pub input_tokens: u64,
    pub max_output_tokens: u64,
}

/// How large a prompt is: what we expect, and what it will at least and can at most be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PromptSize {
    pub likely_tokens: u64,
    /// Of what people write; a run of blanks may become a single token.
    pub tokens_min: u64,
    /// Byte-level tokenizers never make more tokens than there are bytes; the rest is the chat template.
    pub tokens_max: u64,
}

impl PromptSize {
    const TEMPLATE_TOKENS: u64 = 16;
    const MESSAGE_TOKENS: u64 = 8;
    /// What a picture of a usual size comes to.
    pub const IMAGE_TOKENS_LIKELY: u64 = 1_000;
    /// Vendors turn a picture into at most some thousands of tokens, whatever its bytes.
    pub const IMAGE_TOKENS_MAX: u64 = 8_192;

    pub fn empty() -> Self {
        Self { likely_tokens: 3, tokens_min: 0, tokens_max: Self::TEMPLATE_TOKENS }
    }

    #[must_use]
    pub fn with_message(self, bytes: usize) -> Self {
        let bytes = bytes as u64;
        Self {
            likely_tokens: self.likely_tokens + 4 + likely_tokens(bytes),
            tokens_min: self.tokens_min + bytes / BYTES_A_TOKEN_MAX,
            tokens_max: self.tokens_max + Self::MESSAGE_TOKENS + bytes,
        }
    }

    /// A text that is read as it is, without a template: one to be put into a vector. Some vendors put marks around it.
    #[must_use]
    pub fn with_text(self, bytes: usize) -> Self {
        let bytes = bytes as u64;
        Self {
            likely_tokens: self.likely_tokens + likely_tokens(bytes),
            tokens_min: self.tokens_min + bytes / BYTES_A_TOKEN_MAX,
            tokens_max: self.tokens_max + Self::MESSAGE_TOKENS + bytes,
        }
    }

    /// A text that was cut into tokens already.
    #[must_use]
    pub fn with_tokens(self, tokens: usize) -> Self {
        let tokens = tokens as u64;
        Self {
            likely_tokens: self.likely_tokens + tokens,
            tokens_min: self.tokens_min + tokens,
            tokens_max: self.tokens_max + Self::MESSAGE_TOKENS + tokens,
        }
    }

    #[must_use]
    pub fn with_image(self) -> Self {
        Self {
            likely_tokens: self.likely_tokens + Self::IMAGE_TOKENS_LIKELY,
            tokens_min: self.tokens_min,
            tokens_max: self.tokens_max + Self::IMAGE_TOKENS_MAX,
        }
    }
}

/// About four bytes a token for English and code: the estimate when no vendor has counted yet.
pub fn likely_tokens(bytes: u64) -> u64 {
    bytes.div_ceil(4)
}

/// The most output tokens a call may ask its model for.
pub fn wanted_output(model_max: Option<u64>, asked: Option<u64>) -> u64 {
    asked.unwrap_or(OUTPUT_TOKENS_USUAL).clamp(1, model_max.unwrap_or(OUTPUT_TOKENS_USUAL).max(1))
}

/// What people usually get back when nothing is known about them: a few paragraphs.
const USUAL_OUTPUT_TOKENS: u64 = 350;

pub fn quote(
    price: &Price,
    take: TakeRate,
    prompt: PromptSize,
    max_output_tokens: u64,
    at: DateTime<Utc>,
) -> Quote {
    quote_choices(1, price, take, prompt, max_output_tokens, at)
}

/// The same for several answers to one prompt, each of which may be as long as is said.
pub fn quote_choices(
    choices: u64,
    price: &Price,
    take: TakeRate,
    prompt: PromptSize,
    max_output_tokens: u64,
    at: DateTime<Utc>,
) -> Quote {
    let rates = price.rates_for(prompt.likely_tokens, at);
    let of_all = |each: u64| each.min(max_output_tokens).saturating_mul(choices);
    let likely =
        Tokens { input: prompt.likely_tokens, output: of_all(USUAL_OUTPUT_TOKENS), ..Tokens::default() };
    Quote {
        min_nanos: price.floor(prompt.tokens_min, of_all(1), take).charge,
        likely_nanos: rates.charge(&likely, take).charge,
        max_nanos: price.ceiling(prompt.tokens_max, of_all(max_output_tokens), take).charge,
        input_tokens: prompt.likely_tokens,
        max_output_tokens,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use proptest::prelude::*;

    use super::*;
    use crate::money::Rate;
    use crate::price::Rates;

    proptest! {
        #[test]
        fn the_three_figures_stand_in_order(bytes in 0_usize..200_000, output in 0_u64..128_000, input in 0_i64..10_000_000_000, choices in 1_u64..=8) {
            let price = Price { rates: Rates { input: Rate(input), output: Rate(5 * input), ..Rates::default() }, ..Price::default() };
            let at = Utc.with_ymd_and_hms(2026, 11, 22, 0, 0, 0).unwrap();
            let prompt = PromptSize::empty().with_message(bytes);
            let made = quote_choices(choices, &price, TakeRate::STANDARD, prompt, output, at);
            prop_assert!(made.min_nanos <= made.likely_nanos && made.likely_nanos <= made.max_nanos);
            prop_assert_eq!(made.max_nanos, price.ceiling(prompt.tokens_max, output * choices, TakeRate::STANDARD).charge);
        }
    }
}
