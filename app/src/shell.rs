//! What stands around every page: the document, the frame, and who is looking.

mod account;
mod browser;
mod frame;
mod session;

use leptos::html::meta;
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::{MetaTags, Title, provide_meta_context};

pub use self::frame::Frame;
pub use self::session::Session;
use crate::routes::Pages;

/// The look somebody chose, as their cookie tells; the server provides it before it draws a page.
#[derive(Clone, Debug)]
pub struct Theme(pub Option<String>);

/// What is told of a page to those who link to it; the server provides it before it draws one that anybody may find.
#[derive(Clone, Debug)]
pub struct Preview {
    pub title: String,
    pub description: String,
    pub address: String,
}

/// The page is read first: what wakes it is fetched when all of it has been shown, and begins as a task of its own, so that
/// whatever somebody does meanwhile is answered before. The first paint may be of the first bytes only; the frame after this
/// script, which runs when the last have come, is of all. In a tab that nobody looks at nothing is painted.
const WAKE: &str = include_str!("shell/wake.js");

/// The whole document. It is never hydrated, only [`App`] inside it is.
pub fn document() -> impl IntoView {
    let theme = use_context::<Theme>().and_then(|Theme(theme)| theme);
    let theme = theme.filter(|theme| theme == "light" || theme == "dark");
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                {preview(use_context::<Preview>())}
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" href="/pkg/mercato.css" />
                <script type="module" nonce=use_nonce() inner_html=WAKE></script>
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

fn preview(preview: Option<Preview>) -> impl IntoView {
    preview.map(|Preview { title, description, address }| {
        let card = [
            ("og:type", "website".to_owned()),
            ("og:site_name", "Mercato".to_owned()),
            ("og:title", title),
            ("og:description", description.clone()),
            ("og:url", address.clone()),
        ];
        // The markup of pages knows no such attribute.
        let card = card.map(|(property, content)| meta().attr("property", property).content(content));
        view! {
            <meta name="description" content=description />
            <link rel="canonical" href=address />
            {card.into_iter().collect_view()}
            <meta name="twitter:card" content="summary" />
        }
    })
}

#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|text| format!("{text} · Mercato") />
        <Pages />
    }
}
