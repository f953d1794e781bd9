//! Confirming an address, asking for a new password, and choosing it: plain forms around a secret from a letter.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use marketplace::account::Email;

use super::draw;
use super::place::Place;
use crate::api::letters::{ConfirmAddress, ForgetPassword, ResetPassword};
use crate::api::sheets::Sheet;
use crate::components::{Drawn, FaultNotice, Field};

/// Looking at it changes nothing.
pub fn page(place: &Place<'_>, name: &str, title: &str) -> Sheet {
    place.page(title, "entrance", || (), Ok(sheet(name, place)))
}

fn sheet(page: &str, place: &Place<'_>) -> Drawn {
    let (done, refusal) = place.outcome();
    let token = place.asked("token").map(str::to_owned);
    let sends_letters = place.caller.engine.sends_letters();
    draw(|| {
        let content = match (page, done.is_some(), token) {
            ("confirm", true, _) => view! { <Confirmed /> }.into_any(),
            ("confirm", false, Some(token)) => view! { <ConfirmForm token /> }.into_any(),
            ("reset", true, _) => view! { <Changed /> }.into_any(),
            ("reset", false, Some(token)) => view! { <PasswordForm token /> }.into_any(),
            ("forgot", true, _) => view! { <Underway /> }.into_any(),
            ("forgot", false, _) if sends_letters => view! { <AddressForm /> }.into_any(),
            ("forgot", false, _) => view! {
                <p>"This market sends no letters. Its operator has to help you."</p>
            }
            .into_any(),
            _ => view! { <p>"This page needs the link from a letter. Open that link again, whole."</p> }
                .into_any(),
        };
        view! {
            {refusal.map(|fault| view! { <FaultNotice fault /> })}
            <div class="card stack">{content}</div>
        }
    })
}

#[component]
fn ConfirmForm(token: String) -> impl IntoView {
    view! {
        <p>"One press, and this address is known to be yours. From then on free tokens are given to you each month."</p>
        <form action=ConfirmAddress::PATH method="post">
            <input type="hidden" name="token" value=token />
            <button type="submit" class="button primary">"Confirm my address"</button>
        </form>
    }
}

#[component]
fn Confirmed() -> impl IntoView {
    view! {
        <p role="status"><span class="chip good">"Confirmed"</span>" Your address is known to be yours. Free tokens are given to you each month."</p>
        <p class="cluster">
            <a class="button primary" href="/chat">"Chat on free tokens"</a>
            <a class="button" href="/billing">"See what you have"</a>
        </p>
    }
}

#[component]
fn AddressForm() -> impl IntoView {
    view! {
        <p>"Say which address you signed up with. A letter there lets you choose a new password."</p>
        <form action=ForgetPassword::PATH method="post" class="stack">
            <Field id="email" label="E-mail">
                <input
                    id="email" name="email" type="email" autocomplete="username"
                    maxlength=Email::LENGTH_MAX.to_string() required
                />
            </Field>
            <button type="submit" class="button primary">"Send the letter"</button>
        </form>
        <p class="soft">"Remembered it? "<a href="/sign-in">"Sign in"</a></p>
    }
}

/// Whether anybody has the address is nobody else's business.
#[component]
fn Underway() -> impl IntoView {
    view! {
        <p role="status">
            "If somebody has an account with this address, a letter is on its way. Its link works once, within 30 minutes."
        </p>
        <p class="soft">"Nothing came? "<a href="/forgot">"Ask again"</a></p>
    }
}

#[component]
fn PasswordForm(token: String) -> impl IntoView {
    view! {
        <form action=ResetPassword::PATH method="post" class="stack">
            <input type="hidden" name="token" value=token />
            <Field
                id="password"
                label="New password"
                hint="At least 8 characters; 15 or more are better. You are signed out everywhere."
            >
                <input
                    id="password" name="password" type="password" autocomplete="new-password" required
                    aria-describedby="password-hint"
                />
            </Field>
            <button type="submit" class="button primary">"Change the password"</button>
        </form>
    }
}

#[component]
fn Changed() -> impl IntoView {
    view! {
        <p role="status"><span class="chip good">"Changed"</span>" Your password is the new one, and every session has ended."</p>
        <p><a class="button primary" href="/sign-in">"Sign in"</a></p>
    }
}
