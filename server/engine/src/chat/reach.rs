//! What a call may come to: at the offer that is asked first, and at the one that may be asked if that one fails.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use marketplace::allowance::FreeCall;
use marketplace::money::Nanos;
use marketplace::quote::{OUTPUT_TOKENS_LEAST, PromptSize, Quote, quote_choices, wanted_output};

use super::Order;
use crate::catalogue::OnSale;
use crate::routing::WhenShort;

/// How much is asked for.
pub(super) struct Reach {
    pub prompt: PromptSize,
    /// The caller's own limit of each answer.
    pub asked: Option<u64>,
    /// How many answers are asked for.
    pub choices: u64,
    /// What is to be done when that does not fit.
    pub when_short: WhenShort,
}

/// What is set aside for a call: money, or free tokens instead.
pub(super) struct Held {
    pub amount: Nanos,
    pub free_tokens: u64,
}

/// The vendor that may be asked if the first one fails, and the longest answer that the hold affords there.
#[derive(Debug)]
pub(crate) struct Second {
    pub on_sale: Arc<OnSale>,
    pub max_output_tokens: u64,
}

impl Reach {
    pub fn of(order: &Order) -> Self {
        let request = &order.request;
        let (prompt, asked) = (request.prompt_size(), request.max_output_tokens);
        Self { prompt, asked, choices: request.choices(), when_short: order.routing.when_short }
    }

    /// How long each answer is to be at most.
    pub fn wanted(&self, offer: &OnSale) -> u64 {
        wanted_output(offer.model.max_output_tokens, self.asked)
    }

    /// The most that the call can cost if no answer is longer than this.
    pub fn ceiling(&self, offer: &OnSale, output: u64) -> Nanos {
        offer.price.ceiling(self.prompt.tokens_max, self.of_all(output), offer.take).charge
    }

    fn of_all(&self, each: u64) -> u64 {
        each.saturating_mul(self.choices)
    }

    /// The call on free tokens, where the model takes them.
    pub fn free(&self, offer: &OnSale) -> Option<FreeCall> {
        FreeCall::new(&offer.price, self.prompt, self.of_all(self.wanted(offer)))
    }

    /// The dearer of the two, for whoever answers is paid out of the same hold.
    pub fn most(&self, first: &OnSale, second: Option<&OnSale>) -> Nanos {
        let second = second.map(|offer| self.ceiling(offer, self.wanted(offer)));
        self.ceiling(first, self.wanted(first)).max(second.unwrap_or_default())
    }

    /// Less than this buys no answer of the first. That the second costs more refuses nobody.
    pub fn least(&self, first: &OnSale) -> Nanos {
        match self.when_short {
            WhenShort::Clamp => self.ceiling(first, self.least_output(first)),
            WhenShort::Refuse | WhenShort::Cheaper => self.ceiling(first, self.wanted(first)),
        }
    }

    /// The same in free tokens.
    pub fn least_free(&self, call: FreeCall, offer: &OnSale) -> u64 {
        match self.when_short {
            WhenShort::Clamp => call.most_of(self.of_all(self.least_output(offer))),
            WhenShort::Refuse | WhenShort::Cheaper => call.most(),
        }
    }

    /// The longest answers that so much money buys; zero where its prompt alone costs more.
    pub fn fitting(&self, offer: &OnSale, budget: Nanos) -> u64 {
        let all = self.of_all(self.wanted(offer));
        let fitting = offer.price.affordable_output(self.prompt.tokens_max, all, budget, offer.take);
        fitting.unwrap_or(0) / self.choices
    }

    pub fn least_output(&self, offer: &OnSale) -> u64 {
        self.wanted(offer).min(OUTPUT_TOKENS_LEAST)
    }

    /// The longest answers that the first may write.
    pub fn output(&self, first: &OnSale, held: &Held) -> u64 {
        self.affordable(first, held).unwrap_or(self.least_output(first))
    }

    /// The second, if what is held buys an answer there.
    pub fn second(&self, offer: Arc<OnSale>, held: &Held) -> Option<Second> {
        let max_output_tokens = self.affordable(&offer, held)?;
        let is_enough = max_output_tokens >= self.least_output(&offer);
        is_enough.then_some(Second { on_sale: offer, max_output_tokens })
    }

    fn affordable(&self, offer: &OnSale, held: &Held) -> Option<u64> {
        let all = if held.free_tokens > 0 {
            self.free(offer)?.output_tokens(held.free_tokens)
        } else {
            let wanted = self.of_all(self.wanted(offer));
            offer.price.affordable_output(self.prompt.tokens_max, wanted, held.amount, offer.take)?
        };
        Some(all / self.choices)
    }

    /// The figures of the first, and a maximum that neither exceeds.
    pub fn quote(
        &self,
        first: &OnSale,
        max_output_tokens: u64,
        second: Option<&Second>,
        at: DateTime<Utc>,
    ) -> Quote {
        let (price, take) = (&first.price, first.take);
        let quote = quote_choices(self.choices, price, take, self.prompt, max_output_tokens, at);
        let dearer = second.map(|second| self.ceiling(&second.on_sale, second.max_output_tokens));
        Quote { max_nanos: quote.max_nanos.max(dearer.unwrap_or_default()), ..quote }
    }
}
