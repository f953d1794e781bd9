//! How prices come about: the fee, an example that adds up, the plans, and what is never charged.

use leptos::prelude::*;
use marketplace::model::Listing;
use marketplace::money::{Nanos, group};
use marketplace::plan::Plan;
use marketplace::price::TakeRate;
use marketplace::search::Search;

use super::draw;
use super::results::ModelRows;
use super::standing::fee;
use super::words::share;
use crate::api::sheets::Sheet;
use crate::context::Caller;
use crate::pages::model::calculator::{charge_for_words, tokens_asked, tokens_of_words};

const CHEAPEST: u32 = 6;
const WORDS_IN: u64 = 400;
const WORDS_OUT: u64 = 80;

pub async fn sheet(caller: &Caller) -> Sheet {
    let wanted = Search {
        kind: "chat".to_owned(),
        sale: "open".to_owned(),
        sort: "price".to_owned(),
        ..Search::default()
    };
    let mut paid = caller.engine.search_models(&caller.actor, &wanted).to_vec();
    paid.retain(|listing| !listing.model.free);
    paid.truncate(CHEAPEST as usize);
    // Prices are told whether or not the plans can be.
    let plans = caller.engine.list_plans(&caller.actor).await.unwrap_or_default();
    let body = draw(|| view! { <PricingPage paid plans /> });
    Sheet { title: "Pricing".to_owned(), body }
}

#[component]
fn PricingPage(paid: Vec<Listing>, plans: Vec<Plan>) -> impl IntoView {
    let example = paid.first().cloned();
    view! {
        <div class="page pricing-page">
            <div class="page-head">
                <h1>"Pricing"</h1>
                <p>"You pay for the tokens you use, at prices you see before you send. Every price here has the fee in it."</p>
            </div>
            {example.map(|listing| view! { <Example listing /> })}
            <Plans plans />
            <section class="stack" aria-labelledby="never-title">
                <h2 id="never-title">"What is never charged"</h2>
                <ul class="stack">
                    <li>"An answer that failed, or came empty."</li>
                    <li>"What was not delivered: if you stop an answer, you pay for what you have."</li>
                    <li>"More than was set aside: if a provider reports more, the house pays the difference."</li>
                    <li>"Anything beyond your balance, your key’s limit or your cap: such a call is not begun."</li>
                </ul>
            </section>
            <section class="stack" aria-labelledby="cheapest-title">
                <div class="split">
                    <h2 id="cheapest-title">"Cheapest for sale"</h2>
                    <a href="/models?sort=price&sale=open">"All prices, low first"</a>
                </div>
                <ModelRows listings=paid />
                <p><a href="/plot">"Prices against context and scores, as a drawing"</a></p>
            </section>
        </div>
    }
    .into_any()
}

/// One call, added up.
#[component]
fn Example(listing: Listing) -> impl IntoView {
    let charge = listing
        .model
        .price
        .as_ref()
        .map(|price| charge_for_words(price, listing.take, WORDS_IN, WORDS_OUT))
        .unwrap_or_default();
    let line =
        |name: &'static str, nanos: Nanos| view! { <dt>{name}</dt><dd class="num">{nanos.exact()}</dd> };
    view! {
        <section class="stack" aria-labelledby="fee-title">
            <h2 id="fee-title">"One call, added up"</h2>
            <p>{fee_line(listing.take)}" A reply of "<a href=listing.href()>{listing.model.name.clone()}</a>
                {format!(" with {WORDS_IN} words in and {WORDS_OUT} out, {} and {} tokens, comes to:", tokens_asked(WORDS_IN), tokens_of_words(WORDS_OUT))}
            </p>
            <dl class="kv card pricing-sum">
                {line("The provider gets", charge.provider_cost)}
                {line("Mercato keeps", charge.commission)}
                {line("You pay", charge.charge)}
            </dl>
        </section>
    }
    .into_any()
}

fn fee_line(take: TakeRate) -> String {
    format!("The fee is {} of what you pay; the rest is the provider’s own price.", share(take))
}

#[component]
fn Plans(plans: Vec<Plan>) -> impl IntoView {
    let rows = plans.into_iter().map(|plan| {
        let history = plan.history_days.map_or_else(|| "for good".to_owned(), |days| format!("{days} days"));
        view! {
            <tr>
                <th scope="row">{plan.name.clone()}</th>
                <td class="num">{fee(&plan)}</td>
                <td class="num">{group(plan.free_tokens.unsigned_abs())}</td>
                <td class="num">{group(u64::from(plan.requests_a_minute.unsigned_abs()))}</td>
                <td class="num">{plan.keys_max}</td>
                <td>{history}</td>
            </tr>
        }
    });
    let rows: Vec<_> = rows.collect();
    (!rows.is_empty()).then(|| {
        view! {
            <section class="stack" aria-labelledby="plans-title">
                <h2 id="plans-title">"Plans"</h2>
                <div class="table-wrap" role="group" aria-labelledby="plans-title" tabindex="0">
                    <table class="table">
                        <thead>
                            <tr>
                                <th scope="col">"Plan"</th>
                                <th scope="col" class="num">"Fee"</th>
                                <th scope="col" class="num">"Free tokens a month"</th>
                                <th scope="col" class="num">"Requests a minute"</th>
                                <th scope="col" class="num">"Keys"</th>
                                <th scope="col">"History"</th>
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
                <p class="soft">"A plan’s fee is taken from the balance and buys no balance. Use comes on top, at the same prices for everybody. "<a href="/billing">"Choose one"</a>"."</p>
            </section>
        }
        .into_any()
    })
}
