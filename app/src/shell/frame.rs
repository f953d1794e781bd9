//! The frame of every page: skip link, banner, top bar, footer, and the bottom bar of small screens.

use leptos::prelude::*;
use leptos_router::components::A;
use marketplace::account::Role;

use super::Session;
use super::account::AccountBar;
use super::browser;
use crate::api::books::ReadBooksLine;
use crate::api::models::ReadDemo;
use crate::components::{AddressForm, Awaited, Drawing, Icon};
use crate::door::Asked;

#[component]
pub fn Frame(children: Children) -> impl IntoView {
    Session::provide();
    Effect::new(|| {
        browser::focus_search_on_slash();
        crate::browser::answer_buttons();
        crate::browser::suggest_models();
        browser::mark_hydrated();
    });
    view! {
        <a class="skip-link" href="#content">"Skip to content"</a>
        <DemoBanner />
        <header class="top-bar">
            <a class="mark" href="/" aria-label="Mercato, home">"Mercato"<b>"."</b></a>
            <MainNav />
            <SiteSearch />
            <AccountBar />
        </header>
        <main id="content" tabindex="-1">{children()}</main>
        <Footer />
        <BottomBar />
    }
}

#[component]
fn DemoBanner() -> impl IntoView {
    let demo = Asked::once(ReadDemo {});
    let banner = move || async move {
        let is_demo = demo.read().await == Ok(true);
        is_demo
            .then(|| {
                view! {
                    <aside class="demo-banner" aria-label="Demo mode">
                        <p>"Demo mode: answers are simulated; the prices, ledger and API are real."</p>
                    </aside>
                }
                .into_any()
            })
            .into_any()
    };
    view! { <Awaited content=banner /> }
}

#[component]
fn MainNav() -> impl IntoView {
    let session = expect_context::<Session>();
    let own = move || async move {
        let user = session.visit.read().await.ok().and_then(|visit| visit.user);
        let is_operator = user.as_ref().is_some_and(|user| user.role != Role::User);
        view! {
            {user.is_some().then(|| view! { <A href="/billing">"Billing"</A><A href="/keys">"Keys"</A> }.into_any())}
            {is_operator.then(|| view! { <A href="/admin">"Admin"</A> }.into_any())}
        }
        .into_any()
    };
    view! {
        <nav class="main-nav" aria-label="Main">
            <A href="/models">"Models"</A>
            <A href="/compare">"Compare"</A>
            <A href="/chat">"Chat"</A>
            <A href="/docs">"Docs"</A>
            <Awaited content=own />
        </nav>
    }
    .into_any()
}

#[component]
fn SiteSearch() -> impl IntoView {
    view! {
        <search class="site-search">
            <AddressForm action="/models".to_owned()>
                <label>
                    <span class="visually-hidden">"Search models"</span>
                    <Icon name="search" />
                    <input type="search" name="q" placeholder="Search models" aria-keyshortcuts="/" autocomplete="off" />
                </label>
                <kbd class="scripted" aria-hidden="true">"/"</kbd>
            </AddressForm>
        </search>
    }
    .into_any()
}

#[component]
fn Footer() -> impl IntoView {
    view! {
        <footer class="site-footer">
            <p>"Mercato sells answers of AI models by the token. Prices include a fee of 30 % of what you pay."</p>
            <BooksLine />
            <nav aria-label="Footer">
                <a href="/models">"Models and prices"</a>
                <a href="/recommend">"Which model for what"</a>
                <a href="/pricing">"Pricing"</a>
                <a href="/chat">"Chat"</a>
                <a href="/billing">"Billing"</a>
                <a href="/keys">"API keys"</a>
                <a href="/docs">"Docs"</a>
                <a href="/status">"Status"</a>
                <a href="/statements/verify">"Check a statement"</a>
            </nav>
        </footer>
    }
    .into_any()
}

/// Whether the books balance, and since when that is known.
#[component]
fn BooksLine() -> impl IntoView {
    let books = Asked::once(ReadBooksLine {});
    let line = move || async move {
        books.read().await.ok().map(|line| view! { <Drawing of=line /> }.into_any()).into_any()
    };
    view! { <Awaited content=line /> }
}

#[component]
fn BottomBar() -> impl IntoView {
    view! {
        <nav class="bottom-bar" aria-label="Places">
            <A href="/models"><Icon name="layers" />"Models"</A>
            <A href="/chat"><Icon name="messages-square" />"Chat"</A>
            <A href="/billing"><Icon name="wallet" />"Billing"</A>
            <A href="/keys"><Icon name="key-round" />"Keys"</A>
        </nav>
    }
    .into_any()
}
