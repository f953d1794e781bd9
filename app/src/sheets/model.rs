//! One model: what it is, what it costs, and how to call it.

mod facts;
mod head;
mod prices;

use leptos::prelude::*;
use marketplace::model::{Kind, Listing};

use self::facts::{Benchmarks, Facts};
use self::head::Head;
use self::prices::Prices;
use super::code::CodeSamples;
use super::draw;
use super::results::known_rates;
use crate::api::models::{ModelSheet, Tariff};

/// `origin` is the address this market was reached at.
pub fn sheet(listing: &Listing, origin: String) -> ModelSheet {
    let model = &listing.model;
    let (input, output) = known_rates(model);
    let is_priced = input.is_some() && (output.is_some() || model.kind == Kind::Embedding);
    let is_told_in_words = is_priced && !model.free && model.kind != Kind::Image;
    let price = model.price.clone().filter(|_| is_told_in_words);
    let tariff = price.map(|price| Tariff {
        href: listing.href(),
        price,
        take: listing.take,
        generates: model.kind != Kind::Embedding,
    });
    let can_call = listing.sale.is_open();
    let has_scores = !model.benchmarks.is_empty();
    let can_calculate = tariff.is_some();
    ModelSheet {
        name: model.name.clone(),
        head: draw(|| {
            view! { <Head listing=listing.clone() /><Anchors can_calculate can_call has_scores /> }
        }),
        prices: draw(|| view! { <Prices listing=listing.clone() /> }),
        tariff,
        more: draw(|| {
            view! {
                {can_call.then(|| view! { <CodeSamples model=model.clone() origin /> })}
                {has_scores.then(|| view! { <Benchmarks scores=model.benchmarks.clone() /> })}
            }
        }),
        facts: draw(|| view! { <Facts listing=listing.clone() /> }),
    }
}

#[component]
fn Anchors(can_calculate: bool, can_call: bool, has_scores: bool) -> impl IntoView {
    view! {
        <nav class="anchors" aria-label="On this page">
            <a href="#price">"Price"</a>
            {can_calculate.then(|| view! { <a href="#calculator">"Calculator"</a> })}
            {can_call.then(|| view! { <a href="#code">"Code"</a> })}
            {has_scores.then(|| view! { <a href="#scores">"Scores"</a> })}
            <a href="#facts">"Facts"</a>
        </nav>
    }
}
