//! A buyer's balance: what is there, how to add to it, and where it went.

mod top_up;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use marketplace::billing::Balance;
use marketplace::fault::{Code, Fault};
use marketplace::money::{Nanos, group};

use self::top_up::TopUpForms;
use super::sign_in::Refusal;
use crate::api::auth::Visit;
use crate::api::billing::{ListLedger, ListTopUps, ReadStanding, StartTopUp};
use crate::components::{Awaited, Drawing, Drawn, FaultNotice};
use crate::door::{Asked, Submission};
use crate::error::AppError;
use crate::shell::Session;

#[component]
pub fn BillingPage() -> impl IntoView {
    let session = expect_context::<Session>();
    let start = Submission::to::<StartTopUp>();
    let top_ups = Asked::once(ListTopUps {});
    let query = use_query_map();
    let before =
        Memo::new(move |_| query.read().get("before").and_then(|version| version.parse::<i64>().ok()));
    let lines = Asked::new(move || before.get(), |before| ListLedger { before });
    let standing = Asked::new(
        move || {
            let query = query.read();
            [query.get("done"), query.get("__path"), query.get("__err")]
        },
        |[done, at, refusal]| ReadStanding { done, at, refusal },
    );
    let account = move || async move {
        match session.visit.read().await {
            Ok(Visit { balance: Some(balance), .. }) => view! {
                <div class="billing-top">
                    <BalanceCard balance />
                    <TopUpForms start />
                </div>
            }
            .into_any(),
            Ok(_) => view! { <Refusal fault=Fault::sign_in() /> }.into_any(),
            Err(fault) => view! { <Refusal fault /> }.into_any(),
        }
    };
    let part = |sheet: Asked<Drawn>| {
        move || async move {
            match sheet.read().await {
                Ok(sheet) => view! { <Drawing of=sheet /> }.into_any(),
                Err(fault) => view! { <FurtherFault fault /> }.into_any(),
            }
        }
    };
    view! {
        <Title text="Billing" />
        <div class="page billing">
            <div class="page-head">
                <h1>"Billing"</h1>
                <p class="soft">"What you have, what is held for answers being written, and where every cent went."</p>
            </div>
            <Awaited what="your balance" content=account />
            <Awaited what="your plan" content=part(standing) />
            <Awaited what="your payments" content=part(top_ups) />
            <Awaited what="the ledger" content=part(lines) />
        </div>
    }
}

/// A stranger was told above already, and once is enough.
#[component]
fn FurtherFault(fault: AppError) -> impl IntoView {
    (fault.0.code != Code::Unauthenticated).then(|| view! { <FaultNotice fault /> }.into_any())
}

#[component]
fn BalanceCard(balance: Balance) -> impl IntoView {
    let session = expect_context::<Session>();
    let available = move || session.live_available.get().unwrap_or(balance.available_nanos).balance();
    let promo = Some(balance.promo_nanos).filter(|promo| *promo > Nanos::ZERO);
    let free_tokens = u64::try_from(balance.free_tokens_left).ok().filter(|tokens| *tokens > 0);
    view! {
        <section class="card balance-card" aria-labelledby="balance-heading">
            <h2 id="balance-heading">"Available"</h2>
            <p class="balance-figure num">{move || available()}</p>
            <dl class="kv">
                <dt>"Held for answers being written"</dt><dd class="num">{balance.held_nanos.balance()}</dd>
                <dt>"Booked in the ledger"</dt><dd class="num">{balance.posted_nanos.balance()}</dd>
                {promo.map(|promo| view! {
                    <dt>"Of it given by the house, spent first"</dt><dd class="num">{promo.balance()}</dd>
                }.into_any())}
                {free_tokens.map(|tokens| view! {
                    <dt>"Free tokens left this month"</dt><dd class="num">{group(tokens)}</dd>
                }.into_any())}
                <dt>"Plan"</dt><dd>{balance.plan}</dd>
            </dl>
        </section>
    }
}
