//! Models for a task: what somebody wants, and what suits it, part by part.

mod asked;
mod form;
mod picks;

use engine::{Recommendation, Replayed};
use leptos::prelude::*;
use marketplace::fault::Fault;
use marketplace::model::Listing;
use marketplace::recommend::{Refusal, Wish};

use self::asked::wish;
use self::form::WishForm;
use self::picks::{Picks, RunnerUp};
use super::draw;
use super::query::Query;
use crate::api::sheets::Sheet;
use crate::components::Empty;
use crate::context::Caller;
use crate::error::AppError;
use crate::pages::words::capital;

const PICKS: usize = 8;

pub async fn sheet(caller: &Caller, query: &Query) -> Result<Sheet, AppError> {
    let wish = wish(query);
    let found = caller.engine.recommend(&caller.actor, &wish, PICKS).await;
    // What the address asks wrongly is said on the page; only what is no fault of the reader's is a failure.
    let found = match found.map_err(Fault::from) {
        Err(fault) if fault.field.is_none() => return Err(AppError(fault)),
        found => found,
    };
    let listings: Vec<Listing> =
        found.iter().flat_map(|found| &found.picks).map(|pick| pick.listing.clone()).collect();
    let replayed = caller.engine.replay(&caller.actor, &listings.iter().collect::<Vec<_>>()).await;
    // A page of recommendations is whole without it.
    let replayed = replayed.unwrap_or_default();
    let is_stranger = caller.user.is_none();
    let body = draw(|| view! { <RecommendPage wish found replayed is_stranger /> });
    Ok(Sheet { title: "Which model for what".to_owned(), body })
}

#[component]
fn RecommendPage(
    wish: Wish,
    found: Result<Recommendation, Fault>,
    replayed: Vec<Option<Replayed>>,
    is_stranger: bool,
) -> impl IntoView {
    let task = wish.task.name();
    let content = match found {
        Err(fault) => {
            view! { <Empty title="That cannot be looked for"><p>{fault.message}</p></Empty> }.into_any()
        }
        Ok(found) if found.picks.is_empty() => view! { <NothingFits left_out=found.left_out /> }.into_any(),
        Ok(found) => {
            let (total, left_out) = (found.total, found.left_out.clone());
            view! {
                <p class="soft" role="status">{sum(total, &left_out)}</p>
                <RunnerUp wish=wish.clone() found=found.clone() />
                <Picks wish=wish.clone() found replayed is_stranger />
            }
            .into_any()
        }
    };
    view! {
        <div class="page recommend-page">
            <div class="page-head">
                <h1>"Which model for what"</h1>
                <p>"Say what it is for and what counts. Every point of every score is shown, and what nobody knows is a span, never a zero."</p>
            </div>
            <div class="recommend">
                <WishForm wish />
                <section class="stack" aria-labelledby="picks-title">
                    <h2 id="picks-title">{task}</h2>
                    {content}
                </section>
            </div>
            <Rules />
        </div>
    }
    .into_any()
}

/// How many suit, and why the others do not.
fn sum(total: usize, left_out: &[(Refusal, usize)]) -> String {
    let suit = if total == 1 { "1 model suits.".to_owned() } else { format!("{total} models suit.") };
    let out: Vec<String> =
        left_out.iter().map(|(why, count)| format!("{count} {}", refused(*why, *count))).collect();
    if out.is_empty() { suit } else { format!("{suit} Left out: {}.", out.join(", ")) }
}

fn refused(why: Refusal, count: usize) -> &'static str {
    let is_one = count == 1;
    match why {
        Refusal::OtherKind if is_one => "does other work",
        Refusal::OtherKind => "do other work",
        Refusal::NotForSale if is_one => "is not for sale",
        Refusal::NotForSale => "are not for sale",
        Refusal::LacksNeed if is_one => "cannot do what is needed, or nobody says that it can",
        Refusal::LacksNeed => "cannot do what is needed, or nobody says that they can",
        Refusal::TooShort if is_one => "reads too little",
        Refusal::TooShort => "read too little",
        Refusal::TooDear if is_one => "costs more, or by other units",
        Refusal::TooDear => "cost more, or by other units",
    }
}

#[component]
fn NothingFits(left_out: Vec<(Refusal, usize)>) -> impl IntoView {
    let reasons = left_out.into_iter().filter(|(why, _)| *why != Refusal::OtherKind);
    let reasons = reasons
        .map(|(why, count)| view! { <li>{capital(&format!("{count} {}", refused(why, count)))}"."</li> });
    view! {
        <Empty title="No model is all of that">
            <ul>{reasons.collect_view()}</ul>
            <p>"Ask for less: raise the price, lower the context, or take away a need."</p>
            <a class="button" href="/recommend">"Begin anew"</a>
        </Empty>
    }
}

#[component]
fn Rules() -> impl IntoView {
    view! {
        <section class="stack recommend-rules" aria-labelledby="rules-title">
            <h2 id="rules-title">"How points are given"</h2>
            <dl class="kv">
                <dt>"Fit"</dt>
                <dd>"The share of the abilities the task gains from. One that nobody tells of is unknown."</dd>
                <dt>"Quality"</dt>
                <dd>"Scores from outside that speak for the task, above what guessing gets. Those nobody measured are unknown."</dd>
                <dt>"Price"</dt>
                <dd>"100 up to $0.05 per million tokens of a typical call, fee included; each doubling takes 10. Pictures: $0.001 each."</dd>
                <dt>"Speed"</dt>
                <dd>"Measured here in the last 30 days. Tokens a second: none up to 10, each doubling gives 20. First word: 100 up to 250 ms, each doubling takes 20. The mean of both."</dd>
                <dt>"Context"</dt>
                <dd>"None up to 3,906 tokens; each doubling gives 12.5, so that a million has 100."</dd>
                <dt>"Reliability"</dt>
                <dd>"Measured here: none up to 90 % answered, 100 at 100 %. Unknown of fewer than 20 calls."</dd>
                <dt>"Privacy"</dt>
                <dd>"100 on the operator’s own machines. What vendors keep no list tells, so of them it is unknown."</dd>
            </dl>
            <p class="soft">
                "The score is the weighted mean; of what is unknown the middle counts, and the span is shown. Programs ask "
                <code>"POST /api/v1/recommendations"</code>"."
            </p>
        </section>
    }
    .into_any()
}
