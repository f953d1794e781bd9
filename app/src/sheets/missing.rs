//! What somebody may have looked for who came to an address where nothing is.

use leptos::prelude::*;
use marketplace::model::Listing;
use marketplace::search::Search;

use super::draw;
use super::results::ModelRows;
use crate::components::Drawn;
use crate::context::Caller;
use crate::pages::words_of;

const SHOWN: u32 = 4;
/// Shorter words are in every name.
const WORD_CHARS_LEAST: usize = 3;

/// Models that the words of the address name; nothing where they name none.
pub fn sheet(caller: &Caller, path: &str) -> Drawn {
    let words = words_of(path);
    let find = |q: &str| {
        let search = Search { q: q.to_owned(), page: Some(1), per_page: Some(SHOWN), ..Search::default() };
        let found = caller.engine.search_models(&caller.actor, &search).to_vec();
        (!q.is_empty() && !found.is_empty()).then_some(found)
    };
    // All of the words, or else the first that means anything.
    let alone =
        || words.split(' ').filter(|word| word.chars().count() >= WORD_CHARS_LEAST).take(8).find_map(find);
    let found = find(&words).or_else(alone).unwrap_or_default();
    draw(|| view! { <Perhaps found /> })
}

#[component]
fn Perhaps(found: Vec<Listing>) -> impl IntoView {
    (!found.is_empty()).then(|| {
        view! {
            <section class="page stack" aria-labelledby="perhaps-title">
                <h2 id="perhaps-title">"Perhaps one of these"</h2>
                <ModelRows listings=found />
            </section>
        }
        .into_any()
    })
}
