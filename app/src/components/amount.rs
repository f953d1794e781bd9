//! Money as the buyer reads it: figures of one width.

use leptos::prelude::*;
use marketplace::money::Nanos;

/// What something costs.
#[component]
pub fn Amount(#[prop(into)] nanos: Signal<Nanos>) -> impl IntoView {
    view! { <span class="num">{move || nanos.get().cost()}</span> }
}
