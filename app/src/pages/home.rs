//! The front page: what this is, what a dollar buys, and how the promise is kept.

mod dollar;
mod promise;

use leptos::prelude::*;
use leptos_meta::Title;

use self::dollar::Dollar;
use self::promise::Promise;
use super::models::ModelRows;
use crate::api::models::{Front, ReadFront};
use crate::components::{Awaited, FaultNotice, Icon};
use crate::door::Asked;

#[component]
pub fn HomePage() -> impl IntoView {
    let front = Asked::once(ReadFront {});
    let rest = move || async move {
        match front.read().await {
            Ok(front) => view! { <FrontPage front /> }.into_any(),
            Err(fault) => view! { <FaultNotice fault /> }.into_any(),
        }
    };
    view! {
        <Title text="AI models by the token" />
        <div class="page home">
            <div class="hero">
                <h1>"Every AI model at its real price, from one balance"</h1>
                <p class="lead">
                    "You see what an answer can cost before you send, what it costs while it is written, and a receipt when it is done."
                </p>
                <HeroSearch />
            </div>
            <Awaited what="today’s prices" content=rest />
        </div>
    }
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
    .into_any()
}

#[component]
fn FrontPage(front: Front) -> impl IntoView {
    let counts = format!(
        "{} models by {} providers are listed; {} can be called now.",
        front.models, front.providers, front.for_sale
    );
    view! {
        <p class="hero-counts soft">{counts}</p>
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
