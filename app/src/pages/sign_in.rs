//! Signing up and signing in: pages of their own that lead back to where the visitor was.

mod fields;
mod refusal;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use leptos_router::location::Url;

use self::fields::{EmailField, FormFault, NextField, PasswordField};
pub(super) use self::refusal::Refusal;
use crate::api::auth::{SignIn, SignUp};
use crate::shell::Session;

#[component]
pub fn SignInPage() -> impl IntoView {
    let sign_in = ServerAction::<SignIn>::new();
    let fault = Signal::derive(move || sign_in.value().get().and_then(Result::err));
    view! {
        <Entrance title="Sign in" lead="Your balance, your chats and your keys are where you left them.">
            <ActionForm action=sign_in attr:class="stack">
                <FormFault fault />
                <NextField />
                <EmailField fault />
                <PasswordField fault autocomplete="current-password" />
                <SubmitButton label="Sign in" waiting="Signing in…" pending=sign_in.pending() />
            </ActionForm>
            <p class="soft">"New here? "<OtherWay href="/sign-up" label="Create an account" /></p>
        </Entrance>
    }
}

#[component]
pub fn SignUpPage() -> impl IntoView {
    let sign_up = ServerAction::<SignUp>::new();
    let fault = Signal::derive(move || sign_up.value().get().and_then(Result::err));
    view! {
        <Entrance title="Create an account" lead="It costs nothing. You pay for answers only, from a balance you fill yourself.">
            <ActionForm action=sign_up attr:class="stack">
                <FormFault fault />
                <NextField />
                <EmailField fault />
                <PasswordField
                    fault
                    autocomplete="new-password"
                    hint="At least 8 characters; 15 or more are better. A few unusual words make a good one."
                />
                <SubmitButton label="Create account" waiting="Creating your account…" pending=sign_up.pending() />
            </ActionForm>
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
    let landing = move || landing(query.read().get("next"));
    let notice = move || {
        Suspend::new(async move {
            let user = session.user.await.ok().flatten()?;
            Some(view! {
                <div class="notice" role="status">
                    <p>"You are signed in as "<b>{user.email.to_string()}</b>". "<a href=landing>"Go on"</a></p>
                </div>
            })
        })
    };
    view! { <Transition fallback=|| ()>{notice}</Transition> }
}

#[component]
fn SubmitButton(
    label: &'static str,
    waiting: &'static str,
    #[prop(into)] pending: Signal<bool>,
) -> impl IntoView {
    view! {
        <button type="submit" class="button primary" disabled=pending>
            {move || if pending.get() { waiting } else { label }}
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
