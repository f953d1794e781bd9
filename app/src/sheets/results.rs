//! What was found: count, chips of what narrows it, rows, and the way to the next page.

mod row;

use leptos::prelude::*;
use marketplace::model::{Listing, publisher_name, short_count};
use marketplace::search::Search;

pub use self::row::{ModelRows, buyer_nanos, known_rates};
use super::draw;
use crate::components::{Drawn, Empty, Icon};
use crate::pages::address;
use crate::pages::words::{ability_name, kind_name, provider_name, status_name};

/// One page of what was found.
pub struct Shelf {
    pub listings: Vec<Listing>,
    pub total: usize,
    pub page: u32,
    pub pages: u32,
}

pub fn sheet(search: Search, shelf: Shelf) -> Drawn {
    draw(|| view! { <Results search shelf /> })
}

#[component]
fn Results(search: Search, shelf: Shelf) -> impl IntoView {
    let count = match shelf.total {
        1 => "1 model".to_owned(),
        many => format!("{many} models"),
    };
    let is_empty = shelf.listings.is_empty();
    view! {
        <div class="found-line">
            <Narrowings search=search.clone() />
            <p role="status">{count}</p>
        </div>
        {if is_empty {
            view! { <NothingFound search /> }.into_any()
        } else {
            view! {
                <ModelRows listings=shelf.listings />
                <Pager search page=shelf.page pages=shelf.pages />
            }
            .into_any()
        }}
    }
    .into_any()
}

#[component]
fn Narrowings(search: Search) -> impl IntoView {
    let narrowings = narrowings(&search);
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
    let narrowings = narrowings(&search);
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

/// What narrows the search, in words, and the search without it.
fn narrowings(search: &Search) -> Vec<(String, Search)> {
    let first = Search { page: None, ..search.clone() };
    let mut found = Vec::new();
    let mut note = |is_set: bool, label: String, without: Search| {
        if is_set {
            found.push((label, without));
        }
    };
    let s = search;
    note(!s.q.is_empty(), format!("“{}”", s.q), Search { q: String::new(), ..first.clone() });
    note(!s.kind.is_empty(), kind_name(&s.kind).to_owned(), Search { kind: String::new(), ..first.clone() });
    note(
        !s.capability.is_empty(),
        ability_name(&s.capability),
        Search { capability: String::new(), ..first.clone() },
    );
    note(
        !s.provider.is_empty(),
        provider_name(&s.provider),
        Search { provider: String::new(), ..first.clone() },
    );
    note(
        !s.author.is_empty(),
        format!("by {}", publisher_name(&s.author)),
        Search { author: String::new(), ..first.clone() },
    );
    note(!s.input.is_empty(), format!("{} in", s.input), Search { input: String::new(), ..first.clone() });
    note(
        !s.output.is_empty(),
        format!("{} out", s.output),
        Search { output: String::new(), ..first.clone() },
    );
    note(
        !s.status.is_empty(),
        status_name(&s.status).to_owned(),
        Search { status: String::new(), ..first.clone() },
    );
    let least = s.min_context.map(short_count).unwrap_or_default();
    note(
        s.min_context.is_some(),
        format!("≥ {least} context"),
        Search { min_context: None, ..first.clone() },
    );
    let most = s.max_price.trim_start_matches('$');
    note(
        !s.max_price.is_empty(),
        format!("≤ ${most} / M in"),
        Search { max_price: String::new(), ..first.clone() },
    );
    note(s.sale == "open", "For sale now".to_owned(), Search { sale: String::new(), ..first.clone() });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removing_a_narrowing_returns_to_the_first_page() {
        let search =
            Search { kind: "chat".to_owned(), q: "gpt".to_owned(), page: Some(3), ..Search::default() };
        let addresses: Vec<String> =
            narrowings(&search).iter().map(|(_, without)| address::write(without)).collect();
        assert_eq!(addresses, ["/models?kind=chat", "/models?q=gpt"]);
    }
}
