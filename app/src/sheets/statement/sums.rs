//! The sums of a statement: what came and went by kind, what the answers cost by model, and every other entry.

use std::collections::BTreeMap;
use std::sync::Arc;

use leptos::prelude::*;
use marketplace::money::{Nanos, group};
use marketplace::statement::{Fund, Statement, USAGE};

use super::fund_name;
use crate::components::Moment;
use crate::sheets::ledger::kind;

/// Opening balance, everything by kind, closing balance: in dollars, over both funds.
#[component]
pub fn MoneyTable(statement: Arc<Statement>) -> impl IntoView {
    let totals = statement.totals;
    let mut by_kind: BTreeMap<String, Nanos> = BTreeMap::new();
    for wallet in statement.wallets.iter().filter(|wallet| wallet.fund != Fund::Free) {
        for entry in &wallet.entries {
            let sum = by_kind.entry(entry.kind.clone()).or_default();
            *sum = *sum + Nanos(entry.amount);
        }
    }
    let moved: Nanos = by_kind.values().copied().sum();
    let adds_up = totals.opening_nanos.checked_add(moved) == Some(totals.closing_nanos);
    let rows = by_kind.into_iter().map(|(name, sum)| view! { <SumRow label=kind(&name) amount=sum /> });
    view! {
        <div class="table-wrap" role="group" aria-label="Money" tabindex="0">
            <table class="table">
                <thead><tr><th scope="col">"Money"</th><th scope="col" class="num">"Amount"</th></tr></thead>
                <tbody>
                    <SumRow label="Opening balance" amount=totals.opening_nanos />
                    {rows.collect_view()}
                </tbody>
                <tfoot><SumRow label="Closing balance" amount=totals.closing_nanos total=true /></tfoot>
            </table>
        </div>
        <p class="check">
            <span class="num">
                {totals.opening_nanos.exact()}" + "{totals.received_nanos.exact()}" − "{totals.spent_nanos.exact()}" = "{totals.closing_nanos.exact()}
            </span>
            " "
            <Sums adds_up right="opening + received − spent = closing" />
        </p>
    }
}

#[component]
fn SumRow(#[prop(into)] label: String, amount: Nanos, #[prop(optional)] total: bool) -> impl IntoView {
    view! { <tr class:total=total><th scope="row">{label}</th><td class="num">{amount.exact()}</td></tr> }
}

#[component]
fn Sums(adds_up: bool, right: &'static str) -> impl IntoView {
    match adds_up {
        true => view! { <span class="chip good">{format!("{right} ✓")}</span> }.into_any(),
        false => view! { <span class="chip bad">{format!("does not add up: {right} ✗")}</span> }.into_any(),
    }
}

/// What one model did in the month.
#[derive(Clone, Copy, Default)]
struct Share {
    calls: u64,
    input: u64,
    output: u64,
    charge: Nanos,
}

#[component]
pub fn AnswerTable(statement: Arc<Statement>) -> impl IntoView {
    let totals = statement.totals;
    let mut shares: BTreeMap<String, Share> = BTreeMap::new();
    for call in &statement.calls {
        let share = shares.entry(call.model.to_string()).or_default();
        share.calls += 1;
        share.input += call.usage.input_total();
        share.output += call.usage.output_total();
        share.charge = share.charge + call.charge_nanos;
    }
    let paid: Nanos = statement.calls.iter().map(|call| call.paid()).sum();
    let usage = statement
        .wallets
        .iter()
        .filter(|wallet| wallet.fund != Fund::Free)
        .flat_map(|wallet| &wallet.entries);
    let taken: Nanos = usage.filter(|entry| entry.kind == USAGE).map(|entry| -Nanos(entry.amount)).sum();
    let house = totals.overrun_nanos;
    let rows = match shares.is_empty() {
        true => view! { <tr><td colspan="5" class="soft">"No calls in this month."</td></tr> }.into_any(),
        false => shares
            .into_iter()
            .map(|(model, share)| view! { <ShareRow model share /> })
            .collect_view()
            .into_any(),
    };
    view! {
        <div class="table-wrap" role="group" aria-label="Answers" tabindex="0">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Answers of"</th>
                        <th scope="col" class="num">"Calls"</th>
                        <th scope="col" class="num">"Tokens in"</th>
                        <th scope="col" class="num">"Tokens out"</th>
                        <th scope="col" class="num">"Charge"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
                <tfoot>
                    <FootRow label="Charges" amount=totals.charge_nanos />
                    <FootRow label="Of them commission" amount=totals.commission_nanos />
                    {(house != Nanos::ZERO).then(|| view! { <FootRow label="Beyond what was held, paid by the house" amount=-house /> })}
                    <FootRow label="Paid for answers" amount=paid total=true />
                </tfoot>
            </table>
        </div>
        {(totals.free_tokens > 0).then(|| view! { <p class="soft">"Free tokens used: "<span class="num">{group(totals.free_tokens)}</span></p> })}
        <p class="check"><Sums adds_up=paid == taken right="paid for answers = taken from the balance" /></p>
    }
}

#[component]
fn ShareRow(model: String, share: Share) -> impl IntoView {
    let href = format!("/models/{model}");
    view! {
        <tr>
            <th scope="row"><a href=href>{model}</a></th>
            <td class="num">{group(share.calls)}</td>
            <td class="num">{group(share.input)}</td>
            <td class="num">{group(share.output)}</td>
            <td class="num">{share.charge.exact()}</td>
        </tr>
    }
}

#[component]
fn FootRow(label: &'static str, amount: Nanos, #[prop(optional)] total: bool) -> impl IntoView {
    view! { <tr class:total=total><th scope="row" colspan="4">{label}</th><td class="num">{amount.exact()}</td></tr> }
}

/// Everything but the answers, one by one; those stand in the files.
#[component]
pub fn OtherEntries(statement: Arc<Statement>) -> impl IntoView {
    let others = statement.wallets.iter().flat_map(|wallet| {
        let others = wallet.entries.iter().filter(|entry| entry.kind != USAGE);
        others.map(|entry| (wallet.fund, entry.clone()))
    });
    let rows: Vec<_> = others
        .map(|(fund, entry)| {
            view! {
                <tr>
                    <td><Moment at=entry.at /></td>
                    <td>{kind(&entry.kind)}{entry.note.map(|note| view! { <span class="soft">" · "{note}</span> })}</td>
                    <td>{fund_name(fund)}</td>
                    <td class="num">{fund.amount(entry.amount)}</td>
                </tr>
            }
        })
        .collect();
    (!rows.is_empty()).then(|| {
        view! {
            <div class="table-wrap" role="group" aria-label="Other entries" tabindex="0">
                <table class="table">
                    <thead>
                        <tr>
                            <th scope="col">"When"</th>
                            <th scope="col">"What"</th>
                            <th scope="col">"Wallet"</th>
                            <th scope="col" class="num">"Amount"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
    })
}
