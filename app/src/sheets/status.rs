//! The state of everything in words, then vendor by vendor in figures.

use engine::BooksState;
use leptos::prelude::*;
use marketplace::health::{HealthReport, Span, Standing, VendorHealth};
use marketplace::money::group;

use super::books::ago;
use super::draw;
use super::health::{NamedBy, Now, Offers, uptime};
use super::place::Place;
use crate::api::sheets::Sheet;
use crate::components::{Drawn, Empty, Moment};

pub async fn page(place: &Place<'_>) -> Sheet {
    let lead = || view! { <p>"How well vendors answer, measured on the calls made here."</p> };
    let (engine, actor) = (&place.caller.engine, &place.caller.actor);
    // The page says what it knows, and what it cannot know.
    let health = engine.health(actor, Span::Day).await.ok();
    let books = engine.books_glance(actor).await;
    place.page("Status", "status-page", lead, Ok(sheet(health.as_deref(), books)))
}

fn sheet(health: Option<&HealthReport>, books: Option<BooksState>) -> Drawn {
    draw(|| {
        let vendors = health.map(|report| report.vendors.clone());
        let is_empty = vendors.as_ref().is_some_and(Vec::is_empty);
        let vendors = vendors.into_iter().flatten().map(|vendor| view! { <Vendor vendor /> }).collect_view();
        view! {
            <div class="status-cards">
                <Overall health=health.cloned() />
                <Books books />
            </div>
            {is_empty.then(|| view! { <NothingMeasured /> })}
            {vendors}
            <Explanation />
        }
    })
}

/// Whether vendors answer, in one sentence.
#[component]
fn Overall(health: Option<HealthReport>) -> impl IntoView {
    let standing = health.as_ref().map_or(Standing::Unknown, |report| report.now);
    let sentence = health.as_ref().map_or_else(
        || {
            "What was measured cannot be read right now. This page answers, so the market itself is up."
                .to_owned()
        },
        verdict,
    );
    view! {
        <section class="card stack" aria-labelledby="vendors-title">
            <div class="split">
                <h2 id="vendors-title">"Do vendors answer?"</h2>
                <Now standing />
            </div>
            <p>{sentence}</p>
            {health.map(|report| view! {
                <p class="soft small">"As of "<Moment at=report.until />"; measured anew each minute."</p>
            })}
        </section>
    }
    .into_any()
}

fn verdict(report: &HealthReport) -> String {
    let asked: Vec<_> = report.offers().filter(|offer| offer.now != Standing::Unknown).collect();
    let failing: Vec<_> = asked.iter().filter(|offer| offer.now != Standing::Answers).collect();
    let models = |count: usize| {
        if count == 1 { "1 model".to_owned() } else { format!("{} models", group(count as u64)) }
    };
    match (asked.len(), failing.as_slice()) {
        (0, _) => {
            "Nobody asked a model in the last half hour, so nothing is known of this moment.".to_owned()
        }
        (count, []) => format!("Yes: {} asked in the last half hour, and all of them answer.", models(count)),
        (count, [one]) => {
            format!("Not all: of {} asked in the last half hour, {} fails.", models(count), one.model)
        }
        (count, some) => {
            format!("Not all: of {} asked in the last half hour, {} fail.", models(count), some.len())
        }
    }
}

#[component]
fn Books(books: Option<BooksState>) -> impl IntoView {
    let (class, word) = match books.as_ref().map(|books| books.balanced) {
        Some(true) => ("chip good", "balanced"),
        Some(false) => ("chip bad", "not balanced"),
        None => ("chip", "unknown"),
    };
    let stopped = books.as_ref().and_then(|books| books.stopped_since.clone());
    let checked = books.and_then(|books| books.last_check);
    let checked = checked.map_or_else(
        || "They were not checked yet.".to_owned(),
        |at| ago(&at).map_or_else(|| format!("Checked at {at}."), |ago| format!("Checked {ago}.")),
    );
    view! {
        <section class="card stack" aria-labelledby="books-title">
            <div class="split">
                <h2 id="books-title">"Do the books balance?"</h2>
                <span class=class>{word}</span>
            </div>
            {stopped.map(|since| view! { <p>"Paid calls are refused since "<Moment at=since />"."</p> })}
            <p>{checked}" "<a href="/books">"How that is proven"</a></p>
        </section>
    }
    .into_any()
}

#[component]
fn Vendor(vendor: VendorHealth) -> impl IntoView {
    let id = format!("vendor-{}", vendor.provider);
    let measured = vendor.measured;
    let sum = format!("{} calls", group(measured.attempts));
    let up = measured.uptime_bps.map(|bps| format!(", {} % answered", uptime(bps)));
    view! {
        <section class="stack" aria-labelledby=id.clone()>
            <div class="split">
                <h2 id=id.clone()>{vendor.name}</h2>
                <p class="soft">{sum}{up}" in the last 24 hours"</p>
            </div>
            <Offers offers=vendor.offers named_by=NamedBy::Model labelled_by=id.clone() />
        </section>
    }
    .into_any()
}

#[component]
fn NothingMeasured() -> impl IntoView {
    view! {
        <Empty title="Nothing was measured yet">
            <p>"No vendor was asked in the last 24 hours. The first answer shows here a minute later."</p>
            <p><a class="button primary" href="/chat">"Ask a model"</a></p>
        </Empty>
    }
    .into_any()
}

#[component]
fn Explanation() -> impl IntoView {
    view! {
        <section class="stack" aria-labelledby="how-title">
            <h2 id="how-title">"How this is measured"</h2>
            <ul class="stack">
                <li>"Each call counts as it came out. What the caller asked wrongly or stopped before the first word, and what this market's own key was refused for, does not count."</li>
                <li>"First token: from asking the vendor to the first word of a streamed answer, half of them sooner. Tokens a second: from the first word to the last."</li>
                <li>"In the strip each bar is an hour in UTC. What hangs from the top failed; a dash is an hour in which nobody asked."</li>
                <li>"Percentiles are within a quarter of the true ones. Nothing is kept of who asked, or what."</li>
            </ul>
            <p class="soft">"Programs read this page at "<a href="/api/v1/status" rel="external">"/api/v1/status"</a>"."</p>
        </section>
    }
    .into_any()
}
