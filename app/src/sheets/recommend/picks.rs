//! What suits, best first: each with its score as a bar and as a table, and what would change the order.

use std::fmt::Write;

use engine::{Pick, Recommendation, Replayed};
use leptos::prelude::*;
use marketplace::model::publisher_name;
use marketplace::money::group;
use marketplace::recommend::{Aspect, Change, POINTS, Scored, Span, Weights, Wish};

use crate::components::Tile;
use crate::pages::words::capital;
use crate::sheets::compare::address;

const CHANGES_SHOWN: usize = 4;
/// The bar is as wide as a score can be.
const HEIGHT: u32 = 28;

#[component]
pub fn Picks(
    wish: Wish,
    found: Recommendation,
    replayed: Vec<Option<Replayed>>,
    is_stranger: bool,
) -> impl IntoView {
    let ids: Vec<String> = found.picks.iter().take(4).map(|pick| pick.listing.model.id.to_string()).collect();
    let side_by_side = address(ids.iter().map(String::as_str), false);
    let is_untold = replayed.is_empty();
    let picks = found.picks.into_iter().enumerate().map(|(at, pick)| {
        let replayed = replayed.get(at).copied().flatten();
        view! { <PickCard pick weights=wish.weights replayed is_first=at == 0 /> }
    });
    let note = match (is_untold, is_stranger) {
        (true, true) => Some("Sign in to see what your own last month would have cost with each of these."),
        (true, false) => Some(
            "Once you have paid for a chat, each of these tells what your own month would have cost with it.",
        ),
        (false, _) => None,
    };
    view! {
        <ol class="picks">{picks.collect_view()}</ol>
        {(ids.len() > 1).then(|| view! { <p><a class="button" href=side_by_side>"Compare the first "{ids.len()}</a></p> })}
        {note.map(|note| view! { <p class="soft">{note}</p> })}
    }
    .into_any()
}

#[component]
fn PickCard(pick: Pick, weights: Weights, replayed: Option<Replayed>, is_first: bool) -> impl IntoView {
    let listing = pick.listing;
    let (score, whole) = (pick.scored.points(), pick.scored.whole);
    let spans = Aspect::ALL.map(|aspect| (aspect, pick.scored.span(aspect)));
    let within =
        (!whole.is_known()).then(|| format!("between {} and {}", points(whole.least), points(whole.most)));
    view! {
        <li class="card pick">
            <div class="pick-head">
                <Tile name=publisher_name(&listing.model.publisher) />
                <div>
                    <h3><a href=listing.href()>{listing.model.name.clone()}</a></h3>
                    <span class="model-id">{listing.model.id.to_string()}</span>
                </div>
                <p class="pick-score"><b class="num">{points(score)}</b><small class="soft">" of 100"</small><small class="soft">{within}</small></p>
            </div>
            <p>{pick.why}"."</p>
            {bar(&weights, &spans)}
            {replayed.map(|replayed| view! { <Replay replayed /> })}
            <details open=is_first>
                <summary>"Every part of it"</summary>
                <Parts weights spans=spans.to_vec() told=pick.told.to_vec() name=listing.model.name />
            </details>
        </li>
    }
    .into_any()
}

/// What the reader's own month would have cost.
#[component]
fn Replay(replayed: Replayed) -> impl IntoView {
    let sum = replayed.sum;
    let calls = if sum.calls == 1 { "chat".to_owned() } else { format!("{} chats", group(sum.calls)) };
    view! {
        <p class="pick-replay">
            "Your "{calls}" of "{replayed.month.to_string()}" would have cost "
            <b class="num">{sum.would_have.cost()}</b>" instead of "<span class="num">{sum.paid.cost()}</span>
            <span class="soft">", for the same tokens at today’s price."</span>
        </p>
    }
}

/// A segment an aspect, as wide as what it adds; what is unknown is hatched. The table below says the same.
fn bar(weights: &Weights, spans: &[(Aspect, Span)]) -> AnyView {
    let sum: u32 = Aspect::ALL.iter().map(|aspect| u32::from(weights.of(*aspect))).sum();
    let (mut drawn, mut x) = (String::new(), 0);
    for (aspect, span) in spans {
        let width = |points: u32| points * u32::from(weights.of(*aspect)) / sum.max(1);
        let (sure, middle) = (width(span.least), width(span.middle()));
        let name = aspect.as_str();
        for (class, from, wide) in [("sure", x, sure), ("unsure", x + sure, middle.saturating_sub(sure))] {
            // Writing into a string cannot fail.
            let _ = write!(
                drawn,
                r#"<rect class="{name} {class}" x="{from}" y="0" width="{wide}" height="{HEIGHT}"><title>{name}</title></rect>"#
            );
        }
        x += middle;
    }
    view! {
        <svg
            class="score-stack"
            viewBox=format!("0 0 {POINTS} {HEIGHT}")
            preserveAspectRatio="none"
            aria-hidden="true"
            focusable="false"
            inner_html=drawn
        ></svg>
    }
    .into_any()
}

#[component]
fn Parts(weights: Weights, spans: Vec<(Aspect, Span)>, told: Vec<String>, name: String) -> impl IntoView {
    let rows = spans.into_iter().zip(told).map(|((aspect, span), told)| {
        let shown = match span {
            Span::UNKNOWN => "unknown".to_owned(),
            span if span.is_known() => points(span.least),
            span => format!("{} to {}", points(span.least), points(span.most)),
        };
        view! {
            <tr>
                <th scope="row"><span class=format!("swatch {}", aspect.as_str()) aria-hidden="true"></span>{capital(aspect.as_str())}</th>
                <td class="num">{shown}</td>
                <td class="num">"× "{weights.of(aspect)}</td>
                <td class="soft">{capital(&told)}</td>
            </tr>
        }
    });
    view! {
        <div class="table-wrap" role="group" aria-label=format!("Score of {name}") tabindex="0">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Part"</th>
                        <th scope="col" class="num">"Points"</th>
                        <th scope="col" class="num">"Weight"</th>
                        <th scope="col">"Because"</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// What would put the second first.
#[component]
pub fn RunnerUp(wish: Wish, found: Recommendation) -> impl IntoView {
    let [first, second, ..] = found.picks.as_slice() else { return ().into_any() };
    let name = second.listing.model.name.clone();
    let behind = if found.behind == 0 {
        format!("{name} is as good by points. ")
    } else {
        format!("{name} is {} points behind {}. ", points(found.behind), first.listing.model.name)
    };
    let changes = found.changes.iter().filter(|change| is_worth_saying(change, &wish)).take(CHANGES_SHOWN);
    let changes: Vec<_> =
        changes.map(|change| view! { <li>{in_words(change, &second.scored)}</li> }).collect();
    let is_firm = changes.is_empty();
    view! {
        <div class="notice runner-up" role="note">
            <div>
                <p>
                    {behind}
                    {if is_firm { "No single change would put it first." } else { "Any one of these would put it first:" }}
                </p>
                {(!is_firm).then(|| view! { <ul>{changes}</ul> })}
            </div>
        </div>
    }
    .into_any()
}

/// What cannot change by itself, such as where it runs, is no condition anybody waits for.
fn is_worth_saying(change: &Change, wish: &Wish) -> bool {
    match change {
        Change::Points { aspect, .. } => *aspect != Aspect::Privacy && wish.weights.of(*aspect) > 0,
        Change::Price { .. } | Change::Weight { .. } => true,
    }
}

fn in_words(change: &Change, second: &Scored) -> String {
    match change {
        Change::Price { now, then } => format!(
            "Its typical call costs at most {} per million tokens instead of {}.",
            then.per_million(),
            now.per_million()
        ),
        Change::Weight { aspect, now, then } => {
            format!("{} weighs {then} instead of {now}.", capital(aspect.as_str()))
        }
        Change::Points { aspect, now, then } => {
            let (name, then) = (aspect.as_str(), points(*then));
            match second.span(*aspect) {
                Span::UNKNOWN => {
                    format!("Its {name}, of which nothing is known, turns out to be worth {then}.")
                }
                span if span.is_known() => format!("Its {name} is worth {then} instead of {}.", points(*now)),
                Span { least, most } => {
                    let now = format!("{} to {}", points(least), points(most));
                    format!("Its {name}, of which only {now} is known, turns out to be worth {then}.")
                }
            }
        }
    }
}

/// Thousandths as people read them: of a hundred, with one decimal.
fn points(thousandths: u32) -> String {
    format!("{}.{}", thousandths / 10, thousandths % 10)
}

#[cfg(test)]
mod tests {
    use marketplace::recommend::{Candidate, Task};

    use super::*;
    use crate::sheets::samples::listing;

    #[test]
    fn what_nobody_knows_of_the_second_is_told_as_unknown() {
        let listing = listing("a/b", 1_000_000_000, 1_000_000_000);
        let candidate = Candidate { listing: &listing, measured: None, is_local: false };
        let scored = Wish::of(Task::Coding).score(0, &candidate);
        let told = |aspect, now| in_words(&Change::Points { aspect, now, then: 700 }, &scored);
        assert_eq!(
            told(Aspect::Quality, 500),
            "Its quality, of which nothing is known, turns out to be worth 70.0."
        );
        assert!(scored.span(Aspect::Price).is_known());
        assert_eq!(told(Aspect::Price, 123), "Its price is worth 70.0 instead of 12.3.");
    }
}
