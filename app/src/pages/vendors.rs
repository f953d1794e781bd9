//! Vendors and the keys of ours at them. All of the page is drawn by the server, and its forms need no scripts.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::sign_in::Refusal;
use crate::api::vendors::ReadVendors;
use crate::components::{Awaited, Drawing};
use crate::door::Asked;

#[component]
pub fn VendorsPage() -> impl IntoView {
    let query = use_query_map();
    let asked_for = move || {
        let query = query.read();
        (query.get("done"), query.get("__err"))
    };
    let sheet = Asked::new(asked_for, |(done, refusal)| ReadVendors { done, refusal });
    let content = move || async move {
        match sheet.read().await {
            Ok(sheet) => view! { <Drawing of=sheet /> }.into_any(),
            Err(fault) => view! { <Refusal fault /> }.into_any(),
        }
    };
    view! {
        <Title text="Vendors" />
        <div class="page admin">
            <div class="page-head">
                <h1>"Vendors"</h1>
            </div>
            <Awaited what="the vendors" content />
        </div>
    }
}
