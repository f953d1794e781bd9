//! The months an account has statements for.

use leptos::prelude::*;
use leptos_meta::Title;

use super::sign_in::Refusal;
use crate::api::statements::ListStatements;
use crate::components::{Awaited, Drawing};
use crate::door::Asked;

#[component]
pub fn StatementsPage() -> impl IntoView {
    let months = Asked::once(ListStatements {});
    let content = move || async move {
        match months.read().await {
            Ok(list) => view! { <Drawing of=list /> }.into_any(),
            Err(fault) => view! { <Refusal fault /> }.into_any(),
        }
    };
    view! {
        <Title text="Statements" />
        <div class="page receipt">
            <div class="page-head">
                <h1>"Statements"</h1>
                <p class="soft">"Each month signed, chained to the one before, and recomputed by whoever checks it."</p>
            </div>
            <Awaited what="your statements" content />
        </div>
    }
}
