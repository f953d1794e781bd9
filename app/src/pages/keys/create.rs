//! Making a key, the one look at its secret, and how to use it.

use leptos::html;
use leptos::prelude::*;

use super::super::sign_in::Refusal;
use crate::api::keys::{CreateKey, MadeKey, ReadFirstProgram};
use crate::components::{Awaited, CopyButton, Drawing, Field, Wrong};
use crate::door::{Asked, DoorForm, Submission};

#[component]
pub fn CreateForm(create: Submission) -> impl IntoView {
    let form = NodeRef::<html::Form>::new();
    Effect::new(move || {
        if let (Some(_), Some(form)) = (create.given::<CreateKey>(), form.get_untracked()) {
            form.reset();
        }
    });
    let fault = Signal::derive(move || create.fault());
    let (name, limit) = (Wrong { fault, field: "name" }, Wrong { fault, field: "amount" });
    let other_fault =
        move || fault.get().filter(|fault| !fault.is_about("name") && !fault.is_about("amount"));
    view! {
        <section class="card stack" aria-labelledby="create-heading">
            <h2 id="create-heading">"Make a key"</h2>
            {move || other_fault().map(|fault| view! { <Refusal fault /> }.into_any())}
            <DoorForm to=create node_ref=form class="key-form">
                <Field id="name" label="Name" wrong=name>
                    <input
                        id="name"
                        name="name"
                        autocomplete="off"
                        placeholder="My notebook"
                        required
                        aria-describedby="name-error"
                        aria-invalid=move || name.mark()
                    />
                </Field>
                <Field
                    id="limit"
                    label="Limit in dollars, if any"
                    hint="All calls with this key together never cost more."
                    wrong=limit
                >
                    <input
                        id="limit"
                        name="limit_usd"
                        inputmode="decimal"
                        autocomplete="off"
                        placeholder="5.00"
                        aria-describedby="limit-hint amount-error"
                        aria-invalid=move || limit.mark()
                    />
                </Field>
                <button type="submit" class="button primary" disabled=move || create.is_pending()>"Make key"</button>
            </DoorForm>
        </section>
    }
}

#[component]
pub fn MadeNotice(made: MadeKey) -> impl IntoView {
    view! {
        <div class="notice good">
            <div class="stack">
                <p>"This is "<b>{made.name}</b>". Copy it now: it is shown this once and kept nowhere."</p>
                <p class="secret">
                    <code>{made.secret.clone()}</code>
                    <CopyButton text=made.secret />
                </p>
            </div>
        </div>
    }
}

/// The smallest program that uses a key.
#[component]
pub fn Usage() -> impl IntoView {
    let program = Asked::once(ReadFirstProgram {});
    let sample = move || async move {
        match program.read().await {
            Ok(program) => view! { <Drawing of=program /> }.into_any(),
            Err(fault) => view! { <Refusal fault /> }.into_any(),
        }
    };
    view! {
        <section class="stack" aria-labelledby="usage-heading">
            <h2 id="usage-heading">"Use it"</h2>
            <p class="soft">
                "With the "<code>"openai"</code>" package for Python; other OpenAI clients take the same two settings."
            </p>
            <Awaited what="the sample" content=sample />
        </section>
    }
}
