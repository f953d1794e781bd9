//! What the front page tells of today's models and prices.

mod dollar;
mod promise;

use leptos::prelude::*;
use marketplace::model::Listing;

use self::dollar::Dollar;
use self::promise::Promise;
use super::draw;
use super::results::ModelRows;
use crate::components::Drawn;

pub struct Front {
    pub models: usize,
    pub for_sale: usize,
    pub providers: usize,
    pub featured: Vec<Listing>,
}

pub fn sheet(front: Front) -> Drawn {
    draw(|| view! { <FrontPage front /> })
}

#[component]
fn FrontPage(front: Front) -> impl IntoView {
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
