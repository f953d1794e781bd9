//! Adding to a balance.

use leptos::prelude::*;

use super::super::sign_in::Refusal;
use crate::components::{Field, Wrong};
use crate::door::{DoorForm, Submission};

const PRESETS: [(&str, &str); 4] = [("5.00", "$5"), ("10.00", "$10"), ("25.00", "$25"), ("100.00", "$100")];

#[component]
pub fn TopUpForms(start: Submission) -> impl IntoView {
    let fault = Signal::derive(move || start.fault());
    let other_fault = move || fault.get().filter(|fault| !fault.is_about("amount"));
    let wrong = Wrong { fault, field: "amount" };
    view! {
        <section class="card stack" aria-labelledby="top-up-heading">
            <h2 id="top-up-heading">"Top up"</h2>
            {move || other_fault().map(|fault| view! { <Refusal fault /> }.into_any())}
            <DoorForm to=start class="presets" label="Usual amounts">
                {PRESETS.map(|(amount, label)| view! {
                    <button type="submit" class="button" name="amount_usd" value=amount>{label}</button>
                }.into_any())}
            </DoorForm>
            <DoorForm to=start class="stack" label="Another amount">
                <Field
                    id="amount"
                    label="Another amount in dollars"
                    hint="From $1 to $10,000. You confirm the payment on the next page."
                    wrong
                >
                    <input
                        id="amount"
                        name="amount_usd"
                        type="text"
                        inputmode="decimal"
                        autocomplete="off"
                        placeholder="10.00"
                        required
                        aria-describedby="amount-hint amount-error"
                        aria-invalid=move || wrong.mark()
                    />
                </Field>
                <button type="submit" class="button primary" disabled=move || start.is_pending()>"Continue to payment"</button>
            </DoorForm>
        </section>
    }
}
