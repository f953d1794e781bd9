//! The ledger as its owner reads it: every entry, and the balance after it.

use leptos::prelude::*;
use marketplace::billing::LedgerLine;
use marketplace::money::Nanos;

use super::draw;
use crate::components::{Drawn, Empty, Moment};

/// `before` is the version these lines come before, unless they are the newest.
pub fn sheet(lines: Vec<LedgerLine>, before: Option<i64>) -> Drawn {
    draw(|| view! { <LedgerTable lines before /> })
}

#[component]
fn LedgerTable(lines: Vec<LedgerLine>, before: Option<i64>) -> impl IntoView {
    // The first entry of a wallet has version 1; above it there is something older to show.
    let older = lines.last().map(|line| line.version).filter(|version| *version > 1);
    let table = if lines.is_empty() {
        view! { <Empty title="Nothing was booked yet"><p>"Your first top-up opens the ledger."</p></Empty> }
            .into_any()
    } else {
        view! { <Entries lines /> }.into_any()
    };
    view! {
        <section class="stack" aria-labelledby="ledger-heading">
            <div class="split">
                <h2 id="ledger-heading">"Ledger"</h2>
                <a href="/statements">"Monthly statements"</a>
            </div>
            {table}
            <nav class="cluster" aria-label="Pages of the ledger">
                {before.map(|_| view! { <a class="button" href="/billing">"Newest"</a> })}
                {older.map(|version| view! { <a class="button" href=format!("/billing?before={version}")>"Older"</a> })}
            </nav>
        </section>
    }
}

#[component]
fn Entries(lines: Vec<LedgerLine>) -> impl IntoView {
    view! {
        <div class="table-wrap" role="group" aria-labelledby="ledger-heading" tabindex="0">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"When"</th>
                        <th scope="col">"What"</th>
                        <th scope="col" class="num">"Amount"</th>
                        <th scope="col" class="num">"Balance after"</th>
                    </tr>
                </thead>
                <tbody>{lines.into_iter().map(|line| view! { <Entry line /> }).collect_view()}</tbody>
            </table>
        </div>
    }
}

#[component]
fn Entry(line: LedgerLine) -> impl IntoView {
    view! {
        <tr>
            <td><Moment at=line.created_at /></td>
            <td>
                {kind(&line.kind)}
                {line.note.map(|note| view! { <span class="soft">" · "{note}</span> })}
                {line.call_id.map(|id| view! { " · "<a href=format!("/receipts/{id}")>"Receipt"</a> })}
            </td>
            <td class="num">{signed(line.amount_nanos)}</td>
            <td class="num">{line.balance_nanos.balance()}</td>
        </tr>
    }
}

/// A kind of entry in words.
pub fn kind(kind: &str) -> String {
    match kind {
        "top_up" => "Top-up".to_owned(),
        "usage" => "Answer".to_owned(),
        "refund" => "Refund".to_owned(),
        "adjustment" => "Adjustment".to_owned(),
        other => other.replace('_', " "),
    }
}

/// What was taken is a cost and rounded like one, so its sign is set apart from its size.
fn signed(amount: Nanos) -> String {
    if amount < Nanos::ZERO { format!("-{}", (-amount).cost()) } else { format!("+{}", amount.cost()) }
}
