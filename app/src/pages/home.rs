//! The front page: what this is, what a dollar buys, and how the promise is kept.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::api::models::ReadFront;
use crate::components::{Awaited, Drawing, FaultNotice, Icon};
use crate::door::Asked;

#[component]
pub fn HomePage() -> impl IntoView {
    let front = Asked::once(ReadFront {});
    let rest = move || async move {
        match front.read().await {
            Ok(front) => view! { <Drawing of=front /> }.into_any(),
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
