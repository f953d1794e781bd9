//! What stands around every page: the document, the frame, and who is looking.

mod account;
mod browser;
mod frame;
mod session;

use leptos::prelude::*;
use leptos_meta::{MetaTags, Title, provide_meta_context};

pub use self::frame::Frame;
pub use self::session::Session;
use crate::routes::Pages;

/// The look somebody chose, as their cookie tells; the server provides it before it draws a page.
#[derive(Clone, Debug)]
pub struct Theme(pub Option<String>);

/// The whole document. It is never hydrated, only [`App`] inside it is.
pub fn document(options: LeptosOptions) -> impl IntoView {
    let theme = use_context::<Theme>().and_then(|Theme(theme)| theme);
    let theme = theme.filter(|theme| theme == "light" || theme == "dark");
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta
                    name="description"
                    content="One balance for many AI models. Every price is shown before you pay, and every call has a receipt."
                />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" href="/pkg/mercato.css" />
                <HydrationScripts options />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|text| format!("{text} · Mercato") />
        <Pages />
    }
}
