//! The page that stands where there is none.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::api::models::page_missing;
use crate::components::Icon;

#[component]
pub fn NotFoundPage() -> impl IntoView {
    // Only the server's answer has a status; the page itself needs nothing from it.
    let missing = OnceResource::new(page_missing());
    view! {
        <Title text="Page not found" />
        <Suspense fallback=|| ()>{move || Suspend::new(async move { missing.await.is_err().then_some(()) })}</Suspense>
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
