//! What the operator sees: earnings, the state of the books, and who did what.

mod books;
mod tables;

use leptos::prelude::*;
use marketplace::money::group;
use marketplace::operator::{Overview, Span};

use self::books::Books;
use self::tables::{AuditTable, TopModels};
use super::draw;
use super::place::Place;
use super::vendors::notice;
use crate::api::sheets::Sheet;
use crate::components::Drawn;
use crate::context::{Caller, subject};
use crate::error::AppError;

pub async fn page(place: &Place<'_>) -> Sheet {
    let lead =
        || view! { <p class="soft">"Sums over the ledger itself; there is no second set of books."</p> };
    place.page("Overview", "admin", lead, content(&place.caller).await).titled("Admin")
}

async fn content(caller: &Caller) -> Result<Drawn, AppError> {
    let overview = subject(caller.engine.overview(&caller.actor).await)?;
    let refusals = caller.engine.list_refusals(&caller.actor).await?;
    Ok(panels(overview, refusals))
}

/// `refusals` are the vendors that refuse our key, and since when.
fn panels(overview: Overview, refusals: Vec<(String, String)>) -> Drawn {
    draw(|| {
        view! {
            {refusals.into_iter().map(|(name, since)| notice(name, since)).collect_view()}
            <p><a class="button" href="/admin/vendors">"Vendors and their keys"</a></p>
            <Panels overview />
        }
    })
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
