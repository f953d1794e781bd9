//! Free tokens: which models take them, and how far what is left of a month's reaches.

#![deny(clippy::float_arithmetic)]

use crate::money::Rate;
use crate::price::Price;
use crate::quote::{OUTPUT_TOKENS_LEAST, PromptSize};

/// Models whose output costs at most this much take the month's free tokens.
const OUTPUT_RATE_MAX: Rate = Rate(20_000_000_000);

/// A call on free tokens: they pay for it whole, or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreeCall {
    prompt_tokens_max: u64,
    output_tokens_wanted: u64,
}

/// Whether a month's free tokens pay for a model at this price.
pub fn takes_free_tokens(price: &Price) -> bool {
    (Rate(1)..=OUTPUT_RATE_MAX).contains(&price.rates.output)
}

impl FreeCall {
    /// `None` where the model takes no free tokens.
    pub fn new(price: &Price, prompt: PromptSize, output_tokens_wanted: u64) -> Option<Self> {
        takes_free_tokens(price)
            .then_some(Self { prompt_tokens_max: prompt.tokens_max, output_tokens_wanted })
    }

    /// What it can come to.
    pub fn most(self) -> u64 {
        self.prompt_tokens_max + self.output_tokens_wanted
    }

    /// What it comes to with so many tokens of output, fewer than are wanted.
    pub fn most_of(self, output_tokens: u64) -> u64 {
        self.prompt_tokens_max + output_tokens.min(self.output_tokens_wanted)
    }

    /// With fewer tokens there is no answer, and money pays.
    pub fn least(self) -> u64 {
        self.prompt_tokens_max + self.output_tokens_wanted.min(OUTPUT_TOKENS_LEAST)
    }

    /// What is set aside of so many that are left; `None` when they are too few.
    pub fn held(self, left: u64) -> Option<u64> {
        (left >= self.least()).then(|| self.most().min(left))
    }

    /// The longest answer for what is set aside.
    pub fn output_tokens(self, held: u64) -> u64 {
        self.output_tokens_wanted.min(held.saturating_sub(self.prompt_tokens_max))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::price::Rates;

    fn priced(output: i64) -> Price {
        Price { rates: Rates { output: Rate(output), ..Rates::default() }, ..Price::default() }
    }

    #[test]
    fn dear_and_free_models_take_no_free_tokens() {
        let call = |output| FreeCall::new(&priced(output), PromptSize::empty(), 100);
        assert!(call(1).is_some() && call(20_000_000_000).is_some());
        assert_eq!((call(0), call(20_000_000_001)), (None, None));
    }

    proptest! {
        #[test]
        fn an_answer_on_free_tokens_fits_into_what_is_left(bytes in 0_usize..2_000, wanted in 1_u64..5_000, left in 0_u64..2_000) {
            let prompt = PromptSize::empty().with_message(bytes);
            let call = FreeCall::new(&priced(5), prompt, wanted).unwrap();
            match call.held(left) {
                Some(held) => {
                    let output = call.output_tokens(held);
                    prop_assert!(held <= left && prompt.tokens_max + output <= held);
                    prop_assert!(output >= wanted.min(OUTPUT_TOKENS_LEAST) && output <= wanted);
                }
                None => prop_assert!(left < prompt.tokens_max + wanted.min(OUTPUT_TOKENS_LEAST)),
            }
        }
    }
}
