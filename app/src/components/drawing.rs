//! Markup drawn by the server.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// A part of a page that is only read. It comes from our own server, which escaped what it was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Drawn(String);

impl From<String> for Drawn {
    fn from(html: String) -> Self {
        Self(html)
    }
}

/// Stands where it is put without a box of its own.
#[component]
pub fn Drawing(of: Drawn) -> impl IntoView {
    view! { <div class="drawn" inner_html=of.0></div> }
}
