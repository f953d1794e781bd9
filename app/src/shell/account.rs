//! The right end of the top bar: balance, account menu and theme.

use std::time::Duration;

use leptos::html;
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use marketplace::account::User;
use marketplace::billing::Balance;
use marketplace::money::{Nanos, group};

use super::Session;
use super::browser;
use crate::api::theme::SetTheme;
use crate::components::{Awaited, Icon, Tile};
use crate::door::{DoorForm, Submission};

#[component]
pub fn AccountBar() -> impl IntoView {
    let session = expect_context::<Session>();
    let bar = move || async move {
        let visit = session.visit.read().await.unwrap_or_default();
        view! {
            {visit.balance.map(|balance| view! { <BalancePill balance /> }.into_any())}
            {visit.user.is_none().then(|| view! {
                <a class="button quiet wide-only" href="/sign-in">"Sign in"</a>
                <a class="button primary wide-only" href="/sign-up">"Create account"</a>
            }.into_any())}
            <AccountMenu user=visit.user />
        }
        .into_any()
    };
    view! {
        <div class="account-bar">
            <Awaited content=bar />
        </div>
    }
}

/// The spendable balance. It pulses when money moved.
#[component]
fn BalancePill(balance: Balance) -> impl IntoView {
    let session = expect_context::<Session>();
    let available = move || session.live_available.get().unwrap_or(balance.available_nanos);
    let promo = (balance.promo_nanos > Nanos::ZERO)
        .then(|| format!("{} of it given by the house", balance.promo_nanos.balance()));
    let free = u64::try_from(balance.free_tokens_left).ok().filter(|left| *left > 0);
    let free = free.map(|left| format!(" + {} free", group(left)));
    let moved = RwSignal::new(false);
    Effect::new(move |before: Option<Nanos>| {
        let now = available();
        if before.is_some_and(|before| before != now) {
            moved.set(true);
            set_timeout(
                move || {
                    moved.try_set(false);
                },
                Duration::from_millis(1_200),
            );
        }
        now
    });
    view! {
        <a class="pill balance" class:moved=move || moved.get() href="/billing" title=promo>
            <span class="visually-hidden">"Balance "</span>
            <b class="num">{move || available().balance()}</b>
            <span class="soft wide-only">{free}</span>
        </a>
    }
}

#[component]
fn AccountMenu(user: Option<User>) -> impl IntoView {
    let menu = NodeRef::<html::Details>::new();
    let path = use_location().pathname;
    Effect::new(move || {
        path.track();
        if let Some(menu) = menu.get() {
            let _ = menu.remove_attribute("open");
        }
    });
    let face = match &user {
        Some(user) => view! { <Tile name=user.email.to_string() /> }.into_any(),
        None => view! { <Icon name="user" /> }.into_any(),
    };
    view! {
        <details class="menu" node_ref=menu>
            <summary>{face}<span class="visually-hidden">"Account and theme"</span></summary>
            <div class="menu-panel">
                {match user {
                    Some(user) => view! { <SignedInMenu user /> }.into_any(),
                    None => view! {
                        <a href="/sign-in"><Icon name="user" />"Sign in"</a>
                        <a href="/sign-up"><Icon name="plus" />"Create account"</a>
                    }
                    .into_any(),
                }}
                <ThemeForm />
            </div>
        </details>
    }
    .into_any()
}

#[component]
fn SignedInMenu(user: User) -> impl IntoView {
    let sign_out = expect_context::<Session>().sign_out;
    view! {
        <p class="menu-who">{user.name}<span class="soft">{user.email.to_string()}</span></p>
        <a href="/billing"><Icon name="wallet" />"Billing"</a>
        <a href="/keys"><Icon name="key-round" />"API keys"</a>
        <DoorForm to=sign_out>
            <button type="submit"><Icon name="log-out" />"Sign out"</button>
        </DoorForm>
    }
    .into_any()
}

#[component]
fn ThemeForm() -> impl IntoView {
    let set_theme = Submission::to::<SetTheme>();
    // Unknown until the page is awake: the server's markup must not depend on it.
    let chosen = RwSignal::new(None::<String>);
    Effect::new(move || chosen.set(Some(browser::chosen_theme().unwrap_or_else(|| "system".to_owned()))));
    let choice = move |theme: &'static str, label: &'static str, icon: &'static str| {
        let pressed = move || chosen.get().map(|chosen| (chosen == theme).to_string());
        let draw = move |_| {
            browser::draw_theme(theme);
            chosen.set(Some(theme.to_owned()));
        };
        view! {
            <button type="submit" name="theme" value=theme aria-pressed=pressed on:click=draw>
                <Icon name=icon />
                {label}
            </button>
        }
    };
    view! {
        <DoorForm to=set_theme class="theme-form" label="Theme">
            {choice("light", "Light", "sun")}
            {choice("dark", "Dark", "moon")}
            {choice("system", "System", "monitor")}
        </DoorForm>
    }
    .into_any()
}
