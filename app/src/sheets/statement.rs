//! A month of an account: what was there, what came and went, what the answers cost, and where the chains ended.

mod months;
mod sums;
mod verifier;

use std::sync::Arc;

use leptos::prelude::*;
use marketplace::statement::{Fund, Month, Statement, WalletMonth};

use self::sums::{AnswerTable, MoneyTable, OtherEntries};
use super::draw;
use crate::components::{Drawn, Moment};

/// Newest first.
pub fn months(months: Vec<Month>) -> Drawn {
    draw(|| months::list(months))
}

/// What somebody needs to check a statement; `key` is the one that this market signs with.
pub fn verifier(key: String) -> Drawn {
    draw(|| verifier::form(key))
}

/// A month may be long, so the parts of its sheet share it.
pub fn sheet(statement: &Arc<Statement>, key: String) -> Drawn {
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
