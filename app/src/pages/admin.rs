//! What the operator sees: earnings, the state of the books, and who did what.

use leptos::prelude::*;
use leptos_meta::Title;

use super::sign_in::Refusal;
use crate::api::operator::ReadOverview;
use crate::components::{Awaited, Drawing};
use crate::door::Asked;

#[component]
pub fn AdminPage() -> impl IntoView {
    let overview = Asked::once(ReadOverview {});
    let content = move || async move {
        match overview.read().await {
            Ok(panels) => view! { <Drawing of=panels /> }.into_any(),
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
