//! Signing up and signing in: pages of their own that lead back to where the visitor was.

mod fields;
mod refusal;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use leptos_router::location::Url;

use self::fields::{EmailField, FormFault, NextField, PasswordField};
pub use self::refusal::{Refusal, refusal};
use crate::api::auth::{SignIn, SignUp};
use crate::components::Awaited;
use crate::door::{DoorForm, Submission};
use crate::shell::Session;

#[component]
pub fn SignInPage() -> impl IntoView {
    let sign_in = Submission::to::<SignIn>();
    let fault = Signal::derive(move || sign_in.fault());
    view! {
        <Entrance title="Sign in" lead="Your balance, your chats and your keys are where you left them.">
            <DoorForm to=sign_in class="stack">
                <FormFault fault />
                <NextField />
                <EmailField fault />
                <PasswordField fault autocomplete="current-password" />
                <SubmitButton label="Sign in" waiting="Signing in…" form=sign_in />
            </DoorForm>
            <p class="soft">
                "New here? "<OtherWay href="/sign-up" label="Create an account" />" · "
                <a href="/forgot">"Forgotten your password?"</a>
            </p>
        </Entrance>
    }
}

#[component]
pub fn SignUpPage() -> impl IntoView {
    let sign_up = Submission::to::<SignUp>();
    let fault = Signal::derive(move || sign_up.fault());
    view! {
        <Entrance title="Create an account" lead="It costs nothing. You pay for answers only, from a balance you fill yourself.">
            <DoorForm to=sign_up class="stack">
                <FormFault fault />
                <NextField />
                <EmailField fault />
                <PasswordField
                    fault
                    autocomplete="new-password"
                    hint="At least 8 characters; 15 or more are better. A few unusual words make a good one."
                />
                <SubmitButton label="Create account" waiting="Creating your account…" form=sign_up />
            </DoorForm>
            <p class="soft">"Been here before? "<OtherWay href="/sign-in" label="Sign in" /></p>
        </Entrance>
    }
}

#[component]
fn Entrance(title: &'static str, lead: &'static str, children: Children) -> impl IntoView {
    view! {
        <Title text=title />
        <div class="page entrance">
            <div class="page-head">
                <h1>{title}</h1>
                <p class="soft">{lead}</p>
            </div>
            <AlreadySignedIn />
            <div class="card stack">{children()}</div>
        </div>
    }
}

#[component]
fn AlreadySignedIn() -> impl IntoView {
    let session = expect_context::<Session>();
    let query = use_query_map();
    let notice = move || async move {
        let user = session.visit.read().await.ok().and_then(|visit| visit.user);
        let landing = landing(query.read_untracked().get("next"));
        user.map(|user| {
            view! {
                <div class="notice" role="status">
                    <p>"You are signed in as "<b>{user.email.to_string()}</b>". "<a href=landing>"Go on"</a></p>
                </div>
            }.into_any()
        })
        .into_any()
    };
    view! { <Awaited content=notice /> }
}

#[component]
fn SubmitButton(label: &'static str, waiting: &'static str, form: Submission) -> impl IntoView {
    view! {
        <button type="submit" class="button primary" disabled=move || form.is_pending()>
            {move || if form.is_pending() { waiting } else { label }}
        </button>
    }
}

/// The way to the other form, which leads to the same place in the end.
#[component]
fn OtherWay(href: &'static str, label: &'static str) -> impl IntoView {
    let query = use_query_map();
    let href = move || match query.read().get("next") {
        Some(next) => format!("{href}?next={}", Url::escape(&next)),
        None => href.to_owned(),
    };
    view! { <a href=href>{label}</a> }
}

/// Where a visitor goes on to: a page of ours, whatever the address says.
fn landing(next: Option<String>) -> String {
    next.filter(|next| next.starts_with('/') && !next.starts_with("//") && !next.contains('\\'))
        .unwrap_or_else(|| "/chat".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitor_is_never_led_to_another_site() {
        for next in ["https://example.org", "//example.org", "/\\example.org", "javascript:alert(1)", ""] {
            assert_eq!(landing(Some(next.to_owned())), "/chat", "{next:?} was followed");
        }
        assert_eq!(landing(Some("/billing".to_owned())), "/billing");
    }
}
