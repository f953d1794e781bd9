//! The filters beside the list: a plain form, applied at once where scripts run.

use leptos::prelude::*;
use marketplace::model::{publisher_name, short_count};
use marketplace::search::{Facet, Facets, Search};

use super::words::{ability_name, capital, kind_name, provider_name, status_name};
use crate::components::Field;

const CONTEXTS: [u64; 5] = [8_000, 32_000, 128_000, 200_000, 1_000_000];
const ABILITIES_SHOWN: usize = 8;

#[component]
pub fn Filters(search: Search, facets: Facets) -> impl IntoView {
    let kinds = with_chosen(facets.kind, &search.kind);
    let abilities = with_chosen(facets.capability, &search.capability);
    let (few, more) = abilities.split_at(ABILITIES_SHOWN.min(abilities.len()));
    // A choice made among the hidden ones must be seen.
    let is_open = more.iter().any(|facet| facet.value == search.capability);
    let (few, more) = (few.to_vec(), more.to_vec());
    view! {
        <Choices title="Kind" name="kind" chosen=search.kind.clone() facets=kinds label=|kind| kind_name(kind).to_owned() />
        <fieldset class="choices">
            <legend>"Can do"</legend>
            <ChoiceList name="capability" chosen=search.capability.clone() facets=few label=ability_label any=true />
            {(!more.is_empty()).then(|| view! {
                <details class="choices-more" open=is_open>
                    <summary>{format!("{} more", more.len())}</summary>
                    <ChoiceList name="capability" chosen=search.capability.clone() facets=more.clone() label=ability_label any=false />
                </details>
            }.into_any())}
        </fieldset>
        <Select title="Provider" name="provider" chosen=search.provider facets=facets.provider label=provider_name />
        <Select title="Made by" name="author" chosen=search.author facets=facets.author label=|author| publisher_name(author) />
        <ContextSelect least=search.min_context />
        <Field id="max_price" label="Input price at most, $ / M">
            <input
                id="max_price"
                class="num"
                type="text"
                inputmode="decimal"
                name="max_price"
                placeholder="any"
                autocomplete="off"
                value=search.max_price.clone()
                prop:value=search.max_price
            />
        </Field>
        <Select title="Status" name="status" chosen=search.status facets=facets.status label=|status| status_name(status).to_owned() />
        <label class="choice">
            <input type="checkbox" name="sale" value="open" checked=search.sale == "open" prop:checked=search.sale == "open" />
            "For sale now"
        </label>
        // Asked for by links alone, and kept when something else changes.
        {(!search.input.is_empty()).then(|| view! { <input type="hidden" name="input" value=search.input /> }.into_any())}
        {(!search.output.is_empty()).then(|| view! { <input type="hidden" name="output" value=search.output /> }.into_any())}
    }
    .into_any()
}

fn ability_label(ability: &str) -> String {
    capital(&ability_name(ability))
}

/// A choice that nothing found has any more stays on the list, or changing another would drop it unseen.
fn with_chosen(mut facets: Vec<Facet>, chosen: &str) -> Vec<Facet> {
    if !chosen.is_empty() && facets.iter().all(|facet| facet.value != chosen) {
        facets.push(Facet { value: chosen.to_owned(), count: 0 });
    }
    facets
}

#[component]
fn Choices(
    title: &'static str,
    name: &'static str,
    chosen: String,
    facets: Vec<Facet>,
    label: fn(&str) -> String,
) -> impl IntoView {
    view! {
        <fieldset class="choices">
            <legend>{title}</legend>
            <ChoiceList name chosen facets label any=true />
        </fieldset>
    }
    .into_any()
}

#[component]
fn ChoiceList(
    name: &'static str,
    chosen: String,
    facets: Vec<Facet>,
    label: fn(&str) -> String,
    any: bool,
) -> impl IntoView {
    let choice = |value: String, text: String, count: Option<String>| {
        let is_chosen = value == chosen;
        view! {
            <label class="choice">
                <input type="radio" name=name value=value checked=is_chosen prop:checked=is_chosen />
                {text}
                <span class="num">{count}</span>
            </label>
        }
        .into_any()
    };
    let first = any.then(|| choice(String::new(), "Any".to_owned(), None));
    let rest = facets
        .into_iter()
        .map(|facet| choice(facet.value.clone(), label(&facet.value), Some(facet.count.to_string())));
    view! {
        {first}
        {rest.collect_view()}
    }
}

#[component]
fn Select(
    title: &'static str,
    name: &'static str,
    chosen: String,
    facets: Vec<Facet>,
    label: fn(&str) -> String,
) -> impl IntoView {
    let options = with_chosen(facets, &chosen).into_iter().map(move |facet| {
        let is_chosen = facet.value == chosen;
        let text = format!("{} ({})", label(&facet.value), facet.count);
        view! { <option value=facet.value selected=is_chosen prop:selected=is_chosen>{text}</option> }
            .into_any()
    });
    view! {
        <Field id=name label=title>
            <select id=name name=name>
                <option value="">"Any"</option>
                {options.collect_view()}
            </select>
        </Field>
    }
    .into_any()
}

#[component]
fn ContextSelect(least: Option<u64>) -> impl IntoView {
    // An address may ask for a size that is not on the list.
    let mut sizes = CONTEXTS.to_vec();
    sizes.extend(least.filter(|size| !CONTEXTS.contains(size)));
    sizes.sort_unstable();
    let options = sizes.into_iter().map(move |size| {
        let is_chosen = least == Some(size);
        let text = format!("{} tokens", short_count(size));
        view! { <option value=size.to_string() selected=is_chosen prop:selected=is_chosen>{text}</option> }
            .into_any()
    });
    view! {
        <Field id="min_context" label="Context at least">
            <select id="min_context" name="min_context">
                <option value="">"Any"</option>
                {options.collect_view()}
            </select>
        </Field>
    }
    .into_any()
}
