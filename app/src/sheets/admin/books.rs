//! The state of the books: whose money is here, what is held, and whether all entries sum to zero.

use leptos::prelude::*;
use marketplace::money::Nanos;
use marketplace::operator::Overview;

use super::count;

#[component]
pub fn Books(overview: Overview) -> impl IntoView {
    let balanced = if overview.entry_sum_nanos == Nanos::ZERO {
        view! { <span class="chip good">"balanced"</span> }.into_any()
    } else {
        view! { <span class="chip bad">"off by "{overview.entry_sum_nanos.cost()}</span> }.into_any()
    };
    view! {
        <section class="card stack books" aria-labelledby="books-heading">
            <div class="split">
                <h2 id="books-heading">"The books"</h2>
                {balanced}
            </div>
            <dl class="kv">
                <dt>"Users"</dt><dd class="num">{count(overview.users)}</dd>
                <dt>"Owed to them"</dt><dd class="num">{overview.balances_nanos.balance()}</dd>
                <dt>"Of it held"</dt><dd class="num">{overview.held_nanos.balance()}</dd>
                <dt>"Open holds"</dt><dd class="num">{count(overview.open_holds)}</dd>
                <dt>"Sum of all entries"</dt><dd class="num">{overview.entry_sum_nanos.cost()}</dd>
            </dl>
        </section>
    }
}
