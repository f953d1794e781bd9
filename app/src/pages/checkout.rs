//! The test gateway: where a payment is pretended, and said to be.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::sign_in::Refusal;
use crate::api::billing::ReadTopUp;
use crate::components::{Awaited, Drawing, Icon};
use crate::door::Asked;

#[component]
pub fn CheckoutPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    let top_up = Asked::new(move || id.get(), |id| ReadTopUp { id });
    let payment = move || async move {
        match top_up.read().await {
            Ok(payment) => view! { <Drawing of=payment /> }.into_any(),
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
