//! The catalogue: filters beside what they leave, all of it in the address. The server draws all but the words.

pub mod words;

use std::time::Duration;

use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::leptos_dom::helpers::debounce;
use leptos::prelude::*;
use leptos::web_sys::Event;
use leptos_meta::Title;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_query_map};

use crate::api::models::{Found, SearchModels};
use crate::browser;
use crate::components::{Awaited, Drawing, FaultNotice, Icon};
use crate::door::Asked;

const TYPING_PAUSE: Duration = Duration::from_millis(30);

#[component]
pub fn ModelsPage() -> impl IntoView {
    let query = use_location().search;
    let found = Asked::new(move || query.get(), |query| SearchModels { query });
    let results = move || async move {
        match found.read().await {
            Ok(found) => view! { <Drawing of=found.results /> }.into_any(),
            Err(fault) => view! { <FaultNotice fault /> }.into_any(),
        }
    };
    let form = NodeRef::<html::Form>::new();
    let navigate = use_navigate();
    // Whoever types makes no history; whoever chooses can go back.
    let apply = StoredValue::new(move |replace: bool| {
        if let Some(fields) = form.get_untracked().and_then(|form| browser::chosen(&form)) {
            let options = NavigateOptions { replace, scroll: false, ..NavigateOptions::default() };
            let joint = if fields.is_empty() { "" } else { "?" };
            navigate(&format!("/models{joint}{fields}"), options);
        }
    });
    let apply_soon = debounce(TYPING_PAUSE, move |()| apply.with_value(|apply| apply(true)));
    // Filters are drawn anew with what they leave; whoever stands in one is put back there.
    let spot = StoredValue::new(None::<String>);
    Effect::new(move || {
        found.track();
        if let Some(spot) = spot.try_update_value(Option::take).flatten() {
            browser::return_to(spot);
        }
    });
    let choose = move |event: Event| {
        if let Some(place) = browser::spot(&event) {
            spot.set_value(Some(place));
            apply.with_value(|apply| apply(false));
        }
    };
    view! {
        <Title text="Models" />
        <div class="page">
            <div class="page-head">
                <h1>"Every model, one balance"</h1>
                <p>"Prices are what you pay, fee included, in dollars per million tokens."</p>
            </div>
            <div class="catalogue" on:change=choose>
                <form
                    class="search-form"
                    id="find"
                    action="/models"
                    method="get"
                    node_ref=form
                    on:submit=move |event: SubmitEvent| {
                        event.prevent_default();
                        apply.with_value(|apply| apply(false));
                    }
                >
                    <div class="search-line">
                        <WordsField on_type=apply_soon />
                        <button class="button primary unscripted" type="submit">"Show"</button>
                    </div>
                    <FilterPanel found />
                </form>
                <section class="found" aria-labelledby="found-title">
                    <h2 class="visually-hidden" id="found-title">"Models found"</h2>
                    <Awaited what="the models" content=results />
                </section>
            </div>
        </div>
    }
}

/// Scripts apply a choice at once; without them a button does.
#[component]
fn FilterPanel(found: Asked<Found>) -> impl IntoView {
    let filters = move || async move {
        let found = found.read().await.ok();
        found.map(|found| view! { <Drawing of=found.filters /> }.into_any()).into_any()
    };
    view! {
        <details class="filters">
            <summary class="button"><Icon name="sliders-horizontal" />"Filters"</summary>
            <div class="filters-panel">
                <Awaited content=filters />
                <button class="button unscripted" type="submit">"Apply filters"</button>
            </div>
        </details>
    }
    .into_any()
}

#[component]
fn WordsField(mut on_type: impl FnMut(()) + 'static + Send) -> impl IntoView {
    let query = use_query_map();
    let words = Memo::new(move |_| query.with(|query| query.get("q").unwrap_or_default()));
    let field = NodeRef::<html::Input>::new();
    Effect::new(move || {
        let words = words.get();
        // Somebody still typing is ahead of the address.
        if let Some(field) = field.get().filter(|field| document().active_element().as_ref() != Some(field)) {
            field.set_value(&words);
        }
    });
    view! {
        <label class="words-field">
            <span class="visually-hidden">"Search models"</span>
            <Icon name="search" />
            <input
                class="input"
                type="search"
                name="q"
                placeholder="Name, maker, ability…"
                autocomplete="off"
                maxlength="200"
                value=words.get_untracked()
                node_ref=field
                on:input=move |_| on_type(())
            />
        </label>
    }
    .into_any()
}
