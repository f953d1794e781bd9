//! The catalogue: filters beside what they leave, all of it in the address.

pub mod address;
mod filters;
pub mod words;

use std::time::Duration;

use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::leptos_dom::helpers::debounce;
use leptos::prelude::*;
use leptos::web_sys::FormData;
use leptos_meta::Title;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};
use marketplace::search::{SORTS, Search};

use self::filters::Filters;
use crate::api::models::{Found, SearchModels};
use crate::components::{Awaited, Drawing, FaultNotice, Icon};
use crate::door::Asked;

const TYPING_PAUSE: Duration = Duration::from_millis(180);

#[component]
pub fn ModelsPage() -> impl IntoView {
    let query = use_query_map();
    let search = Memo::new(move |_| query.with(|query| address::read(|name| query.get(name))));
    let found = Asked::new(move || search.get(), |search| SearchModels { search });
    let results = move || async move {
        match found.read().await {
            Ok(found) => view! { <Drawing of=found.results /> }.into_any(),
            Err(fault) => view! { <FaultNotice fault /> }.into_any(),
        }
    };
    view! {
        <Title text="Models" />
        <div class="page">
            <div class="page-head">
                <h1>"Every model, one balance"</h1>
                <p>"Prices are what you pay, fee included, in dollars per million tokens."</p>
            </div>
            <div class="catalogue">
                <SearchForm search found />
                <section class="found" aria-labelledby="found-title">
                    <h2 class="visually-hidden" id="found-title">"Models found"</h2>
                    <Awaited what="the models" content=results />
                </section>
            </div>
        </div>
    }
}

/// Everything that narrows or orders the list. Scripts apply it at once; without them a button does.
#[component]
fn SearchForm(search: Memo<Search>, found: Asked<Found>) -> impl IntoView {
    let form = NodeRef::<html::Form>::new();
    let navigate = use_navigate();
    let apply = move || {
        if let Some(fields) = form.get_untracked().and_then(|form| FormData::new_with_form(&form).ok()) {
            let wanted = address::read(|name| fields.get(name).as_string());
            let options = NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() };
            navigate(&address::write(&wanted), options);
        }
    };
    let apply = StoredValue::new(apply);
    let apply_soon = debounce(TYPING_PAUSE, move |_| apply.with_value(|apply| apply()));
    let filters = move || async move {
        let found = found.read().await.ok();
        found
            .map(|found| view! { <Filters search=search.get_untracked() facets=found.facets /> }.into_any())
            .into_any()
    };
    view! {
        <form
            class="search-form"
            action="/models"
            method="get"
            node_ref=form
            on:submit=move |event: SubmitEvent| {
                event.prevent_default();
                apply.with_value(|apply| apply());
            }
            on:change=move |_| apply.with_value(|apply| apply())
        >
            <div class="search-line">
                <WordsField words=Memo::new(move |_| search.with(|search| search.q.clone())) on_type=apply_soon />
                <SortField search />
                <button class="button primary unscripted" type="submit">"Show"</button>
            </div>
            <details class="filters">
                <summary class="button"><Icon name="sliders-horizontal" />"Filters"</summary>
                <div class="filters-panel">
                    <Awaited content=filters />
                    <button class="button unscripted" type="submit">"Apply filters"</button>
                </div>
            </details>
        </form>
    }
    .into_any()
}

#[component]
fn WordsField(words: Memo<String>, mut on_type: impl FnMut(()) + 'static + Send) -> impl IntoView {
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

#[component]
fn SortField(search: Memo<Search>) -> impl IntoView {
    let options = SORTS.map(|(value, label)| {
        let is_chosen = move || search.with(|search| search.sort == value);
        view! { <option value=value selected=is_chosen prop:selected=is_chosen>{label}</option> }.into_any()
    });
    view! {
        <label class="sort-field">
            <span class="soft">"Sort"</span>
            <select name="sort">{options.into_iter().collect_view()}</select>
        </label>
    }
    .into_any()
}
