//! The test gateway: where a payment is pretended, and said to be.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use marketplace::billing::{TopUp, TopUpState};

use super::sign_in::Refusal;
use crate::api::billing::ReadTopUp;
use crate::components::{Awaited, Icon};
use crate::door::Asked;

#[component]
pub fn CheckoutPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    let top_up = Asked::new(move || id.get(), |id| ReadTopUp { id });
    let payment = move || async move {
        match top_up.read().await {
            Ok(top_up) => view! { <Payment top_up /> }.into_any(),
            Err(fault) => view! { <Refusal fault /> }.into_any(),
        }
    };
    view! {
        <Title text="Payment" />
        <div class="page checkout">
            <div class="page-head">
                <h1>"Payment"</h1>
            </div>
            <div class="notice" role="note">
                <Icon name="circle-alert" />
                <p><b>"Test gateway: no real money."</b>" Nothing leaves any bank account, whichever way you choose."</p>
            </div>
            <Awaited what="the payment" content=payment />
        </div>
    }
}

#[component]
fn Payment(top_up: TopUp) -> impl IntoView {
    let amount = top_up.amount_nanos.balance();
    let rest = match top_up.state {
        TopUpState::Pending => view! { <Outcomes action=format!("/pay/{}", top_up.id) /> }.into_any(),
        TopUpState::Paid => view! {
            <p><span class="chip good">"Paid"</span>" This payment is settled, and the amount is on your balance."</p>
            <p><a class="button primary" href="/billing">"See your balance"</a></p>
        }
        .into_any(),
        TopUpState::Declined => view! {
            <p><span class="chip bad">"Declined"</span>" This payment is settled: it was declined, and your balance did not change."</p>
            <p><a class="button primary" href="/billing">"Start another"</a></p>
        }
        .into_any(),
    };
    view! {
        <section class="card stack" aria-label="Payment">
            <p class="soft">"To your Mercato balance"</p>
            <p class="balance-figure num">{amount}</p>
            {rest}
        </section>
    }
}

/// A plain form: the gateway's own address answers it and sends the buyer back.
#[component]
fn Outcomes(action: String) -> impl IntoView {
    view! {
        <form method="post" action=action class="stack outcomes">
            <p>"What should the gateway answer?"</p>
            <button type="submit" class="button primary" name="outcome" value="paid">"Pay"</button>
            <button type="submit" class="button" name="outcome" value="declined">"Decline"</button>
            <button type="submit" class="button" name="outcome" value="delayed">"Pay, but tell later"</button>
        </form>
        <p><a href="/billing">"Back without paying"</a></p>
    }
}
