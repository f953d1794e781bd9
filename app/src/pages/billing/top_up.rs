//! Adding to a balance, and the payments so far.

use leptos::prelude::*;
use marketplace::billing::{TopUp, TopUpState};

use super::super::sign_in::Refusal;
use super::Moment;
use crate::components::{Empty, FieldError};
use crate::door::{DoorForm, Submission};

const PRESETS: [(&str, &str); 4] = [("5.00", "$5"), ("10.00", "$10"), ("25.00", "$25"), ("100.00", "$100")];

#[component]
pub fn TopUpForms(start: Submission) -> impl IntoView {
    let fault = Signal::derive(move || start.fault());
    let is_amount = |field: Option<&str>| field == Some("amount");
    let other_fault = move || fault.get().filter(|fault| !is_amount(fault.0.field.as_deref()));
    let invalid =
        move || fault.get().is_some_and(|fault| is_amount(fault.0.field.as_deref())).then_some("true");
    view! {
        <section class="card stack" aria-labelledby="top-up-heading">
            <h2 id="top-up-heading">"Top up"</h2>
            {move || other_fault().map(|fault| view! { <Refusal fault /> })}
            <DoorForm to=start class="presets" label="Usual amounts">
                {PRESETS.map(|(amount, label)| view! {
                    <button type="submit" class="button" name="amount_usd" value=amount>{label}</button>
                })}
            </DoorForm>
            <DoorForm to=start class="stack" label="Another amount">
                <div class="field">
                    <label for="amount">"Another amount in dollars"</label>
                    <input
                        id="amount"
                        name="amount_usd"
                        type="text"
                        inputmode="decimal"
                        autocomplete="off"
                        placeholder="10.00"
                        required
                        aria-describedby="amount-hint amount-error"
                        aria-invalid=invalid
                    />
                    <p class="hint" id="amount-hint">"From $1 to $10,000. You confirm the payment on the next page."</p>
                    <div role="alert"><FieldError fault field="amount" /></div>
                </div>
                <button type="submit" class="button primary" disabled=move || start.is_pending()>"Continue to payment"</button>
            </DoorForm>
        </section>
    }
}

#[component]
pub fn TopUpList(top_ups: Vec<TopUp>) -> impl IntoView {
    let list = if top_ups.is_empty() {
        view! { <Empty title="No payments yet"><p>"Choose an amount above; it is on your balance as soon as it is paid."</p></Empty> }
            .into_any()
    } else {
        view! {
            <div class="table-wrap" role="group" aria-labelledby="payments-heading" tabindex="0">
                <table class="table">
                    <thead>
                        <tr><th scope="col">"When"</th><th scope="col">"State"</th><th scope="col" class="num">"Amount"</th></tr>
                    </thead>
                    <tbody>{top_ups.into_iter().map(|top_up| view! { <TopUpRow top_up /> }).collect_view()}</tbody>
                </table>
            </div>
        }
        .into_any()
    };
    view! {
        <section class="stack" aria-labelledby="payments-heading">
            <h2 id="payments-heading">"Payments"</h2>
            {list}
        </section>
    }
}

#[component]
fn TopUpRow(top_up: TopUp) -> impl IntoView {
    let state = match top_up.state {
        TopUpState::Paid => view! { <span class="chip good">"Paid"</span> }.into_any(),
        TopUpState::Declined => view! { <span class="chip bad">"Declined"</span> }.into_any(),
        TopUpState::Pending => view! {
            <span class="chip">"Pending"</span>
            " "
            <a href=top_up.checkout_url>"Finish paying"</a>
        }
        .into_any(),
    };
    view! {
        <tr>
            <td><Moment at=top_up.created_at /></td>
            <td>{state}</td>
            <td class="num">{top_up.amount_nanos.balance()}</td>
        </tr>
    }
}
