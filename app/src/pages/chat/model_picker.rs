//! Which model answers next: every chat model for sale, under its provider and with its price.

use leptos::prelude::*;
use marketplace::model::Listing;

use super::order::Order;

#[component]
pub fn ModelPicker(order: Order) -> impl IntoView {
    let chosen = order.model.get_untracked();
    let groups = by_provider(order.models())
        .into_iter()
        .map(|(provider, listings)| {
            let options = listings.into_iter().map(|listing| {
                let id = listing.model.id.to_string();
                let selected = id == chosen;
                view! { <option value=id selected=selected>{label(&listing)}</option> }
            });
            view! { <optgroup label=provider>{options.collect_view()}</optgroup> }
        })
        .collect_view();
    view! {
        <select
            class="model-picker"
            name="model"
            aria-label="Model"
            autocomplete="off"
            on:change=move |event| order.model.set(event_target_value(&event))
        >
            {groups}
        </select>
    }
}

fn by_provider(listings: Vec<Listing>) -> Vec<(String, Vec<Listing>)> {
    let mut groups: Vec<(String, Vec<Listing>)> = Vec::new();
    for listing in listings {
        match groups.iter_mut().find(|(provider, _)| *provider == listing.provider_name) {
            Some((_, group)) => group.push(listing),
            None => groups.push((listing.provider_name.clone(), vec![listing])),
        }
    }
    groups.sort_by_key(|(provider, _)| provider.to_lowercase());
    groups
}

fn label(listing: &Listing) -> String {
    let name = &listing.model.name;
    match listing.buyer_rates() {
        Some((input, output)) => {
            format!("{name} · {} in / {} out per M", input.per_million(), output.per_million())
        }
        None => name.clone(),
    }
}
