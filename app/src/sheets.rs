//! Parts of pages that are only read: drawn by the server, sent as markup, and so no code for the browser.

pub mod admin;
pub mod books;
pub mod checkout;
pub mod code;
pub mod compare;
pub mod docs;
pub mod front;
pub mod health;
pub mod kept;
pub mod keys;
pub mod ledger;
pub mod letter;
pub mod missing;
pub mod model;
pub mod place;
pub mod plot;
pub mod preview;
pub mod price;
pub mod pricing;
pub mod receipt;
pub mod recommend;
pub mod filters;
pub mod results;
#[cfg(test)]
mod samples;
pub mod site;
pub mod standing;
pub mod status;
pub mod statement;
pub mod top_ups;
pub mod vendors;
pub mod words;

use leptos::prelude::*;
pub use marketplace::query;

use crate::components::Drawn;

/// Draws a view for good. It must not wait for anything, nor react to anything.
pub fn draw<V: IntoView>(view: impl FnOnce() -> V) -> Drawn {
    let owner = Owner::new();
    let drawn = owner.with(|| Drawn::from(view().into_view().to_html()));
    owner.cleanup();
    drawn
}
