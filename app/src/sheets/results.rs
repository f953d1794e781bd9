//! What was found: count, chips of what narrows it, rows or a table, and the way to the next page.

mod narrowing;
mod pager;
mod row;
mod table;

use engine::{Measures, Selection};
use leptos::prelude::*;
use marketplace::health::{HealthReport, Span};
use marketplace::search::{SORTS, Search, TABLE};

use self::narrowing::{Narrowing, narrowings};
use self::pager::Pager;
pub use self::row::{ModelRows, buyer_nanos, known_rates};
use self::table::Table;
use super::draw;
use super::filters::Filters;
use super::kept::{Kept, Things};
use crate::api::models::Found;
use crate::components::{Drawn, Empty, Icon};
use crate::context::Caller;

pub const PATH: &str = "/models";
const FILE: &str = "/models.csv";
const PER_PAGE: u32 = 24;
/// A table is for the dense-minded.
const PER_PAGE_TABLE: u32 = 60;
const PER_PAGE_MAX: u32 = 100;

static KEPT: Kept<Found> = Kept::new();

/// By what the list can be narrowed and what was found, as the address asks.
pub async fn sheet(caller: &Caller, query: &str) -> Found {
    // Models are listed whether or not it can be told how they did.
    let report = caller.engine.health(&caller.actor, Span::Month).await.ok();
    KEPT.get(Things::now(caller, report.clone()), query, || drawn(caller, query, report.as_deref()))
}

fn drawn(caller: &Caller, query: &str, report: Option<&HealthReport>) -> Found {
    let search = Search::read(query);
    let measures = report.map(Measures::new).unwrap_or_default();
    let usual = if search.is_table() { PER_PAGE_TABLE } else { PER_PAGE };
    let per_page = search.per_page.unwrap_or(usual).min(PER_PAGE_MAX);
    let page = Search { page: Some(search.page.unwrap_or(1)), per_page: Some(per_page), ..search.clone() };
    let selection = caller.engine.search_measured(&caller.actor, &page, &measures);
    let count = |search: &Search| caller.engine.search_models(&caller.actor, search).found.total;
    // Only where nothing is left does it matter what each of them costs.
    let counted: Option<narrowing::Count> = if selection.found.total == 0 { Some(&count) } else { None };
    let narrowings = narrowings(&search, counted);
    let facets = selection.found.facets.clone();
    let filters = search.clone();
    Found {
        filters: draw(|| view! { <Filters search=filters facets /> }),
        results: results(&search, narrowings, &selection, &measures),
    }
}

fn results(search: &Search, narrowings: Vec<Narrowing>, selection: &Selection, measures: &Measures) -> Drawn {
    let found = &selection.found;
    draw(|| {
        let pager = view! { <Pager search=search.clone() page=found.page pages=found.pages /> };
        let body = if found.at.is_empty() {
            view! { <NothingFound narrowings=narrowings.clone() /> }.into_any()
        } else if search.is_table() {
            view! { {Table { search, measures }.draw(selection.iter())}{pager} }.into_any()
        } else {
            view! { {row::rows(selection.iter(), measures)}{pager} }.into_any()
        };
        view! { <Line search=search.clone() total=found.total narrowings />{body} }
    })
}

/// What narrows the list, how many are left, and how they are shown.
#[component]
fn Line(search: Search, total: usize, narrowings: Vec<Narrowing>) -> impl IntoView {
    let count = match total {
        1 => "1 model".to_owned(),
        many => format!("{many} models"),
    };
    view! {
        <div class="found-line">
            <Chips narrowings />
            <p role="status">{count}</p>
            <Views search=search.clone() />
            <Sorts sort=search.sort />
        </div>
    }
    .into_any()
}

#[component]
fn Chips(narrowings: Vec<Narrowing>) -> impl IntoView {
    let many = narrowings.len() > 1;
    let chips = narrowings.into_iter().map(|narrowing| {
        view! {
            <li>
                <a class="chip on" href=narrowing.without>
                    {narrowing.label}
                    <span class="visually-hidden">", remove"</span>
                    <Icon name="x" />
                </a>
            </li>
        }
    });
    view! {
        <ul class="chips" aria-label="Active filters">
            {chips.collect_view()}
            {many.then(|| view! { <li><a class="chip" href=PATH>"Clear all"</a></li> })}
        </ul>
    }
    .into_any()
}

/// List or table, and the selection as a file.
#[component]
fn Views(search: Search) -> impl IntoView {
    let table = search.is_table();
    let whole = Search { page: None, per_page: None, view: String::new(), ..search.clone() };
    let to = |view: &str| Search { view: view.to_owned(), page: None, ..search.clone() }.address(PATH);
    let current = |is_so: bool| is_so.then_some("true");
    view! {
        <nav class="views" aria-label="Shown as">
            <a href=to("") aria-current=current(!table)>"List"</a>
            <a href=to(TABLE) aria-current=current(table)>"Table"</a>
            <a href=whole.address(FILE) rel="external" download="models.csv">"CSV"</a>
        </nav>
    }
    .into_any()
}

/// A field of the form that stands beside the results.
#[component]
fn Sorts(sort: String) -> impl IntoView {
    // What only a heading of the table asks for is among the choices while it is chosen.
    let turned = [
        ("-name", "Name, Z first"),
        ("-output", "Output price, high first"),
        ("-context", "Context, short first"),
        ("-newest", "Oldest"),
        ("-latency", "First token, slow first"),
        ("-speed", "Tokens a second, slow first"),
        ("-popular", "Least called here"),
    ];
    let options = SORTS.into_iter().chain(turned.into_iter().filter(|(value, _)| *value == sort));
    let options = options.map(|(value, label)| {
        let is_chosen = value == sort;
        view! { <option value=value selected=is_chosen>{label}</option> }
    });
    view! {
        <label class="sort-field">
            <span class="soft">"Sort"</span>
            <select name="sort" form="find">{options.collect_view()}</select>
        </label>
    }
    .into_any()
}

/// Each thing that could be given up is one link away, and says what it would bring back.
#[component]
fn NothingFound(narrowings: Vec<Narrowing>) -> impl IntoView {
    let mut narrowings = narrowings;
    narrowings.sort_by_key(|narrowing| std::cmp::Reverse(narrowing.brings));
    let is_one_too_many = narrowings.first().is_some_and(|narrowing| narrowing.brings > Some(0));
    let advice =
        if is_one_too_many { "Give one of these up:" } else { "No single one of these is at fault:" };
    let helps = move |narrowing: &Narrowing| !is_one_too_many || narrowing.brings > Some(0);
    let links = narrowings.into_iter().filter(helps).map(|narrowing| {
        let brings = narrowing.brings.map(|many| format!(" ({many})"));
        view! { <a class="button" href=narrowing.without>"Without "{narrowing.label}{brings}</a> }
    });
    view! {
        <Empty title="No model is all of that">
            <p>{advice}</p>
            <div class="cluster">
                {links.collect_view()}
                <a class="button primary" href=PATH>"Show every model"</a>
            </div>
        </Empty>
    }
    .into_any()
}
