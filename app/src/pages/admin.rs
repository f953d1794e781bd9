//! What the operator sees: earnings, the state of the books, and who did what.

mod books;
mod tables;

use leptos::prelude::*;
use leptos_meta::Title;
use marketplace::money::group;
use marketplace::operator::{Overview, Span};

use self::books::Books;
use self::tables::{AuditTable, TopModels};
use super::sign_in::Refusal;
use crate::api::operator::ReadOverview;
use crate::components::Awaited;
use crate::door::Asked;

#[component]
pub fn AdminPage() -> impl IntoView {
    let overview = Asked::once(ReadOverview {});
    let content = move || async move {
        match overview.read().await {
            Ok(overview) => view! { <Panels overview /> }.into_any(),
            Err(fault) => view! { <Refusal fault /> }.into_any(),
        }
    };
    view! {
        <Title text="Admin" />
        <div class="page admin">
            <div class="page-head">
                <h1>"Overview"</h1>
                <p class="soft">"Sums over the ledger itself; there is no second set of books."</p>
            </div>
            <Awaited what="the books" content />
        </div>
    }
}

#[component]
fn Panels(overview: Overview) -> impl IntoView {
    let books = view! { <Books overview=overview.clone() /> };
    view! {
        <section class="stack" aria-labelledby="earnings-heading">
            <h2 id="earnings-heading">"Earnings"</h2>
            <div class="spans">{overview.spans.into_iter().map(|span| view! { <SpanCard span /> }).collect_view()}</div>
        </section>
        {books}
        <TopModels models=overview.top_models />
        <AuditTable lines=overview.audit />
    }
}

#[component]
fn SpanCard(span: Span) -> impl IntoView {
    let title = if span.days <= 1 { "Today".to_owned() } else { format!("{} days", span.days) };
    view! {
        <section class="card span">
            <h3>{title}</h3>
            <p class="span-figure num">{span.revenue_nanos.balance()}</p>
            <p class="soft">"revenue"</p>
            <dl class="kv">
                <dt>"Commission"</dt><dd class="num">{span.commission_nanos.balance()}</dd>
                <dt>"For providers"</dt><dd class="num">{span.provider_nanos.balance()}</dd>
                <dt>"Calls"</dt><dd class="num">{count(span.calls)}</dd>
                <dt>"Of them failed"</dt><dd class="num">{count(span.failed_calls)}</dd>
                <dt>"Active users"</dt><dd class="num">{count(span.active_users)}</dd>
            </dl>
        </section>
    }
}

fn count(number: i64) -> String {
    group(number.unsigned_abs())
}
