//! The front page: what this is, what a dollar buys, and how the promise is kept.

mod dollar;
mod promise;

use leptos::prelude::*;
use marketplace::model::Listing;
use marketplace::search::Search;

use self::dollar::Dollar;
use self::promise::Promise;
use super::draw;
use super::kept::{Kept, Things};
use super::results::ModelRows;
use crate::api::sheets::Sheet;
use crate::components::Icon;
use crate::context::Caller;

struct Front {
    models: usize,
    for_sale: usize,
    providers: usize,
    featured: Vec<Listing>,
}

static KEPT: Kept<Sheet> = Kept::new();

pub fn sheet(caller: &Caller) -> Sheet {
    KEPT.get(Things::now(caller, None), "", || drawn(caller))
}

fn drawn(caller: &Caller) -> Sheet {
    let find = |search: &Search| caller.engine.search_models(&caller.actor, search);
    let open = Search { sale: "open".to_owned(), page: Some(1), per_page: Some(6), ..Search::default() };
    let chats = Search { kind: "chat".to_owned(), ..open.clone() };
    let all = find(&Search::default());
    let front = Front {
        models: all.found.total,
        for_sale: find(&open).found.total,
        providers: all.found.facets.of("provider").len(),
        featured: find(&chats).to_vec(),
    };
    let body = draw(|| {
        view! {
            <div class="page home">
                <div class="hero">
                    <h1>"Every AI model at its real price, from one balance"</h1>
                    <p class="lead">
                        "You see what an answer can cost before you send, what it costs while it is written, and a receipt when it is done."
                    </p>
                    <HeroSearch />
                </div>
                <Today front />
            </div>
        }
    });
    Sheet { title: "AI models by the token".to_owned(), body }
}

#[component]
fn HeroSearch() -> impl IntoView {
    view! {
        <form class="big-search" action="/models" method="get">
            <label>
                <span class="visually-hidden">"Search models"</span>
                <Icon name="search" />
                <input class="input" type="search" name="q" placeholder="Search by name, maker or ability" autocomplete="off" />
            </label>
            <button class="button primary" type="submit">"Search"</button>
        </form>
    }
}

#[component]
fn Today(front: Front) -> impl IntoView {
    let counts = format!(
        "{} models by {} providers are listed; {} can be called now.",
        front.models, front.providers, front.for_sale
    );
    view! {
        <p class="hero-counts soft">{counts}" "<a href="/recommend">"Which model for what?"</a></p>
        <Dollar listings=front.featured.clone() />
        <Promise listings=front.featured.clone() />
        <section class="stack" aria-labelledby="featured-title">
            <div class="split">
                <h2 id="featured-title">"Newest for sale"</h2>
                <a href="/models">"All "{front.models}" models"</a>
            </div>
            <ModelRows listings=front.featured />
        </section>
    }
    .into_any()
}
