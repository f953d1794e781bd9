//! A rate as the buyer reads it, and never a zero where it is unknown.

use leptos::prelude::*;
use marketplace::money::Rate;

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
