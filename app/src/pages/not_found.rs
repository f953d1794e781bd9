//! The page that stands where there is none.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::api::models::PageMissing;
use crate::components::{Awaited, Icon};
use crate::door::Asked;

#[component]
pub fn NotFoundPage() -> impl IntoView {
    // Only the server's answer has a status; the page itself needs nothing from it.
    let missing = Asked::once(PageMissing {});
    let told = move || async move {
        let _ = missing.read().await;
        ().into_any()
    };
    view! {
        <Title text="Page not found" />
        <Awaited content=told />
        <Missing title="There is no such page">
            <p>"The address may be mistyped, or the page has moved. Nothing was charged."</p>
        </Missing>
    }
}

/// What somebody may do who came to the wrong place.
#[component]
pub fn Missing(#[prop(into)] title: String, children: Children) -> impl IntoView {
    view! {
        <div class="page missing">
            <p class="missing-code num" aria-hidden="true">"404"</p>
            <h1>{title}</h1>
            {children()}
            <form class="big-search" action="/models" method="get">
                <label>
                    <span class="visually-hidden">"Search models"</span>
                    <Icon name="search" />
                    <input class="input" type="search" name="q" placeholder="Search models" autocomplete="off" />
                </label>
                <button class="button primary" type="submit">"Search"</button>
            </form>
            <p class="cluster">
                <a class="button" href="/models">"All models"</a>
                <a class="button" href="/">"Home"</a>
            </p>
        </div>
    }
    .into_any()
}
