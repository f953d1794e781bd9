//! Models as a table: dense rows, and headings that order them.

use engine::Measures;
use leptos::prelude::*;
use marketplace::health::Measured;
use marketplace::model::{Listing, publisher_name, short_count};
use marketplace::money::group;
use marketplace::search::Search;

use super::PATH;
use crate::sheets::price::Price;

/// What the table is made of besides its models.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    pub search: &'a Search,
    pub measures: &'a Measures<'a>,
}

/// Headings: what they say, the order they lead to, and whether that has the highest first.
const HEADINGS: [(&str, &str, bool); 7] = [
    ("Input, $\u{a0}/\u{a0}M", "price", false),
    ("Output, $\u{a0}/\u{a0}M", "output", false),
    ("Context", "context", true),
    ("Released", "newest", true),
    ("First token, ms", "latency", false),
    ("Tokens\u{a0}/\u{a0}s", "speed", true),
    ("Calls here", "popular", true),
];

impl Table<'_> {
    pub fn draw<'a>(self, listings: impl Iterator<Item = &'a Listing>) -> AnyView {
        let rows = listings.map(|listing| self.row(listing)).collect_view();
        let headings = HEADINGS.map(|(label, sort, is_high)| self.heading(label, sort, is_high, "num"));
        view! {
            <div class="table-wrap" role="group" aria-labelledby="found-title" tabindex="0">
                <table class="table model-table">
                    <thead>
                        <tr>
                            {self.heading("Model", "name", false, "")}
                            <th scope="col">"Made by"</th>
                            {headings.into_iter().collect_view()}
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
        .into_any()
    }

    /// The first click orders as people mostly want it, the next turns it around.
    fn heading(self, label: &'static str, sort: &'static str, is_high: bool, class: &'static str) -> AnyView {
        let turned = format!("-{sort}");
        let (is_this, is_turned) = (self.search.sort == sort, self.search.sort == turned);
        let next = if is_this { turned } else { sort.to_owned() };
        let href = Search { sort: next, page: None, ..self.search.clone() }.address(PATH);
        let order = if is_high == is_turned { "ascending" } else { "descending" };
        let order = (is_this || is_turned).then_some(order);
        let mark = order.map(|order| if order == "ascending" { " ↑" } else { " ↓" });
        let mark = mark.map(|mark| view! { <span aria-hidden="true">{mark}</span> });
        view! { <th scope="col" class=class aria-sort=order><a href=href>{label}{mark}</a></th> }.into_any()
    }

    fn row(self, listing: &Listing) -> impl IntoView + use<> {
        let model = &listing.model;
        let measured = self.measures.of(&model.id);
        let number = |of: fn(&Measured) -> Option<u64>| {
            let number = measured.as_ref().and_then(of).map(group);
            view! { <td class="num">{known(number)}</td> }
        };
        let not_sold =
            (!listing.sale.is_open()).then(|| view! { <span class="soft small">" not for sale"</span> });
        view! {
            <tr>
                <th scope="row"><a href=listing.href()>{model.name.clone()}</a>{not_sold}</th>
                <td>{publisher_name(&model.publisher)}</td>
                <td><Price rate=listing.known_input() /></td>
                <td><Price rate=listing.known_output() /></td>
                <td class="num">{known(model.context_tokens.map(short_count))}</td>
                <td class="num">{known(model.released.clone())}</td>
                {number(|measured| Some(measured.first_token_ms?.p50))}
                {number(|measured| Some(measured.tokens_per_second?.p50))}
                {number(|measured| Some(measured.attempts))}
            </tr>
        }
    }
}

/// What is unknown is a dash, which the heading explains well enough.
fn known(text: Option<String>) -> AnyView {
    match text {
        Some(text) => text.into_any(),
        None => view! { <span class="unknown">"—"</span> }.into_any(),
    }
}
