//! Models somebody may look at instead: of the same kind, for sale, and near in price.

use std::cmp::Reverse;

use leptos::prelude::*;
use marketplace::model::{Kind, Listing};
use marketplace::recommend::{Task, call_rate, log2_thousandths};

use crate::sheets::compare::address;
use crate::sheets::results::ModelRows;

const SHOWN: usize = 4;

/// Nearest in price first; what the model can do that the other cannot makes it less alike.
pub fn similar(listing: &Listing, all: &[Listing]) -> Vec<Listing> {
    let task = match listing.model.kind {
        Kind::Embedding => Task::Search,
        Kind::Image => Task::Drawing,
        Kind::Chat | Kind::Completion => Task::Chat,
    };
    let price =
        |listing: &Listing| call_rate(task, listing).map(|rate| log2_thousandths(rate.0.unsigned_abs()));
    let own = price(listing);
    let mut others: Vec<&Listing> = all
        .iter()
        .filter(|other| other.sale.is_open() && other.model.id != listing.model.id)
        .filter(|other| other.model.kind == listing.model.kind)
        .collect();
    others.sort_by_key(|other| {
        let apart = match (own, price(other)) {
            (Some(own), Some(price)) => own.abs_diff(price),
            _ => u64::MAX / 2,
        };
        let lacking = listing.model.abilities.iter().filter(|ability| !other.model.can(ability)).count();
        (apart + 300 * lacking as u64, Reverse(other.model.released.clone()), other.model.id.clone())
    });
    others.into_iter().take(SHOWN).cloned().collect()
}

#[component]
pub fn Similar(listing: Listing, others: Vec<Listing>) -> impl IntoView {
    let ids: Vec<String> =
        [&listing].into_iter().chain(&others).map(|one| one.model.id.to_string()).take(4).collect();
    let href = address(ids.iter().map(String::as_str), false);
    view! {
        <section id="similar" class="stack" aria-labelledby="similar-title">
            <div class="split">
                <h2 id="similar-title">"Similar models"</h2>
                <a href=href>"Compare them"</a>
            </div>
            <ModelRows listings=others />
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheets::samples::listing;

    #[test]
    fn the_nearest_in_price_that_can_do_as_much_comes_first() {
        let mut all = vec![
            listing("a/own", 1_000_000_000, 1_000_000_000),
            listing("b/dear", 9_000_000_000, 9_000_000_000),
            listing("c/near", 1_100_000_000, 1_100_000_000),
            listing("d/near-and-able", 1_100_000_000, 1_100_000_000),
        ];
        for at in [0, 1, 3] {
            all[at].model.abilities.push("tools".to_owned());
        }
        let found = similar(&all[0].clone(), &all);
        let names: Vec<&str> = found.iter().map(|one| one.model.name.as_str()).collect();
        assert_eq!(names, ["near-and-able", "near", "dear"]);
    }
}
