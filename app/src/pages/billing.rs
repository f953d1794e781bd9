//! A buyer's balance: what is there, how to add to it, and where it went.

mod ledger;
mod moment;
mod top_up;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use marketplace::billing::Balance;
use marketplace::fault::{Code, Fault};
use marketplace::money::group;

use self::ledger::LedgerTable;
pub(super) use self::moment::Moment;
use self::top_up::{TopUpForms, TopUpList};
use super::sign_in::Refusal;
use crate::api::billing::{StartTopUp, list_ledger, list_top_ups};
use crate::components::{FaultNotice, Waiting};
use crate::error::AppError;
use crate::shell::Session;

#[component]
pub fn BillingPage() -> impl IntoView {
    let session = expect_context::<Session>();
    let start = ServerAction::<StartTopUp>::new();
    let top_ups = Resource::new(|| (), |()| list_top_ups());
    let query = use_query_map();
    let before =
        Memo::new(move |_| query.read().get("before").and_then(|version| version.parse::<i64>().ok()));
    let lines = Resource::new(move || before.get(), list_ledger);
    let account = move || {
        Suspend::new(async move {
            match session.balance.await {
                Ok(Some(balance)) => view! {
                    <div class="billing-top">
                        <BalanceCard balance />
                        <TopUpForms start />
                    </div>
                }
                .into_any(),
                Ok(None) => view! { <Refusal fault=Fault::sign_in() /> }.into_any(),
                Err(fault) => view! { <Refusal fault /> }.into_any(),
            }
        })
    };
    let payments = move || {
        Suspend::new(async move {
            match top_ups.await {
                Ok(top_ups) => view! { <TopUpList top_ups /> }.into_any(),
                Err(fault) => view! { <FurtherFault fault /> }.into_any(),
            }
        })
    };
    let ledger = move || {
        Suspend::new(async move {
            match lines.await {
                Ok(lines) => view! { <LedgerTable lines before=before.get_untracked() /> }.into_any(),
                Err(fault) => view! { <FurtherFault fault /> }.into_any(),
            }
        })
    };
    view! {
        <Title text="Billing" />
        <div class="page billing">
            <div class="page-head">
                <h1>"Billing"</h1>
                <p class="soft">"What you have, what is held for answers being written, and where every cent went."</p>
            </div>
            <Transition fallback=|| view! { <Waiting what="your balance" /> }>{account}</Transition>
            <Transition fallback=|| view! { <Waiting what="your payments" /> }>{payments}</Transition>
            <Transition fallback=|| view! { <Waiting what="the ledger" /> }>{ledger}</Transition>
        </div>
    }
}

/// A stranger was told above already, and once is enough.
#[component]
fn FurtherFault(fault: AppError) -> impl IntoView {
    (fault.0.code != Code::Unauthenticated).then(|| view! { <FaultNotice fault /> })
}

#[component]
fn BalanceCard(balance: Balance) -> impl IntoView {
    let session = expect_context::<Session>();
    let available = move || session.live_available.get().unwrap_or(balance.available_nanos).balance();
    let free_tokens = u64::try_from(balance.free_tokens_left).ok().filter(|tokens| *tokens > 0);
    view! {
        <section class="card balance-card" aria-labelledby="balance-heading">
            <h2 id="balance-heading">"Available"</h2>
            <p class="balance-figure num">{available}</p>
            <dl class="kv">
                <dt>"Held for answers being written"</dt><dd class="num">{balance.held_nanos.balance()}</dd>
                <dt>"Booked in the ledger"</dt><dd class="num">{balance.posted_nanos.balance()}</dd>
                {free_tokens.map(|tokens| view! {
                    <dt>"Free tokens left this month"</dt><dd class="num">{group(tokens)}</dd>
                })}
                <dt>"Plan"</dt><dd>{balance.plan}</dd>
            </dl>
        </section>
    }
}
