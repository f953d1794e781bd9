//! How the promise works, in three steps with the figures of a real model.

use chrono::DateTime;
use leptos::prelude::*;
use marketplace::model::Listing;
use marketplace::quote::{PromptSize, Quote, quote};

use crate::components::{Meter, MeterState};

const QUESTION_BYTES: usize = 600;
const LONGEST_ANSWER_TOKENS: u64 = 1_024;

#[component]
pub fn Promise(listings: Vec<Listing>) -> impl IntoView {
    let example = listings.into_iter().find_map(|listing| {
        let price = listing.model.price.as_ref().filter(|price| price.rates.output.0 > 0)?;
        let prompt = PromptSize::empty().with_message(QUESTION_BYTES);
        let quote = quote(price, listing.take, prompt, LONGEST_ANSWER_TOKENS, DateTime::UNIX_EPOCH);
        Some((listing.model.name, quote))
    });
    example.map(|(name, quote)| {
        view! {
            <section class="stack" aria-labelledby="promise-title">
                <h2 id="promise-title">"Before, during, after"</h2>
                <p class="soft">"A question of a hundred words to "{name}", answered in at most 1,024 tokens:"</p>
                <Steps quote />
            </section>
        }
    })
}

#[component]
fn Steps(quote: Quote) -> impl IntoView {
    let (likely, hold) = (quote.likely_nanos, quote.max_nanos);
    view! {
        <ol class="steps">
            <Step name="You see the price first" meter=MeterState::Quoted { likely, max: hold }>
                "The button tells the most this answer can cost. That is a promise: not one nano-dollar more is taken."
            </Step>
            <Step name="It is set aside, and the meter runs" meter=MeterState::Held { hold }>
                "Nobody else can spend it while the answer is written. Stop the answer, and the bill stops with it."
            </Step>
            <Step name="You pay for what was used" meter=MeterState::Settled { charge: likely, hold }>
                "The rest goes back at once. A receipt adds up line by line: the tokens, the provider’s price and our fee."
            </Step>
        </ol>
    }
    .into_any()
}

#[component]
fn Step(name: &'static str, meter: MeterState, children: Children) -> impl IntoView {
    view! {
        <li class="step">
            <div>
                <h3>{name}</h3>
                <p class="soft">{children()}</p>
            </div>
            <Meter state=meter />
        </li>
    }
    .into_any()
}
