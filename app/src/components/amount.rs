//! Money as the buyer reads it: figures of one width, and never a zero where a price is unknown.

use leptos::prelude::*;
use marketplace::money::{Nanos, Rate};

/// What something costs.
#[component]
pub fn Amount(#[prop(into)] nanos: Signal<Nanos>) -> impl IntoView {
    view! { <span class="num">{move || nanos.get().cost()}</span> }
}

/// A rate per million tokens.
#[component]
pub fn Price(rate: Option<Rate>) -> impl IntoView {
    match rate {
        Some(rate) => view! { <span class="num">{rate.per_million()}</span> }.into_any(),
        None => view! {
            <span class="num unknown" title="unknown">
                <span aria-hidden="true">"—"</span>
                <span class="visually-hidden">"unknown"</span>
            </span>
        }
        .into_any(),
    }
}
