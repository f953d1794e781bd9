//! Pages that letters lead to or come from. All of each is drawn by the server, and its forms need no scripts.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::api::letters::ReadLetterPage;
use crate::components::{Awaited, Drawing, FaultNotice};
use crate::door::Asked;

#[component]
pub fn ConfirmPage() -> impl IntoView {
    letter_page("confirm", "Confirm your address")
}

#[component]
pub fn ForgotPage() -> impl IntoView {
    letter_page("forgot", "Forgotten password")
}

#[component]
pub fn ResetPage() -> impl IntoView {
    letter_page("reset", "New password")
}

fn letter_page(page: &'static str, title: &'static str) -> AnyView {
    let query = use_query_map();
    let asked_for = move || {
        let query = query.read();
        [query.get("token"), query.get("done"), query.get("__err")]
    };
    let sheet = Asked::new(asked_for, move |[token, done, refusal]| ReadLetterPage {
        page: page.to_owned(),
        token,
        done,
        refusal,
    });
    let content = move || async move {
        match sheet.read().await {
            Ok(sheet) => view! { <Drawing of=sheet /> }.into_any(),
            Err(fault) => view! { <FaultNotice fault /> }.into_any(),
        }
    };
    view! {
        <Title text=title />
        <div class="page entrance">
            <div class="page-head"><h1>{title}</h1></div>
            <Awaited what="the page" content />
        </div>
    }
    .into_any()
}
