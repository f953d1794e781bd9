//! What a dollar buys: three kinds of work at the real prices of three models.

use leptos::prelude::*;
use marketplace::model::Listing;
use marketplace::money::{Nanos, group};

use crate::components::Amount;
use crate::pages::model::calculator::charge_for_words;

/// A kind of work, by its words in and out.
struct Work {
    name: &'static str,
    words_in: u64,
    words_out: u64,
}

const WORKS: [Work; 3] = [
    Work { name: "answers of 1,000 words", words_in: 50, words_out: 1_000 },
    Work { name: "summaries of a 20-page report", words_in: 8_000, words_out: 250 },
    Work { name: "replies in a chat", words_in: 400, words_out: 80 },
];

struct Example {
    count: u64,
    work: &'static str,
    each: Nanos,
    model: String,
    href: String,
}

#[component]
pub fn Dollar(listings: Vec<Listing>) -> impl IntoView {
    let examples = examples(&listings);
    let cards = examples.into_iter().map(|example| view! {
        <li class="card dollar">
            <p><b class="dollar-count num">{group(example.count)}</b>{example.work}</p>
            <p class="soft">"from "<a href=example.href>{example.model}</a>", "<Amount nanos=example.each />" each"</p>
        </li>
    });
    view! {
        <section class="stack" aria-labelledby="dollar-title">
            <h2 id="dollar-title">"What a dollar buys"</h2>
            <ul class="dollars">{cards.collect_view()}</ul>
        </section>
    }
    .into_any()
}

/// A work a model, as long as both last. What costs nothing would buy without end and shows nothing.
fn examples(listings: &[Listing]) -> Vec<Example> {
    let priced =
        listings.iter().filter_map(|listing| listing.model.price.as_ref().map(|price| (listing, price)));
    let paid = priced.filter(|(_, price)| price.rates.output.0 > 0);
    paid.zip(WORKS)
        .map(|((listing, price), work)| {
            let each = charge_for_words(price, listing.take, work.words_in, work.words_out).charge;
            Example {
                count: Nanos::from_usd(1).0.checked_div(each.0).unwrap_or_default().unsigned_abs(),
                work: work.name,
                each,
                model: listing.model.name.clone(),
                href: listing.href(),
            }
        })
        .collect()
}
