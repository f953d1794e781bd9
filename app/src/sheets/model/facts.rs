//! What is known of a model, and what others measured. Nothing is guessed: an absent fact says so.

use leptos::prelude::*;
use marketplace::model::{Benchmark, Listing, Model, publisher_name};
use marketplace::money::group;

use crate::components::Icon;
use crate::pages::words::status_name;
use crate::sheets::words::{ability_names, day};

#[component]
pub fn Facts(listing: Listing) -> impl IntoView {
    let facts = facts(&listing);
    let aliases = listing.model.aliases.clone();
    view! {
        <aside class="model-facts stack" id="facts" aria-labelledby="facts-title">
            <h2 id="facts-title">"Facts"</h2>
            <dl class="kv">
                {facts.into_iter().map(|(label, value)| view! { <Fact label value /> }).collect_view()}
            </dl>
            <Abilities model=listing.model />
            {(!aliases.is_empty()).then(|| view! {
                <h3>"Also answers to"</h3>
                <ul class="aliases">{aliases.into_iter().map(|alias| view! { <li><code>{alias}</code></li> }).collect_view()}</ul>
            })}
        </aside>
    }
    .into_any()
}

#[component]
fn Fact(label: &'static str, value: Option<String>) -> impl IntoView {
    view! {
        <dt>{label}</dt>
        {match value {
            Some(value) => view! { <dd>{value}</dd> }.into_any(),
            None => view! { <dd class="soft">"unknown"</dd> }.into_any(),
        }}
    }
}

fn facts(listing: &Listing) -> Vec<(&'static str, Option<String>)> {
    let model = &listing.model;
    let count = |tokens: Option<u64>| tokens.map(|tokens| format!("{} tokens", group(tokens)));
    let mut facts = vec![
        ("Made by", Some(publisher_name(&model.publisher))),
        ("Answered by", Some(listing.provider_name.clone())),
        ("Status", Some(status_name(model.status.as_str()).to_owned())),
        ("Context", count(model.context_tokens)),
    ];
    // These are questions only where the kind of model makes them one.
    let known = [
        ("Longest input", count(model.max_input_tokens)),
        ("Longest answer", count(model.max_output_tokens)),
        ("Dimensions", model.embedding_dimensions.map(group)),
        ("Retires", model.retires.map(day)),
        ("Parameters", model.parameters_billion.as_ref().map(|size| format!("{size} billion"))),
        ("Licence", model.licence.clone()),
    ];
    facts.extend(known.into_iter().filter(|(_, value)| value.is_some()));
    facts.extend([
        ("Released", model.released.clone()),
        ("Knows until", model.knowledge_cutoff.clone()),
        (
            "Weights",
            model.open_weights.map(|open| if open { "open".to_owned() } else { "closed".to_owned() }),
        ),
        ("Takes in", Some(model.input.join(", "))),
        ("Gives out", Some(model.output.join(", "))),
    ]);
    facts
}

#[component]
fn Abilities(model: Model) -> impl IntoView {
    let can = ability_names(&model.abilities);
    let cannot = ability_names(&model.lacks);
    view! {
        {(!can.is_empty()).then(|| view! {
            <h3>"Can do"</h3>
            <ul class="chips">
                {can.into_iter().map(|name| view! { <li class="chip good"><Icon name="check" />{name}</li> }).collect_view()}
            </ul>
        })}
        {(!cannot.is_empty()).then(|| view! {
            <h3>"Cannot do"</h3>
            <ul class="chips">
                {cannot.into_iter().map(|name| view! { <li class="chip"><Icon name="x" />{name}</li> }).collect_view()}
            </ul>
        })}
    }
    .into_any()
}

#[component]
pub fn Benchmarks(scores: Vec<Benchmark>) -> impl IntoView {
    let mut sources: Vec<String> = scores.iter().map(|score| score.source.clone()).collect();
    sources.sort();
    sources.dedup();
    let rows = scores.into_iter().map(|score| {
        let by = if score.self_reported { "its maker" } else { "others" };
        view! {
            <tr>
                <th scope="row">{score.name}</th>
                <td class="score-bar">
                    <meter min="0" max="100" value=score.score.clone() aria-hidden="true"></meter>
                </td>
                <td class="num">{score.score}</td>
                <td>{by}</td>
            </tr>
        }
    });
    view! {
        <section id="scores" class="stack" aria-labelledby="scores-title">
            <h2 id="scores-title">"Scores from outside"</h2>
            <div class="table-wrap" tabindex="0">
                <table class="table">
                    <thead>
                        <tr>
                            <th scope="col">"Benchmark"</th>
                            <td class="score-bar"></td>
                            <th scope="col" class="num">"Score, %"</th>
                            <th scope="col">"Reported by"</th>
                        </tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
            <p class="soft small">"Source: "{sources.join("; ")}"."</p>
        </section>
    }
    .into_any()
}
