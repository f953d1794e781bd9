//! Two to four models side by side: what each costs, can do, and was measured at.

mod chosen;
mod rows;
mod table;

use engine::Listings;
use leptos::prelude::*;
use marketplace::health::{HealthReport, Span};
use marketplace::model::Listing;

use self::chosen::MODELS_MAX;
pub use self::chosen::{Chosen, address};
use self::rows::groups;
use self::table::Table;
use super::draw;
use super::query::Query;
use crate::api::sheets::Sheet;
use crate::components::{Empty, Icon};
use crate::context::Caller;

const SUGGESTIONS: usize = 5;

pub async fn sheet(caller: &Caller, query: &Query) -> Sheet {
    let all = caller.engine.listings(&caller.actor);
    let chosen = Chosen::read(query, &all);
    // Models can be compared whether or not it can be told how they did.
    let health = caller.engine.health(&caller.actor, Span::Day).await.ok();
    let only_differences = query.text("rows") == "differences";
    let title = chosen.title().unwrap_or_else(|| "Compare models".to_owned());
    let body =
        draw(|| view! { <ComparePage chosen all health=health.as_deref().cloned() only_differences /> });
    Sheet { title, body }
}

#[component]
fn ComparePage(
    chosen: Chosen,
    all: Listings,
    health: Option<HealthReport>,
    only_differences: bool,
) -> impl IntoView {
    let is_empty = chosen.listings.is_empty();
    let suggestions = chosen.suggestions(&all, SUGGESTIONS);
    view! {
        <div class="page compare-page">
            <div class="page-head">
                <h1>"Compare models"</h1>
                <p>"Up to four side by side. Prices are what you pay, fee included; under each stands how it divides."</p>
            </div>
            <Complaints chosen=chosen.clone() />
            <AddModel chosen=chosen.clone() suggestions only_differences />
            {if is_empty {
                view! { <NothingChosen all /> }.into_any()
            } else {
                let groups = groups(&chosen.listings, health.as_ref());
                view! { <Table listings=chosen.listings groups only_differences /> }.into_any()
            }}
            <Assumptions />
        </div>
    }
    .into_any()
}

/// What was asked for and cannot be shown.
#[component]
fn Complaints(chosen: Chosen) -> impl IntoView {
    let unknown = chosen.unknown.join("”, “");
    let unknown = (!unknown.is_empty()).then(|| format!("No model goes by “{unknown}”."));
    let more = (chosen.left_out > 0)
        .then(|| format!("At most {MODELS_MAX} stand side by side; {} more were named.", chosen.left_out));
    let said: Vec<String> = unknown.into_iter().chain(more).collect();
    (!said.is_empty()).then(|| {
        view! {
            <div class="notice" role="note">
                <Icon name="circle-alert" />
                <div>{said.into_iter().map(|text| view! { <p>{text}</p> }).collect_view()}</div>
            </div>
        }
    })
}

#[component]
fn AddModel(chosen: Chosen, suggestions: Vec<Listing>, only_differences: bool) -> impl IntoView {
    let ids = chosen.ids();
    (ids.len() < MODELS_MAX).then(|| {
        let named = (!ids.is_empty()).then(|| ids.join(","));
        let links = suggestions.into_iter().map(|listing| {
            let href = address(ids.iter().map(String::as_str).chain([listing.model.id.as_str()]), only_differences);
            view! { <li><a class="chip" href=href>"+ "{listing.model.name}</a></li> }
        });
        view! {
            <form class="big-search compare-add" action="/compare" method="get">
                {named.map(|named| view! { <input type="hidden" name="models" value=named /> })}
                {only_differences.then(|| view! { <input type="hidden" name="rows" value="differences" /> })}
                <label>
                    <span class="visually-hidden">"Add a model"</span>
                    <Icon name="search" />
                    <input class="input" type="search" name="models" placeholder="Add a model by name" autocomplete="off" maxlength="200" required />
                </label>
                <button class="button primary" type="submit">"Add"</button>
            </form>
            <ul class="chips compare-suggestions" aria-label="Models to add">{links.collect_view()}</ul>
        }
        .into_any()
    })
}

#[component]
fn NothingChosen(all: Listings) -> impl IntoView {
    let sets = chosen::sets(&all).into_iter().map(|listings| {
        let names: Vec<String> = listings.iter().map(|listing| listing.model.name.clone()).collect();
        let href = address(listings.iter().map(|listing| listing.model.id.as_str()), false);
        view! { <a class="button" href=href>{names.join(" · ")}</a> }
    });
    view! {
        <Empty title="Nothing to compare yet">
            <p>"Add models by name above, take them from "<a href="/models">"the list"</a>", or begin with these:"</p>
            <div class="cluster">{sets.collect_view()}</div>
            <p>"Or say what it is for, and "<a href="/recommend">"have some recommended"</a>"."</p>
        </Empty>
    }
    .into_any()
}

#[component]
fn Assumptions() -> impl IntoView {
    view! {
        <section class="stack compare-notes" aria-labelledby="notes-title">
            <h2 id="notes-title">"How to read this"</h2>
            <ul class="stack">
                <li>"A dollar is counted as six bytes a word, four bytes a token and seven tokens around a message, without cache and outside of cheaper hours. A page has 400 words."</li>
                <li>"A tick marks the best known value of a row; ≠ marks rows in which the models differ. What is unknown is never the best, and never the worst."</li>
                <li>"Speed and uptime are those of the first vendor of each model, measured on calls made here. More at "<a href="/status">"status"</a>"."</li>
                <li>"Scores are from outside; those that a maker reports of its own model say so."</li>
            </ul>
        </section>
    }
    .into_any()
}
