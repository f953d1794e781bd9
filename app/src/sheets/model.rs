//! One model: what it is, what it costs, and how to call it.

mod facts;
mod head;
mod history;
mod measured;
mod prices;
mod similar;
mod usage;

use engine::PriceVersion;
use leptos::prelude::*;
use marketplace::health::{HealthReport, OfferHealth};
use marketplace::model::{Kind, Listing};

use self::facts::{Benchmarks, Facts};
use self::head::Head;
use self::history::History;
use self::measured::Measured;
use self::prices::Prices;
use self::similar::{Similar, similar};
use self::usage::{Usage, days};
use super::code::CodeSamples;
use super::draw;
use super::results::known_rates;
use crate::api::models::{ModelSheet, Tariff};

/// What is told of a model beside its own facts.
pub struct Around<'a> {
    /// Every other model, to find similar ones among.
    pub all: &'a [Listing],
    pub day: Option<&'a HealthReport>,
    pub month: Option<&'a HealthReport>,
    pub versions: Vec<PriceVersion>,
    /// The address this market was reached at.
    pub origin: String,
}

pub fn sheet(listing: &Listing, around: Around<'_>) -> ModelSheet {
    let model = &listing.model;
    let Around { all, day, month, versions, origin } = around;
    let tariff = tariff(listing);
    let can_call = listing.sale.is_open();
    let of_model = |report: &HealthReport| -> Vec<OfferHealth> {
        report.offers().filter(|offer| offer.model == model.id).cloned().collect()
    };
    let offers = day.map(of_model).filter(|offers| can_call || !offers.is_empty());
    let used = month.map(of_model).filter(|offers| !offers.is_empty());
    let (scores, others) = (model.benchmarks.clone(), similar(listing, all));
    let anchors = Anchors {
        can_calculate: tariff.is_some(),
        has_history: !versions.is_empty(),
        can_call,
        is_measured: offers.is_some(),
        is_used: used.is_some(),
        has_scores: !scores.is_empty(),
        has_similar: !others.is_empty(),
    };
    ModelSheet {
        name: model.name.clone(),
        head: draw(|| view! { <Head listing=listing.clone() />{anchors.draw()} }),
        prices: draw(|| {
            view! {
                <Prices listing=listing.clone() />
                {anchors.has_history.then(|| view! { <History versions take=listing.take /> })}
            }
        }),
        tariff,
        more: draw(|| {
            view! {
                {can_call.then(|| view! { <CodeSamples model=model.clone() origin /> })}
                {offers.map(|offers| view! { <Measured offers name=model.name.clone() /> })}
                {used.map(|offers| view! { <Usage days=days(&offers) /> })}
                {anchors.has_scores.then(|| view! { <Benchmarks scores /> })}
                {anchors.has_similar.then(|| view! { <Similar listing=listing.clone() others /> })}
            }
        }),
        facts: draw(|| view! { <Facts listing=listing.clone() /> }),
    }
}

/// What there is to calculate with, where it is paid by the token.
fn tariff(listing: &Listing) -> Option<Tariff> {
    let model = &listing.model;
    let (input, output) = known_rates(model);
    let is_priced = input.is_some() && (output.is_some() || model.kind == Kind::Embedding);
    let is_told_in_words = is_priced && !model.free && model.kind != Kind::Image;
    let price = model.price.clone().filter(|_| is_told_in_words)?;
    Some(Tariff { href: listing.href(), price, take: listing.take, generates: model.kind != Kind::Embedding })
}

/// Which parts the page has.
#[derive(Clone, Copy)]
struct Anchors {
    can_calculate: bool,
    has_history: bool,
    can_call: bool,
    is_measured: bool,
    is_used: bool,
    has_scores: bool,
    has_similar: bool,
}

impl Anchors {
    fn draw(self) -> AnyView {
        let parts = [
            (true, "#price", "Price"),
            (self.has_history, "#history", "History"),
            (self.can_calculate, "#calculator", "Calculator"),
            (self.can_call, "#code", "Code"),
            (self.is_measured, "#measured", "Measured"),
            (self.is_used, "#usage", "Use"),
            (self.has_scores, "#scores", "Scores"),
            (self.has_similar, "#similar", "Similar"),
            (true, "#facts", "Facts"),
        ];
        let links = parts.into_iter().filter(|(is_there, ..)| *is_there);
        let links = links.map(|(_, href, name)| view! { <a href=href>{name}</a> });
        view! { <nav class="anchors" aria-label="On this page">{links.collect_view()}</nav> }.into_any()
    }
}
