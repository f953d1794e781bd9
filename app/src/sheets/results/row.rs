//! One model in a list: who, what, for how much, and the way to it.

use engine::Measures;
use leptos::prelude::*;
use marketplace::health::Measured;
use marketplace::model::{Kind, Listing, Model, OtherPrice, publisher_name, short_count};
use marketplace::money::{Nanos, Rate, group};
use marketplace::price::TakeRate;

use crate::components::{Amount, Tile};
use crate::pages::words::capital;
use crate::sheets::compare::address as compare_address;
use crate::sheets::price::Price;
use crate::sheets::words::{ability_names, ending};

const CHIPS_MAX: usize = 3;

#[component]
pub fn ModelRows(listings: Vec<Listing>) -> impl IntoView {
    rows(listings.iter(), &Measures::default())
}

/// The same, with what was measured of them here.
pub fn rows<'a>(listings: impl Iterator<Item = &'a Listing>, measures: &Measures) -> AnyView {
    let rows = listings.map(|listing| row(listing, measures.of(&listing.model.id)));
    view! {
        <div class="model-rows">
            <div class="model-rows-head" aria-hidden="true">
                <span>"Model"</span>
                <span>"Input / M"</span>
                <span>"Output / M"</span>
                <span>"Context"</span>
                <span></span>
            </div>
            <ol class="model-list">{rows.collect_view()}</ol>
        </div>
    }
    .into_any()
}

fn row(listing: &Listing, measured: Option<Measured>) -> impl IntoView + use<> {
    let href = listing.href();
    let (input, output) = known_rates(&listing.model);
    let (take, free) = (listing.take, listing.model.free);
    let picture = listing.buyer_picture();
    let unit = listing.model.other_prices.iter().find(|_| input.is_none() && output.is_none());
    let unit = picture
        .map(|each| (each, "picture".to_owned()))
        .or_else(|| unit.map(|price| (buyer_nanos(price, take), price.unit.clone())));
    let context = listing.model.context_tokens.map(short_count);
    view! {
        <li class="model-row">
            <Tile name=publisher_name(&listing.model.publisher) />
            <div class="model-row-text">
                <h3>
                    <a href=href>{listing.model.name.clone()}</a>
                    <span class="model-id">{listing.model.id.to_string()}</span>
                </h3>
                <p class="model-row-line">{listing.model.summary()}</p>
                {listing.sale.reason().map(|reason| view! { <p class="model-row-line">{reason}"."</p> })}
                {told(measured).map(|told| view! { <p class="model-row-line num">{told}</p> })}
                {chips(&listing.model)}
            </div>
            <RateFigure label="Input / M" rate=input take free />
            {match unit {
                Some((each, unit)) => view! { <UnitFigure each unit /> }.into_any(),
                None => view! { <RateFigure label="Output / M" rate=output take free /> }.into_any(),
            }}
            <div class="figure context">
                <span class="figure-label">"Context"</span>
                {match context {
                    Some(size) => view! { <span class="num">{size}</span> }.into_any(),
                    None => view! { <Price rate=None /> }.into_any(),
                }}
            </div>
            {action(listing)}
        </li>
    }
}

/// How it did here, where that is known.
fn told(measured: Option<Measured>) -> Option<String> {
    let measured = measured?;
    let first = measured.first_token_ms.map(|spread| format!("first token {} ms", group(spread.p50)));
    let speed = measured.tokens_per_second.map(|spread| format!("{} tokens / s", group(spread.p50)));
    let answered = measured.uptime_bps.map(|bps| format!("{}.{:02} % answered", bps / 100, bps % 100));
    let told: Vec<String> = first.into_iter().chain(speed).chain(answered).collect();
    (!told.is_empty()).then(|| format!("Here: {}", told.join(" · ")))
}

/// What a buyer pays, and under it the provider's own price.
#[component]
fn RateFigure(label: &'static str, rate: Option<Rate>, take: TakeRate, free: bool) -> impl IntoView {
    let beneath = match rate {
        Some(_) if free => Some("no charge".to_owned()),
        Some(rate) => Some(format!("{} + fee", rate.per_million())),
        None => None,
    };
    view! {
        <div class="figure">
            <span class="figure-label">{label}</span>
            <Price rate=rate.map(|rate| take.on_rate(rate)) />
            <small class="num">{beneath}</small>
        </div>
    }
}

/// What a buyer pays a piece for a model that is not sold by the token.
#[component]
fn UnitFigure(each: Nanos, unit: String) -> impl IntoView {
    view! {
        <div class="figure">
            <span class="figure-label">"Price"</span>
            <Amount nanos=each />
            <small>{format!("a {unit}")}</small>
        </div>
    }
}

fn chips(model: &Model) -> impl IntoView + use<> {
    let names = ability_names(&model.abilities);
    let more = names.len().saturating_sub(CHIPS_MAX);
    let rest = names.iter().skip(CHIPS_MAX).cloned().collect::<Vec<_>>().join(", ");
    let is_plain = names.is_empty() && !model.free && ending(model).is_none();
    (!is_plain).then(|| view! {
        <ul class="chips" aria-label="Traits">
            {ending(model).map(|text| view! { <li class="chip bad">{capital(&text)}</li> })}
            {model.free.then(|| view! { <li class="chip good">"Free"</li> })}
            {names.into_iter().take(CHIPS_MAX).map(|name| view! { <li class="chip">{name}</li> }).collect_view()}
            {(more > 0).then(|| view! {
                <li class="chip" title=rest>
                    {format!("+{more}")}
                    <span class="visually-hidden">" more"</span>
                </li>
            })}
        </ul>
    })
}

/// The next steps, if there are any.
fn action(listing: &Listing) -> AnyView {
    let name = listing.model.name.clone();
    let compare = view! {
        <a class="small" href=compare_address([listing.model.id.as_str()].into_iter(), false)>
            "Compare"<span class="visually-hidden">" "{name.clone()}" with others"</span>
        </a>
    };
    let (href, label, rest) = match listing.model.kind {
        _ if !listing.sale.is_open() => {
            return view! { <span class="model-row-action soft small">"Not for sale"{compare}</span> }
                .into_any();
        }
        Kind::Chat => (format!("/chat?model={}", listing.model.id), "Chat", format!(" with {name}")),
        _ => (format!("{}#code", listing.href()), "Use", format!(" {name} in code")),
    };
    view! {
        <span class="model-row-action">
            <a class="button" href=href>{label}<span class="visually-hidden">{rest}</span></a>
            {compare}
        </span>
    }
    .into_any()
}

/// The vendor's rates in and out. A zero that is not declared free tells of nothing sold or nothing known.
pub fn known_rates(model: &Model) -> (Option<Rate>, Option<Rate>) {
    let by_token = model.price.as_ref().filter(|price| price.output_unit.is_none());
    let rates = by_token.map(|price| price.rates);
    let known = |rate: Rate| model.free || rate > Rate::FREE;
    (
        rates.map(|rates| rates.input).filter(|rate| known(*rate)),
        rates.map(|rates| rates.output).filter(|rate| known(*rate)),
    )
}

/// A price by the piece as a buyer pays it.
pub fn buyer_nanos(price: &OtherPrice, take: TakeRate) -> Nanos {
    Nanos(take.on_rate(Rate(price.provider_nanos.0)).0)
}
