//! A buyer's API keys. All of the page is drawn by the server, and its forms need no scripts.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::sign_in::Refusal;
use crate::api::keys::ReadKeys;
use crate::components::{Awaited, Drawing};
use crate::door::Asked;

#[component]
pub fn KeysPage() -> impl IntoView {
    let query = use_query_map();
    let asked_for = move || {
        let query = query.read();
        (query.get("done"), query.get("__err"))
    };
    let sheet = Asked::new(asked_for, |(done, refusal)| ReadKeys { done, refusal });
    let content = move || async move {
        match sheet.read().await {
            Ok(sheet) => view! { <Drawing of=sheet /> }.into_any(),
            Err(fault) => view! { <Refusal fault /> }.into_any(),
        }
    };
    view! {
        <Title text="API keys" />
        <div class="page keys">
            <div class="page-head">
                <h1>"API keys"</h1>
                <p class="soft">"For your own programs: any OpenAI client works, with another base address and one of these."</p>
            </div>
            <Awaited what="your keys" content />
        </div>
    }
}
