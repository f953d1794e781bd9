//! The filters beside the list, with how many models each choice would leave: fields of a form that stands around them.

use leptos::prelude::*;
use marketplace::model::{publisher_name, short_count};
use marketplace::search::{Facet, Facets, Search, TABLE, choices};

use super::words::{ability_label, licence_label, modality_label};
use crate::pages::words::{kind_name, provider_name, status_name};

/// More than these are behind a click, unless one of them is chosen.
const SHOWN: usize = 6;

#[component]
pub fn Filters(search: Search, facets: Facets) -> impl IntoView {
    let boxes = |title, name: &'static str, chosen: &str, label: fn(&str) -> String| {
        let facets = facets.of(name).to_vec();
        view! { <Boxes title name chosen=chosen.to_owned() facets label /> }
    };
    let single = |name: &str| facets.of(name).first().map_or(0, |facet| facet.count);
    let least = search.min_context.map(|least| least.to_string()).unwrap_or_default();
    view! {
        {boxes("Kind", "kind", &search.kind, |kind| kind_name(kind).to_owned())}
        <fieldset class="choices">
            <legend>"Now"</legend>
            <Tick name="sale" value="open" label="For sale now" chosen=search.sale == "open" count=single("sale") />
            <Tick name="free" value="tokens" label="Takes free tokens" chosen=search.free == "tokens" count=single("free") />
        </fieldset>
        <Bounds
            title="Input price, $ / M"
            name="max_price"
            chosen=search.max_price.trim_start_matches('$').to_owned()
            facets=facets.of("max_price").to_vec()
            label=price_label
        />
        {boxes("Can do", "capability", &search.capability, ability_label)}
        <Bounds title="Context" name="min_context" chosen=least facets=facets.of("min_context").to_vec() label=context_label />
        {boxes("Provider", "provider", &search.provider, provider_name)}
        {boxes("Made by", "author", &search.author, publisher_name)}
        {boxes("Reads", "input", &search.input, modality_label)}
        {boxes("Gives", "output", &search.output, modality_label)}
        {boxes("Weights and licence", "licence", &search.licence, licence_label)}
        {boxes("Status", "status", &search.status, |status| status_name(status).to_owned())}
        {search.is_table().then(|| view! { <input type="hidden" name="view" value=TABLE /> })}
        {search.per_page.map(|many| view! { <input type="hidden" name="per_page" value=many.to_string() /> })}
    }
    .into_any()
}

pub fn price_label(most: &str) -> String {
    if most == "0" { "Free".to_owned() } else { format!("≤ ${most}") }
}

pub fn context_label(least: &str) -> String {
    let least = least.parse().map_or_else(|_| least.to_owned(), short_count);
    format!("≥ {least} tokens")
}

/// A facet of which several may be chosen.
#[component]
fn Boxes(
    title: &'static str,
    name: &'static str,
    chosen: String,
    facets: Vec<Facet>,
    label: fn(&str) -> String,
) -> impl IntoView {
    let is_chosen = |value: &str| choices(&chosen).any(|choice| choice.eq_ignore_ascii_case(value));
    // One more is not worth a click.
    let few = if facets.len() > SHOWN + 1 { SHOWN } else { facets.len() };
    let (few, more) = facets.split_at(few);
    // A choice made among the hidden ones must be seen.
    let is_open = more.iter().any(|facet| is_chosen(&facet.value));
    let ticks = |facets: &[Facet]| {
        let tick = |facet: &Facet| {
            let chosen = is_chosen(&facet.value);
            view! { <Tick name value=facet.value.clone() label=label(&facet.value) chosen count=facet.count /> }
        };
        facets.iter().map(tick).collect_view()
    };
    let all = facets.len();
    (!facets.is_empty()).then(|| {
        view! {
            <fieldset class="choices">
                <legend>{title}</legend>
                {ticks(few)}
                {(!more.is_empty()).then(|| view! {
                    <details class="choices-more" open=is_open>
                        <summary>"Show all "{all}</summary>
                        {ticks(more)}
                    </details>
                })}
            </fieldset>
        }
        .into_any()
    })
}

#[component]
fn Tick(
    name: &'static str,
    #[prop(into)] value: String,
    #[prop(into)] label: String,
    chosen: bool,
    count: usize,
) -> impl IntoView {
    choice("checkbox", name, value, label, chosen, Some(count))
}

fn choice(
    kind: &'static str,
    name: &'static str,
    value: String,
    label: String,
    is_chosen: bool,
    count: Option<usize>,
) -> impl IntoView {
    view! {
        <label class="choice">
            <input type=kind name=name value=value checked=is_chosen />
            {label}
            <span class="num">{count}</span>
        </label>
    }
}

/// A facet of which one is chosen, each choice holding all that the stricter ones do.
#[component]
fn Bounds(
    title: &'static str,
    name: &'static str,
    chosen: String,
    facets: Vec<Facet>,
    label: fn(&str) -> String,
) -> impl IntoView {
    let choice = |value: String, text: String, count: Option<usize>| {
        let is_chosen = value == chosen;
        choice("radio", name, value, text, is_chosen, count)
    };
    // An address may ask for a bound that is not on the list.
    let is_other = !chosen.is_empty() && facets.iter().all(|facet| facet.value != chosen);
    let other = is_other.then(|| choice(chosen.clone(), label(&chosen), None));
    let known = facets.into_iter().map(|facet| {
        let text = label(&facet.value);
        choice(facet.value, text, Some(facet.count))
    });
    view! {
        <fieldset class="choices">
            <legend>{title}</legend>
            {choice(String::new(), "Any".to_owned(), None)}
            {known.collect_view()}
            {other}
        </fieldset>
    }
    .into_any()
}
