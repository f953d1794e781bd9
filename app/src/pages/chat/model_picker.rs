//! Which model answers next: every chat model for sale, under its provider and with its price.

use leptos::prelude::*;

use super::order::Order;
use crate::api::chat::ChatModel;

#[component]
pub fn ModelPicker(order: Order) -> impl IntoView {
    let chosen = order.model.get_untracked();
    let groups = by_provider(order.models())
        .into_iter()
        .map(|(provider, models)| {
            let options = models.into_iter().map(|model| {
                let id = model.id.to_string();
                let selected = id == chosen;
                view! { <option value=id selected=selected>{label(&model)}</option> }.into_any()
            });
            view! { <optgroup label=provider>{options.collect_view()}</optgroup> }.into_any()
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

fn by_provider(models: Vec<ChatModel>) -> Vec<(String, Vec<ChatModel>)> {
    let mut groups: Vec<(String, Vec<ChatModel>)> = Vec::new();
    for model in models {
        match groups.iter_mut().find(|(provider, _)| *provider == model.provider_name) {
            Some((_, group)) => group.push(model),
            None => groups.push((model.provider_name.clone(), vec![model])),
        }
    }
    groups.sort_by_key(|(provider, _)| provider.to_lowercase());
    groups
}

fn label(model: &ChatModel) -> String {
    let (input, output) = model.buyer_rates();
    format!("{} · {} in / {} out per M", model.name, input.per_million(), output.per_million())
}
