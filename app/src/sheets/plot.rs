//! Price against context, or against a score: a drawing, and the same as a table.

mod chart;

use std::cmp::Reverse;

use leptos::prelude::*;
use marketplace::model::{Kind, Listing, short_count};
use marketplace::money::Rate;
use marketplace::recommend::{Task, call_rate};

use self::chart::{Axis, chart};
use super::draw;
use super::query::Query;
use crate::api::sheets::Sheet;
use crate::components::Empty;
use crate::context::Caller;

/// Fewer models than this are no picture.
const SCORED_LEAST: usize = 5;
const SCORES_OFFERED: usize = 6;

/// A model in the drawing. `along` is its context, or its score in thousandths of a per cent.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Dot {
    name: String,
    href: String,
    along: u64,
    told: String,
    rate: Rate,
    /// Its number among those that nothing beats, cheapest first.
    best: Option<usize>,
}

pub fn sheet(caller: &Caller, query: &Query) -> Sheet {
    let all = caller.engine.listings(&caller.actor);
    let for_sale = all.iter().filter(|listing| listing.sale.is_open() && listing.model.kind == Kind::Chat);
    let listings: Vec<&Listing> = for_sale.collect();
    let scores = scores(&listings);
    let axis = scores
        .iter()
        .find(|name| *name == query.text("x"))
        .map_or(Axis::Context, |name| Axis::Score(name.clone()));
    let dots = dots(&listings, &axis);
    let left_out = listings.len() - dots.len();
    let title = format!("Price against {}", axis.name());
    Sheet { body: draw(|| view! { <PlotPage axis scores dots left_out /> }), title }
}

#[component]
fn PlotPage(axis: Axis, scores: Vec<String>, dots: Vec<Dot>, left_out: usize) -> impl IntoView {
    let name = axis.name();
    let choices = std::iter::once(Axis::Context).chain(scores.into_iter().map(Axis::Score)).map(|choice| {
        let class = if choice == axis { "chip on" } else { "chip" };
        let current = (choice == axis).then_some("true");
        view! { <li><a class=class href=choice.address() aria-current=current>{choice.label()}</a></li> }
    });
    let choices = choices.collect_view();
    let missing = (left_out > 0).then(|| {
        format!(
            "{left_out} models for sale are not in it: they are free, or their price or {name} is unknown."
        )
    });
    view! {
        <div class="page plot-page">
            <div class="page-head">
                <h1>"Price against "{name.clone()}</h1>
                <p>"Chat models for sale here. The price is that of a million tokens of a typical chat, fee included: 800 in for each 300 out."</p>
            </div>
            <ul class="chips" aria-label="Against what">{choices}</ul>
            {if dots.is_empty() {
                view! {
                    <Empty title="Nothing to draw">
                        <p>"No chat model is for sale here whose price and "{name}" are both known."</p>
                        <a class="button" href="/models">"All models"</a>
                    </Empty>
                }
                .into_any()
            } else {
                view! { {chart(&axis, &dots)}<Twin axis dots /> }.into_any()
            }}
            {missing.map(|text| view! { <p class="soft">{text}</p> })}
        </div>
    }
    .into_any()
}

/// The drawing for whoever reads: every dot a row, those that nothing beats marked.
#[component]
fn Twin(axis: Axis, dots: Vec<Dot>) -> impl IntoView {
    let rows = dots.into_iter().map(|dot| {
        let best = dot.best.map(|number| view! { <span class="chip good">"unbeaten "{number}</span> });
        view! {
            <tr>
                <th scope="row"><a href=dot.href>{dot.name}</a></th>
                <td class="num">{dot.told}</td>
                <td class="num">{dot.rate.per_million()}</td>
                <td>{best}</td>
            </tr>
        }
    });
    view! {
        <section class="stack" aria-labelledby="twin-title">
            <h2 id="twin-title">"The same as a table"</h2>
            <p class="soft">"Unbeaten: no other model is at least as cheap and has more. Their numbers are those in the drawing."</p>
            <div class="table-wrap" role="group" aria-labelledby="twin-title" tabindex="0">
                <table class="table">
                    <thead>
                        <tr>
                            <th scope="col">"Model"</th>
                            <th scope="col" class="num">{axis.label()}</th>
                            <th scope="col" class="num">"$ / M tokens"</th>
                            <td></td>
                        </tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

/// The scores that enough models have, most of them first.
fn scores(listings: &[&Listing]) -> Vec<String> {
    let mut counted: Vec<(String, usize)> = Vec::new();
    for benchmark in listings.iter().flat_map(|listing| &listing.model.benchmarks) {
        match counted.iter_mut().find(|(name, _)| *name == benchmark.name) {
            Some((_, count)) => *count += 1,
            None => counted.push((benchmark.name.clone(), 1)),
        }
    }
    counted.retain(|(_, count)| *count >= SCORED_LEAST);
    counted.sort_by_key(|(name, count)| (Reverse(*count), name.clone()));
    counted.into_iter().take(SCORES_OFFERED).map(|(name, _)| name).collect()
}

/// Cheapest first. What is free has no place on a scale of prices.
fn dots(listings: &[&Listing], axis: &Axis) -> Vec<Dot> {
    let known = listings.iter().filter_map(|listing| {
        let rate = call_rate(Task::Chat, listing).filter(|rate| *rate > Rate::FREE)?;
        let (along, told) = match axis {
            Axis::Context => listing.model.context_tokens.map(|tokens| (tokens, short_count(tokens)))?,
            Axis::Score(name) => {
                let score = listing.model.benchmarks.iter().find(|benchmark| benchmark.name == *name)?;
                (score.thousandths()?.into(), score.score.clone())
            }
        };
        Some(Dot { name: listing.model.name.clone(), href: listing.href(), along, told, rate, best: None })
    });
    let mut dots: Vec<Dot> = known.collect();
    dots.sort_by_key(|dot| (dot.rate, Reverse(dot.along)));
    let (mut most, mut number) = (None, 0);
    for dot in &mut dots {
        if most.is_none_or(|most| dot.along > most) {
            number += 1;
            (most, dot.best) = (Some(dot.along), Some(number));
        }
    }
    dots
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheets::samples::listing;

    fn sample(id: &str, price: i64, context: Option<u64>) -> Listing {
        let mut listing = listing(id, price, price);
        listing.model.context_tokens = context;
        listing
    }

    #[test]
    fn only_what_nothing_beats_is_numbered() {
        let all = [
            sample("a/dear-and-short", 9_000_000, Some(8_000)),
            sample("a/cheap", 1_000_000, Some(32_000)),
            sample("a/long", 5_000_000, Some(1_000_000)),
            sample("a/as-dear", 5_000_000, Some(500_000)),
            sample("a/unknown", 1_000_000, None),
            sample("a/free", 0, Some(2_000_000)),
        ];
        let dots = dots(&all.iter().collect::<Vec<_>>(), &Axis::Context);
        let told: Vec<(&str, Option<usize>)> = dots.iter().map(|dot| (dot.name.as_str(), dot.best)).collect();
        let expected = [("cheap", Some(1)), ("long", Some(2)), ("as-dear", None), ("dear-and-short", None)];
        assert_eq!(told, expected);
    }
}
