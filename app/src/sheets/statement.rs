//! A month of an account: what was there, what came and went, what the answers cost, and where the chains ended.

mod months;
mod sums;
mod verifier;

use std::sync::Arc;

use leptos::prelude::*;
use marketplace::fault::Fault;
use marketplace::statement::{Fund, Month, Statement, WalletMonth};

use self::sums::{AnswerTable, MoneyTable, OtherEntries};
use super::draw;
use super::place::Place;
use crate::api::sheets::Sheet;
use crate::components::{Drawn, Moment, PrintButton};
use crate::context::{Caller, subject};
use crate::error::AppError;

/// Newest first.
pub async fn months_page(place: &Place<'_>) -> Sheet {
    let lead = || view! { <p class="soft">"Each month signed, chained to the one before, and recomputed by whoever checks it."</p> };
    let caller = &place.caller;
    let months = caller.engine.list_statements(&caller.actor).await.map_err(AppError::from);
    place.page("Statements", "receipt", lead, months.map(|months| draw(|| months::list(months))))
}

pub async fn page(place: &Place<'_>, month: &str) -> Sheet {
    let lead = || view! { <p class="soft">"For "<span class="num">{month.to_owned()}</span>", in UTC"</p> };
    place.page("Statement", "receipt", lead, content(&place.caller, month).await)
}

/// What somebody needs to check a statement; `key` is the one that this market signs with.
pub fn verifier(key: String) -> Drawn {
    draw(|| verifier::form(key))
}

async fn content(caller: &Caller, month: &str) -> Result<Drawn, AppError> {
    let month = subject(Month::parse(month).map_err(|_| Fault::not_found("This statement")))?;
    let signed = subject(caller.engine.statement(&caller.actor, month).await)?;
    Ok(sheet(&signed.statement.into(), caller.engine.statement_key(&caller.actor)))
}

/// A month may be long, so the parts of its sheet share it.
fn sheet(statement: &Arc<Statement>, key: String) -> Drawn {
    draw(|| {
        view! {
            <article class="card stack sheet" aria-label="Statement">
                <Facts statement=statement.clone() key />
                <MoneyTable statement=statement.clone() />
                <AnswerTable statement=statement.clone() />
                <OtherEntries statement=statement.clone() />
                <Chains statement=statement.clone() />
            </article>
            <Actions month=statement.month />
            <p class="sheet-actions"><PrintButton /></p>
        }
    })
}

#[component]
fn Facts(statement: Arc<Statement>, key: String) -> impl IntoView {
    view! {
        <dl class="kv">
            <dt>"Account"</dt><dd class="num">{statement.account.to_string()}</dd>
            <dt>"Month"</dt>
            <dd>
                <span class="num">{statement.month.to_string()}</span>
                {(!statement.complete).then(|| view! { " "<span class="chip">"so far"</span> })}
            </dd>
            <dt>"Issued"</dt><dd><Moment at=statement.issued_at.clone() /></dd>
            <dt>"Signed with the key"</dt><dd class="num">{key}</dd>
        </dl>
    }
}

#[component]
fn Chains(statement: Arc<Statement>) -> impl IntoView {
    view! {
        <dl class="kv">
            {statement.wallets.iter().map(|wallet| view! {
                <dt>{fund_name(wallet.fund)}", entries"</dt>
                <dd class="num">{numbers(wallet)}</dd>
                {(!wallet.closing.head.is_empty()).then(|| view! {
                    <dt>"Head of their chain"</dt><dd class="num">{wallet.closing.head.clone()}</dd>
                })}
            }).collect_view()}
        </dl>
    }
}

fn fund_name(fund: Fund) -> &'static str {
    match fund {
        Fund::Paid => "Money",
        Fund::Promo => "Promotional money",
        Fund::Free => "Free tokens",
    }
}

fn numbers(wallet: &WalletMonth) -> String {
    match (wallet.opening.version, wallet.closing.version) {
        (after, upto) if after == upto => "none".to_owned(),
        (after, upto) => format!("{}–{upto}", after + 1),
    }
}

#[component]
fn Actions(month: Month) -> impl IntoView {
    let file = |ending| format!("/api/v1/statements/{month}.{ending}");
    view! {
        <p class="cluster sheet-actions">
            <a class="button primary" href=file("json") download>"Signed JSON"</a>
            <a class="button" href=file("csv") download>"CSV"</a>
            <a class="button" href="/statements/verify">"Check a statement"</a>
            <a class="button" href="/statements">"All months"</a>
        </p>
    }
}
