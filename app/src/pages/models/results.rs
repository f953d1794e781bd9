//! What was found: count, chips of what narrows it, rows, and the way to the next page.

use leptos::prelude::*;
use marketplace::search::{Found, Search};

use super::address;
use super::row::ModelRows;
use crate::components::{Empty, Icon};

#[component]
pub fn Results(search: Search, found: Found) -> impl IntoView {
    let count = match found.total {
        1 => "1 model".to_owned(),
        many => format!("{many} models"),
    };
    let is_empty = found.listings.is_empty();
    view! {
        <div class="found-line">
            <Narrowings search=search.clone() />
            <p role="status">{count}</p>
        </div>
        {if is_empty {
            view! { <NothingFound search /> }.into_any()
        } else {
            view! {
                <ModelRows listings=found.listings />
                <Pager search page=found.page pages=found.pages />
            }
            .into_any()
        }}
    }
    .into_any()
}

#[component]
fn Narrowings(search: Search) -> impl IntoView {
    let narrowings = address::narrowings(&search);
    let many = narrowings.len() > 1;
    view! {
        <ul class="chips" aria-label="Active filters">
            {narrowings.into_iter().map(|(label, without)| view! {
                <li>
                    <a class="chip on" href=address::write(&without)>
                        {label}
                        <span class="visually-hidden">", remove"</span>
                        <Icon name="x" />
                    </a>
                </li>
            }).collect_view()}
            {many.then(|| view! { <li><a class="chip" href="/models">"Clear all"</a></li> })}
        </ul>
    }
    .into_any()
}

/// Each thing that could be given up is one link away.
#[component]
fn NothingFound(search: Search) -> impl IntoView {
    let narrowings = address::narrowings(&search);
    view! {
        <Empty title="No model is all of that">
            <p>"Give one of these up:"</p>
            <div class="cluster">
                {narrowings.into_iter().map(|(label, without)| view! {
                    <a class="button" href=address::write(&without)>"Without "{label}</a>
                }).collect_view()}
                <a class="button primary" href="/models">"Show every model"</a>
            </div>
        </Empty>
    }
    .into_any()
}

#[component]
fn Pager(search: Search, page: u32, pages: u32) -> impl IntoView {
    let to = move |page: u32| address::write(&Search { page: Some(page), ..search.clone() });
    let numbers = (1..=pages).map(|number| {
        let current = (number == page).then_some("page");
        view! { <li><a href=to(number) aria-current=current><span class="visually-hidden">"Page "</span>{number}</a></li> }
    });
    let before = (page > 1).then(|| view! { <a class="button" rel="prev" href=to(page - 1)>"Previous"</a> });
    let after = (page < pages).then(|| view! { <a class="button" rel="next" href=to(page + 1)>"Next"</a> });
    (pages > 1).then(|| {
        view! {
            <nav class="pager" aria-label="Pages of models">
                {before}
                <ol class="num">{numbers.collect_view()}</ol>
                {after}
            </nav>
        }
    })
}
