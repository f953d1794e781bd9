//! The receipt of one call, fit for printing: it adds up line by line, to the last digit.

mod sums;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use marketplace::receipt::Receipt;
use marketplace::usage::UsageSource;

use self::sums::{HoldTable, LineTable};
use super::billing::Moment;
use super::sign_in::Refusal;
use crate::api::billing::ReadReceipt;
use crate::components::Awaited;
use crate::door::Asked;

#[component]
pub fn ReceiptPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    let receipt = Asked::new(move || id.get(), |id| ReadReceipt { id });
    let content = move || async move {
        match receipt.read().await {
            Ok(receipt) => view! { <Sheet receipt /> }.into_any(),
            Err(fault) => view! { <Refusal fault /> }.into_any(),
        }
    };
    view! {
        <Title text="Receipt" />
        <div class="page receipt">
            <div class="page-head">
                <h1>"Receipt"</h1>
                <p class="soft">"For call "<span class="num">{id}</span></p>
            </div>
            <Awaited what="the receipt" content />
        </div>
    }
}

#[component]
fn Sheet(receipt: Receipt) -> impl IntoView {
    let json = format!("/api/v1/receipts/{}", receipt.id);
    let print = |_| {
        // A browser that cannot print says so itself.
        let _ = window().print();
    };
    view! {
        <article class="card stack sheet" aria-label="Receipt">
            <Facts receipt=receipt.clone() />
            <LineTable receipt=receipt.clone() />
            <HoldTable receipt />
        </article>
        <p class="cluster sheet-actions">
            <a class="button" href=json rel="external">"As JSON"</a>
            <a class="button" href="/billing">"Ledger"</a>
            <button type="button" class="button scripted" on:click=print>"Print"</button>
        </p>
    }
}

#[component]
fn Facts(receipt: Receipt) -> impl IntoView {
    view! {
        <dl class="kv">
            <dt>"Model"</dt>
            <dd><a href=format!("/models/{}", receipt.model)>{receipt.model.to_string()}</a></dd>
            <dt>"Answered by"</dt><dd>{receipt.provider.to_string()}</dd>
            <dt>"Begun"</dt><dd><Moment at=receipt.created_at /></dd>
            {receipt.settled_at.map(|at| view! { <dt>"Settled"</dt><dd><Moment at /></dd> })}
            <dt>"Ended with"</dt><dd>{receipt.finish}</dd>
            <dt>"Tokens counted by"</dt><dd>{counted_by(receipt.usage_source)}</dd>
            <dt>"Price version"</dt><dd class="num">{receipt.price_version.to_string()}</dd>
        </dl>
    }
}

fn counted_by(source: UsageSource) -> &'static str {
    match source {
        UsageSource::Provider => "the provider",
        UsageSource::Estimated => "our estimate; the provider's count did not arrive",
        UsageSource::None => "nobody; nothing was billed",
    }
}
