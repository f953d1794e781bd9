//! One model: what it is, what it costs, what a day of it would cost, and how to call it.

pub mod calculator;
mod code;
mod facts;
mod head;
mod prices;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use marketplace::fault::Code;
use marketplace::model::{Kind, Listing};

use self::calculator::Calculator;
use self::code::CodeSamples;
use self::facts::{Benchmarks, Facts};
use self::head::Head;
use self::prices::Prices;
use super::models::known_rates;
use super::not_found::Missing;
use crate::api::models::ReadModel;
use crate::components::{Awaited, FaultNotice};
use crate::door::Asked;

#[component]
pub fn ModelPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")).unwrap_or_default());
    let listing = Asked::new(move || id.get(), |id| ReadModel { id });
    let page = move || async move {
        match listing.read().await {
            Ok(listing) => view! { <ModelSheet listing /> }.into_any(),
            Err(fault) if matches!(fault.0.code, Code::NotFound | Code::InvalidRequest) => view! {
                <Title text="Model not found" />
                <Missing title="No model goes by that name">
                    <p>"It may have been renamed. Nothing was charged."</p>
                </Missing>
            }
            .into_any(),
            Err(fault) => view! { <div class="page"><FaultNotice fault /></div> }.into_any(),
        }
    };
    view! { <Awaited what="the model" content=page /> }
}

#[component]
fn ModelSheet(listing: Listing) -> impl IntoView {
    let (input, output) = known_rates(&listing.model);
    let is_priced = input.is_some() && (output.is_some() || listing.model.kind == Kind::Embedding);
    let can_calculate = is_priced && !listing.model.free;
    let has_scores = !listing.model.benchmarks.is_empty();
    let can_call = listing.sale.is_open();
    view! {
        <Title text=listing.model.name.clone() />
        <article class="page model-page">
            <Head listing=listing.clone() />
            <nav class="anchors" aria-label="On this page">
                <a href="#price">"Price"</a>
                {can_calculate.then(|| view! { <a href="#calculator">"Calculator"</a> })}
                {can_call.then(|| view! { <a href="#code">"Code"</a> })}
                {has_scores.then(|| view! { <a href="#scores">"Scores"</a> })}
                <a href="#facts">"Facts"</a>
            </nav>
            <div class="model-columns">
                <div class="model-main">
                    <Prices listing=listing.clone() />
                    {can_calculate.then(|| view! { <Calculator listing=listing.clone() /> })}
                    {can_call.then(|| view! { <CodeSamples model=listing.model.clone() /> })}
                    {has_scores.then(|| view! { <Benchmarks scores=listing.model.benchmarks.clone() /> })}
                </div>
                <Facts listing />
            </div>
        </article>
    }
    .into_any()
}
