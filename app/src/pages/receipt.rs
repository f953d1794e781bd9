//! The receipt of one call, fit for printing: it adds up line by line, to the last digit.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::sign_in::Refusal;
use crate::api::billing::ReadReceipt;
use crate::components::{Awaited, Drawing, PrintButton};
use crate::door::Asked;

#[component]
pub fn ReceiptPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    let receipt = Asked::new(move || id.get(), |id| ReadReceipt { id });
    let content = move || async move {
        match receipt.read().await {
            Ok(sheet) => view! { <Drawing of=sheet /><Actions id=id.get_untracked() /> }.into_any(),
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
fn Actions(id: String) -> impl IntoView {
    view! {
        <p class="cluster sheet-actions">
            <a class="button" href=format!("/api/v1/receipts/{id}") rel="external">"As JSON"</a>
            <a class="button" href="/billing">"Ledger"</a>
            <PrintButton />
        </p>
    }
}
