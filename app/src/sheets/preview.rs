//! What a page is called and said to be about where others link to it: before anything of it is drawn.

use marketplace::id::ModelId;
use marketplace::model::{Listing, Sale};

use crate::context::{caller, open_pages, origin, place};
use crate::sheets::compare::Chosen;
use crate::sheets::query::Query;
use crate::shell::Preview;

/// Nothing for pages that nobody should find by a search.
pub fn preview() -> Option<Preview> {
    let (path, query) = place()?;
    let (title, description) = match model(&path) {
        Some(listing) => (listing.model.name.clone(), about(&listing)),
        None => {
            let (_, title, description) = open_pages().find(|(of, ..)| *of == path)?;
            let compared = query.as_deref().filter(|_| path == "/compare").and_then(compared);
            (compared.unwrap_or(title), description)
        }
    };
    // What the address asks besides is another page only where it says what is compared or wished for.
    let query = query.filter(|_| matches!(path.as_str(), "/compare" | "/recommend" | "/plot"));
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    Some(Preview { title, description, address: format!("{}{path}{query}", origin()) })
}

/// The pages that anybody may find, in the order of a site map.
pub const PAGES: [(&str, &str, &str); 9] = [
    (
        "/",
        "Every AI model at its real price, from one balance",
        "One balance for many AI models. Every price is shown before you pay, and every call has a receipt.",
    ),
    (
        "/models",
        "AI models and their prices",
        "All models in one list: search and filter by maker, ability, context and price. Prices are what you pay, fee included.",
    ),
    (
        "/compare",
        "Compare AI models",
        "Up to four AI models side by side: prices by component, what a dollar buys, limits, abilities, measured speed and uptime, scores.",
    ),
    (
        "/recommend",
        "Which AI model for what",
        "Say what it is for and what counts: models ranked by a score of which every part is shown, and what would change the order.",
    ),
    (
        "/plot",
        "AI model prices against context and scores",
        "A drawing and a table of what chat models cost against how much they read and how well they score, and which of them nothing beats.",
    ),
    (
        "/pricing",
        "Pricing",
        "How prices come about: the provider’s own price, the fee, the plans, and what is never charged.",
    ),
    (
        "/docs",
        "Docs of the API",
        "Every operation with its fields, answers, errors and examples in curl, Python, JavaScript and Rust, and how to move here in one line.",
    ),
    (
        "/status",
        "Status",
        "How well AI vendors answer: uptime, first word and speed, measured on the calls made here.",
    ),
    (
        "/books",
        "The books",
        "Every amount stands in the books twice. Whether they balance, when that was last checked, and how to see it for yourself.",
    ),
];

/// What an address compares.
fn compared(query: &str) -> Option<String> {
    let caller = caller().ok()?;
    Chosen::read(&Query::parse(query), &caller.engine.listings(&caller.actor)).title()
}

fn model(path: &str) -> Option<Listing> {
    let id = ModelId::parse(path.strip_prefix("/models/")?).ok()?;
    let caller = caller().ok()?;
    caller.engine.model(&caller.actor, &id).ok()
}

fn about(listing: &Listing) -> String {
    let model = &listing.model;
    let price = listing.buyer_rates().filter(|_| !model.free).map(|(input, output)| {
        format!(
            " {} in and {} out per million tokens, fee included.",
            input.per_million(),
            output.per_million()
        )
    });
    let price = if model.free { Some(" Free of charge.".to_owned()) } else { price };
    let sale = match &listing.sale {
        Sale::Open => String::new(),
        sale => sale.reason().map(|reason| format!(" {reason}.")).unwrap_or_default(),
    };
    format!("{}.{}{sale}", model.summary(), price.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheets::samples::listing;

    #[test]
    fn a_model_is_told_in_a_sentence_with_its_price() {
        let mut listing = listing("openai/glow", 700_000_000, 1_400_000_000);
        assert_eq!(
            about(&listing),
            "Chat model by OpenAI. $1.0000 in and $2.0000 out per million tokens, fee included."
        );
        listing.model.free = true;
        listing.sale = Sale::Absent;
        assert_eq!(
            about(&listing),
            "Chat model by OpenAI. Free of charge. The operator's own server does not have it now."
        );
    }

    #[test]
    fn every_page_is_told_in_as_much_as_a_search_shows() {
        for (path, title, description) in PAGES {
            let length = description.chars().count();
            assert!((50..=160).contains(&length) && !title.is_empty(), "{path}: {length} characters");
        }
    }
}
